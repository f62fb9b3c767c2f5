"""Hosts killed (SIGKILL) between and during requests, and started again on the same books: nothing is lost, nothing booked twice."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from conformance.actors.bank import HostUnreachable, Ledger
from conformance.actors.bank.codes import Code
from conformance.actors.hosts import Address, HostProcess, Patience
from conformance.actors.hosts.bank import BankHost
from conformance.actors.hosts.centre import CentreHost
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import CardState, Mode
from profiles import load
from tests.bank import table
from tests.bank.crashing import Chip
from tests.medical.test_centre import CARD, HISTORICAL, PERSON, asked, confirmed

SEEDS = [1, 2, 3]
KILLS = 4
SOON = Patience(5.0, 1)
LONGEST_WAIT = 0.02
"""Seconds after which a host is killed at the latest: several requests."""
T = TypeVar("T")


class Mortal:
    """A host that is killed at any moment, a few times, and started again."""

    def __init__(self, host: HostProcess, seed: int) -> None:
        self.host = host
        self._chance = random.Random(seed)  # noqa: S311 - repeatable
        self.kills = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._kill, daemon=True)

    def __enter__(self) -> Mortal:
        self.host.start()
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()
        self.host.stop()

    def _kill(self) -> None:
        while self.kills < KILLS and not self._over.wait(self._chance.uniform(0, LONGEST_WAIT)):
            self.host.kill()
            self.kills += 1
            self.host.start()

    def asked(self, ask: Callable[[], T]) -> T:
        """Ask until there is an answer, as a terminal does that delivers what waits."""
        for _ in range(500):
            try:
                return ask()
            except HostUnreachable:
                time.sleep(0.02)
        raise AssertionError("the host never came back")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_bank(seed: int, tmp_path: Path) -> None:
    """Purchases and wages until the host was killed often enough; each is answered, and booked once."""
    table.bank(path=tmp_path / "books").ledger.close()
    host = HostProcess("bank", Address.of_path(tmp_path / "bank"), ("--books", tmp_path / "books", "--no-account"))
    chip, count = Chip("01", table.E_CASH), 0
    with Mortal(host, seed) as mortal:
        bank = BankHost(host.line(SOON))
        while mortal.kills < KILLS or count < 20:
            count += 1
            asking = chip.purchase(f"A{count}", 10)
            assert mortal.asked(lambda: bank.authorise(asking)).code == Code.APPROVED  # noqa: B023 - asked at once
            booking = mortal.asked(lambda: bank.agreements.credit(f"P{count}", "PAY-1", table.PAN, 3))  # noqa: B023
            assert booking.name == "BOOKED"
    ledger = Ledger(tmp_path / "books")
    account = ledger.account(table.PAN, "01")
    assert account is not None
    assert account.balance == table.START - 10 * count + 3 * count
    assert sum(ledger.balances().values()) == 0
    assert [row[0] for row in ledger.all("SELECT count(*) FROM request")] == [count]
    ledger.close()
    assert is_sound(tmp_path / "books")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_centre(seed: int, tmp_path: Path) -> None:
    """Bills, settled by card after card; of those that were reversed nothing is left."""
    product = load("ssc3-sm4")
    prepared = Centre(product, tmp_path / "books")
    prepared.insure(PERSON, "余晓阳", balance=10_000_000)
    prepared.register(CARD, PERSON, HISTORICAL, CardState.NORMAL)
    prepared.books.close()
    host = HostProcess("centre", Address.of_path(tmp_path / "centre"), ("--books", tmp_path / "books"))
    count = 0
    with Mortal(host, seed) as mortal:
        centre = CentreHost(host.line(SOON), Mode.ONLINE)
        while mortal.kills < KILLS or count < 20:
            count += 1
            request = asked(f"S{count}", 100)
            quote = mortal.asked(lambda: centre.pre_settle(request))  # noqa: B023 - asked at once
            done = confirmed(quote, count)
            assert mortal.asked(lambda: centre.settle(done)).refusal is None  # noqa: B023
            if count % 3 == 0:
                assert mortal.asked(lambda: centre.reverse(f"S{count}")).refusal is None  # noqa: B023
    books = Centre(product, tmp_path / "books").books
    stored = books.settlements_of(PERSON)
    assert [each.number for each in stored] == [f"S{number}" for number in range(1, count + 1)]
    assert [str(each.state) for each in stored] == [
        "cleared" if number % 3 else "reversed" for number in range(1, count + 1)
    ]
    assert sum(books.balances().values()) == 0
    assert books.balance(f"account {PERSON}") == 10_000_000 - sum(
        each.account for each in stored if each.state == "cleared"
    )
    books.close()
    assert is_sound(tmp_path / "books")


def is_sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    base = sqlite3.connect(path)
    try:
        return base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        base.close()


def test_killed_between_request_and_repetition(tmp_path: Path) -> None:
    """The answer was lost with the host that gave it; the new one gives the same, also of an operation without a number of its own."""
    table.bank(path=tmp_path / "books").ledger.close()
    host = HostProcess("bank", Address.of_path(tmp_path / "bank"), ("--books", tmp_path / "books", "--no-account"))
    numbers = iter(["1", "1", "2"])
    with host:
        line = host.line(SOON)
        line._numbers = lambda: next(numbers)
        agreements = BankHost(line).agreements
        agreements.agree("P-2", table.ACCOUNT, table.AgreementKind.PAYROLL, "School")
        host.kill()
        host.start()
        agreements.agree("P-2", table.ACCOUNT, table.AgreementKind.PAYROLL, "School")
        with pytest.raises(sqlite3.IntegrityError):
            agreements.agree("P-2", table.ACCOUNT, table.AgreementKind.PAYROLL, "School")
