"""The way to the chip, with a clock: how long it took, and how many commands."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

from conformance.actors.medical.reader import CardGone, CardLink
from conformance.failures import BenchError


@runtime_checkable
class WritesBehind(Protocol):
    """A link to a virtual chip whose file may lag behind it."""

    def flush(self) -> None:
        """Whatever the chip has answered for is on the disk."""


class ChipLink:
    """Any link to a card; counts what passes."""

    def __init__(self, link: CardLink) -> None:
        self._link = link
        self.seconds = 0.0
        self.commands = 0

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card and hand out its ATR."""
        begin = time.perf_counter()
        try:
            return self._link.reset(cold)
        finally:
            self.seconds += time.perf_counter() - begin

    def flush(self) -> None:
        """Let a chip in a file reach the disk, before a journal says what it holds; raises :class:`CardGone`."""
        if isinstance(self._link, WritesBehind):
            try:
                self._link.flush()
            except BenchError as problem:
                raise CardGone(str(problem)) from problem

    def transmit(self, command: bytes, /) -> bytes:
        """Exchange a command for the answer."""
        begin = time.perf_counter()
        self.commands += 1
        try:
            return self._link.transmit(command)
        finally:
            self.seconds += time.perf_counter() - begin
