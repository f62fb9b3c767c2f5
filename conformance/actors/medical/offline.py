"""What a terminal decides alone while the centre cannot be reached 临时脱网 (人社信息函〔2012〕38号 §4)."""

from __future__ import annotations

from conformance.actors.medical.keys import TerminalKeys
from conformance.actors.medical.messages import OfflineState, Refusal
from conformance.actors.medical.visit import OfflineLimits, Stopped, Visit

LARGEST_AMOUNT = 0xFFFFFFFF


def require_amount(visit: Visit) -> None:
    """Raises :class:`~conformance.actors.medical.visit.Stopped` for a total that no centre would take."""
    if not 0 < visit.total <= LARGEST_AMOUNT:
        raise Stopped(*Refusal.WRONG_AMOUNT.value, refusal=Refusal.WRONG_AMOUNT)


def may_settle_offline(
    visit: Visit, card: OfflineState, limits: OfflineLimits, *, own_area: bool, keys: TerminalKeys | None
) -> None:
    """Raises :class:`~conformance.actors.medical.visit.Stopped` unless the bill may be settled off line.

    Only cards of the own area, allowed by tag 90, sum and number strictly below the limits (§4.2), from the personal account
    alone, and with a PSAM, because an HSM is as far away as the centre (§4.5).
    """
    require_amount(visit)
    if keys is not None and keys.needs_line:
        raise Stopped(
            "临时脱网须由 PSAM 计算 MAC，而密钥在加密机",
            "off line only a PSAM makes the MACs, and the keys are those of an HSM",
        )
    if not own_area:
        raise Stopped("外地卡不能临时脱网", "cards of other areas do not settle off line")
    if visit.category.is_special or not visit.use_account:
        raise Stopped("临时脱网仅限个人账户支付", "off line only the personal account pays")
    if not card.allowed:
        raise Stopped("卡片不允许临时脱网", "the card does not allow offline settlements", refusal=Refusal.NO_OFFLINE)
    if card.amount + visit.total >= limits.amount or card.count + 1 >= limits.count:
        raise Stopped("超过临时脱网限额", "the limits of offline settlements are reached", refusal=Refusal.NO_OFFLINE)
