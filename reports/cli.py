"""The command that makes reports from event logs. Exit codes: 0 good, 1 worse than the earlier report, 2 wrong use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from profiles.model import Profile
    from reports.write import Written

WORSE, WRONG_USE = 1, 2


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN.ndjson", help="The event log of a run.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the report is written.")] = Path("report"),
    profile: Annotated[
        str | None, typer.Option(help="Card product (name or TOML file); default: the one that the log names.")
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Every MUST decides; default: as the run was started.")
    ] = None,
    compare: Annotated[Path | None, typer.Option(metavar="report.json", help="An earlier report.")] = None,
    laboratory: Annotated[str, typer.Option(help="检测机构 for the head of the report.")] = "",
    client: Annotated[str, typer.Option(help="委托方.")] = "",
    sample: Annotated[str, typer.Option(help="样品名称或编号.")] = "",
    operator: Annotated[str, typer.Option(help="检测人.")] = "",
    approver: Annotated[str, typer.Option(help="批准人.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """由事件日志生成报告 Make the report of a run again: HTML, JSON, JUnit XML, Markdown."""
    from profiles import ProfileError
    from reports.model import Particulars
    from reports.write import write_all

    try:
        written = write_all(
            run,
            out,
            profile=_profile(profile),
            strict=strict,
            earlier=compare,
            particulars=Particulars(laboratory, client, sample, operator, approver),
        )
    except OSError as problem:
        _stop(f"{out}: the report cannot be written there ({problem.strerror})")
    except (ProfileError, ValueError) as problem:
        _stop(str(problem))
    _tell(written, as_json)
    if written.report.worse:
        raise typer.Exit(WORSE)


def _stop(sentence: str) -> NoReturn:
    typer.echo(f"sscard report: {sentence}", err=True)
    raise typer.Exit(WRONG_USE)


def _profile(name: str | None) -> Profile | None:
    from profiles import load

    return load(name) if name else None


def _tell(written: Written, as_json: bool) -> None:
    conformity = written.report.conformity
    paths = {"html": written.html, "json": written.json, "junit": written.junit, "markdown": written.markdown}
    if as_json:
        import json

        told = {"conformity": conformity.en, **{form: str(path) for form, path in paths.items()}}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(f"{conformity.zh} {conformity.en}")
    for path in paths.values():
        typer.echo(path)
