"""The ways in which commands reach a file: by short file identifier, as the current file, by number, by tag, by offset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.bench import Bench
from conformance.dialogue import apdu, select_identifier
from conformance.suites.standard.files import StandardFile
from conformance.suites.standard.visit import (
    BY_NUMBER,
    CHILD_FILE,
    FIRST_WITH_TAG,
    FROM_LAST,
    LAST_WITH_TAG,
    NEXT_WITH_TAG,
    PREVIOUS_WITH_TAG,
    TO_LAST,
    p2_of,
)
from emulator.iso7816 import SW, Response
from profiles.model import Text

BY_IDENTIFIER = 0x00
READ_RECORD, UPDATE_RECORD, APPEND_RECORD, READ_BINARY, UPDATE_BINARY = 0xB2, 0xDC, 0xE2, 0xB0, 0xD6


@dataclass(frozen=True, slots=True)
class Path:
    """One way to read or update a file of the current directory."""

    title: Text
    command: bytes
    select: bytes | None = None
    """SELECT of the file before, where the command means the current file."""
    usual: bool = True
    """Whether every card must know it; another answer than the usual refusal is then no excuse."""
    border: bool = False
    """Whether it means the last byte of a transparent file rather than the first."""

    def walk(self, bench: Bench) -> Response:
        """Send the commands; where the file cannot even be selected, that refusal is the answer."""
        if self.select is not None:
            selected = bench.send(self.select)
            if selected.sw == SW.SECURITY_STATUS_NOT_SATISFIED:
                return Response(b"", selected.sw)
        return bench.send(self.command)


def read_paths(file: StandardFile) -> Iterator[Path]:
    """Every way to read a file: all its records, and each form of addressing once."""
    if file.structure == "transparent":
        yield from _binary(file, READ_BINARY, b"")
        return
    plain = [element for element in file.records if not element.either and element.tag not in file.read.stricter_tags]
    for number in range(1, max(len(plain), 1) + 1):
        title = Text(zh=f"短文件标识，记录号 {number}", en=f"short file identifier, record {number}")
        yield _by_sfi(file, READ_RECORD, number, BY_NUMBER, title)
    yield from _current(file, READ_RECORD, 1, BY_NUMBER, Text(zh="当前文件，记录号 1", en="current file, record 1"))
    modes = [(1, TO_LAST), (1, FROM_LAST)]
    if plain:
        tag = plain[-1].tag
        title = Text(zh=f"短文件标识，标识 {tag:02X}", en=f"short file identifier, tag {tag:02X}")
        yield _by_sfi(file, READ_RECORD, tag, FIRST_WITH_TAG, title)
        title = Text(zh=f"当前文件，标识 {tag:02X}", en=f"current file, tag {tag:02X}")
        yield from _current(file, READ_RECORD, tag, FIRST_WITH_TAG, title)
        modes += [(tag, mode) for mode in (LAST_WITH_TAG, NEXT_WITH_TAG, PREVIOUS_WITH_TAG)]
    for p1, mode in modes:
        yield _by_sfi(file, READ_RECORD, p1, mode, _low_bits(mode), usual=False)


def update_paths(file: StandardFile, number: int, record: bytes) -> Iterator[Path]:
    """Every way to write ``record`` in place of record ``number``, as a new cyclic record, or as bytes of a file."""
    if file.structure == "transparent":
        yield from _binary(file, UPDATE_BINARY, record)
    elif file.structure == "cyclic":
        title = Text(zh="追加（P1=00，上一条）", en="append with P1 00, previous")
        yield _by_sfi(file, UPDATE_RECORD, 0, PREVIOUS_WITH_TAG, title, record, usual=False)
        yield from _current(file, UPDATE_RECORD, 0, PREVIOUS_WITH_TAG, title, record, usual=False)
        title = Text(zh="追加（记录号 01）", en="append with record number 01")
        yield _by_sfi(file, UPDATE_RECORD, 1, BY_NUMBER, title, record, usual=False)
    else:
        title = Text(zh=f"短文件标识，记录号 {number}", en=f"short file identifier, record {number}")
        yield _by_sfi(file, UPDATE_RECORD, number, BY_NUMBER, title, record)
        title = Text(zh=f"当前文件，记录号 {number}", en=f"current file, record {number}")
        yield from _current(file, UPDATE_RECORD, number, BY_NUMBER, title, record)
        tag = record[0]
        title = Text(zh=f"短文件标识，标识 {tag:02X}", en=f"short file identifier, tag {tag:02X}")
        yield _by_sfi(file, UPDATE_RECORD, tag, FIRST_WITH_TAG, title, record)
        title = Text(zh=f"当前文件，标识 {tag:02X}", en=f"current file, tag {tag:02X}")
        yield from _current(file, UPDATE_RECORD, tag, FIRST_WITH_TAG, title, record)
        for mode in (LAST_WITH_TAG, NEXT_WITH_TAG, PREVIOUS_WITH_TAG):
            yield _by_sfi(file, UPDATE_RECORD, tag, mode, _low_bits(mode), record, usual=False)
    if file.structure != "transparent":
        append = apdu(0x00, APPEND_RECORD, 0, file.short_identifier << 3, record)
        yield Path(Text(zh="APPEND RECORD", en="APPEND RECORD"), append, usual=False)
        binary = apdu(0x00, UPDATE_BINARY, 0x80 | file.short_identifier, 2, record[-1:])
        yield Path(Text(zh="UPDATE BINARY", en="UPDATE BINARY"), binary, usual=False)


def _low_bits(mode: int) -> Text:
    return Text(zh=f"短文件标识，P2 低三位 {mode:03b}", en=f"short file identifier, P2 low bits {mode:03b}")


def _by_sfi(
    file: StandardFile, ins: int, p1: int, mode: int, title: Text, data: bytes = b"", *, usual: bool = True
) -> Path:
    ne = 256 if ins == READ_RECORD else 0
    return Path(title, apdu(0x00, ins, p1, p2_of(file, mode), data, ne), usual=usual)


def _current(
    file: StandardFile, ins: int, p1: int, p2: int, title: Text, data: bytes = b"", ne: int = 256, *, usual: bool = True
) -> Iterator[Path]:
    """The current file, selected in both ways; ``ne`` counts only where there are no data to send."""
    command = apdu(0x00, ins, p1, p2, data, 0 if data else ne)
    for how in (CHILD_FILE, BY_IDENTIFIER):
        by = Text(zh=f"{title.zh}（SELECT P1={how:02X}）", en=f"{title.en}, SELECT P1 {how:02X}")
        yield Path(by, command, select_identifier(file.fid, how), usual)


def _binary(file: StandardFile, ins: int, data: bytes) -> Iterator[Path]:
    """The first bytes by short file identifier and of the current file, and the last byte."""
    title = Text(zh="短文件标识，偏移 0", en="short file identifier, offset 0")
    yield Path(title, apdu(0x00, ins, 0x80 | file.short_identifier, 0, data, 0 if data else 16))
    yield from _current(file, ins, 0, 0, Text(zh="当前文件，偏移 0", en="current file, offset 0"), data, 16)
    last = file.size - 1
    title = Text(zh=f"当前文件，偏移 {last}", en=f"current file, offset {last}")
    for path in _current(file, ins, last >> 8, last & 0xFF, title, data[:1], 1):
        yield replace(path, border=True)
