"""One trial: a fresh world, the flow with what strikes it, the recovery, and what the outside says before, between and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.campaign.failures import FAILURES
from conformance.campaign.outside.facts import Facts, look
from conformance.campaign.rules import Case, Finding, judge
from conformance.campaign.seams import Killed, Place, Seams, Strike
from conformance.campaign.systems import Shown, show
from conformance.campaign.world import Flow, World
from conformance.events import UNDISTURBED

MOST_RECOVERIES = 8
"""How often people try again before they call it a day."""
NOT_RECOVERED = "not recovered"


@dataclass(frozen=True, slots=True)
class Spec:
    """A trial by names: failure, place number and write of each strike; nothing for a run that nothing disturbs."""

    flow: str
    strikes: tuple[tuple[str, int, int], ...] = ()

    @property
    def failure(self) -> str:
        """Names of the failures, joined."""
        return "+".join(name for name, _, _ in self.strikes)

    @property
    def place(self) -> str:
        """Numbers of the places, joined."""
        return "+".join(f"{number}.{write}" if write else str(number) for _, number, write in self.strikes)

    def named(self, step: str = "") -> str:
        """As ``--only`` names it: flow/step/failure/place; the step is for people, and may be empty."""
        return "/".join((self.flow, step, self.failure or UNDISTURBED, self.place)).rstrip("/")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a trial.

    Attributes:
        spec: Which it was.
        step: The step in which its first failure struck; where none did, nothing.
        ending: How the flow ended.
        struck: How many of its failures found something to strike.
        findings: The rules that did not hold.
        places: Every place that the run and its recovery passed.
        shown: The requirements on systems that it tried.
    """

    spec: Spec
    step: str
    ending: str
    struck: int
    findings: tuple[Finding, ...]
    places: tuple[Place, ...]
    shown: tuple[Shown, ...] = ()


Watch = Callable[[str, World], None]
"""Sees the world of a trial ``before`` it and ``after`` it."""


def unwatched(moment: str, world: World) -> None:
    """Nobody looks on."""


def run_trial(flow: Flow, spec: Spec, folder: Path, watch: Watch = unwatched) -> Tried:
    """Run a trial in a folder of its own."""
    seams = Seams([Strike(FAILURES[name], number, write) for name, number, write in spec.strikes])
    world = flow.build(seams, folder)
    world.seen = flow.seen
    try:
        watch("before", world)
        before = world.before = flow.before = flow.before or look(world)
        struck = _disturbed(world, before)
        ended = _recovered(world)
        seams.end()
        after = look(world)
        ending = world.ending(after) if ended else NOT_RECOVERED
        case = Case(world, before, struck or after, after, ending)
        findings, shown = judge(case), show(flow, case)
        watch("after", world)
    finally:
        world.close()
    step = seams.struck[0][1].step if seams.struck else ""
    return Tried(spec, step, ending, len(seams.struck), tuple(findings), tuple(seams.places), shown)


def _disturbed(world: World, before: Facts) -> Facts | None:
    """The flow once, and what is to be seen right after it; None where nothing struck."""
    seams = world.seams
    seams.meanwhile = world.meanwhile
    seams.armed = True
    try:
        world.run()
    except Killed:
        pass
    finally:
        seams.armed = False
    seams.mend()
    return look(world) if seams.struck else None


def _recovered(world: World) -> bool:
    """Whether the flow came to an end, however often it had to be begun again."""
    seams = world.seams
    seams.recovering = True
    for _ in range(MOST_RECOVERIES):
        seams.armed = True
        try:
            if world.recover():
                return True
        except Killed:
            continue
        finally:
            seams.armed = False
            seams.mend()
    return False
