"""What a terminal owes the insurance centre: settlements that it has not heard of, and quotes that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.messages import Clearing, Confirmation, InsuranceHost, OfflineUpload


@dataclass(slots=True)
class Outbox:
    """Messages that wait for the line, oldest first.

    Attributes:
        settlements: What cards settled.
        reversals: Numbers whose quotes the centre may still keep, and no card settled.
    """

    settlements: list[Confirmation | OfflineUpload] = field(default_factory=list)
    reversals: list[str] = field(default_factory=list)

    def deliver(self, centre: InsuranceHost) -> list[Clearing]:
        """Send what waits; what the centre answers is taken off, also where it refuses. Stops where it cannot be reached."""
        answers: list[Clearing] = []
        try:
            while self.settlements:
                waiting = self.settlements[0]
                answers.append(centre.settle(waiting) if isinstance(waiting, Confirmation) else centre.upload(waiting))
                del self.settlements[0]
            while self.reversals:
                centre.reverse(self.reversals[0])
                del self.reversals[0]
        except HostUnreachable:
            return answers
        return answers

    def reverse(self, number: str, centre: InsuranceHost) -> bool:
        """Take a quote back, now or later; answers whether the centre heard of it."""
        self.reversals.append(number)
        try:
            centre.reverse(number)
        except HostUnreachable:
            return False
        self.reversals.remove(number)
        return True

    def wanted_again(self, number: str) -> None:
        """A quote of this number is asked for once more: it is not taken back."""
        if number in self.reversals:
            self.reversals.remove(number)
