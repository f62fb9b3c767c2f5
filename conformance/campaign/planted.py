"""Faults planted into flows, by which the rules show that they can break: no campaign is believed that finds none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.campaign.world import Flow


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault of a flow's actors.

    Attributes:
        flow: The flow that it is planted into.
        rules: The rules that it breaks.
        zh, en: What is wrong.
        change: Plants it.
    """

    flow: str
    rules: tuple[int, ...]
    zh: str
    en: str
    change: Callable[[Any], None]


PLANTED: Mapping[str, Planted] = {}


def plant(flow: Flow, name: str) -> None:
    """Plant a fault into a flow; KeyError for an unknown one, ValueError for one of another flow."""
    planted = PLANTED[name]
    if planted.flow != flow.name:
        raise ValueError(f"{name} is a fault of the flow {planted.flow}")
    planted.change(flow)
