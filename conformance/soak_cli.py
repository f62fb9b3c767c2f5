"""``sscard campaign --soak``: a city of processes that are killed at random, for minutes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from conformance.campaign_cli import WRONG_USE, Ran, print_verdict, run_logged

if TYPE_CHECKING:
    from conformance.campaign.soak.soak import Soak, Soaked

MOST_SHOWN = 20


def run_soak(minutes: float, seed: int, citizens: int, fault: str, out: Path | None, *, as_json: bool) -> int:
    """Soak for some minutes, write the log and the report, and say what it came to; answers the exit code."""
    from conformance.campaign.soak.soak import FAULTS, Soak
    from conformance.cases import Level

    if fault == "list":
        for name, (zh, en, rule) in FAULTS.items():
            typer.echo(f"{name:20} {rule} {zh} · {en}")
        return 0
    if fault and fault not in FAULTS:
        typer.echo(f"sscard campaign: --fault {fault!r} is none of a soak; give {', '.join(FAULTS)}", err=True)
        return WRONG_USE
    keep = None if out is None else out / "city"
    work, ran = run_logged(
        lambda emit: Soak(minutes * 60, emit, seed=seed, citizens=citizens, fault=fault, keep=keep),
        lambda work: _progress(work, silent=as_json),
        out,
        Level.QUICK,
        seed,
    )
    if as_json:
        typer.echo(json.dumps(table_of(work.soaked, ran), ensure_ascii=False))
    else:
        _print(work.soaked)
        print_verdict(ran.conformity, ran.trouble, ran.report)
    return ran.conformity


def _progress(work: Soak, *, silent: bool) -> None:
    for seconds, soaked in work.run():
        if not silent:
            kills, orders = sum(soaked.kills.values()), sum(soaked.outcomes.values())
            broken = f", {len(soaked.findings)} findings" if soaked.findings else ""
            typer.echo(f"{seconds:6.0f} s  核对 look {soaked.looks}: {kills} kills, {orders} orders{broken}", err=True)


def table_of(soaked: Soaked, ran: Ran) -> dict[str, Any]:
    """The result as JSON shows it."""
    return {
        "run": ran.number,
        "exit_code": ran.conformity,
        "seconds": round(soaked.seconds, 1),
        "kills": dict(soaked.kills),
        "orders": dict(soaked.orders),
        "outcomes": dict(soaked.outcomes),
        "races": soaked.races,
        "terminals": soaked.uses,
        "wages_and_bills": soaked.booked,
        "looks": soaked.looks,
        "broken": [
            {"look": look, "rule": found.rule, "zh": found.zh, "en": found.en} for look, found in soaked.findings
        ],
        "trouble": ran.trouble,
        "report": str(ran.report),
    }


def _print(soaked: Soaked) -> None:
    def shown(counts: Counter[str] | dict[str, int]) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

    typer.echo(f"杀死 kills: {shown(soaked.kills)}")
    typer.echo(
        f"申请 orders: {shown(soaked.orders)}; 结果 endings: {shown(soaked.outcomes)}; 争办 racing {soaked.races}"
    )
    typer.echo(f"终端 terminals: {shown(soaked.uses)}; 代发代扣 wages and bills: {soaked.booked}")
    typer.echo(f"核对 looks: {soaked.looks}, {soaked.seconds:.0f} s")
    for look, found in soaked.findings[:MOST_SHOWN]:
        typer.echo(f"✗ 核对 look {look}, 规则 rule {found.rule}: {found.zh} · {found.en}")
    if len(soaked.findings) > MOST_SHOWN:
        typer.echo(f"  … {len(soaked.findings) - MOST_SHOWN} more in the report")
