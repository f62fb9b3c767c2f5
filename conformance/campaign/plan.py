"""Which trials a level has: of all places where a failure can strike, all of them, or some of each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from conformance.campaign.failures import FAILURES, OTHERS, Failure
from conformance.campaign.seams import Place
from conformance.campaign.trial import Spec
from conformance.campaign.world import Flow
from conformance.cases import Level

Item = TypeVar("Item")
SINGLES = {Level.QUICK: 1, Level.STANDARD: 8, Level.OFFICIAL: None}
"""Trials of a failure in a step; None for every place."""
PAIRS = {Level.QUICK: 0, Level.STANDARD: 2, Level.OFFICIAL: 4}
"""Second failures of each kind in the recovery of a first one."""
FIRSTS = ("power-cut-after", "killed-after-chip", "answer-lost", "killed-after-host", "killed-after")
"""First failures of pairs: the ones after which what was done can't be taken back, and nobody heard of it."""
SECONDS = (
    "power-cut-after",
    "power-cut-inside",
    "reader-gone",
    "unreachable",
    "answer-lost",
    "keys-unreachable",
    "killed-after-chip",
    "killed-after",
)


@dataclass(frozen=True, slots=True)
class PairTask:
    """A first failure, whose recovery is to be disturbed at so many places by each second failure."""

    first: Spec
    count: int


def failures_of(flow: Flow, chosen: Sequence[str] = ()) -> list[Failure]:
    """The failures that strike a flow: those it stages itself, and all others that its programs are built for."""
    return [
        each
        for name, each in FAILURES.items()
        if (name not in OTHERS or name in flow.staged) and name not in flow.without and (not chosen or name in chosen)
    ]


def targets(failure: Failure, places: Iterable[Place]) -> Iterator[tuple[Place, int]]:
    """Every place and write at which a failure can strike."""
    for place in places:
        if place.kind is failure.kind:
            if not failure.inside:
                yield place, 0
            else:
                for write in range(1, place.writes + 1):
                    yield place, write


def singles(flow: Flow, places: Sequence[Place], level: Level, seed: int, chosen: Sequence[str] = ()) -> list[Spec]:
    """The trials with one failure; the same ones for the same seed."""
    found = []
    for failure in failures_of(flow, chosen):
        by_step: dict[str, list[tuple[Place, int]]] = {}
        for place, write in targets(failure, places):
            by_step.setdefault(place.step, []).append((place, write))
        for step, possible in by_step.items():
            for place, write in _some(possible, SINGLES[level], f"{seed}/{flow.name}/{step}/{failure.name}"):
                found.append(Spec(flow.name, ((failure.name, place.number, write),)))
    return sorted(found, key=lambda spec: spec.strikes[0][1:])


def pairs(flow: Flow, places: Sequence[Place], level: Level, seed: int, chosen: Sequence[str] = ()) -> list[PairTask]:
    """The first failures of pairs: the last place of each kind in every irreversible step, and some others of it."""
    count = PAIRS[level]
    if not count:
        return []
    able = {each.name for each in failures_of(flow, chosen)}
    steps = [step.name for step in flow.steps if step.irreversible]
    found = []
    for name in FIRSTS:
        if name not in able:
            continue
        for step in steps:
            inside = [place for place in places if place.step == step and place.kind is FAILURES[name].kind]
            if not inside:
                continue
            more = _some(inside[:-1], count - 1, f"{seed}/{flow.name}/{step}/{name}/first")
            for place in (*more, inside[-1]):
                found.append(PairTask(Spec(flow.name, ((name, place.number, 0),)), count))
    return found


def seconds(flow: Flow, task: PairTask, places: Sequence[Place], seed: int, chosen: Sequence[str] = ()) -> list[Spec]:
    """The pairs of a first failure, whose recovery passed these places."""
    first = task.first.strikes[0]
    after = [place for place in places if place.recovering and place.number > first[1]]
    found = []
    for failure in failures_of(flow, chosen):
        if failure.name not in SECONDS:
            continue
        possible = list(targets(failure, after))
        label = f"{seed}/{flow.name}/{task.first.failure}/{task.first.place}/{failure.name}"
        for place, write in _some(possible, task.count, label):
            found.append(Spec(flow.name, (first, (failure.name, place.number, write))))
    return found


def _some(items: Sequence[Item], count: int | None, label: str) -> list[Item]:
    """So many of them, in their order, chosen by a label; all of them where no number is given."""
    if count is None or count >= len(items):
        return list(items)
    chosen = sorted(Random(label).sample(range(len(items)), count))  # noqa: S311 - to be repeated, no secret
    return [items[at] for at in chosen]
