"""Faults of scripts that change PIN, data objects and records."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.means import answered_only
from conformance.faults.payment.contactless import quick
from conformance.faults.payment.data_objects import tag_of
from conformance.faults.payment.scripts import DEBIT, MAC_LENGTH, PUT_DATA, with_mac
from emulator.apps.payment.application import Application, Tag
from emulator.apps.payment.transaction import transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.crypto import decrypt_ecb, encrypt_ecb
from emulator.iso7816 import SW, Command, StatusError

FAULTS = FaultSet(DEBIT)
CHANGE_PIN, UPDATE_RECORD = "UNBLOCK PIN", "UPDATE RECORD with MAC"
CURRENCY = 0x9F51
LIMITS = frozenset({0x9F58, 0x9F59, 0x9F53, 0x9F54, 0x9F5C, 0x9F72})
E_CASH_LIMITS = frozenset({Tag.BALANCE_LIMIT, Tag.SINGLE_LIMIT, Tag.THRESHOLD})


def _data(command: Command) -> bytes:
    return command.data[:-MAC_LENGTH]


# The PIN


@FAULTS.command(
    CHANGE_PIN, "scr.pin-tries-stay", "PIN 解锁不恢复次数", "PIN UNBLOCK gives no tries back", ["PAY-SCR-018"], paying
)
def pin_tries_stay(card: Card, command: Command, good: Handler) -> bytes:
    """Answered, and forgotten."""
    return good(card, command) if command.p2 else answered_only(card, command, good)


@FAULTS.command(
    CHANGE_PIN,
    "scr.pin-change-keeps-tries",
    "PIN 修改不恢复次数",
    "PIN CHANGE gives no tries back",
    ["PAY-SCR-019"],
    paying,
)
def pin_change_keeps_tries(card: Card, command: Command, good: Handler) -> bytes:
    """Those that were spent on the old PIN are spent."""
    application = Application(card)
    tries = application.pin_tries
    answer = good(card, command)
    if command.p2 and application.pin and tries is not None:
        card.memory.commit({application.pin.tries_cell: tries})
    return answer


@FAULTS.command(
    CHANGE_PIN,
    "scr.current-pin-ignored",
    "P2=01 按 P2=02 处理",
    "PIN CHANGE does without the current PIN",
    ["PAY-SCR-020"],
    paying,
)
def current_pin_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """P2 01 is handled as 02; what was joined with the current PIN makes no sense then."""
    if command.p2 != 1 or len(command.data) < MAC_LENGTH:
        return good(card, command)
    return good(card, with_mac(card, command._replace(p2=2), _data(command)))


@FAULTS.command(
    CHANGE_PIN,
    "scr.pin-padding-unchecked",
    "不检查 PIN 数据的长度字节和填充",
    "Length byte and padding of PIN CHANGE are not checked",
    ["PAY-SCR-021"],
    paying,
)
def pin_padding_unchecked(card: Card, command: Command, good: Handler) -> bytes:
    """They are taken for what they must be."""
    application = Application(card)
    if not command.p2 or len(command.data) != 20 or not transaction_of(card).cryptogram:
        return good(card, command)
    key = application.session_key("payment encryption")
    plain = decrypt_ecb(application.algorithm, key, _data(command))
    whole = b"\x08" + plain[1:9] + b"\x80" + bytes(6)
    return good(card, with_mac(card, command, encrypt_ecb(application.algorithm, key, whole)))


# Data objects


@FAULTS.command(
    PUT_DATA, "scr.put-any-tag", "可设置应用货币代码", "A script sets the application currency", ["PAY-SCR-023"], paying
)
def put_any_tag(card: Card, command: Command, good: Handler) -> bytes:
    """9F51 is a data object as any other."""
    try:
        return good(card, command)
    except StatusError:
        if tag_of(command) != CURRENCY or command != with_mac(card, command, _data(command)):
            raise
        return b""


@FAULTS.command(
    PUT_DATA, "scr.put-any-length", "不检查设置数据的长度", "PUT DATA takes any length", ["PAY-SCR-024"], paying
)
def put_any_length(card: Card, command: Command, good: Handler) -> bytes:
    """Too short a value is filled with zeros."""
    old = Application(card).get(tag_of(command))
    data = _data(command)
    if old is None or len(data) >= len(old) or command != with_mac(card, command, data):
        return good(card, command)
    return good(card, with_mac(card, command, data.rjust(len(old), b"\0")))


def _forgetting(tags: frozenset[int]) -> Deviation:
    """PUT DATA that answers for some objects, and keeps the old value."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        return answered_only(card, command, good) if tag_of(command) in tags else good(card, command)

    return deviation


FAULTS.command(
    PUT_DATA, "scr.limits-not-stored", "限制数设置不生效", "Limits keep their old value", ["PAY-SCR-022"], paying
)(_forgetting(LIMITS))
FAULTS.command(
    PUT_DATA,
    "scr.e-cash-limits-not-stored",
    "电子现金参数设置不生效",
    "The parameters of e-cash keep their old value",
    ["PAY-SCR-025"],
    paying,
)(_forgetting(E_CASH_LIMITS))
FAULTS.command(
    PUT_DATA,
    "scr.card-limit-not-stored",
    "卡片 CVM 限额设置不生效",
    "The cardholder verification limit keeps its old value",
    ["PAY-SCR-026"],
    quick,
)(_forgetting(frozenset({Tag.CVM_LIMIT})))


@FAULTS.command(
    PUT_DATA,
    "scr.load-above-limit",
    "圈存可超过余额上限",
    "A load may exceed the balance limit",
    ["PAY-SCR-027"],
    paying,
)
def load_above_limit(card: Card, command: Command, good: Handler) -> bytes:
    """The balance limit is out of the way while the load is made."""
    application = Application(card)
    limit = application.get(Tag.BALANCE_LIMIT)
    if tag_of(command) != Tag.BALANCE or limit is None:
        return good(card, command)
    application.put(Tag.BALANCE_LIMIT, b"\x99" * 6)
    application.commit()
    try:
        return good(card, command)
    finally:
        application.put(Tag.BALANCE_LIMIT, limit)
        application.commit()


# Records


def _records(name: str, zh: str, en: str, requirement: str, change: Callable[[Card, Command, Handler], bytes]) -> None:
    FAULTS.command(UPDATE_RECORD, name, zh, en, [requirement], paying)(change)


def _next_record(card: Card, command: Command, good: Handler) -> bytes:
    """UPDATE RECORD of the next record, where there is one, as if numbers began with 0."""
    file = Application(card).node.files_by_sfi.get(command.p2 >> 3)
    records = card.memory.cells.get(file.cell) if file else None
    if (
        not isinstance(records, tuple)
        or command.p1 >= len(records)
        or command != with_mac(card, command, _data(command))
    ):
        return good(card, command)
    longer = command.p1
    card.memory.commit({file.cell: (*records[:longer], _data(command), *records[longer + 1 :])} if file else {})
    return b""


def _appending(card: Card, command: Command, good: Handler) -> bytes:
    """UPDATE RECORD one beyond the last record adds one."""
    try:
        return good(card, command)
    except StatusError as refusal:
        file = Application(card).node.files_by_sfi.get(command.p2 >> 3)
        records = card.memory.cells.get(file.cell) if file else None
        if refusal.sw != SW.RECORD_NOT_FOUND or file is None or not isinstance(records, tuple):
            raise
        card.memory.commit({file.cell: (*records, _data(command))})
        return b""


def _anywhere(card: Card, command: Command, good: Handler) -> bytes:
    """UPDATE RECORD of a file that never changes."""
    try:
        return good(card, command)
    except StatusError as refusal:
        file = Application(card).node.files_by_sfi.get(command.p2 >> 3)
        records = card.memory.cells.get(file.cell) if file else None
        number = command.p1
        if refusal.sw != SW.SECURITY_STATUS_NOT_SATISFIED or file is None or not isinstance(records, tuple):
            raise
        card.memory.commit({file.cell: (*records[: number - 1], _data(command), *records[number:])})
        return b""


_records(
    "scr.update-next-record", "修改了下一条记录", "UPDATE RECORD hits the next record", "PAY-SCR-028", _next_record
)
_records(
    "scr.update-appends", "修改不存在的记录时追加", "UPDATE RECORD appends a missing record", "PAY-SCR-029", _appending
)
_records("scr.update-anywhere", "可修改只读记录", "UPDATE RECORD changes read-only records", "PAY-SCR-030", _anywhere)
_records("log.writable", "可修改日志记录", "UPDATE RECORD changes records of a log", "PAY-LOG-010", _anywhere)
