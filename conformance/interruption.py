"""Ctrl-C that cannot be lost.

Python runs a handler wherever it happens to be. In a callback of the garbage collector (Hypothesis has one) or in a finaliser
the exception goes nowhere: it would be printed with a traceback and ignored. So the wish is kept, nothing is printed, and it is
heard again at the next exchange with the card.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Self


class Interruption:
    """While it is entered, Ctrl-C raises KeyboardInterrupt at once, and again from :meth:`heed` where that was lost."""

    def __init__(self) -> None:
        self._asked = False
        self._main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._ask)
            self._told_before = sys.unraisablehook
            sys.unraisablehook = self._tell_lost
        return self

    def __exit__(self, *problem: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)
            sys.unraisablehook = self._told_before

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        raise KeyboardInterrupt

    def _tell_lost(self, lost: sys.UnraisableHookArgs) -> None:
        if not (self._asked and issubclass(lost.exc_type, KeyboardInterrupt)):
            self._told_before(lost)

    def heed(self) -> None:
        """Raise KeyboardInterrupt where somebody asked for it before."""
        if self._asked:
            raise KeyboardInterrupt
