"""A flow's timeline as a picture: swim lanes, budgets hatched, the promised time as a line. SVG, drawn once for page and file.

Places along the time are percentages and all else is pixels, so that the picture fits a phone, a desk and a sheet of paper with
letters of one size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from reports.timeline import Lane, Span, TimelineReport

_HEAD = 38
"""Pixels above the lanes, for the words at the lines of the promise and the total."""
_PITCH, _LABEL, _BAR = 46, 16, 20
"""Pixels of a lane, of its words, of its bars."""
_FOOT = 22
"""Pixels below the lanes, for the scale."""
_MARGIN = 1.0
"""Percent left free on both sides."""
_LEAST = 0.35
"""Percent that a bar is wide at least, so that it can be seen."""
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds between two marks of the scale."""
_MARKS = 9
"""Marks that a scale has at most."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step in a lane."""

    span: Span
    lane: Lane
    seconds: float
    x: float
    width: float
    y: int

    @property
    def middle(self) -> float:
        """Where its number stands."""
        return round(self.x + self.width / 2, 3)

    @property
    def room(self) -> str:
        """Where there is room for its number: ``always``, only on a ``wide`` picture, ``never``."""
        return "always" if self.width >= 4.5 else "wide" if self.width >= 1.8 else "never"


@dataclass(frozen=True, slots=True)
class Link:
    """Where the work goes from one lane to another."""

    x: float
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of the scale."""

    x: float
    text: str
    anchor: str


@dataclass(frozen=True)
class Picture:
    """Everything that the template draws."""

    line: TimelineReport
    prefix: str
    """Begins the ids of the picture, so that several fit one page."""

    @cached_property
    def scale(self) -> float:
        """Seconds of the whole width."""
        return max(self.line.total, self.line.promised or 0.0, self.line.end) * 1.02 or 1.0

    @property
    def height(self) -> int:
        """Pixels."""
        return self.bottom + _FOOT

    @property
    def bottom(self) -> int:
        """Where the lanes end."""
        return self.head + _PITCH * max(len(self.line.lanes), 1)

    @property
    def head(self) -> int:
        """Where the lanes begin; a picture without a promise needs no words above them."""
        return _HEAD if self.line.promised else 4

    @property
    def lanes(self) -> list[tuple[Lane, int, int]]:
        """Lanes with the places of their words and of their bars."""
        return [
            (lane, self.head + _PITCH * row + _LABEL - 4, self.head + _PITCH * row + _LABEL)
            for row, lane in enumerate(self.line.lanes)
        ]

    @property
    def bar_height(self) -> int:
        """Pixels."""
        return _BAR

    def x(self, seconds: float) -> float:
        """A moment along the width, in percent."""
        return round(_MARGIN + (100 - 2 * _MARGIN) * seconds / self.scale, 3)

    @cached_property
    def bars(self) -> list[Bar]:
        """The steps, in every lane in which they stand."""
        places = {lane: y for lane, _, y in self.lanes}
        return [
            Bar(
                span,
                lane,
                seconds,
                self.x(span.begin),
                max(round(self.x(span.begin + seconds) - self.x(span.begin), 3), _LEAST),
                places[lane],
            )
            for span in self.line.spans
            for lane, seconds in span.bars
        ]

    @property
    def links(self) -> Iterator[Link]:
        """Where the work changes lanes."""
        places = {lane: y for lane, _, y in self.lanes}
        for one, two in pairwise(self.line.spans):
            top, bottom = sorted((places[one.lane], places[two.lane]))
            if top != bottom:
                yield Link(self.x(two.begin), top + _BAR, bottom)

    @property
    def marks(self) -> Iterator[Mark]:
        """The scale."""
        step = next((step for step in _STEPS if self.scale / step <= _MARKS), self.scale / _MARKS)
        for number in range(math.floor(self.scale / step) + 1):
            moment = number * step
            anchor = "start" if not number else "end" if self.x(moment) > 96 else "middle"
            yield Mark(self.x(moment), self._text(moment), anchor)

    def _text(self, moment: float) -> str:
        if self.scale >= 120:
            return clock(moment)
        return f"{moment:g} s" if self.scale >= 1 else f"{moment * 1000:g} ms"

    def anchor(self, seconds: float) -> str:
        """On which side of a line its words have room."""
        return "end" if self.x(seconds) > 50 else "start"


def clock(seconds: float) -> str:
    """A time as minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def spoken(seconds: float) -> str:
    """A length of time for a person: milliseconds below a second, minutes from two of them."""
    if seconds < 0.01:
        return f"{seconds * 1000:.2f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{clock(seconds)} min"
