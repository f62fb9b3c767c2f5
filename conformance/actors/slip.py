"""Slips 凭条 for a printer of narrow paper: rows of a name and a value, in which a Chinese character takes two columns."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

WIDTH = 40
"""Columns; a Chinese character takes two."""


class Language(StrEnum):
    """Languages of a slip."""

    ZH = "zh"
    EN = "en"


def row(name: str, value: str) -> list[str]:
    """Name left, value right; on two lines where both have no room on one."""
    room = WIDTH - _columns(name) - _columns(value)
    if room >= 1:
        return [name + " " * room + value]
    kept = _cut(value)
    return [name, " " * (WIDTH - _columns(kept)) + kept]


def centred(text: str) -> str:
    """A line of text in the middle, cut to the paper."""
    kept = _cut(text)
    return " " * ((WIDTH - _columns(kept)) // 2) + kept


def printable(text: str) -> str:
    """The text with a question mark for whatever moves a printer."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _cut(text: str) -> str:
    """As much of a text as the paper has room for."""
    kept, columns = "", 0
    for character in text:
        columns += _columns(character)
        if columns > WIDTH:
            break
        kept += character
    return kept


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
