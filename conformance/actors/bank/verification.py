"""Verification of the holder 持卡人核验: a balance inquiry of the card on line, with its PIN, for one change of the card."""

from __future__ import annotations

from collections.abc import Callable

from conformance.actors.bank.ledger import Account, Ledger

RECENT = 600
"""Seconds for which a verification serves; an assumption: no text rules it."""


class Verifications:
    """What the bank noted of holders who proved themselves; ``now`` gives seconds."""

    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now

    def note(self, request: str, card: Account, reference: str) -> None:
        """An inquiry with the right PIN was approved, for the change that ``reference`` names."""
        self._ledger.run(
            "INSERT INTO verification VALUES (?, ?, ?, ?, ?)",
            *(request, card.pan, card.sequence, reference, int(self._now())),
        )

    def serves(self, change: str, card: Account) -> bool:
        """Whether the holder of a card was verified for a change a short while ago, and the inquiry was not taken back."""
        query = """
SELECT 1 FROM verification JOIN request ON request.number = verification.request
WHERE reference = ? AND verification.pan = ? AND verification.sequence = ? AND time >= ?
    AND request.state IN ('approved', 'completed')
"""
        row = self._ledger.one(query, change, card.pan, card.sequence, int(self._now()) - RECENT)
        return row is not None
