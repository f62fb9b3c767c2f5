"""The way to the chip, with a clock: how long it took, and how many commands."""

from __future__ import annotations

import time

from conformance.actors.medical.reader import CardLink


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

    def transmit(self, command: bytes, /) -> bytes:
        """Exchange a command for the answer."""
        begin = time.perf_counter()
        self.commands += 1
        try:
            return self._link.transmit(command)
        finally:
            self.seconds += time.perf_counter() - begin
