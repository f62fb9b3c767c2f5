"""Terminal action analysis 终端行为分析: what to ask the card for (JR/T 0025.6 §7.9, JR/T 0025.13 §7.4.3)."""

from __future__ import annotations

from enum import IntEnum

from conformance.actors.bank.messages import TransactionKind
from conformance.actors.terminal.configuration import ACTION_CODE_LENGTH, NEVER
from conformance.actors.terminal.events import Decided, Phase
from conformance.actors.terminal.transaction import Transaction
from conformance.actors.terminal.verification import Method, enter_online_pin

IAC_DEFAULT, IAC_DENIAL, IAC_ONLINE = 0x9F0D, 0x9F0E, 0x9F0F
ALWAYS = b"\xff" * ACTION_CODE_LENGTH
"""Issuer action codes online and default of a card that has none."""


class Kind(IntEnum):
    """Cryptograms, as bits 8 and 7 of P1 and of the CID write them."""

    AAC = 0x00
    TC = 0x40
    ARQC = 0x80


def decide(transaction: Transaction) -> Kind:
    """The cryptogram to ask for first; the response code of an offline end is set too."""
    transaction.enter(Phase.ACTION_ANALYSIS)
    kind = _first(transaction)
    transaction.response_code = {Kind.TC: "Y1", Kind.AAC: "Z1", Kind.ARQC: ""}[kind]
    tvr = f"{transaction.tvr:010X}"
    transaction.listener(
        Decided(Phase.ACTION_ANALYSIS, f"请求 {kind.name}，TVR {tvr}", f"asks for {kind.name}, TVR {tvr}", kind.name)
    )
    return kind


def _first(transaction: Transaction) -> Kind:
    configuration, application = transaction.configuration, transaction.application
    if _matches(transaction, application.tac_denial, IAC_DENIAL, NEVER):
        return Kind.AAC
    if configuration.offline_only:
        return Kind.AAC if prefers_decline(transaction) or needs_bank(transaction) else Kind.TC
    if transaction.purchase.kind is TransactionKind.BALANCE_INQUIRY and not transaction.online_pin:
        _ask_for_online_pin(transaction)
    online = configuration.online_only or needs_bank(transaction)
    online = online or _matches(transaction, application.tac_online, IAC_ONLINE, ALWAYS)
    if not online and transaction.e_cash and _e_cash_runs_low(transaction):
        _ask_for_online_pin(transaction)
        online = True
    return Kind.ARQC if online else Kind.TC


def needs_bank(transaction: Transaction) -> bool:
    """圈存, an inquiry, and cash from a dispenser are the bank's to decide (JR/T 0025.13 §7.3)."""
    cash = transaction.configuration.dispenses_cash and transaction.purchase.kind is TransactionKind.CASH
    return cash or transaction.purchase.kind in (TransactionKind.LOAD, TransactionKind.BALANCE_INQUIRY)


def _e_cash_runs_low(transaction: Transaction) -> bool:
    """Whether less than the reset threshold 重置阈值 would remain, or the card keeps its balance to itself."""
    if transaction.balance is None or transaction.threshold is None:
        return True
    return transaction.balance - transaction.purchase.amount < transaction.threshold


def _ask_for_online_pin(transaction: Transaction) -> None:
    outcome = enter_online_pin(transaction)
    transaction.cvm_results = bytes((Method.ONLINE_PIN, 0x00, outcome))


def prefers_decline(transaction: Transaction) -> bool:
    """Whether the action codes for a terminal that cannot go online say no."""
    return _matches(transaction, transaction.application.tac_default, IAC_DEFAULT, ALWAYS)


def _matches(transaction: Transaction, terminal: bytes, tag: int, absent: bytes) -> bool:
    """Whether a bit of the TVR is set in the terminal's or the issuer's action code."""
    issuer = transaction.card.get(tag, absent)
    code = int.from_bytes(terminal, "big") | int.from_bytes(issuer, "big")
    return bool(code & transaction.tvr)
