"""A terminal's outbox in a file: what it keeps, from whom, and what a new program does with it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from conformance.actors.medical.messages import Mode
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import OfflineLimits, Outcome, Visit
from conformance.actors.outbox import LARGEST_NUMBER, Box, Entry, Forgetful, OutboxError, OutboxFile
from tests.medical.hospital import NOON, Hospital

PERSON = "500000199001011239"


def started(hospital: Hospital, path: Path) -> tuple[HospitalTerminal, OutboxFile]:
    """A program that has just started: the terminal of a hospital over an outbox."""
    outbox, old = OutboxFile(path), hospital.terminal
    return HospitalTerminal(old.reader, old.centre, limits=OfflineLimits(), outbox=outbox), outbox


def test_entries_keep_their_order_and_stage_through_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    outbox = OutboxFile(path)
    for number in ("1", "2", "3"):
        outbox.keep(Box.MEDICAL, number, "first", number * 2)
    outbox.keep(Box.MEDICAL, "1", "second", "x")
    outbox.drop(Box.MEDICAL, "2")
    outbox.drop(Box.MEDICAL, "9")
    outbox.close()
    again = OutboxFile(path)
    assert again.entries(Box.MEDICAL) == [Entry("1", "second", "x"), Entry("3", "first", "33")]
    assert again.entries(Box.LOAD) == []


def test_both_files_are_the_owners_alone_and_show_no_content(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    mask = os.umask(0)
    try:
        outbox = OutboxFile(path)
    finally:
        os.umask(mask)
    outbox.keep(Box.MEDICAL, "1", "settled", PERSON)
    for each in tmp_path.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
        assert PERSON.encode() not in each.read_bytes()
    assert len(list(tmp_path.iterdir())) >= 2


def test_one_outbox_serves_one_terminal_at_a_time(tmp_path: Path) -> None:
    first = OutboxFile(tmp_path / "outbox")
    with pytest.raises(OutboxError, match="in use by another terminal"):
        OutboxFile(tmp_path / "outbox")
    first.close()
    OutboxFile(tmp_path / "outbox").close()


def test_an_outbox_without_its_key_or_with_anothers_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        outbox = OutboxFile(tmp_path / name)
        outbox.keep(Box.MEDICAL, "1", "settled", "content")
        outbox.close()
    (tmp_path / "two.key").replace(tmp_path / "one.key")
    with pytest.raises(OutboxError, match="does not fit its key"):
        OutboxFile(tmp_path / "one")
    with pytest.raises(OutboxError, match="has lost its key"):
        OutboxFile(tmp_path / "two")


def test_an_outbox_that_cannot_be_read_on_the_way_is_the_same_error(tmp_path: Path) -> None:
    """So that whoever hears of a full disk in one sentence hears so of a damaged file, too."""
    outbox = OutboxFile(tmp_path / "outbox")
    outbox.run("DROP TABLE entry")
    with pytest.raises(OutboxError, match=r"^the outbox cannot be read: no such table: entry$"):
        outbox.entries(Box.MEDICAL)
    outbox.close()


def test_an_outbox_knows_its_terminal_and_how_far_it_has_counted(tmp_path: Path) -> None:
    outbox = OutboxFile(tmp_path / "outbox")
    terminal = outbox.terminal
    assert [outbox.next_number() for _ in range(2)] == [1, 2]
    outbox.close()
    outbox = OutboxFile(tmp_path / "outbox")
    assert (outbox.terminal, outbox.next_number()) == (terminal, 3)
    outbox.run("UPDATE terminal SET number = ?", LARGEST_NUMBER)
    assert outbox.next_number() == 1
    outbox.close()
    other = OutboxFile(tmp_path / "other")
    assert other.terminal not in (terminal, Forgetful().terminal)
    other.close()


def test_an_outbox_of_before_that_knew_no_terminal_gets_one(tmp_path: Path) -> None:
    outbox = OutboxFile(tmp_path / "outbox")
    outbox.keep(Box.MEDICAL, "1", "settled", "content")
    outbox.run("DROP TABLE terminal")
    outbox.close()
    outbox = OutboxFile(tmp_path / "outbox")
    assert (len(outbox.terminal), outbox.next_number()) == (8, 1)
    assert [each.number for each in outbox.entries(Box.MEDICAL)] == ["1"]
    outbox.close()


def test_a_number_that_cannot_be_kept_is_not_given(tmp_path: Path) -> None:
    outbox = OutboxFile(tmp_path / "outbox")
    outbox.run("PRAGMA query_only = ON")
    with pytest.raises(OutboxError, match=r"^the outbox cannot be written: "):
        outbox.next_number()
    outbox.close()


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + bytes(600)])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outbox"
    path.write_bytes(content)
    with pytest.raises(OutboxError):
        OutboxFile(path)
    assert path.read_bytes() == content


def test_nothing_is_left_after_a_settlement_that_everybody_heard_of(tmp_path: Path) -> None:
    hospital = Hospital()
    terminal, outbox = started(hospital, tmp_path / "outbox")
    assert terminal.settle(Visit("V1", 20_000, when=NOON)).outcome is Outcome.SETTLED
    assert outbox.entries(Box.MEDICAL) == []


def test_an_upload_of_a_killed_terminal_comes_through_and_its_person_is_in_no_file(tmp_path: Path) -> None:
    down = True
    hospital = Hospital(mode=Mode.ONLINE_WITH_OFFLINE, lost=lambda message: "sent" if down else "")
    terminal, outbox = started(hospital, tmp_path / "outbox")
    assert terminal.settle(Visit("V1", 5_000, when=NOON)).outcome is Outcome.SETTLED_OFFLINE
    person = terminal.undelivered[0].person  # type: ignore[union-attr]
    assert all(person.encode() not in each.read_bytes() for each in tmp_path.iterdir())
    outbox.close()
    down = False
    again, outbox = started(hospital, tmp_path / "outbox")
    assert again.resolved["V1"].outcome is Outcome.SETTLED_OFFLINE
    assert [(each.number, each.refusal) for each in again.deliver()] == [("V1", None)]
    stored = hospital.centre.books.settlement("V1")
    assert stored is not None
    assert (stored.person, stored.state) == (person, "cleared")
    assert outbox.entries(Box.MEDICAL) == []


class Ended(BaseException):
    """The program ends here."""


def test_a_bill_of_the_same_amount_in_the_second_of_a_killed_one_is_another_settlement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PSAM has not counted: it never saw MAC2 of the first one."""
    hospital = Hospital()
    terminal, outbox = started(hospital, tmp_path / "outbox")

    def ended(mac2: bytes) -> bool:
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(hospital.keys, "confirm", ended)
        with pytest.raises(Ended):
            terminal.settle(Visit("V1", 5_000, when=NOON))
    outbox.close()
    again, _ = started(hospital, tmp_path / "outbox")
    assert again.settle(Visit("V2", 5_000, when=NOON)).outcome is Outcome.SETTLED
    assert again.resolved["V1"].outcome is Outcome.SETTLED
    for number in ("V1", "V2"):
        stored = hospital.centre.books.settlement(number)
        assert stored is not None
        assert stored.state == "cleared"
