"""The outbox of a terminal: what waits for a host, or for a card that must be asked, kept beyond the end of the program.

An entry is made before a step that can't be taken back, and removed once the other side knows. One entry of a box has one
number; each stage takes the place of the one before.

Messages need what the law wants hidden: an offline upload the person's number, a clearing record the account number. They
can't be masked, as the station's journal masks persons, because they must be sent after all. So every content is sealed
(Fernet: AES-CBC with HMAC) under a key in a second file, ``FILE.key``, in place of the security module that a terminal in use
keeps it in; stages and numbers alone stand in clear. A copy of the outbox without its key tells nothing of anybody. Both
files are the owner's alone (mode 600). PINs and PIN blocks are in no entry.

It also keeps who the terminal is to a bank (9F1C, field 41) and how far it has counted (9F41, field 11). By both and the day a
bank knows a transaction, and takes another one with the same for a repetition (code 94).
"""

from __future__ import annotations

import fcntl
import itertools
import os
import secrets
import sqlite3
import string
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from pydantic import ConfigDict, ValidationError, create_model

from conformance.actors.store import OWNER_ALONE, Store

Content = TypeVar("Content")
LARGEST_NUMBER = 999_999
"""Of a transaction, six digits; 1 is the next one."""


def new_terminal() -> str:
    """An identification 9F1C for a terminal that has none: two that have the same would be one to a bank."""
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(8))


class OutboxError(ValueError):
    """The outbox cannot be used; the message says why."""


class Box(StrEnum):
    """What an entry is of."""

    MEDICAL = "medical"
    LOAD = "load"
    VISIT = "visit"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its number, the stage that was reached, and its content, JSON."""

    number: str
    stage: str
    content: str


class Keeper(Protocol):
    """Where a terminal keeps what is open, who it is, and how far it has counted."""

    @property
    def terminal(self) -> str:
        """The identification of the terminal, 9F1C."""

    def next_number(self) -> int:
        """The next value of its transaction sequence counter 9F41, which is kept before it is used."""

    def keep(self, box: Box, number: str, stage: str, content: str = "") -> None:
        """Make an entry, or bring it to its next stage; it keeps its place."""

    def drop(self, box: Box, number: str) -> None:
        """Remove an entry; none is no error."""

    def entries(self, box: Box) -> list[Entry]:
        """The entries of a box, oldest first."""


class Forgetful:
    """Keeps nothing: what is open lives as long as the program, and the next program is another terminal."""

    def __init__(self) -> None:
        self.terminal = new_terminal()
        self._count = itertools.count(1)

    def next_number(self) -> int:
        """The next number, from 1."""
        return next(self._count)

    def keep(self, box: Box, number: str, stage: str, content: str = "") -> None:
        """Nothing is kept."""

    def drop(self, box: Box, number: str) -> None:
        """Nothing was kept."""

    def entries(self, box: Box) -> list[Entry]:
        """Nothing."""
        return []


class OutboxFile(Store):
    """An outbox in a SQLite file, of one program at a time; raises :class:`OutboxError` for a file that is none."""

    kind = "SSOB"
    schema = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY, box TEXT NOT NULL, number TEXT NOT NULL, stage TEXT NOT NULL, content BLOB NOT NULL,
    UNIQUE (box, number)
) STRICT;
CREATE TABLE IF NOT EXISTS terminal (
    id INTEGER PRIMARY KEY CHECK (id = 1), identification TEXT NOT NULL, number INTEGER NOT NULL
) STRICT;
"""

    def __init__(self, path: Path) -> None:
        if not self._may_be(path):  # told before a key is made for it
            raise OutboxError(f"{path} is no outbox; name another file")
        try:
            self._lock = os.open(path.with_name(f"{path.name}.key"), os.O_RDWR | os.O_CREAT, OWNER_ALONE)
        except OSError as problem:
            raise OutboxError(f"the outbox {path} cannot be used: {problem.strerror}") from None
        try:
            self._seal = Fernet(self._key(path))
            super().__init__(path)
            path.chmod(OWNER_ALONE)
            self.run("PRAGMA synchronous = FULL")
            self.run("INSERT OR IGNORE INTO terminal VALUES (1, ?, 0)", new_terminal())
            (row,) = self.all("SELECT identification FROM terminal")
            self.terminal = str(row["identification"])
            for box in Box:
                self.entries(box)
        except (OSError, sqlite3.Error, ValueError) as problem:
            os.close(self._lock)
            if isinstance(problem, OutboxError):
                raise
            raise OutboxError(f"the outbox {path} cannot be used: {problem}") from None

    def _key(self, path: Path) -> bytes:
        """The key, once nobody else has the outbox; a new outbox gets a new one."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutboxError(f"the outbox {path} is in use by another terminal; give each its own") from None
        os.fchmod(self._lock, OWNER_ALONE)
        key = os.pread(self._lock, 64, 0)
        if not key:
            if path.exists() and path.stat().st_size:
                raise OutboxError(f"the outbox {path} has lost its key, {path.name}.key; nobody can read it any more")
            key = Fernet.generate_key()
            os.pwrite(self._lock, key, 0)
            os.fsync(self._lock)
        return key

    def close(self) -> None:
        """Close the file, and let others have it."""
        super().close()
        os.close(self._lock)

    def next_number(self) -> int:
        """The next value of the terminal's counter, which is kept before it is used."""
        try:
            (row,) = self.all("UPDATE terminal SET number = number % ? + 1 RETURNING number", LARGEST_NUMBER)
        except sqlite3.Error as problem:
            raise OutboxError(f"the outbox cannot be written: {problem}") from None
        return int(row["number"])

    def keep(self, box: Box, number: str, stage: str, content: str = "") -> None:
        """Make an entry, or bring it to its next stage; it keeps its place."""
        self._change(
            "INSERT INTO entry (box, number, stage, content) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (box, number) DO UPDATE SET stage = excluded.stage, content = excluded.content",
            *(box, number, stage, self._seal.encrypt(content.encode())),
        )

    def drop(self, box: Box, number: str) -> None:
        """Remove an entry; none is no error."""
        self._change("DELETE FROM entry WHERE box = ? AND number = ?", box, number)

    def _change(self, statement: str, *values: object) -> None:
        """What can't be kept must not be done."""
        try:
            self.run(statement, *values)
        except sqlite3.Error as problem:
            raise OutboxError(f"the outbox cannot be written: {problem}") from None

    def entries(self, box: Box) -> list[Entry]:
        """The entries of a box, oldest first."""
        try:
            rows = self.all("SELECT number, stage, content FROM entry WHERE box = ? ORDER BY id", box)
            return [Entry(row["number"], row["stage"], self._seal.decrypt(row["content"]).decode()) for row in rows]
        except sqlite3.Error as problem:
            raise OutboxError(f"the outbox cannot be read: {problem}") from None
        except InvalidToken:
            raise OutboxError(
                "an entry of the outbox does not fit its key: one of the two files is another's"
            ) from None


class Codec(Generic[Content]):
    """A dataclass as the content of an entry, and back."""

    def __init__(self, kind: type[Content]) -> None:
        # A dataclass of the standard library takes the configuration of the model around it.
        config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")
        self._model: Any = create_model("Kept", __config__=config, content=(kind, ...))

    def write(self, content: Content) -> str:
        """As an entry keeps it."""
        text: str = self._model(content=content).model_dump_json()
        return text

    def read(self, text: str) -> Content:
        """From an entry; raises :class:`OutboxError` for what is none."""
        try:
            content: Content = self._model.model_validate_json(text).content
        except ValidationError as problem:
            raise OutboxError(f"an entry of the outbox cannot be read: {problem.error_count()} errors") from None
        return content
