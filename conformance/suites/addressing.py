"""Addressing 寻址: every way to name a file and a record leads to the same bytes, for reading and for updating.

A file is named by its short identifier or as the current one, selected by FID with P1 00 or 02; a record by its number,
by its tag, or as one of several from a number on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from conformance.bench import GOOD, Bench
from conformance.cases import Case, Kind, Level, Suite
from conformance.dialogue import REFUSED, FilePlace, apdu, file_places, place, satisfy, select_identifier
from conformance.failures import Inconclusive, NotApplicable
from emulator.iso7816 import SW, Response
from emulator.iso7816.status import wrong_le
from profiles.model import File, Profile, Text

SUITE = Suite("addressing", "寻址", "Addressing")

READ_BINARY, READ_RECORD, UPDATE_BINARY, UPDATE_RECORD = 0xB0, 0xB2, 0xD6, 0xDC
GET_RESPONSE = 0xC0
FIRST, LAST, BY_NUMBER, TO_LAST, FROM_LAST = 0, 1, 4, 5, 6
WHOLE = 256
"""Le ``00``."""
CHUNK = 16
LONGEST_RECORD = 254


class Way(NamedTuple):
    """A way to name a record, or the beginning of a transparent file: P1 and P2, perhaps after a SELECT of the file."""

    what: str
    requirement: str
    p1: int
    p2: int
    select: int | None = None
    """P1 of the SELECT that goes before; None for none."""

    def go(self, bench: Bench, file: File, ins: int, data: bytes = b"") -> Response:
        """Send the command that reads or, with data, updates in this way."""
        if self.select is not None:
            _select(bench, file, self.select)
        return bench.send(apdu(0x00, ins, self.p1, self.p2, data, 0 if data else WHOLE))


def _open(bench: Bench, path: str) -> FilePlace:
    found = place(bench, path)
    found.open(bench)
    satisfy(bench, found.file.read)
    return found


def _read_record(bench: Bench, sfi: int, p1: int, mode: int, le: int = WHOLE) -> Response:
    return bench.send(apdu(0x00, 0xB2, p1, sfi << 3 | mode, ne=le))


def _select(bench: Bench, file: File, p1: int) -> None:
    bench.need(bench.send(select_identifier(file.fid, p1)), "选择文件", "SELECT the file")


def _records(bench: Bench, file: File) -> list[bytes]:
    """All records by number and short identifier, up to 6A83."""
    records: list[bytes] = []
    while len(records) < LONGEST_RECORD:
        answer = _read_record(bench, file.short_identifier, len(records) + 1, BY_NUMBER)
        if answer.sw == SW.RECORD_NOT_FOUND:
            return records
        bench.need(answer, "按记录号读取", "READ RECORD by number")
        records.append(answer.data)
    raise Inconclusive("文件没有末尾", "the file has no end")


# Reading records


def _ways(file: File, records: list[bytes], number: int) -> Iterator[Way]:
    """The ways to reach record ``number``; those without a short identifier follow one that makes the file current."""
    sfi = file.short_identifier << 3
    yield Way("SFI", "SSC-SEL-021", number, sfi | BY_NUMBER)
    yield Way("P2 = 04", "SSC-SEL-021", number, BY_NUMBER)
    for select in (0x00, 0x02):
        yield Way(f"SELECT P1 = {select:02X}, P2 = 04", "SSC-SEL-012", number, BY_NUMBER, select)
    tag = records[number - 1][:1]
    if file.structure == "cyclic" or not tag:
        return
    same = [n for n, other in enumerate(records, 1) if other[:1] == tag]
    for mode, place_of, requirement in ((FIRST, 0, "SSC-REC-055"), (LAST, -1, "SSC-REC-056")):
        if number == same[place_of]:
            yield Way(f"{tag.hex().upper()}, SFI, {mode:03b}", requirement, tag[0], sfi | mode)
            yield Way(f"{tag.hex().upper()}, {mode:03b}", requirement, tag[0], mode)


def _read_in_every_way(bench: Bench, path: str) -> None:
    found = _open(bench, path)
    records = _records(bench, found.file)
    if not records:
        raise NotApplicable("循环文件中尚无记录", "the cyclic file has no record yet")
    for number, record in enumerate(records, 1):
        for way in _ways(found.file, records, number):
            answer = way.go(bench, found.file, READ_RECORD)
            bench.check(
                answer == Response(record, SW.SUCCESS),
                f"记录 {number}：{way.what}",
                f"record {number}: {way.what}",
                expected=record + b"\x90\x00",
                received=answer.to_bytes(),
                requirement=way.requirement,
            )
    for number in range(1, len(records) + 1):
        _check_several(bench, found.file, records, number)


def _check_several(bench: Bench, file: File, records: list[bytes], number: int) -> None:
    """All records from one on, by short identifier and in the current file."""
    wanted = b"".join(records[number - 1 :])
    for sfi in (file.short_identifier, 0):
        answer = _read_record(bench, sfi, number, TO_LAST)
        bench.check(
            answer == Response(wanted, SW.SUCCESS),
            f"从记录 {number} 到最后",
            f"records from {number} to the last",
            expected=wanted + b"\x90\x00",
            received=answer.to_bytes(),
            requirement="SSC-REC-057",
        )


def _exact_lengths(bench: Bench, path: str) -> None:
    """The right Le brings the record, any other the right length and nothing else, by number and by tag."""
    found = _open(bench, path)
    sfi = found.file.short_identifier
    for number, record in enumerate(_records(bench, found.file), 1):
        length = len(record)
        if not 1 <= length <= LONGEST_RECORD:
            raise Inconclusive("记录长度不可用", f"record {number} has {length} bytes")
        for le in {1, length - 1, length, length + 1} - {0}:
            answer = bench.transmit(apdu(0x00, 0xB2, number, sfi << 3 | BY_NUMBER, ne=le))
            wanted = Response(record, SW.SUCCESS) if le == length else Response(b"", wrong_le(length))
            bench.check(
                answer == wanted,
                f"记录 {number}（{length} 字节），Le = {le:02X}",
                f"record {number} of {length} bytes, Le = {le:02X}",
                expected=wanted.to_bytes(),
                received=answer.to_bytes(),
                requirement="SSC-REC-059",
            )


# Reading transparent files


def _read_binary_in_every_way(bench: Bench, path: str) -> None:
    """Offsets 0 to 255 are reached by short identifier, all of them in the current file."""
    found = _open(bench, path)
    size = found.file.size or 0
    for p1 in (0x00, 0x02):
        for offset in {0, 1, min(size, 0x100) - 1}:
            length = min(CHUNK, size - offset)
            named = bench.send(apdu(0x00, 0xB0, 0x80 | found.file.short_identifier, offset, ne=length))
            bench.need(named, "按 SFI 读取", "READ BINARY by SFI")
            implied = bench.send(apdu(0x00, 0xB0, 0, offset, ne=length))
            found.open(bench)
            satisfy(bench, found.file.read)
            _select(bench, found.file, p1)
            selected = bench.send(apdu(0x00, 0xB0, 0, offset, ne=length))
            for answer, requirement in ((implied, "SSC-SEL-021"), (selected, "SSC-SEL-012")):
                bench.check(
                    answer == named,
                    f"偏移 {offset:02X}：与按 SFI 所读相同",
                    f"offset {offset:02X}: the same as by SFI",
                    expected=named.to_bytes(),
                    received=answer.to_bytes(),
                    requirement=requirement,
                )


# Updating


def _marked(old: bytes, step: int) -> bytes:
    """The old value with another last byte, a different one for each step."""
    return old[:-1] + bytes([old[-1] ^ step])


def _update_binary_in_every_way(bench: Bench, path: str) -> None:
    """By short identifier, in the file that this made current, and in the file that SELECT made current."""
    found = _open(bench, path)
    satisfy(bench, found.file.update)
    by_identifier = Way("SFI", "SSC-SEL-021", 0x80 | found.file.short_identifier, 0)
    ways = [by_identifier, Way("P1-P2 = 0000", "SSC-SEL-021", 0, 0)]
    ways += [Way(f"SELECT P1 = {p1:02X}", "SSC-SEL-012", 0, 0, p1) for p1 in (0x00, 0x02)]

    def value() -> bytes:
        answer = bench.send(apdu(0x00, READ_BINARY, by_identifier.p1, 0, ne=min(CHUNK, found.file.size or CHUNK)))
        return bench.need(answer, f"读 {path}", f"read {path}").data

    _update(bench, found.file, UPDATE_BINARY, ways, value)


def _update_record_in_every_way(bench: Bench, path: str) -> None:
    """The last record, by number and by tag, by short identifier and in the current file."""
    found = _open(bench, path)
    satisfy(bench, found.file.update)
    records = _records(bench, found.file)
    if not records:
        raise Inconclusive("文件没有记录", "the file has no record")

    def value() -> bytes:
        answer = _read_record(bench, found.file.short_identifier, len(records), BY_NUMBER)
        return bench.need(answer, f"读 {path}", f"read {path}").data

    _update(bench, found.file, UPDATE_RECORD, list(_ways(found.file, records, len(records))), value)


def _update(bench: Bench, file: File, ins: int, ways: list[Way], value: Callable[[], bytes]) -> None:
    """Each way writes another last byte, which reading then finds; the old value is written back in the end."""
    old = value()
    if not 1 <= len(old) <= LONGEST_RECORD:
        raise Inconclusive("数据长度不可用", f"{len(old)} bytes were read")
    try:
        for step, way in enumerate(ways, 1):
            new = old[:-1] + bytes([old[-1] ^ step])
            answer = way.go(bench, file, ins, new)
            bench.expect(answer, GOOD, f"更新：{way.what}", f"update: {way.what}", requirement=way.requirement)
            read = value()
            bench.check(
                read == new,
                f"更新后读取：{way.what}",
                f"read after the update: {way.what}",
                expected=new,
                received=read,
                requirement=way.requirement,
            )
    finally:
        ways[0].go(bench, file, ins, old)


# Without the right


def _refused_in_every_way(bench: Bench, path: str) -> None:
    """What is refused one way is refused every way, gives no data, not even to GET RESPONSE, and changes nothing."""
    found = _open(bench, path)
    before = _contents(bench, found.file)
    bench.reset()
    found.open(bench)
    for way, ins, data in _accesses(found.file, before):
        answer = way.go(bench, found.file, ins, data)
        bench.check(
            answer == Response(b"", REFUSED),
            f"无权限{'更新' if data else '读取'}：{way.what}",
            f"{'update' if data else 'read'} without the right: {way.what}",
            expected="6982",
            received=answer.to_bytes(),
            requirement="SSC-ACC-075",
        )
        waiting = bench.transmit(apdu(0x00, GET_RESPONSE, 0, 0, ne=WHOLE))
        bench.check(
            not waiting.data,
            "随后取响应无数据",
            "GET RESPONSE then gives no data",
            expected="—",
            received=waiting.to_bytes(),
            requirement="SSC-ACC-075",
        )
    bench.reset()
    after = _contents(bench, _open(bench, path).file)
    bench.check(
        after == before,
        "内容不变",
        "the contents are unchanged",
        expected=b"".join(before),
        received=b"".join(after),
        requirement="SSC-ACC-075",
    )


def _contents(bench: Bench, file: File) -> list[bytes]:
    """All records, or what a transparent file begins with."""
    if file.structure != "transparent":
        return _records(bench, file)
    answer = bench.send(apdu(0x00, READ_BINARY, 0x80 | file.short_identifier, 0, ne=min(CHUNK, file.size or CHUNK)))
    return [bench.need(answer, "读取", "READ BINARY").data]


def _accesses(file: File, contents: list[bytes]) -> Iterator[tuple[Way, int, bytes]]:
    """Every way to read a file, and, but for cyclic ones, to update it with what it holds: way, INS and data."""
    writes = not file.update.is_never and file.structure != "cyclic"
    if file.structure == "transparent":
        ways = [Way("SFI", "", 0x80 | file.short_identifier, 0), Way("P1-P2 = 0000", "", 0, 0, 0x02)]
        for way in ways:
            yield way, READ_BINARY, b""
            if writes and contents[0]:
                yield way, UPDATE_BINARY, contents[0]
        return
    for number, record in enumerate(contents, 1):
        for way in _ways(file, contents, number):
            if way.select is None and way.p2 <= 7:
                way = way._replace(select=0x02)
            yield way, READ_RECORD, b""
            if writes and 1 <= len(record) <= LONGEST_RECORD:
                yield way, UPDATE_RECORD, record
    for mode in (TO_LAST, FROM_LAST):
        yield Way(f"{mode:03b}, SFI", "", 1, file.short_identifier << 3 | mode), READ_RECORD, b""
        yield Way(f"{mode:03b}", "", 1, mode, 0x02), READ_RECORD, b""


# Cases for every file


@SUITE.cases_from
def every_file(profile: Profile) -> Iterable[Case]:
    """Reading, lengths and updating for each file that has the right to it; at the quick level one file of a kind is updated."""
    updated: set[tuple[str, str]] = set()
    for found in file_places(profile.directory):
        file, subject = found.file, found.path.replace("/", "-")
        if file.read.is_never:
            continue
        title = Text(zh=f"{found.path} {file.title.zh}", en=f"{found.path}, {file.title.en}")
        transparent = file.structure == "transparent"
        if transparent:
            yield Case(
                f"CMD/{subject}-paths/BV",
                Text(zh=f"{title.zh}：各种寻址读到相同数据", en=f"{title.en}: every way to read gives the same data"),
                ("SSC-SEL-021", "SSC-SEL-012"),
                Kind.VALID,
                Text(zh="按 SFI 与按当前文件读取相同", en="the same by SFI and in the current file"),
                partial(_read_binary_in_every_way, path=found.path),
            )
        else:
            yield Case(
                f"CMD/{subject}-paths/BV",
                Text(zh=f"{title.zh}：各种寻址读到相同数据", en=f"{title.en}: every way to read gives the same data"),
                ("SSC-SEL-012", "SSC-SEL-021", "SSC-REC-055", "SSC-REC-056", "SSC-REC-057"),
                Kind.VALID,
                Text(
                    zh="按记录号、按标识、从某号到最后，SFI 与当前文件，均相同",
                    en="the same by number, by tag, from a number on, by SFI and in the current file",
                ),
                partial(_read_in_every_way, path=found.path),
            )
            yield Case(
                f"CMD/{subject}-lengths/BI",
                Text(zh=f"{title.zh}：记录长度", en=f"{title.en}: lengths of records"),
                ("SSC-REC-059",),
                Kind.INVALID,
                Text(
                    zh="Le 不符时 6Cxx，xx 为记录长度，无数据",
                    en="6Cxx with the length of the record and no data for another Le",
                ),
                partial(_exact_lengths, path=found.path),
            )
        if not file.read.is_free and (file.update.is_never or not file.update.is_free):
            yield Case(
                f"CMD/{subject}-paths-refused/BO",
                Text(
                    zh=f"{title.zh}：无权限时各种寻址均被拒绝", en=f"{title.en}: every way is refused without the right"
                ),
                ("SSC-ACC-075",),
                Kind.INOPPORTUNE,
                Text(zh="6982，无数据，内容不变", en="6982, no data, the contents unchanged"),
                partial(_refused_in_every_way, path=found.path),
            )
        if not file.update.is_never and file.structure != "cyclic":
            kind = found.directory, file.structure
            level = Level.STANDARD if kind in updated else Level.QUICK
            updated.add(kind)
            yield Case(
                f"CMD/{subject}-update-paths/BV",
                Text(
                    zh=f"{title.zh}：各种寻址更新同一数据", en=f"{title.en}: every way to update writes the same data"
                ),
                ("SSC-SEL-021", "SSC-SEL-012", *(() if transparent else ("SSC-REC-055", "SSC-REC-056"))),
                Kind.VALID,
                Text(zh="9000，随后读到所写的数据", en="9000, and the data that were written are read"),
                partial(_update_binary_in_every_way if transparent else _update_record_in_every_way, path=found.path),
                level,
            )
