"""The record of a transaction that was approved without the bank, as it is presented in the batch (JR/T 0025.6 §7.13)."""

from __future__ import annotations

from conformance.actors.bank.messages import ClearingRecord
from conformance.actors.terminal.cryptogram import Cryptogram
from conformance.actors.terminal.transaction import Transaction

E_CASH_CODE = 0x9F74


def clearing_record(transaction: Transaction, number: str, made: Cryptogram, *, e_cash: bool) -> ClearingRecord:
    """What the bank is told of it; with ``e_cash`` the authorisation code that the card gave, which says that e-cash pays."""
    code = transaction.card.get(E_CASH_CODE, b"").decode("ascii", errors="replace") if e_cash else ""
    purchase = transaction.purchase
    return ClearingRecord(
        number,
        transaction.account_number,
        transaction.sequence_number,
        purchase.amount,
        purchase.currency,
        made.chip_data,
        code,
    )
