"""``sscard issue --batch`` as a clerk types it, and in processes that are killed or interrupted."""

import csv
import json
import os
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
from tests.batch.people import person, write

PLACE = ("--out", "out", "--journal", "station.db", "--books", "centre.db")
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


def results():
    return list(csv.DictReader(Path("out/results.csv").read_text("utf-8-sig").splitlines()))


def journalled(query):
    """What the journal says, read beside the program that writes it."""
    if not Path("station.db").exists():
        return []
    try:
        with sqlite3.connect("file:station.db?mode=ro", uri=True, timeout=30) as base:
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
    pin = Path("out/pins/CQ-000001.txt").read_text("utf-8").split("PIN ")[2].split()[0]
    image = ("--image", "out/cards/CQ-000001.sscard")
    runner = CliRunner()
    settle = ["settle", "medical", *image, "--books", "centre.db", "--total", "20", "--pin"]
    assert runner.invoke(app, [*settle, "123456"]).exit_code == 1
    assert runner.invoke(app, [*settle, pin]).exit_code == 0
    assert person(1)["social security number"] in Path("out/faces/CQ-000001.svg").read_text("utf-8")


@pytest.mark.slow
def test_a_batch_that_is_killed_goes_on_where_it_stopped(desk):
    write(desk / "people.csv", [person(index) for index in range(1, 5)])
    for done in (1, 2):
        child = process()
        wait_for(child, lambda done=done: len(journalled(COMPLETED)) >= done and journalled(OPEN))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        child.communicate()
    assert journalled(OPEN)
    before = journalled(COMPLETED)
    child = process("--json")
    output, errors = child.communicate()
    assert child.returncode == 0, errors
    assert [row["state"] for row in json.loads(output)["rows"]] == ["issued"] * 4
    assert set(before) <= set(journalled(COMPLETED))
    assert len(journalled(COMPLETED)) == 4
    every_person_has_one_card(4)


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
        (["issue", "--batch", "people.csv", *PLACE, "--faces", "gif"], "svg nor png"),
        (["issue", "--batch", "none.csv", *PLACE], "cannot be read"),
        (["issue", "--batch", "bad.csv", *PLACE], "line 1"),
        (["issue", "--batch", "people.csv", *PLACE, "--profile", "debit"], "no social security application"),
        (["issue", "--batch", "people.csv", *PLACE[:2], "--journal", "people.csv", "--books", "b"], "journal"),
        (["issue", "--journal", "j", "--books", "b"], "ORDER"),
    ],
)
def test_wrong_use_is_one_sentence_and_makes_no_card(desk, arguments, sentence):
    write(desk / "people.csv", [person(1)])
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
    assert result.exit_code == 3
    assert "out: cannot be written" in result.stderr


def test_two_programs_do_not_work_in_one_folder(desk):
    from conformance.batch_place import Place

    write(desk / "people.csv", [person(1)])
    with Place(Path("out")).held():
        result = run()
    assert result.exit_code == 2
    assert "another program" in result.stderr
    assert run().exit_code == 0
