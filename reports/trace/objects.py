"""Data objects as they lie in bytes that may be cut off, malformed or partly unknown.

`emulator.iso7816.tlv` refuses what is malformed; a trace has to show as much of it as can be read.
"""

from __future__ import annotations

from typing import NamedTuple

from reports.trace.octets import Octets

_MAX_TAG_SIZE = 4
_MAX_LENGTH_SIZE = 4


class Found(NamedTuple):
    """A data object: its tag, where it begins, where its value lies."""

    tag: int
    tag_size: int
    start: int
    value_start: int
    stop: int
    missing: int
    """Bytes that the length announces and that are not there."""

    @property
    def tag_text(self) -> str:
        """The tag in hexadecimal."""
        return f"{self.tag:0{2 * self.tag_size}X}"

    @property
    def constructed(self) -> bool:
        """Whether a BER tag says that the value holds data objects."""
        return bool(self.tag >> 8 * (self.tag_size - 1) & 0x20)


def simple(data: Octets) -> tuple[list[Found], int]:
    """SIMPLE-TLV objects from the beginning, and the offset of the first byte that belongs to none."""
    found: list[Found] = []
    position = 0
    while position < len(data):
        tag, length_start = data.value[position], position + 1
        if tag in (0x00, 0xFF) or position in data.unknown:
            break
        size = _number(data, length_start, 1)
        value_start = length_start + 1
        if size == 0xFF:
            size, value_start = _number(data, length_start + 1, 2), length_start + 3
        if size is None:
            break
        position = _append(found, data, (tag, 1, position, value_start), size)
    return found, position


def ber(data: Octets) -> tuple[list[Found], int]:
    """BER-TLV objects from the beginning, and the offset of the first byte that belongs to none; skips padding 00 and FF."""
    found: list[Found] = []
    position = 0
    while position < len(data):
        if data.value[position] in (0x00, 0xFF) and position not in data.unknown:
            position += 1
            continue
        tag_size = _tag_size(data, position)
        tag = _number(data, position, tag_size) if tag_size else None
        length_start = position + tag_size
        size = _number(data, length_start, 1)
        value_start = length_start + 1
        if size is not None and size >= 0x80:
            length_size = size & 0x7F
            size = _number(data, value_start, length_size) if 1 <= length_size <= _MAX_LENGTH_SIZE else None
            value_start += length_size
        if tag is None or size is None:
            break
        position = _append(found, data, (tag, tag_size, position, value_start), size)
    return found, position


def _append(found: list[Found], data: Octets, head: tuple[int, int, int, int], size: int) -> int:
    value_start = head[3]
    stop = min(value_start + size, len(data))
    found.append(Found(*head, stop, value_start + size - stop))
    return stop


def _tag_size(data: Octets, position: int) -> int:
    """Bytes of the tag at a position, 0 when it is cut off or too long."""
    if data.value[position] & 0x1F != 0x1F:
        return 1
    for size in range(2, _MAX_TAG_SIZE + 1):
        last = position + size - 1
        if last >= len(data):
            return 0
        if data.value[last] < 0x80:
            return size
    return 0


def _number(data: Octets, start: int, size: int) -> int | None:
    """A big-endian number, or None when a byte of it is missing or unknown."""
    if start + size > len(data) or any(i in data.unknown for i in range(start, start + size)):
        return None
    return int.from_bytes(data.value[start : start + size])
