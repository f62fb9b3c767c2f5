"""The insurance centre's books in SQLite: persons, cards, settlements, and movements of money that always sum to zero."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from conformance.actors.key_service import AccountLoad
from conformance.actors.medical.books_schema import SCHEMA
from conformance.actors.medical.messages import CardState, Channel, Quote
from conformance.actors.store import Store

FUND, HOSPITALS, INCOME, SHORTFALL = "fund", "hospitals", "income", "shortfall"
"""Books beside those of the persons. ``shortfall`` takes what an account lacked for offline settlements."""


class SettlementState(StrEnum):
    """Where a settlement stands."""

    QUOTED = "quoted"
    CLEARED = "cleared"
    REVERSED = "reversed"


class LoadState(StrEnum):
    """Where a load of a card's own account stands."""

    OFFERED = "offered"
    LOADED = "loaded"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """A load from the moment that the centre offered it."""

    number: str
    person: str
    card: str
    load: AccountLoad
    mac2: bytes
    state: LoadState


@dataclass(frozen=True, slots=True)
class Person:
    """An insured person and the year's sums; amounts in fen, ``rate`` in thousandths that the fund pays."""

    person: str
    name: str
    insured: bool
    deductible: int
    rate: int
    fund_limit: int
    year: str
    deductible_used: int
    own_year: int
    fund_year: int


@dataclass(frozen=True, slots=True)
class RegisteredCard:
    """A card in the register."""

    card: str
    person: str
    historical: bytes
    state: CardState


@dataclass(frozen=True, slots=True)
class StoredSettlement:
    """A settlement from its quote on."""

    number: str
    person: str
    card: str
    category: str
    offline: bool
    total: int
    account: int
    own: int
    fund: int
    deductible: int
    state: SettlementState
    year: str
    card_number: str | None = None
    tac: str | None = None
    covered: str | None = None
    """Fingerprint of what the TAC covers."""

    @property
    def quote(self) -> Quote:
        """Who pays what."""
        return Quote(self.number, None, self.account, self.own, self.fund)


def account_of(person: str) -> str:
    """The book of a person's medical account 个人账户."""
    return f"account {person}"


def on_card(card: str) -> str:
    """The book of the money on a card of an offline area."""
    return f"card {card.upper()}"


class Books(Store):
    """The books. A movement has two sides: the sum over all books is always zero."""

    schema = SCHEMA
    kind = "SSCE"

    # Persons and cards

    def enter_person(self, person: Person) -> None:
        """A new person; raises :class:`ValueError` when there is one of this number."""
        try:
            self.run(
                "INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                person.person,
                person.name,
                int(person.insured),
                person.deductible,
                person.rate,
                person.fund_limit,
                person.year,
                person.deductible_used,
                person.own_year,
                person.fund_year,
            )
        except sqlite3.IntegrityError as error:
            raise ValueError(f"the person cannot be entered: {error}") from error

    def person(self, number: str) -> Person | None:
        """A person by 社会保障号码."""
        row = self.one("SELECT * FROM person WHERE person = ?", number)
        return None if row is None else Person(**{**dict(row), "insured": bool(row["insured"])})

    def change_person(self, number: str, **columns: int | str) -> None:
        """Give columns of a person other values."""
        for column, value in columns.items():
            self.run(f"UPDATE person SET {column} = ? WHERE person = ?", value, number)  # noqa: S608 - names of ours

    def enter_card(self, card: RegisteredCard) -> None:
        """A new card; raises sqlite3.IntegrityError when it is registered, or the person has such a one already."""
        self.run(
            "INSERT INTO card VALUES (?, ?, ?, ?)",
            *(card.card, card.person, card.historical.hex().upper(), card.state.value),
        )

    def card(self, card: str) -> RegisteredCard | None:
        """A card by 卡的识别码."""
        row = self.one("SELECT * FROM card WHERE card = ?", card.upper())
        return None if row is None else _card(row)

    def cards_of(self, person: str) -> list[RegisteredCard]:
        """Every card that a person ever had, in the order of registration."""
        return [_card(row) for row in self.all("SELECT * FROM card WHERE person = ? ORDER BY rowid", person)]

    def enter_act(self, card: RegisteredCard, state: CardState, channel: Channel) -> None:
        """Another state of a card; raises sqlite3.IntegrityError where the register does not allow it."""
        self.run(
            "INSERT INTO act (card, source, target, channel) VALUES (?, ?, ?, ?)",
            *(card.card, card.state.value, state.value, channel),
        )

    # Settlements

    def enter_settlement(self, one: StoredSettlement) -> None:
        """A new settlement; raises :class:`sqlite3.IntegrityError` when its number, or what its TAC covers, is known."""
        self.run(
            "INSERT INTO settlement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            one.number,
            one.person,
            one.card.upper(),
            one.category,
            int(one.offline),
            one.total,
            one.account,
            one.own,
            one.fund,
            one.deductible,
            one.state,
            one.year,
            one.card_number,
            one.tac,
            one.covered,
        )

    def settlement(self, number: str) -> StoredSettlement | None:
        """A settlement by its number."""
        return _settlement(self.one("SELECT * FROM settlement WHERE number = ?", number))

    def settlements_of(self, person: str) -> list[StoredSettlement]:
        """Every settlement of a person, oldest first."""
        rows = self.all("SELECT * FROM settlement WHERE person = ? ORDER BY rowid", person)
        return [found for row in rows if (found := _settlement(row)) is not None]

    def forget_quote(self, number: str) -> None:
        """Drop a quote that was not settled."""
        self.run("DELETE FROM settlement WHERE number = ? AND state = 'quoted'", number)

    def clear(self, number: str, card_number: str, tac: str, covered: str) -> None:
        """Note the TAC; raises :class:`sqlite3.IntegrityError` when what it covers was settled before."""
        self.run(
            "UPDATE settlement SET state = 'cleared', card_number = ?, tac = ?, covered = ? WHERE number = ?",
            card_number,
            tac,
            covered,
            number,
        )

    def mark_reversed(self, number: str) -> None:
        """A settlement that counts no more; its TAC stays used up."""
        self.run("UPDATE settlement SET state = 'reversed' WHERE number = ?", number)

    def take_back_unknown(self, number: str) -> None:
        """Keep a number that was taken back before anything of this number came."""
        self.run("INSERT OR IGNORE INTO taken_back VALUES (?)", number)

    def was_taken_back(self, number: str) -> bool:
        """Whether a number was taken back before anything of it came."""
        return self.one("SELECT 1 FROM taken_back WHERE number = ?", number) is not None

    def quoted(self, person: str) -> tuple[int, int, int]:
        """Account, fund and deductible of a person's quotes that are not settled yet: promised to them."""
        row = self.one(
            "SELECT COALESCE(SUM(account), 0) AS account, COALESCE(SUM(fund), 0) AS fund, "
            "COALESCE(SUM(deductible), 0) AS deductible FROM settlement WHERE person = ? AND state = 'quoted'",
            person,
        )
        return (0, 0, 0) if row is None else (row["account"], row["fund"], row["deductible"])

    def offline_since_online(self, card: str) -> int:
        """Sum of the offline settlements of a card that were uploaded since its last settlement on line."""
        row = self.one(
            "SELECT COALESCE(SUM(total), 0) AS amount FROM settlement WHERE card = ?1 AND offline = 1 AND state = 'cleared' "
            "AND rowid > COALESCE((SELECT MAX(rowid) FROM settlement WHERE card = ?1 AND offline = 0 AND state = 'cleared'), 0)",
            card.upper(),
        )
        return 0 if row is None else int(row["amount"])

    # Loads

    def enter_load(self, one: StoredLoad) -> None:
        """A new load; raises :class:`sqlite3.IntegrityError` when its number is known."""
        load = one.load
        self.run(
            "INSERT INTO load VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(
                one.number,
                one.person,
                one.card.upper(),
                load.random.hex(),
                load.number.hex(),
                load.balance,
                load.amount,
            ),
            *(load.terminal.hex(), load.time.hex(), one.mac2.hex(), one.state),
        )

    def load(self, number: str) -> StoredLoad | None:
        """A load by its number."""
        row = self.one("SELECT * FROM load WHERE number = ?", number)
        if row is None:
            return None
        random, card_number, terminal, time, mac2 = (
            bytes.fromhex(row[name]) for name in ("random", "card_number", "terminal", "time", "mac2")
        )
        load = AccountLoad(random, card_number, row["balance"], row["amount"], terminal, time)
        return StoredLoad(row["number"], row["person"], row["card"], load, mac2, LoadState(row["state"]))

    def set_load_state(self, number: str, state: LoadState) -> None:
        """Another state."""
        self.run("UPDATE load SET state = ? WHERE number = ?", state, number)

    # Money

    def move(self, source: str, target: str, amount: int, settlement: str, reason: str) -> None:
        """Move an amount from one book to another; nothing for zero."""
        if amount:
            for book, signed in ((source, -amount), (target, amount)):
                self.run(
                    "INSERT INTO movement (book, amount, settlement, reason) VALUES (?, ?, ?, ?)",
                    book,
                    signed,
                    settlement,
                    reason,
                )

    def balance(self, book: str) -> int:
        """Sum of a book's movements."""
        row = self.one("SELECT COALESCE(SUM(amount), 0) AS amount FROM movement WHERE book = ?", book)
        return 0 if row is None else int(row["amount"])

    def balances(self) -> dict[str, int]:
        """Every book that ever moved with its balance."""
        rows = self.all("SELECT book, SUM(amount) AS amount FROM movement GROUP BY book ORDER BY book")
        return {row["book"]: row["amount"] for row in rows}

    def movements(self, settlement: str) -> list[tuple[str, int, str]]:
        """Book, amount and reason of everything that a settlement moved, oldest first."""
        rows = self.all("SELECT * FROM movement WHERE settlement = ? ORDER BY id", settlement)
        return [(row["book"], row["amount"], row["reason"]) for row in rows]


def _card(row: sqlite3.Row) -> RegisteredCard:
    return RegisteredCard(row["card"], row["person"], bytes.fromhex(row["historical"]), CardState(row["state"]))


def _settlement(row: sqlite3.Row | None) -> StoredSettlement | None:
    if row is None:
        return None
    found = {**dict(row), "offline": bool(row["offline"]), "state": SettlementState(row["state"])}
    return StoredSettlement(**found)
