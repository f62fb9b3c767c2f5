"""What is measured, how it is said, and how often something can be done in a second."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: float
    unit: str
    target: float | None = None
    """What is to be reached; nothing for a number that stands there to compare with."""
    at_least: bool = True
    """Whether the target is a floor (speed) or a ceiling (time, size)."""

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; nothing without a target."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured < self.target


def rate(action: Callable[[], object], seconds: float = 0.2) -> float:
    """How often an action can be done in a second, from one stretch of time."""
    done, spent, batch = 0, 0.0, 200
    begin = time.perf_counter()
    while spent < seconds:
        for _ in range(batch):
            action()
        done += batch
        spent = time.perf_counter() - begin
    return done / spent


def median_rate(action: Callable[[], object]) -> float:
    """The median of several rounds."""
    return statistics.median(rate(action) for _ in range(ROUNDS))


def median_seconds(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """How long something takes: the median of several rounds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def sscard(*words: str, good: Sequence[int] = (0,)) -> None:
    """Run the command line as a person would, in a process of its own.

    Raises:
        RuntimeError: it ended with another exit code.
    """
    program = Path(sys.executable).with_name("sscard")
    done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in good:
        raise RuntimeError(f"sscard {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
