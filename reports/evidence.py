"""What of a case's evidence a report shows: steps, checks and decoded exchanges in the order in which they happened.

A report has to stay readable and small: a passing case keeps its first exchanges and its last one, a case that didn't pass
keeps many more, and what was left out is counted. The event log has everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from conformance.events import CaseFinished, Check, Event, Exchange, Step
from conformance.verdict import Verdict
from profiles.model import Profile
from reports.trace import Decoded, Decoder, words


class Limits(NamedTuple):
    """How much of a case is shown."""

    head: int
    """Exchanges from the beginning."""
    tail: int
    """Exchanges from the end."""
    checks: int
    """Good checks and steps; bad checks are always shown."""
    brief: bool = False
    """Whether exchanges are only named."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded exchange with its place in the case."""

    number: int
    seconds: float
    decoded: Decoded
    moved: bool
    """Whether it left another state than the exchange shown before it."""


@dataclass(frozen=True, slots=True)
class Named:
    """An exchange of which a report has no room for more than the command's name, its header and the status word."""

    number: int
    label: str
    header: str
    status: str


@dataclass(frozen=True, slots=True)
class Omitted:
    """Exchanges, checks and steps that were left out here."""

    exchanges: int
    others: int


Entry = Step | Check | Shown | Named | Omitted
Timeline = tuple[Entry, ...]


def limits_for(passing: int, others: int) -> tuple[Limits, Limits]:
    """Limits of passing cases and of all others, given how many there are of each."""
    kept = Limits(3, 1, 6) if passing <= 400 else Limits(2, 1, 3) if passing <= 600 else Limits(3, 1, 0, brief=True)
    wanted = ((24, Limits(24, 40, 120)), (80, Limits(8, 16, 40)), (400, Limits(2, 4, 12)))
    return kept, next((limits for most, limits in wanted if others <= most), Limits(3, 6, 4, brief=True))


def timelines(
    events: Iterable[Event], verdicts: Mapping[str, Verdict], profile: Profile | None, *, masked: bool
) -> dict[str, Timeline]:
    """The evidence of every case. ``masked``: hide what the decoder knows to be secret, whatever the log shows."""
    passing = sum(verdict is Verdict.PASS for verdict in verdicts.values())
    of_passing, of_others = limits_for(passing, len(verdicts) - passing)
    by_case: dict[str | None, list[Step | Check | Exchange]] = {}
    for event in events:
        if isinstance(event, Step | Check | Exchange):
            by_case.setdefault(event.case, []).append(event)
    decoder = Decoder(profile)  # every case begins with a reset, where a decoder knows the state again
    result = {}
    for case, found in by_case.items():
        limits = of_passing if case is not None and verdicts.get(case) is Verdict.PASS else of_others
        timeline = _timeline(found, limits, decoder, masked)
        if case is not None:
            result[case] = timeline
    return result


def _timeline(events: Sequence[Step | Check | Exchange], limits: Limits, decoder: Decoder, masked: bool) -> Timeline:
    exchanges = [event for event in events if isinstance(event, Exchange)]
    last = len(exchanges) - limits.tail
    followed = _last_switch(exchanges, limits.head, last)
    shown: list[Entry] = []
    place = others = 0
    for event in events:
        if isinstance(event, Exchange):
            if limits.head <= place < last:
                if place >= followed and not limits.brief:
                    decoder.skip(event.command, event.response)
                _omit(shown, exchanges=1)
            else:
                shown.append(_named(event) if limits.brief else _shown(event, decoder, masked, _latest(shown)))
            place += 1
        elif (isinstance(event, Check) and not event.good) or others < limits.checks:
            others += 1
            shown.append(event)
        else:
            _omit(shown, others=1)
    return tuple(shown)


def _last_switch(exchanges: Sequence[Exchange], start: int, stop: int) -> int:
    """Where the card was last switched between two places; what was before has left no state. ``start`` when it wasn't."""
    return next(
        (place for place in range(stop - 1, start, -1) if not words.is_hexadecimal(exchanges[place].command)), start
    )


def _shown(event: Exchange, decoder: Decoder, masked: bool, before: Decoded | None) -> Shown:
    decoded = decoder.exchange(event.command, event.response)
    moved = before is None or decoded.state != before.state
    return Shown(event.number, event.seconds, decoded.masked() if masked else decoded, moved)


def _latest(shown: Sequence[Entry]) -> Decoded | None:
    return next((entry.decoded for entry in reversed(shown) if isinstance(entry, Shown)), None)


def _named(event: Exchange) -> Named:
    if not words.is_hexadecimal(event.command):
        return Named(event.number, words.label(event.command), "", "")
    return Named(event.number, words.label(event.command), event.command[:8], event.response[-4:])


def _omit(shown: list[Entry], exchanges: int = 0, others: int = 0) -> None:
    last = shown[-1] if shown else None
    if isinstance(last, Omitted):
        shown[-1] = replace(last, exchanges=last.exchanges + exchanges, others=last.others + others)
    else:
        shown.append(Omitted(exchanges, others))


class Move(NamedTuple):
    """A step of a counterexample."""

    decoded: Decoded
    moved: bool
    note: str


def counterexample(end: CaseFinished | None, profile: Profile | None, *, masked: bool) -> tuple[Move, ...]:
    """The shortest sequence that shows a failure, decoded."""
    decoder = Decoder(profile)
    moves: list[Move] = []
    for entry in end.counterexample if end else ():
        decoded = decoder.exchange(entry.get("command", ""), entry.get("response", ""))
        moved = not moves or decoded.state != moves[-1].decoded.state
        moves.append(Move(decoded.masked() if masked else decoded, moved, entry.get("note", "")))
    return tuple(moves)
