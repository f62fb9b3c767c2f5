"""A campaign: each flow once undisturbed, then with every failure that its level has; the events tell what became of it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from conformance import events
from conformance.bench import now
from conformance.campaign.failures import FAILURES
from conformance.campaign.plan import PairTask, pairs, singles
from conformance.campaign.rules import Finding
from conformance.campaign.seams import Place
from conformance.campaign.systems import rows_of
from conformance.campaign.tables import tables
from conformance.campaign.trial import Spec, Tried
from conformance.campaign.workers import Task, crew, known_flow, run_alone
from conformance.campaign.world import COMPLETED, Flow, World
from conformance.cases import Level
from conformance.events import UNDISTURBED
from conformance.flow_judging import flow_outcomes, stated
from conformance.verdict import Conformity


@dataclass(frozen=True, slots=True)
class Order:
    """What a campaign is asked for.

    Attributes:
        flows: Names of the flows, in their order.
        failures: Names of failures; all where empty.
        level: How many trials.
        seed: Chooses them where a level has not all.
        jobs: Processes.
        fault: A planted fault, or nothing.
        only: A single trial in place of all.
    """

    flows: tuple[str, ...]
    failures: tuple[str, ...] = ()
    level: Level = Level.QUICK
    seed: int = 0
    jobs: int = 1
    fault: str = ""
    only: Spec | None = None


@dataclass(slots=True)
class Tally:
    """What a flow's trials came to."""

    flow: str
    trials: int = 0
    interruptions: int = 0
    broken: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    cells: dict[tuple[str, str], list[Tried]] = field(default_factory=dict)
    shown: list[Tried] = field(default_factory=list)
    """Every run that tried requirements on systems, the undisturbed one first."""


class Campaign:
    """Iterate over :meth:`run`; events go to ``emit`` as each flow ends."""

    def __init__(self, order: Order, emit: Callable[[events.Event], None]) -> None:
        self.order = order
        self._further = emit
        self._told: list[events.Event] = []
        self.tallies: list[Tally] = []
        self.complete = False
        """Whether everything was tried."""

    @property
    def broken(self) -> int:
        """Trials after which a rule was broken."""
        return sum(each.broken for each in self.tallies)

    @property
    def breaches(self) -> list[tuple[str, events.Breach]]:
        """What was found against requirements on systems until now, with their identifiers."""
        told = [row for each in self._told if isinstance(each, events.FlowRequirements) for row in each.requirements]
        return [(row["requirement"], breach) for row in told for breach in row["broken"]]

    @property
    def conformity(self) -> Conformity:
        """The statement about the flows until now, as every report makes it from the events."""
        return stated(flow_outcomes(self._told), interrupted=not self.complete)

    def run(self) -> Iterator[tuple[str, int, int]]:
        """Run all flows; hands out the flow, how many of its tasks are done, and how many there are."""
        with crew(self.order.jobs if self.order.only is None else 1) as work:
            for name in self.order.flows:
                yield from self._run_flow(known_flow(name, self.order.fault), work)
        self.complete = True

    def _emit(self, event: events.Event) -> None:
        self._told.append(event)
        self._further(event)

    def _run_flow(
        self, flow: Flow, work: Callable[[Sequence[Task]], Iterator[list[Tried]]]
    ) -> Iterator[tuple[str, int, int]]:
        started, tally, whole = perf_counter(), Tally(flow.name), False
        self.tallies.append(tally)
        self._emit(
            events.FlowStarted(
                t=now(),
                flow=flow.name,
                number=flow.number,
                title=events.Words(zh=flow.zh, en=flow.en),
                steps=[
                    events.FlowStep(step=each.name, zh=each.zh, en=each.en, irreversible=each.irreversible)
                    for each in flow.steps
                ],
            )
        )
        try:
            places = self._undisturbed(flow, tally)
            tasks = self._tasks(flow, places)
            for done, tried in enumerate(work(tasks), 1):
                for each in tried:
                    _count(tally, each)
                yield flow.name, done, len(tasks)
            whole = True
        finally:
            tally.seconds = perf_counter() - started
            self._tell(flow, tally, whole=whole)

    def _tasks(self, flow: Flow, places: Sequence[Place]) -> list[Task]:
        order = self.order
        if order.only is not None:
            return [Task(order.only, fault=order.fault)] if order.only.strikes else []
        chosen = singles(flow, places, order.level, order.seed, order.failures)
        more = pairs(flow, places, order.level, order.seed, order.failures)
        works: list[Spec | PairTask] = [*chosen, *more]
        return [Task(each, order.seed, order.failures, order.fault) for each in works]

    def _undisturbed(self, flow: Flow, tally: Tally) -> tuple[Place, ...]:
        """The flow without failures: books before and after, times, and all its places."""
        entries: list[events.TimedEntry] = []

        def watch(moment: str, world: World) -> None:
            self._emit(events.FlowBooks(t=now(), flow=flow.name, moment=moment, tables=tables(world)))
            if moment == "after":
                entries.extend(flow.timing(world))

        calm = replace(run_alone(flow, Spec(flow.name), watch), step=flow.steps[0].name)
        tally.shown.append(calm)
        if entries:
            self._tell_times(flow, entries)
        findings = calm.findings
        if calm.ending != COMPLETED:
            zh, en = f"无故障而未完成：{calm.ending}", f"nothing failed, and yet it ended {calm.ending}"
            findings = (*findings, Finding(4, zh, en))
        alone = self.order.only is not None and not self.order.only.strikes
        if findings or alone:
            _count(tally, replace(calm, findings=findings, shown=()))
        return calm.places

    # Events

    def _tell_times(self, flow: Flow, entries: list[events.TimedEntry]) -> None:
        total = sum(each["seconds"] for each in entries)
        kept = flow.promised is None or total <= flow.promised
        self._emit(
            events.FlowTimed(t=now(), flow=flow.name, entries=entries, total=total, promised=flow.promised, kept=kept)
        )

    def _tell(self, flow: Flow, tally: Tally, *, whole: bool) -> None:
        """A cell of steps and failures after the other, then the end; a flow that was broken off has none."""
        steps = [step.name for step in flow.steps]
        names = list(FAILURES)

        def place(cell: tuple[str, str]) -> tuple[int, int, list[int]]:
            failures = cell[1].split("+")
            known = [names.index(each) if each in names else -1 for each in failures]
            return len(failures), steps.index(cell[0]) if cell[0] in steps else len(steps), known

        for step, failure in sorted(tally.cells, key=place):
            tried = tally.cells[step, failure]
            self._emit(
                events.FlowTrials(
                    t=now(),
                    flow=flow.name,
                    step=step,
                    failure=failure or UNDISTURBED,
                    failure_title=_title(failure),
                    trials=len(tried),
                    outcomes=dict(Counter(each.ending for each in tried)),
                    broken=[found for each in tried for found in self._broken(each)],
                )
            )
        self._tell_rows(flow, tally)
        if whole:
            self._emit(
                events.FlowFinished(
                    t=now(),
                    flow=flow.name,
                    trials=tally.trials,
                    interruptions=tally.interruptions,
                    broken=tally.broken,
                    seconds=tally.seconds,
                )
            )

    def _tell_rows(self, flow: Flow, tally: Tally) -> None:
        """The requirements on systems that the flow can show, each with what was found against it."""
        rows: dict[str, events.ShownRequirement] = {
            row: events.ShownRequirement(requirement=row, tried=0, broken=[]) for row in rows_of(flow)
        }
        for tried in tally.shown:
            for each in tried.shown:
                entry = rows[each.row]
                entry["tried"] += 1
                entry["broken"] += [
                    events.Breach(zh=zh, en=en, place=tried.spec.place, reproduce=self.again(tried))
                    for zh, en in each.breaches
                ]
        if rows:
            self._emit(events.FlowRequirements(t=now(), flow=flow.name, requirements=list(rows.values())))

    def again(self, tried: Tried) -> str:
        """The command line that runs a single trial again."""
        words = ["sscard", "campaign", "--only", only_of(tried)]
        return shlex.join([*words, "--fault", self.order.fault] if self.order.fault else words)

    def _broken(self, tried: Tried) -> list[events.BrokenRule]:
        again = self.again(tried)
        return [
            events.BrokenRule(rule=each.rule, zh=each.zh, en=each.en, place=tried.spec.place, reproduce=again)
            for each in tried.findings
        ]


def only_of(tried: Tried) -> str:
    """How ``--only`` names a trial: flow/step/failure/place."""
    return tried.spec.named(tried.step)


def spec_of(text: str) -> Spec:
    """The trial that ``--only`` names; ValueError with a sentence for what is none."""
    flow, _, rest = text.partition("/")
    _, _, rest = rest.partition("/")
    failure, _, place = rest.partition("/")
    if failure == UNDISTURBED and not place:
        return Spec(flow)
    names, places = failure.split("+"), place.split("+")
    if len(names) != len(places) or any(name not in FAILURES for name in names):
        raise ValueError(f"{text!r} names no trial; write flow/step/failure/place, as a broken rule says")
    strikes = []
    for name, each in zip(names, places, strict=True):
        number, _, write = each.partition(".")
        if not number.isdecimal() or not (write or "0").isdecimal():
            raise ValueError(
                f"{text!r} has no place {each!r}; a place is a number such as 17, or 17.2 inside a command"
            )
        strikes.append((name, int(number), int(write or 0)))
    return Spec(flow, tuple(strikes))


def _title(failure: str) -> events.Words:
    known = [FAILURES[each] for each in failure.split("+") if each in FAILURES]
    if not known:
        return events.Words(zh="无故障", en="no failure")
    return events.Words(zh=" + ".join(each.zh for each in known), en=" + ".join(each.en for each in known))


def _count(tally: Tally, tried: Tried) -> None:
    tally.trials += 1
    tally.interruptions += tried.struck
    tally.broken += bool(tried.findings)
    tally.outcomes[tried.ending] += 1
    tally.cells.setdefault((tried.step, tried.spec.failure), []).append(tried)
    if tried.shown:
        tally.shown.append(tried)
