"""Memory that survives power loss: named cells that change only together.

A cell holds an immutable value. A command collects the cells that it changes and commits them once; whatever happens
on the way, the card afterwards holds all the old values or all the new ones. A card in RAM and a card in an image file
differ only in the :class:`Store` behind the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

Value: TypeAlias = int | bytes | tuple[bytes, ...]
Snapshot: TypeAlias = dict[str, Value]


def octets_in(value: Value | None) -> bytes:
    """What a cell of bytes holds: a key, a PIN, a transparent file; :class:`TypeError` for another cell."""
    if not isinstance(value, bytes):
        raise TypeError(f"the cell holds no bytes but {type(value).__name__}")
    return value


def number_in(value: Value | None) -> int:
    """What a cell of a number holds: a counter, a state; :class:`TypeError` for another cell."""
    if not isinstance(value, int):
        raise TypeError(f"the cell holds no number but {type(value).__name__}")
    return value


def records_in(value: Value | None) -> tuple[bytes, ...]:
    """What a cell of records holds: a file of records, a list of keys; :class:`TypeError` for another cell."""
    if not isinstance(value, tuple):
        raise TypeError(f"the cell holds no records but {type(value).__name__}")
    return value


class PowerLoss(Exception):
    """The supply failed in the middle of a command: no answer leaves the card."""


class Store(Protocol):
    """Where committed cells are kept for good."""

    def write(self, changes: Mapping[str, Value | None]) -> None:
        """Make the changes durable, all or none; None removes a cell."""

    def write_behind(self) -> None:
        """From here on changes are durable in their order, but no later than the next :meth:`flush`."""

    def flush(self) -> None:
        """Make durable what was written."""

    def close(self) -> None:
        """Give up the resources."""


class Memory:
    """The cells of a card.

    ``write_hook``, when set, is called before every physical write that a commit makes and may raise
    :class:`PowerLoss`. A commit of *n* cells is *n* writes to the journal, one that marks the journal valid, and *n*
    writes home; power lost before the mark leaves the old values, after it the new ones, because the next reset
    completes a valid journal.
    """

    __slots__ = ("_store", "cells", "write_hook")

    def __init__(self, cells: Snapshot, store: Store | None = None) -> None:
        self.cells = cells
        self.write_hook: Callable[[], None] | None = None
        self._store = store

    def commit(self, changes: Mapping[str, Value]) -> None:
        """Write all ``changes`` or none."""
        hook = self.write_hook
        if hook is not None:
            for _ in range(len(changes) + 1):
                hook()
        if self._store is not None:
            self._store.write(changes)
        self.cells.update(changes)
        if hook is not None:
            for _ in changes:
                hook()

    def snapshot(self) -> Snapshot:
        """The present values, to come back to."""
        return self.cells.copy()

    def restore(self, snapshot: Snapshot) -> None:
        """Bring back the values of a snapshot, and nothing else."""
        if self._store is not None:
            changes: dict[str, Value | None] = dict.fromkeys(self.cells.keys() - snapshot.keys())
            changes.update((cell, value) for cell, value in snapshot.items() if self.cells.get(cell) != value)
            self._store.write(changes)
        self.cells = snapshot.copy()

    def write_behind(self) -> None:
        """Let the store take its time until :meth:`flush`; a loss of power may then undo the last commits, never one in between."""
        if self._store is not None:
            self._store.write_behind()

    def flush(self) -> None:
        """Whatever was committed is there for good."""
        if self._store is not None:
            self._store.flush()

    def close(self) -> None:
        """Close the store, if there is one."""
        if self._store is not None:
            self._store.close()
