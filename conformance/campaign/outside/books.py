"""The hosts' books by SQL alone, read from their files: never by the hosts' own programs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Row = tuple[object, ...]
NORMAL, CANCELLED = 1, 9
"""States 正常 and 注销 of a card in the centre's register."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write."""
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    base.row_factory = sqlite3.Row
    try:
        yield base
    finally:
        base.close()


def copy(path: Path, target: Path) -> None:
    """A consistent copy of a database that others may be using."""
    target.unlink(missing_ok=True)
    source, made = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        source.backup(made)
    finally:
        made.close()
        source.close()


def dump(path: Path) -> str:
    """Everything that a database holds, as text."""
    with reading(path) as base:
        return "\n".join(base.iterdump())


@dataclass(frozen=True, slots=True)
class MoneyBooks:
    """A host's money, computed from its entries.

    Attributes:
        balances: By book.
        repeated: Bookings that stand there more than once: request, books, amount, reason.
        crooked: Books whose kept balance is another than their entries say.
    """

    balances: dict[str, int]
    repeated: tuple[Row, ...]
    crooked: tuple[str, ...] = ()


def bank_money(path: Path) -> MoneyBooks:
    """The bank's books out of its entries, each of which has a source and a target."""
    with reading(path) as base:
        entries = [tuple(row) for row in base.execute("SELECT source, target, amount, request, reason FROM entry")]
        kept = {row["name"]: row["balance"] for row in base.execute("SELECT name, balance FROM book")}
    balances: Counter[str] = Counter(dict.fromkeys(kept, 0))
    for source, target, amount, _, _ in entries:
        balances[source] -= amount
        balances[target] += amount
    repeated = tuple(entry for entry, count in Counter(entries).items() if count > 1 and entry[3])
    crooked = tuple(name for name, balance in balances.items() if kept.get(name, 0) != balance)
    return MoneyBooks(dict(balances), repeated, crooked)


def centre_money(path: Path) -> MoneyBooks:
    """The centre's books out of its movements, each of which has two rows."""
    with reading(path) as base:
        rows = [tuple(row) for row in base.execute("SELECT book, amount, settlement, reason FROM movement")]
    balances: Counter[str] = Counter()
    for book, amount, _, _ in rows:
        balances[book] += amount
    repeated = tuple(row for row, count in Counter(rows).items() if count > 1 and row[2])
    return MoneyBooks(dict(balances), repeated)


def agreements(path: Path) -> tuple[Row, ...]:
    """The bank's standing agreements, whole rows."""
    with reading(path) as base:
        return tuple(tuple(row) for row in base.execute("SELECT * FROM agreement ORDER BY number"))


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement in the centre's books; amounts in fen, ``covered`` is the digest of what its TAC covers."""

    number: str
    person: str
    card: str
    account: int
    own: int
    fund: int
    state: str
    year: str
    card_number: str
    tac: str
    covered: str


@dataclass(frozen=True, slots=True)
class CentreBooks:
    """Persons with the sums of their year, the card register, the settlements."""

    persons: dict[str, tuple[int, int, int]]
    """By person: deductible used, own payments and payments of the fund this year."""
    cards: dict[str, tuple[str, int]]
    """By identification code: person and state."""
    settlements: tuple[Settled, ...]


def centre_books(path: Path) -> CentreBooks:
    """The centre's books as they stand."""
    with reading(path) as base:
        persons = {
            row["person"]: (row["deductible_used"], row["own_year"], row["fund_year"])
            for row in base.execute("SELECT * FROM person")
        }
        cards = {row["card"]: (row["person"], row["state"]) for row in base.execute("SELECT * FROM card")}
        settlements = tuple(_settled(row) for row in base.execute("SELECT * FROM settlement ORDER BY rowid"))
    return CentreBooks(persons, cards, settlements)


def _settled(row: sqlite3.Row) -> Settled:
    text = {
        name: str(row[name] or "")
        for name in ("number", "person", "card", "state", "year", "card_number", "tac", "covered")
    }
    return Settled(**text, account=row["account"], own=row["own"], fund=row["fund"])
