"""Faults of files and records: structure, addressing, order."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import answered_only, records, with_file
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import octets_in, records_in
from emulator.cos.records import BY_NUMBER, FIRST, LAST, NEXT, PREVIOUS, TO_LAST, addressed_file
from emulator.cos.structure import File, FileStructure, Structure
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import is_wrong_le

FAULTS = FaultSet()
EXTENDED_NAME = 0x4E


def _without(tag: int, found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(record for record in found if record[0] != tag)


def _shortened(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The second record ten bytes shorter, its length byte right."""
    record = found[1]
    return (found[0], record[:1] + bytes([record[1] - 10]) + record[2:-10], *found[2:])


def _inner_length(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The first element inside the second record announces a byte too many."""
    record = found[1]
    return (found[0], record[:3] + bytes([record[3] + 1]) + record[4:], *found[2:])


FAULTS.contents(
    "rec.extended-name-missing",
    "EF06 缺少元素 4E",
    "EF06 lacks element 4E, as on a 1.0 card",
    ["SSC-REC-002", "SSC-REC-061"],
    records("SSSE/EF06", lambda found: _without(EXTENDED_NAME, found)),
)
FAULTS.contents(
    "rec.element-length",
    "元素 21 的长度错误",
    "Element 21 has the wrong length",
    ["SSC-REC-005"],
    records("DF01/EF05", _shortened),
    having("DF01/EF05"),
)
FAULTS.contents(
    "rec.elements-exchanged",
    "两个元素的记录号互换",
    "Two elements stand in each other's place",
    ["SSC-REC-021"],
    records("DF03/EF07", lambda found: (found[1], found[0], *found[2:])),
    having("DF03/EF07"),
)
FAULTS.contents(
    "rec.record-too-many",
    "SSSE 文件多出一条记录",
    "A file of SSSE has a record that its table does not",
    ["SSC-REC-001", "SSC-ISS-014"],
    records("SSSE/EF05", lambda found: (*found, bytes.fromhex("E50131"))),
)
FAULTS.contents(
    "rec.outer-length",
    "记录的长度字节错误",
    "The length byte of a record is wrong",
    ["SSC-REC-052", "SSC-REC-006"],
    records("DF01/EF06", lambda found: (found[0], found[1][:1] + b"\x02" + found[1][2:], *found[2:])),
    having("DF01/EF06"),
)
FAULTS.contents(
    "rec.inner-length",
    "嵌套 TLV 的内层长度错误",
    "A length inside a template is wrong",
    ["SSC-REC-053", "SSC-REC-011"],
    records("DF01/EF15", _inner_length),
    having("DF01/EF15"),
)
FAULTS.contents(
    "rec.tag-60-twice",
    "元素 60 在两个文件中都存在",
    "Element 60 stands in both files that may hold it",
    ["SSC-REC-054"],
    records("DF03/EF05", lambda found: (*found, bytes.fromhex("600420150401"))),
    having("DF02/EF06", "DF03/EF05"),
)
FAULTS.contents(
    "rec.cn-filled-with-zeros",
    "未写入的 cn 元素为 00",
    "cn elements that were not written hold zeros",
    ["SSC-REC-062"],
    records("DF01/EF0A", lambda found: (*found[:-1], found[-1][:2] + bytes(len(found[-1]) - 2))),
    having("DF01/EF0A"),
)
FAULTS.contents(
    "rec.an-filled-with-ff",
    "未写入的 an 元素为 FF",
    "an elements that were not written hold FF",
    ["SSC-REC-063"],
    records("DF03/EF06", lambda found: (found[0][:2] + b"\xff" * (len(found[0]) - 2), *found[1:])),
    having("DF03/EF06"),
)
FAULTS.contents(
    "rec.photo-short",
    "照片文件少一个字节",
    "The photo file is one byte short",
    ["SSC-REC-004"],
    lambda cells: {"file:SSSE/EF08": octets_in(cells["file:SSSE/EF08"])[:0xFFF]},
    having("SSSE/EF08"),
)


def _capacity_less_one(file: File) -> File:
    return dataclasses.replace(file, capacity=file.capacity - 1)


@FAULTS.structure(
    "rec.capacity-short",
    "循环文件少一条记录",
    "A cyclic file keeps one record less",
    ["SSC-REC-015", "SSC-LOG-008"],
    having("DF02/EF07"),
)
def capacity_short(structure: Structure) -> Structure:
    """The employment records number three instead of four."""
    return with_file(structure, "DF02/EF07", _capacity_less_one)


@FAULTS.command(
    "UPDATE RECORD",
    "rec.update-not-stored",
    "更新记录返回 9000 但未写入",
    "UPDATE RECORD answers 9000 and writes nothing",
    ["SSC-ACC-010", "SSC-LIFE-014", "SSC-TEAR-001"],
)
def update_not_stored(card: Card, command: Command, good: Handler) -> bytes:
    """The write stays in a buffer."""
    return answered_only(card, command, good)


@FAULTS.command(
    "UPDATE RECORD",
    "rec.neighbour-damaged",
    "更新记录破坏下一条记录",
    "UPDATE RECORD damages the record behind",
    ["SSC-ACC-010", "SSC-TEAR-001", "SSC-LIFE-014"],
)
def neighbour_damaged(card: Card, command: Command, good: Handler) -> bytes:
    """Two bytes too many are written."""
    answer = good(card, command)
    file = addressed_file(card, command.p2 >> 3)
    stored = card.memory.cells[file.cell]
    if command.p2 & 7 == BY_NUMBER and isinstance(stored, tuple) and 1 <= command.p1 < len(stored):
        behind = stored[command.p1]
        damaged = behind[:2] + bytes(min(2, len(behind) - 2)) + behind[4:]
        card.memory.commit({file.cell: (*stored[: command.p1], damaged, *stored[command.p1 + 1 :])})
    return answer


@FAULTS.command(
    "UPDATE BINARY",
    "rec.offset-ignored",
    "更新二进制忽略偏移",
    "UPDATE BINARY writes to the beginning whatever the offset",
    ["SSC-TEAR-002", "SSC-ACC-008", "SSC-ACC-024"],
)
def offset_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """The low byte of the offset is not looked at."""
    return good(card, command._replace(p2=0))


@FAULTS.command(
    "UPDATE RECORD",
    "rec.newest-overwritten",
    "循环追加覆盖最新记录",
    "An append overwrites the newest record",
    ["SSC-REC-015", "SSC-REC-018", "SSC-REC-030", "SSC-LOG-008", "SSC-LOG-009"],
)
def newest_overwritten(card: Card, command: Command, good: Handler) -> bytes:
    """The pointer to the newest record is not moved."""
    file, before = _cyclic(card, command)
    answer = good(card, command)
    if file is not None and before:
        stored = records_in(card.memory.cells[file.cell])
        card.memory.commit({file.cell: (stored[0], *before[1:])})
    return answer


@FAULTS.command(
    "UPDATE RECORD",
    "rec.oldest-first",
    "循环文件按最旧在前编号",
    "An append makes the new record the last one",
    ["SSC-REC-015", "SSC-REC-018", "SSC-REC-030", "SSC-LOG-008", "SSC-LOG-009"],
)
def oldest_first(card: Card, command: Command, good: Handler) -> bytes:
    """Records are numbered from the oldest."""
    file, before = _cyclic(card, command)
    answer = good(card, command)
    if file is not None:
        stored = records_in(card.memory.cells[file.cell])
        card.memory.commit({file.cell: (*before, stored[0])[-file.capacity :]})
    return answer


def _cyclic(card: Card, command: Command) -> tuple[File | None, tuple[bytes, ...]]:
    """The cyclic file that an update means, and its records."""
    sfi = command.p2 >> 3
    file = card.session.node.files_by_sfi.get(sfi) if sfi else card.session.file
    stored = card.memory.cells[file.cell] if file is not None else None
    if file is None or file.structure is not FileStructure.CYCLIC or not isinstance(stored, tuple):
        return None, ()
    return file, stored


@FAULTS.command(
    "READ RECORD",
    "rec.wrong-le-tolerated",
    "Le 不符时仍返回数据",
    "READ RECORD with a wrong Le answers data, not 6Cxx",
    ["SSC-REC-059"],
)
def wrong_le_tolerated(card: Card, command: Command, good: Handler) -> bytes:
    """The record is cut to Le."""
    try:
        return good(card, command)
    except StatusError as refused:
        if not is_wrong_le(refused.sw):
            raise
    return good(card, command._replace(ne=256))[: command.ne]


@FAULTS.command(
    "READ RECORD",
    "rec.wrong-length-told",
    "6Cxx 提示的长度错误",
    "6Cxx tells the length of the value, without tag and length",
    ["SSC-REC-059"],
)
def wrong_length_told(card: Card, command: Command, good: Handler) -> bytes:
    """6Cxx forgets the two bytes of tag and length."""
    try:
        return good(card, command)
    except StatusError as refused:
        raise StatusError(refused.sw - 2 if is_wrong_le(refused.sw) else refused.sw) from None


@FAULTS.command(
    "READ RECORD",
    "rec.beyond-end",
    "记录号越界返回最后一条",
    "A record number beyond the end reads the last record",
    ["SSC-REC-058", "SSC-REC-001"],
)
def beyond_end(card: Card, command: Command, good: Handler) -> bytes:
    """The number is cut to the number of records."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.RECORD_NOT_FOUND or command.p2 & 7 != BY_NUMBER:
            raise
    return good(card, command._replace(p1=0, p2=command.p2 & 0xF8 | LAST))


@FAULTS.command(
    "READ RECORD",
    "rec.tag-taken-for-number",
    "按标识读取被当作记录号",
    "A tag in P1 is taken for a record number",
    ["SSC-REC-055", "SSC-REC-056"],
)
def tag_taken_for_number(card: Card, command: Command, good: Handler) -> bytes:
    """The low bits of P2 are not looked at."""
    if command.p2 & 7 in (FIRST, LAST, NEXT, PREVIOUS):
        command = command._replace(p2=command.p2 & 0xF8 | BY_NUMBER)
    return good(card, command)


@FAULTS.command(
    "READ RECORD",
    "rec.next-is-first",
    "读下一条总返回第一条",
    "The next occurrence of a tag is always the first",
    ["SSC-REC-056"],
)
def next_is_first(card: Card, command: Command, good: Handler) -> bytes:
    """The record pointer is not used."""
    if command.p2 & 7 == NEXT:
        command = command._replace(p2=command.p2 & 0xF8 | FIRST)
    return good(card, command)


@FAULTS.command(
    "READ RECORD",
    "rec.all-records-cut",
    "读取多条记录时只返回第一条",
    "Reading from P1 to the last gives one record",
    ["SSC-REC-057"],
)
def all_records_cut(card: Card, command: Command, good: Handler) -> bytes:
    """Mode 5 is taken for mode 4."""
    if command.p2 & 7 == TO_LAST:
        command = command._replace(p2=command.p2 & 0xF8 | BY_NUMBER, ne=256)
    return good(card, command)


@FAULTS.command(
    "READ BINARY",
    "rec.binary-of-records",
    "READ BINARY 可读记录文件",
    "READ BINARY reads a file of records",
    ["SSC-REC-060"],
)
def binary_of_records(card: Card, command: Command, good: Handler) -> bytes:
    """Records are handed out as they lie in memory."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.INCOMPATIBLE_WITH_FILE_STRUCTURE:
            raise
    file = addressed_file(card, command.p1 & 0x1F if command.p1 & 0x80 else 0)
    card.session.require(file.read)
    stored = records_in(card.memory.cells[file.cell])
    return b"".join(stored)[: command.ne or 256]


@FAULTS.command(
    "READ RECORD",
    "rec.records-of-binary",
    "READ RECORD 可读二进制文件",
    "READ RECORD reads a transparent file",
    ["SSC-REC-060", "SSC-REC-004", "SSC-REC-012"],
)
def records_of_binary(card: Card, command: Command, good: Handler) -> bytes:
    """The file is taken for one record."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.INCOMPATIBLE_WITH_FILE_STRUCTURE:
            raise
    file = addressed_file(card, command.p2 >> 3)
    card.session.require(file.read)
    return octets_in(card.memory.cells[file.cell])[: command.ne or 256]


@FAULTS.structure(
    "rec.amounts-readable",
    "医疗保险金额文件可选可读",
    "The medical amounts file can be selected and read",
    ["SSC-REC-066"],
    having("DF04/TF"),
)
def amounts_readable(structure: Structure) -> Structure:
    """The file of sums is an ordinary transparent file."""
    return with_file(
        structure,
        "DF04/TF",
        lambda file: dataclasses.replace(file, structure=FileStructure.TRANSPARENT, read=((0, 0),)),
    )
