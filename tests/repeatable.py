"""Cards whose challenges repeat from run to run, and generators that do, so that a generated sequence is found again or not at all."""

import random

import pytest
from hypothesis.internal.conjecture.providers import HypothesisProvider

from emulator.cos import challenges

__all__ = ["examples_of_the_seed_alone", "repeatable_challenges"]


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


@pytest.fixture
def examples_of_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let generated values follow from the seed alone.

    Hypothesis mixes in numbers and texts that it reads in the source of the modules loaded so far: which these are depends
    on the tests that the process ran before.
    """
    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *drawn, **options: None)
