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
from conformance.dialogue import FilePlace, apdu, file_places, place, satisfy, select_identifier
from conformance.failures import Inconclusive, NotApplicable
from emulator.iso7816 import SW, Response
from profiles.model import File, Profile, Text

SUITE = Suite("addressing", "寻址", "Addressing")

READ_BINARY, READ_RECORD, UPDATE_BINARY, UPDATE_RECORD = 0xB0, 0xB2, 0xD6, 0xDC
FIRST, LAST, BY_NUMBER, TO_LAST = 0, 1, 4, 5
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
        if not answer.data:
            raise Inconclusive("读取成功但无数据", "a read succeeded and gave no data")
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
    """All records from one on, by short identifier and in the current file; more than 256 bytes come under T=0 only."""
    wanted = b"".join(records[number - 1 :])
    if len(wanted) > WHOLE and bench.target.description.protocol != "T=0":
        return
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
            if len(named.data) != length:
                raise Inconclusive("数据长度不符", f"READ BINARY gave {len(named.data)} bytes instead of {length}")
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


# Cases for every file


@SUITE.cases_from
def every_file(profile: Profile) -> Iterable[Case]:
    """Reading and updating for each file that has the right to it; at the quick level one file of a kind is updated."""
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
