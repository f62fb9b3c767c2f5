"""What a visit desk keeps of the visits that are not over, beyond the end of its program."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.outbox import Box, Codec, Keeper
from conformance.actors.terminal.till_outbox import TillOutbox


class Stage(StrEnum):
    """How far a visit came; what is done with it when the desk starts again."""

    BEGUN = "begun"
    """The medical terminal tells what became of its part; what it settled is still to be paid."""
    PAYING = "paying"
    """The card may have paid the own part: the till's outbox tells."""
    REVERSAL = "reversal"
    """The card did not pay: the medical settlement is taken back."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A visit that is not over: how the holder pays, and the bank's number of the purchase, once there is one."""

    by_card: bool
    purchase: str = ""


_CODEC = Codec(Kept)


class VisitOutbox:
    """The desk's entries; while a visit is open, what terminal and till know of it is not forgotten either."""

    def __init__(self, file: Keeper, terminal: HospitalTerminal, till: TillOutbox) -> None:
        self._file = file
        self._terminal = terminal
        self._till = till

    def reach(self, number: str, stage: Stage, kept: Kept) -> None:
        """Keep how far a visit came."""
        self._file.keep(Box.VISIT, number, stage, _CODEC.write(kept))
        self._hold(number, kept)

    def _hold(self, number: str, kept: Kept) -> None:
        self._terminal.outbox.held.add(number)
        if kept.purchase:
            self._till.held.add(kept.purchase)

    def end(self, number: str) -> None:
        """The visit is over, and everybody knows its end."""
        purchases = [kept.purchase for name, _, kept in self.left() if name == number]
        self._file.drop(Box.VISIT, number)
        self._terminal.outbox.held.discard(number)
        self._terminal.outbox.forget_cleared()
        waiting = {each.number for each in self._till.left().reversals}
        for purchase in purchases:
            self._till.held.discard(purchase)
            if purchase not in waiting:
                self._till.forget(purchase)

    def left(self) -> list[tuple[str, Stage, Kept]]:
        """The visits that are not over, oldest first."""
        return [(each.number, Stage(each.stage), _CODEC.read(each.content)) for each in self._file.entries(Box.VISIT)]

    def take_up(self) -> list[tuple[str, Stage, Kept]]:
        """What an earlier program left, before anything is delivered."""
        left = self.left()
        for number, _, kept in left:
            self._hold(number, kept)
        return left
