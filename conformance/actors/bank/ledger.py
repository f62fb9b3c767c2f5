"""The bank's books in SQLite: accounts, cards, money by double entry, requests, issuer scripts that wait for a card."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from conformance.actors.bank.schema import SCHEMA
from conformance.actors.bank.scripts import Order
from conformance.actors.store import Store

NETWORK, OPENING = "network", "opening"
"""Books of the bank beside those of its customers: what the card network is owed, and where first balances come from."""


class Book(StrEnum):
    """The two books of a card."""

    MAIN = "balance"
    E_CASH = "e_cash"


class CardState(StrEnum):
    """Where a card stands at the bank."""

    ORDERED = "ordered"
    """Being made; it cannot pay yet."""
    ACTIVE = "active"
    BLOCKED = "blocked"
    """Reported lost 挂失; it may be found again."""
    SWITCHED_OFF = "switched off"
    """Another card of its number has taken its place."""
    CANCELLED = "cancelled"
    """注销: never handed out, or of a number that was given up."""


class RequestState(StrEnum):
    """Where a request stands."""

    APPROVED = "approved"
    """Money moved, the card's word is awaited."""
    DECLINED = "declined"
    COMPLETED = "completed"
    REVERSED = "reversed"
    UNCERTAIN = "uncertain"
    """A load of which nobody knows whether the card has it: the card will say so with its next cryptogram."""


class ScriptState(StrEnum):
    """Where an order for the card stands."""

    WAITING = "waiting"
    SENT = "sent"
    EXECUTED = "executed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Account:
    """A card with the account it draws on and its e-cash account; amounts in the smallest unit."""

    pan: str
    sequence: str
    currency: str
    balance: int
    e_cash: int
    e_cash_limit: int
    pin: str
    pin_tries: int
    blocked: bool
    """Whether the account, with all its cards, is blocked."""
    last_counter: int
    """Highest transaction counter of a genuine request."""
    number: str
    """Number of the account, which outlives its cards."""
    holder: str = ""
    identity: str = ""
    """Identity number of the holder."""
    state: CardState = CardState.ACTIVE
    expiry: str = ""
    """Month of expiry as YYYY-MM; nothing where the bank does not know it."""
    reported: int | None = None
    """E-cash balance that the chip reported with the last genuine request, under its MAC."""

    @property
    def book(self) -> str:
        """Name of the account's book."""
        return account_book(self.number)

    @property
    def e_cash_book(self) -> str:
        """Name of the card's e-cash book."""
        return e_cash_book(self.pan, self.sequence)


def account_book(number: str) -> str:
    """Name of the book of an account."""
    return f"account {number}"


def e_cash_book(pan: str, sequence: str) -> str:
    """Name of the book of a card's e-cash."""
    return f"e-cash {pan} {sequence}"


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request that was answered."""

    number: str
    fingerprint: str
    pan: str
    sequence: str
    kind: str
    amount: int
    state: RequestState
    response: str


class Ledger(Store):
    """The books. Everything that belongs together happens inside one :meth:`transaction`."""

    schema = SCHEMA
    kind = "SSBK"

    def __init__(self, path: Path | str = ":memory:") -> None:
        super().__init__(path)
        with self.transaction():
            for name in (NETWORK, OPENING):
                self.open_book(name, overdraft=True)

    # Accounts

    def open(self, account: Account) -> None:
        """Enter a new account with its first card; its balances are the first movements.

        Raises:
            sqlite3.IntegrityError: The account, or a card of this number, is there already.
        """
        self.open_number(account)
        self.enter_card(account)
        for book, amount in ((account.book, account.balance), (account.e_cash_book, account.e_cash)):
            self.transfer(OPENING, book, amount, "", "opened")

    def open_number(self, account: Account) -> None:
        """Enter a new account with its first card number, and no card; raises as :meth:`open`."""
        self.run(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(account.number, account.holder, account.identity, account.currency),
            *(account.pin, account.pin_tries, int(account.blocked)),
        )
        self.open_book(account.book)
        self.run("INSERT INTO card_number VALUES (?, ?)", account.pan, account.number)

    def enter_card(self, card: Account) -> None:
        """A new card of a number that belongs to an account, with its e-cash book."""
        self.run(
            "INSERT INTO card (pan, sequence, expiry, state, e_cash_limit) VALUES (?, ?, ?, ?, ?)",
            *(card.pan, card.sequence, card.expiry, card.state, card.e_cash_limit),
        )
        self.open_book(card.e_cash_book)

    def account(self, pan: str, sequence: str) -> Account | None:
        """A card with its account."""
        row = self.one(f"{CARD_QUERY} WHERE card.pan = ? AND card.sequence = ?", pan, sequence)
        return None if row is None else _account(row)

    def cards(self, pan: str) -> list[Account]:
        """Every card of a number, by sequence number."""
        return [_account(row) for row in self.all(f"{CARD_QUERY} WHERE card.pan = ? ORDER BY card.sequence", pan)]

    def owner(self, pan: str) -> Account | None:
        """The account of a card number without any of its cards; sequence number and expiry are empty."""
        query = """
SELECT pan, '' AS sequence, currency, balance, 0 AS e_cash, 0 AS e_cash_limit, pin, pin_tries, blocked, 0 AS last_counter, number,
    holder, identity, 'ordered' AS state FROM card_number JOIN account ON number = card_number.account
    JOIN book ON name = 'account ' || number WHERE pan = ?
"""
        row = self.one(query, pan)
        return None if row is None else _account(row)

    def account_of(self, pan: str) -> str | None:
        """Number of the account that a card number belongs to, whatever became of its cards."""
        row = self.one("SELECT account FROM card_number WHERE pan = ?", pan)
        return None if row is None else str(row["account"])

    def is_blocked(self, account: str) -> bool:
        """Whether an account is blocked."""
        return self.one("SELECT 1 FROM account WHERE number = ? AND blocked = 1", account) is not None

    def e_cash_return(self, card: Account) -> int | None:
        """What went back to the account when a card's e-cash was returned; None while it was not."""
        query = "SELECT amount FROM e_cash_return WHERE pan = ? AND sequence = ?"
        row = self.one(query, card.pan, card.sequence)
        return None if row is None else int(row["amount"])

    def return_e_cash(self, card: Account, amount: int, request: str) -> None:
        """Give e-cash back to the account; raises sqlite3.IntegrityError when the card's was returned before."""
        self.run("INSERT INTO e_cash_return VALUES (?, ?, ?, ?)", card.pan, card.sequence, request, amount)
        self.transfer(card.e_cash_book, card.book, amount, request, "e-cash returned")

    # Money

    def open_book(self, name: str, *, overdraft: bool = False) -> None:
        """A new, empty book, if there is none of the name; only with ``overdraft`` may it fall below zero."""
        self.run("INSERT INTO book (name, overdraft) VALUES (?, ?) ON CONFLICT DO NOTHING", name, int(overdraft))

    def transfer(self, source: str, target: str, amount: int, request: str, reason: str) -> None:
        """Move an amount from one book to another; nothing for zero.

        Raises:
            sqlite3.IntegrityError: The source does not cover it, or this request moved it for this reason before.
        """
        if amount:
            self.run(
                "INSERT INTO entry (source, target, amount, request, reason) VALUES (?, ?, ?, ?, ?)",
                *(source, target, amount, request, reason),
            )

    def covers(self, book: str, amount: int) -> bool:
        """Whether a book can give an amount."""
        row = self.one("SELECT 1 FROM book WHERE name = ? AND (overdraft = 1 OR balance >= ?)", book, amount)
        return row is not None

    def balances(self) -> dict[str, int]:
        """Every book with its balance; they sum to zero."""
        return {row["name"]: row["balance"] for row in self.all("SELECT name, balance FROM book ORDER BY name")}

    def movements(self, pan: str, sequence: str) -> list[tuple[Book, int, str, str]]:
        """Book, amount, request number and reason of every movement of a card's two books, oldest first."""
        card = self.account(pan, sequence)
        if card is None:
            return []
        found = []
        for book, name in ((Book.MAIN, card.book), (Book.E_CASH, card.e_cash_book)):
            for row in self.all("SELECT * FROM entry WHERE ? IN (source, target)", name):
                signed = row["amount"] if row["target"] == name else -row["amount"]
                found.append((row["id"], (book, signed, row["request"], row["reason"])))
        return [movement for _, movement in sorted(found)]

    # What changes about a card

    def note_counter(self, account: Account, counter: int) -> None:
        """Keep the highest transaction counter seen."""
        self._update_card(account, "last_counter", counter)

    def note_reported(self, account: Account, balance: int) -> None:
        """Keep the e-cash balance that the chip reported last."""
        self._update_card(account, "reported", balance)

    def set_state(self, account: Account, state: CardState) -> None:
        """Another state of a card; raises sqlite3.IntegrityError where it cannot go there, or is frozen."""
        self._update_card(account, "state", state)

    def note_pin_tries(self, account: Account, tries: int) -> None:
        """Set the tries that the online PIN has left."""
        self._update(account, "pin_tries", tries)

    def block(self, account: Account, blocked: bool = True) -> None:
        """Block an account, or free it."""
        self._update(account, "blocked", int(blocked))

    # Requests

    def answered(self, desk: str, number: str) -> tuple[str, str] | None:
        """Fingerprint of a request that a desk answered, and the answer."""
        row = self.one("SELECT fingerprint, answer FROM answered WHERE desk = ? AND number = ?", desk, number)
        return None if row is None else (row["fingerprint"], row["answer"])

    def keep_answer(self, desk: str, number: str, fingerprint: str, answer: str) -> None:
        """Enter what a desk answered; raises sqlite3.IntegrityError when it did before."""
        self.run("INSERT INTO answered VALUES (?, ?, ?, ?)", desk, number, fingerprint, answer)

    def request(self, number: str) -> StoredRequest | None:
        """A request that came before."""
        row = self.one("SELECT * FROM request WHERE number = ?", number)
        return None if row is None else StoredRequest(**{**dict(row), "state": RequestState(row["state"])})

    def store(self, request: StoredRequest) -> None:
        """Enter a request with its answer."""
        self.run(
            "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            request.number,
            request.fingerprint,
            request.pan,
            request.sequence,
            request.kind,
            request.amount,
            request.state,
            request.response,
        )

    def settle(self, number: str, state: RequestState) -> None:
        """Set where a request stands."""
        self.run("UPDATE request SET state = ? WHERE number = ?", state, number)

    def uncertain(self, pan: str, sequence: str) -> list[StoredRequest]:
        """The requests of a card whose end only the card knows, oldest first."""
        query = "SELECT number FROM request WHERE pan = ? AND sequence = ? AND state = 'uncertain' ORDER BY rowid"
        rows = self.all(query, pan, sequence)
        return [found for row in rows if (found := self.request(row["number"])) is not None]

    # Scripts

    def order(self, pan: str, sequence: str, order: Order) -> None:
        """Let a script command wait for the card's next online transaction."""
        self.run(
            "INSERT INTO script (pan, sequence, content, state) VALUES (?, ?, ?, ?)",
            pan,
            sequence,
            order.to_json(),
            ScriptState.WAITING,
        )

    def waiting(self, pan: str, sequence: str) -> list[tuple[int, Order]]:
        """The commands that wait for a card, by number, oldest first."""
        rows = self.all(
            "SELECT id, content FROM script WHERE pan = ? AND sequence = ? AND state = ? ORDER BY id",
            pan,
            sequence,
            ScriptState.WAITING,
        )
        return [(row["id"], Order.from_json(row["content"])) for row in rows]

    def send(self, script: int, request: str, position: int) -> None:
        """A command left with the answer to a request, as the ``position``-th of its template, from 1."""
        self.run(
            "UPDATE script SET state = ?, request = ?, position = ? WHERE id = ?",
            ScriptState.SENT,
            request,
            position,
            script,
        )

    def sent_with(self, request: str) -> list[tuple[int, Order, int]]:
        """Number, command and position of what left with an answer and was not reported yet."""
        rows = self.all(
            "SELECT id, content, position FROM script WHERE request = ? AND state = ? ORDER BY id",
            request,
            ScriptState.SENT,
        )
        return [(row["id"], Order.from_json(row["content"]), row["position"]) for row in rows]

    def report(self, script: int, state: ScriptState) -> None:
        """Set what became of a command."""
        self.run("UPDATE script SET state = ? WHERE id = ?", state, script)

    def scripts(self, pan: str, sequence: str) -> list[tuple[str, ScriptState]]:
        """Name and state of every command ever ordered for a card, oldest first."""
        rows = self.all("SELECT content, state FROM script WHERE pan = ? AND sequence = ? ORDER BY id", pan, sequence)
        return [(Order.from_json(row["content"]).name, ScriptState(row["state"])) for row in rows]

    def was_run_last(self, pan: str, sequence: str, name: str, other: str) -> bool:
        """Whether, of two commands that undo each other, ``name`` is the one that the card executed last."""
        executed = [each for each, state in self.scripts(pan, sequence) if state is ScriptState.EXECUTED]
        return ([""] + [each for each in executed if each in (name, other)])[-1] == name

    # Clearing

    def is_cleared(self, pan: str, sequence: str, counter: bytes) -> bool:
        """Whether the transaction with this counter was settled."""
        wanted = "SELECT 1 FROM clearing WHERE pan = ? AND sequence = ? AND counter = ?"
        return self.one(wanted, pan, sequence, counter.hex()) is not None

    def clear(self, pan: str, sequence: str, counter: bytes, number: str) -> None:
        """Note that a transaction was settled."""
        self.run("INSERT INTO clearing VALUES (?, ?, ?, ?)", pan, sequence, counter.hex(), number)

    def _update(self, account: Account, column: str, value: int) -> None:
        self.run(f"UPDATE account SET {column} = ? WHERE number = ?", value, account.number)  # noqa: S608 - a name of ours

    def _update_card(self, account: Account, column: str, value: int | str) -> None:
        self.run(
            f"UPDATE card SET {column} = ? WHERE pan = ? AND sequence = ?",  # noqa: S608 - a name of ours
            *(value, account.pan, account.sequence),
        )


CARD_QUERY = """
SELECT card.pan, card.sequence, currency, main.balance AS balance, spent.balance AS e_cash, e_cash_limit, pin, pin_tries,
    blocked, last_counter, number, holder, identity, state, expiry, reported
FROM card JOIN card_number USING (pan) JOIN account ON number = card_number.account
    JOIN book AS main ON main.name = 'account ' || number
    JOIN book AS spent ON spent.name = 'e-cash ' || card.pan || ' ' || card.sequence
"""


def _account(row: sqlite3.Row) -> Account:
    return Account(**{**dict(row), "blocked": bool(row["blocked"]), "state": CardState(row["state"])})
