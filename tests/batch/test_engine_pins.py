"""PIN letters of batches that break off: none says another PIN than the card's."""

import pytest

from conformance.actors.batch import State, read_people
from tests.batch.people import account, write
from tests.batch.people import with_account as person
from tests.station.world import INITIAL, NEW, Killed

from .world import CHOSEN, killed_at, states


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


@pytest.mark.parametrize("step", ["INITIALISE", "CHANGE_PIN", "RETURN"])
def test_the_letter_of_a_card_that_was_finished_at_the_station_is_withdrawn(place, tmp_path, step):
    rows = write(tmp_path / "people.csv", [person(1), person(2, pin="246802"), person(3)])
    for number in ("CQ-000001", "CQ-000002"):
        with pytest.raises(Killed):
            place.run(rows, killed_at(step, done=False))
        place.resume(rows, number)
    results = place.run(rows)
    assert states(results) == [(line, State.ISSUED) for line in (2, 3, 4)]
    assert [each.reason for each in results] == ["the PIN was chosen at the station"] * 2 + [""]
    assert {path.stem for path in place.folder.iterdir()} == {"CQ-000003"}
    for number in ("CQ-000001", "CQ-000002"):
        reader = place.reader(number)
        reader.open("SSSE")
        reader.verify(NEW)


@pytest.mark.parametrize("step", ["BLANK_CHECK", "FREEZE", "ORDER", "CHANGE_PIN"])
def test_the_bank_s_letter_says_the_pin_that_the_bank_has_or_is_withdrawn(at_bank, tmp_path, step):
    """The bank heard the batch's PIN, or the holder's at the station: whichever it was, nobody has another one in a letter."""
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killed_at(step, done=False))
    assert place.bank_letters().has("CQ-000001")
    notes = place.resume(rows, "CQ-000001").notes
    results = place.run(rows)
    chosen = step in ("BLANK_CHECK", "FREEZE")
    said = "the PIN was chosen at the station" + "; the bank PIN was chosen at the station" * chosen
    assert [each.reason for each in results] == [said, ""]
    assert place.bank_letters().has("CQ-000001") is not chosen
    assert place.bank_letters().has("CQ-000002")
    assert (place.bank.ledger.owner(account(1)).pin == CHOSEN) is chosen
    assert any("PIN with which it began" in en for _, en in notes) is not chosen
    assert place.run(rows) == results
    assert len(place.holders()) == 2  # which holds letters and books of the bank against one another


@pytest.mark.parametrize("at_station", [False, True])
def test_a_bank_that_opened_the_account_and_could_not_say_so_has_the_pin_that_comes_last(
    at_bank, tmp_path, monkeypatch, at_station
):
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1)])
    opened = place.bank.cards.open

    def open_and_die(*arguments, **more):
        opened(*arguments, **more)
        raise Killed

    monkeypatch.setattr(place.bank.cards, "open", open_and_die)
    with pytest.raises(Killed):
        place.run(rows)
    monkeypatch.undo()
    first = place.bank.ledger.owner(account(1)).pin
    if at_station:
        place.resume(rows, "CQ-000001")
    else:
        place.bank_letters().withdraw("CQ-000001")
    place.run(rows)
    assert place.bank_letters().has("CQ-000001") is not at_station
    assert (place.bank.ledger.owner(account(1)).pin == CHOSEN) is at_station
    assert place.bank.ledger.owner(account(1)).pin != first
    assert len(place.holders()) == 1


def test_the_new_card_of_a_destroyed_chip_has_the_bank_pin_of_its_own_letter(at_bank, tmp_path):
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1)])
    with pytest.raises(Killed):
        place.run(rows, killed_at("REGISTER", done=True))
    place.station().destroy("CQ-000001", "bent")
    assert states(place.run(rows)) == [(2, State.DESTROYED)]
    assert place.bank_letters().numbers() == []
    assert states(place.run(write(rows, [person(1, number="SECOND")]))) == [(2, State.ISSUED)]
    assert place.bank_letters().numbers() == ["SECOND"]
    assert place.holders() == {person(1)["social security number"]: "SECOND"}


def test_letters_of_a_request_that_was_destroyed_go_although_its_row_is_gone(place, tmp_path):
    rows = write(tmp_path / "people.csv", [person(1), person(2)])
    with pytest.raises(Killed):
        place.run(rows, killed_at("PERSONALISE", done=False))
    place.station().destroy("CQ-000001", "bent")
    place.run(write(rows, [person(2)]))
    assert place.letters().numbers() == ["CQ-000002"]


def test_a_bank_letter_that_was_lost_is_not_written_anew(at_bank, tmp_path):
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1)])
    with pytest.raises(Killed):
        place.run(rows, killed_at("PERSONALISE", done=False))
    place.bank_letters().withdraw("CQ-000001")
    results = place.run(rows)
    assert states(results) == [(2, State.ISSUED)]
    assert "the bank must give another one" in results[0].reason
    assert place.bank_letters().numbers() == []


def test_pins_of_the_table_are_those_of_the_card_or_the_letter_says_so(at_bank, tmp_path):
    place, rows = at_bank, write(tmp_path / "people.csv", [person(1), person(2, bank_pin="8642")])
    with pytest.raises(Killed):
        place.run(rows, killed_at("PERSONALISE", done=False))
    write(rows, [person(1, pin="650982", bank_pin="7531"), person(2, bank_pin="8642")])
    results = place.run(rows)
    assert [each.reason for each in results] == [
        "the bank PIN is that of the letter; that of the table came too late",
        "",
    ]
    assert place.letters().numbers() == ["CQ-000002"]
    assert place.bank_letters().numbers() == ["CQ-000001"]
    assert place.bank.ledger.owner(account(2)).pin == "8642"
    reader = place.reader("CQ-000001")
    reader.open("SSSE")
    reader.verify("650982")
    assert len(place.holders()) == 2
    assert place.run(rows) == results
