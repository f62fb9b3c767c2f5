"""Why a station does not go on: nothing was changed, or the chip can never be handed out."""

from __future__ import annotations


class Refused(Exception):
    """Nothing was changed."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


class Unfinished(Exception):
    """Nobody refuses, but the step cannot be finished now; taken again, it may."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


class Destroyed(Refused):
    """The chip can never be handed out."""
