"""``sscard certify``: run the suites on a card and leave a report."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.engine import Engine, Outcome, Plan
    from conformance.targets.base import Target
    from profiles.model import Profile

WRONG_USE, BENCH_FAILED = 2, 3


class LevelName(StrEnum):
    """The levels by the names of the command line."""

    quick = "quick"
    standard = "standard"
    official = "official"


def certify(
    profile: Annotated[str, typer.Option(help="Card product by name, or a profile file (TOML).")] = "ssc3-sm4",
    reader: Annotated[
        str | None, typer.Option(help="Test the card in this PC/SC reader (name or a part of it).")
    ] = None,
    contactless_reader: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Reach the same card through its antenna in this PC/SC reader; goes with --reader. A card that must be "
            "moved is asked for.",
        ),
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Test the virtual card in this process, without PC/SC.")
    ] = False,
    expect_card: Annotated[
        str | None,
        typer.Option(
            help="Identification code 卡的识别码 (hex, or its beginning) that the card must show; ATR where none is."
        ),
    ] = None,
    level: Annotated[LevelName, typer.Option(help="How much is run.")] = LevelName.quick,
    seed: Annotated[int, typer.Option(help="Seed of the generated cases.")] = 0,
    destructive: Annotated[
        bool,
        typer.Option("--destructive", help="Allow cases that use a card in a reader up (blocked PIN, card block)."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the report; default: out/ and the run's number.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Run only cases whose identifier begins so; may be repeated.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let MUST requirements of every confidence decide.")] = False,
    fault: Annotated[
        str | None, typer.Option(help="Break the virtual card by a named fault; 'list' shows them.")
    ] = None,
    unmask: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Write secrets and personal data unmasked; the report says why."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Certify a card: the virtual one in a PC/SC reader of its own, or the one in a reader.

    Exit code: 0 conformant, 1 not conformant, 2 incomplete or wrong use, 3 the bench failed.
    """
    from conformance import bring_up
    from conformance.cases import Level
    from conformance.engine import Plan
    from conformance.failures import BenchError

    if fault == "list":
        _list_faults()
        return
    _refuse_contradictions(reader, in_process, expect_card, fault, unmask)
    loaded = _load_profile(profile)
    say = _Voice(as_json)
    try:
        bring_up.refuse_unfit(loaded)
        target = bring_up.open_target(
            loaded,
            reader=reader,
            contactless_reader=contactless_reader,
            in_process=in_process,
            fault=fault,
            tell=say.both,
        )
    except bring_up.WrongUse as problem:
        _give_up(str(problem), WRONG_USE)
    except BenchError as problem:
        _give_up(str(problem), BENCH_FAILED)
    plan = Plan(
        profile=loaded,
        profile_argument=profile,
        level=Level(level.value),
        seed=seed,
        destructive=destructive or target.renewable,
        expected_card=expect_card,
        only=tuple(only or ()),
        strict=strict,
        command_line=("sscard", *sys.argv[1:]),
        tool=bring_up.tool(),
        environment=bring_up.environment(),
        unmask_reason=unmask,
        fault=fault,
    )
    try:
        code = _run(plan, target, out, say)
    finally:
        target.close()
    raise typer.Exit(code)


class _Voice:
    """What is said while a run goes on: on standard error, and little when JSON was asked for."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.failures: list[dict[str, str]] = []
        """Each failed check, for the result in JSON."""

    def both(self, zh: str, en: str) -> None:
        """A sentence in both languages."""
        typer.echo(f"{zh} · {en}", err=True)


def _give_up(sentence: str, code: int) -> NoReturn:
    typer.echo(f"sscard certify: {sentence}", err=True)
    raise typer.Exit(code)


def _refuse_contradictions(
    reader: str | None, in_process: bool, expect_card: str | None, fault: str | None, unmask: str | None
) -> None:
    if reader is not None and in_process:
        _give_up("--reader and --in-process exclude each other; give one of them", WRONG_USE)
    if reader is not None and fault is not None:
        _give_up("--fault breaks a virtual card, not one in a reader; leave --reader away", WRONG_USE)
    if expect_card is not None and (not expect_card or set(expect_card.upper()) - set("0123456789ABCDEF")):
        _give_up(f"--expect-card {expect_card!r} is not hexadecimal", WRONG_USE)
    if unmask is not None and not unmask.strip():
        _give_up("--unmask needs a reason, which the report will show", WRONG_USE)
    if reader is not None and expect_card is None:
        _give_up(
            "a card in a reader is tested only when --expect-card says which card it must be, so that no other card is "
            f"written to. {_who_is_there(reader)}",
            WRONG_USE,
        )


def _who_is_there(reader: str) -> str:
    """A sentence about the card in a reader, found out without any change to it."""
    from conformance.failures import BenchError
    from conformance.targets.pcsc import PcscTarget, choose_reader, list_readers

    try:
        target = PcscTarget(choose_reader(reader, list_readers()))
        try:
            atr = target.connect()
            for command in ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00B2012C12"):
                answer = target.transmit(bytes.fromhex(command))
        finally:
            target.close()
    except BenchError as problem:
        return str(problem)
    if len(answer) == 20 and answer.endswith(bytes.fromhex("9000")):
        return f"The card there shows {answer[2:18].hex().upper()}."
    shown = f"The card there shows no identification code; its ATR is {atr.hex().upper()}"
    return f"{shown}, which --expect-card takes for a product that has none."


def _load_profile(name: str) -> Profile:
    from profiles import ProfileError, load

    try:
        return load(name)
    except ProfileError as error:
        _give_up(str(error), WRONG_USE)


def _list_faults() -> None:
    from conformance.faults import FAULTS

    for name, fault in sorted(FAULTS.items()):
        typer.echo(f"{name:44} {fault.zh} · {fault.en}")


def _run(plan: Plan, target: Target, out: Path | None, say: _Voice) -> int:
    """Run the plan with a progress bar, write the log and the reports, and say how it ended."""
    from conformance.bench import NoRedaction
    from conformance.engine import Engine
    from conformance.interruption import Interruption
    from conformance.log import EventLog
    from conformance.suites import all_suites
    from reports.trace.redact import Redactor
    from reports.write import write_all

    redact = Redactor(plan.profile) if plan.unmask_reason is None else NoRedaction()
    log = EventLog()
    interruption = Interruption()
    engine = Engine(plan, target, all_suites(), log.write, redact, interruption.heed)
    names = [case.identifier for _, case in engine.cases]
    idle = [beginning for beginning in plan.only if not any(name.startswith(beginning) for name in names)]
    if idle:
        _give_up(f"no case begins with {' or with '.join(idle)}", WRONG_USE)
    folder = out or Path("out") / engine.run_number
    try:
        log.open(folder / "run.ndjson")
    except OSError as problem:
        _give_up(f"{folder}: the report cannot be written there ({problem.strerror})", WRONG_USE)
    try:
        with log, interruption:
            _progress(engine, say)
        written = write_all(folder / "run.ndjson", folder, profile=plan.profile)
    except OSError as problem:
        _give_up(f"{folder}: the report could not be written to its end ({problem.strerror})", BENCH_FAILED)
    _conclude(engine, written.html, say)
    return engine.conformity.value


def _progress(engine: Engine, say: _Voice) -> None:
    """Step through the run; Ctrl-C ends it early, and what was found until then is reported."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=say.as_json) as bar:
        task = bar.add_task("", total=len(engine.cases))
        try:
            for outcome in engine.run():
                _tell(outcome, say, bar.console)
                bar.update(task, advance=1, description=outcome.case.identifier)
        except KeyboardInterrupt:
            say.both("已中断", "interrupted; what was found until now is reported")


def _tell(outcome: Outcome, say: _Voice, console: Console) -> None:
    """Say in the log of a pipeline what is no pass and why; lines are not broken, so that a search finds them whole."""
    case, failure = outcome.case, outcome.failure
    if failure is not None:
        mark, requirement = "✗", failure.requirement or "—"
        came = f"期望 expected {failure.expected}, 实际 received {failure.received}"
        reason = f"{requirement}  {failure.zh} {failure.en}: {came}"
        told = {"check": failure.en, "expected": failure.expected, "received": failure.received}
        say.failures.append({"case": case.identifier, "requirement": requirement, **told})
    elif outcome.verdict.value in ("inconclusive", "error"):
        mark, reason = "?", f"{outcome.verdict.value}: {outcome.reason}"
    else:
        return
    for line in (f"{mark} {case.identifier}  {case.title.zh} {case.title.en}", f"  {reason}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _conclude(engine: Engine, report: Path, say: _Voice) -> None:
    """Print the verdict and where the report lies."""
    counts = engine.counts
    if say.as_json:
        result = {
            "run": engine.run_number,
            "conformity": engine.conformity.en,
            "exit_code": engine.conformity.value,
            "verdicts": counts,
            "failures": say.failures,
            "unsettled": engine.unsettled,
            "trouble": engine.trouble,
            "report": str(report),
        }
        typer.echo(json.dumps(result, ensure_ascii=False))
        return
    if engine.trouble is not None:
        typer.echo(f"测试台故障 · the bench failed: {engine.trouble}", err=True)
    typer.echo("  ".join(f"{name}: {count}" for name, count in counts.items()))
    if engine.unsettled and engine.trouble is None:
        typer.echo(f"未判定的判定性要求 deciding requirements that are not settled: {engine.unsettled}")
    typer.echo(f"结论 {engine.conformity.zh} · {engine.conformity.en}")
    typer.echo(f"报告 report: {report}")
