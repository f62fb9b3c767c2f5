"""Chips in slots, in process and in PC/SC readers: through contacts and antenna, pulled out and put back."""

import pytest

from conformance.failures import BenchError
from conformance.targets.base import Interface
from conformance.targets.in_process import fresh_chip
from conformance.targets.slots import ReaderSlots, Slots
from profiles import load

PSE = bytes.fromhex("00A404000E315041592E5359532E444446303100")
PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
DEBIT, COUNTER = bytes.fromhex("00A4040008A00000033301010100"), bytes.fromhex("80CA9F3600")
CONTACTS, ANTENNA = "3B", "3B8D8001"


@pytest.fixture(params=[Slots, pytest.param(lambda: ReaderSlots(4), marks=pytest.mark.pcsc)], ids=["process", "PC/SC"])
def slots(request):
    with request.param() as found:
        yield found


def test_a_chip_with_antenna_lies_in_a_field_beside_its_contacts(slots):
    card, other = slots.put(fresh_chip(load("ssc3-sm4")), antenna=True), slots.put(fresh_chip(load("debit")))
    contacts = card.reset().hex().upper()
    assert card.transmit(PPSE)[-2:] == bytes.fromhex("6A82")  # the environment of the antenna alone
    antenna = card.switch(Interface.CONTACTLESS).hex().upper()
    assert antenna.startswith(ANTENNA)
    assert contacts.startswith(CONTACTS)
    assert not contacts.startswith(ANTENNA)
    assert card.transmit(PPSE)[-2:] == bytes.fromhex("9000")
    assert other.transmit(PSE)[-2:] == bytes.fromhex("9000")
    assert card.switch(Interface.CONTACT).hex().upper() == contacts


def test_a_chip_that_was_pulled_out_forgets_its_session_and_comes_back(slots):
    card, other = slots.put(fresh_chip(load("ssc3-sm4")), antenna=True), slots.put(fresh_chip(load("debit")))
    atr = card.reset()
    selected = card.transmit(PSE)
    slots.pull(card)
    assert other.transmit(PSE)[-2:] == bytes.fromhex("9000")
    slots.push(card)
    assert card.reset() == atr
    assert card.transmit(PSE) == selected
    card.switch(Interface.CONTACTLESS)
    assert card.transmit(PPSE)[-2:] == bytes.fromhex("9000")


def test_a_chip_that_is_pulled_out_in_process_has_forgotten_what_was_selected():
    slots = Slots()
    card = slots.put(fresh_chip(load("debit")))
    assert card.transmit(DEBIT)[-2:] == card.transmit(COUNTER)[-2:] == bytes.fromhex("9000")
    slots.pull(card)
    assert card.transmit(COUNTER)[-2:] != bytes.fromhex("9000")


@pytest.mark.pcsc
def test_a_chip_that_is_out_of_its_reader_answers_nothing():
    with ReaderSlots(2) as slots:
        card = slots.put(fresh_chip(load("ssc3-sm4")), antenna=True)
        slots.pull(card)
        with pytest.raises(BenchError):
            card.transmit(PSE)


@pytest.mark.pcsc
def test_there_are_no_more_slots_than_were_asked_for():
    with ReaderSlots(2) as slots:
        slots.put(fresh_chip(load("ssc3-sm4")), antenna=True)
        with pytest.raises(BenchError, match="no slot 2"):
            slots.put(fresh_chip(load("debit")))
