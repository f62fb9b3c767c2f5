"""Which chip carries which card, as stations report it 银行回盘登记: an identification belongs to one card for ever."""

from __future__ import annotations

from dataclasses import replace

from conformance.actors.bank.change import ChipReturn, Outcome
from conformance.actors.bank.ledger import Ledger


class Chips:
    """The chips that came back."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_card(self, pan: str, sequence: str) -> ChipReturn | None:
        """The chip of a card."""
        row = self._ledger.one("SELECT * FROM chip WHERE pan = ? AND sequence = ?", pan, sequence)
        return None if row is None else ChipReturn(**dict(row))

    def number_of(self, identification: str) -> str | None:
        """Account number of the card that a chip carries."""
        row = self._ledger.one("SELECT pan FROM chip WHERE identification = ?", identification.upper())
        return None if row is None else str(row["pan"])

    def sequence_of(self, identification: str, pan: str) -> str | None:
        """Card sequence number of the card of ``pan`` that a chip carries."""
        query = "SELECT sequence FROM chip WHERE identification = ? AND pan = ?"
        row = self._ledger.one(query, identification.upper(), pan)
        return None if row is None else str(row["sequence"])

    def enter(self, chip: ChipReturn) -> Outcome:
        """A chip that came back; neither it nor its card may have another partner."""
        named = replace(chip, identification=chip.identification.upper(), atr=chip.atr.upper())
        if self.of_card(chip.pan, chip.sequence) == named:
            return Outcome.DONE_BEFORE
        query = "SELECT 1 FROM chip WHERE identification = ? OR atr = ? OR (pan = ? AND sequence = ?)"
        if self._ledger.one(query, named.identification, named.atr, chip.pan, chip.sequence) is not None:
            return Outcome.CHIP_KNOWN
        self._ledger.run(
            "INSERT INTO chip VALUES (?, ?, ?, ?, ?)",
            *(named.identification, named.atr, named.version, named.pan, named.sequence),
        )
        return Outcome.DONE
