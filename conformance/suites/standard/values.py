"""Values read leniently and judged strictly: packed digits, text, dates, areas; and how to show them without giving them away."""

from __future__ import annotations

import re
from datetime import date

from profiles.dictionary import elements

NAME_EXTENSION = 0x4E
INSTITUTION_NUMBERS = frozenset((0x01, 0x04))
"""cn elements that hold D156000005, an authentication code or a sequence byte beside digits."""

PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82)
)
"""First two digits of the area codes of GB/T 2260."""


# Formats


def cn_problem(tag: int, value: bytes) -> str | None:
    """Why a cn value is not packed digits followed by F alone, or None."""
    if tag in INSTITUTION_NUMBERS or re.fullmatch("[0-9]*f*", value.hex()):
        return None
    return "not digits followed by F alone"


def an_problem(tag: int, value: bytes) -> str | None:
    """Why a text is not left aligned and padded with 00 alone, or None; 姓名扩展 may be padded with FF."""
    text = value.rstrip(b"\x00")
    if tag == NAME_EXTENSION:
        text = text.rstrip(b"\xff")
    if b"\x00" in text:
        return "00 inside the text"
    if text.endswith(b"\xff"):
        return "padded with FF"
    if text.endswith(b" "):
        return "padded with blanks"
    return None


def text_problem(value: bytes) -> str | None:
    """Why a text is not printable ASCII and GBK (a lead byte 81 to FE, a trail byte 40 to 7E or 80 to FE), or None.

    Padding with 00 or FF may follow.
    """
    text = value.rstrip(b"\x00\xff")
    position = 0
    while position < len(text):
        lead = text[position]
        if lead < 0x80:
            if lead < 0x20 or lead == 0x7F:
                return f"control character {lead:02X} at byte {position}"
            position += 1
            continue
        if lead in (0x80, 0xFF):
            return f"{lead:02X} at byte {position} begins no GBK character"
        if position + 1 == len(text):
            return f"half a character at byte {position}"
        trail = text[position + 1]
        if not 0x40 <= trail <= 0xFE or trail == 0x7F:
            return f"{lead:02X}{trail:02X} at byte {position} is no GBK character"
        position += 2
    return None


def is_unwritten(value: bytes) -> bool:
    """Whether a value holds nothing but one kind of filling: 00, FF or blanks."""
    return any(value == bytes([filling]) * len(value) for filling in (0x00, 0xFF, 0x20))


# Contents


def digits(value: bytes) -> str:
    """The digits of a cn value without its padding."""
    return value.hex().upper().rstrip("F")


def text(value: bytes) -> str:
    """The text of an an value without padding; bytes that are none show as U+FFFD."""
    return value.rstrip(b"\x00\xff\x20").decode("gbk", "replace")


def date_of(value: bytes) -> date | None:
    """The date of four packed bytes YYYYMMDD, or None."""
    written = value.hex()
    if not re.fullmatch("[0-9]{8}", written):
        return None
    try:
        return date(int(written[:4]), int(written[4:6]), int(written[6:]))
    except ValueError:
        return None


def is_area(code: str) -> bool:
    """Whether six digits begin as the area codes of GB/T 2260 do: with the number of a province."""
    return bool(re.fullmatch("[0-9]{6}", code)) and int(code[:2]) in PROVINCES


# Showing


def described(data: bytes) -> str:
    """Tag, length and size of a record, without its content."""
    return f"{data[:2].hex().upper()}… ({len(data)} bytes)" if data else "no data"


def difference(received: bytes, expected: bytes) -> str:
    """How data differ from what they should be, without giving them away."""
    if received == expected:
        return described(received)
    first = next((at for at, pair in enumerate(zip(received, expected, strict=False)) if pair[0] != pair[1]), None)
    where = f"; differs from byte {first} on" if first is not None else ""
    return described(received) + where


def shown(tag: int, value: bytes) -> str:
    """A value for the log; of personal data only the kind of each byte: 9 digit, A letter, x other, ␣ blank, 00, FF."""
    element = elements().get(f"{tag:02X}")
    if element is not None and not element.secret:
        return value.hex().upper()
    if element is not None and element.format == "cn":
        return re.sub("[0-9]", "9", value.hex().upper())
    return "".join(_kind(byte) for byte in value)


def _kind(byte: int) -> str:
    character = chr(byte)
    if character.isascii() and character.isalnum():
        return "9" if character.isdigit() else "A"
    return {0x00: "[00]", 0xFF: "[FF]", 0x20: "␣"}.get(byte, "x")
