"""The places at which a run can fail, numbered in the order in which it passes them, and the failures that strike there.

A *place* is a command to a chip, a message or question to a host, or a moment at which a program writes into its own journal. A run
without failures numbers all its places; a trial is the same run, in which a failure strikes at one of these numbers. Places
count on while the flow is recovered, so that a second failure can strike the recovery.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.campaign.failures import Failure


class Killed(BaseException):
    """The program that drives the flow ends here and now; nothing of what it held in memory is left."""


class Kind(StrEnum):
    """Kinds of places."""

    COMMAND = "command"
    """A command APDU to a chip."""
    MESSAGE = "message"
    """A message to a host, and its answer."""
    QUERY = "query"
    """A question to a host that keeps nothing, the key service, and its answer."""
    MOMENT = "moment"
    """A program writes into its journal."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place at which something can fail.

    Attributes:
        number: From 1, in the order in which a run passes them.
        kind: What passes there.
        step: The flow's step.
        what: The command's instruction, or the message.
        writes: Physical writes of the chip's memory that the command caused.
        recovering: Whether it was passed while the flow was recovered.
    """

    number: int
    kind: Kind
    step: str
    what: str
    writes: int = 0
    recovering: bool = False


@dataclass(slots=True)
class Passed:
    """What passed at a place, kept for those who look at the whole trace: a command, or a message by its name.

    Attributes:
        step: The flow's step.
        side: The slot or host that it went to.
        sent: The command, or the message's name.
        detail: The number of a message that has one.
        answer: What came back; None where nothing did.
    """

    step: str
    side: str
    sent: bytes | str
    detail: str = ""
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Strike:
    """A failure at a place; ``write`` is the physical write, from 1, of a failure that strikes inside a command."""

    failure: Failure
    number: int
    write: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """What passes at a place.

    Attributes:
        carry_out: Do it, and hand out the answer.
        lost: What the caller sees when no answer comes.
        side: The slot or host that it goes to.
        cut: Cut the chip's supply at a physical write; answers None when the cut came.
        power_off: Take the chip's power away.
    """

    carry_out: Callable[[], Any]
    lost: Callable[[], Exception]
    side: str
    cut: Callable[[int], Any] | None = None
    power_off: Callable[[], None] = lambda: None


class Seams:
    """Every place that a world passes, and what strikes there."""

    def __init__(self, strikes: Sequence[Strike] = ()) -> None:
        self._waiting = sorted(strikes, key=lambda strike: strike.number)
        self.places: list[Place] = []
        self.struck: list[tuple[Strike, Place]] = []
        """What struck, and where."""
        self.passed: list[Passed] = []
        """Everything that passed while it was armed."""
        self.step = ""
        self.armed = False
        """While it is not, everything passes and nothing is counted: the world is made, or looked at."""
        self.recovering = False
        self.gone: set[str] = set()
        """Slots whose reader is gone, and hosts that cannot be reached, until :meth:`mend`."""
        self.meanwhile: Callable[[str], None] = lambda name: None
        """What others do at the same time, by the name of the failure."""
        self._late: list[tuple[str, bool, Callable[[], Any]]] = []

    def pass_by(self, kind: Kind, what: str, call: Call, writes: Callable[[], int] = lambda: 0) -> Any:
        """Let something pass, or a failure strike it. ``writes`` tells afterwards how many writes it caused."""
        if not self.armed:
            return call.carry_out()
        if call.side in self.gone:
            raise call.lost()
        place = Place(len(self.places) + 1, kind, self.step, what, recovering=self.recovering)
        self.places.append(place)
        strike = self._due(place)
        if strike is not None:
            self._waiting.remove(strike)
            self.struck.append((strike, place))
            answer = strike.failure.strike(self, strike, call)
        else:
            answer = call.carry_out()
        if count := writes():
            self.places[place.number - 1] = replace(place, writes=count)
        if kind is Kind.MESSAGE:
            self._deliver_late(call.side)
        return answer

    def missed(self) -> None:
        """What struck last found nothing here, a command with fewer writes than its own: it waits for the next place."""
        strike, _ = self.struck.pop()
        self._waiting.insert(0, strike)

    def passing(self, side: str, sent: bytes | str, detail: str = "") -> Passed:
        """Something is about to pass; who sent it notes the answer."""
        entry = Passed(self.step, side, sent, detail)
        if self.armed:
            self.passed.append(entry)
        return entry

    def _due(self, place: Place) -> Strike | None:
        """What strikes here: at its own number, or at the next place of its kind where a run has a command more or less.

        Terminals draw numbers by which they decide what they ask a card for.
        """
        return next(
            (each for each in self._waiting if each.number <= place.number and each.failure.kind is place.kind), None
        )

    def keep_late(self, side: str, act: Callable[[], Any], *, at_the_end: bool) -> None:
        """A message that arrives after the next one to its host, or only when everything is over."""
        self._late.append((side, at_the_end, act))

    def _deliver_late(self, side: str) -> None:
        for late in [each for each in self._late if each[0] == side and not each[1]]:
            self._late.remove(late)
            self._deliver(late[2])

    @staticmethod
    def _deliver(act: Callable[[], Any]) -> None:
        """The answer to a message that came late goes to nobody, a refusal too; hosts refuse by ValueError."""
        with contextlib.suppress(ValueError):
            act()

    def mend(self) -> None:
        """Readers and lines are there again."""
        self.gone.clear()

    def end(self) -> None:
        """Whatever is still on its way arrives."""
        self.armed = False
        self.mend()
        while self._late:
            self._deliver(self._late.pop(0)[2])
