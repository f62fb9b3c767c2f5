"""Whatever breaks off at whatever moment, the request ends completed or its chip destroyed, and the centre agrees."""

from dataclasses import replace
from pathlib import Path

import pytest

import profiles
from conformance.actors.medical.keys import KeysUnreachable
from conformance.actors.medical.reader import CardGone
from conformance.actors.station import Ending, Station, Step
from conformance.actors.station.steps import plan
from conformance.targets.in_process import InProcessTarget, cut_supply_at
from emulator import load_card
from profiles import load
from tests.station.world import NEW, Cutting, Killed, World, order, small

PRODUCTS = ("ssc3-sm4", "ssc2-3des")
STEPS = plan(order(), World(load("ssc3-sm4")).station().equipment)


def done(step):
    """Which telling says that a step is done."""
    return 2 * STEPS.index(step) + 2


def commands_of(product):
    """How many commands a whole issuance takes, the look at the blank chip before it included."""
    world = World(product)
    link = Cutting(world.target, 0, acts=False)
    assert world.station().issue(world.order, link, NEW).ending is Ending.COMPLETED
    return link.passed


@pytest.mark.slow
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("acts", [False, True])
def test_the_chip_is_lost_at_every_command(product, acts):
    """Before the chip got the command, and after it acted on it."""
    profile = small(product)
    for at in range(1, commands_of(profile) + 1):
        world = World(profile)
        outcome = world.station().issue(world.order, Cutting(world.target, at, acts=acts), NEW)
        if outcome.ending is Ending.REFUSED:
            assert world.journal.request(world.order.number) is None
            outcome = world.issue()
        else:
            assert outcome.ending is Ending.INTERRUPTED, (at, outcome)
            outcome = world.resume()
        assert outcome.ending is Ending.COMPLETED, (at, outcome)
        world.settled(outcome)


@pytest.mark.parametrize("acts", [False, True])
def test_the_chip_is_lost_while_the_photo_is_written(acts):
    """At every third command of the personalisation."""
    profile, photo = small(), profiles_photo()
    passed = {}
    world = World(profile)
    world.order = order(photo=photo)
    link = Cutting(world.target, 0, acts=False)
    station = world.station(lambda told: passed.__setitem__((told.step, told.done), link.passed))
    assert station.issue(world.order, link, NEW).ending is Ending.COMPLETED
    first, last = passed[Step.PERSONALISE, False] + 1, passed[Step.PERSONALISE, True]
    assert last - first > 20
    for at in range(first, last + 1, 3):
        world = World(profile)
        world.order = order(photo=photo)
        outcome = world.station().issue(world.order, Cutting(world.target, at, acts=acts), NEW)
        assert outcome.ending is Ending.INTERRUPTED, (at, outcome)
        outcome = world.resume()
        assert outcome.ending is Ending.COMPLETED, (at, outcome)
        world.settled(outcome)
        assert world.face().photo == photo


def profiles_photo():
    return (Path(profiles.__file__).parent / "products" / "photo.jpg").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("part", range(4))
def test_the_supply_fails_at_every_write(product, part):
    """In four parts; a write is one of the physical writes of the chip's memory."""
    profile, write = small(product), 1 + part
    while True:
        world = World(profile)
        with cut_supply_at(world.card, write) as cut:
            outcome = world.issue()
        if not cut.happened:
            world.settled(outcome)
            break
        outcome = world.issue() if outcome.ending is Ending.REFUSED else world.resume()
        assert outcome.ending is Ending.COMPLETED, (write, outcome)
        world.settled(outcome)
        write += 4
    assert write > 400


def killed_at(world, number):
    """Run, and kill the station when it tells for the so-manyth time; whether it came so far."""
    left = number

    def kill(told):
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    try:
        world.station(kill).issue(world.order, world.target, NEW)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("number", range(1, 2 * len(STEPS) + 1))
@pytest.mark.parametrize("product", PRODUCTS)
def test_the_station_is_killed_at_every_step(product, number):
    world = World(load(product))
    assert killed_at(world, number)
    again = world.issue()
    completed = number == 2 * len(STEPS)
    assert again.ending is (Ending.COMPLETED if completed else Ending.INTERRUPTED)
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED
    world.settled(outcome)


@pytest.mark.parametrize("number", range(1, 2 * len(STEPS)))
@pytest.mark.parametrize("gone", [KeysUnreachable("the key service is away"), CardGone("the chip lost its contact")])
def test_a_resumption_that_fails_as_it_begins_undoes_nothing(number, gone):
    """Key service away, or chip gone, before the first open step: no chip is lost for it, and every request ends."""
    world = World(load("ssc3-sm4"))
    assert killed_at(world, number)

    def away(*of):
        raise gone

    station = world.station()
    absent = Station(replace(station.equipment, keys=away), station.listener)
    outcome = absent.resume(world.order, world.target, NEW)
    assert outcome.ending is Ending.INTERRUPTED
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED, outcome
    world.settled(outcome)


def test_a_resumed_request_takes_another_new_pin():
    """The holder, asked again, may choose another PIN than before the station was killed."""
    world = World(load("ssc3-sm4"))
    assert killed_at(world, done(Step.CHANGE_PIN))
    known = world.journal.entries(world.order.number)
    world.journal.run("DELETE FROM entry WHERE step = 'CHANGE_PIN' AND phase = 'after'")
    assert known[-1] == ("CHANGE_PIN", "after")
    outcome = world.station().resume(world.order, world.target, "112233")
    assert outcome.ending is Ending.COMPLETED
    reader = world.reader()
    reader.open("SSSE")
    reader.verify("112233")


def test_another_chip_at_resume_is_left_alone():
    world = World(load("ssc3-sm4"))
    assert killed_at(world, 4)
    chip = world.blank.chip.model_copy(update={"historical": world.blank.chip.historical[:-1] + b"\x01"})
    other = InProcessTarget(load_card(world.blank.model_copy(update={"chip": chip})))
    fresh = other.card.snapshot()
    outcome = world.station().resume(world.order, other, NEW)
    assert outcome.ending is Ending.INTERRUPTED
    assert other.card.snapshot() == fresh
    world.settled(world.resume())


def test_a_resume_with_another_order_is_refused():
    world = World(load("ssc3-sm4"))
    assert killed_at(world, 4)
    before = world.card.snapshot()
    assert world.station().resume(order(name="样例甲"), world.target, NEW).ending is Ending.REFUSED
    assert world.card.snapshot() == before


def test_a_request_that_never_began_is_not_resumed():
    world = World(load("ssc3-sm4"))
    assert world.resume().ending is Ending.REFUSED


@pytest.mark.requirement("SSC-ISS-010")
def test_a_chip_that_breaks_off_again_and_again_is_destroyed():
    """The first run and three repetitions (SSC-ISS-010); then the chip is retained."""
    world = World(small())
    outcome = world.station().issue(world.order, Cutting(world.target, 40, acts=False), NEW)
    for _ in range(3):
        assert outcome.ending is Ending.INTERRUPTED
        outcome = world.station().resume(world.order, Cutting(world.target, 40, acts=False), NEW)
    assert outcome.ending is Ending.INTERRUPTED
    outcome = world.resume()
    assert outcome.ending is Ending.DESTROYED
    world.settled(outcome)
    assert world.issue().ending is Ending.DESTROYED


def test_a_registered_card_whose_chip_is_given_up_is_cancelled():
    world = World(load("ssc3-sm4"))
    assert killed_at(world, done(Step.ACTIVATE))
    assert len(world.active()) == 1
    outcome = world.station().destroy(world.order.number, "the chip broke")
    assert outcome.ending is Ending.DESTROYED
    world.settled(outcome)


def turning(world):
    """One bit of the name in the chip's memory turns after each personalisation."""

    def turn(told):
        if told.step is Step.PERSONALISE and told.done:
            cell = next(name for name in world.card.memory.cells if name.endswith("DDF1/EF06"))
            records = list(world.card.memory.cells[cell])
            records[1] = records[1][:-1] + bytes([records[1][-1] ^ 1])
            world.card.memory.cells[cell] = tuple(records)

    return turn


@pytest.mark.requirement("SSC-LIFE-014")
def test_what_reads_back_otherwise_is_written_again():
    world = World(load("ssc3-sm4"))
    outcome = world.station(turning(world)).issue(world.order, world.target, NEW)
    assert outcome.ending is Ending.INTERRUPTED
    assert "EF06" in outcome.en
    assert world.active() == []
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED
    world.settled(outcome)


def test_a_chip_that_keeps_reading_back_otherwise_is_not_handed_out():
    world = World(load("ssc3-sm4"))
    station = world.station(turning(world))
    outcome = station.issue(world.order, world.target, NEW)
    for _ in range(3):
        assert outcome.ending is Ending.INTERRUPTED
        outcome = station.resume(world.order, world.target, NEW)
    assert outcome.ending is Ending.DESTROYED
    world.settled(outcome)


def test_a_destroyed_chip_makes_room_for_a_new_request():
    world = World(load("ssc3-sm4"))
    assert killed_at(world, done(Step.REGISTER))
    world.station().destroy(world.order.number, "bent")
    chip = world.blank.chip.model_copy(update={"historical": world.blank.chip.historical[:-1] + b"\x02"})
    world.target = InProcessTarget(load_card(world.blank.model_copy(update={"chip": chip})))
    world.card, world.order = world.target.card, order(number="CQ-2026-000002")
    outcome = world.issue()
    assert outcome.ending is Ending.COMPLETED
    world.settled(outcome)
