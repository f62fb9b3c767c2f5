"""``sscard issue --batch``: a folder of cards from a table of people, with progress, and safe to break off at any moment."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

import typer

from conformance.batch_place import FACES, Faces, ImageChips, Place, PlaceInUse

if TYPE_CHECKING:
    from conformance.actors.batch import Person, Result, Wrong
    from conformance.actors.station import Station
    from conformance.station_desk import Desk
    from profiles.model import Profile

ALL_ISSUED, NOT_ALL, INTERRUPTED = 0, 1, 3
SIGNALS = (signal.SIGINT, signal.SIGTERM)
WRITTEN_EVERY = 1.0
"""Seconds between two states of the table of results while the batch works."""


class Interruption:
    """Ctrl-C and SIGTERM let the card in hand be finished; a second one ends the program, as a loss of power would."""

    def __init__(self) -> None:
        self.wanted = False

    def __call__(self) -> bool:
        """Whether to stop before the next card."""
        return self.wanted

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            self._end()
            raise KeyboardInterrupt
        self.wanted = True
        typer.echo("\nsscard issue: finishing the card in hand; once more to break it off", err=True)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """While this lasts, both signals are heard; after one that was, the program ends undisturbed."""
        before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self.wanted else handler)

    @staticmethod
    def _end() -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


class _View:
    """Shows progress, and keeps the table of results on the disk."""

    def __init__(self, place: Place, rows: int, silent: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._place = place
        self._results: list[Result] = []
        self._written = monotonic()
        self.progress = Progress(
            TextColumn("批量制卡 issuing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=silent,
        )
        self._task = self.progress.add_task("", total=rows, rate="")

    def tell(self, result: Result) -> None:
        """A row has ended."""
        from conformance.actors.batch import State

        self._results.append(result)
        now = monotonic()
        if result.state is not State.WAITING:  # of which the batch stopped before it came
            self.progress.update(self._task, advance=1)
        speed = self.progress.tasks[self._task].speed  # that of the last half minute
        self.progress.update(self._task, rate=f"{60 * speed:.0f}/min" if speed else "")
        if now - self._written >= WRITTEN_EVERY:
            self.write()
            self._written = now

    def write(self) -> None:
        """The results so far."""
        self._place.write_results(sorted(self._results, key=lambda each: each.line))


def issue_batch(desk: Desk, table: Path, out: Path, faces: str | None, as_json: bool) -> None:
    """Issue a card for every row of a table, or go on with that; ends the command."""
    from conformance.actors.batch import read_people
    from conformance.actors.station.table import TableError

    product, _ = desk.products()
    if faces is not None and faces not in FACES:
        desk.give_up(f"--faces {faces!r} is neither svg nor png")
    try:
        people, wrong, encoding = read_people(table, initial_pin(product), bank=desk.bank is not None)
    except TableError as problem:
        desk.give_up(str(problem))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        desk.give_up(f"{out}: cannot be made ({problem.strerror}); name another folder")
    place, stop = Place(out), Interruption()
    try:
        with place.held(), stop.heard():
            printer = None if faces is None else Faces(place, faces)
            with desk.station(lambda told: None, printer) as station:
                results = _work(place, station, desk.journal, people, wrong, stop, as_json)
    except KeyboardInterrupt:
        desk.give_up("broken off; the same command goes on where it stopped", INTERRUPTED)
    except OSError as problem:
        desk.give_up(f"{out}: cannot be written ({problem.strerror}); the same command goes on", INTERRUPTED)
    except (PlaceInUse, ValueError) as problem:
        desk.give_up(str(problem))
    code = exit_code(results)
    _print(results, printer, place, encoding, code, as_json)
    raise typer.Exit(code)


def _work(
    place: Place,
    station: Station,
    journal: Path,
    people: list[Person],
    wrong: list[Wrong],
    stop: Interruption,
    as_json: bool,
) -> list[Result]:
    from conformance.actors.batch import Batch, ChipStock, Letters, Pins
    from conformance.actors.batch.letters import BANK

    view = _View(place, len(people) + len(wrong), as_json)
    faces = station.equipment.printer
    stock = ChipStock(journal)
    try:
        chips = ImageChips(place, station.blank, stock, station.journal, faces if isinstance(faces, Faces) else None)
        initial = initial_pin(station.product)
        bank = None if station.equipment.bank is None else Letters(place.bank_pins, initial, BANK)
        pins = Pins(station.journal, Letters(place.pins, initial), bank)
        batch = Batch(station, chips, pins, stop, view.tell)
        with view.progress:
            return batch.go(people, wrong)
    finally:
        view.write()
        stock.close()


def initial_pin(product: Profile) -> str:
    """The PIN with which every card of a product leaves initialisation."""
    return next(pin.value for pin in product.directory["SSSE"].pin.values())


def exit_code(results: list[Result]) -> int:
    """3 where something is still to be done, 1 where a row has no card, 0 where every row has one."""
    from conformance.actors.batch import State

    states = {result.state for result in results}
    if states & {State.INTERRUPTED, State.WAITING}:
        return INTERRUPTED
    return ALL_ISSUED if states <= {State.ISSUED} else NOT_ALL


def _print(results: list[Result], faces: Faces | None, place: Place, encoding: str, code: int, as_json: bool) -> None:
    from conformance.actors.batch import State

    counts = Counter(result.state for result in results)
    if as_json:
        table = {
            "exit_code": code,
            "encoding": encoding,
            "counts": {state.en: counts[state] for state in State},
            "results": str(place.results),
            "rows": [result.table for result in results],
        }
        typer.echo(json.dumps(table, ensure_ascii=False))
        return
    for result in results:
        if result.state is State.WRONG:
            typer.echo(f"  {result.reason}", err=True)
        elif result.reason and result.state is not State.WAITING:
            line = f"line {result.line}: " if result.line else ""
            typer.echo(f"  {line}{result.number}: {result.state.en}: {result.reason}", err=True)
    if faces is not None and faces.warnings:
        typer.echo(f"  {faces.warnings} faces have characters that no installed font has", err=True)
    shown = "，".join(f"{state.zh} {state.en} {counts[state]}" for state in State if counts[state])
    typer.echo(f"{shown}（共 of {len(results)}，编码 {encoding}）\n结果 results: {place.results}")
    if code == INTERRUPTED:
        typer.echo("未完成：再次执行同一命令即可继续。The same command goes on where it stopped.")
