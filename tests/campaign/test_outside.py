"""What the outside says of a chip is what the chip shows, and changes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.campaign import trial
from conformance.campaign.flows.persons import A
from conformance.campaign.outside.certificates import certified_names
from conformance.campaign.outside.social import SocialCard
from conformance.campaign.trial import Spec
from conformance.campaign.workers import known_flow
from conformance.campaign.world import Chip, World
from conformance.targets.in_process import chip_of

Cells = dict[str, Any]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Chip:
    """A card that a station issued."""
    chips: list[Chip] = []

    def keep(moment: str, world: World) -> None:
        if moment == "after":
            chips.append(world.chips["chip 1"])

    trial.run_trial(known_flow("issue", ""), Spec("issue"), tmp_path_factory.mktemp("issue"), keep)
    return chips[0]


def flipped(name: str, at: int) -> Callable[[Cells], None]:
    def flip(cells: Cells) -> None:
        content = cells[name]
        cells[name] = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return flip


def without(name: str) -> Callable[[Cells], None]:
    def remove(cells: Cells) -> None:
        cells[name] = bytes(len(cells[name]))

    return remove


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda cells: None, (A.name, A.name)),
        (flipped("file:CERT/SIGNCERT", 300), ("", A.name)),
        (flipped("file:CERT/ENCCERT", 440), (A.name, "")),
        (without("file:CERT/ENCCERT"), (A.name, "")),
        (flipped("file:CERT/SIGNPUB", 20), ("", A.name)),
    ],
)
def test_certificates_are_the_holder_s_where_authority_and_keys_stand_behind_them(
    issued: Chip, change: Callable[[Cells], None], names: tuple[str, str]
) -> None:
    cells = dict(issued.target.snapshot())
    change(cells)
    assert certified_names(SocialCard(chip_of(cells), issued.product)) == names
