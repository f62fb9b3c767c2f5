"""``sscard settle visit --outbox`` killed for real (SIGKILL), and called again: both hosts book each visit once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.medical.books import Books
from conformance.bank_option import account_of, open_test_account
from profiles import load
from sscard import app

START, OWN_FIRST, OWN_SECOND = 500_000, 20_000, 21_000
"""All of it is own part: the deductible of a year is 500.00."""
KILLED = """
import os, signal, sys
from conformance.actors.{module} import {kind}
real = {kind}.{name}
def ended(*arguments, **named):
    real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
{kind}.{name} = ended
from sscard import app
app(sys.argv[1:])
"""


def bank_over(path: Path) -> Bank:
    return Bank(*IssuerKeys.of_profile(load("ssc3-sm4")), ledger=Ledger(path))


def paid(path: Path) -> int:
    bank = bank_over(path)
    try:
        return START - account_of(bank, load("ssc3-sm4")).balance
    finally:
        bank.ledger.close()


def states(path: Path) -> dict[str, str]:
    books = Books(path)
    try:
        return {row["number"]: row["state"] for row in books.all("SELECT number, state FROM settlement")}
    finally:
        books.close()


def options(folder: Path, number: str, total: str) -> list[str]:
    files = [(f"--{each}", str(folder / each)) for each in ("image", "sam-image", "books", "outbox", "bank")]
    more = ("--pin", "123456", "--no-account", "--number", number, "--total", total)
    return ["settle", "visit", *(text for pair in files for text in pair), *more]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "kind", "name"),
    [
        ("medical.centre", "Centre", "settle"),
        ("bank", "Bank", "authorise"),
        ("bank", "Bank", "complete"),
    ],
)
def test_a_killed_visit_is_made_good_by_the_next_call(tmp_path: Path, module: str, kind: str, name: str) -> None:
    bank = bank_over(tmp_path / "bank")
    open_test_account(bank, load("ssc3-sm4"))
    bank.ledger.close()
    script = KILLED.format(module=module, kind=kind, name=name)
    command = [sys.executable, "-c", script, *options(tmp_path, "K1", "200.00")]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL
    result = CliRunner().invoke(app, [*options(tmp_path, "K2", "210.00"), "--json"])
    assert result.exit_code == 0
    assert any(each["en"] == "K1 paid by card" for each in json.loads(result.stdout)["steps"])
    assert states(tmp_path / "books") == {"K1": "cleared", "K2": "cleared"}
    assert paid(tmp_path / "bank") == OWN_FIRST + OWN_SECOND


@pytest.mark.parametrize("left_out", ["--bank", "--books"])
def test_an_outbox_needs_hosts_that_remember(tmp_path: Path, left_out: str) -> None:
    bank_over(tmp_path / "bank").ledger.close()
    arguments = options(tmp_path, "K1", "200.00")
    at = arguments.index(left_out)
    result = CliRunner().invoke(app, arguments[:at] + arguments[at + 2 :])
    assert result.exit_code == 2
    assert f"give {left_out} too" in result.stderr
