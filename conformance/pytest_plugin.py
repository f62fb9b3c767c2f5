"""The suites as pytest items: ``pytest --pyargs conformance.suites --sscard-profile ssc3-sm4 [--sscard-reader …]``.

The same engine runs the same cases with the same verdicts as ``sscard certify``. A case that is not applicable or may
not be run is a skip with its reason, an inconclusive one a failure, trouble with the bench an error of the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.log import EventLog

if TYPE_CHECKING:
    from conformance.cases import Case, Suite
    from conformance.engine import Engine
    from conformance.events import Event

WRONG_USE, BENCH_FAILED = 2, 3
SUITES = Path(__file__).parent / "suites"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of ``sscard certify``."""
    group = parser.getgroup("sscard", "certify a social security card")
    group.addoption("--sscard-profile", default="ssc3-sm4", help="card product by name, or a profile file")
    group.addoption("--sscard-reader", help="test the card in this PC/SC reader")
    group.addoption("--sscard-contactless-reader", help="reach the same card through its antenna in this PC/SC reader")
    group.addoption("--sscard-in-process", action="store_true", help="test the virtual card without PC/SC")
    group.addoption("--sscard-expect-card", help="identification code that the card in the reader must show")
    group.addoption("--sscard-level", default="quick", choices=["quick", "standard", "official"])
    group.addoption("--sscard-seed", type=int, default=0, help="seed of the generated cases")
    group.addoption("--sscard-destructive", action="store_true", help="allow cases that use up a card in a reader")
    group.addoption("--sscard-fault", help="break the virtual card by a named fault")
    group.addoption("--sscard-out", type=Path, help="folder for the event log and the reports")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the modules of the suites, and nothing else."""
    if SUITES in file_path.parents and file_path.suffix == ".py" and not file_path.name.startswith("_"):
        return SuiteFile.from_parent(parent, path=file_path)
    return None


class _GaveUp(Exception):
    """There is no run: a sentence that says why, and the exit code of the session."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


class _Session:
    """The run behind the items of a pytest session: opened with the first collected suite, ended with the session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._out: Path | None = config.getoption("--sscard-out")
        self._log = EventLog()
        self._begun = False
        self.engine = self._open()

    def _open(self) -> Engine:
        from conformance import bring_up
        from conformance.cases import Level
        from conformance.engine import Engine, Plan
        from conformance.failures import BenchError
        from conformance.suites import all_suites
        from profiles import ProfileError, load
        from reports.trace.redact import Redactor

        option = self._config.getoption
        reader = option("--sscard-reader")
        if reader is not None and option("--sscard-expect-card") is None:
            raise _GaveUp("--sscard-reader needs --sscard-expect-card, so that no other card is written to", WRONG_USE)
        try:
            profile = load(option("--sscard-profile"))
            bring_up.refuse_unfit(profile)
            target = bring_up.open_target(
                profile,
                reader=reader,
                contactless_reader=option("--sscard-contactless-reader"),
                in_process=option("--sscard-in-process"),
                fault=option("--sscard-fault"),
                tell=lambda zh, en: self._config.issue_config_time_warning(pytest.PytestWarning(f"{zh} · {en}"), 2),
            )
        except (ProfileError, bring_up.WrongUse) as problem:
            raise _GaveUp(str(problem), WRONG_USE) from None
        except BenchError as problem:
            raise _GaveUp(f"the bench failed: {problem}", BENCH_FAILED) from None
        plan = Plan(
            profile=profile,
            profile_argument=option("--sscard-profile"),
            level=Level(option("--sscard-level")),
            seed=option("--sscard-seed"),
            destructive=option("--sscard-destructive") or target.renewable,
            expected_card=option("--sscard-expect-card"),
            command_line=("pytest", *self._config.invocation_params.args),
            tool=bring_up.tool(),
            environment=bring_up.environment(),
            fault=option("--sscard-fault"),
        )
        if self._out is not None:
            try:
                self._log.open(self._out / "run.ndjson")
            except OSError as problem:
                target.close()
                sentence = f"{self._out}: the report cannot be written there ({problem.strerror})"
                raise _GaveUp(sentence, WRONG_USE) from None
        return Engine(plan, target, all_suites(), self._write, Redactor(profile))

    def _write(self, event: Event) -> None:
        """A log that cannot be written ends the session, and not the case that was about to say something."""
        try:
            self._log.write(event)
        except OSError as problem:
            self.engine.trouble = self._unwritten(problem)

    def _unwritten(self, problem: OSError) -> str:
        return f"{self._out}: the report could not be written to its end ({problem.strerror})"

    def begin(self) -> None:
        """Meet the card, once."""
        if not self._begun:
            self._begun = True
            self.engine.begin()
        self._end_in_trouble()

    def _end_in_trouble(self) -> None:
        if self.engine.trouble is not None:
            pytest.exit(f"the bench failed: {self.engine.trouble}", returncode=BENCH_FAILED)

    def close(self, everything_was_run: bool) -> None:
        """End the run and write the reports that were asked for."""
        if self._begun:
            self.engine.complete = everything_was_run and self.engine.trouble is None
            self.engine.end()
        self.engine.target.close()
        try:
            self._report()
        except OSError as problem:
            self.engine.trouble = self._unwritten(problem)
        self._end_in_trouble()  # also where it came with the last case

    def _report(self) -> None:
        from reports.write import write_all

        self._log.close()
        if self._out is not None and self._begun:
            write_all(self._out / "run.ndjson", self._out, profile=self.engine.plan.profile)


SESSION = pytest.StashKey[_Session]()
GAVE_UP = pytest.StashKey[_GaveUp]()


def session_of(config: pytest.Config) -> _Session | None:
    """The run of this pytest session; None where there can be none."""
    if SESSION not in config.stash and GAVE_UP not in config.stash:
        try:
            config.stash[SESSION] = _Session(config)
        except _GaveUp as reason:
            config.stash[GAVE_UP] = reason
    return config.stash.get(SESSION, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the cases in the order of the run: pytest would use a card up with the first files, and judge it in the rest.

    A session without a run ends by one sentence: an error of collection would come again with each suite.
    """
    if GAVE_UP in config.stash:
        reason = config.stash[GAVE_UP]
        pytest.exit(str(reason), returncode=reason.code)
    run = config.stash.get(SESSION, None)
    if run is not None:
        turn = {case.identifier: number for number, (_, case) in enumerate(run.engine.cases)}
        items.sort(key=lambda item: turn[item.case.identifier] if isinstance(item, CaseItem) else -1)


class SuiteFile(pytest.File):
    """A module of the suites."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its cases for the card under test."""
        run = session_of(self.config)
        for suite, case in run.engine.cases if run is not None else ():
            if suite.module == ".".join(self.path.relative_to(SUITES).with_suffix("").parts):
                yield CaseItem.from_parent(self, name=case.identifier, suite=suite, case=case)


class CaseItem(pytest.Item):
    """A case as a pytest item."""

    def __init__(self, *, suite: Suite, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self.suite = suite
        self.case = case

    def runtest(self) -> None:
        """Run the case on the engine and translate its verdict."""
        from conformance.verdict import Verdict

        session = self.config.stash[SESSION]
        session.begin()
        outcome = session.engine.run_case(self.suite, self.case)
        if outcome.failure is not None:
            raise outcome.failure
        if outcome.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
            pytest.skip(f"{outcome.verdict.value}: {outcome.reason}")
        if outcome.verdict is not Verdict.PASS:
            pytest.fail(f"{outcome.verdict.value}: {outcome.reason}", pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A failure of the card in a sentence, without the path through our code."""
        from conformance.failures import CardFailure

        if isinstance(excinfo.value, CardFailure):
            return f"{excinfo.value.zh}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the case stands."""
        return self.path, None, f"{self.case.identifier} {self.case.title.zh}"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the run."""
    if SESSION in session.config.stash:
        interrupted = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        session.config.stash[SESSION].close(not interrupted and not session.shouldstop and not session.shouldfail)
