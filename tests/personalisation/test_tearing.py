"""Loss of power at every write of a personalisation: the chip begins anew, or is issued as a whole; never anything between."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.actors.bank.personaliser import ChipLostError
from conformance.failures import BenchError
from conformance.targets.in_process import cut_supply_at
from emulator.cos.memory import PowerLoss

from .bench import AID, chip, issued, personalise

SELECT = bytes.fromhex("00A40400") + bytes((len(AID),)) + AID + b"\x00"
TRANSACTIONS = ("80A8000002830000", "80CA9F3600", "00B2010C00")


class Torn:
    """A link to a chip whose supply failed: from then on nobody answers."""

    def __init__(self, target) -> None:
        self.target = target

    def transmit(self, command: bytes) -> bytes:
        try:
            return self.target.card.transmit(command)
        except PowerLoss:
            raise BenchError("the supply failed") from None


def without_session(cells):
    return {name: value for name, value in cells.items() if not name.startswith("personalisation sequence")}


def torn_at(target, product, write) -> bool:
    """Personalise until the supply fails at a write; whether it came to an end before."""
    with cut_supply_at(target.card, write) as cut, contextlib.suppress(ChipLostError):
        personalise(Torn(target), product)
    return not cut.happened


def is_issued(target) -> bool:
    """What the chip says after power came back; a chip under personalisation gives and takes nothing."""
    target.card.reset()
    assert target.card.transmit(SELECT)[-2:] == b"\x90\x00"
    known = target.card.transmit(bytes.fromhex("8050000008A1A2A3A4A5A6A7A800"))[-2:] == b"\x90\x00"
    if known:
        target.card.transmit(SELECT)
        for command in TRANSACTIONS:
            assert target.card.transmit(bytes.fromhex(command)).hex() in ("6985", "6d00")
        assert target.card.transmit(bytes.fromhex("80E2800000")).hex() == "6985"
    return not known


@pytest.mark.slow
@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_every_write(product):
    target = chip(product)
    fresh = target.card.snapshot()
    whole = without_session(issued(product).card.memory.cells)
    outcomes, write = [], 0
    while not outcomes or outcomes[-1] != "ended":
        write += 1
        target.card.restore(fresh)
        target.card.reset()
        ended = torn_at(target, product, write)
        done = is_issued(target)
        outcomes.append("ended" if ended else "issued" if done else "open")
        if done:
            assert without_session(target.card.memory.cells) == whole
        else:
            assert not ended
            personalise(target, product)
            assert is_issued(target)
            assert without_session(target.card.memory.cells) == whole
    assert outcomes.index("ended") == len(outcomes) - 1
    assert outcomes == sorted(outcomes, key=["open", "issued", "ended"].index)
    assert {"open", "issued"} <= set(outcomes)
    assert write > 100


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 200), max_size=6))
def test_any_number_of_losses(writes):
    target = chip()
    whole = without_session(issued().card.memory.cells)
    for write in writes:
        if torn_at(target, "debit", write):
            break
        if is_issued(target):
            break
    else:
        personalise(target)
    assert is_issued(target)
    assert without_session(target.card.memory.cells) == whole


def test_a_card_in_an_image_file(tmp_path):
    """A chip in a file, begun by one program and ended by the next."""
    from conformance.targets.in_process import InProcessTarget
    from emulator import load_card

    image = tmp_path / "card.img"
    first = InProcessTarget(load_card("debit-blank", image))
    first.connect()
    assert not torn_at(first, "debit", 60)
    first.close()
    second = InProcessTarget(load_card("debit-blank", image))
    second.connect()
    assert not is_issued(second)
    personalise(second)
    second.close()
    third = InProcessTarget(load_card("debit-blank", image))
    third.connect()
    assert is_issued(third)
    assert third.transmit(SELECT)[-2:] == b"\x90\x00"
    assert third.transmit(bytes.fromhex("80E2000001FF")).hex() == "6e00"
