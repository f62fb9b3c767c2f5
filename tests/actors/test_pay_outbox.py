"""``sscard pay --outbox`` killed for real (SIGKILL), and called again: the account pays what the receipts say."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from profiles import load
from sscard import app

PAN, BALANCE = "6214988660100000304", 5_000
KILLED = """
import os, signal, sys
from conformance.actors.bank import Bank
real = Bank.{name}
def ended(*arguments, **named):
    real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
Bank.{name} = ended
from sscard import app
app(sys.argv[1:])
"""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    bank = Bank(*IssuerKeys.of_profile(load("debit")), ledger=Ledger(tmp_path / "bank.db"))
    bank.open_account(PAN, "01", balance=BALANCE, e_cash=10_000, e_cash_limit=100_000, pin="123456")
    bank.ledger.close()
    return tmp_path / "bank.db"


def balance(books: Path) -> int:
    bank = Bank(*IssuerKeys.of_profile(load("debit")), ledger=Ledger(books))
    try:
        return bank.account(PAN, "01").balance
    finally:
        bank.ledger.close()


def options(books: Path) -> list[str]:
    place = ("--bank", str(books), "--outbox", str(books.with_name("outbox")), "--image", str(books.with_name("card")))
    return ["pay", *place, "--pin", "123456"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "paid", "said"), [("authorise", 0, "taken back"), ("complete", 1_000, "completed")])
def test_a_killed_payment_is_made_good_by_the_next_call(books: Path, name: str, paid: int, said: str) -> None:
    command = [sys.executable, "-c", KILLED.format(name=name), *options(books), "--amount", "10.00", "--online"]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert balance(books) == BALANCE - 1_000
    result = CliRunner().invoke(app, [*options(books), "--amount", "1.00", "--online"])
    assert result.exit_code == 0
    assert said in result.stdout
    assert balance(books) == BALANCE - paid - 100
    again = CliRunner().invoke(app, [*options(books), "--amount", "1.00", "--online"])
    assert "outbox" not in again.stdout
    assert balance(books) == BALANCE - paid - 200


def test_the_terminal_of_an_outbox_counts_on_from_call_to_call(books: Path) -> None:
    """Its transaction sequence counter 9F41, whatever the clock says: the bank takes no number twice."""
    call = (*options(books), "--amount", "1.00", "--json")
    numbers = [json.loads(CliRunner().invoke(app, call).stdout)["number"] for _ in range(3)]
    assert len({number[:8] for number in numbers}) == 1
    assert [number[14:] for number in numbers] == ["000001", "000002", "000003"]


@pytest.mark.parametrize("more", [("--contactless",), ("--transit", "entry")])
def test_an_outbox_is_of_a_terminal_with_contacts(books: Path, more: tuple[str, ...]) -> None:
    amount = () if more[0] == "--transit" else ("--amount", "1")
    where = [each for each in options(books) if each not in ("--pin", "123456")]
    result = CliRunner().invoke(app, [*where, *more, *amount])
    assert result.exit_code == 2
    assert "terminal with contacts" in result.stderr


def test_an_outbox_needs_a_bank_that_remembers(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["pay", "--amount", "1", "--outbox", str(tmp_path / "outbox")])
    assert result.exit_code == 2
    assert "give --bank too" in result.stderr
