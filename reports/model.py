"""A report as a value: everything that any of its forms shows, made from events, catalogue, profile and an earlier report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.events import CaseFinished, CaseStarted, RunFinished, RunStarted, TargetConnected
from conformance.flow_judging import flows_conformity
from conformance.judge import CaseOutcome, Judgement, Row, judge
from conformance.requirements import Area, Catalogue, OfficialItem, Text
from conformance.verdict import Conformity, Verdict, worst
from profiles.model import Profile
from reports.declaration import Declared, declaration
from reports.evidence import Move, Named, Timeline, counterexample, timelines
from reports.flows import FlowReport, RuleReport, flow_reports
from reports.log import Log
from reports.statistics import Statistics, statistics


@dataclass(frozen=True, slots=True)
class Particulars:
    """What only people know (ISO/IEC 17025 §7.8.2.1); empty entries are left blank for a pen."""

    laboratory: str = ""
    client: str = ""
    sample: str = ""
    operator: str = ""
    approver: str = ""


@dataclass(frozen=True, slots=True)
class CaseReport:
    """A test case with its evidence."""

    begin: CaseStarted
    end: CaseFinished | None
    outcome: CaseOutcome
    timeline: Timeline
    counterexample: tuple[Move, ...]

    @property
    def verdict(self) -> Verdict:
        """Verdict of the case."""
        return self.outcome.verdict

    @property
    def brief(self) -> bool:
        """Whether there was no room for more than naming its exchanges."""
        return any(isinstance(entry, Named) for entry in self.timeline)


@dataclass(frozen=True, slots=True)
class AreaReport:
    """An area of the catalogue with its rows."""

    area: Area
    in_scope: bool
    rows: tuple[Row, ...]

    @property
    def hard(self) -> tuple[Row, ...]:
        """Rows whose failure counts against the card."""
        return tuple(row for row in self.rows if row.hard)

    def count(self, verdict: Verdict) -> int:
        """Rows with a verdict."""
        return sum(row.verdict is verdict for row in self.rows)


@dataclass(frozen=True, slots=True)
class OfficialReport:
    """An official test item with what the requirements assigned to it give."""

    item: OfficialItem
    rows: tuple[Row, ...]
    """Requirements that are assigned to it and apply to the card."""

    @property
    def verdict(self) -> Verdict | None:
        """Worst of the requirements that count against the card; None when none does and nothing was run."""
        hard = [row.verdict for row in self.rows if row.hard]
        if hard:
            return worst(hard)
        return worst(row.verdict for row in self.rows) if self.rows else None

    @property
    def passed(self) -> int:
        """Requirements that are passed."""
        return sum(row.verdict is Verdict.PASS for row in self.rows)

    @property
    def deviating(self) -> int:
        """Requirements on which the card deviates without counting against it."""
        return sum(row.is_deviation for row in self.rows)

    @property
    def open(self) -> int:
        """Requirements that no case settled."""
        return sum(row.verdict in (Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.ERROR) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Change:
    """A requirement that was judged differently in the earlier report."""

    row: Row
    before: str
    after: str
    worse: bool


@dataclass(frozen=True, slots=True)
class FlowChange:
    """A rule that was judged differently in a flow of the earlier report."""

    flow: FlowReport
    rule: RuleReport
    before: str
    after: str
    worse: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says."""

    log: Log
    start: RunStarted
    target: TargetConnected | None
    end: RunFinished | None
    catalogue: Catalogue
    judgement: Judgement
    areas: tuple[AreaReport, ...]
    official: tuple[OfficialReport, ...]
    cases: tuple[CaseReport, ...]
    declared: tuple[Declared, ...]
    statistics: Statistics
    flows: tuple[FlowReport, ...] = ()
    of_flows: Conformity | None = None
    """The statement about all flows; None where the run had none."""
    particulars: Particulars = Particulars()
    earlier: str | None = None
    """Number of the earlier report."""
    changes: tuple[Change, ...] = ()
    flow_changes: tuple[FlowChange, ...] = ()
    notes: tuple[Text, ...] = ()
    """What a reader has to know about how this report came about."""
    by_case: Mapping[str, CaseReport] = field(default_factory=dict, repr=False)

    @property
    def has_cases(self) -> bool:
        """Whether there is anything to say of test cases and requirements; a run that had flows alone says nothing of them."""
        return bool(self.cases) or not self.flows

    @property
    def conformity(self) -> Conformity:
        """The statement: of cases and flows the graver one."""
        found = {self.of_flows} if self.of_flows is not None else set()
        if self.has_cases:
            found.add(self.judgement.conformity)
        return next(each for each in _GRAVEST if each in found)

    @property
    def physical(self) -> bool:
        """Whether a card in a reader was tested; a log that names no card is of virtual ones."""
        return self.target is not None and self.target.target == "card in a PC/SC reader"

    @property
    def worse(self) -> int:
        """Requirements and rules that were judged better in the earlier report."""
        return sum(change.worse for change in self.changes) + sum(change.worse for change in self.flow_changes)

    @property
    def suites(self) -> dict[str, list[CaseReport]]:
        """Cases by suite, in the order in which they were run."""
        suites: dict[str, list[CaseReport]] = {}
        for case in self.cases:
            suites.setdefault(case.begin.suite, []).append(case)
        return suites

    @property
    def hard_in_scope(self) -> tuple[Row, ...]:
        """The requirements that must be passed for a statement of conformity."""
        return tuple(row for row in self.judgement.rows if row.hard and row.in_scope)


_GRAVEST = (Conformity.NON_CONFORMANT, Conformity.BENCH_ERROR, Conformity.INCOMPLETE, Conformity.CONFORMANT)
"""A counterexample stays one, whatever happened to the bench; then as the rule of judging has it."""


def build(
    log: Log,
    catalogue: Catalogue,
    profile: Profile | None = None,
    *,
    strict: bool | None = None,
    earlier: Mapping[str, Any] | None = None,
    particulars: Particulars | None = None,
) -> Report:
    """Make the report of a run.

    ``profile`` names files and keys in the decoded evidence; without it the dictionary alone is used. ``earlier`` is the
    content of an earlier ``report.json``. Raises :class:`ValueError` when the log doesn't say what card it was.
    """
    judgement = judge(log.events, catalogue, strict=strict)
    start = log.start
    cases = _cases(log, judgement, profile)
    target = next((event for event in log.events if isinstance(event, TargetConnected)), None)
    last = log.events[-1]
    flows = flow_reports(log.events)
    return Report(
        log=log,
        start=start,
        target=target,
        end=last if isinstance(last, RunFinished) else None,
        catalogue=catalogue,
        judgement=judgement,
        areas=_areas(catalogue, judgement),
        official=_official(catalogue, judgement),
        cases=cases,
        declared=declaration(start, target, catalogue),
        statistics=statistics(log.events),
        flows=flows,
        of_flows=flows_conformity(log.events),
        particulars=particulars or Particulars(),
        earlier=str(earlier["run"]) if earlier else None,
        changes=_changes(judgement, earlier) if earlier and (cases or not flows) else (),
        flow_changes=_flow_changes(flows, earlier) if earlier else (),
        notes=tuple(_notes(log, catalogue, profile, bool(cases) or not flows)),
        by_case={case.begin.case: case for case in cases},
    )


def _cases(log: Log, judgement: Judgement, profile: Profile | None) -> tuple[CaseReport, ...]:
    begins = {event.case: event for event in log.events if isinstance(event, CaseStarted)}
    ends = {event.case: event for event in log.events if isinstance(event, CaseFinished)}
    verdicts = {outcome.case: outcome.verdict for outcome in judgement.outcomes}
    masked = log.start.masked
    evidence = timelines(log.events, verdicts, profile, masked=masked)
    return tuple(
        CaseReport(
            begin=begins[outcome.case],
            end=ends.get(outcome.case),
            outcome=outcome,
            timeline=evidence.get(outcome.case, ()),
            counterexample=counterexample(ends.get(outcome.case), profile, masked=masked),
        )
        for outcome in judgement.outcomes
    )


def _areas(catalogue: Catalogue, judgement: Judgement) -> tuple[AreaReport, ...]:
    rows: dict[str, list[Row]] = {}
    for row in judgement.rows:
        rows.setdefault(row.requirement.area, []).append(row)
    return tuple(
        AreaReport(area, area.code in judgement.scope, tuple(rows.get(area.code, ()))) for area in catalogue.areas
    )


def _official(catalogue: Catalogue, judgement: Judgement) -> tuple[OfficialReport, ...]:
    assigned: dict[str, list[Row]] = {}
    for row in judgement.rows:
        if row.applicability.applies:
            for item in row.requirement.official:
                assigned.setdefault(item.key, []).append(row)
    return tuple(OfficialReport(item, tuple(assigned.get(key, ()))) for key, item in catalogue.official_items.items())


_SETTLED: Sequence[str] = tuple(verdict.value for verdict in Verdict)


def _changes(judgement: Judgement, earlier: Mapping[str, Any]) -> tuple[Change, ...]:
    before = {entry["id"]: entry["verdict"] for entry in earlier["requirements"]}
    changes = []
    for row in judgement.rows:
        old, new = before.get(row.requirement.id), row.verdict.value
        if old is not None and old != new:
            changes.append(Change(row, old, new, _worse(old, new)))
    return tuple(sorted(changes, key=lambda change: not change.worse))


def _flow_changes(flows: Iterable[FlowReport], earlier: Mapping[str, Any]) -> tuple[FlowChange, ...]:
    before = {
        (flow["flow"], rule["rule"]): rule["verdict"] for flow in earlier.get("flows", ()) for rule in flow["rules"]
    }
    changes = []
    for flow in flows:
        for rule in flow.rules:
            old, new = before.get((flow.name, rule.number)), flow.verdict_of(rule).value
            if old is not None and old != new:
                changes.append(FlowChange(flow, rule, old, new, _worse(old, new)))
    return tuple(sorted(changes, key=lambda change: not change.worse))


def _worse(old: str, new: str) -> bool:
    return old in _SETTLED and _SETTLED.index(new) > _SETTLED.index(old)


def _notes(log: Log, catalogue: Catalogue, profile: Profile | None, has_cases: bool) -> Iterable[Text]:
    start = log.start
    if log.cut_off:
        yield Text(
            "事件日志最后一行未写完，已略去",
            "the last line of the event log was not written to its end and is left out",
        )
    if not isinstance(log.events[-1], RunFinished):
        yield Text("事件日志没有结束事件：测试中途被切断", "the event log has no end: the run was cut off")
    if has_cases and start.catalogue_sha256 != catalogue.sha256:
        yield Text(
            "判定使用的要求目录与测试时的版本不同",
            "the requirement catalogue used for judging differs from the one at the time of the run",
        )
    if has_cases and profile is None:
        yield Text(
            f"找不到卡片配置 {start.profile.get('name', '?')}，报文仅按数据字典解析",
            f"the card profile {start.profile.get('name', '?')} was not found; exchanges are decoded by the dictionary alone",
        )
    if not start.masked:
        yield Text(
            f"应要求未隐藏个人数据与密码，理由：{start.unmask_reason or '未说明'}",
            f"personal data and PINs are shown on request; reason: {start.unmask_reason or 'none given'}",
        )
