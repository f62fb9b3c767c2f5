"""What a terminal owes the insurance centre: settlements that it has not heard of, and quotes that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.messages import Clearing, Confirmation, InsuranceHost, OfflineUpload
from conformance.actors.medical.underway import Stage, Underway, answered, read, written
from conformance.actors.outbox import Box, Entry, Forgetful, Keeper


@dataclass(slots=True)
class Outbox:
    """Messages that wait for the line, oldest first.

    Attributes:
        settlements: What cards settled.
        reversals: Numbers whose quotes the centre may still keep, and no card settled.
        file: Where all of it is kept beyond the end of the program.
        held: Numbers whose ends somebody still needs: they are not forgotten.
        debited: Numbers under which a card settled, or may have: no other settlement gets one of them.
    """

    settlements: list[Confirmation | OfflineUpload] = field(default_factory=list)
    reversals: list[str] = field(default_factory=list)
    file: Keeper = field(default_factory=Forgetful)
    held: set[str] = field(default_factory=set)
    debited: set[str] = field(default_factory=set)

    def deliver(self, centre: InsuranceHost) -> list[Clearing]:
        """Send what waits; what the centre answers is taken off, also where it refuses. Stops where it cannot be reached."""
        answers: list[Clearing] = []
        try:
            while self.settlements:
                waiting = self.settlements[0]
                clearing = centre.settle(waiting) if isinstance(waiting, Confirmation) else centre.upload(waiting)
                self._note(waiting.number, clearing)
                answers.append(clearing)
                del self.settlements[0]
            while self.reversals:
                centre.reverse(self.reversals[0])
                self.file.drop(Box.MEDICAL, self.reversals[0])
                del self.reversals[0]
        except HostUnreachable:
            return answers
        return answers

    def reverse(self, number: str, centre: InsuranceHost) -> bool:
        """Take a quote back, now or later; answers whether the centre heard of it."""
        self.debited.discard(number)
        self.file.keep(Box.MEDICAL, number, Stage.REVERSAL)
        self.reversals.append(number)
        try:
            centre.reverse(number)
        except HostUnreachable:
            return False
        self.file.drop(Box.MEDICAL, number)
        self.reversals.remove(number)
        return True

    def wanted_again(self, number: str) -> None:
        """A quote of this number is asked for: it is not taken back, unless the program ends before the card is asked."""
        self.file.keep(Box.MEDICAL, number, Stage.QUOTE)
        if number in self.reversals:
            self.reversals.remove(number)

    # What is kept of a settlement

    def reach(self, stage: Stage, state: Underway) -> None:
        """Keep how far a settlement came."""
        self.debited.add(state.visit.number)
        self.file.keep(Box.MEDICAL, state.visit.number, stage, written(state))

    def settled(self, state: Underway) -> None:
        """The card settled: the centre must hear of it."""
        self.reach(Stage.SETTLED, state)
        self.settlements.append(state.message())

    def forget(self, number: str) -> None:
        """Nothing came of this number."""
        self.debited.discard(number)
        self.file.drop(Box.MEDICAL, number)

    def forget_cleared(self) -> None:
        """The till heard what became of everything that is cleared."""
        for entry in self.file.entries(Box.MEDICAL):
            if entry.stage == Stage.CLEARED and entry.number not in self.held:
                self.file.drop(Box.MEDICAL, entry.number)

    def card_of(self, number: str) -> bytes | None:
        """卡的识别码 of the card that settled, or may have, under a number; None where none was asked."""
        entry = self._entry(number)
        return read(entry).card if entry is not None and entry.stage not in (Stage.QUOTE, Stage.REVERSAL) else None

    def take_up(self) -> list[tuple[Stage, Underway]]:
        """Take up what an earlier program left; answers all that are more than quotes."""
        left: list[tuple[Stage, Underway]] = []
        for entry in self.file.entries(Box.MEDICAL):
            stage = Stage(entry.stage)
            if stage in (Stage.QUOTE, Stage.REVERSAL):
                self.reversals.append(entry.number)
                continue
            state = read(entry)
            self.debited.add(entry.number)
            left.append((stage, state))
            if stage is Stage.SETTLED:
                self.settlements.append(state.message())
        return left

    def _note(self, number: str, clearing: Clearing) -> None:
        entry = self._entry(number)
        if entry is not None:
            self.file.keep(Box.MEDICAL, number, Stage.CLEARED, answered(entry, clearing))

    def _entry(self, number: str) -> Entry | None:
        return next((each for each in self.file.entries(Box.MEDICAL) if each.number == number), None)
