"""The printed face: what the chip reads back, printed again after a breakdown, destroyed with its chip."""

from dataclasses import replace

import pytest

from conformance.actors.bank import Bank, IssuerKeys
from conformance.actors.station import Ending, Equipment, PrinterFailed, Station, Step
from profiles import load
from profiles.face import Face
from reports.face import FilePrinter
from tests.station.test_interruptions import done, killed_at
from tests.station.world import FIELDS, NEW, Killed, Paper, World, order

ACCOUNT = "6217000000000000003"


class Smudging:
    """A printer on whose cards some characters come out otherwise, so many times."""

    def __init__(self, times):
        self.left = times

    def print_face(self, face):
        self.left -= 1
        return face if self.left < 0 else replace(face, card_number="A1234567?")


class Dying(Paper):
    """The station's program ends right behind the first print."""

    def print_face(self, face):
        super().print_face(face)
        if len(self.printed) == 1:
            raise Killed
        return face


class Jammed:
    def print_face(self, face):
        raise PrinterFailed("the card is stuck")


@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des"])
def test_the_face_says_what_the_order_wanted_and_the_chip_holds(product):
    world = World(load(product))
    world.order = order(name_extension="·买买提")
    assert world.issue().ending is Ending.COMPLETED
    expected = {"person": "social security number", "card_number": "card number", "issued": "date of issue"}
    assert world.face() == Face(
        name="渝小样·买买提",
        area="500000",
        antenna=False,
        **{field: FIELDS[name] for field, name in expected.items()},
    )
    assert len(world.printer.printed) == 1


def test_the_printer_gets_the_chip_s_words_not_the_order_s():
    """The chip's name is turned behind the station's back, after it was read back and before it is printed."""
    world = World(load("ssc3-sm4"))

    def turn(told):
        if told.step is Step.PRINT and not told.done:
            cell = next(name for name in world.card.memory.cells if name.endswith("DDF1/EF06"))
            records = list(world.card.memory.cells[cell])
            records[1] = records[1].replace("渝小样".encode("gbk"), "样小渝".encode("gbk"))
            world.card.memory.cells[cell] = tuple(records)

    assert world.station(turn).issue(world.order, world.target, NEW).ending is Ending.COMPLETED
    assert world.face().name == "样小渝"


def test_a_face_that_shows_something_else_is_printed_again():
    world = World(load("ssc3-sm4"))
    world.printer = Smudging(1)
    outcome = world.issue()
    assert outcome.ending is Ending.INTERRUPTED
    assert "face" in outcome.en
    assert world.active() == []
    assert world.resume().ending is Ending.COMPLETED
    prints = [phase for step, phase in world.journal.entries(world.order.number) if step == "PRINT"]
    assert prints == ["before", "failed", "before", "after"]


def test_a_card_whose_face_never_comes_out_right_is_destroyed_with_its_face():
    world = World(load("ssc3-sm4"))
    world.printer = Smudging(99)
    outcome = world.issue()
    for _ in range(3):
        assert outcome.ending is Ending.INTERRUPTED
        outcome = world.resume()
    assert outcome.ending is Ending.DESTROYED
    assert world.active() == []
    assert "printed face is destroyed" in world.journal.request(world.order.number).reason


def test_a_printer_that_breaks_down_leaves_the_request_open():
    world = World(load("ssc3-sm4"))
    paper, world.printer = world.printer, Jammed()
    outcome = world.issue()
    assert outcome.ending is Ending.INTERRUPTED
    assert "the card is stuck" in outcome.en
    world.printer = paper
    outcome = world.resume()
    world.settled(outcome)


def test_a_print_that_was_broken_off_is_made_again_and_journalled_twice():
    world = World(load("ssc3-sm4"))
    world.printer = Dying()
    with pytest.raises(Killed):
        world.issue()
    assert len(world.printer.printed) == 1  # printed, and nobody wrote down that it was
    world.settled(world.resume())
    assert len(world.printer.printed) == 2
    assert world.printer.printed[0] == world.printer.printed[1]
    entries = world.journal.entries(world.order.number)
    assert entries.count(("PRINT", "before")) == 2
    world.settled(world.issue())
    assert len(world.printer.printed) == 2


def test_a_face_is_recorded_as_destroyed_with_its_chip():
    world = World(load("ssc3-sm4"))
    assert killed_at(world, done(Step.REGISTER))
    outcome = world.station().destroy(world.order.number, "bent")
    assert outcome.ending is Ending.DESTROYED
    assert "bent; the printed face is destroyed with it" in outcome.en
    assert not world.journal.is_done(world.order.number, Step.PRINT)


def test_a_chip_that_is_given_up_before_the_print_has_no_face_to_destroy():
    world = World(load("ssc3-sm4"))
    assert killed_at(world, done(Step.READ_BACK))
    assert "face" not in world.station().destroy(world.order.number, "bent").en


def test_a_station_without_a_printer_journals_no_print():
    world = World(load("ssc3-sm4"))
    world.printer = None
    assert world.issue().ending is Ending.COMPLETED
    assert "PRINT" not in [step for step, _ in world.journal.entries(world.order.number)]


def test_the_file_printer_s_own_check_reads_what_it_wrote(tmp_path):
    world = World(load("ssc3-sm4"))
    world.printer = FilePrinter(tmp_path / "card.svg")
    assert world.issue().ending is Ending.COMPLETED
    assert FIELDS["name"] in (tmp_path / "card.svg").read_text("utf-8")


@pytest.mark.slow
def test_the_back_has_the_account_number_that_the_new_chip_shows():
    product = load("ssc3-sm4")
    world = World(product, load("ssc3-blank"))
    bank = Bank(*IssuerKeys.of_profile(product))
    world.order = order(account_number=ACCOUNT)
    equipment = Equipment(product, world.blank, world.centre, world.journal, world.printer, bank)
    outcome = Station(equipment).issue(world.order, world.target, NEW, bank_pin="604512")
    assert outcome.ending is Ending.COMPLETED, outcome
    assert (world.face().account, world.face().antenna) == (ACCOUNT, True)
    assert world.face().name == FIELDS["name"]
    assert ACCOUNT not in outcome.returned.bank_number
