"""Trials in several processes, or in this one; whatever their number, the results are the same and come in the same order."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from conformance.campaign.flows import flow_of
from conformance.campaign.plan import PairTask, seconds
from conformance.campaign.planted import plant
from conformance.campaign.trial import Spec, Tried, Watch, run_trial, unwatched
from conformance.campaign.world import Flow
from conformance.failures import BenchError

MEMORY = Path("/dev/shm")  # noqa: S108 - only a place for folders of our own, which have names nobody can guess
CHUNK = 4
"""Trials that a process takes at once."""


@dataclass(frozen=True, slots=True)
class Task:
    """A trial, or the pairs of a first failure.

    Attributes:
        work: Which.
        seed: Chooses the second failures of pairs.
        chosen: Names of failures, all where empty.
        fault: A planted fault, or nothing.
    """

    work: Spec | PairTask
    seed: int = 0
    chosen: tuple[str, ...] = ()
    fault: str = ""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the books of a trial, in memory where the machine offers that."""
    with tempfile.TemporaryDirectory(prefix="sscard-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@lru_cache(maxsize=4)
def known_flow(name: str, fault: str) -> Flow:
    """A flow of this process, which keeps what its worlds begin with."""
    flow = flow_of(name)
    if fault:
        plant(flow, fault)
    return flow


def carry_out(task: Task) -> list[Tried]:
    """The trials of a task; their places are left behind."""
    spec = task.work if isinstance(task.work, Spec) else task.work.first
    flow = known_flow(spec.flow, task.fault)
    first = run_alone(flow, spec)
    if isinstance(task.work, Spec):
        return [replace(first, places=())]
    found = seconds(flow, task.work, first.places, task.seed, task.chosen)
    return [replace(run_alone(flow, each), places=()) for each in found]


def run_alone(flow: Flow, spec: Spec, watch: Watch = unwatched) -> Tried:
    """Run a trial in a folder that nothing else was in: what one leaves, an outbox perhaps, is no beginning for the next.

    Raises :class:`BenchError` with the trial's name for whatever else than a rule breaks in it.
    """
    with scratch() as folder:
        try:
            return run_trial(flow, spec, folder, watch)
        except Exception as problem:
            raise BenchError(f"trial {spec.named()}: {type(problem).__name__}: {problem}") from problem


def _ignore_interrupts() -> None:
    """Ctrl-C ends the campaign, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def crew(jobs: int) -> Iterator[Callable[[Sequence[Task]], Iterator[list[Tried]]]]:
    """So many processes; hands out what lets them carry tasks out, in the order of the tasks."""
    if jobs <= 1:
        yield lambda tasks: map(carry_out, tasks)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    try:
        yield lambda tasks: pool.map(carry_out, tasks, chunksize=CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)
