"""The bank's books in SQLite: accounts, requests, issuer scripts that wait for a card, movements of money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.actors.bank.scripts import Order
from conformance.actors.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    pan TEXT NOT NULL, sequence TEXT NOT NULL, currency TEXT NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0), e_cash INTEGER NOT NULL CHECK (e_cash >= 0),
    e_cash_limit INTEGER NOT NULL, pin TEXT NOT NULL, pin_tries INTEGER NOT NULL, blocked INTEGER NOT NULL DEFAULT 0,
    last_counter INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (pan, sequence)
) STRICT;
CREATE TABLE IF NOT EXISTS request (
    number TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, pan TEXT NOT NULL, sequence TEXT NOT NULL, kind TEXT NOT NULL,
    amount INTEGER NOT NULL, state TEXT NOT NULL, response TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS script (
    id INTEGER PRIMARY KEY, pan TEXT NOT NULL, sequence TEXT NOT NULL, content TEXT NOT NULL, state TEXT NOT NULL,
    request TEXT NOT NULL DEFAULT '', position INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS movement (
    id INTEGER PRIMARY KEY, pan TEXT NOT NULL, sequence TEXT NOT NULL, book TEXT NOT NULL, amount INTEGER NOT NULL,
    request TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS clearing (
    pan TEXT NOT NULL, sequence TEXT NOT NULL, counter TEXT NOT NULL, number TEXT NOT NULL UNIQUE,
    PRIMARY KEY (pan, sequence, counter)
) STRICT;
"""


class Book(StrEnum):
    """The two accounts of a card."""

    MAIN = "balance"
    E_CASH = "e_cash"


class RequestState(StrEnum):
    """Where a request stands."""

    APPROVED = "approved"
    """Money moved, the card's word is awaited."""
    DECLINED = "declined"
    COMPLETED = "completed"
    REVERSED = "reversed"


class ScriptState(StrEnum):
    """Where an order for the card stands."""

    WAITING = "waiting"
    SENT = "sent"
    EXECUTED = "executed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its e-cash account; amounts in the smallest unit."""

    pan: str
    sequence: str
    currency: str
    balance: int
    e_cash: int
    e_cash_limit: int
    pin: str
    pin_tries: int
    blocked: bool
    last_counter: int
    """Highest transaction counter of a genuine request."""


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

    # Accounts

    def open(self, account: Account) -> None:
        """Enter a new account; its balances are the first movements."""
        self.run(
            "INSERT INTO account VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?)",
            account.pan,
            account.sequence,
            account.currency,
            account.e_cash_limit,
            account.pin,
            account.pin_tries,
            account.blocked,
            account.last_counter,
        )
        self.move(account, Book.MAIN, account.balance, "", "opened")
        self.move(account, Book.E_CASH, account.e_cash, "", "opened")

    def account(self, pan: str, sequence: str) -> Account | None:
        """The account of a card."""
        row = self.one("SELECT * FROM account WHERE pan = ? AND sequence = ?", pan, sequence)
        return None if row is None else Account(**{**dict(row), "blocked": bool(row["blocked"])})

    def move(self, account: Account, book: Book, amount: int, request: str, reason: str) -> None:
        """Add an amount, possibly negative, to a book of an account; raises sqlite3.IntegrityError below zero."""
        if amount:
            self.run(
                f"UPDATE account SET {book} = {book} + ? WHERE pan = ? AND sequence = ?",  # noqa: S608 - a name of ours
                amount,
                account.pan,
                account.sequence,
            )
            self.run(
                "INSERT INTO movement (pan, sequence, book, amount, request, reason) VALUES (?, ?, ?, ?, ?, ?)",
                account.pan,
                account.sequence,
                book,
                amount,
                request,
                reason,
            )

    def note_counter(self, account: Account, counter: int) -> None:
        """Keep the highest transaction counter seen."""
        self._update(account, "last_counter", counter)

    def note_pin_tries(self, account: Account, tries: int) -> None:
        """Set the tries that the online PIN has left."""
        self._update(account, "pin_tries", tries)

    def block(self, account: Account, blocked: bool = True) -> None:
        """Block an account, or free it."""
        self._update(account, "blocked", int(blocked))

    def movements(self, pan: str, sequence: str) -> list[tuple[Book, int, str, str]]:
        """Book, amount, request number and reason of every movement, oldest first."""
        rows = self.all("SELECT * FROM movement WHERE pan = ? AND sequence = ? ORDER BY id", pan, sequence)
        return [(Book(row["book"]), row["amount"], row["request"], row["reason"]) for row in rows]

    # Requests

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

    # Clearing

    def is_cleared(self, pan: str, sequence: str, counter: bytes) -> bool:
        """Whether the transaction with this counter was settled."""
        wanted = "SELECT 1 FROM clearing WHERE pan = ? AND sequence = ? AND counter = ?"
        return self.one(wanted, pan, sequence, counter.hex()) is not None

    def clear(self, pan: str, sequence: str, counter: bytes, number: str) -> None:
        """Note that a transaction was settled."""
        self.run("INSERT INTO clearing VALUES (?, ?, ?, ?)", pan, sequence, counter.hex(), number)

    def _update(self, account: Account, column: str, value: int) -> None:
        self.run(
            f"UPDATE account SET {column} = ? WHERE pan = ? AND sequence = ?",  # noqa: S608 - a name of ours
            value,
            account.pan,
            account.sequence,
        )
