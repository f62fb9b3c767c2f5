"""What is wrong with a profile: every fault at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: the dotted path of the value, and a sentence.

    A ``warning`` does not stop a profile from loading: the card can be built, but it departs from the specification.
    """

    path: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ProfileError(Exception):
    """A profile that cannot be used; ``problems`` are all its faults and ``source`` is where it came from."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = list(problems)
        super().__init__("\n".join([f"profile {source}:", *(f"  {problem}" for problem in self.problems)]))
