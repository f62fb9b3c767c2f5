"""Batches in memory: whatever breaks off, the cards in the end are those of the good rows, one for each person."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.actors.batch import State, as_csv, read_people
from tests.batch.people import account, write
from tests.batch.people import with_account as person
from tests.station.world import INITIAL, Killed

from .world import Place, killed_at, killer, states


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
        place.run(rows, killer(place.tells + 6))
    (open_one,) = place.journal.open_requests()
    write(rows, [person(3), person(2), person(1)])
    place.taken.clear()
    place.run(rows)
    assert place.taken[0] == open_one.number == "CQ-000002"
    assert len(place.holders()) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whole_cards", "at"), [*((False, at) for at in range(1, 37)), *((True, at) for at in range(1, 57))]
)
def test_a_program_that_dies_at_any_step_is_started_again(tmp_path, whole_cards, at):
    place = Place(tmp_path, whole_cards=whole_cards)
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killer(at))
    assert states(place.run(rows)) == [(2, State.ISSUED), (3, State.ISSUED)]
    assert len(place.holders()) == len(place.cards) == 2


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["good"] * 4 + ["sex", "name", "again", "account", "taken"])),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each[0],
    ),
    st.lists(st.integers(1, 90), max_size=3),
    st.booleans(),
)
@example([(1, "good"), (2, "sex"), (3, "again"), (4, "good")], [10, 11, 12], False)
@example([(1, "good"), (2, "account"), (3, "taken"), (4, "good")], [5, 20, 21], True)
@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_cards_are_those_of_the_good_rows(tmp_path_factory, wanted, deaths, whole_cards):
    """Good rows, bad rows, persons and accounts that come twice, numbers of others, a program that dies up to three times."""
    folder = tmp_path_factory.mktemp("batch")
    place = Place(folder, whole_cards=whole_cards)
    good_kinds = {"good"} if whole_cards else {"good", "taken"}
    rows = []
    for index, kind in wanted:
        rows.append(person(index, **{"sex": {"sex": "1"}, "name": {"name": ""}}.get(kind, {})))
        if kind == "again":
            other = {"card_number": person(100 + index)["card number"], "account_number": account(100 + index)}
            rows.append(person(index, number=f"AGAIN-{index}", **other))
        if kind == "account":
            rows.append(person(100 + index, account_number=account(index)))
        if kind == "taken" and place.bank is not None:
            place.bank.open_account(account(index), balance=0, identity="another")
    table = write(folder / "people.csv", rows)
    for at in deaths:
        try:
            place.run(table, killer(at))
        except Killed:
            continue
    results = place.run(table)
    good = {person(index)["social security number"] for index, kind in wanted if kind in good_kinds}
    if place.bank is not None:
        for index in (index for index, kind in wanted if kind == "taken"):
            place.bank.cards.cancel(f"away-{index}", account(index))  # so that those in use are the batch's
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
    place.station().destroy("CQ-000001", "bent")
    results = place.run(rows)
    assert states(results) == [(2, State.DESTROYED), (3, State.ISSUED)]
    assert "bent" in results[0].reason
    assert {path.stem for path in place.folder.iterdir()} == {"CQ-000002"}
    results = place.run(write(rows, [person(1, number="CQ-000001-2"), person(2)]))
    assert states(results) == [(2, State.ISSUED), (3, State.ISSUED)]
    assert len(place.holders()) == 2


def test_a_row_whose_number_has_an_account_fails_alone_and_its_chip_is_put_back(at_bank, tmp_path):
    place = at_bank
    place.bank.open_account(account(2), balance=5, holder="another", identity="another")
    rows = write(tmp_path / "people.csv", [person(1), person(2), person(3)])
    results = place.run(rows)
    assert states(results) == [(2, State.ISSUED), (3, State.REFUSED), (4, State.ISSUED)]
    assert "the new number has an account" in results[1].reason
    assert (results[1].image, results[1].card, results[1].account) == ("", "", "")
    assert set(place.cards) == {"CQ-000001", "CQ-000003"}
    assert place.letters().numbers() == place.bank_letters().numbers() == ["CQ-000001", "CQ-000003"]
    assert place.bank.account(account(2), "00").balance == 5
    place.taken.clear()
    again = place.run(rows)
    assert states(again) == states(results)
    assert place.taken == []
    mended = write(rows, [person(1), person(2, number="NEW", account_number=account(22)), person(3)])
    assert states(place.run(mended)) == [(line, State.ISSUED) for line in (2, 3, 4)]


def test_a_number_that_has_used_its_last_sequence_number_is_refused(at_bank, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.actors.bank.changes.LAST_SEQUENCE", 1)
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1)])
    with pytest.raises(Killed):
        place.run(rows, killed_at("INITIALISE", done=False))
    place.station().destroy("CQ-000001", "bent")
    results = place.run(write(rows, [person(1, number="SECOND")]))
    assert states(results) == [(2, State.REFUSED)]
    assert "no sequence number left" in results[0].reason
    assert "SECOND" not in place.cards
    assert place.holders() == {}


def test_an_open_request_without_a_row_is_told_and_stays_open(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killed_at("PERSONALISE", done=False))
    for left in ([person(2)], [person(1, name=""), person(2)], [person(1, telephone="023-1"), person(2)]):
        results = place.run(write(rows, left))
        assert [(each.number, each.state) for each in results] == [
            ("CQ-000001", State.INTERRUPTED),
            ("CQ-000002", State.ISSUED),
        ]
        assert "station destroy CQ-000001" in results[0].reason
    assert states(place.run(write(rows, [person(1), person(2)]))) == [(2, State.ISSUED), (3, State.ISSUED)]
    assert len(place.holders()) == 2


def test_a_card_goes_on_with_the_bank_with_which_it_began_and_with_none_without(at_bank, tmp_path):
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1), person(2)])
    bank, whole_equipment = place.bank, place.equipment
    with pytest.raises(Killed):
        place.run(rows, killed_at("PERSONALISE", done=False))

    place.bank, place.equipment = None, replace(whole_equipment, bank=None)
    results = place.run(rows)
    assert states(results) == [(2, State.INTERRUPTED), (3, State.ISSUED)]
    assert "connect the bank" in results[0].reason
    write(rows, [person(1), person(2), person(3)])
    with pytest.raises(Killed):
        place.run(rows, killed_at("PERSONALISE", done=False))

    place.bank, place.equipment = bank, whole_equipment
    results = place.run(rows)
    assert states(results) == [(2, State.ISSUED), (3, State.ISSUED), (4, State.INTERRUPTED)]
    assert [each.account[-2:] for each in results] == ["01", "", ""]
    assert results[1].reason == "was issued without the bank's application"
    assert "finish it without" in results[2].reason
