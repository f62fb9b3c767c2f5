"""The same-number upgrade 同号升级 from end to end: what the new card can do, what stays, who is refused."""

from datetime import datetime

import pytest

from conformance.actors.bank import Booking, Outcome
from conformance.actors.medical.line import Line
from conformance.actors.medical.messages import CardState, Refusal
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Visit
from conformance.actors.station import Ending, Journal, Kind, Step
from conformance.actors.terminal import Reason
from conformance.demo import scene
from conformance.failures import BenchError
from profiles import load
from tests.flows.world import BANK_PIN, NEW_PIN, PAN, World


@pytest.fixture(scope="module")
def upgraded():
    """A whole card: wages come and a bill is due while it is made."""
    world = World(load("ssc3-sm4"))
    world.before = world.centre.inquire(scene.IDENTITY)
    world.booked = []

    def meanwhile(told):
        agreements = world.bank.agreements
        if told.step is Step.PERSONALISE and not told.done:
            world.booked += [agreements.credit("WAGES-11", "PAY-1", PAN, 800_000) for _ in range(2)]
        if told.step is Step.ACTIVATE:
            world.booked += [agreements.debit("GAS-11", "GAS-1", PAN, 12_345)]

    world.outcome = world.issue(world.station(meanwhile))
    return world


@pytest.mark.requirement("SSC-ISS-008")
def test_the_new_chip_shows_the_old_number_and_the_next_sequence_number(upgraded):
    upgraded.completed(upgraded.outcome)
    paid = upgraded.pay(upgraded.new)
    assert (paid.account_number, paid.sequence_number, paid.expiry.hex()) == (PAN, "02", "360131")
    assert upgraded.states() == {"01": "switched off", "02": "active"}


def test_what_came_in_the_middle_is_booked_once(upgraded):
    assert set(upgraded.booked) == {Booking.BOOKED}
    books = upgraded.bank.ledger.balances()
    assert books["agreement PAY-1"] == -800_000
    assert books["agreement GAS-1"] == 12_345
    assert upgraded.bank.agreements.of_account(scene.ACCOUNT) == upgraded.agreements


def test_e_cash_of_the_old_card_went_back_once(upgraded):
    books = upgraded.bank.ledger.balances()
    assert books[f"e-cash {PAN} 01"] == 0
    entries = upgraded.bank.ledger.all("SELECT amount FROM entry WHERE reason = 'e-cash returned'")
    assert [row["amount"] for row in entries] == [scene.E_CASH]


def test_the_old_chip_is_refused_and_blocked(upgraded):
    assert upgraded.pay(upgraded.old).reason is Reason.NO_APPLICATION
    assert upgraded.bank.ledger.scripts(PAN, "01") == [("APPLICATION BLOCK", "executed")]


def test_social_security_begins_with_the_new_card(upgraded):
    assert upgraded.before is None
    card = upgraded.outcome.returned.card
    assert upgraded.centre.inquire_by_card(card).account.person == scene.IDENTITY
    assert upgraded.centre.inquire_by_card("F" * 32).refusal is Refusal.UNKNOWN_CARD
    terminal = HospitalTerminal(upgraded.reader(), Line(upgraded.centre))
    assert terminal.settle(Visit("V1", 20_000, None, when=datetime(2026, 3, 1, 10, 0))).outcome.good


def test_the_data_return_names_the_number_masked(upgraded):
    returned = upgraded.outcome.returned
    assert returned.bank_number == f"{PAN[:6]}*********{PAN[-4:]} 02"
    text = "\n".join(upgraded.journal._base.iterdump())
    for secret in (PAN, BANK_PIN, NEW_PIN, scene.IDENTITY, scene.NAME):
        assert secret not in text


def test_the_same_request_again_touches_nothing(upgraded):
    books = upgraded.bank.ledger.balances()
    again = upgraded.issue(link=None, old=None)
    assert (again.ending, again.returned) == (Ending.COMPLETED, upgraded.outcome.returned)
    assert upgraded.bank.ledger.balances() == books


# Refused before anything is changed


def refused(world, *, chip_free=True, **changes):
    fresh = world.new.card.snapshot()
    outcome = world.issue(**changes)
    assert outcome.ending is Ending.REFUSED, outcome
    assert world.new.card.snapshot() == fresh
    world.as_before()
    if chip_free:
        world.order = scene.order("CQ-2", Kind.UPGRADE)
        world.completed(world.issue())
    return outcome


def test_without_the_old_card_no_upgrade_begins():
    refused(World(), old=None)


def test_an_upgrade_of_a_lost_card_is_none():
    world = World()
    world.order = scene.order("CQ-1", Kind.UPGRADE, old_card="lost")
    refused(world)


def test_a_chip_that_is_not_blank_serves_no_upgrade():
    world = World()
    assert world.issue(link=world.old).ending is Ending.REFUSED
    world.as_before()


def test_another_number_than_that_of_the_order():
    world = World()
    world.order = scene.order("CQ-1", Kind.UPGRADE, account_number="6214980000000002233")
    assert "another account number" in refused(world).en


def test_the_account_of_another_person():
    world = World()
    other = {"social security number": "500000198001010011", "date of birth": "19800101", "sex": "1", "name": "样例甲"}
    world.order = scene.order("CQ-1", Kind.UPGRADE, **other)
    outcome = world.issue()
    assert outcome.ending is Ending.REFUSED
    assert "another person" in outcome.en
    world.as_before()


def test_a_card_that_the_bank_refuses():
    world = World()
    world.bank.cards.report_lost("L", PAN)
    assert "41" in world.issue().en
    world.bank.cards.found("G", PAN)
    world.as_before()


def test_a_person_with_a_social_security_card_is_not_upgraded():
    world = World()
    world.centre.insure(scene.IDENTITY, scene.NAME)
    world.centre.register("F" * 32, scene.IDENTITY, bytes(13), CardState.NORMAL)
    assert world.issue().ending is Ending.REFUSED
    assert world.register() == ["NORMAL"]
    assert world.pay(world.old).approved


# Interrupted, and gone on with


def test_a_wrong_pin_is_asked_for_again():
    world = World()
    outcome = world.issue(old=world.held(world.old, "000000"))
    assert outcome.ending is Ending.INTERRUPTED
    assert "PIN" in outcome.en
    world.completed(world.resume())


@pytest.mark.parametrize("pin", [None, "12"])
def test_what_is_no_pin_is_asked_for_again(pin):
    world = World()
    outcome = world.issue(old=world.held(world.old, pin))
    assert outcome.ending is Ending.INTERRUPTED
    assert "entered no PIN" in outcome.en
    world.completed(world.resume())


def test_an_old_card_that_is_taken_away_after_the_switch_is_blocked_when_it_shows_up():
    world = World()

    def taken(told):
        if told.step is Step.SWITCH and told.done:
            world.old, world.kept = None, world.old

    station = world.station(taken)
    first = world.issue(station, old=world.held(Taken(world)))
    assert first.ending is Ending.INTERRUPTED
    outcome = world.resume(old=None)
    assert outcome.ending is Ending.COMPLETED
    assert len(outcome.notes) == 2
    answer = world.bank.cards.return_e_cash("late", PAN, "01")
    assert answer.outcome is Outcome.CHIP_AT_LARGE
    world.old = world.kept
    assert world.pay(world.old).response_code == "62"
    assert world.pay(world.old).reason is Reason.NO_APPLICATION
    assert world.bank.cards.return_e_cash("later", PAN, "01").amount == scene.E_CASH


class Taken:
    """The link to an old card that somebody takes away."""

    def __init__(self, world):
        self._world = world

    def reset(self, cold=True):
        return self._here().reset(cold)

    def transmit(self, command, /):
        return self._here().transmit(command)

    def _here(self):
        if self._world.old is None:
            raise BenchError("the old card is gone")
        return self._world.old


def test_a_verification_that_grew_old_is_made_again():
    world = World()

    def kill(told):
        if told.step is Step.FREEZE and not told.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.issue(world.station(kill))
    world.bank.ledger.run("DELETE FROM verification")
    first = world.resume()
    assert first.ending is Ending.INTERRUPTED
    assert "verified" in first.en
    world.completed(world.resume())


def test_a_station_without_its_journal_finds_the_request_frozen():
    """Another station, or the same one after its journal was lost, cannot begin the same card again while it is open."""
    world = World()

    def kill(told):
        if told.step is Step.INITIALISE and not told.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.issue(world.station(kill))
    world.order = scene.order("CQ-9", Kind.UPGRADE)
    other = world.issue(world.station(journal=Journal()))
    assert other.ending is Ending.REFUSED
    assert "open" in other.en
    world.order = scene.order("CQ-1", Kind.UPGRADE)
    world.completed(world.resume())
