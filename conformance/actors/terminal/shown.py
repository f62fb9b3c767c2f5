"""What a payment card shows to anyone: its account number and card sequence number, without a transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date

from conformance.actors.bank.card_data import CardOrder
from conformance.actors.terminal.channel import Link
from conformance.actors.terminal.kernel import DEFAULT_CONFIGURATION, begin
from conformance.actors.terminal.reading import read
from conformance.actors.terminal.transaction import PreparedHolder, Purchase, Transaction

EXPIRY, CERTIFICATE = 0x5F24, 0x9F46


@dataclass(frozen=True, slots=True)
class ShownCard:
    """Account number 5A, card sequence number 5F34, last day 5F24 as YYMMDD, certificate of the card's key 9F46."""

    account_number: str = field(repr=False)
    sequence_number: str
    expiry: str = ""
    certificate: bytes = field(default=b"", repr=False)

    @property
    def masked(self) -> str:
        """As it may be kept and shown."""
        number = CardOrder(self.account_number, self.sequence_number, date.max).masked
        return f"{number} {self.sequence_number}"


def shown_card(link: Link) -> ShownCard:
    """Select the first payment application of a card that is switched on, and read its records.

    Raises:
        conformance.actors.terminal.ending.Ended: There is none, or the card is gone or answers against the standard.
    """
    purchase = Purchase(0, e_cash=False)
    transaction, _ = Transaction.begin(link, DEFAULT_CONFIGURATION, purchase, PreparedHolder(), secrets.SystemRandom())
    read(transaction, begin(transaction))
    card = transaction.card
    return ShownCard(
        transaction.account_number,
        transaction.sequence_number,
        card.get(EXPIRY, b"").hex(),
        card.get(CERTIFICATE, b""),
    )
