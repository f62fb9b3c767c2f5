"""A card printer whose cards are files: it prints both sides, and reads from them what it printed."""

from __future__ import annotations

from pathlib import Path

from profiles.face import Face
from reports.face.files import back_of, write
from reports.face.reading import read


class FilePrinter:
    """Prints each face into the same files: a printing that was broken off is done again over the first one."""

    def __init__(self, path: Path) -> None:
        self.front = path
        self.back = back_of(path)
        self.warning: str | None = None
        """What the last print lacks, in one sentence."""

    def print_face(self, face: Face) -> Face:
        """Print a face; answers what stands on it. Raises :class:`~reports.face.files.FaceError`."""
        written = write(face, self.front)
        self.warning = written.warning
        return read(written.front, written.back)
