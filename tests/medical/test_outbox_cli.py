"""``sscard settle medical --outbox`` killed for real (SIGKILL), and called again."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from conformance.actors.medical.books import Books
from conformance.actors.outbox import OutboxFile
from sscard import app

KILLED = """
import os, signal, sys
from conformance.actors.medical import {module} as program
real = program.{name}
def ended(*arguments, **named):
    if {after}:
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
program.{name} = ended
from sscard import app
app(sys.argv[1:])
"""


def options(folder: Path) -> list[str]:
    return [
        *("--image", str(folder / "card"), "--sam-image", str(folder / "psam"), "--pin", "123456"),
        *("--books", str(folder / "centre"), "--outbox", str(folder / "outbox"), "--total", "200.00"),
    ]


def settle(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["settle", "medical", *options(folder), *more])


def killed(folder: Path, module: str, name: str, *, after: bool) -> None:
    script = KILLED.format(module=module, name=name, after=after)
    command = [sys.executable, "-c", script, "settle", "medical", *options(folder), "--number", "K1"]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL


def states(folder: Path) -> dict[str, str]:
    books = Books(folder / "centre")
    try:
        return {row["number"]: row["state"] for row in books.all("SELECT number, state FROM settlement")}
    finally:
        books.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "after", "became"),
    [
        ("terminal", "prepare", False, "reversed"),
        ("terminal", "send", False, "reversed"),
        ("terminal", "send", True, "cleared"),
        ("outbox", "answered", False, "cleared"),
    ],
)
def test_a_killed_settlement_is_made_good_by_the_next_call(
    tmp_path: Path, module: str, name: str, after: bool, became: str
) -> None:
    killed(tmp_path, module, name, after=after)
    result = settle(tmp_path, "--number", "K2", "--json")
    assert result.exit_code == 0
    told: dict[str, Any] = json.loads(result.stdout)
    assert any("K1" in step["en"] and step["step"] == "outbox" for step in told["steps"])
    assert states(tmp_path) == {"K1": became, "K2": "cleared"}
    assert settle(tmp_path, "--number", "K3").exit_code == 0
    assert states(tmp_path) == {"K1": became, "K2": "cleared", "K3": "cleared"}


def test_an_outbox_needs_books_that_remember(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["settle", "medical", "--total", "1", "--outbox", str(tmp_path / "outbox")])
    assert result.exit_code == 2
    assert "give --books too" in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_outbox_that_is_none_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_bytes(b"no database" * 100)
    result = settle(tmp_path)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "card").exists()


@pytest.mark.parametrize(
    ("stage", "became"), [("quote", {}), ("debit", {"K1": "reversed"}), ("settled", {"K1": "cleared"})]
)
def test_what_cannot_be_kept_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, became: dict[str, str]
) -> None:
    """A full disk ends the call in one sentence; the entry of the stage before is good for the next call."""
    real = OutboxFile.run

    def full(outbox: OutboxFile, statement: str, *values: object) -> int:
        if stage in values:
            raise sqlite3.OperationalError("database or disk is full")
        return real(outbox, statement, *values)

    with monkeypatch.context() as patched:
        patched.setattr(OutboxFile, "run", full)
        result = settle(tmp_path, "--number", "K1", "--json")
    assert (result.exit_code, result.stdout) == (3, "")
    failed = [line for line in result.stderr.splitlines() if "新卡" not in line]
    assert failed == ["sscard settle medical: the outbox cannot be written: database or disk is full"]
    assert settle(tmp_path, "--number", "K2").exit_code == 0
    assert states(tmp_path) == {**became, "K2": "cleared"}
