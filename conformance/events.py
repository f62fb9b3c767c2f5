"""The event log of a run: NDJSON, one event a line, the only source of every report.

A line is a JSON object with ``v`` (format version), ``t`` (UTC time, ISO 8601 with microseconds), ``event`` (name of the
class below) and the fields of that class. Bytes are upper-case hexadecimal; a byte that is masked stands as ``XX``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from types import UnionType
from typing import Any, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share."""

    t: datetime
    """When it happened, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A run begins: everything that is needed to understand and repeat it."""

    run: str
    """Identifier of the run, also the report's number."""
    tool: dict[str, str]
    """``version``, ``commit``."""
    command_line: list[str]
    level: str
    seed: int
    destructive: bool
    masked: bool
    unmask_reason: str | None = None
    profile: dict[str, Any]
    """``name``, ``sha256``, ``title`` (zh, en), ``specification``, ``algorithm``, ``features``, ``life_cycle``."""
    assumptions: list[dict[str, Any]]
    """Settings of the profile: ``name``, ``zh``, ``en``, ``value``, ``is_default``, ``basis``, ``confidence``."""
    keys: list[dict[str, str]] = field(default_factory=list)
    """Keys used, never their values: ``name``, ``version``, ``check_value`` (first three bytes of E(K, 0…0))."""
    catalogue_sha256: str
    environment: dict[str, str]
    areas: list[str] = field(default_factory=list)
    """Codes of the catalogue's areas that the run set out to cover; empty: all that the suites cover."""
    strict: bool = False
    """Whether every MUST decides over conformity, whatever it rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetConnected(Event):
    """A card answered its reset."""

    target: str
    """``in-process``, ``virtual card in a PC/SC reader``, ``card in a PC/SC reader``."""
    reader: str | None
    protocol: str
    atr: str
    identification: str | None
    """卡的识别码 as read, or None when the card gave none."""
    observed: dict[str, str]
    """What probing found: version, algorithm, applications."""
    interfaces: list[str] = field(default_factory=list)
    """Interfaces of the card that the bench reaches, ``contact``, ``contactless``; empty in logs that did not say."""
    contactless_reader: str | None = None
    """The reader through whose field the card is reached, where it is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStarted(Event):
    """A test case begins."""

    case: str
    suite: str
    title: dict[str, str]
    kind: str
    """BV valid behaviour, BI invalid behaviour, BO inopportune behaviour."""
    requirements: list[str]
    item: str | None
    """Official test item, e.g. ``LD/T 6001.3 7.1 SSSE_RECORD``."""
    expected: dict[str, str]
    destructive: bool
    suite_title: dict[str, str] = field(default_factory=dict)
    """The suite in both languages (zh, en); empty in logs that did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Event):
    """A sentence about what the case does next."""

    case: str
    text: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange(Event):
    """A command and its answer; a reset has a word such as ``RESET`` or ``CONTACTLESS`` as the command and the ATR as the answer."""

    case: str | None
    number: int
    command: str
    response: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Event):
    """Something expected was compared with something received."""

    case: str
    requirement: str | None
    text: dict[str, str]
    expected: str
    received: str
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFinished(Event):
    """A test case ends."""

    case: str
    verdict: str
    requirement: str | None = None
    """The requirement that decided a failure, where one did."""
    reason: dict[str, str] | None = None
    expected: str | None = None
    received: str | None = None
    counterexample: list[dict[str, str]] = field(default_factory=list)
    """Shortest sequence found that shows a failure: ``command``, ``response``, ``note``."""
    reproduce: str | None = None
    """Command line that shows the failure again."""
    examples: int = 0
    """Generated examples that were run."""
    exchanges: int = 0
    seconds: float = 0.0


UNDISTURBED = "none"
"""Name of the failure of a trial in which nothing was to fail."""


class Words(TypedDict):
    """A text in both languages."""

    zh: str
    en: str


class FlowStep(Words):
    """A step of a flow, in the order in which the flow takes them."""

    step: str
    irreversible: bool
    """Whether what it does can't be taken back: such a step has a journal entry before and after it."""


class TimedEntry(Words):
    """What a step of a flow cost."""

    step: str
    kind: str
    """Who works: ``chip``, ``station``, ``human``, ``machine``."""
    seconds: float
    chip_seconds: float
    """The part of them that passed between a command and its answer."""
    commands: int
    measured: bool
    """False: a declared budget."""


class Table(Words):
    """A table of a host's books, masked: the header in both languages, the cells as they are shown."""

    columns: list[Words]
    rows: list[list[str]]


class Breach(Words):
    """What was found against a requirement after a trial."""

    place: str
    """Where the failure was put; empty for the run that nothing disturbed."""
    reproduce: str
    """Command line that runs this single trial again."""


class ShownRequirement(TypedDict):
    """A requirement of the catalogue on systems: the runs that tried it, and what was found against it."""

    requirement: str
    tried: int
    broken: list[Breach]


class BrokenRule(Words):
    """A rule that didn't hold after a trial; ``zh`` and ``en`` say what was found."""

    rule: int
    """1 to 8: the rules that must hold at every moment, whatever fails."""
    place: str
    """Where the failure was put, e.g. ``17.2``: the second write of the seventeenth place."""
    reproduce: str
    """Command line that runs this single trial again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted(Event):
    """A flow is about to be run, whole and then with failures."""

    flow: str
    """``issue``, ``upgrade``, ``replace``, ``medical``, ``payment``, ``visit``, ``life``, ``soak`` …"""
    number: int
    """The flow's number among the flows of issuance, upgrade and settlement, 1 to 7; 8 for all of them at once."""
    title: Words
    steps: list[FlowStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBooks(Event):
    """What the hosts' books and the cards say before the flow and after it, read from the outside."""

    flow: str
    moment: str
    """``before`` or ``after``."""
    tables: list[Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTimed(Event):
    """How long the flow took when nothing failed."""

    flow: str
    entries: list[TimedEntry]
    total: float
    """Seconds, measured and declared."""
    promised: float | None = None
    """Seconds that were promised to the citizen, where a promise was made."""
    kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTrials(Event):
    """One cell of the matrix of steps and failures: all trials in which this failure struck in this step."""

    flow: str
    step: str
    failure: str
    """Name of the failure, e.g. ``power-cut-after``; a pair of failures stands as ``answer-lost+killed``; :data:`UNDISTURBED`."""
    failure_title: Words
    trials: int
    outcomes: dict[str, int]
    """How the trials ended after their recovery: ``completed``, ``as before``, ``destroyed`` … to their number."""
    broken: list[BrokenRule] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequirements(Event):
    """The requirements on systems that the flow can show, after all its trials."""

    flow: str
    requirements: list[ShownRequirement]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFinished(Event):
    """All failures of a flow were tried."""

    flow: str
    trials: int
    interruptions: int
    """Failures that struck in them: a trial of a pair has two, one whose failure found nothing to strike has none."""
    broken: int
    """Trials after which a rule was broken."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """A run ends; without this event it was cut off."""

    interrupted: bool
    reason: str | None = None
    conformity: int
    exchanges: int
    seconds: float


_TYPES: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        *(RunStarted, TargetConnected, CaseStarted, Step, Exchange, Check, CaseFinished, RunFinished),
        *(FlowStarted, FlowBooks, FlowTimed, FlowTrials, FlowRequirements, FlowFinished),
    )
}


def _checker(hint: Any) -> Callable[[object], bool]:
    """A test whether a JSON value is of an annotated type."""
    parts = [_checker(part) for part in get_args(hint) if part is not type(None)]
    if hint is Any:
        return lambda _: True
    if is_typeddict(hint):
        members = {key: _checker(part) for key, part in get_type_hints(hint).items()}
        return lambda value: (
            isinstance(value, dict)
            and members.keys() <= value.keys()
            and all(check(value[key]) for key, check in members.items())
        )
    if get_origin(hint) in (Union, UnionType):
        return lambda value: value is None or any(part(value) for part in parts)
    if get_origin(hint) is list:
        return lambda value: isinstance(value, list) and all(map(parts[0], value))
    if get_origin(hint) is dict:
        return lambda value: isinstance(value, dict) and all(map(parts[1], value.values()))
    if hint in (int, float):
        accepted = (int, float) if hint is float else int
        return lambda value: isinstance(value, accepted) and not isinstance(value, bool)
    return lambda value: isinstance(value, hint)


_CHECKERS = {name: {key: _checker(hint) for key, hint in get_type_hints(cls).items()} for name, cls in _TYPES.items()}


class EventError(ValueError):
    """A line is no event of this format; the message says which line and why."""


def to_line(event: Event) -> str:
    """One event as a line of JSON, without the line end."""
    document: dict[str, Any] = {"v": FORMAT_VERSION, "event": type(event).__name__}
    for part in fields(event):
        document[part.name] = getattr(event, part.name)
    document["t"] = event.t.isoformat(timespec="microseconds")
    line = json.dumps(document, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 can't hold
        return json.dumps(document)
    return line


def from_line(line: str, number: int = 1) -> Event:
    """Read one line; raise :class:`EventError` naming line ``number``."""
    try:
        content = json.loads(line)
        version, name = content.pop("v"), content.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise EventError(f"line {number}: not an event of a run") from None
    if version != FORMAT_VERSION or not isinstance(name, str) or name not in _TYPES:
        raise EventError(f"line {number}: event {name!r} of format {version!r} is not known to this version")
    checkers = _CHECKERS[name]
    try:
        moment = datetime.fromisoformat(content["t"])
        content["t"] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        known = {key: value for key, value in content.items() if key in checkers}
        for key, value in known.items():
            if not checkers[key](value):
                raise TypeError(f"{key} has the wrong type")
        return _TYPES[name](**known)
    except (KeyError, TypeError, ValueError) as problem:
        raise EventError(f"line {number}: event {name} is incomplete: {problem}") from None


def read(lines: Iterable[str]) -> Iterator[Event]:
    """Read a whole log, skipping blank lines."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from_line(line, number)
