"""A card printer, as the station sees it."""

from __future__ import annotations

from typing import Protocol

from profiles.face import Face


class PrinterFailed(Exception):
    """The printer did not print, or nobody knows whether it did; it may be tried again."""


class Printer(Protocol):
    """A card printer."""

    def print_face(self, face: Face) -> Face:
        """Print both sides onto the card in the printer; answers what its check reads there.

        Raises :class:`PrinterFailed`.
        """
