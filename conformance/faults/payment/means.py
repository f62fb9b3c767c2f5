"""What faults of payment transactions do alike: set counters, work with other checks for a command, change an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NamedTuple

from conformance.faults.catalogue import FaultSet, paying
from emulator.apps.payment import risk
from emulator.apps.payment.application import LARGEST_COUNT, Application, Counter, amount, number
from emulator.apps.payment.cryptograms import cryptogram_input
from emulator.apps.payment.transaction import Kind, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.crypto.payment import application_cryptogram
from emulator.iso7816 import Command, tlv

FORMAT_1 = 0x80
CID, VALUE, ISSUER_DATA = slice(0, 1), slice(3, 11), slice(11, None)
"""Where the parts stand in an answer of format 1."""


def counted(card: Card, counter: Counter, value: int) -> None:
    """Give a counter or flag of the selected application another value."""
    application = Application(card)
    application.count(counter, value)
    application.commit()


def kind_of(answer: bytes) -> Kind | None:
    """The kind of cryptogram in an answer of format 1; None for anything else."""
    (whole,) = tlv.parse(answer)
    return Kind(whole.value[0] >> 6) if whole.tag == FORMAT_1 else None


def with_part(answer: bytes, part: slice, change: Callable[[bytes], bytes]) -> bytes:
    """An answer of format 1 with another part; any other answer as it is."""
    (whole,) = tlv.parse(answer)
    if whole.tag != FORMAT_1:
        return answer
    value = bytearray(whole.value)
    value[part] = change(bytes(value[part]))
    return tlv.build(FORMAT_1, bytes(value))


def with_cryptogram(
    card: Card, answer: bytes, *, key: bytes | None = None, terminal: Mapping[int, bytes] | None = None
) -> bytes:
    """The answer with a cryptogram of another key, or of other values of the terminal, with which the card goes on."""
    application, transaction = Application(card), transaction_of(card)
    other = dataclasses.replace(transaction, terminal={**transaction.terminal, **(terminal or {})})
    key = key or application.session_key("payment cryptogram")
    made = application_cryptogram(application.algorithm, key, cryptogram_input(application, other))
    if not transaction.completed:
        transaction.cryptogram = made
    return with_part(answer, VALUE, lambda _: made)


@contextmanager
def replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    """Another value of an attribute of the card's program for the length of a command."""
    good = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, good)


Change = Callable[[risk.Check], risk.Check]


def other_check(first: bool, name: str, change: Change) -> AbstractContextManager[None]:
    """The card's checks with one changed: of those before the first cryptogram, or of those when unable to go online."""
    stage = "FIRST" if first else "UNABLE_TO_GO_ONLINE"
    checks = tuple(change(check) if check.name == name else check for check in getattr(risk, stage))
    return replaced(risk, stage, checks)


def on(condition: risk.Condition) -> Change:
    """The same check on another condition."""
    return lambda check: dataclasses.replace(check, condition=condition)


def never(application: Application, transaction: Transaction) -> bool:
    """The condition of a check that is left out."""
    return False


def without_action(check: risk.Check) -> risk.Check:
    """The same check, which only notes its result."""
    return dataclasses.replace(check, online=risk.NEVER, decline=risk.NEVER, block=risk.NEVER)


def shifted(tag: int, by: int) -> Change:
    """The same check with a limit that is read as higher or lower by a number; 0 is the lowest."""

    def change(check: risk.Check) -> risk.Check:
        def condition(application: Application, transaction: Transaction) -> bool:
            limit, changes = application.value(tag), dict(application.changes)
            if len(limit) == 1:
                application.put(tag, bytes((min(max(limit[0] + by, 0), LARGEST_COUNT),)))
            elif limit:
                application.put(tag, amount(max(number(limit) + by, 0)))
            met = check.condition(application, transaction)
            application.changes = changes
            return met

        return dataclasses.replace(check, condition=condition)

    return change


class CheckFault(NamedTuple):
    """A fault that is a changed check of risk management."""

    name: str
    zh: str
    en: str
    requirement: str
    check: str
    """Name of the check in the card's list."""
    change: Change


def add_check_faults(faults: FaultSet, table: Iterable[CheckFault], *, first: bool) -> None:
    """Declare faults of checks: of those before the first cryptogram, or of those when unable to go online."""
    for fault in table:
        faults.command("GENERATE AC", fault.name, fault.zh, fault.en, [fault.requirement], paying)(
            partial(_with_other_check, fault=fault, first=first)
        )


def _with_other_check(card: Card, command: Command, good: Handler, *, fault: CheckFault, first: bool) -> bytes:
    with other_check(first, fault.check, fault.change):
        return good(card, command)
