"""Card image files: the cells of a card in SQLite, old or new after any interruption, never a third.

An image holds everything that the card is; it needs no profile to be opened again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.cos.memory import Memory, Snapshot, Value
from emulator.cos.structure import STRUCTURE_CELL, Structure

FORMAT_VERSION = 1
APPLICATION_ID = 0x53534344  # "SSCD"
OWNER_ALONE = 0o600
"""An image holds keys, PINs and what tells of its holder."""


class ImageError(Exception):
    """An image file cannot be used; the message says which, why, and what to do."""


class _Image:
    """The store behind the cells of an image file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def write(self, changes: Mapping[str, Value | None]) -> None:
        gone = [(cell,) for cell, value in changes.items() if value is None]
        kept = [(cell, *_encode(value)) for cell, value in changes.items() if value is not None]
        with self.connection:
            self.connection.executemany("DELETE FROM cell WHERE name = ?", gone)
            self.connection.executemany("INSERT OR REPLACE INTO cell (name, kind, value) VALUES (?, ?, ?)", kept)

    def write_behind(self) -> None:
        """The write-ahead log keeps the order of commits; that it reached the disk is asked at a checkpoint alone."""
        self.connection.execute("PRAGMA synchronous = NORMAL")

    def flush(self) -> None:
        busy, logged, moved = self.connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if busy or logged != moved:
            raise sqlite3.OperationalError("the image's log did not reach the disk")

    def close(self) -> None:
        self.connection.close()


def _encode(value: Value) -> tuple[str, int | bytes]:
    if isinstance(value, int):
        return "number", value
    if isinstance(value, bytes):
        return "bytes", value
    return "records", b"".join(len(record).to_bytes(2, "big") + record for record in value)


def _decode(kind: str, value: int | bytes) -> Value:
    if kind == "number" and isinstance(value, int):
        return value
    if not isinstance(value, bytes):
        raise ValueError("a cell of another kind")
    if kind == "bytes":
        return value
    records, position = [], 0
    while position < len(value):
        end = position + 2 + int.from_bytes(value[position : position + 2], "big")
        records.append(value[position + 2 : end])
        position = end
    if kind != "records" or position != len(value):
        raise ValueError("a cell of another kind")
    return tuple(records)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as problem:
        if "locked" in str(problem):
            raise ImageError(f"{path}: the image is in use by another program; end that program first") from None
        raise ImageError(f"{path}: the image cannot be opened ({problem}); check the path and the rights") from None
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as problem:
        raise ImageError(f"{path}: not a card image ({problem}); create one by naming a new file") from None


def create_image(path: Path, cells: Snapshot) -> Memory:
    """Write a new image and open it; a file that exists already is refused."""
    if path.exists():
        raise ImageError(f"{path}: the file exists already; name a new one, or open it as it is")
    with _explained(path):
        with suppress(OSError):  # SQLite says what is wrong
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ALONE))
        connection = _connect(path)
        with connection:
            connection.execute("CREATE TABLE cell (name TEXT PRIMARY KEY, kind TEXT NOT NULL, value BLOB NOT NULL)")
            rows = [(name, *_encode(value)) for name, value in cells.items()]
            connection.executemany("INSERT INTO cell (name, kind, value) VALUES (?, ?, ?)", rows)
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        return Memory(dict(cells), _Image(connection))


def open_image(path: Path) -> Memory:
    """Open an image that exists; raise :class:`ImageError` when it is none, in use, or of a later format."""
    if path.exists() and not path.is_file():
        raise ImageError(f"{path}: not a file; name a card image, or a new file")
    if not path.is_file():
        raise ImageError(f"{path}: no such image; name an existing one, or a profile to create it from")
    with _explained(path):
        connection = _connect(path)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise ValueError("another kind of database")
        if version != FORMAT_VERSION:
            raise ImageError(f"{path}: image format {version}; this version of sscard reads format {FORMAT_VERSION}")
        rows = connection.execute("SELECT name, kind, value FROM cell").fetchall()
        cells: Snapshot = {name: _decode(kind, value) for name, kind, value in rows}
        source = cells[STRUCTURE_CELL]
        if not isinstance(source, bytes):
            raise ValueError("no structure")
        Structure.from_json(source)
        return Memory(cells, _Image(connection))


def _connect(path: Path) -> sqlite3.Connection:
    """Open for this process alone; every commit reaches the disk before the card answers, unless told to write behind.

    A write-ahead log asks the disk once for a commit, where a rollback journal asks three times; it is gone when the image is
    closed, and belongs to the image after a crash.
    """
    connection = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False, timeout=0.5)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    with connection:
        connection.execute("BEGIN EXCLUSIVE")
    return connection
