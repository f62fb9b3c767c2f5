"""Cards whose challenges repeat from run to run, so that a generated sequence is found again or not at all."""

import random

import pytest

from emulator.cos import challenges

__all__ = ["repeatable_challenges"]


class _Seeded:
    """Challenges of a seeded generator; no two are alike within a test."""

    def __init__(self) -> None:
        self._random = random.Random(0)  # noqa: S311 - a card under test

    def take(self, count: int) -> bytes:
        """As many bytes as the card asks for."""
        return self._random.randbytes(count)


@pytest.fixture(autouse=True)
def repeatable_challenges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every card in this process take its challenges from the same seed."""
    monkeypatch.setattr(challenges, "_pool", _Seeded())
