"""Text that keeps inside its line: as it is, in smaller type, or on two lines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

NARROW = 0.62
"""Width of a narrow character in ems, a cautious one: no usual sans-serif face has wider digits and few wider capitals."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines of a text and the size of their type, in millimetres."""

    lines: tuple[str, ...]
    size: float


def width(text: str) -> float:
    """Width of a text in ems: one for a wide character, none for a mark that combines with the one before."""
    return sum(_width(each) for each in text)


def _width(each: str) -> float:
    if unicodedata.combining(each):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(each) in "WFA" else NARROW


def fit(text: str, room: float, size: float, least: float) -> Fitted:
    """Put a text into ``room`` millimetres.

    Args:
        text: What is to be set.
        room: Width of the line.
        size: Wanted size of the type.
        least: Size that can still be read, and that is printed sharply at 300 dpi; beneath it two lines are made.
    """
    wanted = width(text)
    if wanted * size <= room:
        return Fitted((text,), size)
    if wanted * least <= room:
        return Fitted((text,), room / wanted)
    lines = _halves(text)
    longest = max(map(width, lines))
    return Fitted(lines, min(least, room / longest))


def _halves(text: str) -> tuple[str, str]:
    """Two lines of about the same width, the break behind a dot or blank of a name where one is near; nothing is left out."""
    middle = width(text) / 2

    def cost(at: int) -> float:
        off = abs(width(text[:at]) - middle)
        return off if text[at - 1] in "·• ‧" else off + middle / 2

    at = min(range(1, len(text)), key=cost)
    return text[:at], text[at:]
