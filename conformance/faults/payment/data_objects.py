"""Faults of GET DATA 取数据."""

from __future__ import annotations

from conformance.faults.catalogue import Deviation, FaultSet, paying
from emulator.apps.payment.application import Application, Counter, amount
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import DirectoryState
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.dictionary import payment_elements

FAULTS = FaultSet(frozenset({"debit"}))
COMMAND = "GET DATA"
COUNTER, LOG_FORMAT, THRESHOLD, LOAD_LOG_FORMAT = 0x9F36, 0x9F4F, 0x9F6D, 0xDF4F
KEY_TAG, TOTAL_TAG, PIN_TAG = 0xDF30, 0x9F50, 0xDF31


def tag_of(command: Command) -> int:
    """The tag that a command asks for."""
    return command.p1 << 8 | command.p2


@FAULTS.command(
    COMMAND, "gdt.bare-value", "取数据只返回值", "The value comes without tag and length", ["PAY-GDT-001"], paying
)
def bare_value(card: Card, command: Command, good: Handler) -> bytes:
    """Of the transaction counter."""
    answer = good(card, command)
    return answer[3:] if tag_of(command) == COUNTER else answer


def _withheld(tag: int) -> Deviation:
    """An object that the card has and does not give."""

    def get(card: Card, command: Command, good: Handler) -> bytes:
        if tag_of(command) == tag:
            raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
        return good(card, command)

    return get


for _name, _zh, _en, _requirement, _tag in (
    (
        "gdt.log-format-withheld",
        "交易日志格式不可读",
        "The format of the log cannot be read",
        "PAY-GDT-002",
        LOG_FORMAT,
    ),
    ("gdt.threshold-withheld", "重置阈值不可读", "The reset threshold cannot be read", "PAY-GDT-006", THRESHOLD),
    (
        "gdt.load-log-format-withheld",
        "圈存日志格式不可读",
        "The format of the load log cannot be read",
        "PAY-GDT-007",
        LOAD_LOG_FORMAT,
    ),
):
    FAULTS.command(COMMAND, _name, _zh, _en, [_requirement], paying)(_withheld(_tag))


@FAULTS.command(
    COMMAND,
    "gdt.unknown-otherwise",
    "不可取的标签返回 6A81",
    "An unknown tag is answered 6A81",
    ["PAY-GDT-003"],
    paying,
)
def unknown_otherwise(card: Card, command: Command, good: Handler) -> bytes:
    """Tags that the standard has not."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.REFERENCED_DATA_NOT_FOUND and f"{tag_of(command):X}" not in payment_elements():
            raise StatusError(SW.FUNCTION_NOT_SUPPORTED) from None
        raise


@FAULTS.command(
    COMMAND,
    "gdt.special-for-all",
    "任何会话可取特殊设备数据",
    "Everybody reads the data for special devices",
    ["PAY-GDT-004"],
    paying,
)
def special_for_all(card: Card, command: Command, good: Handler) -> bytes:
    """Whatever lies among the data of the application."""
    try:
        return good(card, command)
    except StatusError:
        element = payment_elements().get(f"{tag_of(command):X}")
        value = Application(card).get(tag_of(command))
        if value is None or element is None or element.get != "special":
            raise
        return tlv.build(tag_of(command), value)


@FAULTS.command(
    COMMAND, "gdt.key-readable", "某标签可读出密钥", "A tag of the maker reads a key", ["PAY-GDT-005"], paying
)
def key_readable(card: Card, command: Command, good: Handler) -> bytes:
    """The cryptogram key in a test function that was left in."""
    if tag_of(command) == KEY_TAG:
        return tlv.build(KEY_TAG, Application(card).card_key("payment cryptogram"))
    return good(card, command)


@FAULTS.command(
    COMMAND, "gdt.pin-readable", "某标签可读出 PIN", "A tag of the maker reads the PIN", ["PAY-GDT-005"], paying
)
def pin_readable(card: Card, command: Command, good: Handler) -> bytes:
    """The digits as the memory keeps them."""
    pin = Application(card).pin
    if tag_of(command) == PIN_TAG and pin is not None:
        value = card.memory.cells[pin.cell]
        return tlv.build(PIN_TAG, value if isinstance(value, bytes) else b"")
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "gdt.total-readable",
    "可读出脱机累计金额",
    "The total of offline amounts can be read",
    ["PAY-GDT-005"],
    paying,
)
def total_readable(card: Card, command: Command, good: Handler) -> bytes:
    """Under the tag of another scheme."""
    if tag_of(command) == TOTAL_TAG:
        return tlv.build(TOTAL_TAG, amount(Application(card).counter(Counter.CUMULATIVE_AMOUNT)))
    return good(card, command)


@FAULTS.command(
    COMMAND, "gdt.reading-counts", "读取 ATC 使其加 1", "Reading the counter raises it", ["PAY-GDT-010"], paying
)
def reading_counts(card: Card, command: Command, good: Handler) -> bytes:
    """As if a transaction had begun."""
    answer = good(card, command)
    if tag_of(command) == COUNTER:
        application = Application(card)
        application.put(COUNTER, (application.atc + 1).to_bytes(2, "big"))
        application.commit()
    return answer


@FAULTS.command(
    COMMAND,
    "gdt.blocked-refused",
    "应用锁定后不可取数据",
    "A blocked application gives no data",
    ["PAY-GDT-011"],
    paying,
)
def blocked_refused(card: Card, command: Command, good: Handler) -> bytes:
    """Refused for the state of the application."""
    if Application(card).state == DirectoryState.BLOCKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)
