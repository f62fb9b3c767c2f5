"""``--face FILE``: the printer of a command that makes cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiles.face import Face
    from reports.face import FilePrinter

FaceFile = Annotated[
    Path | None,
    typer.Option(
        "--face", help="Print the card's face into this file, .svg or .png, and its back beside it (FILE-back)."
    ),
]


class FacePrinter:
    """Prints into files; raises :class:`ValueError` with one sentence where ``path`` cannot be one of a face."""

    def __init__(self, path: Path) -> None:
        from reports.face import FilePrinter, check_destination

        check_destination(path)
        self._printer: FilePrinter = FilePrinter(path)

    def print_face(self, face: Face) -> Face:
        """Print both sides; answers what stands there."""
        from conformance.actors.station import PrinterFailed
        from reports.face import FaceError

        try:
            return self._printer.print_face(face)
        except FaceError as problem:
            raise PrinterFailed(str(problem)) from problem

    @property
    def files(self) -> tuple[Path, Path]:
        """Front and back."""
        return self._printer.front, self._printer.back

    @property
    def table(self) -> dict[str, str | None]:
        """Files and warning, for JSON."""
        front, back = self.files
        return {"front": str(front), "back": str(back), "warning": self.warning}

    @property
    def warning(self) -> str | None:
        """What the fonts of the last print lack."""
        return self._printer.warning
