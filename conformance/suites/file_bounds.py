"""Bounds of files: offsets and lengths of READ BINARY, lengths and tags of UPDATE RECORD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Case, Kind, Level, Suite
from conformance.dialogue import FilePlace, apdu, file_places, place, read_record, satisfy, select_identifier
from conformance.failures import Inconclusive, NotApplicable
from conformance.properties import for_all
from conformance.suites.selection import CHILD_FILE
from emulator.iso7816 import SW, Response
from emulator.iso7816.status import wrong_le
from profiles.model import File, Profile, Text

SUITE = Suite("bounds of files", "文件边界", "Bounds of files")

LARGEST_OFFSET = 0x7FFF
LONGEST_RECORD = 254
"""Bytes of a record that a short command can still carry with one byte more."""
WHOLE = 256
"""Le ``00``: as much as there is."""
TAG_REFUSED = Expectation((SW.WRONG_DATA, SW.LC_INCONSISTENT_WITH_TLV))
SHAPE_REFUSED = Expectation((SW.WRONG_DATA, SW.LC_INCONSISTENT_WITH_TLV, SW.WRONG_LENGTH))


# READ BINARY


def _opened(bench: Bench, path: str) -> int:
    """Make a transparent file current with the right to read it; its size."""
    found = place(bench, path)
    found.open(bench)
    satisfy(bench, found.file.read)
    bench.need(bench.send(select_identifier(found.file.fid, CHILD_FILE)), f"选择 {path}", f"SELECT {path}")
    return found.file.size or 0


def _read(bench: Bench, offset: int, length: int) -> Response:
    """READ BINARY of the current file, exactly as it is."""
    return bench.transmit(apdu(0x00, 0xB0, offset >> 8, offset & 0xFF, ne=length))


def _offsets(bench: Bench, path: str) -> None:
    """The last byte is there; what lies behind it is not."""
    size = _opened(bench, path)
    answer = bench.expect(_read(bench, size - 1, 1), GOOD, "最后一个字节", "the last byte", requirement="SSC-CMD-005")
    bench.check(
        len(answer.data) == 1, "一个字节", "one byte", expected=1, received=len(answer.data), requirement="SSC-CMD-005"
    )
    for offset in sorted({size, size + 1, LARGEST_OFFSET}):
        if offset >= size:
            for length in (1, WHOLE):
                answer = _read(bench, offset, length)
                bench.expect(
                    answer,
                    SW.WRONG_P1_P2,
                    f"偏移 {offset:04X}，文件大小 {size:04X}",
                    f"offset {offset:04X} of a file of {size:04X} bytes",
                    requirement="SSC-CMD-005",
                )


def _lengths(bench: Bench, path: str) -> None:
    """More than is left is refused with the number of bytes left, and that many then come."""
    size = _opened(bench, path)
    for left in (1, 2, 16, 0x80, 0xFE):
        if left > size:
            continue
        for length in {left + 1, 0xFF} - {left}:
            bench.expect(
                _read(bench, size - left, length),
                wrong_le(left),
                f"末尾余 {left} 字节，Le = {length:02X}",
                f"Le = {length:02X} with {left} bytes left",
                requirement="SSC-CMD-006",
            )
        answer = _read(bench, size - left, left)
        bench.check(
            answer.sw == SW.SUCCESS and len(answer.data) == left,
            f"Le = {left:02X}",
            f"Le = {left:02X}",
            expected=f"{left} × XX, 9000",
            received=f"{len(answer.data)} × XX, {answer.sw:04X}",
            requirement="SSC-CMD-006",
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a transparent file; a length of 256 asks for all up to the end."""

    path: str
    offset: int
    length: int


def pieces(profile: Profile) -> st.SearchStrategy[Piece]:
    """Any offset and length, often near the end of the file."""

    def of_file(found: FilePlace) -> st.SearchStrategy[Piece]:
        size = found.file.size or 0
        near = st.integers(max(0, size - 260), min(size + 4, LARGEST_OFFSET))
        offsets = st.one_of(near, st.integers(0, size), st.integers(0, LARGEST_OFFSET))
        return st.builds(Piece, st.just(found.path), offsets, st.integers(1, WHOLE))

    return st.one_of([of_file(found) for found in _transparent_files(profile)])


def _transparent_files(profile: Profile) -> list[FilePlace]:
    return [
        found
        for found in file_places(profile.directory)
        if found.file.structure == "transparent" and not found.file.read.is_never
    ]


def _check_piece(bench: Bench, piece: Piece) -> None:
    """Predict the answer from the size alone, and the bytes from reading them in two halves."""
    size = _opened(bench, piece.path)
    answer = _read(bench, piece.offset, piece.length)
    left = size - piece.offset
    if left <= 0:
        bench.expect(answer, SW.WRONG_P1_P2, "偏移超出文件", "offset outside the file", requirement="SSC-CMD-005")
        return
    if left < piece.length < WHOLE:
        bench.expect(answer, wrong_le(left), "Le 超出末尾", "Le beyond the end", requirement="SSC-CMD-006")
        return
    wanted = min(left, piece.length)
    half = (wanted + 1) // 2
    parts = _read(bench, piece.offset, half).data
    if wanted > half:
        parts += _read(bench, piece.offset + half, wanted - half).data
    bench.check(
        answer.sw == SW.SUCCESS and len(answer.data) == wanted and answer.data == parts,
        "与分两次所读相同",
        "the same as read in two halves",
        expected=parts + b"\x90\x00",
        received=answer.to_bytes(),
        requirement="SSC-CMD-006",
    )


@SUITE.case(
    "CMD/read-binary-pieces/BV",
    "READ BINARY 的任意偏移与长度",
    "READ BINARY with any offset and length",
    requirements=["SSC-CMD-005", "SSC-CMD-006"],
    kind=Kind.VALID,
    expected=(
        "文件内的数据；偏移超出 6B00；Le 超出 6Cxx",
        "the bytes of the file; 6B00 for an offset outside; 6Cxx for an Le beyond the end",
    ),
)
def any_piece(bench: Bench) -> None:
    """Generated offsets and lengths over all transparent files."""
    if not _transparent_files(bench.profile):
        raise NotApplicable("没有透明文件", "the declared card has no transparent file")
    for_all(bench, pieces(bench.profile), lambda piece: _check_piece(bench, piece))


# UPDATE RECORD


def _first_record(bench: Bench, found: FilePlace) -> bytes:
    return bench.need(read_record(bench, found.file, 1), f"读 {found.path}", f"read {found.path}").data


def _opened_for_update(bench: Bench, path: str) -> tuple[FilePlace, bytes]:
    """A record file with the rights to read and to update it, and its first record."""
    found = place(bench, path)
    found.open(bench)
    satisfy(bench, found.file.read)
    satisfy(bench, found.file.update)
    record = _first_record(bench, found)
    if not 3 <= len(record) <= LONGEST_RECORD or record[1] != len(record) - 2:
        raise Inconclusive("首条记录不是 TLV", "the first record is no TLV")
    return found, record


def _update(bench: Bench, file: File, data: bytes, tag: int | None = None) -> Response:
    """UPDATE RECORD 1, or the first record with a tag."""
    sfi = file.short_identifier << 3
    p1, p2 = (1, sfi | 4) if tag is None else (tag, sfi)
    return bench.transmit(apdu(0x00, 0xDC, p1, p2, data))


def _check_unchanged(bench: Bench, found: FilePlace, record: bytes, requirement: str) -> None:
    """The first record is what it was; one that isn't is written back before the case fails."""
    after = _first_record(bench, found)
    if after != record:
        _update(bench, found.file, record)
    bench.check(
        after == record,
        "记录不变",
        "the record is unchanged",
        expected=record,
        received=after,
        requirement=requirement,
    )


def _update_length(bench: Bench, path: str) -> None:
    """One byte fewer, one more, and a shorter record that is consistent in itself."""
    found, record = _opened_for_update(bench, path)
    declared = int(bench.profile.settings.update_length_answer, 16)
    expected = Expectation(tuple(dict.fromkeys((declared, SW.WRONG_LENGTH, SW.WRONG_DATA))))
    shorter = bytes([record[0], record[1] - 1]) + record[2:-1]
    for what, data in (("− 1", record[:-1]), ("+ 1", record + record[-1:]), ("TLV − 1", shorter)):
        answer = _update(bench, found.file, data)
        bench.expect(
            answer,
            expected,
            f"长度 {what}（声明：{declared:04X}）",
            f"length {what} (declared: {declared:04X})",
            requirement="SSC-CMD-007",
            go_on=True,
        )
        _check_unchanged(bench, found, record, "SSC-CMD-007")


def _update_shape(bench: Bench, path: str) -> None:
    """Another tag, or another inner length in as many bytes, addressed by number and by tag."""
    found, record = _opened_for_update(bench, path)
    tag = record[0]
    others = [other for other in (tag ^ 0x01, tag ^ 0x80, 0x00) if other != tag]
    trials = [(bytes([other]) + record[1:], TAG_REFUSED) for other in others]
    trials += [(record[:1] + bytes([length]) + record[2:], SHAPE_REFUSED) for length in (record[1] - 1, record[1] + 1)]
    for data, expected in trials:
        for addressed in (None, tag):
            bench.expect(
                _update(bench, found.file, data, addressed),
                expected,
                f"以 {data[:2].hex().upper()}… 更新标识 {tag:02X} 的记录",
                f"update of record {tag:02X} with {data[:2].hex().upper()}…",
                requirement="SSC-CMD-008",
                go_on=True,
            )
            _check_unchanged(bench, found, record, "SSC-CMD-008")


# Cases for every file


@SUITE.cases_from
def every_transparent_file(profile: Profile) -> Iterable[Case]:
    """Two cases for each transparent file."""
    for found in _transparent_files(profile):
        subject, title = found.path.replace("/", "-"), found.file.title
        yield Case(
            f"CMD/{subject}-offset/BI",
            Text(zh=f"{found.path} {title.zh}：偏移超出文件", en=f"{found.path}, {title.en}: offset beyond the end"),
            ("SSC-CMD-005",),
            Kind.INVALID,
            Text(zh="最后一个字节可读；更大的偏移 6B00", en="the last byte can be read; greater offsets give 6B00"),
            partial(_offsets, path=found.path),
        )
        yield Case(
            f"CMD/{subject}-Le/BI",
            Text(zh=f"{found.path} {title.zh}：Le 超出末尾", en=f"{found.path}, {title.en}: Le beyond the end"),
            ("SSC-CMD-006",),
            Kind.INVALID,
            Text(zh="6Cxx，xx 为余下的字节数", en="6Cxx, xx being the number of bytes left"),
            partial(_lengths, path=found.path),
        )


@SUITE.cases_from
def every_updatable_file(profile: Profile) -> Iterable[Case]:
    """Two cases for each file of TLV records; at the quick level one file of each directory."""
    seen: set[str] = set()
    for found in file_places(profile.directory):
        if found.file.structure not in ("variable", "fixed") or found.file.update.is_never or found.file.read.is_never:
            continue
        level = Level.STANDARD if found.directory in seen else Level.QUICK
        seen.add(found.directory)
        subject, title = found.path.replace("/", "-"), found.file.title
        yield Case(
            f"CMD/{subject}-update-length/BI",
            Text(zh=f"{found.path} {title.zh}：更新长度不符", en=f"{found.path}, {title.en}: length of an update"),
            ("SSC-CMD-007",),
            Kind.INVALID,
            Text(
                zh="6700 或 6A80（或声明的状态字），记录不变", en="6700 or 6A80 or as declared, the record is unchanged"
            ),
            partial(_update_length, path=found.path),
            level,
        )
        yield Case(
            f"CMD/{subject}-update-tag/BI",
            Text(zh=f"{found.path} {title.zh}：更新标识不符", en=f"{found.path}, {title.en}: wrong tag in an update"),
            ("SSC-CMD-008",),
            Kind.INVALID,
            Text(zh="6A80 或 6A85，记录不变", en="6A80 or 6A85, the record is unchanged"),
            partial(_update_shape, path=found.path),
            level,
        )
