"""The timeline of a flow: who works when, what was measured and what is a declared budget, against the time that was promised.

The steps follow one another in the order of the log. Lengths are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from conformance.events import FlowTimed, TimedEntry
from conformance.requirements import Text

_LONGEST = 1e7
"""Seconds that a step may take in the picture; a log may say anything."""


class Lane(Enum):
    """Who works, from the people to the chip."""

    HUMAN = ("human", "人员", "people")
    MACHINE = ("machine", "机器", "machine")
    STATION = ("station", "设备", "station")
    CHIP = ("chip", "芯片", "chip")

    @property
    def title(self) -> Text:
        """The lane in both languages."""
        return Text(self.value[1], self.value[2])


@dataclass(frozen=True, slots=True)
class Span:
    """A step on the timeline."""

    number: int
    """Counted from 1."""
    step: str
    """Name of the step in the log."""
    title: Text
    lane: Lane
    begin: float
    seconds: float
    chip_seconds: float
    """The part that passed between a command and its answer."""
    commands: int
    measured: bool
    """Otherwise it is a declared budget."""

    @property
    def end(self) -> float:
        """When the next one begins."""
        return self.begin + self.seconds

    @property
    def bars(self) -> Iterator[tuple[Lane, float]]:
        """The lanes in which it stands, with its seconds there: what a station does with its chip stands in both."""
        inside = min(self.chip_seconds, self.seconds)
        if self.lane is Lane.CHIP:
            yield Lane.CHIP, inside or self.seconds
            if 0 < inside < self.seconds:
                yield Lane.STATION, self.seconds
        else:
            yield self.lane, self.seconds
            if inside:
                yield Lane.CHIP, inside


@dataclass(frozen=True, slots=True)
class TimelineReport:
    """A flow's time when nothing failed."""

    spans: tuple[Span, ...]
    total: float
    promised: float | None
    """None where nothing was promised."""
    kept: bool

    @property
    def measured(self) -> float:
        """Seconds that were measured."""
        return sum(span.seconds for span in self.spans if span.measured)

    @property
    def budgets(self) -> float:
        """Seconds that are declared."""
        return sum(span.seconds for span in self.spans if not span.measured)

    @property
    def end(self) -> float:
        """When the last step ends."""
        return self.spans[-1].end if self.spans else 0.0

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes that have anything."""
        used = {lane for span in self.spans for lane, _ in span.bars}
        return tuple(lane for lane in Lane if lane in used)

    def in_lane(self, lane: Lane) -> float:
        """Seconds of a lane."""
        return sum(seconds for span in self.spans for name, seconds in span.bars if name is lane)

    def only_measured(self) -> TimelineReport:
        """The measured steps joined together, for a picture that shows them larger."""
        spans: list[Span] = []
        for span in self.spans:
            if span.measured:
                spans.append(replace(span, begin=spans[-1].end if spans else 0.0))
        return TimelineReport(tuple(spans), self.measured, None, True)


def timeline(timed: FlowTimed) -> TimelineReport:
    """The timeline that an event tells."""
    spans: list[Span] = []
    for number, entry in enumerate(timed.entries, 1):
        begin = spans[-1].end if spans else 0.0
        spans.append(
            Span(
                number,
                entry["step"],
                Text(entry["zh"], entry["en"]),
                _lane(entry),
                begin,
                _sound(entry["seconds"]),
                _sound(entry["chip_seconds"]),
                entry["commands"],
                entry["measured"],
            )
        )
    promised = _sound(timed.promised) if timed.promised is not None else None
    return TimelineReport(tuple(spans), _sound(timed.total), promised or None, timed.kept)


def _lane(entry: TimedEntry) -> Lane:
    """Who works; a kind that this version doesn't know is measured work of the station, or else a machine's budget."""
    known = {lane.value[0]: lane for lane in Lane}
    return known.get(entry["kind"], Lane.STATION if entry["measured"] else Lane.MACHINE)


def _sound(seconds: float) -> float:
    """Seconds that can be drawn: finite, not negative, not beyond all measure."""
    return float(min(seconds, _LONGEST)) if 0 <= seconds < math.inf else 0.0
