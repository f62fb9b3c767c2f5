"""The centre and the programs of a hospital that the settling commands start, and what they tell."""

from __future__ import annotations

import sqlite3
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from conformance.medical_desk import REFUSED, WRONG_USE, Place

if TYPE_CHECKING:
    from conformance.actors.medical.account_load import LoadStation
    from conformance.actors.medical.centre import Centre
    from conformance.actors.medical.line import Line
    from conformance.actors.medical.messages import Clearing, Mode
    from conformance.actors.medical.reader import CardReader
    from conformance.actors.medical.terminal import HospitalTerminal
    from conformance.actors.medical.visit import Result, Told
    from conformance.actors.outbox import Keeper


class ModeName(StrEnum):
    """How the area settles."""

    online = "online"
    temporary_offline = "temporary-offline"
    offline = "offline"


class Timeline:
    """Tells the steps with their time, and keeps them."""

    def __init__(self, silent: bool) -> None:
        self.steps: list[dict[str, Any]] = []
        self._silent = silent
        self._begin = time.perf_counter()

    def tell(self, step_zh: str, step_en: str, zh: str, en: str) -> None:
        """A step by its Chinese and English name, and what came of it."""
        seconds = time.perf_counter() - self._begin
        self.steps.append({"seconds": round(seconds, 4), "step": step_en, "zh": zh, "en": en})
        if not self._silent:
            text = zh if zh == en else f"{zh} · {en}"
            typer.echo(f"{seconds:7.3f} s  {step_zh} {step_en}: {text}")

    def told(self, told: Told) -> None:
        """A step of the medical terminal."""
        self.tell(told.step.zh, told.step.en, told.zh, told.en)

    def left(self, result: Result) -> None:
        """A settlement of an earlier call, which ended before it could tell."""
        number, outcome = result.visit.number, result.outcome.value
        self.tell("待发箱", "outbox", f"{number} {outcome[0]}", f"{number} {outcome[1]}")

    def cleared(self, clearing: Clearing) -> None:
        """What the centre said to a settlement that it heard of later."""
        zh, en = clearing.refusal.value if clearing.refusal is not None else ("中心已清算", "the centre has cleared it")
        self.tell("上传", "upload", zh, en)


def mode_of(name: ModeName) -> Mode:
    """The mode by the name of its option."""
    from conformance.actors.medical.messages import Mode

    return {
        ModeName.online: Mode.ONLINE,
        ModeName.temporary_offline: Mode.ONLINE_WITH_OFFLINE,
        ModeName.offline: Mode.OFFLINE,
    }[name]


def centre_of(place: Place, reader: CardReader, mode: ModeName, books: Path | None) -> Centre:
    """A centre that insures the card's holder; one with books of its own knows what it knew."""
    from conformance.actors.medical.centre import Centre
    from conformance.actors.medical.messages import CardState

    year = f"{datetime.now().astimezone():%Y}"
    try:
        centre = Centre(reader.cards, ":memory:" if books is None else books, mode=mode_of(mode), year=year)
    except (sqlite3.Error, ValueError) as problem:
        place.give_up(f"the books {books} cannot be used: {problem}", WRONG_USE)
    person, card = reader.text("SSSE/EF06", "08"), reader.identification.hex().upper()
    if centre.inquire(person) is None:
        centre.insure(person, reader.text("SSSE/EF06", "09"))
    centre.begin_year(year)
    if centre.books.card(card) is None:
        try:
            centre.register(card, person, reader.card.historical, CardState.NORMAL)
        except ValueError as problem:
            centre.books.close()
            place.give_up(f"{problem}; give other --books, or settle with that card", WRONG_USE)
    return centre


def require_new(place: Place, centre: Centre, line: Line, number: str) -> None:
    """End the command where the centre is not asked and the number was used: a hospital's own records would have it."""
    from conformance.actors.medical.books import SettlementState
    from conformance.actors.medical.messages import Mode

    if centre.mode is not Mode.OFFLINE and not line.down:
        return
    stored = centre.books.settlement(number)
    if centre.books.was_taken_back(number) or (stored is not None and stored.state is not SettlementState.QUOTED):
        place.give_up(f"{number} 已结算或已冲正 · was settled or taken back before; give another --number", REFUSED)


def terminal_of(
    reader: CardReader, centre: Centre, timeline: Timeline, outbox: Keeper, *, line_down: bool
) -> tuple[HospitalTerminal, Line]:
    """A licensed terminal, and its line to the centre; it tells what an earlier call left in its outbox."""
    from conformance.actors.medical.line import Line
    from conformance.actors.medical.terminal import HospitalTerminal
    from conformance.actors.medical.visit import OfflineLimits

    line = Line(centre, down=line_down)
    terminal = HospitalTerminal(reader, line, limits=OfflineLimits(), listener=timeline.told, outbox=outbox)
    for result in terminal.resolved.values():
        timeline.left(result)
    for number in terminal.outbox.reversals:
        timeline.tell("待发箱", "outbox", f"{number} 待冲正", f"{number} is to be taken back")
    return terminal, line


def station_of(terminal: HospitalTerminal, outbox: Keeper) -> LoadStation:
    """The load station beside a terminal: whichever begins asks the card first what the other left open."""
    from conformance.actors.medical.account_load import LoadStation

    station = LoadStation(terminal.reader, terminal.centre, ask_first=[terminal.resolve], outbox=outbox)
    terminal.ask_first.append(station.resolve)
    return station
