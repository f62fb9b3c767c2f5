"""Terminal risk management 终端风险管理: lists, floor limit, chance, velocity (JR/T 0025.6 §7.8)."""

from __future__ import annotations

from conformance.actors.terminal.bits import Aip, Tsi, Tvr
from conformance.actors.terminal.events import Phase
from conformance.actors.terminal.transaction import Transaction

LOWER_LIMIT, UPPER_LIMIT, COUNTER, LAST_ONLINE_COUNTER = 0x9F14, 0x9F23, 0x9F36, 0x9F13


def manage_risk(transaction: Transaction) -> None:
    """Set byte 4 of the TVR; an e-cash transaction has neither floor limit, chance nor velocity (JR/T 0025.13 §7.4.3)."""
    transaction.enter(Phase.RISK_MANAGEMENT)
    if not transaction.supports(Aip.RISK_MANAGEMENT):
        transaction.say("卡片不要求", "the card does not ask for it")
        return
    found = 0
    if transaction.account_number in transaction.configuration.exception_file:
        found |= Tvr.EXCEPTION_FILE
    if transaction.purchase.force_online:
        found |= Tvr.FORCED_ONLINE
    if not transaction.e_cash:
        found |= _limits(transaction) | _velocity(transaction)
    transaction.tvr |= found
    transaction.tsi |= Tsi.TERMINAL_RISK_MANAGEMENT
    transaction.say("有风险提示" if found else "无风险提示", "risks found" if found else "no risk found")


def _limits(transaction: Transaction) -> int:
    """Floor limit 最低限额, and below it the choice by chance 随机交易选择."""
    application, amount = transaction.application, transaction.purchase.amount
    if amount + transaction.purchase.earlier_amount >= application.floor_limit:
        return Tvr.FLOOR_LIMIT
    target = float(application.target)
    if amount >= application.threshold:
        share = (amount - application.threshold) / (application.floor_limit - application.threshold)
        target += (application.greatest_target - application.target) * share
    return Tvr.RANDOMLY_SELECTED if transaction.random.randrange(1, 100) <= target else 0


def _velocity(transaction: Transaction) -> int:
    """频度检查: transactions since the last online one, and whether there ever was one."""
    lower, upper = transaction.card.get(LOWER_LIMIT), transaction.card.get(UPPER_LIMIT)
    if lower is None or upper is None:
        return 0
    counter, last = transaction.channel.data(COUNTER), transaction.channel.data(LAST_ONLINE_COUNTER)
    found = Tvr.NEW_CARD if last is not None and not any(last) else 0
    if counter is None or last is None or counter <= last:
        return found | Tvr.LOWER_LIMIT | Tvr.UPPER_LIMIT
    since = int.from_bytes(counter, "big") - int.from_bytes(last, "big")
    if since > lower[0]:
        found |= Tvr.LOWER_LIMIT
    if since > upper[0]:
        found |= Tvr.UPPER_LIMIT
    return found
