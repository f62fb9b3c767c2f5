"""A store in SQLite: what belongs together happens inside one transaction, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Store:
    """A database with the tables of ``schema``, in a file or in memory."""

    schema = ""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.row_factory = sqlite3.Row
        self._base.execute("PRAGMA foreign_keys = ON")
        self._base.executescript(f"BEGIN IMMEDIATE; {self.schema} COMMIT;")

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
