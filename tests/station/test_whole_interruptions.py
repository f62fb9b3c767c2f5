"""Whatever breaks off while certificates and the bank's application are written, at whatever moment: one whole card, or none."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.station import Ending, Journal, Step
from conformance.actors.station.journal import NO_COST
from conformance.actors.station.steps import plan
from conformance.targets.in_process import InProcessTarget, cut_supply_at
from emulator.apps.load import card_of
from emulator.cos.memory import Memory
from tests.station.whole import BANK_PIN, BLANKS, Prepared, WholeWorld, whole
from tests.station.world import NEW, Cutting, Killed

PRODUCTS = tuple(BLANKS)
ADDED = frozenset(
    {Step.FREEZE, Step.ORDER, Step.CERTIFICATES, Step.FINANCIAL, Step.READ_BACK, Step.SWITCH, Step.RETURN}
)
FIRST = {"ssc3-sm4": Step.CERTIFICATES, "ssc2-3des": Step.FINANCIAL}
"""The step with which the applications beside social security begin."""


class Killing(WholeWorld):
    """A world whose station is killed when it tells of the beginning of a step."""

    def __init__(self, product, step, *, done=False):
        super().__init__(product, prepared=True)
        with pytest.raises(Killed):
            self.station(self._kill(step, done)).issue(self.order, self.target, NEW, bank_pin=BANK_PIN)

    @staticmethod
    def _kill(step, done):
        def kill(told):
            if (told.step, told.done) == (step, done):
                raise Killed

        return kill


@cache
def begun(product):
    return Killing(whole(product), FIRST[product])


def copied(store, made):
    store._base.backup(made._base)
    return made


def again(product):
    """The world of :func:`begun` once more: chip, journal and bank as they stood."""
    saved = begun(product)
    world = WholeWorld(saved.product, prepared=True)
    world.card = card_of(Memory(dict(saved.card.snapshot())))
    world.target = InProcessTarget(world.card)
    world.journal = copied(saved.journal, Journal(cost=NO_COST))
    world.journal._salt = saved.journal._salt
    ledger = copied(saved.bank.ledger, Ledger())
    world.bank = Bank(*IssuerKeys.of_profile(saved.product), ledger=ledger)
    world.desk = Prepared(world.bank, saved.product)
    return world


def resumed(world, link):
    return world.station().resume(world.order, link, NEW, bank_pin=BANK_PIN)


@cache
def commands_of(product):
    """Commands from there to the end of the bank's application."""
    world, passed = again(product), []
    link = Cutting(world.target, 0, acts=False)

    def watch(told):
        if told.step is Step.FINANCIAL and told.done:
            passed.append(link.passed)

    outcome = world.station(watch).resume(world.order, link, NEW, bank_pin=BANK_PIN)
    assert outcome.ending is Ending.COMPLETED
    world.settled(outcome)
    return passed[0]


def lose_the_chip(product, at, *, acts):
    world = again(product)
    outcome = resumed(world, Cutting(world.target, at, acts=acts))
    assert outcome.ending is Ending.INTERRUPTED, (at, outcome)
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED, (at, outcome)
    world.settled(outcome)


@pytest.mark.parametrize(("product", "stride"), [("ssc3-sm4", 13), ("ssc2-3des", 3)])
@pytest.mark.parametrize("acts", [False, True])
def test_the_chip_is_lost_at_some_commands(product, stride, acts):
    """At the last ones of each step above all: where secrets change, and where the last block issues."""
    last = commands_of(product)
    for at in sorted({*range(1 + acts, last, stride), last - 1, last}):
        lose_the_chip(product, at, acts=acts)


@pytest.mark.slow
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("acts", [False, True])
def test_the_chip_is_lost_at_every_command(product, acts):
    for at in range(1, commands_of(product) + 1):
        lose_the_chip(product, at, acts=acts)


def cut_the_supply(product, write):
    """Whether the supply failed before the end of the bank's application."""
    world, over = again(product), []

    def watch(told):
        if told.step is Step.FINANCIAL and told.done:
            over.append(True)

    with cut_supply_at(world.card, write) as cut:
        outcome = world.station(watch).resume(world.order, world.target, NEW, bank_pin=BANK_PIN)
    if cut.happened:
        assert outcome.ending is Ending.INTERRUPTED, (write, outcome)
        outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED, (write, outcome)
    world.settled(outcome)
    return cut.happened and not over


@pytest.mark.parametrize(("product", "stride"), [("ssc3-sm4", 41), ("ssc2-3des", 17)])
def test_the_supply_fails_at_some_writes(product, stride):
    write = 5
    while cut_the_supply(product, write):
        write += stride
    assert write > 100


@pytest.mark.slow
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("part", range(4))
def test_the_supply_fails_at_every_write(product, part):
    """In four parts; a write is one of the physical writes of the chip's memory."""
    write = 1 + part
    while cut_the_supply(product, write):
        write += 4
    assert write > 100


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("done", [False, True])
def test_the_station_is_killed_around_each_step_of_its_own(product, done):
    """Those that a station without bank and authority has not, and reading back and data return, which do more here."""
    steps = plan(again(product).order, again(product).station().equipment)
    for step in ADDED.intersection(steps):
        world = Killing(whole(product), step, done=done)
        outcome = world.resume()
        assert outcome.ending is Ending.COMPLETED, (step, outcome)
        world.settled(outcome)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 100), st.booleans()), min_size=2, max_size=5))
def test_the_chip_is_lost_again_and_again(cuts):
    """After the third repetition the chip is given up; until then it can be finished."""
    world = again("ssc3-sm4")
    outcome = None
    for at, acts in cuts:
        outcome = resumed(world, Cutting(world.target, at, acts=acts))
        if outcome.ending is not Ending.INTERRUPTED:
            break
    else:
        outcome = world.resume()
    assert outcome.ending in (Ending.COMPLETED, Ending.DESTROYED)
    assert outcome.ending is Ending.COMPLETED or len(cuts) > 2
    world.settled(outcome)
