"""The people of a batch: rows that are good, rows that are not and why, and rows that contradict one another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conformance.actors.station.order import (
    COLUMNS,
    FIELDS,
    NEEDED_COLUMNS,
    NUMBER,
    PERSON,
    Order,
    OrderError,
    order_of,
)
from conformance.actors.station.table import Row, read_table

PIN = "pin"
CARD_NUMBER = "card number"
PIN_DIGITS = re.compile("[0-9]{4,16}")
ALONE: tuple[tuple[str, Callable[[Order], str]], ...] = (
    (NUMBER, lambda order: order.number),
    ("social security number", lambda order: order.values[PERSON].upper()),
    (CARD_NUMBER, lambda order: order.values[FIELDS[CARD_NUMBER]]),
)
"""What no two rows may share."""


@dataclass(frozen=True, slots=True)
class Person:
    """A good row: its line, its order, and the PIN that the holder chose, if one was."""

    line: int
    order: Order
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row of which no card is made: its line, the number of its request, the field and the sentence that says why."""

    line: int
    number: str
    field: str
    reason: str


def read_people(path: Path, initial_pin: str) -> tuple[list[Person], list[Wrong], str]:
    """The good rows, the others, and the encoding of the file.

    Of rows that share a number, a person or a card number none is good: which one is meant cannot be known.

    Raises:
        TableError: The file is no table of people.
    """
    table = read_table(path, {**COLUMNS, PIN: PIN, "密码": PIN}, NEEDED_COLUMNS)
    good: list[Person] = []
    wrong: list[Wrong] = []
    for row in table.rows:
        try:
            good.append(_person(row, path.parent, initial_pin))
        except OrderError as problem:
            wrong.append(Wrong(row.line, _number(row), problem.field, str(problem)))
    good, shared = _apart(good)
    return good, sorted([*wrong, *shared], key=lambda each: each.line), table.encoding


def _person(row: Row, folder: Path, initial_pin: str) -> Person:
    source = f"line {row.line}"
    pin = row.fields.get(PIN)
    said = {name: text for name, text in row.fields.items() if name != PIN}
    order = order_of(Row(row.line, said, row.problem), source, folder)
    if pin is not None and not PIN_DIGITS.fullmatch(pin):
        raise OrderError(f"{source}: {PIN} is not four to sixteen digits", PIN)
    if pin == initial_pin:
        raise OrderError(f"{source}: {PIN} is the initial PIN; the holder must choose another one", PIN)
    return Person(row.line, order, pin)


def _number(row: Row) -> str:
    """The row's request number as far as it is one."""
    number = row.fields.get(NUMBER, "")
    return number if re.fullmatch("[0-9A-Za-z-]{1,32}", number) else ""


def _apart(people: list[Person]) -> tuple[list[Person], list[Wrong]]:
    """The people that share nothing, and the others."""
    reasons: dict[int, Wrong] = {}
    for name, key in ALONE:
        groups: defaultdict[str, list[Person]] = defaultdict(list)
        for person in people:
            groups[key(person.order)].append(person)
        for group in groups.values():
            for person in group if len(group) > 1 else ():
                others = ", ".join(str(each.line) for each in group if each is not person)
                sentence = f"line {person.line}: {name} is that of line {others}, too; none of them is issued"
                reasons.setdefault(person.line, Wrong(person.line, person.order.number, name, sentence))
    return [person for person in people if person.line not in reasons], list(reasons.values())
