"""The people of a batch: rows that are good, rows that are not and why, and rows that contradict one another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conformance.actors.station.former import ACCOUNT
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

PIN, BANK_PIN = "pin", "bank pin"
PINS = {PIN: re.compile("[0-9]{4,16}"), BANK_PIN: re.compile("[0-9]{4,12}")}
PIN_COLUMNS = {PIN: PIN, "密码": PIN, BANK_PIN: BANK_PIN, "银行卡密码": BANK_PIN}
CARD_NUMBER = "card number"
ALONE: tuple[tuple[str, Callable[[Order], str]], ...] = (
    (NUMBER, lambda order: order.number),
    ("social security number", lambda order: order.values[PERSON].upper()),
    (CARD_NUMBER, lambda order: order.values[FIELDS[CARD_NUMBER]]),
    (ACCOUNT, lambda order: order.former.account),
)
"""What no two rows may share, where they have it."""


@dataclass(frozen=True, slots=True)
class Person:
    """A good row: its line, its order, and the PINs that the holder chose, of social security and of the bank, if any were."""

    line: int
    order: Order
    pin: str | None = field(default=None, repr=False)
    bank_pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row of which no card is made: its line, the number of its request, the field and the sentence that says why."""

    line: int
    number: str
    field: str
    reason: str


def read_people(path: Path, initial_pin: str, *, bank: bool = False) -> tuple[list[Person], list[Wrong], str]:
    """The good rows, the others, and the encoding of the file.

    Of rows that share a number, a person, a card number or an account number none is good: which one is meant cannot be known.

    Args:
        path: The file.
        initial_pin: The PIN that nobody may choose.
        bank: Whether the cards get the bank's application, for which each row needs an account number.

    Raises:
        TableError: The file is no table of people.
    """
    table = read_table(path, {**COLUMNS, **PIN_COLUMNS}, (*NEEDED_COLUMNS, ACCOUNT) if bank else NEEDED_COLUMNS)
    good: list[Person] = []
    wrong: list[Wrong] = []
    for row in table.rows:
        try:
            good.append(_person(row, path.parent, initial_pin, bank=bank))
        except OrderError as problem:
            wrong.append(Wrong(row.line, _number(row), problem.field, str(problem)))
    good, shared = _apart(good)
    return good, sorted([*wrong, *shared], key=lambda each: each.line), table.encoding


def _person(row: Row, folder: Path, initial_pin: str, *, bank: bool) -> Person:
    source = f"line {row.line}"
    said = {name: text for name, text in row.fields.items() if name not in PINS}
    order = order_of(Row(row.line, said, row.problem), source, folder)
    pins = {name: row.fields.get(name) for name in PINS}
    for name, pattern in PINS.items():
        pin = pins[name]
        if pin is not None and not pattern.fullmatch(pin):
            raise OrderError(
                f"{source}: {name} is not four to {'twelve' if name == BANK_PIN else 'sixteen'} digits", name
            )
    if pins[PIN] == initial_pin:
        raise OrderError(f"{source}: {PIN} is the initial PIN; the holder must choose another one", PIN)
    if bank and not order.former.account:
        raise OrderError(f"{source}: {ACCOUNT!r} is missing; with --bank every card needs it", ACCOUNT)
    if pins[BANK_PIN] is not None and not bank:
        raise OrderError(f"{source}: {BANK_PIN} goes with --bank", BANK_PIN)
    return Person(row.line, order, pins[PIN], pins[BANK_PIN])


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
            if key(person.order):
                groups[key(person.order)].append(person)
        for group in groups.values():
            for person in group if len(group) > 1 else ():
                others = ", ".join(str(each.line) for each in group if each is not person)
                sentence = f"line {person.line}: {name} is that of line {others}, too; none of them is issued"
                reasons.setdefault(person.line, Wrong(person.line, person.order.number, name, sentence))
    return [person for person in people if person.line not in reasons], list(reasons.values())
