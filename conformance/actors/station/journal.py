"""The station's journal in SQLite: an entry before and one after each step.

It holds no key, no PIN and nothing of a person in clear: persons and orders stand in it as salted scrypt digests, by which
they can be compared and not be read.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Return, Step
from conformance.actors.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS salt (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS request (
    number TEXT PRIMARY KEY, contents TEXT NOT NULL, person TEXT NOT NULL, product TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'completed', 'destroyed', 'withdrawn')),
    atr TEXT NOT NULL, card TEXT, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', returned TEXT,
    CHECK ((state = 'completed') = (returned IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_open_request ON request (person) WHERE state = 'open';
CREATE UNIQUE INDEX IF NOT EXISTS one_request_of_chip ON request (atr) WHERE state <> 'withdrawn';
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY, request TEXT NOT NULL REFERENCES request, time TEXT NOT NULL, step TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('before', 'after', 'failed'))
) STRICT;
CREATE TABLE IF NOT EXISTS pin_giver (
    entry INTEGER PRIMARY KEY REFERENCES entry, giver TEXT NOT NULL CHECK (giver IN ('holder', 'batch'))
) STRICT;
"""
COST: Mapping[str, int] = {"n": 1 << 12, "r": 8, "p": 1}
"""What a guess at a person or an order costs who has the journal: parameters of scrypt."""
NO_COST: Mapping[str, int] = {"n": 2, "r": 1, "p": 1}
"""For journals of invented persons alone."""


class JournalError(ValueError):
    """The journal cannot be used, or does not allow what is wanted; the message says why."""


class State(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    COMPLETED = "completed"
    DESTROYED = "destroyed"
    WITHDRAWN = "withdrawn"
    """Refused before the chip was changed; the chip may serve another request."""


class PinGiver(StrEnum):
    """Who gave the PIN that a step set."""

    HOLDER = "holder"
    """At the station."""
    BATCH = "batch"
    """A letter or the table of a batch."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the journal has it."""

    number: str
    product: str
    state: State
    atr: str
    """Reset answer of its chip, hexadecimal."""
    card: str | None
    attempts: int
    reason: str
    returned: Return | None


class Journal(Store):
    """Requests and their entries; raises :class:`JournalError` for a file that is none.

    Args:
        path: The file.
        cost: Of a guess, see :data:`COST`; the same one whenever a file is opened.
    """

    schema = SCHEMA
    kind = "SSJO"

    def __init__(self, path: Path | str = ":memory:", *, cost: Mapping[str, int] = COST) -> None:
        try:
            super().__init__(path)
            self.run("INSERT OR IGNORE INTO salt VALUES (1, ?)", os.urandom(16))
            row = self.one("SELECT value FROM salt")
        except sqlite3.Error as problem:
            raise JournalError(f"the journal {path} cannot be used: {problem}") from None
        self._cost = cost
        self._salt: bytes = row["value"] if row is not None else b""

    def begin(self, order: Order, product: str, atr: str) -> None:
        """A new request, before its chip is changed.

        Raises :class:`JournalError` when its person has an open request, or the chip another request.
        """
        if self.one("SELECT 1 FROM request WHERE atr = ? AND state <> 'withdrawn'", atr) is not None:
            raise JournalError("another request had a chip with this reset answer; take a new chip")
        try:
            self.run(
                "INSERT INTO request (number, contents, person, product, state, atr) VALUES (?, ?, ?, ?, 'open', ?)",
                order.number,
                self._digest(order.content()),
                self._digest(order.person.encode()),
                product,
                atr,
            )
        except sqlite3.IntegrityError:
            raise JournalError("another request for this person is open; finish that one first") from None

    def request(self, number: str) -> Request | None:
        """A request by its number."""
        row = self.one("SELECT * FROM request WHERE number = ?", number)
        if row is None:
            return None
        returned = Return(**json.loads(row["returned"])) if row["returned"] else None
        state = State(row["state"])
        names = ("number", "product", "atr", "card", "attempts", "reason")
        return Request(**{name: row[name] for name in names}, state=state, returned=returned)

    def knows_chip(self, serial: str) -> bool:
        """Whether a request has a chip with this serial number, the last eight digits of its reset answer."""
        return self.one("SELECT 1 FROM request WHERE atr LIKE '%' || ?", serial) is not None

    def has_same_contents(self, order: Order) -> bool:
        """Whether the request of this number came with the same order."""
        row = self.one("SELECT contents FROM request WHERE number = ?", order.number)
        return row is not None and row["contents"] == self._digest(order.content())

    def open_requests(self) -> list[Request]:
        """Every request that neither completed nor lost its chip, oldest first."""
        rows = self.all("SELECT number FROM request WHERE state = 'open' ORDER BY rowid")
        return [found for row in rows if (found := self.request(row["number"])) is not None]

    def name_card(self, number: str, card: str) -> None:
        """卡的识别码 of the request's card."""
        self.run("UPDATE request SET card = ? WHERE number = ?", card, number)

    def attempt(self, number: str) -> None:
        """Count a run over the chip."""
        self.run("UPDATE request SET attempts = attempts + 1 WHERE number = ?", number)

    def forgive(self, number: str) -> None:
        """A run that failed through no fault of the chip does not count."""
        self.run("UPDATE request SET attempts = attempts - 1 WHERE number = ? AND attempts > 0", number)

    def note(self, number: str, step: Step, phase: str) -> None:
        """An entry: ``before``, ``after`` or ``failed``."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.run("INSERT INTO entry (request, time, step, phase) VALUES (?, ?, ?, ?)", number, time, step.name, phase)

    def note_pin_giver(self, number: str, step: Step, giver: PinGiver) -> None:
        """Who gives the PIN of the step that a request has just set about; the PIN itself is in no journal."""
        entry = "SELECT max(id), ? FROM entry WHERE request = ? AND step = ? AND phase = 'before'"
        self.run(f"INSERT INTO pin_giver {entry}", giver, number, step.name)

    def pin_giver(self, number: str, step: Step) -> PinGiver | None:
        """Who gave the PIN when the step was taken last; None where that was not noted."""
        row = self.one(
            "SELECT giver FROM entry LEFT JOIN pin_giver ON entry = id"
            " WHERE request = ? AND step = ? AND phase = 'before' ORDER BY id DESC LIMIT 1",
            *(number, step.name),
        )
        return PinGiver(row["giver"]) if row is not None and row["giver"] else None

    def is_done(self, number: str, step: Step) -> bool:
        """Whether a step ended well, and nothing found out later that it did not."""
        query = "SELECT phase FROM entry WHERE request = ? AND step = ? ORDER BY id DESC LIMIT 1"
        row = self.one(query, number, step.name)
        return row is not None and row["phase"] == "after"

    def was_begun(self, number: str, step: Step) -> bool:
        """Whether a request ever set about a step; what came of it is another question."""
        return (step.name, "before") in self.entries(number)

    def entries(self, number: str) -> list[tuple[str, str]]:
        """Step and phase of every entry, oldest first."""
        rows = self.all("SELECT step, phase FROM entry WHERE request = ? ORDER BY id", number)
        return [(row["step"], row["phase"]) for row in rows]

    def complete(self, number: str, returned: Return) -> None:
        """The request ended well; its data return is kept."""
        text = json.dumps(asdict(returned), ensure_ascii=False)
        self.run("UPDATE request SET state = 'completed', returned = ? WHERE number = ?", text, number)

    def destroy(self, number: str, reason: str) -> None:
        """The request's chip is never handed out."""
        self.run("UPDATE request SET state = 'destroyed', reason = ? WHERE number = ?", reason, number)

    def withdraw(self, number: str, reason: str) -> None:
        """The request ends before its chip was changed."""
        self.run("UPDATE request SET state = 'withdrawn', reason = ? WHERE number = ?", reason, number)

    def _digest(self, text: bytes) -> str:
        return hashlib.scrypt(text, salt=self._salt, dklen=32, **self._cost).hex()
