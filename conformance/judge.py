"""The rule of judging: from the events of a run to the verdict of every requirement and the statement of conformity.

**A requirement's verdict** is the worst that its cases give it. What a case gives to each requirement that it names:

| the case | the requirement | gives |
|---|---|---|
| pass | all | pass |
| fail | named by the failure, or by a check that was bad | fail |
| fail | others, when every check of their own was good and there was one | pass: what was reached was good |
| fail | others | inconclusive: the case broke off before it could tell |
| fail that names no requirement at all | all | fail: nobody can say which one is spared |
| any but error, with a bad check of the requirement | that one | fail: a log that contradicts itself is read to the card's disadvantage |
| inconclusive, not run, error | all | the same |
| not applicable | all | nothing |
| started and never finished | all | inconclusive |

A requirement that doesn't apply to the card is *not applicable* whatever its cases say; one that applies and to which no case
gave anything is *not run*.

**Hard requirements.** A failure counts against the card when the requirement applies to it, is a MUST, and stands on official
text or on several independent programs (``Applicability.hard``). With ``strict`` every MUST is hard. All other failures are
findings: deviations from the reconstruction, never non-conformity.

**The scope** is what the catalogue's suites cover, narrowed to the areas that the run declared. Every hard requirement in it must be
passed. A hard requirement that fails outside the scope fails all the same.

**The statement**, the first line that holds:

1. *not conformant*: a hard requirement failed. One counterexample stays one, whatever happened to the bench later.
2. *bench error*: a case ended in error, or the run says that its bench failed.
3. *incomplete*: the run was interrupted or cut off, no case ran, a hard requirement in the scope is not passed, or a case failed
   that names no requirement of the catalogue.
4. *conformant*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from conformance.events import CaseFinished, CaseStarted, Check, Event, RunFinished, RunStarted
from conformance.requirements import (
    Algorithm,
    Applicability,
    CardTraits,
    Catalogue,
    Coverage,
    Level,
    Requirement,
    load_catalogue,
)
from conformance.verdict import Conformity, Verdict, worst

RULE_ZH = (
    "判定规则：凡适用于本卡、属于本次覆盖范围、级别为 MUST 且依据为官方文本（S）或多个独立程序（P+）的要求，全部通过则判为“符合”；"
    "其中任一不通过则判为“不符合”；其中任一未执行或无法判定，或测试被中断，则判为“不完整”；测试台出错则不对卡片作结论。"
    "其他要求不通过记为“与重构规范的偏差”，不影响结论。"
)
RULE_EN = (
    "Decision rule: the card is conformant if every requirement that applies to it, lies in the scope, is a MUST and rests on official text (S) or on "
    "several independent programs (P+) is passed; not conformant if one of them failed; incomplete if one of them was not run or is inconclusive, or "
    "the run was interrupted; when the bench failed nothing is stated of the card. Other failed requirements are deviations from the reconstruction "
    "and do not decide."
)
RULE_STRICT_ZH = "严格方式：所有适用的 MUST 要求，不论依据等级，均参与判定。"
RULE_STRICT_EN = "Strict: every applicable MUST decides, whatever it rests on."


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """A test case with everything that the log says about its verdict."""

    case: str
    verdict: Verdict
    requirements: tuple[str, ...]
    finished: bool
    given: Mapping[str, Verdict]
    """What the case gives to each of its requirements."""


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement of the catalogue with its verdict."""

    requirement: Requirement
    applicability: Applicability
    hard: bool
    """Whether its failure makes the card not conformant."""
    in_scope: bool
    verdict: Verdict
    cases: tuple[tuple[str, Verdict], ...] = ()

    @property
    def is_nonconformity(self) -> bool:
        """Whether this row makes the card not conformant."""
        return self.hard and any(verdict is Verdict.FAIL for _, verdict in self.cases)

    @property
    def is_deviation(self) -> bool:
        """Whether a case failed on it without making the card not conformant."""
        return not self.hard and any(verdict is Verdict.FAIL for _, verdict in self.cases)

    @property
    def is_open(self) -> bool:
        """Whether the statement needs it passed and no case settled it."""
        return self.hard and self.in_scope and not self.is_nonconformity and self.verdict is not Verdict.PASS


@dataclass(frozen=True, slots=True)
class Judgement:
    """The statement with the verdicts behind it."""

    conformity: Conformity
    strict: bool
    scope: tuple[str, ...]
    """Codes of the areas that the statement speaks of."""
    rows: tuple[Row, ...]
    outcomes: tuple[CaseOutcome, ...]
    interrupted: bool
    bench_failed: bool
    orphans: tuple[str, ...]
    """Failed cases that name no requirement of the catalogue."""
    by_id: Mapping[str, Row] = field(repr=False)

    @property
    def nonconformities(self) -> tuple[Row, ...]:
        """Rows that make the card not conformant."""
        return tuple(row for row in self.rows if row.is_nonconformity)

    @property
    def deviations(self) -> tuple[Row, ...]:
        """Rows that failed without deciding."""
        return tuple(row for row in self.rows if row.is_deviation)

    @property
    def unsettled(self) -> tuple[Row, ...]:
        """Rows that would have to be settled for a complete statement."""
        return tuple(row for row in self.rows if row.is_open)


def traits_of(start: RunStarted) -> CardTraits:
    """The traits of the card as the run declared them; raise :class:`ValueError` when they are none."""
    profile = start.profile
    features = profile.get("features", [])
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise ValueError("the features of the card profile are no list of names")
    version, algorithm = profile.get("specification"), profile.get("algorithm")
    if not isinstance(version, str) or not isinstance(algorithm, str):
        raise ValueError("the card profile names no specification version or no algorithm")
    return CardTraits(version, cast(Algorithm, algorithm), frozenset(features))


def catalogue_of(start: RunStarted) -> Catalogue:
    """The requirements that the run judged by, those of social security in logs that name none.

    Raises :class:`ValueError` when the log names a catalogue that this program does not have.
    """
    names = start.profile.get("catalogues", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("the catalogues of the card profile are no list of names")
    return load_catalogue(*names)


def judge(events: Iterable[Event], catalogue: Catalogue, *, strict: bool | None = None) -> Judgement:
    """Judge a run. ``strict`` absent: as the run was started.

    Raises :class:`ValueError` when the log doesn't begin with a run, or doesn't say what card it was.
    """
    telling = RunStarted | CaseStarted | Check | CaseFinished | RunFinished
    events = [event for event in events if isinstance(event, telling)]
    if not events or not isinstance(events[0], RunStarted):
        raise ValueError("the event log does not begin with the event RunStarted")
    start, last = events[0], events[-1]
    strict = start.strict if strict is None else strict
    traits = traits_of(start)
    catalogue.applicable(traits)  # complains about a feature that the catalogue doesn't know
    outcomes = case_outcomes(events)
    scope = tuple(
        area.code
        for area in catalogue.areas
        if area.coverage is Coverage.COVERED and (not start.areas or area.code in start.areas)
    )
    rows = _rows(catalogue, traits, outcomes, scope, strict)
    end = last if isinstance(last, RunFinished) else None
    failed = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    orphans = tuple(
        outcome.case for outcome in failed if catalogue.requirements.keys().isdisjoint(outcome.requirements)
    )
    bench_failed = any(outcome.verdict is Verdict.ERROR for outcome in outcomes) or bool(
        end and end.interrupted and end.conformity == Conformity.BENCH_ERROR.value
    )
    interrupted = end is None or end.interrupted
    if any(row.is_nonconformity for row in rows):
        conformity = Conformity.NON_CONFORMANT
    elif bench_failed:
        conformity = Conformity.BENCH_ERROR
    elif interrupted or orphans or not outcomes or any(row.is_open for row in rows):
        conformity = Conformity.INCOMPLETE
    else:
        conformity = Conformity.CONFORMANT
    by_id = {row.requirement.id: row for row in rows}
    return Judgement(conformity, strict, scope, rows, outcomes, interrupted, bench_failed, orphans, by_id)


def case_outcomes(events: Iterable[Event]) -> tuple[CaseOutcome, ...]:
    """What each case of the log gives to its requirements, in the order in which the cases began."""
    started: dict[str, CaseStarted] = {}
    finished: dict[str, CaseFinished] = {}
    checks: dict[str, list[Check]] = {}
    for event in events:
        if isinstance(event, CaseStarted):
            started[event.case] = event
        elif isinstance(event, CaseFinished):
            finished[event.case] = event
        elif isinstance(event, Check):
            checks.setdefault(event.case, []).append(event)
    return tuple(_outcome(begin, finished.get(case), checks.get(case, ())) for case, begin in started.items())


def _outcome(begin: CaseStarted, end: CaseFinished | None, checks: Sequence[Check]) -> CaseOutcome:
    verdict = _verdict(end.verdict) if end else Verdict.INCONCLUSIVE
    decisive = {end.requirement} if end and end.requirement else set()
    bad = {check.requirement for check in checks if not check.good and check.requirement}
    good = {check.requirement for check in checks if check.good} - bad
    named = tuple(dict.fromkeys([*begin.requirements, *sorted(decisive | bad)]))
    given: dict[str, Verdict] = {}
    for requirement in named:
        if verdict is Verdict.ERROR:
            given[requirement] = Verdict.ERROR
        elif requirement in bad or (verdict is Verdict.FAIL and requirement in decisive):
            given[requirement] = Verdict.FAIL
        elif verdict is Verdict.FAIL:
            spared = Verdict.PASS if requirement in good else Verdict.INCONCLUSIVE
            given[requirement] = spared if bad or decisive else Verdict.FAIL
        elif verdict is not Verdict.NOT_APPLICABLE:
            given[requirement] = verdict
    return CaseOutcome(begin.case, verdict, named, end is not None, given)


def _verdict(text: str) -> Verdict:
    """A verdict that a newer log may write is none that this rule can read."""
    try:
        return Verdict(text)
    except ValueError:
        return Verdict.INCONCLUSIVE


def _rows(
    catalogue: Catalogue, traits: CardTraits, outcomes: Sequence[CaseOutcome], scope: Sequence[str], strict: bool
) -> tuple[Row, ...]:
    given: dict[str, list[tuple[str, Verdict]]] = {}
    for outcome in outcomes:
        for name, verdict in outcome.given.items():
            given.setdefault(name, []).append((outcome.case, verdict))
    rows = []
    assessed = catalogue.assessed(traits)
    for requirement in catalogue.requirements.values():
        cases = tuple(given.get(requirement.id, ()))
        found = assessed[requirement.id]
        hard = found.applies and (found.hard or (strict and found.level is Level.MUST))
        verdict = worst(verdict for _, verdict in cases) if found.applies else Verdict.NOT_APPLICABLE
        rows.append(Row(requirement, found, hard, requirement.area in scope, verdict, cases))
    return tuple(rows)
