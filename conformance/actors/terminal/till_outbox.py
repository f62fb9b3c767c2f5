"""What a till owes the bank beyond the end of its program: reversals, ends of transactions, clearing records.

A transaction on line has an entry before the bank is asked: the bank may approve, so that it is taken back unless the card
completed it. The end takes its place before the bank hears of it, and is removed once nobody needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from conformance.actors.bank.messages import ClearingRecord, Completion, Host, HostUnreachable, Reversal
from conformance.actors.outbox import Box, Codec, Forgetful, Keeper

_REVERSALS, _COMPLETIONS, _RECORDS = Codec(Reversal), Codec(Completion), Codec(ClearingRecord)
KILLED = "the terminal ended in the middle"
"""Why a transaction is taken back whose terminal did not come to its end."""


class Stage(StrEnum):
    """How far a transaction came; what is done with it when the till starts again."""

    REVERSAL = "reversal"
    """The bank may have approved, and the card did not complete: it is taken back."""
    COMPLETION = "completion"
    """The card completed it, and the bank may not have heard of the end."""
    CLEARING = "clearing"
    """The card approved it off line: it is presented."""


@dataclass(slots=True)
class Left:
    """What a program left that was killed.

    Attributes:
        reversals, completions, records: What the bank must hear.
    """

    reversals: list[Reversal] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    records: list[ClearingRecord] = field(default_factory=list)


class TillOutbox:
    """The till's entries of an outbox; in memory alone, where nothing outlives the program, unless a file is given."""

    def __init__(self, file: Keeper | None = None) -> None:
        self._file = file or Forgetful()
        self.held: set[str] = set()
        """Transactions whose end somebody still needs: they are not forgotten."""

    def asked(self, number: str) -> None:
        """The bank is about to be asked."""
        self.reversed(Reversal(number, KILLED))

    def reversed(self, reversal: Reversal) -> None:
        """It is to be taken back."""
        self._file.keep(Box.BANK, reversal.number, Stage.REVERSAL, _REVERSALS.write(reversal))

    def completed(self, completion: Completion) -> None:
        """Card and terminal came to the end."""
        self._file.keep(Box.BANK, completion.number, Stage.COMPLETION, _COMPLETIONS.write(completion))

    def cleared(self, record: ClearingRecord) -> None:
        """It was approved off line, and waits in the batch."""
        self._file.keep(Box.BANK, record.number, Stage.CLEARING, _RECORDS.write(record))

    def forget(self, number: str) -> None:
        """The bank knows, and the till too."""
        if number in self.held:
            return
        self._file.drop(Box.BANK, number)

    def forget_record(self, record: ClearingRecord | None) -> None:
        """The bank has it from the batch."""
        if record is not None:
            self.forget(record.number)

    def left(self) -> Left:
        """What an earlier program left, oldest first."""
        left = Left()
        for entry in self._file.entries(Box.BANK):
            if entry.stage == Stage.REVERSAL:
                left.reversals.append(_REVERSALS.read(entry.content))
            elif entry.stage == Stage.COMPLETION:
                left.completions.append(_COMPLETIONS.read(entry.content))
            else:
                left.records.append(_RECORDS.read(entry.content))
        return left

    def deliver(self, bank: Host) -> Left:
        """Tell the bank of ends and reversals that an earlier program left; answers what was delivered."""
        left, done = self.left(), Left()
        try:
            for completion in left.completions:
                bank.complete(completion)
                self.forget(completion.number)
                done.completions.append(completion)
            for reversal in left.reversals:
                bank.reverse(reversal)
                self.forget(reversal.number)
                done.reversals.append(reversal)
        except HostUnreachable:
            return done
        return done
