"""Chips as a campaign's programs reach them."""

from __future__ import annotations

import pytest

from conformance.campaign.failures import FAILURES
from conformance.campaign.links import Slot
from conformance.campaign.seams import Seams, Strike
from conformance.failures import BenchError
from conformance.targets.in_process import fresh_chip
from profiles import load

DEBIT = bytes.fromhex("00A4040008A00000033301010100")
VERIFY = bytes.fromhex("0020008008 26999999FFFFFFFF")


@pytest.mark.parametrize("failure", ["power-cut-before", "power-cut-after", "power-cut-inside"])
def test_a_chip_whose_supply_was_cut_is_mute_until_its_reset(failure: str) -> None:
    seams = Seams([Strike(FAILURES[failure], 2, int(failure == "power-cut-inside"))])
    slot = Slot(seams, fresh_chip(load("debit")))
    atr = slot.reset()
    seams.armed = True
    selected = slot.transmit(DEBIT)
    for _ in range(2):
        with pytest.raises(BenchError):
            slot.transmit(VERIFY)
    assert [strike.failure.name for strike, _ in seams.struck] == [failure]
    assert len(seams.places) == 2
    assert slot.reset() == atr
    assert slot.transmit(DEBIT) == selected
