"""Slips 凭条 for a printer of narrow paper: rows of a name and a value, in which a Chinese character takes two columns."""

from __future__ import annotations

import re
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


def wrapped(text: str) -> list[str]:
    """A text in the middle, on as many lines as it needs: broken between words, and within one that is too long."""
    lines = [""]
    for word in re.findall(r"[^ ]+", text):
        joined = f"{lines[-1]} {word}".lstrip()
        if _columns(joined) <= WIDTH:
            lines[-1] = joined
            continue
        lines.append(word)
        while (kept := _cut(lines[-1])) != lines[-1]:
            lines[-1:] = [kept, lines[-1][len(kept) :]]
    return [centred(line) for line in lines if line]


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
