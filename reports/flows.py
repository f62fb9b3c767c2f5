"""What a report shows of a flow: its steps on a timeline, the matrix of steps and failures, the hosts' books before and after.

Pure functions from the events of a log, which may be cut off anywhere: whatever is missing is shown as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.events import Breach, Event, FlowBooks, FlowFinished, FlowStarted, FlowTimed, FlowTrials
from conformance.flow_judging import FLOW_RULES, BrokenTrial, FlowOutcome, decides, flow_outcomes
from conformance.requirements import SOCIAL_SECURITY, Requirement, Text, load_catalogue
from conformance.verdict import Conformity, Verdict
from reports.books import BooksReport, compared
from reports.timeline import TimelineReport, timeline

KNOWN_OUTCOMES = ("completed", "as before", "destroyed")
"""How a trial may end after its recovery without breaking rule 4, best first."""


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One of the eight rules in one flow."""

    number: int
    text: Text
    broken: int
    """Trials after which it was broken."""


@dataclass(frozen=True, slots=True)
class SystemReport:
    """A requirement on systems that a flow can show."""

    name: str
    """Its identifier in the catalogue."""
    requirement: Requirement | None
    """None where this version's catalogue does not know it."""
    tried: int
    """Runs of the flow that tried it."""
    broken: tuple[Breach, ...]

    @property
    def decides(self) -> bool:
        """Whether the flow is not conformant where it is broken."""
        return decides(self.name)

    @property
    def verdict(self) -> Verdict:
        """Broken, held, or not tried; see :attr:`decides`."""
        if self.broken:
            return Verdict.FAIL
        return Verdict.PASS if self.tried else Verdict.NOT_RUN


@dataclass(frozen=True, slots=True)
class StepReport:
    """A column of the matrix."""

    name: str
    title: Text
    irreversible: bool


@dataclass(frozen=True, slots=True)
class FailureReport:
    """A row of the matrix, or a pair of failures."""

    name: str
    title: Text

    @property
    def pair(self) -> bool:
        """Whether two failures strike in one trial."""
        return "+" in self.name


@dataclass(frozen=True, slots=True)
class Finding:
    """A trial that broke rules, with its cell."""

    step: StepReport
    failure: FailureReport
    trial: BrokenTrial


@dataclass(frozen=True, slots=True)
class Cell:
    """All trials of a failure in a step."""

    trials: int
    outcomes: Mapping[str, int]
    """Number of trials by outcome, the known ones first and none of them zero."""
    broken: tuple[BrokenTrial, ...]


NO_TRIALS = Cell(0, {}, ())


@dataclass(frozen=True, slots=True)
class FlowReport:
    """Everything that a report says of a flow."""

    start: FlowStarted | None
    """None where the log doesn't tell what flow it was."""
    end: FlowFinished | None
    outcome: FlowOutcome
    steps: tuple[StepReport, ...]
    failures: tuple[FailureReport, ...]
    cells: Mapping[tuple[str, str], Cell]
    """By step and failure."""
    rules: tuple[RuleReport, ...]
    findings: tuple[Finding, ...]
    timeline: TimelineReport | None
    books: BooksReport | None
    systems: tuple[SystemReport, ...] = ()
    """What it shows of the requirements on systems."""

    @property
    def name(self) -> str:
        """The flow's name in the log."""
        return self.outcome.flow

    @property
    def title(self) -> Text:
        """The flow in both languages; its name where the log has no title."""
        return Text(self.start.title["zh"], self.start.title["en"]) if self.start else Text(self.name, "")

    @property
    def conformity(self) -> Conformity:
        """The statement about the flow."""
        return self.outcome.conformity

    @property
    def breaches(self) -> int:
        """Trials after which a rule was broken; what the log counts without listing it is counted too."""
        return len(self.findings) + self.outcome.uncounted

    @property
    def unmet(self) -> tuple[SystemReport, ...]:
        """The requirements on systems that were broken and decide."""
        return tuple(row for row in self.systems if row.broken and row.decides)

    @property
    def rules_broken(self) -> int:
        """Rules that were broken."""
        return sum(rule.broken > 0 for rule in self.rules)

    @property
    def held(self) -> int:
        """Rules of which it can be said that they held."""
        return sum(self.verdict_of(rule) is Verdict.PASS for rule in self.rules)

    def verdict_of(self, rule: RuleReport) -> Verdict:
        """Broken, held, or open as long as the trials are not complete or a breach is not listed."""
        if rule.broken:
            return Verdict.FAIL
        settled = self.outcome.finished and self.outcome.tried and not self.outcome.uncounted
        return Verdict.PASS if settled else Verdict.NOT_RUN

    @property
    def single(self) -> tuple[FailureReport, ...]:
        """Failures that come alone: the rows of the matrix."""
        return tuple(failure for failure in self.failures if not failure.pair)

    @property
    def pairs(self) -> tuple[FailureReport, ...]:
        """Pairs of failures, which are too many for the matrix."""
        return tuple(failure for failure in self.failures if failure.pair)

    def cell(self, step: str, failure: str) -> Cell:
        """The trials of a failure in a step, none where there were none."""
        return self.cells.get((step, failure), NO_TRIALS)

    def of_failure(self, failure: str) -> Cell:
        """The trials of a failure in all steps together."""
        return _joined(cell for (_, name), cell in self.cells.items() if name == failure)

    def of_step(self, step: str) -> Cell:
        """The trials of all single failures in a step together."""
        return _joined(cell for (name, failure), cell in self.cells.items() if name == step and "+" not in failure)

    @property
    def whole(self) -> Cell:
        """All trials of the flow that the log lists."""
        return _joined(self.cells.values())


def flow_reports(events: Iterable[Event]) -> tuple[FlowReport, ...]:
    """The flows of a log in the order in which they were begun."""
    events = tuple(events)
    return tuple(_report(outcome, events) for outcome in flow_outcomes(events))


def _report(outcome: FlowOutcome, events: Iterable[Event]) -> FlowReport:
    start: FlowStarted | None = None
    end: FlowFinished | None = None
    timed: FlowTimed | None = None
    books: dict[str, FlowBooks] = {}
    trials: list[FlowTrials] = []
    for event in events:
        if getattr(event, "flow", None) != outcome.flow:
            continue
        match event:
            case FlowStarted():
                start = event
            case FlowFinished():
                end = event
            case FlowTimed():
                timed = event
            case FlowBooks():
                books[event.moment] = event
            case FlowTrials():
                trials.append(event)
    steps = _steps(start, trials)
    failures = {
        cell.failure: FailureReport(cell.failure, Text(cell.failure_title["zh"], cell.failure_title["en"]))
        for cell in trials
    }
    counts = outcome.by_rule
    return FlowReport(
        start=start,
        end=end,
        outcome=outcome,
        steps=tuple(steps.values()),
        failures=tuple(failures.values()),
        cells=_cells(trials, outcome.broken),
        rules=tuple(
            RuleReport(
                number, FLOW_RULES.get(number, Text("未知规则", "a rule that this version does not know")), count
            )
            for number, count in sorted((dict.fromkeys(FLOW_RULES, 0) | dict(counts)).items())
        ),
        findings=tuple(Finding(steps[trial.step], failures[trial.failure], trial) for trial in outcome.broken),
        timeline=timeline(timed) if timed else None,
        books=compared(books.get("before"), books.get("after")) if books else None,
        systems=_systems(outcome),
    )


def _systems(outcome: FlowOutcome) -> tuple[SystemReport, ...]:
    known = load_catalogue(SOCIAL_SECURITY).requirements
    return tuple(
        SystemReport(row["requirement"], known.get(row["requirement"]), row["tried"], tuple(row["broken"]))
        for row in outcome.requirements
    )


def _steps(start: FlowStarted | None, trials: Iterable[FlowTrials]) -> dict[str, StepReport]:
    """The steps that the flow declared, then those that only trials name."""
    steps = {
        step["step"]: StepReport(step["step"], Text(step["zh"], step["en"]), step["irreversible"])
        for step in (start.steps if start else ())
    }
    for cell in trials:
        steps.setdefault(cell.step, StepReport(cell.step, Text(cell.step, ""), False))
    return steps


def _cells(trials: Iterable[FlowTrials], broken: Iterable[BrokenTrial]) -> dict[tuple[str, str], Cell]:
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in trials:
        found.setdefault((cell.step, cell.failure), []).append(Cell(cell.trials, cell.outcomes, ()))
    for trial in broken:
        found[trial.step, trial.failure].append(Cell(0, {}, (trial,)))
    return {place: _joined(cells) for place, cells in found.items()}


def _joined(cells: Iterable[Cell]) -> Cell:
    """Several cells as one, its outcomes in order."""
    cells = tuple(cells)
    sums = dict.fromkeys(KNOWN_OUTCOMES, 0)
    for cell in cells:
        for name, count in cell.outcomes.items():
            sums[name] = sums.get(name, 0) + count
    return Cell(
        sum(cell.trials for cell in cells),
        {name: count for name, count in sums.items() if count},
        tuple(trial for cell in cells for trial in cell.broken),
    )
