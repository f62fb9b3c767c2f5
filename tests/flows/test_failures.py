"""Whatever fails at whatever moment of an upgrade: done again it is completed, or given up all is as before."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE

import pytest

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.bank.changes import CardDesk
from conformance.actors.medical.centre import Centre
from conformance.actors.station import Ending, Journal, Kind, Step
from conformance.actors.station.steps import plan
from conformance.demo import scene
from conformance.failures import BenchError
from conformance.targets.in_process import chip_of
from profiles import load
from tests.flows.world import Cutting, Failing, Killed, World, blank_snapshot, debit_snapshot, kill_at

STEPS = plan(scene.order("CQ-1", Kind.UPGRADE), World().station().equipment)
SWITCHED = 2 * STEPS.index(Step.SWITCH) + 2


def killed(world, number):
    with pytest.raises(Killed):
        world.issue(world.station(kill_at(number)))
    world.rules()


def test_the_steps_of_an_upgrade_stand_in_their_order():
    names = [step.name for step in STEPS]
    assert names.index("VERIFY_HOLDER") < names.index("FREEZE") < names.index("ORDER") < names.index("INITIALISE")
    assert names.index("READ_BACK") < names.index("REGISTER") < names.index("SWITCH") < names.index("ACTIVATE")
    assert names.index("ACTIVATE") < names.index("BLOCK_OLD") < names.index("RETURN_E_CASH") < names.index("RETURN")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 2 * len(STEPS)))
def test_the_station_is_killed_at_every_step_and_goes_on(number):
    """Before each step and after it; then the bank says who may pay, and the resumed request ends completed."""
    world = World()
    killed(world, number)
    assert world.bank.cards.in_use(scene.PAN).sequence == ("02" if number >= SWITCHED else "01")
    world.completed(world.resume())


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 2 * len(STEPS)))
def test_a_request_is_given_up_at_every_step(number):
    """Before the switch all is as before; after it the new card is off, and its holder gets another one."""
    world = World()
    killed(world, number)
    outcome = world.station().destroy("CQ-1", "the chip broke")
    assert outcome.ending is Ending.DESTROYED
    assert world.journal.request("CQ-1").state == "destroyed"
    assert world.resume().ending is Ending.DESTROYED
    if number < SWITCHED:
        world.as_before()
        return
    world.rules()
    assert world.states() == {"01": "switched off", "02": "blocked"}
    assert world.register() == ["TEMPORARILY_LOST"]
    assert not world.pay(world.new).approved
    world.next("CQ-2", Kind.REPLACEMENT, "00000102", old_card="lost")
    world.completed(world.issue(), "03")
    assert world.register() == ["CANCELLED", "NORMAL"]


def commands(attribute):
    """How many commands a chip gets in a whole upgrade."""
    world = World()
    link = Cutting(getattr(world, attribute), 0, acts=False)
    changes = {"link": link} if attribute == "new" else {"old": world.held(link)}
    assert world.issue(**changes).ending is Ending.COMPLETED
    return link.passed


@pytest.mark.slow
@pytest.mark.parametrize("acts", [False, True])
def test_the_old_card_is_pulled_out_at_every_command(acts):
    for at in range(1, commands("old") + 1):
        world = World()
        outcome = world.issue(old=world.held(Cutting(world.old, at, acts=acts)))
        world.rules()
        if outcome.ending is not Ending.COMPLETED:  # a chip that is lost behind its last word is not missed
            assert outcome.ending is Ending.INTERRUPTED, (at, outcome)
            outcome = world.resume()
        world.completed(outcome)


class Unpowered(Cutting):
    """The old card loses its power at a command, and is mute until somebody switches it on again."""

    def transmit(self, command, /):
        if 0 < self._at <= self.passed:
            raise BenchError("the chip has no power")
        return super().transmit(command)

    def reset(self, cold=True):
        if 0 < self._at <= self.passed:
            self._at = 0
        return super().reset(cold)


def test_an_old_card_that_lost_its_power_is_switched_on_when_the_request_goes_on():
    world = World()
    old = world.held(Unpowered(world.old, commands("old") - 2, acts=False))
    assert world.issue(old=old).ending is Ending.INTERRUPTED
    world.completed(world.resume(old=old))


@pytest.mark.slow
@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("host", ["bank", "centre"])
def test_a_host_cannot_be_reached_at_every_call(host, acts):
    """The request is lost, or its answer; the same request again does no harm, and a late one neither."""
    at = 0
    while True:
        at += 1
        world = World()
        line = Failing(getattr(world, host), at, acts=acts, desk="cards" if host == "bank" else "")
        outcome = world.issue(world.station(**{host: line}))
        if line.calls < at:
            assert at > 3
            return
        world.rules()
        if outcome.ending is Ending.REFUSED:
            assert world.journal.request("CQ-1") is None
            outcome = world.issue()
        elif outcome.ending is not Ending.COMPLETED:
            assert outcome.ending is Ending.INTERRUPTED, (at, outcome)
            outcome = world.resume()
        world.completed(outcome)


@pytest.mark.slow
@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("host", ["bank", "centre"])
def test_an_unreachable_host_at_the_undo_keeps_the_request_open(host, acts):
    world = World()
    killed(world, 2 * STEPS.index(Step.SWITCH))
    line = Failing(getattr(world, host), 1, acts=acts, desk="cards" if host == "bank" else "")
    outcome = world.station(**{host: line}).destroy("CQ-1", "the chip broke")
    assert line.calls >= 1
    assert outcome.ending is Ending.INTERRUPTED
    assert world.journal.request("CQ-1").state == "open"
    outcome = world.station().destroy("CQ-1", "the chip broke")
    assert outcome.ending is Ending.DESTROYED
    world.as_before()


@pytest.mark.slow
@pytest.mark.parametrize("acts", [False, True])
def test_the_new_chip_is_lost_now_and_then(acts):
    """Every command is the campaign's; here each hundredth."""
    for at in range(7, commands("new"), 97):
        world = World()
        outcome = world.issue(link=Cutting(world.new, at, acts=acts))
        assert outcome.ending is Ending.INTERRUPTED, (at, outcome)
        world.rules()
        world.completed(world.resume())


def test_steps_that_come_again_late_do_no_harm():
    """After the end every request to the bank comes once more, in any order."""
    world = World()
    outcome = world.issue()
    books, states = world.bank.ledger.balances(), world.states()
    desk: CardDesk = world.bank.cards
    for again in (
        lambda: desk.undo("CQ-1/undo", "CQ-1"),
        lambda: desk.switch("CQ-1/switch", "CQ-1"),
        lambda: desk.return_e_cash("CQ-1/e-cash", scene.PAN, "01"),
        lambda: desk.order("late", "CQ-1", scene.OLD_EXPIRY),
        lambda: desk.switch("later", "CQ-1"),
    ):
        again()
        assert (world.bank.ledger.balances(), world.states()) == (books, states)
    world.completed(outcome)


def test_a_chip_that_fails_again_and_again_is_destroyed_and_the_old_card_works_on():
    world = World()
    outcome = world.issue(link=Cutting(world.new, 60, acts=False))
    for _ in range(3):
        assert outcome.ending is Ending.INTERRUPTED
        outcome = world.resume(link=Cutting(world.new, 60, acts=False))
    outcome = world.resume()
    assert outcome.ending is Ending.DESTROYED
    world.as_before()
    world.order, world.new = scene.order("CQ-2", Kind.UPGRADE), chip_of(blank_snapshot("00000102", scene.BLANK))
    world.completed(world.issue(), "03")


def test_a_bank_that_is_away_for_long_costs_no_chip():
    world = World()
    for _ in range(6):
        line = Failing(world.bank, 4, acts=False, desk="cards")
        station = world.station(bank=line)
        outcome = world.resume(station) if world.journal.request("CQ-1") else world.issue(station)
        if outcome.ending is Ending.COMPLETED:
            break
        assert outcome.ending is Ending.INTERRUPTED
    world.completed(outcome if outcome.ending is Ending.COMPLETED else world.resume())


# Two stations at once


def opened(folder, product):
    return Bank(*IssuerKeys.of_profile(load("ssc3-sm4")), ledger=Ledger(folder / "bank.db")), Centre(
        product, folder / "centre.db"
    )


@pytest.mark.slow
def test_of_stations_that_work_on_one_person_at_once_one_wins(tmp_path):
    """Each with its own journal, its own chip, over the same books; all have the old card and its PIN."""
    world = World(folder=tmp_path)

    def work(number):
        bank, centre = opened(tmp_path, world.product)
        journal, serial = Journal(), f"{0x200 + number:08X}"
        station = world.station(bank=bank, centre=centre, journal=journal)
        try:
            return station.issue(
                scene.order(f"CQ-{number}", Kind.UPGRADE),
                chip_of(blank_snapshot(serial, scene.BLANK)),
                scene.NEW_PIN,
                world.held(chip_of(debit_snapshot())),
            )
        finally:
            bank.ledger.close()
            centre.books.close()

    with ThreadPoolExecutor(3) as stations:
        outcomes = list(stations.map(work, range(1, 4)))
    won = [outcome for outcome in outcomes if outcome.ending is Ending.COMPLETED]
    assert len(won) == 1, [(outcome.ending.name, outcome.en) for outcome in outcomes]
    for outcome in outcomes:
        if outcome is not won[0]:
            assert outcome.ending in (Ending.REFUSED, Ending.INTERRUPTED, Ending.DESTROYED)
            assert outcome.en
    world.rules()
    assert world.register().count("NORMAL") == 1
    assert list(world.states().values()).count("active") == 1


RIVAL = """
import sys
from pathlib import Path
from conformance.actors.medical.centre import Centre
from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.station import Journal, Kind
from conformance.demo import scene
from profiles import load
from tests.flows.world import World, blank_snapshot, debit_snapshot
from conformance.targets.in_process import chip_of

folder, number = Path(sys.argv[1]), int(sys.argv[2])
world = World()
world.bank = Bank(*IssuerKeys.of_profile(load("ssc3-sm4")), ledger=Ledger(folder / "bank.db"))
world.centre = Centre(world.product, folder / "centre.db")
world.order = scene.order(f"CQ-{number}", Kind.UPGRADE)
world.new = chip_of(blank_snapshot(f"{0x400 + number:08X}", scene.BLANK))
print("ready", flush=True)
sys.stdin.readline()
outcome = world.issue()
print(outcome.ending.name, outcome.en, flush=True)
"""


@pytest.mark.slow
def test_of_processes_that_work_on_one_person_at_once_one_wins(tmp_path):
    """Stations as programs of their own, let go at the same moment; the books are all that they share."""
    world = World(folder=tmp_path)
    command = [sys.executable, "-c", RIVAL, str(tmp_path)]
    rivals = [subprocess.Popen([*command, str(number)], stdin=PIPE, stdout=PIPE, text=True) for number in range(1, 4)]
    try:
        for rival in rivals:
            assert rival.stdout.readline() == "ready\n"
        for rival in rivals:
            rival.stdin.write("go\n")
            rival.stdin.flush()
        told = [rival.communicate(timeout=120)[0] for rival in rivals]
    finally:
        for rival in rivals:
            rival.kill()
    endings = [text.split()[0] for text in told]
    assert endings.count("COMPLETED") == 1, told
    assert all(len(text.split()) > 3 for text in told)
    world.rules()
    assert world.register().count("NORMAL") == 1
    assert list(world.states().values()).count("active") == 1


def test_a_second_station_is_told_while_the_first_is_at_work():
    world, told = World(), []

    def rival(step):
        if step.step is Step.PERSONALISE and not step.done:
            world.order = scene.order("CQ-2", Kind.UPGRADE)
            chip = chip_of(blank_snapshot("00000102", scene.BLANK))
            told.append(world.issue(world.station(journal=Journal()), link=chip))
            world.order = scene.order("CQ-1", Kind.UPGRADE)

    outcome = world.issue(world.station(rival))
    assert told[0].ending is Ending.REFUSED
    assert "a change of this number is open" in told[0].en
    world.completed(outcome)
