"""The hosts' books before and after a flow, row by row, with what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from itertools import zip_longest

from conformance.events import FlowBooks, Table
from conformance.requirements import Text

Line = tuple[str, ...]


class Change(Enum):
    """What happened to a row."""

    SAME = ("=", "不变", "unchanged")
    CHANGED = ("≠", "更改", "changed")
    ADDED = ("+", "新增", "added")
    REMOVED = ("−", "删去", "removed")

    @property
    def sign(self) -> str:
        """The sign that marks it."""
        return self.value[0]

    @property
    def title(self) -> Text:
        """The change in both languages."""
        return Text(self.value[1], self.value[2])


@dataclass(frozen=True, slots=True)
class BookRow:
    """A row before and after; None where it was not there."""

    before: Line | None
    after: Line | None

    @property
    def change(self) -> Change:
        """What happened to it."""
        if self.before is None:
            return Change.ADDED
        if self.after is None:
            return Change.REMOVED
        return Change.SAME if self.before == self.after else Change.CHANGED

    def differs(self, column: int) -> bool:
        """Whether a cell is another one after."""
        return self.change is Change.CHANGED and _at(self.before, column) != _at(self.after, column)


@dataclass(frozen=True, slots=True)
class BookTable:
    """A table of the books."""

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[BookRow, ...]

    def count(self, change: Change) -> int:
        """Rows to which this happened."""
        return sum(row.change is change for row in self.rows)


@dataclass(frozen=True, slots=True)
class BooksReport:
    """The books of a flow."""

    tables: tuple[BookTable, ...]
    has_before: bool
    has_after: bool
    """Otherwise the run was cut off before they were read again."""

    @property
    def changed(self) -> int:
        """Rows of all tables that are not as before; 0 where there is nothing to compare."""
        if not (self.has_before and self.has_after):
            return 0
        return sum(len(table.rows) - table.count(Change.SAME) for table in self.tables)


def compared(before: FlowBooks | None, after: FlowBooks | None) -> BooksReport:
    """The books side by side, every table under its name, new tables last.

    Where one of the two moments is missing there is nothing to compare: its side is that of the other, so that no row counts
    as changed.
    """
    first, second = _tables(before or after), _tables(after or before)
    return BooksReport(
        tuple(_compared(first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])),
        before is not None,
        after is not None,
    )


def _tables(books: FlowBooks | None) -> dict[tuple[str, str, int], Table]:
    """Tables by name; tables of one name by their order."""
    found: dict[tuple[str, str, int], Table] = {}
    for table in books.tables if books else ():
        number = 0
        while (table["zh"], table["en"], number) in found:
            number += 1
        found[table["zh"], table["en"], number] = table
    return found


def _compared(before: Table | None, after: Table | None) -> BookTable:
    known = [table for table in (before, after) if table is not None]
    columns = max((table["columns"] for table in known), key=len)
    width = max([len(columns), *(len(row) for table in known for row in table["rows"])])
    titles = [Text(column["zh"], column["en"]) for column in columns]
    titles += [Text("", "")] * (width - len(titles))
    old, new = ([_line(row, width) for row in table["rows"]] if table else [] for table in (before, after))
    return BookTable(Text(known[0]["zh"], known[0]["en"]), tuple(titles), tuple(_aligned(old, new)))


def _line(row: Sequence[str], width: int) -> Line:
    return tuple(row) + ("",) * (width - len(row))


def _aligned(old: list[Line], new: list[Line]) -> Iterator[BookRow]:
    """Rows of one key side by side; where no cells are a key, rows that stand alike in both lists.

    The key is the fewest first cells that tell all rows of a table apart, but never the whole row.
    """
    width = max((len(row) for row in old + new), default=0)
    for cells in range(1, width):
        if all(len({row[:cells] for row in rows}) == len(rows) for rows in (old, new)):
            return _by_key(old, new, cells)
    return _by_order(old, new)


def _by_key(old: list[Line], new: list[Line], cells: int) -> Iterator[BookRow]:
    after = {row[:cells]: row for row in new}
    for row in old:
        yield BookRow(row, after.pop(row[:cells], None))
    for row in after.values():
        yield BookRow(None, row)


def _by_order(old: list[Line], new: list[Line]) -> Iterator[BookRow]:
    for kind, low, high, start, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace" and high - low != stop - start:  # nothing says which row became which
            yield from (BookRow(row, None) for row in old[low:high])
            yield from (BookRow(None, row) for row in new[start:stop])
        else:
            yield from (BookRow(*pair) for pair in zip_longest(old[low:high], new[start:stop]))


def _at(line: Line | None, column: int) -> str:
    return line[column] if line is not None and column < len(line) else ""
