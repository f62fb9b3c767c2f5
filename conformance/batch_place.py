"""The folder of a batch: chips, PIN letters, faces, and the table of results; one program works in it at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.face_option import FacePrinter
from profiles.files import write_whole

if TYPE_CHECKING:
    from conformance.actors.batch import ChipStock, Result
    from conformance.actors.medical.reader import CardLink
    from conformance.actors.station import Journal
    from profiles.face import Face
    from profiles.model import Profile

FACES = ("svg", "png")
PRIVATE = 0o700
LOCK = ".lock"


class PlaceInUse(Exception):
    """Another program works in the folder."""


class Place:
    """A folder with ``cards``, ``pins``, ``bank-pins``, ``faces`` and ``results.csv``. What tells of persons is for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cards = folder / "cards"
        self.pins = folder / "pins"
        self.bank_pins = folder / "bank-pins"
        self.faces = folder / "faces"
        self.results = folder / "results.csv"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and keep other programs out of it.

        Raises :class:`PlaceInUse`, or :class:`OSError` where it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for each in (self.cards, self.pins, self.bank_pins, self.faces):
            each.mkdir(mode=PRIVATE, exist_ok=True)
        with (self.folder / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlaceInUse(f"{self.folder}: another program is issuing cards into this folder") from None
            self._clear()
            yield

    def _clear(self) -> None:
        """Take away what a program that was killed had not finished writing; a letter among it was never sent."""
        for folder in (self.folder, self.cards, self.pins, self.bank_pins, self.faces):
            for left in folder.glob(".*"):
                if left.is_file() and left.name != LOCK:
                    left.unlink()

    def write_results(self, results: Sequence[Result]) -> None:
        """The table of results, as a whole."""
        from conformance.actors.batch import as_csv

        write_whole(self.results, as_csv(results))


class ImageChips:
    """Virtual chips, each in a file of its own and each with another serial number."""

    def __init__(self, place: Place, blank: Profile, stock: ChipStock, journal: Journal, faces: Faces | None) -> None:
        self._place = place
        self._blank = blank
        self._stock = stock
        self._journal = journal
        self._faces = faces
        self._made = ""
        """Request for which the last blank chip was made."""

    def place(self, number: str) -> str:
        """The file of a request's chip."""
        return str(self._image(number))

    def _image(self, number: str) -> Path:
        return self._place.cards / f"{number}.sscard"

    @contextmanager
    def take(self, number: str, *, begun: bool) -> Iterator[CardLink]:
        """The chip of a request; a blank one is made when there is none and the request has not begun."""
        from conformance.actors.batch import ChipUnusable, StockExhausted
        from conformance.targets.in_process import UnusableCard, virtual_target

        image = self._image(number)
        if self._faces is not None:
            self._faces.number = number
        try:
            if not image.exists():
                if begun:
                    raise ChipUnusable(f"the chip {image} is gone; give it up: sscard station destroy {number}")
                self._make(image, number)
            target = virtual_target(self._blank, image)
        except (UnusableCard, StockExhausted) as problem:
            raise ChipUnusable(str(problem)) from None
        try:
            target.write_behind()
            yield target
        finally:
            target.close()

    def has(self, number: str) -> bool:
        """Whether a request has a file."""
        return self._image(number).exists()

    def put_back(self, number: str) -> None:
        """Take a blank chip away: one that was just made, or whose request the journal says to be withdrawn."""
        from conformance.actors.station.journal import State

        known = self._journal.request(number)
        if number == self._made if known is None else known.state is State.WITHDRAWN:
            image = self._image(number)
            for left in (image, image.with_name(f"{image.name}-wal")):
                left.unlink(missing_ok=True)

    def _make(self, image: Path, number: str) -> None:
        """A chip is there as a whole or not at all."""
        from conformance.targets.in_process import numbered, virtual_target

        unfinished = image.with_name(f".{image.name}")
        unfinished.unlink(missing_ok=True)
        serial = self._stock.serial(number, self._journal.knows_chip)
        virtual_target(numbered(self._blank, serial), unfinished).close()
        os.replace(unfinished, image)
        self._made = number


class Faces:
    """The printer of a batch: a face beside each card."""

    def __init__(self, place: Place, kind: str) -> None:
        self._place = place
        self._kind = kind
        self.number = ""
        """Whose card is in the printer."""
        self.warnings = 0
        """Faces with characters that no font has."""
        self._printer("check")

    def _printer(self, name: str) -> FacePrinter:
        return FacePrinter(self._place.faces / f"{name}.{self._kind}")

    def print_face(self, face: Face) -> Face:
        """Print both sides; answers what stands there."""
        printer = self._printer(self.number)
        printed = printer.print_face(face)
        self.warnings += printer.warning is not None
        return printed
