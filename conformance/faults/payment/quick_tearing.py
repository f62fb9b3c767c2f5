"""Faults of the tear protection 防拔 of qPBOC: what an unfinished debit leaves, and when one is final."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import FaultSet
from conformance.faults.payment.means import replaced
from conformance.faults.payment.quick_means import OFFLINE, quick_processing
from emulator.apps.payment import contactless
from emulator.apps.payment.application import Application, Counter, Tag, counter_cell, data_cell
from emulator.apps.payment.logs import record_transaction
from emulator.apps.payment.quick import Processing
from emulator.apps.payment.transaction import Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS
from profiles.model import Profile

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
READ = "READ RECORD"

_undo, _finish = Application.undo_open_debit, contactless._finish


def logging(profile: Profile) -> bool:
    """A card that approves offline and writes a log."""
    return OFFLINE(profile) and bool((quick_processing(profile) or 0) & Processing.LOG)


def _undoing(undo: Callable[[Application], bool]) -> type[Card]:
    """A card that undoes an open debit in another way, whatever the command."""

    class Deviating(Card):
        def _perform(self, command: Command) -> bytes:
            with replaced(Application, "undo_open_debit", undo):
                return super()._perform(command)

    return Deviating


def _kept(application: Application) -> bool:
    if not application.counter(Counter.DEBIT_OPEN):
        return False
    application.memory.commit({counter_cell(application.name, Counter.DEBIT_OPEN): 0})
    return True


def _counter_back(application: Application) -> bool:
    undone = _undo(application)
    if undone:
        last = int.from_bytes(application.value(Tag.ATC), "big") - 1
        application.memory.commit({data_cell(application.name, Tag.ATC): last.to_bytes(2, "big")})
    return undone


def _balance_alone(application: Application) -> bool:
    counters = [counter_cell(application.name, each) for each in (Counter.CUMULATIVE_AMOUNT, Counter.FOREIGN_CURRENCY)]
    kept = {cell: value for cell in counters if (value := application.memory.cells.get(cell)) is not None}
    undone = _undo(application)
    if undone:
        application.memory.commit(kept)
    return undone


FAULTS.card(
    "tea.debit-kept",
    "移开后不恢复余额",
    "An unfinished debit is kept",
    ["PAY-TEA-001", "PAY-TEA-006", "PAY-TEA-007", "PAY-TEA-008"],
    OFFLINE,
)(_undoing(_kept))
FAULTS.card(
    "tea.counter-restored", "移开后 ATC 也恢复", "The transaction counter is restored, too", ["PAY-TEA-002"], OFFLINE
)(_undoing(_counter_back))
FAULTS.card(
    "tea.counters-kept",
    "移开后累计金额和异币计数不恢复",
    "Total and foreign counter are not restored",
    ["PAY-TEA-001"],
    lambda profile: (
        OFFLINE(profile)
        and bool(
            (quick_processing(profile) or 0)
            & (Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL | Processing.FOREIGN_OFFLINE)
        )
    ),
)(_undoing(_balance_alone))


@FAULTS.command(
    READ,
    "tea.any-record-completes",
    "读任一记录即完成扣款",
    "Any record makes the debit final",
    ["PAY-TEA-001", "PAY-TEA-007"],
    OFFLINE,
)
def any_record_completes(card: Card, command: Command, good: Handler) -> bytes:
    """The first record that is read ends the transaction."""
    record = good(card, command)
    transaction = transaction_of(card)
    if transaction.debit_open:
        _finish(Application(card), transaction)
    return record


@FAULTS.command(
    READ,
    "tea.never-final",
    "读末记录后仍未完成扣款",
    "The last record does not make the debit final",
    ["PAY-TEA-003"],
    OFFLINE,
)
def never_final(card: Card, command: Command, good: Handler) -> bytes:
    """The flag stays."""

    def open_still(application: Application, transaction: Transaction) -> None:
        """Nothing is closed."""

    with replaced(contactless, "_finish", open_still):
        return good(card, command)


@FAULTS.command(
    "GET PROCESSING OPTIONS",
    "tea.log-at-once",
    "交易日志在 GPO 时写入",
    "The log is written with the decision",
    ["PAY-TEA-004"],
    logging,
)
def log_at_once(card: Card, command: Command, good: Handler) -> bytes:
    """Before any record was read."""
    answer = good(card, command)
    transaction = transaction_of(card)
    if transaction.debit_open:
        application = Application(card)
        record_transaction(application, transaction)
        application.commit()
    return answer


@FAULTS.command(
    READ,
    "tea.log-apart",
    "日志与扣款完成分开写入",
    "The log is written apart from the end of the debit",
    ["PAY-TEA-003"],
    logging,
)
def log_apart(card: Card, command: Command, good: Handler) -> bytes:
    """First the log, then the flag: between the two the supply may end."""

    def in_two_steps(application: Application, transaction: Transaction) -> None:
        transaction.debit_open = False
        if not application.counter(Counter.DEBIT_OPEN):
            return
        record_transaction(application, transaction)
        application.commit()
        application.close_debit()
        application.commit()

    with replaced(contactless, "_finish", in_two_steps):
        return good(card, command)


@FAULTS.command(
    "GET PROCESSING OPTIONS",
    "tea.counters-first",
    "余额先于恢复标志写入",
    "The balance is written before the flag that would undo it",
    ["PAY-TEA-001"],
    OFFLINE,
)
def counters_first(card: Card, command: Command, good: Handler) -> bytes:
    """Two commits: a card that loses its supply between them has paid for nothing."""
    opening = Application.open_debit

    def paid_first(application: Application) -> None:
        paid = dict(application.changes)
        opening(application)
        application.memory.commit(paid)
        application.changes = {cell: value for cell, value in application.changes.items() if cell not in paid}

    with replaced(Application, "open_debit", paid_first):
        return good(card, command)
