"""The timeline of a card that was made: in the terminal, as JSON, and with ``--timeline FILE`` as a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from conformance.actors.station import Outcome

TimelineFile = Annotated[
    Path | None,
    typer.Option("--timeline", help="Draw the timeline against the promised eight minutes into this file, .svg."),
]


def unusable(path: Path) -> str | None:
    """Why a picture cannot be written there, in one sentence; None where nothing speaks against it."""
    if path.suffix.lower() != ".svg":
        return f"{path}: the name of a timeline ends in .svg"
    return None if path.parent.is_dir() else f"{path}: there is no such folder"


def draw(outcome: Outcome, path: Path, *, silent: bool) -> None:
    """Draw the timeline. The card is made already: a picture that can't be written is a warning, no failure."""
    from conformance.actors.station.timeline import PROMISED, Timeline, entries
    from conformance.events import FlowTimed
    from conformance.requirements import Text
    from profiles.files import public_mode, write_whole
    from reports.html import timeline_picture
    from reports.timeline import timeline

    line = Timeline.of(outcome)
    timed = FlowTimed(
        t=datetime.now(UTC),
        flow="issue",
        entries=entries(outcome.steps),
        total=line.total,
        promised=float(PROMISED),
        kept=line.kept,
    )
    try:
        picture = timeline_picture(timeline(timed), Text("制卡时间线", "timeline of an issuance"))
        write_whole(path, picture.encode(), public_mode())
    except OSError as problem:
        typer.echo(f"sscard: {path}: the timeline cannot be written: {problem.strerror}", err=True)
        return
    if not silent:
        typer.echo(f"时间线 timeline: {path}")


def print_sum(outcome: Outcome) -> None:
    """Print the timeline against the promise."""
    from conformance.actors.station.timeline import PROMISED, Timeline, budgets

    line = Timeline.of(outcome)
    typer.echo(f"\n时间 time: 芯片 chip {line.chip:.1f} s，设备 station {line.station:.1f} s（实测 measured）")
    for budget in budgets(outcome.steps):
        typer.echo(f"  {budget.seconds:4d} s  {budget.zh} {budget.en}（预算 budget, {budget.kind}）")
    kept = "≤" if line.kept else ">"
    typer.echo(f"合计 total {line.total:.1f} s {kept} {PROMISED} s")


def table(outcome: Outcome) -> dict[str, Any]:
    """The timeline for JSON."""
    from conformance.actors.station.timeline import PROMISED, Timeline, budgets

    line = Timeline.of(outcome)
    return {
        "chip": round(line.chip, 4),
        "station": round(line.station, 4),
        "budgets": [
            {"zh": each.zh, "en": each.en, "kind": each.kind, "seconds": each.seconds}
            for each in budgets(outcome.steps)
        ],
        "total": round(line.total, 4),
        "promised": PROMISED,
        "kept": line.kept,
    }
