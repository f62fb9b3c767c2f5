"""The counter that opens the sectors of a card: what a gate can do before and after, wrong PINs, a card that is lost."""

from datetime import datetime

import pytest

from conformance.actors.bank import Bank, IssuerKeys
from conformance.actors.sector import Passage, SectorRecord, Trip, sector_keys
from conformance.actors.terminal import Gate, Purchase, Reason
from conformance.actors.terminal.ending import Ended
from conformance.actors.terminal.opening import SectorCounter
from conformance.failures import BenchError
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load

PAN, SEQUENCE, PIN = "6214988660100000304", "01", "246813"
METRO, BUS, PARKING, TRIPS = 0x15, 0x16, 0x18, 0x1E
OPENED = (METRO, BUS, PARKING, TRIPS)
APPEND = 0xE2


class Counter:
    """A card of the product on which no operator has opened a record, and its bank."""

    def __init__(self, product="debit-dual"):
        self.profile = load(product)
        content = self.profile.content
        closed = {name: {} for name, file in self.profile.directory["DEBIT"].file.items() if file.extended}
        unopened = {**content, "DEBIT": {**content["DEBIT"], **closed}}
        self.target = InProcessTarget(load_card(self.profile.model_copy(update={"content": unopened})))
        self.target.connect()
        self.bank = Bank(*IssuerKeys.of_profile(self.profile))
        self.bank.open_account(PAN, SEQUENCE, balance=500_000, e_cash=20_000, pin=PIN)
        self.lost_at = None
        self.appended = 0

    def transmit(self, command):
        answer = self.target.transmit(command)
        self.appended += command[1] == APPEND
        if self.appended == self.lost_at:
            raise BenchError("the card is gone")
        return answer

    def open(self, pin=PIN, **more):
        self.target.reset()
        return SectorCounter(self, self.bank, self.profile, "DEBIT", pin=pin, **more).run()

    def ride(self):
        self.target.switch(Interface.CONTACTLESS)
        gate = Gate(self.target, dict(sector_keys(self.profile, "DEBIT")))
        reasons = []
        for passage, amount in ((Passage.ENTRY, 0), (Passage.EXIT, 400)):
            result = gate.run(passage, Purchase(amount, when=datetime(2026, 11, 26, 12, 0).astimezone()))
            reasons.append((result.reason, result.detail))
            self.target.reset()
        self.target.switch(Interface.CONTACT)
        return reasons

    def records(self, file):
        return self.target.card.memory.cells[f"file:DEBIT/{file}"]


@pytest.fixture(params=["debit", "debit-sm", "debit-dual"])
def counter(request):
    return Counter(request.param)


def test_a_gate_admits_a_card_whose_sectors_were_opened_and_no_other(counter):
    """Row PAY-CAP-014 from the operator's side."""
    refused = counter.ride()
    assert [reason for reason, _ in refused] == [Reason.NOT_ADMITTED] * 2
    opening = counter.open()
    assert (opening.opened, opening.missing) == (OPENED, ())
    assert opening.transaction.reason is Reason.APPROVED_ONLINE
    record = SectorRecord.parse(counter.records("METRO")[0])
    assert (record.identifier.hex(), record.kind, record.valid, record.lock) == ("0101", 1, 1, 0)
    assert Trip.parse(record.data) == Trip(False, "5000", "0001")
    assert SectorRecord.parse(counter.records("PARKING")[0]).kind == 2
    assert counter.ride() == [(Reason.APPROVED_OFFLINE, "")] * 2


def test_a_card_that_has_everything_is_left_alone(counter):
    counter.open()
    before = [counter.records(name) for name in ("METRO", "BUS", "PARKING", "TRIPS")]
    counter.appended = 0
    again = counter.open()
    assert (again.opened, again.missing, again.transaction) == ((), (), None)
    assert counter.appended == 0
    assert [counter.records(name) for name in ("METRO", "BUS", "PARKING", "TRIPS")] == before


def test_nothing_is_ordered_for_a_holder_who_does_not_know_the_pin(counter):
    refused = counter.open("111111")
    assert (refused.opened, refused.missing) == ((), OPENED)
    assert refused.transaction.response_code == "55"
    assert counter.bank.ledger.scripts(PAN, SEQUENCE) == []
    assert counter.open().missing == ()


@pytest.mark.parametrize("lost_at", [1, 2, 4])
def test_a_card_that_is_lost_under_the_scripts_is_opened_once_by_the_next_visit(counter, lost_at):
    """The card has executed the script, and nobody heard it."""
    counter.lost_at = lost_at
    lost = counter.open()
    assert (lost.lost, lost.opened, lost.missing) == (True, (), OPENED)
    counter.lost_at = None
    assert counter.open().missing == ()
    assert [len(counter.records(name)) for name in ("METRO", "BUS", "PARKING", "TRIPS")] == [1, 1, 1, 1]
    assert counter.ride() == [(Reason.APPROVED_OFFLINE, "")] * 2
    assert counter.bank.ledger.waiting(PAN, SEQUENCE) == []


def test_another_card_than_the_expected_one_gets_nothing():
    counter = Counter()
    with pytest.raises(Ended) as caught:
        counter.open(expected_account="999999")
    assert caught.value.reason is Reason.OTHER_CARD
    assert counter.records("METRO") == ()
