"""Batches in memory: whatever breaks off, the cards in the end are those of the good rows, one for each person."""

from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.actors.batch import Batch, ChipUnusable, Letters, State, as_csv, read_people
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.reader import CardReader, CardRefused
from conformance.actors.station import Equipment, Journal, Station
from conformance.targets.in_process import InProcessTarget, numbered
from emulator import load_card
from profiles import load
from tests.batch.people import person, write
from tests.station.world import INITIAL, Killed, small


class Place:
    """All that survives the program: chips, journal, centre, letters."""

    def __init__(self, folder):
        self.product, self.blank = small(), load("blank")
        self.journal, self.centre = Journal(), Centre(self.product)
        self.cards = {}
        self.folder = folder / "pins"
        self.folder.mkdir()
        self.lost = set()
        self.taken = []

    def place(self, number):
        return f"{number}.sscard"

    @contextmanager
    def take(self, number, *, begun):
        if number in self.lost:
            raise ChipUnusable("the chip is gone")
        if number not in self.cards:
            assert not begun
            self.cards[number] = InProcessTarget(load_card(numbered(self.blank, f"{len(self.cards) + 1:08}")))
        self.taken.append(number)
        yield self.cards[number]

    def letters(self):
        return Letters(self.folder, INITIAL)

    def run(self, rows, listener=lambda told: None, stop=lambda: False):
        good, wrong, _ = read_people(rows, INITIAL)
        station = Station(Equipment(self.product, self.blank, self.centre, self.journal), listener)
        return Batch(station, self, self.letters(), stop).go(good, wrong)

    def reader(self, number, pin=None):
        reader = CardReader(self.cards[number], self.product, HsmKeys(self.product, bytes(6)), pin=lambda: pin)
        reader.begin()
        return reader

    def holders(self):
        """Persons by the card in use that the centre has for them, as the chips themselves say it."""
        found = {}
        for number in self.cards:
            try:
                reader = self.reader(number)
            except CardRefused:
                continue  # still blank
            card = self.centre.books.card(reader.identification.hex().upper())
            if card is not None and card.state is CardState.NORMAL:
                holder = reader.text("SSSE/EF06", "08")
                assert holder == card.person
                assert holder not in found
                found[holder] = number
        return found


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def states(results):
    return [(each.line, each.state) for each in results]


def killer(after):
    """Ends the program at the so-manyth telling."""
    left = after

    def tell(told):
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    return tell


def test_every_good_row_gets_its_card_and_its_pin(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2, sex="1"), person(3, pin="650981")])
    results = place.run(rows)
    assert states(results) == [(2, State.ISSUED), (3, State.WRONG), (4, State.ISSUED)]
    assert place.holders() == {person(index)["social security number"]: f"CQ-00000{index}" for index in (1, 3)}
    letters = {path.stem for path in place.folder.iterdir()}
    assert letters == {"CQ-000001"}  # who chose a PIN needs no letter
    for number, pin in (
        ("CQ-000001", place.letters().pin(read_people(rows, INITIAL)[0][0].order)),
        ("CQ-000003", "650981"),
    ):
        reader = place.reader(number)
        reader.open("SSSE")
        reader.verify(pin)
    assert results[0].card == place.reader("CQ-000001").identification.hex().upper()


def test_no_result_tells_who_it_is(place, tmp_path):
    rows = [person(1), person(2, name=""), person(3)]
    results = place.run(write(tmp_path / "people.csv", rows))
    text = as_csv(results).decode("utf-8-sig")
    for row in rows:
        assert row["social security number"] not in text
        assert row["card number"] not in text
    assert "500103***********" in text
    assert len(text.splitlines()) == 4


def test_a_spreadsheet_calculates_nothing(place, tmp_path):
    results = place.run(write(tmp_path / "people.csv", [person(1, number="-1")]))
    assert "\r\n2,'-1," in as_csv(results).decode("utf-8-sig")


def test_a_batch_that_was_done_touches_no_chip(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    first = place.run(rows)
    place.taken.clear()
    assert place.run(rows) == first
    assert place.taken == []


def test_rows_that_come_later_are_issued_and_the_others_not_again(place, tmp_path):
    place.run(write(tmp_path / "people.csv", [person(1)]))
    place.taken.clear()
    results = place.run(write(tmp_path / "people.csv", [person(2), person(1)]))
    assert states(results) == [(2, State.ISSUED), (3, State.ISSUED)]
    assert place.taken == ["CQ-000002"]


def test_the_open_request_comes_first(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2), person(3)])
    with pytest.raises(Killed):
        place.run(rows, killer(24))
    (open_one,) = place.journal.open_requests()
    write(rows, [person(3), person(2), person(1)])
    place.taken.clear()
    place.run(rows)
    assert place.taken[0] == open_one.number == "CQ-000002"
    assert len(place.holders()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("at", range(1, 37))
def test_a_program_that_dies_at_any_step_is_started_again(place, tmp_path, at):
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killer(at))
    assert states(place.run(rows)) == [(2, State.ISSUED), (3, State.ISSUED)]
    assert len(place.holders()) == len(place.cards) == 2


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["good", "good", "good", "sex", "name", "again"])),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each[0],
    ),
    st.lists(st.integers(1, 60), max_size=3),
)
@example([(1, "good"), (2, "sex"), (3, "again"), (4, "good")], [10, 11, 12])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_cards_are_those_of_the_good_rows(tmp_path_factory, wanted, deaths):
    """Good rows, bad rows, persons that come twice, and a program that dies up to three times."""
    folder = tmp_path_factory.mktemp("batch")
    place = Place(folder)
    rows = []
    for index, kind in wanted:
        rows.append(person(index, **{"sex": {"sex": "1"}, "name": {"name": ""}}.get(kind, {})))
        if kind == "again":
            rows.append(person(index, number=f"AGAIN-{index}", card_number=person(100 + index)["card number"]))
    table = write(folder / "people.csv", rows)
    for at in deaths:
        try:
            place.run(table, killer(at))
        except Killed:
            continue
    results = place.run(table)
    good = {person(index)["social security number"] for index, kind in wanted if kind == "good"}
    assert set(place.holders()) == good
    assert {each.number for each in results if each.state is State.ISSUED} == set(place.holders().values())
    assert len(results) == len(rows)
    assert len(place.cards) == len(good)
    atrs = [target.connect() for target in place.cards.values()]
    assert len(set(atrs)) == len(atrs)


def test_a_stop_is_heard_before_the_next_card_and_the_rest_goes_on_later(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2), person(3)])
    stopped = place.run(rows, stop=lambda: len(place.taken) == 2)
    assert states(stopped) == [(2, State.ISSUED), (3, State.ISSUED), (4, State.WAITING)]
    assert states(place.run(rows, stop=lambda: True)) == states(stopped)
    assert states(place.run(rows)) == [(2, State.ISSUED), (3, State.ISSUED), (4, State.ISSUED)]


def test_a_person_who_has_a_card_is_refused_and_gets_no_letter(place, tmp_path):
    place.run(write(tmp_path / "people.csv", [person(1)]))
    results = place.run(write(tmp_path / "people.csv", [person(1, number="CQ-9"), person(2)]))
    assert states(results) == [(2, State.REFUSED), (3, State.ISSUED)]
    assert "has a card already" in results[0].reason
    assert {path.stem for path in place.folder.iterdir()} == {"CQ-000001", "CQ-000002"}


def test_a_number_that_came_with_another_order_is_refused_and_its_letter_stays(place, tmp_path):
    place.run(write(tmp_path / "people.csv", [person(1)]))
    results = place.run(write(tmp_path / "people.csv", [person(2, number="CQ-000001")]))
    assert states(results) == [(2, State.REFUSED)]
    assert {path.stem for path in place.folder.iterdir()} == {"CQ-000001"}


def test_a_chip_that_is_gone_stops_its_row_alone(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killer(6))
    place.lost.add("CQ-000001")
    results = place.run(rows)
    assert states(results) == [(2, State.INTERRUPTED), (3, State.ISSUED)]
    assert "gone" in results[0].reason


def test_a_destroyed_chip_is_told_and_its_letter_withdrawn(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killer(6))
    Station(Equipment(place.product, place.blank, place.centre, place.journal)).destroy("CQ-000001", "bent")
    results = place.run(rows)
    assert states(results) == [(2, State.DESTROYED), (3, State.ISSUED)]
    assert "bent" in results[0].reason
    assert {path.stem for path in place.folder.iterdir()} == {"CQ-000002"}
    results = place.run(write(rows, [person(1, number="CQ-000001-2"), person(2)]))
    assert states(results) == [(2, State.ISSUED), (3, State.ISSUED)]


def test_a_letter_that_was_lost_in_between_is_written_again_and_says_the_chip_s_pin(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1)])
    changed = []

    def kill(told):
        if told.step.name == "CHANGE_PIN" and told.done:
            changed.append(told)
            raise Killed

    with pytest.raises(Killed):
        place.run(rows, kill)
    place.letters().withdraw("CQ-000001")
    assert states(place.run(rows)) == [(2, State.ISSUED)]
    reader = place.reader("CQ-000001")
    reader.open("SSSE")
    reader.verify(place.letters().pin(read_people(rows, INITIAL)[0][0].order))
