"""The engine: runs cases on a bench and writes the events; it renders nothing."""

from __future__ import annotations

import secrets
import shlex
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from conformance import events
from conformance.actors.key_service import KeyService
from conformance.bench import Bench, Recorder, Redact, bench_for_case, now
from conformance.cases import Case, Level, Loss, Suite
from conformance.declared import areas_of, catalogue_names, catalogue_of, traits_of
from conformance.dialogue import ENVIRONMENT
from conformance.failures import BenchError, CardFailure, Inconclusive, NotApplicable, NotRun
from conformance.judge import judge
from conformance.probe import Probe, probe
from conformance.requirements import CardTraits, Catalogue
from conformance.targets.base import Interface, Target
from conformance.verdict import Conformity, Verdict
from profiles import profile_sha256
from profiles.applications import open_points
from profiles.model import Profile

RUN_NUMBER_BYTES = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run on which card."""

    profile: Profile
    profile_argument: str = ""
    """How the profile was named, for the line that repeats a case; its own name when empty."""
    level: Level = Level.QUICK
    seed: int = 0
    destructive: bool = False
    expected_card: str | None = None
    """卡的识别码 that the card must show (hexadecimal, a leading part is enough); None to take any."""
    only: tuple[str, ...] = ()
    """Leading parts of case identifiers to run; empty for all."""
    strict: bool = False
    """Whether MUST requirements of low confidence decide, too."""
    command_line: tuple[str, ...] = ()
    tool: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    unmask_reason: str | None = None
    fault: str | None = None
    """Named fault of the virtual card."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case."""

    case: Case
    verdict: Verdict
    failure: CardFailure | None = None
    reason: str = ""
    """Why it is no pass, in a sentence."""


class WrongCard(BenchError):
    """The card is not the one that was named."""


def cases_of(plan: Plan, suites: Iterable[Suite], traits: CardTraits) -> list[tuple[Suite, Case]]:
    """The cases of a plan; destructive ones last, so that they spoil nothing for the others, what takes something for ever after these.

    Those of the antenna come together, so that a card that has to be moved is moved once.
    """
    catalogue, areas = catalogue_of(plan.profile), areas_of(plan.profile)
    chosen = [
        (suite, case)
        for suite in suites
        for case in suite.cases(plan.profile)
        if (not plan.only or case.identifier.startswith(plan.only))
        and case.level.rank <= plan.level.rank
        and _concerns(catalogue, case, traits, areas)
    ]
    return sorted(chosen, key=lambda pair: _turn(pair[1]))


def _turn(case: Case) -> tuple[Loss, bool, bool]:
    return case.loss, case.destructive, case.side is Interface.CONTACTLESS


def _concerns(catalogue: Catalogue, case: Case, traits: CardTraits, areas: Collection[str]) -> bool:
    """Whether any requirement of the case is in the catalogue, in one of the areas unless there are none, and applies."""
    known, assessed = catalogue.requirements, catalogue.assessed(traits)
    return any(
        name in known and assessed[name].applies and (not areas or known[name].area in areas)
        for name in case.requirements
    )


def _origin(broken: BaseException) -> str:
    """Module and line at which an exception arose, for whoever mends the case."""
    frames = traceback.extract_tb(broken.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def new_run_number() -> str:
    """A number that no other run has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(RUN_NUMBER_BYTES)}"


def announcement(plan: Plan, run: str) -> events.RunStarted:
    """The event with which a run of a plan begins."""
    profile, catalogue = plan.profile, catalogue_of(plan.profile)
    return events.RunStarted(
        t=now(),
        run=run,
        tool=dict(plan.tool),
        command_line=list(plan.command_line),
        level=plan.level.value,
        seed=plan.seed,
        destructive=plan.destructive,
        strict=plan.strict,
        masked=plan.unmask_reason is None,
        unmask_reason=plan.unmask_reason,
        profile={
            "name": profile.name,
            "sha256": profile_sha256(profile),
            "title": profile.title.model_dump(),
            "specification": profile.specification,
            "algorithm": profile.algorithm,
            "catalogues": list(catalogue_names(profile)),
            "features": sorted(traits_of(profile).features),
            "life_cycle": profile.life_cycle,
        },
        assumptions=[
            {name: getattr(assumption, name) for name in assumption.__slots__} for assumption in open_points(profile)
        ],
        keys=KeyService(profile, profile.chip.historical).check_values(),
        catalogue_sha256=catalogue.sha256,
        areas=list(areas_of(plan.profile)),
        environment=dict(plan.environment),
    )


class Engine:
    """One run. Iterate over :meth:`run`; events go to ``emit`` as they happen."""

    def __init__(
        self,
        plan: Plan,
        target: Target,
        suites: Iterable[Suite],
        emit: Callable[[events.Event], None],
        redact: Redact,
        heed: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan = plan
        self.target = target
        self.catalogue = catalogue_of(plan.profile)
        self.traits = traits_of(plan.profile)
        self.cases = cases_of(plan, suites, self.traits)
        self._emit_further = emit
        self._log: list[events.Event] = []
        recorder = Recorder(self._emit, redact, heed=heed)
        self.bench = Bench(target, plan.profile, self.traits, recorder)
        self.bench.destructive = plan.destructive
        self.bench.confirm_card = self._confirm_card
        self.run_number = new_run_number()
        self._started = perf_counter()
        self._exchanges = 0
        self.conformity = Conformity.INCOMPLETE
        self.unsettled = 0
        """Deciding requirements that the run left open, at its end."""
        self.counts: dict[str, int] = {}
        """Cases by verdict, so far."""
        self.trouble: str | None = None
        """What went wrong with the bench; nothing can be run any more."""
        self.complete = False
        """Whether everything planned was run."""

    def _emit(self, event: events.Event) -> None:
        if not isinstance(event, (events.Exchange, events.Step)):
            self._log.append(event)
        self._emit_further(event)

    def run(self) -> Iterator[Outcome]:
        """Run all cases; always ends with the event of the end, whatever happened."""
        self.begin()
        try:
            for suite, case in self.cases:
                if self.trouble is not None:
                    return
                yield self.run_case(suite, case)
            self.complete = self.trouble is None
        finally:
            self.end()

    def begin(self) -> None:
        """Announce the run and meet the card; trouble with the bench is kept in :attr:`trouble`."""
        self._emit(announcement(self.plan, self.run_number))
        try:
            self._meet_the_card()
        except BenchError as problem:
            self.trouble = str(problem)

    def end(self) -> None:
        """Judge what was run and write the event of the end."""
        end = events.RunFinished(
            t=now(),
            interrupted=not self.complete,
            reason=self.trouble,
            conformity=(Conformity.BENCH_ERROR if self.trouble else Conformity.INCOMPLETE).value,
            exchanges=self._exchanges,
            seconds=perf_counter() - self._started,
        )
        judgement = judge([*self._log, end], self.catalogue)
        self.conformity, self.unsettled = judgement.conformity, len(judgement.unsettled)
        self._emit_further(replace(end, conformity=self.conformity.value))

    def _meet_the_card(self) -> None:
        """Switch the card on, look who it is, and refuse any other than the expected one."""
        self.bench.connect()
        found: Probe = probe(self.bench)
        self._emit(
            events.TargetConnected(
                t=now(),
                target=self.target.description.kind,
                reader=self.target.description.reader,
                protocol=self.target.description.protocol,
                atr=self.bench.atr.hex().upper(),
                identification=found.identification,
                observed=found.observed,
                interfaces=[str(interface) for interface in self.target.interfaces],
                contactless_reader=self.target.description.contactless_reader,
            )
        )
        self._require_expected(found)

    def _confirm_card(self) -> None:
        """Look who is there after another reader was turned to; nothing is written to another card."""
        if self.plan.expected_card is not None:
            self._require_expected(probe(self.bench))

    def _require_expected(self, found: Probe) -> None:
        """A product without 卡的识别码, such as a debit card, is known by its reset answer."""
        expected = self.plan.expected_card
        shown = found.identification
        if shown is None and ENVIRONMENT not in self.plan.profile.directory:
            shown = self.bench.atr.hex().upper()
        if expected is not None and not (shown or "").startswith(expected.upper()):
            raise WrongCard(
                f"the card in the reader is {shown or 'unknown'}, not {expected.upper()}: nothing was done to it"
            )

    def run_case(self, suite: Suite, case: Case) -> Outcome:
        """Run one case and write its events; trouble with the bench is kept in :attr:`trouble`."""
        started = perf_counter()
        self._emit(
            events.CaseStarted(
                t=now(),
                case=case.identifier,
                suite=suite.name,
                title=case.title.model_dump(),
                kind=case.kind.value,
                requirements=list(case.requirements),
                item=self._item(case),
                expected=case.expected.model_dump(),
                destructive=case.destructive,
                suite_title=suite.title.model_dump(),
            )
        )
        verdict, failure, reason = self._judge(case)
        self.counts[verdict.value] = self.counts.get(verdict.value, 0) + 1
        self._exchanges += self.bench.recorder.count
        self._emit(
            events.CaseFinished(
                t=now(),
                case=case.identifier,
                verdict=verdict.value,
                requirement=failure.requirement if failure else None,
                reason=reason,
                expected=failure.expected if failure else None,
                received=failure.received if failure else None,
                counterexample=list(self.bench.recorder.example) if failure else [],
                reproduce=self._reproduce(case) if verdict is not Verdict.PASS else None,
                examples=self.bench.examples_run,
                exchanges=self.bench.recorder.count,
                seconds=perf_counter() - started,
            )
        )
        return Outcome(case, verdict, failure, reason["en"] if reason else "")

    def _judge(self, case: Case) -> tuple[Verdict, CardFailure | None, dict[str, str] | None]:
        """Run the body of a case and say how it ended."""
        try:
            bench_for_case(self.bench, case, self.plan.level, self.plan.seed)
            self._run_body(case)
        except CardFailure as failure:
            return Verdict.FAIL, failure, self._masked(failure.zh, failure.en)
        except Inconclusive as doubt:
            return Verdict.INCONCLUSIVE, None, self._masked(doubt.zh, doubt.en)
        except NotApplicable as why:
            return Verdict.NOT_APPLICABLE, None, {"zh": why.zh, "en": why.en}
        except NotRun as why:
            return Verdict.NOT_RUN, None, {"zh": why.zh, "en": why.en}
        except BenchError as problem:
            self.trouble = str(problem)
            return Verdict.ERROR, None, {"zh": f"测试台故障：{problem}", "en": f"the bench failed: {problem}"}
        except Exception as broken:
            where = f"{type(broken).__name__}: {broken}{_origin(broken)}"
            return Verdict.ERROR, None, self._masked(f"测试用例自身出错：{where}", f"the case itself broke: {where}")
        return Verdict.PASS, None, None

    def _run_body(self, case: Case) -> None:
        """Run the body of a case, and put the card back however that ended, unless the bench failed."""
        try:
            case.body(self.bench)
            self.bench.finish()
        except BenchError:
            raise
        except BaseException:
            self._put_back(case)
            raise
        self._put_back(case)

    def _put_back(self, case: Case) -> None:
        """Give a card that stays in the bench what a destructive case used up, for the cases after it."""
        if case.restore is None or not case.destructive or case.loss or self.target.renewable:
            return
        shown = list(self.bench.recorder.example)
        self.bench.step("恢复卡片", "the card is put back")
        try:
            case.restore(self.bench)
        except (CardFailure, Inconclusive, NotApplicable, NotRun) as problem:
            why = self._masked(problem.zh, problem.en)
            self.bench.step(f"未能恢复：{why['zh']}", f"could not be put back: {why['en']}")
        self.bench.recorder.example[:] = shown  # what shows a failure ends with it

    def _masked(self, zh: str, en: str) -> dict[str, str]:
        """A reason in both languages without secrets."""
        text = self.bench.recorder.redact.text
        return {"zh": text(zh), "en": text(en)}

    def _item(self, case: Case) -> str | None:
        """The official item of the case's first requirement that has one."""
        requirements = self.catalogue.requirements
        return next((str(item) for name in case.requirements for item in requirements[name].official), None)

    def _reproduce(self, case: Case) -> str:
        """The command line that shows a result again."""
        plan = self.plan
        words = ["sscard", "certify", "--profile", plan.profile_argument or plan.profile.name]
        if self.target.description.kind == "in-process":
            words.append("--in-process")
        elif self.target.description.kind == "card in a PC/SC reader":
            words += ["--reader", self.target.description.reader or "", "--expect-card", plan.expected_card or ""]
            if self.target.description.contactless_reader is not None:
                words += ["--contactless-reader", self.target.description.contactless_reader]
        if plan.fault is not None:
            words += ["--fault", plan.fault]
        words += ["--level", plan.level.value, "--seed", str(plan.seed), "--only", case.identifier]
        if case.destructive and not self.target.renewable:
            words.append("--destructive")
        return shlex.join(words)
