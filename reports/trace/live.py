"""The trace of a card at work: each exchange decoded as it happens."""

from __future__ import annotations

from rich.text import Text

from profiles.model import Profile
from reports.trace.decode import Decoder
from reports.trace.text import renderable

_SWITCHES = {"cold": "POWER ON", "warm": "WARM RESET", "off": "POWER OFF"}


class LiveTrace:
    """Decodes what a link tells, numbering the exchanges since the last reset."""

    def __init__(self, profile: Profile, masked: bool = True) -> None:
        self._decoder = Decoder(profile)
        self._masked = masked
        self._number = 0

    def exchange(self, command: bytes, response: bytes, seconds: float) -> Text:
        """A command and its answer."""
        self._number += 1
        return renderable(self._decoder.exchange(command, response), self._number, seconds, self._masked)

    def reset(self, kind: str, atr: bytes) -> Text:
        """The card was switched: ``cold``, ``warm`` or ``off``."""
        self._number = 0
        decoded = self._decoder.power_off() if kind == "off" else self._decoder.reset(atr, _SWITCHES[kind])
        return renderable(decoded, 0, 0.0, self._masked)
