"""Processing restrictions 处理限制: version, application usage control, dates (JR/T 0025.6 §7.6)."""

from __future__ import annotations

from conformance.actors.bank.messages import TransactionKind
from conformance.actors.terminal.bits import Tvr
from conformance.actors.terminal.events import Phase
from conformance.actors.terminal.reading import day_of
from conformance.actors.terminal.transaction import Transaction

VERSION, USAGE, ISSUER_COUNTRY, EFFECTIVE, EXPIRY = 0x9F08, 0x9F07, 0x5F28, 0x5F25, 0x5F24
CASH_DISPENSERS, ELSEWHERE = 0x0200, 0x0100
ALLOWED = {
    TransactionKind.PURCHASE: (0x2800, 0x1400),
    TransactionKind.CASH: (0x8000, 0x4000),
    TransactionKind.CASHBACK: (0x0080, 0x0040),
}
"""Bits of 9F07, at home and abroad: goods or services, cash, cashback (JR/T 0025.5 appendix A)."""


def restrict(transaction: Transaction) -> None:
    """Set byte 2 of the TVR."""
    transaction.enter(Phase.RESTRICTIONS)
    card, today = transaction.card, transaction.purchase.when.date()
    found = 0
    if card[VERSION] != transaction.application.version:
        found |= Tvr.VERSIONS_DIFFER
    if not _usage_allows(transaction):
        found |= Tvr.SERVICE_NOT_ALLOWED
    effective, expiry = day_of(card.get(EFFECTIVE, b"")), day_of(card[EXPIRY])
    if effective is not None and effective > today:
        found |= Tvr.NOT_YET_EFFECTIVE
    if expiry is None or expiry < today:
        found |= Tvr.EXPIRED
    transaction.tvr |= found
    transaction.say("有限制" if found else "无限制", "restrictions found" if found else "no restriction")


def _usage_allows(transaction: Transaction) -> bool:
    """应用用途控制 AUC: the kind of terminal, and where the issuer's country is known, the service at home or abroad."""
    value = transaction.card.get(USAGE)
    if value is None:
        return True
    usage = int.from_bytes(value, "big")
    if not usage & (CASH_DISPENSERS if transaction.configuration.dispenses_cash else ELSEWHERE):
        return False
    country = transaction.card.get(ISSUER_COUNTRY)
    if country is None or transaction.purchase.kind not in ALLOWED:
        return True
    at_home, abroad = ALLOWED[transaction.purchase.kind]
    return bool(usage & (at_home if country.hex() == transaction.configuration.country else abroad))
