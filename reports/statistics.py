"""Counts and timing of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from conformance.events import CaseFinished, Event, Exchange
from reports.trace import words


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the card took for one command, in seconds."""

    label: str
    count: int
    median: float
    percentile_95: float
    longest: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts and timing of a run."""

    exchanges: int
    examples: int
    duration: timedelta
    timings: tuple[Timing, ...]
    """By command, most frequent first."""


def statistics(events: Iterable[Event]) -> Statistics:
    """Count and measure. Exchanges of generated examples that were not logged count where the case tells them."""
    events = list(events)
    seconds: dict[str, list[float]] = {}
    logged = counted = examples = 0
    for event in events:
        if isinstance(event, Exchange):
            logged += 1
            seconds.setdefault(words.label(event.command), []).append(event.seconds)
        elif isinstance(event, CaseFinished):
            examples += event.examples
            counted += event.exchanges
    timings = [_timing(label, sorted(values)) for label, values in seconds.items()]
    return Statistics(
        exchanges=max(logged, counted),
        examples=examples,
        duration=events[-1].t - events[0].t,
        timings=tuple(sorted(timings, key=lambda timing: (-timing.count, timing.label))),
    )


def _timing(label: str, ordered: list[float]) -> Timing:
    last = len(ordered) - 1
    return Timing(label, len(ordered), ordered[last // 2], ordered[round(last * 0.95)], ordered[last])
