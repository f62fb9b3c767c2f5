"""What may be answered to a command: status words, data, and what the card is like afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

COUNTING = 0x63C
"""The status words 63Cx without their last digit, which tells the tries that are left."""
UNCOUNTED = 0x6300
Then = Callable[[bytes], None]
Fits = Callable[[bytes], bool]


def _nothing(_: bytes) -> None:
    """The card is as before."""


def no_data(data: bytes) -> bool:
    """Whether an answer is a status word alone."""
    return not data


def any_data(_: bytes) -> bool:
    """Every answer will do."""
    return True


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which a command may end."""

    words: tuple[int, ...] = ()
    families: tuple[int, ...] = ()
    """SW1 values of which every SW2 is meant."""
    fits: Fits = no_data
    shown: str = "—"
    """The data that fit, for a person to read."""
    then: Then = _nothing
    """Brings the model into the state that follows; takes the data of the answer."""

    def has(self, sw: int) -> bool:
        """Whether a status word means this outcome."""
        return sw in self.words or sw >> 8 in self.families


@dataclass(frozen=True, slots=True)
class Prediction:
    """All ways in which a command may end; most commands have one."""

    requirement: str
    """What a card breaks that ends otherwise."""
    outcomes: tuple[Outcome, ...]
    counter_requirement: str | None = None
    """What a card breaks that refuses as it must, but tells another number of tries."""

    def outcome(self, sw: int) -> Outcome | None:
        """The outcome that a status word means."""
        return next((outcome for outcome in self.outcomes if outcome.has(sw)), None)

    def broken_by(self, sw: int) -> str:
        """The requirement that an unforeseen status word breaks."""
        other_number = self.may_cost_a_try and sw >> 4 == COUNTING
        return self.counter_requirement if self.counter_requirement and other_number else self.requirement

    @property
    def may_cost_a_try(self) -> bool:
        """Whether an outcome is a wrong presentation."""
        words = (word for outcome in self.outcomes for word in outcome.words)
        return any(word >> 4 == COUNTING or word == UNCOUNTED for word in words)

    def __str__(self) -> str:
        words = [f"{word:04X}" for outcome in self.outcomes for word in outcome.words]
        return " / ".join(words + [f"{family:02X}xx" for outcome in self.outcomes for family in outcome.families])


def succeeds(requirement: str, then: Then = _nothing, *, fits: Fits = no_data, shown: str = "—") -> Prediction:
    """``9000`` and nothing else."""
    return Prediction(requirement, (Outcome((0x9000,), fits=fits, shown=shown, then=then),))


def refused(requirement: str, *words: int, families: tuple[int, ...] = (), then: Then = _nothing) -> Prediction:
    """One of some refusals, without data."""
    return Prediction(requirement, (Outcome(words, families, then=then),))
