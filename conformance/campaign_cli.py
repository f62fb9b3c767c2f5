"""``sscard campaign``: run the flows of issuance and settlement with every failure, and judge them from the outside."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Protocol, TypeVar

import typer

from conformance.cli import LevelName

if TYPE_CHECKING:
    from conformance.campaign.campaign import Campaign, Order
    from conformance.cases import Level
    from conformance.events import Event
    from conformance.verdict import Conformity

WRONG_USE, BENCH_FAILED = 2, 3
PROFILE = "ssc3-sm4"


def campaign(
    flow: Annotated[
        list[str] | None, typer.Option(help="Run only this flow; may be repeated. 'list' shows the flows.")
    ] = None,
    failure: Annotated[
        list[str] | None, typer.Option(help="Let only this failure strike; may be repeated. 'list' shows them.")
    ] = None,
    level: Annotated[
        LevelName, typer.Option(help="How many places of each step are struck; official: every one.")
    ] = LevelName.quick,
    seed: Annotated[int, typer.Option(help="Chooses the places, where the level does not take all.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes; the results are the same for any number.")] = min(
        2, os.cpu_count() or 1
    ),
    out: Annotated[Path | None, typer.Option(help="Folder for the report; default: out/ and the run's number.")] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="FLOW/STEP/FAILURE/PLACE", help="Run this single trial, as a broken rule names it."),
    ] = None,
    fault: Annotated[
        str | None, typer.Option(help="Plant a named fault into a flow, which a rule must find; 'list' shows them.")
    ] = None,
    soak: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            min=0.05,
            max=1440,
            help="Let a city of processes work for so long while stations, hosts and cards are killed (SIGKILL) at random.",
        ),
    ] = None,
    citizens: Annotated[int, typer.Option(min=3, max=8, help="How many persons the city of --soak has.")] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Run flows with failures at every step and check after each recovery that the eight rules hold.

    Exit code: 0 every rule held, 1 a rule was broken, 2 interrupted, nothing tried, or wrong use, 3 the bench failed.
    """
    from conformance.campaign.campaign import Campaign, Order, spec_of
    from conformance.campaign.failures import FAILURES
    from conformance.campaign.flows import MODULES
    from conformance.campaign.planted import PLANTED
    from conformance.cases import Level

    if soak is not None:
        from conformance.soak_cli import run_soak

        if flow or failure or only:
            _give_up(
                "--soak runs everything at once; of the other options it takes --seed, --citizens, --fault and --out"
            )
        raise typer.Exit(run_soak(soak, seed, citizens, fault or "", out, as_json=as_json))
    if "list" in (*(flow or ()), *(failure or ()), fault):
        _list(flows="list" in (flow or ()), failures="list" in (failure or ()))
        return
    for option, names, known in (("--flow", flow, MODULES), ("--failure", failure, FAILURES)):
        for name in names or ():
            if name not in known:
                _give_up(f"{option} {name!r} is unknown; give {', '.join(known)}")
    if fault is not None and fault not in PLANTED:
        _give_up(f"--fault {fault!r} is unknown; see: sscard campaign --fault list")
    try:
        single = spec_of(only) if only is not None else None
    except ValueError as problem:
        _give_up(f"--only {problem}")
    if single is not None and single.flow not in MODULES:
        _give_up(f"--only {only!r} begins with no flow; give {', '.join(MODULES)}")
    wanted = [single.flow] if single else flow or ([PLANTED[fault].flow] if fault else list(MODULES))
    if fault is not None and wanted != [PLANTED[fault].flow]:
        _give_up(f"--fault {fault} is planted into the flow {PLANTED[fault].flow}, not into {wanted[0]}")
    order = Order(
        tuple(name for name in MODULES if name in wanted),
        tuple(failure or ()),
        Level(level.value),
        seed,
        jobs,
        fault or "",
        single,
    )
    raise typer.Exit(_run(order, out, Campaign, as_json=as_json))


def _give_up(sentence: str, code: int = WRONG_USE) -> NoReturn:
    typer.echo(f"sscard campaign: {sentence}", err=True)
    raise typer.Exit(code)


def _list(*, flows: bool, failures: bool) -> None:
    from conformance.campaign.failures import FAILURES
    from conformance.campaign.flows import MODULES, flow_of
    from conformance.campaign.planted import PLANTED

    if flows:
        for name in MODULES:
            found = flow_of(name)
            typer.echo(f"{name:20} {found.number}  {found.zh} · {found.en}")
    elif failures:
        for each in FAILURES.values():
            typer.echo(f"{each.name:20} {each.zh} · {each.en}")
    else:
        for name, planted in sorted(PLANTED.items()):
            rules = ",".join([*map(str, planted.rules), *planted.rows])
            typer.echo(f"{name:34} {planted.flow:18} {rules:28} {planted.zh} · {planted.en}")


def _run(order: Order, out: Path | None, kind: type[Campaign], *, as_json: bool) -> int:
    """Run a campaign with a progress bar, write the log and the report, and say how it ended."""
    work, ran = run_logged(
        lambda emit: kind(order, emit),
        lambda work: _progress(work, silent=as_json),
        out,
        order.level,
        order.seed,
    )
    _conclude(work, ran.number, ran.conformity, ran.trouble, ran.report, as_json=as_json)
    return ran.conformity


class Work(Protocol):
    """What is run and told of by events: a campaign, or a soak."""

    @property
    def complete(self) -> bool:
        """Whether it came to its end."""

    @property
    def conformity(self) -> Conformity:
        """Its statement."""


W = TypeVar("W", bound=Work)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: its number, exit code, what was wrong with the bench, and where its report is."""

    number: str
    conformity: int
    trouble: str | None
    report: Path


def run_logged(
    make: Callable[[Callable[[Event], None]], W],
    conduct: Callable[[W], None],
    out: Path | None,
    level: Level,
    seed: int,
) -> tuple[W, Ran]:
    """Make a work that tells events, conduct it, and write its log and report; whatever ends it is told there."""
    from datetime import UTC, datetime
    from time import perf_counter

    from conformance import bring_up
    from conformance.engine import Plan, announcement, new_run_number
    from conformance.events import RunFinished
    from conformance.log import EventLog
    from profiles import load
    from reports.write import write_all

    profile, number, started = load(PROFILE), new_run_number(), perf_counter()
    plan = Plan(
        profile,
        level=level,
        seed=seed,
        command_line=("sscard", *sys.argv[1:]),
        tool=bring_up.tool(),
        environment=bring_up.environment(),
    )
    log, folder = EventLog(), out or Path("out") / number
    try:
        log.open(folder / "run.ndjson")
    except OSError as problem:
        _give_up(f"{folder}: the report cannot be written there ({problem.strerror})")
    work = make(log.write)
    try:
        with log:
            log.write(announcement(plan, number))
            trouble = _trouble_of(conduct, work)
            conformity = _conformity(work.conformity, trouble)
            log.write(
                RunFinished(
                    t=datetime.now(UTC),
                    interrupted=not work.complete,
                    reason=trouble,
                    conformity=conformity,
                    exchanges=0,
                    seconds=perf_counter() - started,
                )
            )
        written = write_all(folder / "run.ndjson", folder, profile=profile)
    except OSError as problem:
        _give_up(f"{folder}: the report could not be written to its end ({problem.strerror})", BENCH_FAILED)
    return work, Ran(number, conformity, trouble, written.html)


def _trouble_of(conduct: Callable[[W], None], work: W) -> str | None:
    """Conduct a work; what was wrong with the bench, if anything ended it before its time."""
    from conformance.failures import BenchError

    try:
        conduct(work)
    except KeyboardInterrupt:
        typer.echo("已中断 · interrupted; what was found until now is reported", err=True)
    except BenchError as broken:
        return str(broken)
    except Exception as broken:
        return f"{type(broken).__name__}: {broken}"
    return None


def _conformity(stated: Conformity, trouble: str | None) -> int:
    """The exit code; as in every report, a breach stays one whatever happened to the bench."""
    from conformance.verdict import Conformity

    return BENCH_FAILED if trouble and stated is not Conformity.NON_CONFORMANT else stated.value


def _progress(work: Campaign, *, silent: bool) -> None:
    """Step through the campaign; each broken rule is said once, when it is found."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=silent) as bar:
        tasks = {name: bar.add_task(name, total=None, start=False) for name in work.order.flows}
        for name, done, total in work.run():
            if done == 1:
                bar.start_task(tasks[name])
            bar.update(tasks[name], completed=done, total=total)


def _conclude(
    work: Campaign, number: str, conformity: int, trouble: str | None, report: Path, *, as_json: bool
) -> None:
    """Print what each flow came to, what broke, the verdict and where the report lies."""
    from conformance.campaign.campaign import only_of

    broken = [
        (tried, found)
        for tally in work.tallies
        for cell in tally.cells.values()
        for tried in cell
        for found in tried.findings
    ]
    if as_json:
        flows = {
            each.flow: {
                "trials": each.trials,
                "interruptions": each.interruptions,
                "outcomes": dict(each.outcomes),
                "broken": each.broken,
                "seconds": round(each.seconds, 3),
            }
            for each in work.tallies
        }
        result = {
            "run": number,
            "exit_code": conformity,
            "flows": flows,
            "broken": [
                {"rule": found.rule, "zh": found.zh, "en": found.en, "only": only_of(tried)} for tried, found in broken
            ],
            "requirements": [{"requirement": name, **breach} for name, breach in work.breaches],
            "trouble": trouble,
            "report": str(report),
        }
        typer.echo(json.dumps(result, ensure_ascii=False))
        return
    _print_flows(work)
    if work.order.only is not None and work.order.only.strikes and not any(each.interruptions for each in work.tallies):
        typer.echo("所给失败无处可击 · the failure found nothing to strike at that place or after it", err=True)
    for tried, found in broken[:20]:
        typer.echo(f"✗ 规则 rule {found.rule}: {found.zh} · {found.en}")
        typer.echo(f"  {work.again(tried)}")
    if len(broken) > 20:
        typer.echo(f"  … {len(broken) - 20} more in the report")
    for name, breach in work.breaches[:20]:
        typer.echo(f"✗ 要求 requirement {name}: {breach['zh']} · {breach['en']}")
        typer.echo(f"  {breach['reproduce']}")
    if len(work.breaches) > 20:
        typer.echo(f"  … {len(work.breaches) - 20} more in the report")
    print_verdict(conformity, trouble, report)


def print_verdict(conformity: int, trouble: str | None, report: Path) -> None:
    """Print the verdict, what was wrong with the bench, and where the report lies."""
    if trouble:
        typer.echo(f"测试台故障 · the bench failed: {trouble}", err=True)
    verdict = {
        0: "全部规则成立 · every rule held",
        1: "有规则被破坏 · a rule was broken",
        2: "未完成 · incomplete",
        3: "测试台故障 · the bench failed",
    }
    typer.echo(f"结论 {verdict[conformity]}")
    typer.echo(f"报告 report: {report}")


def _print_flows(work: Campaign) -> None:
    typer.echo(
        f"{'flow':20}{'trials':>8}{'struck':>8}{'completed':>11}{'as before':>11}{'destroyed':>11}{'broken':>8}{'seconds':>9}"
    )
    for each in work.tallies:
        ends = each.outcomes
        other = sum(ends.values()) - ends["completed"] - ends["as before"] - ends["destroyed"]
        row = f"{each.flow:20}{each.trials:8}{each.interruptions:8}{ends['completed']:11}{ends['as before']:11}"
        row += f"{ends['destroyed']:11}{each.broken:8}{each.seconds:9.1f}"
        typer.echo(row + (f"  {other} otherwise" if other else ""))
