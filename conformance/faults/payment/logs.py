"""Faults of transaction log 交易日志 and load log 圈存日志."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.means import rehearsed
from conformance.faults.payment.data_objects import tag_of
from conformance.faults.payment.scripts import DEBIT
from emulator.apps.payment.application import Application, Tag
from emulator.apps.payment.logs import record_load, record_transaction, whole_load_log
from emulator.apps.payment.transaction import Kind, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import DirectoryState, File
from emulator.crypto.payment import payment_mac
from emulator.iso7816 import SW, Command, StatusError, tlv

FAULTS = FaultSet(DEBIT)
GENERATE, READ, PUT_DATA = "GENERATE AC", "READ RECORD", "PUT DATA"
BALANCES = (Tag.BALANCE, 0xDF79)


def kind_of(answer: bytes) -> Kind:
    """The kind of cryptogram in an answer to GENERATE AC, in either format."""
    whole = tlv.parse(answer)[0]
    cid = whole.value if not whole.children else whole.children[0].value
    return Kind(cid[0] >> 6)


def log_file(card: Card, log_format: int = Tag.LOG_FORMAT) -> File | None:
    """The file of a log."""
    files = card.session.node.directory.files
    return next((file for file in files if file.log_format == log_format), None)


def log_records(card: Card, log_format: int = Tag.LOG_FORMAT) -> tuple[bytes, ...]:
    """The records of a log, the newest first."""
    file = log_file(card, log_format)
    records = card.memory.cells.get(file.cell) if file else None
    return records if isinstance(records, tuple) else ()


def set_log(card: Card, records: tuple[bytes, ...], log_format: int = Tag.LOG_FORMAT) -> None:
    """Give a log other records."""
    file = log_file(card, log_format)
    if file is not None:
        card.memory.commit({file.cell: records[: file.capacity]})


# Transaction log


def _log_again(card: Card) -> None:
    application = Application(card)
    record_transaction(application, transaction_of(card))
    application.commit()


def _logged_too(kinds: frozenset[Kind]) -> Deviation:
    """GENERATE AC that writes a record more for some kinds of cryptogram."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        answer = good(card, command)
        if kind_of(answer) in kinds:
            _log_again(card)
        return answer

    return deviation


def not_logged(condition: Callable[[Transaction], bool]) -> Deviation:
    """GENERATE AC that leaves some transactions out of the log."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        before = log_records(card)
        answer = good(card, command)
        if condition(transaction_of(card)):
            set_log(card, before)
        return answer

    return deviation


FAULTS.command(
    GENERATE, "log.declined-logged", "AAC 也写日志", "Declined transactions are logged", ["PAY-LOG-002"], paying
)(_logged_too(frozenset({Kind.AAC})))
FAULTS.command(
    GENERATE,
    "log.requests-logged",
    "ARQC 也写日志",
    "Online requests are logged",
    ["PAY-LOG-002", "PAY-LOG-003"],
    paying,
)(_logged_too(frozenset({Kind.ARQC})))
FAULTS.command(GENERATE, "log.twice", "TC 写两条日志", "A TC writes two records", ["PAY-LOG-001"], paying)(
    _logged_too(frozenset({Kind.TC}))
)
FAULTS.command(
    GENERATE, "log.offline-missing", "脱机 TC 不写日志", "Offline approvals are not logged", ["PAY-LOG-001"], paying
)(not_logged(lambda transaction: not transaction.completed))
FAULTS.command(
    GENERATE, "log.online-missing", "联机 TC 不写日志", "Online approvals are not logged", ["PAY-LOG-003"], paying
)(not_logged(lambda transaction: transaction.completed))


@FAULTS.command(
    GENERATE, "log.stops-when-full", "日志写满后不再写", "A full log takes no more records", ["PAY-LOG-006"], paying
)
def stops_when_full(card: Card, command: Command, good: Handler) -> bytes:
    """The first transactions stay for ever."""
    file, before = log_file(card), log_records(card)
    answer = good(card, command)
    if file is not None and len(before) == file.capacity:
        set_log(card, before)
    return answer


def _log_after_the_rest(card: Card, command: Command, good: Handler, log_format: int, *, first: bool) -> bytes:
    """Write a log in a commit of its own, before the rest or after it."""
    file = log_file(card, log_format)
    answer, refused, written = rehearsed(card, command, good)
    log = {cell: value for cell, value in written.items() if file is not None and cell == file.cell}
    rest = {cell: value for cell, value in written.items() if cell not in log}
    for part in (log, rest) if first else (rest, log):
        if part:
            card.memory.commit(part)
    if refused is not None:
        raise refused
    return answer


@FAULTS.command(
    GENERATE,
    "log.late",
    "日志与交易不是原子写入",
    "The log is written after the rest of the transaction",
    ["PAY-LOG-011", "PAY-ECC-020"],
    paying,
)
def late(card: Card, command: Command, good: Handler) -> bytes:
    """Power lost in between loses the record."""
    return _log_after_the_rest(card, command, good, Tag.LOG_FORMAT, first=False)


def _is_log(card: Card, command: Command, log_format: int = Tag.LOG_FORMAT) -> bool:
    file = log_file(card, log_format)
    return file is not None and command.p2 >> 3 == file.sfi


@FAULTS.command(READ, "log.oldest-first", "记录 1 为最旧记录", "Record 1 is the oldest", ["PAY-LOG-004"], paying)
def oldest_first(card: Card, command: Command, good: Handler) -> bytes:
    """As in a file that grows at its end."""
    if _is_log(card, command) and 1 <= command.p1 <= len(log_records(card)):
        command = command._replace(p1=len(log_records(card)) + 1 - command.p1)
    return good(card, command)


@FAULTS.command(
    READ,
    "log.template",
    "日志记录带模板 70",
    "Log records come in a template 70",
    ["PAY-LOG-005", "PAY-LOG-007"],
    paying,
)
def template(card: Card, command: Command, good: Handler) -> bytes:
    """As the records of the other files."""
    answer = good(card, command)
    return tlv.build(0x70, answer) if _is_log(card, command) else answer


@FAULTS.command(
    READ,
    "log.date-lost",
    "日志不含交易日期",
    "The log does not keep the date of the transaction",
    ["PAY-LOG-005"],
    paying,
)
def date_lost(card: Card, command: Command, good: Handler) -> bytes:
    """Zeros in its place, the first three bytes of the usual format."""
    answer = good(card, command)
    return bytes(3) + answer[3:] if _is_log(card, command) else answer


@FAULTS.command(
    READ, "log.empty-shown", "空日志返回全零记录", "An empty record is shown as zeros", ["PAY-LOG-008"], paying
)
def empty_shown(card: Card, command: Command, good: Handler) -> bytes:
    """The room for records is read as it is."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.RECORD_NOT_FOUND or not _is_log(card, command):
            raise
        return bytes(45)


@FAULTS.command(
    READ,
    "log.blocked-unreadable",
    "应用锁定后日志不可读",
    "The log of a blocked application cannot be read",
    ["PAY-LOG-009"],
    paying,
)
def blocked_unreadable(card: Card, command: Command, good: Handler) -> bytes:
    """Refused like a transaction."""
    if _is_log(card, command) and Application(card).state == DirectoryState.BLOCKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)


# Load log


@FAULTS.command(PUT_DATA, "log.load-missing", "圈存不写日志", "A load is not logged", ["PAY-LOG-012"], paying)
def load_missing(card: Card, command: Command, good: Handler) -> bytes:
    """The log stays as it was."""
    before = log_records(card, Tag.LOAD_LOG_FORMAT)
    answer = good(card, command)
    set_log(card, before, Tag.LOAD_LOG_FORMAT)
    return answer


def _log_load(card: Card, tag: int, value: bytes) -> None:
    application = Application(card)
    record_load(application, transaction_of(card), tag, application.value(tag), value)
    application.commit()


@FAULTS.command(
    PUT_DATA, "log.failed-load-logged", "失败的圈存也写日志", "A failed load is logged", ["PAY-LOG-013"], paying
)
def failed_load_logged(card: Card, command: Command, good: Handler) -> bytes:
    """The record is written before the checks."""
    try:
        return good(card, command)
    except StatusError:
        if tag_of(command) in BALANCES:
            _log_load(card, tag_of(command), command.data[:-4][-6:].rjust(6, b"\0"))
        raise


@FAULTS.command(
    PUT_DATA, "log.any-put-logged", "设置其他数据也写圈存日志", "Any PUT DATA is logged", ["PAY-LOG-014"], paying
)
def any_put_logged(card: Card, command: Command, good: Handler) -> bytes:
    """As if every object were a balance."""
    answer = good(card, command)
    if tag_of(command) not in BALANCES:
        _log_load(card, tag_of(command), command.data[:-4][-6:].rjust(6, b"\0"))
    return answer


@FAULTS.command(
    PUT_DATA,
    "log.load-log-short",
    "圈存日志只有 9 条",
    "The load log holds nine records",
    ["PAY-LOG-015", "PAY-LOG-018"],
    paying,
)
def load_log_short(card: Card, command: Command, good: Handler) -> bytes:
    """One fewer than the least."""
    answer = good(card, command)
    set_log(card, log_records(card, Tag.LOAD_LOG_FORMAT)[:9], Tag.LOAD_LOG_FORMAT)
    return answer


@FAULTS.command(
    PUT_DATA,
    "log.load-not-atomic",
    "圈存与圈存日志不是原子写入",
    "Balance and load log are written one after the other",
    ["PAY-SCR-031"],
    paying,
)
def load_not_atomic(card: Card, command: Command, good: Handler) -> bytes:
    """The log comes first: power lost in between leaves a load that never was."""
    return _log_after_the_rest(card, command, good, Tag.LOAD_LOG_FORMAT, first=True)


def _is_whole(card: Card, command: Command) -> bool:
    return command.p1 == 0 and _is_log(card, command, Tag.LOAD_LOG_FORMAT)


@FAULTS.command(
    READ,
    "log.whole-mac-over-records",
    "一次性读取的 MAC 不覆盖 ATC",
    "The MAC of the whole load log leaves the counter out",
    ["PAY-LOG-016", "PAY-LOG-017"],
    paying,
)
def whole_mac_over_records(card: Card, command: Command, good: Handler) -> bytes:
    """Computed as if the counter were zero."""
    answer = good(card, command)
    if not _is_whole(card, command):
        return answer
    application = Application(card)
    key = application.session_key("payment MAC")
    return answer[:-4] + payment_mac(application.algorithm, key, bytes(2) + answer[2:-4])


@FAULTS.command(
    READ,
    "log.whole-empty-refused",
    "一次性读取空日志返回 6A83",
    "The whole empty load log is refused",
    ["PAY-LOG-017"],
    paying,
)
def whole_empty_refused(card: Card, command: Command, good: Handler) -> bytes:
    """As a single record is."""
    if _is_whole(card, command) and not log_records(card, Tag.LOAD_LOG_FORMAT):
        raise StatusError(SW.RECORD_NOT_FOUND)
    return good(card, command)


@FAULTS.command(
    READ,
    "log.whole-oldest",
    "一次性读取返回最旧的记录",
    "The whole load log leaves out the newest record",
    ["PAY-LOG-016", "PAY-LOG-018"],
    paying,
)
def whole_oldest(card: Card, command: Command, good: Handler) -> bytes:
    """It begins with the second."""
    if not _is_whole(card, command):
        return good(card, command)
    return whole_load_log(Application(card), log_records(card, Tag.LOAD_LOG_FORMAT)[1:])
