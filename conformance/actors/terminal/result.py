"""The record of a transaction 交易记录: all that a receipt, a report or a batch needs of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from conformance.actors.bank.messages import ClearingRecord, Reversal, TransactionKind
from conformance.actors.sector.trips import Passage, SectorOutcome
from conformance.actors.terminal.bits import Bit, explain_tsi, explain_tvr
from conformance.actors.terminal.cryptogram import Cryptogram
from conformance.actors.terminal.ending import Reason
from conformance.actors.terminal.events import Event
from conformance.actors.terminal.transaction import Transaction

SHOWN_AT_START, SHOWN_AT_END = 6, 4


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """How a transaction ended.

    Attributes:
        number: Number of the request to the bank.
        reason: How it ended; ``detail`` says in English what the card did where it broke its rules.
        account_number: Account number, whole; show :attr:`masked_account_number`.
        cryptogram: The last one, None where the card gave none.
        balance: E-cash balance after the transaction, None where none was seen.
        clearing: Record for the batch, of an offline approval.
        undelivered: A reversal that the bank did not hear yet.
    """

    number: str
    reason: Reason
    detail: str
    kind: TransactionKind
    amount: int
    currency: str
    when: datetime
    terminal_id: str
    merchant_id: str
    merchant_name: str
    aid: bytes
    label: str
    account_number: str = field(repr=False)
    sequence_number: str
    expiry: bytes
    tvr: bytes
    tsi: bytes
    cvm_results: bytes
    response_code: str
    authorisation_code: str
    cryptogram: Cryptogram | None
    e_cash: bool
    balance: int | None
    signature_wanted: bool
    script_results: tuple[bytes, ...]
    events: tuple[Event, ...] = field(repr=False)
    clearing: ClearingRecord | None = field(repr=False)
    undelivered: Reversal | None
    passage: Passage | None = None
    """What a gate was asked for; None of any other transaction."""
    sector: SectorOutcome | None = None
    """What a passage through a gate left on the card; None of any other transaction, and where the gate stayed shut."""

    @classmethod
    def of(
        cls,
        transaction: Transaction,
        number: str,
        reason: Reason,
        detail: str,
        cryptogram: Cryptogram | None,
        events: tuple[Event, ...],
        clearing: ClearingRecord | None,
        undelivered: Reversal | None,
    ) -> TransactionResult:
        """The record of a transaction that ended."""
        purchase, configuration = transaction.purchase, transaction.configuration
        return cls(
            number=number,
            reason=reason,
            detail=detail,
            kind=purchase.kind,
            amount=purchase.amount,
            currency=purchase.currency,
            when=purchase.when,
            terminal_id=configuration.terminal_id,
            merchant_id=configuration.merchant_id,
            merchant_name=configuration.merchant_name,
            aid=transaction.aid,
            label=transaction.label,
            account_number=transaction.account_number,
            sequence_number=transaction.sequence_number,
            expiry=transaction.card.get(0x5F24, b""),
            tvr=transaction.tvr.to_bytes(5, "big"),
            tsi=transaction.tsi.to_bytes(2, "big"),
            cvm_results=transaction.cvm_results,
            response_code=transaction.response_code,
            authorisation_code=transaction.authorisation_code,
            cryptogram=cryptogram,
            e_cash=transaction.e_cash,
            balance=transaction.balance_after,
            signature_wanted=transaction.signature_wanted,
            script_results=tuple(transaction.script_results),
            events=events,
            clearing=clearing,
            undelivered=undelivered,
            passage=transaction.passage,
            sector=transaction.sector,
        )

    @property
    def approved(self) -> bool:
        """Whether goods may be handed out."""
        return self.reason.approved

    @property
    def masked_account_number(self) -> str:
        """The account number with its first six and last four digits."""
        digits = self.account_number
        hidden = len(digits) - SHOWN_AT_START - SHOWN_AT_END
        if hidden <= 0:
            return "*" * len(digits)
        return digits[:SHOWN_AT_START] + "*" * hidden + digits[-SHOWN_AT_END:]

    @property
    def tvr_bits(self) -> tuple[Bit, ...]:
        """The bits of the TVR that are set."""
        return explain_tvr(self.tvr)

    @property
    def tsi_bits(self) -> tuple[Bit, ...]:
        """The bits of the TSI that are set."""
        return explain_tsi(self.tsi)
