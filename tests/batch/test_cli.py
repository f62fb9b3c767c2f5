"""``sscard issue --batch`` as a clerk types it, and in processes that are killed or interrupted."""

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.actors.batch.results import State
from sscard import app
from tests.batch.people import account, person, with_account, write
from tests.station.world import NEW

PLACE = ("--out", "out", "--journal", "station.db", "--books", "centre.db")
BANK = ("--bank", "bank.db")
MEMORY = Path("/dev/shm")  # noqa: S108 - where nothing waits for a disk


@pytest.fixture
def desk(monkeypatch):
    folder = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder)


def run(*arguments):
    return CliRunner().invoke(app, ["issue", "--batch", "people.csv", *PLACE, *map(str, arguments)])


def process(*arguments):
    program = Path(sys.executable).with_name("sscard")
    return subprocess.Popen(
        [program, "issue", "--batch", "people.csv", *PLACE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


DYING = """
import os, signal, sys
from conformance.actors.bank.changes import CardDesk
from sscard import app

act, when, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
real = getattr(CardDesk, act)

def dies(*arguments, **more):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*arguments, **more)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(CardDesk, act, dies)
sys.argv[1:4] = []
app()
"""


def dying(act, when, calls):
    """How a batch of whole cards ends whose program dies before or after the so-manyth call of an act of the bank."""
    arguments = [act, when, str(calls), "issue", "--batch", "people.csv", *PLACE, *BANK]
    return subprocess.run([sys.executable, "-c", DYING, *arguments], capture_output=True, check=False).returncode


def results():
    return list(csv.DictReader(Path("out/results.csv").read_text("utf-8-sig").splitlines()))


def journalled(query, store="station.db"):
    """What the journal, or another store, says, read beside the program that writes it."""
    if not Path(store).exists():
        return []
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30) as base:
            return [row[0] for row in base.execute(query)]
    except sqlite3.OperationalError:
        return []


COMPLETED = "SELECT number FROM request WHERE state = 'completed'"
OPEN = "SELECT number FROM request WHERE state = 'open'"


def wait_for(child, condition):
    while child.poll() is None:
        if condition():
            return
        time.sleep(0.005)
    pytest.fail(f"the batch ended before: {child.communicate()}")


def at_its_second_card(desk, count):
    """A batch in a process of its own, with one card done and the next one begun."""
    write(desk / "people.csv", [person(index) for index in range(1, count + 1)])
    child = process()
    wait_for(child, lambda: journalled(COMPLETED) and journalled(OPEN))
    return child


def letter(number, folder="pins"):
    """The PIN in a letter."""
    return Path(f"out/{folder}/{number}.txt").read_text("utf-8").rpartition("PIN ")[2].split()[0]


def every_card_is_in_use_at_the_bank(count):
    """One card for each account, under the chip that the journal has, no account without and no order that dangles."""
    assert journalled("SELECT DISTINCT state FROM change", "bank.db") == ["switched"]
    assert len(journalled("SELECT number FROM account", "bank.db")) == count
    cards = "SELECT count(*) FROM card JOIN chip USING (pan, sequence) WHERE state = 'active'"
    assert journalled(cards, "bank.db") == journalled("SELECT count(*) FROM card", "bank.db") == [count]
    assert sorted(journalled("SELECT identification FROM chip", "bank.db")) == sorted(
        journalled("SELECT card FROM request")
    )
    pins = set(journalled("SELECT pin FROM account", "bank.db"))
    assert {letter(path.stem, "bank-pins") for path in Path("out/bank-pins").iterdir()} == pins
    assert {path.stat().st_mode & 0o777 for path in Path("out/bank-pins").iterdir()} == {0o600}


def every_person_has_one_card(count):
    """Each chip is read, and nothing but what the chips say is believed."""
    held = {}
    for image in Path("out/cards").iterdir():
        read = CliRunner().invoke(app, ["read", "--image", str(image), "--json"])
        assert read.exit_code == 0, (image, read.output)
        number = next(
            person(index)["social security number"] for index in range(1, 100) if person(index)["number"] == image.stem
        )
        assert number in read.stdout
        assert number not in held
        held[number] = image
    assert len(held) == count
    letters = {path.stem for path in Path("out/pins").iterdir()}
    assert letters == {image.stem for image in held.values()}
    assert {path.stat().st_mode & 0o777 for path in Path("out/pins").iterdir()} == {0o600}
    with sqlite3.connect("centre.db") as base:
        assert base.execute("SELECT count(DISTINCT person), count(*) FROM card").fetchone() == (count, count)
    if Path("bank.db").exists():
        every_card_is_in_use_at_the_bank(count)


def test_a_batch_with_a_bad_row(desk):
    write(desk / "people.csv", [person(1), person(2, name=""), person(3)])
    result = run("--json")
    assert result.exit_code == 1, result.output
    table = json.loads(result.stdout)
    assert table["exit_code"] == 1
    assert table["encoding"] == "UTF-8"
    assert {name: count for name, count in table["counts"].items() if count} == {"issued": 2, "wrong data": 1}
    assert [(row["line"], row["state"], row["field"]) for row in table["rows"]] == [
        (2, "issued", ""),
        (3, "wrong data", "name"),
        (4, "issued", ""),
    ]
    assert [row["state"] for row in results()] == ["issued", "wrong data", "issued"]
    assert Path("out/results.csv").stat().st_mode & 0o777 == 0o600
    for index in (1, 3):
        assert person(index)["social security number"] not in result.stdout + Path("out/results.csv").read_text("utf-8")
    every_person_has_one_card(2)
    told = run()
    assert told.exit_code == 1
    assert "line 3: 'name' is missing" in told.stderr
    assert "已制成 issued 2" in told.stdout


def test_a_card_of_a_batch_has_the_pin_of_its_letter_and_a_face(desk):
    write(desk / "people.csv", [person(1)])
    assert run("--faces", "svg").exit_code == 0
    pin = letter("CQ-000001")
    image = ("--image", "out/cards/CQ-000001.sscard")
    runner = CliRunner()
    settle = ["settle", "medical", *image, "--books", "centre.db", "--total", "20", "--pin"]
    assert runner.invoke(app, [*settle, "123456"]).exit_code == 1
    assert runner.invoke(app, [*settle, pin]).exit_code == 0
    assert person(1)["social security number"] in Path("out/faces/CQ-000001.svg").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("bank", [(), BANK], ids=["half", "whole"])
def test_a_batch_that_is_killed_goes_on_where_it_stopped(desk, bank):
    write(desk / "people.csv", [(with_account if bank else person)(index) for index in range(1, 5)])
    for done in (1, 2):
        child = process(*bank)
        wait_for(child, lambda done=done: len(journalled(COMPLETED)) >= done and journalled(OPEN))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        child.communicate()
    assert journalled(OPEN)
    before = journalled(COMPLETED)
    child = process(*bank, "--json")
    output, errors = child.communicate()
    assert child.returncode == 0, errors
    assert [row["state"] for row in json.loads(output)["rows"]] == ["issued"] * 4
    assert set(before) <= set(journalled(COMPLETED))
    assert len(journalled(COMPLETED)) == 4
    every_person_has_one_card(4)


@pytest.mark.slow
@pytest.mark.parametrize("act", ["open", "order", "personalisation", "switch", "record"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_batch_that_is_killed_around_an_act_of_the_bank(desk, act, when):
    """At its second card: the next run finishes that one, and nobody has two, or an account without a card."""
    write(desk / "people.csv", [with_account(index) for index in range(1, 4)])
    calls = 2 if act != "personalisation" else 3  # the bank is asked once more when the chip is read back
    assert dying(act, when, calls) == -signal.SIGKILL
    assert journalled(OPEN) == ["CQ-000002"]
    result = run(*BANK)
    assert result.exit_code == 0, result.output
    every_person_has_one_card(3)


@pytest.mark.slow
def test_ten_whole_cards_are_used(desk):
    """Each is read, pays on line with the PIN of its letter, and has its account number on the face."""
    write(desk / "people.csv", [with_account(index) for index in range(1, 11)])
    result = run(*BANK, "--faces", "svg", "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    every_person_has_one_card(10)
    runner = CliRunner()
    for row in table["rows"]:
        number, pan = row["number"], account(int(row["number"][-2:]))
        assert row["account"] == f"{pan[:6]}{'*' * 9}{pan[-4:]} 01"
        assert pan not in result.stdout + Path("out/results.csv").read_text("utf-8")
        back = Path(f"out/faces/{number}-back.svg").read_text("utf-8")
        assert pan in "".join(each for each in back if not each.isspace())
        paid_in = ("bank", "deposit", "--books", "bank.db", "--pan", pan, "--amount", "5000", "--number", f"D{number}")
        assert runner.invoke(app, paid_in).exit_code == 0
        pay = ("pay", "--profile", "ssc3-sm4", "--image", row["image"], *BANK, "--amount", "20.00", "--online", "--pin")
        pin = letter(number, "bank-pins")
        assert runner.invoke(app, [*pay, f"{(int(pin) + 1) % 10**6:06}"]).exit_code == 1
        paid = runner.invoke(app, [*pay, pin])
        assert paid.exit_code == 0, paid.output
        settle = ("settle", "medical", "--image", row["image"], "--books", "centre.db", "--total", "20", "--pin")
        assert runner.invoke(app, [*settle, letter(number)]).exit_code == 0
    assert set(journalled("SELECT balance FROM book WHERE name LIKE 'account %'", "bank.db")) == {3000}


def test_a_batch_of_whole_cards_with_rows_that_the_bank_does_not_take(desk):
    opened = ("bank", "open", "--books", "bank.db", "--pan", account(2), "--pin", "135790", "--identity-number", "X")
    assert CliRunner().invoke(app, opened).exit_code == 0
    rows = [with_account(1), with_account(2), with_account(3, account_number=""), with_account(4, account_number="12"),
            with_account(5), with_account(6, account_number=account(5)), with_account(7, bank_pin="1")]  # fmt: skip
    write(desk / "people.csv", rows)
    result = run(*BANK, "--json")
    assert result.exit_code == 1, result.output
    assert [(row["line"], row["state"], row["field"]) for row in json.loads(result.stdout)["rows"]] == [
        (2, "issued", ""),
        (3, "refused", ""),
        (4, "wrong data", "account number"),
        (5, "wrong data", "account number"),
        (6, "wrong data", "account number"),
        (7, "wrong data", "account number"),
        (8, "wrong data", "bank pin"),
    ]
    assert [path.name for path in Path("out/cards").iterdir()] == ["CQ-000001.sscard"]
    told = run(*BANK)
    assert "the new number has an account" in told.stderr
    assert "with --bank every card needs it" in told.stderr
    for row in rows:
        assert len(row["account number"]) < 3 or row["account number"] not in told.stderr + told.stdout


def test_a_card_that_is_finished_at_the_station_has_no_letter(desk):
    """Broken off before the bank knows of it, finished by hand with PINs of the holder's choice."""
    write(desk / "people.csv", [with_account(1), with_account(2)])
    assert dying("open", "before", 2) == -signal.SIGKILL
    station = ("--journal", "station.db", "--books", "centre.db", *BANK, "--bank-pin", "135790", "--new-pin", NEW)
    finished = CliRunner().invoke(
        app,
        ["station", "resume", "people.csv", "--number", "CQ-000002", "--image", "out/cards/CQ-000002.sscard", *station],
    )
    assert finished.exit_code == 0, finished.output
    assert Path("out/pins/CQ-000002.txt").exists()
    result = run(*BANK)
    assert result.exit_code == 0
    assert "issued: the PIN was chosen at the station; the bank PIN was chosen at the station" in result.stderr
    assert [row["reason"] for row in results()] == [
        "",
        "the PIN was chosen at the station; the bank PIN was chosen at the station",
    ]
    assert [path.name for path in desk.glob("out/*pins/*")].count("CQ-000002.txt") == 0
    assert letter("CQ-000001", "bank-pins") != letter("CQ-000001")


@pytest.mark.slow
def test_ctrl_c_lets_the_card_in_hand_be_finished(desk):
    child = at_its_second_card(desk, 4)
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate()
    assert child.returncode == 3, errors
    assert b"Traceback" not in errors
    assert b"goes on where it stopped" in output
    assert journalled(OPEN) == []
    states = [row["state"] for row in results()]
    assert set(states) == {State.ISSUED.en, State.WAITING.en}
    assert re.findall(r"(\d+)/4", errors.decode())[-1] == str(states.count(State.ISSUED.en)), "the bar tells no more"
    assert run().exit_code == 0
    every_person_has_one_card(4)


@pytest.mark.slow
def test_ctrl_c_twice_breaks_the_card_off_and_the_next_run_finishes_it(desk):
    child = at_its_second_card(desk, 3)
    for _ in range(400):  # as somebody does who is impatient
        if child.poll() is not None:
            break
        child.send_signal(signal.SIGINT)
        time.sleep(0.005)
    _, errors = child.communicate()
    assert child.returncode == 3, errors
    assert b"Traceback" not in errors
    assert run().exit_code == 0
    every_person_has_one_card(3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["issue", "--batch", "people.csv", "--journal", "j", "--books", "b"], "--batch FILE and --out"),
        (["issue", "--out", "out", "--journal", "j", "--books", "b"], "--batch FILE and --out"),
        (["issue", "--batch", "people.csv", *PLACE, "--new-pin", "650981"], "alone"),
        (["issue", "order.toml", "--batch", "people.csv", *PLACE], "alone"),
        (["issue", "--batch", "people.csv", *PLACE, *BANK, "--bank-pin", "135790"], "alone"),
        (["issue", "--batch", "people.csv", *PLACE, *BANK], "'account number' is missing"),
        (["issue", "--batch", "accounts.csv", *PLACE, "--bank", "people.csv"], "books people.csv cannot be used"),
        (["issue", "--batch", "people.csv", *PLACE, "--faces", "gif"], "svg nor png"),
        (["issue", "--batch", "none.csv", *PLACE], "cannot be read"),
        (["issue", "--batch", "people.csv", *PLACE, "--out", "/proc/none"], "name another folder"),
        (["issue", "--batch", "bad.csv", *PLACE], "line 1"),
        (["issue", "--batch", "people.csv", *PLACE, "--profile", "debit"], "no social security application"),
        (["issue", "--batch", "people.csv", *PLACE[:2], "--journal", "people.csv", "--books", "b"], "journal"),
        (["issue", "--journal", "j", "--books", "b"], "ORDER"),
    ],
)
def test_wrong_use_is_one_sentence_and_makes_no_card(desk, arguments, sentence):
    write(desk / "people.csv", [person(1)])
    write(desk / "accounts.csv", [with_account(1)])
    (desk / "bad.csv").write_text("number,colour\nA,red\n", "utf-8")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(desk.glob("out/cards/*"))


def test_what_a_killed_program_left_half_written_is_taken_away(desk):
    write(desk / "people.csv", [person(1)])
    for left in (
        "pins/.CQ-000001.txt.abc",
        "cards/.CQ-000001.sscard",
        "cards/.CQ-000001.sscard-wal",
        ".results.csv.abc",
    ):
        path = desk / "out" / left
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    assert run().exit_code == 0
    every_person_has_one_card(1)
    assert [path.name for path in desk.glob("out/**/.*")] == [".lock"]


def test_a_folder_that_cannot_be_made_is_one_sentence(desk):
    write(desk / "people.csv", [person(1)])
    (desk / "out").write_text("a file")
    result = run()
    assert result.exit_code == 2
    assert "out: cannot be made (File exists); name another folder" in result.stderr


def test_two_programs_do_not_work_in_one_folder(desk):
    from conformance.batch_place import Place

    write(desk / "people.csv", [person(1)])
    with Place(Path("out")).held():
        result = run()
    assert result.exit_code == 2
    assert "another program" in result.stderr
    assert run().exit_code == 0
