"""How a fault is planted into a flow: what its factories make is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault of a flow's actors.

    Attributes:
        flow: The flow that it is planted into.
        rules: The rules that it breaks.
        zh, en: What is wrong.
        change: Plants it.
        rows: The requirements on systems that it breaks.
    """

    flow: str
    rules: tuple[int, ...]
    zh: str
    en: str
    change: Callable[[Any], None]
    rows: tuple[str, ...] = ()


def when_opened(flow: Any, factory: str, change: Callable[[Any], None]) -> None:
    """Change every object that a factory of the flow makes."""
    make = getattr(flow, factory)

    def changed(*arguments: Any, **more: Any) -> Any:
        made = make(*arguments, **more)
        change(made)
        return made

    vars(flow)[factory] = changed


def override(thing: Any, name: str, method: Callable[..., Any]) -> None:
    """Another method; it gets the real one first."""
    real = getattr(thing, name)
    vars(thing)[name] = lambda *arguments, **more: method(real, *arguments, **more)
