"""A store in SQLite: what belongs together happens inside one transaction, all of it or nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEMORY = ":memory:"
OWNER_ALONE = 0o600
KINDS = {
    "SSBK": "the books of a bank",
    "SSCE": "the books of an insurance centre",
    "SSJO": "the journal of a station",
    "SSOB": "the outbox of a terminal",
    "SSAU": "the books of a certificate authority",
    "SSCD": "the image of a card",
}
"""Files of ours by the four letters of their ``application_id``; the image's is that of :mod:`emulator.cos.image`."""


class Store:
    """A database with the tables of ``schema``, in a file of its owner alone or in memory.

    A file of another kind is refused, and nothing is written to it: two kinds have tables of the same name.

    Raises:
        sqlite3.Error: The file cannot be used; the message says why.
    """

    schema = ""
    kind = ""
    """Which of :data:`KINDS` the file is; a store without one has its tables in the file of another."""

    def __init__(self, path: Path | str = MEMORY) -> None:
        if str(path) != MEMORY:
            _look_at(Path(path))
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.row_factory = sqlite3.Row
        try:
            self._base.execute("PRAGMA foreign_keys = ON")
            mark = f"PRAGMA application_id = {self._mark()};" if self.kind else ""
            self._base.executescript(f"BEGIN IMMEDIATE; {mark} {self.schema} COMMIT;")
        except sqlite3.Error:
            self._base.close()
            raise

    @classmethod
    def _may_be(cls, path: Path) -> bool:
        """Whether a file is of this kind, or new; by its first bytes, without opening the database."""
        try:
            with path.open("rb") as file:
                head = file.read(72)
        except OSError:  # missing, or to be told by SQLite
            return True
        return not head or (head.startswith(b"SQLite format 3\0") and head[68:] == cls.kind.encode())

    def _mark(self) -> int:
        """The number by which a file of this kind is known, once it is sure that this is one, or a new one."""
        ours = int.from_bytes(self.kind.encode(), "big")
        (found,) = self._base.execute("PRAGMA application_id").fetchone()
        if found == ours or (not found and self._base.execute("SELECT 1 FROM sqlite_schema").fetchone() is None):
            return ours
        other = KINDS.get(found.to_bytes(4, "big").decode("latin-1")) if found > 0 else None
        raise sqlite3.DatabaseError(f"it is {other}" if other else f"it is a database, but not {KINDS[self.kind]}")

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what happens inside, or nothing; one inside another is a part of it, which can fail alone."""
        inner = self._base.in_transaction
        self._base.execute("SAVEPOINT part" if inner else "BEGIN IMMEDIATE")
        try:
            yield
            # Within the try: a COMMIT that fails leaves the transaction open.
            self._base.execute("RELEASE part" if inner else "COMMIT")
        except BaseException:
            if self._base.in_transaction:  # some errors, such as a full disk, have ended it already
                for statement in ("ROLLBACK TO part", "RELEASE part") if inner else ("ROLLBACK",):
                    self._base.execute(statement)
            raise

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        row: sqlite3.Row | None = self._base.execute(query, values).fetchone()
        return row

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self._base.execute(query, values).fetchall()

    def run(self, statement: str, *values: object) -> int:
        """Carry a statement out; answers the number of rows that it changed."""
        return self._base.execute(statement, values).rowcount


def _look_at(path: Path) -> None:
    """Refuse what SQLite would not explain; a new file is its owner's alone, because it tells of persons."""
    if path.is_socket():
        raise sqlite3.OperationalError("it is the socket of a host; this command needs the file")
    if path.is_dir():
        raise sqlite3.OperationalError("it is a folder")
    if not path.parent.is_dir():
        raise sqlite3.OperationalError("there is no such folder")
    with suppress(OSError):  # SQLite says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ALONE))
