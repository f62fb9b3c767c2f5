"""One request at a station's desk: carried out with its chip, told step by step, and how it ended."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from conformance.face_option import FacePrinter
from conformance.station_desk import INTERRUPTED, NOT_ISSUED, Desk
from conformance.timeline_option import draw, print_sum, table, unusable

if TYPE_CHECKING:
    from conformance.actors.station import OldChip, Order, Outcome, Printer, Told

RESUMED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "first issuance": (("station", "resume"), ()),
    "upgrade": (("upgrade",), ("--resume",)),
    "replacement": (("replace",), ("--resume", "--kind", "same-number")),
    "different number": (("replace",), ("--resume", "--kind", "different-number")),
    "generation change": (("replace",), ("--resume", "--kind", "generation")),
}
"""How a request of each kind goes on: what stands before the order, and what behind it."""


class View:
    """Prints each step as it ends."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._begin = time.perf_counter()

    def tell(self, told: Told) -> None:
        """Print what is told of a step."""
        if self._silent:
            return
        seconds = time.perf_counter() - self._begin
        name = f"{told.step.zh} {told.step.en}"
        if told.done:
            chip = f"{told.chip_seconds:.3f} s, {told.commands} APDU"
            typer.echo(f"{seconds:7.3f} s  ✓ {name}（芯片 chip {chip}）")
        else:
            typer.echo(f"{seconds:7.3f} s  … {name}")


def read_order(desk: Desk, path: Path, number: str | None) -> Order:
    """The order in a file; a wrong one ends the command."""
    from conformance.actors.station import OrderError, load_order

    try:
        return load_order(path, number)
    except OrderError as problem:
        desk.give_up(str(problem))


def require_kind(desk: Desk, order: Order, path: Path, *row: str) -> None:
    """End the command where the open request of an order is of another kind: another command goes on with it."""
    from conformance.actors.station import Journal, JournalError, Kind
    from conformance.actors.station.journal import State

    try:
        with closing(Journal(desk.journal)) as journal:
            known = journal.request(order.number)
            if known is None or known.state is not State.OPEN or journal.has_same_contents(order):
                return
            kinds = (kind for kind in Kind if journal.has_same_contents(replace(order, kind=kind)))
            kind = next(kinds, None)
    except (JournalError, sqlite3.Error):
        return  # the station tells
    if kind is not None:
        first = kind is Kind.FIRST
        same = replace(desk, face=desk.face if first else None)
        command, options = RESUMED[kind.value]
        how = same.again(*command, path, *row, *options)
        cards = "PINs" if first else "PINs and the same old card"
        desk.give_up(f"request {order.number} is one of kind {kind}; go on, with the same {cards}: {how}")


def carry_out(
    desk: Desk,
    order: Order,
    new_pin: str,
    again: Sequence[str | Path],
    timeline: Path | None,
    *,
    resume: bool,
    as_json: bool,
    old: AbstractContextManager[OldChip | None] | None = None,
    bank_pin: str = "",
) -> NoReturn:
    """Carry an order out, or go on with it, and end the command.

    Args:
        desk: The chip and the books.
        order: The order.
        new_pin: PIN that the holder chooses.
        again: The command that goes on with the request when it is interrupted, without the options of the desk.
        timeline: File for the picture of the timeline.
        resume: Whether the request has begun.
        as_json: Whether to print JSON, and nothing else.
        old: Opens the card that is replaced.
        bank_pin: PIN that the holder chooses for the bank's application.
    """
    desk.check(new_pin)
    if timeline and (complaint := unusable(timeline)):
        desk.give_up(complaint)
    if timeline:
        again = (*again, "--timeline", timeline)
    product, _ = desk.products()
    if new_pin in {pin.value for pin in product.directory["SSSE"].pin.values()}:
        desk.give_up("--new-pin is the initial PIN; the holder must choose another one")
    with (
        desk.broken_off(order.number, *again),
        old or nullcontext() as former,
        desk.station(View(as_json).tell) as station,
        desk.image_of_request() as request,
        desk.chip(station.blank) as target,
    ):
        act = station.resume if resume else station.issue
        outcome = request.ended(lambda: act(order, target, new_pin, former, bank_pin))
    code = _exit_code(outcome)
    print_outcome(outcome, code, as_json, station.equipment.printer)
    if code == INTERRUPTED:
        _tell_again(desk, outcome, *again)
    if timeline and outcome.steps and not code:
        draw(outcome, timeline, silent=as_json)
    raise typer.Exit(code)


def _exit_code(outcome: Outcome) -> int:
    """The exit code for the ending of an issuance."""
    from conformance.actors.station import Ending

    if outcome.unreachable:
        return INTERRUPTED
    return {Ending.COMPLETED: 0, Ending.INTERRUPTED: INTERRUPTED}.get(outcome.ending, NOT_ISSUED)


def _tell_again(desk: Desk, outcome: Outcome, *command: str | Path) -> None:
    """Say on the error output how an interrupted request goes on; one that has not begun is begun again."""
    if outcome.unreachable:
        typer.echo(f"sscard {desk.command}: {outcome.en}; nothing has begun: start the same command again", err=True)
    else:
        typer.echo(f"sscard {desk.command}: {outcome.en}; go on, with the same PINs: {desk.again(*command)}", err=True)


def print_outcome(outcome: Outcome, code: int, as_json: bool, printer: Printer | None = None) -> None:
    """Print how an issuance ended, and its timeline."""
    face = (
        printer
        if isinstance(printer, FacePrinter) and any(step.step.name == "PRINT" for step in outcome.steps)
        else None
    )
    if as_json:
        typer.echo(json.dumps({**_table(outcome, code), "face": face and face.table}, ensure_ascii=False))
        return
    typer.echo(f"\n{outcome.ending.zh} {outcome.ending.en}: {outcome.zh} · {outcome.en}")
    if outcome.returned is not None:
        returned = outcome.returned
        number = f"，主账号 account {returned.bank_number}" if returned.bank_number else ""
        typer.echo(
            f"卡的识别码 card {returned.card}，规范版本 version {returned.version}，持卡人 person {returned.person}{number}"
        )
    for zh, en in outcome.notes:
        typer.echo(f"注意 note: {zh} · {en}")
    if isinstance(printer, FacePrinter) and face is None and not code:
        typer.echo("注意 note: 此次未打印卡面 · this call printed no face: the request was past that step")
    if face is not None:
        typer.echo(f"卡面 face: {face.files[0]}, {face.files[1]}")
        if face.warning:
            typer.echo(f"sscard: {face.warning}", err=True)
    if outcome.steps and not code:
        print_sum(outcome)


def _table(outcome: Outcome, code: int) -> dict[str, Any]:
    return {
        "ending": outcome.ending.name.lower(),
        "exit_code": code,
        "reason": {"zh": outcome.zh, "en": outcome.en},
        "return": outcome.returned and asdict(outcome.returned),
        "steps": [
            {
                "step": told.step.en,
                "zh": told.step.zh,
                "seconds": round(told.seconds, 4),
                "chip_seconds": round(told.chip_seconds, 4),
                "commands": told.commands,
            }
            for told in outcome.steps
        ],
        "notes": [{"zh": zh, "en": en} for zh, en in outcome.notes],
        "timeline": table(outcome),
    }
