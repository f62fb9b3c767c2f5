"""Faults of READ RECORD 读记录 and of what the records hold."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.payment.application_selection import rewritten
from emulator.apps.payment.application import Application
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import DirectoryState
from emulator.iso7816 import SW, Command, StatusError, tlv

FAULTS = FaultSet(frozenset({"debit"}))
COMMAND = "READ RECORD"
TEMPLATE, LAST_TEMPLATE_FILE = 0x70, 10
TRACK_2, VERSION, BALANCE, NAME_EXTENSION = 0x57, 0x9F08, 0x9F79, 0x9F0B
FIRST, UNSIGNED = (1, 1), (3, 2)
"""Short identifier and number of records."""
FIRST_FILE = 0x0C

Objects = Callable[[list[tlv.Tlv]], list[tlv.Tlv]]


def _place(command: Command) -> tuple[int, int]:
    return command.p2 >> 3, command.p1


def _otherwise(place: tuple[int, int], change: Objects) -> Deviation:
    """READ RECORD that shows other objects in one record."""

    def read(card: Card, command: Command, good: Handler) -> bytes:
        record = good(card, command)
        if _place(command) != place:
            return record
        objects = change(list(tlv.parse(record)[0].children))
        return tlv.build(TEMPLATE, *(each.to_bytes() for each in objects))

    return read


def _with(tag: int, value: bytes) -> Objects:
    return lambda objects: [*objects, tlv.Tlv(tag, value)]


@FAULTS.command(
    COMMAND, "rdr.trailing-byte", "记录模板后多一字节", "A byte follows the template", ["PAY-RDR-001"], paying
)
def trailing_byte(card: Card, command: Command, good: Handler) -> bytes:
    """The padding of the file."""
    answer = good(card, command)
    return answer + b"\0" if _place(command)[0] <= LAST_TEMPLATE_FILE else answer


@FAULTS.command(
    COMMAND,
    "rdr.missing-record-otherwise",
    "记录不存在时返回 6A82",
    "A missing record is answered 6A82",
    ["PAY-RDR-002"],
    paying,
)
def missing_record_otherwise(card: Card, command: Command, good: Handler) -> bytes:
    """The word for files."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.RECORD_NOT_FOUND:
            raise StatusError(SW.FILE_NOT_FOUND) from None
        raise


@FAULTS.command(
    COMMAND,
    "rdr.missing-file-otherwise",
    "文件不存在时返回 6A83",
    "A missing file is answered 6A83",
    ["PAY-RDR-004"],
    paying,
)
def missing_file_otherwise(card: Card, command: Command, good: Handler) -> bytes:
    """The word for records."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.FILE_NOT_FOUND:
            raise StatusError(SW.RECORD_NOT_FOUND) from None
        raise


@FAULTS.command(
    COMMAND,
    "rdr.zero-is-first",
    "记录号 0 读出首记录",
    "Record number 0 reads the first record",
    ["PAY-RDR-003"],
    paying,
)
def zero_is_first(card: Card, command: Command, good: Handler) -> bytes:
    """As the current record of other cards."""
    first = command.p1 == 0 and _place(command)[0] <= LAST_TEMPLATE_FILE
    return good(card, command._replace(p1=1) if first else command)


@FAULTS.command(
    COMMAND, "rdr.version-missing", "记录中没有应用版本号", "No record has the version 9F08", ["PAY-RDR-005"], paying
)
def version_missing(card: Card, command: Command, good: Handler) -> bytes:
    """Left out wherever it stands."""
    answer = good(card, command)
    if _place(command)[0] > LAST_TEMPLATE_FILE:
        return answer
    return rewritten(answer, lambda tag, value: None if tag == VERSION else value)


@FAULTS.command(
    COMMAND,
    "rdr.track-elsewhere",
    "磁条 2 等效数据不在首文件",
    "The track 2 data stand in another file",
    ["PAY-RDR-006"],
    paying,
)
def track_elsewhere(card: Card, command: Command, good: Handler) -> bytes:
    """Moved to a record that every AFL lists."""
    record = good(card, command)
    if _place(command) not in (FIRST, UNSIGNED):
        return record
    first = tlv.parse(good(card, command._replace(p1=1, p2=FIRST_FILE)))[0].children
    track = [each for each in first if each.tag == TRACK_2]
    objects = [each for each in tlv.parse(record)[0].children if each.tag != TRACK_2]
    shown = objects + (track if _place(command) == UNSIGNED else [])
    return tlv.build(TEMPLATE, *(each.to_bytes() for each in shown))


@FAULTS.command(
    COMMAND,
    "rdr.blocked-unreadable",
    "应用锁定后记录不可读",
    "The records of a blocked application cannot be read",
    ["PAY-RDR-009"],
    paying,
)
def blocked_unreadable(card: Card, command: Command, good: Handler) -> bytes:
    """Refused with the word of SELECT."""
    if Application(card).state == DirectoryState.BLOCKED:
        raise StatusError(SW.SELECTED_FILE_DEACTIVATED)
    return good(card, command)


for _name, _zh, _en, _requirement, _change in (
    (
        "rdr.tag-twice",
        "记录中标签重复",
        "A record has a tag twice",
        "PAY-RDR-007",
        lambda objects: [*objects, objects[-1]],
    ),
    (
        "rdr.balance-shown",
        "记录中有电子现金余额",
        "A record has the e-cash balance",
        "PAY-RDR-008",
        _with(BALANCE, bytes(6)),
    ),
    (
        "rdr.both-names",
        "姓名与姓名扩展同时存在",
        "Name and name extension are both there",
        "PAY-RDR-011",
        _with(NAME_EXTENSION, b"A" * 27),
    ),
):
    FAULTS.command(COMMAND, _name, _zh, _en, [_requirement], paying)(_otherwise(FIRST, _change))


@FAULTS.command(
    COMMAND,
    "rdr.track-expires-otherwise",
    "磁条 2 失效日期与 5F24 不同",
    "The track 2 data expire in another year",
    ["PAY-RDR-010"],
    paying,
)
def track_expires_otherwise(card: Card, command: Command, good: Handler) -> bytes:
    """The first digit after the separator is another."""

    def change(tag: int, value: bytes) -> bytes:
        account, separator, rest = value.hex().partition("d")
        return bytes.fromhex(account + separator + "9" + rest[1:]) if tag == TRACK_2 else value

    answer = good(card, command)
    return rewritten(answer, change) if _place(command) == FIRST else answer
