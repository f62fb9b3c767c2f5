"""A CSV file of orders: which encoding it has, which columns, and each row with its line in the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

UTF8, GB18030 = "UTF-8", "GB18030"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MARK = "utf-8-sig"
LAST_OF_TWO = 0x7FF
"""Last character that UTF-8 writes in two bytes: no Chinese one."""


class TableError(ValueError):
    """A file that holds no table; the message says which file, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line where it begins, and its fields by column; empty ones are left out."""

    line: int
    fields: Mapping[str, str] = field(repr=False)
    problem: str | None = None
    """Why it is none of the table's rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and the encoding in which it was read."""

    rows: tuple[Row, ...]
    encoding: str


def read_table(path: Path, columns: Mapping[str, str], needed: Collection[str]) -> Table:
    """Read a CSV file whose first line names its columns.

    Args:
        path: The file: UTF-8, with or without byte order mark, or GB18030 (GBK, GB2312).
        columns: Names of columns that are known, and the field that each one holds.
        needed: Fields without which no row can be good.

    Raises:
        TableError: It is no such file.
    """
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise TableError(f"{path}: cannot be read ({problem.strerror})") from None
    text, encoding = _decoded(path, raw)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    names: list[str] | None = None
    try:
        while True:
            line = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                break
            if not any(cells):
                continue
            if names is None:
                names = _names(path, cells, columns, needed)
            else:
                rows.append(_row(line, cells, names))
    except csv.Error as problem:
        raise TableError(f"{path}: line {reader.line_num}: not CSV ({problem})") from None
    if not rows:
        raise TableError(f"{path}: there is no row; the first line names the columns, each further one is an order")
    return Table(tuple(rows), encoding)


def _decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """The text, and its encoding where that is beyond doubt: a name in wrong characters must never reach a card."""
    advice = "save it as “CSV UTF-8”"
    if raw.startswith(UTF16_MARKS) or b"\x00" in raw:
        raise TableError(f"{path}: neither UTF-8 nor GB18030 text; {advice}")
    try:
        text = raw.decode(MARK)
    except UnicodeDecodeError as problem:
        before = raw[: problem.start].decode()
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError:
            raise TableError(f"{path}: neither UTF-8 nor GB18030 text; {advice}") from None
        if any(ord(each) > LAST_OF_TWO for each in before):
            raise TableError(f"{path}: UTF-8 text that is damaged at byte {problem.start + 1}; {advice}") from None
        return text, GB18030
    beyond = [each for each in text if not each.isascii()]
    if beyond and max(map(ord, beyond)) <= LAST_OF_TWO and not raw.startswith("\ufeff".encode()):
        raise TableError(f"{path}: may be UTF-8 or GB18030; {advice}, with its byte order mark")
    return text, UTF8


def _names(path: Path, cells: list[str], columns: Mapping[str, str], needed: Collection[str]) -> list[str]:
    unknown = next((number for number, cell in enumerate(cells, 1) if cell not in columns), None)
    if unknown is not None:
        raise TableError(f"{path}: line 1: column {unknown} is none of {', '.join(columns)}")
    names = [columns[cell] for cell in cells]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TableError(f"{path}: line 1: column {twice!r} comes twice")
    missing = [name for name in needed if name not in names]
    if missing:
        raise TableError(f"{path}: line 1: column {missing[0]!r} is missing; every card needs it")
    return names


def _row(line: int, cells: list[str], names: list[str]) -> Row:
    if len(cells) > len(names):
        return Row(line, {}, f"{len(cells)} fields, the first line names {len(names)}")
    return Row(line, {name: cell for name, cell in zip(names, cells, strict=False) if cell})
