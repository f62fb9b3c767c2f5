"""Replacement 同号换卡、同号补卡, another number 异号换卡, change of generation 换代换卡, and the first card with its bank half."""

import pytest

from conformance.actors.bank import CardState, HolderCheck
from conformance.actors.medical.blocking import is_blocked
from conformance.actors.medical.messages import CardState as RegisterState
from conformance.actors.station import Ending, Kind, Step
from conformance.actors.terminal import Reason
from conformance.demo import scene
from conformance.targets.in_process import chip_of
from profiles import load
from tests.flows.world import OTHER_PAN, PAN, World, blank_snapshot, whole


@pytest.fixture
def upgraded():
    """The person has a third-generation card, made by an upgrade."""
    world = World()
    world.first = world.issue().returned
    return world


@pytest.mark.requirement("SSC-ISS-008", "SSC-ISS-009")
def test_a_damaged_card_is_replaced_with_the_same_number(upgraded):
    upgraded.next("CQ-2", Kind.REPLACEMENT, "00000102")
    outcome = upgraded.issue()
    upgraded.completed(outcome, "03")
    assert upgraded.states() == {"01": "switched off", "02": "switched off", "03": "active"}
    assert outcome.returned.card != upgraded.first.card
    assert outcome.returned.atr != upgraded.first.atr
    assert upgraded.centre.card(upgraded.first.card).state is RegisterState.CANCELLED
    assert is_blocked(upgraded.reader_of(upgraded.old))
    assert upgraded.bank.cards.change("CQ-2").holder_check is HolderCheck.CARD


def test_a_lost_card_is_off_at_once_and_replaced_by_the_identity_alone(upgraded):
    upgraded.centre.change_card(upgraded.first.card, RegisterState.FORMALLY_LOST)
    upgraded.next("CQ-2", Kind.REPLACEMENT, "00000102", old_card="lost")
    seen = []

    def watch(told):
        if told.step is Step.FREEZE and told.done:
            seen.append(upgraded.bank.account(PAN, "02").state)

    outcome = upgraded.issue(upgraded.station(watch))
    assert seen == [CardState.BLOCKED]
    upgraded.completed(outcome, "03")
    assert upgraded.centre.card(upgraded.first.card).state is RegisterState.CANCELLED
    assert upgraded.bank.cards.change("CQ-2").holder_check is HolderCheck.IDENTITY
    assert upgraded.pay(upgraded.old).reason is Reason.NO_APPLICATION
    assert "the e-cash of the old chip goes back when its end is known" in [en for _, en in outcome.notes]


def test_a_card_whose_chip_is_dead_is_replaced_and_works_until_the_switch(upgraded):
    upgraded.next("CQ-2", Kind.REPLACEMENT, "00000102", old_card="damaged")
    states = []

    def watch(told):
        if told.step is Step.SWITCH:
            states.append(upgraded.bank.account(PAN, "02").state)

    upgraded.completed(upgraded.issue(upgraded.station(watch)), "03")
    assert states == [CardState.ACTIVE, CardState.SWITCHED_OFF]


def test_a_replacement_that_is_given_up_leaves_the_card_as_it_was(upgraded):
    upgraded.next("CQ-2", Kind.REPLACEMENT, "00000102")

    def stop(told):
        if told.step is Step.SWITCH and not told.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgraded.issue(upgraded.station(stop))
    assert upgraded.register() == ["NORMAL", "SEALED"]
    assert upgraded.station().destroy("CQ-2", "bent").ending is Ending.DESTROYED
    assert upgraded.register() == ["NORMAL", "CANCELLED"]
    assert upgraded.states() == {"01": "switched off", "02": "active", "03": "cancelled"}
    assert upgraded.pay(upgraded.old).approved


def test_another_persons_card_is_not_replaced(upgraded):
    """The order names the person whose account it is, and a card of somebody else lies in the reader."""
    upgraded.next("CQ-2", Kind.REPLACEMENT, "00000102")
    upgraded.centre.change_card(upgraded.first.card, RegisterState.CANCELLED)
    upgraded.centre.register("F" * 32, scene.IDENTITY, bytes(13), RegisterState.NORMAL)
    outcome = upgraded.issue()
    assert outcome.ending is Ending.REFUSED
    assert "not the card in use" in outcome.en
    assert upgraded.pay(upgraded.old).approved


def test_a_person_without_a_card_gets_no_replacement():
    world = World()
    world.old_product, world.order = world.product, scene.order("CQ-1", Kind.REPLACEMENT)
    assert "no card that could be replaced" in world.issue().en
    world.as_before()


@pytest.mark.requirement("SSC-ISS-007")
def test_another_number_keeps_the_account_and_its_agreements(upgraded):
    upgraded.next("CQ-2", Kind.DIFFERENT_NUMBER, "00000102", new_account_number=OTHER_PAN)
    outcome = upgraded.issue()
    assert outcome.ending is Ending.COMPLETED, outcome
    upgraded.rules()
    assert upgraded.states() == {"01": "switched off", "02": "cancelled"}
    assert upgraded.states(OTHER_PAN) == {"01": "active"}
    assert outcome.returned.bank_number.startswith(OTHER_PAN[:6])
    assert (outcome.returned.card, outcome.returned.atr) != (upgraded.first.card, upgraded.first.atr)
    paid = upgraded.pay(upgraded.new)
    assert (paid.approved, paid.account_number) == (True, OTHER_PAN)
    assert not upgraded.pay(upgraded.old).approved
    assert upgraded.bank.agreements.credit("W", "PAY-1", PAN, 100) == "booked"
    assert upgraded.centre.card(upgraded.first.card).state is RegisterState.CANCELLED


def test_another_number_that_is_taken_is_refused(upgraded):
    upgraded.bank.open_account(OTHER_PAN, "01", balance=0)
    upgraded.next("CQ-2", Kind.DIFFERENT_NUMBER, "00000102", new_account_number=OTHER_PAN)
    outcome = upgraded.issue()
    assert outcome.ending is Ending.REFUSED
    assert "has an account" in outcome.en
    assert upgraded.register() == ["NORMAL"]
    assert upgraded.pay(upgraded.old).approved


# The first card, and that of an older generation


def first_card(product, blank, serial="00000103"):
    """A first card with its bank half, made by the station; the bank knew nothing of the person before."""
    world = World(product)
    world.new = chip_of(blank_snapshot(serial, blank))
    world.order = scene.order("CQ-0", Kind.FIRST, account_number=OTHER_PAN)
    return world, world.issue()


@pytest.mark.requirement("SSC-ISS-006")
def test_a_first_card_opens_its_account_and_pays():
    world, outcome = first_card(whole(), scene.BLANK)
    assert outcome.ending is Ending.COMPLETED, outcome
    assert world.states(OTHER_PAN) == {"01": "active"}
    assert world.register() == ["NORMAL"]
    paid = world.pay(world.new, 0)
    assert (paid.approved, paid.account_number, paid.sequence_number) == (True, OTHER_PAN, "01")
    assert world.bank.cards.chip(OTHER_PAN, "01").atr == outcome.returned.atr


def test_a_first_card_that_is_given_up_leaves_no_card_that_can_be_used():
    world = World()
    world.order = scene.order("CQ-0", Kind.FIRST, account_number=OTHER_PAN)

    def stop(told):
        if told.step is Step.SWITCH and not told.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.issue(world.station(stop))
    assert world.station().destroy("CQ-0", "bent").ending is Ending.DESTROYED
    assert world.states(OTHER_PAN) == {"01": "cancelled"}
    assert world.register() == ["CANCELLED"]
    world.new = chip_of(blank_snapshot("00000104", scene.BLANK))
    world.order = scene.order("CQ-00", Kind.FIRST, account_number=OTHER_PAN)
    assert world.issue().ending is Ending.COMPLETED
    assert world.states(OTHER_PAN) == {"01": "cancelled", "02": "active"}


def generation():
    """A card of the second generation with the person's account number, and a third-generation station."""
    old = World(whole("ssc2-3des"))
    old.new = chip_of(blank_snapshot("00000105", "ssc2-blank"))
    outcome = old.issue()
    assert outcome.ending is Ending.COMPLETED, outcome
    world = World()
    world.bank, world.centre, world.agreements = old.bank, old.centre, old.agreements
    world.next("CQ-2", Kind.GENERATION, "00000106")
    world.old, world.old_product = old.new, old.product
    return world, outcome.returned


def test_a_change_of_generation_keeps_the_number_and_cancels_the_old_card():
    world, before = generation()
    outcome = world.issue()
    world.completed(outcome, "03")
    assert (before.version, outcome.returned.version) == ("2.00", "3.00")
    assert world.centre.card(before.card).state is RegisterState.CANCELLED
    assert is_blocked(world.reader_of(world.old, world.old_product))


def test_a_third_generation_card_has_no_older_generation_to_leave(upgraded):
    upgraded.next("CQ-2", Kind.GENERATION, "00000102")
    outcome = upgraded.issue()
    assert outcome.ending is Ending.REFUSED
    assert "2.00" in outcome.en
    assert upgraded.pay(upgraded.old).approved


def test_fields_of_an_order_that_are_wrong_are_named():
    product = load("ssc3-sm4")
    assert product.specification == "3.00"
    for field, value in (("account number", "12"), ("old card", "eaten"), ("new account number", 5)):
        with pytest.raises(ValueError, match=field):
            scene.order("CQ-1", Kind.UPGRADE, **{field: value})
