"""Faults of qPBOC 快速借记/贷记: the decision, holder verification, spending checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.faults.payment.quick_means import (
    LOW,
    OFFLINE,
    Other,
    add,
    any_card,
    card_seen,
    doing,
    fault_set,
    has_object,
    terminal_seen,
    without,
)
from emulator.apps.payment import quick
from emulator.apps.payment.application import Tag, number
from emulator.apps.payment.quick import Decision, Processing, Terminal
from emulator.apps.payment.transaction import Cvr, Kind

FAULTS = fault_set()
ONLINE_OR_DECLINED = ["PAY-QPB-027", "PAY-QPB-028", "PAY-QPB-030", "PAY-QPB-034", "PAY-QPB-036"]

_needs_verification, _spend, _total_is_exceeded = (
    Decision._cvm_is_needed,
    Decision._spend,
    Decision._total_is_exceeded,
)


def _verification_at_limit(self: Any) -> bool:
    limit = self._object(Tag.CVM_LIMIT)
    return _needs_verification(self) or (self._matched and limit is not None and self._asked == number(limit))


def _threshold(binds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def beyond(self: Any) -> bool:
        kept = number(self._object(Tag.THRESHOLD) or b"") if binds(self) else 0
        return bool(self._beyond_single_limit() or self._asked > self._available - kept)

    return beyond


def _at_single_limit(self: Any) -> bool:
    limit = self._object(Tag.SINGLE_LIMIT)
    return limit is not None and self._asked >= number(limit)


def _silent_spend(self: Any) -> Kind:
    kind = _spend(self)
    self._transaction.cvr &= ~Cvr.VELOCITY
    return kind


def _total_at_limit(self: Any) -> bool:
    self._asked += 1
    try:
        return _total_is_exceeded(self)
    finally:
        self._asked -= 1


def _never(self: Any) -> bool:
    return False


def _nothing(self: Any) -> None:
    """The step is left out."""


def _pin_only_without_signature(bits: int) -> int:
    return bits & ~Terminal.ONLINE_PIN if bits & Terminal.SIGNATURE else bits


add(
    FAULTS,
    (
        Other(
            "qpb.verification-at-limit",
            "金额等于 9F6B 时要求持卡人验证",
            "An amount equal to 9F6B needs verification",
            ["PAY-QPB-016"],
            Decision,
            "_cvm_is_needed",
            _verification_at_limit,
            lambda profile: any_card(profile) and has_object(profile, "9F6B"),
        ),
        Other(
            "qpb.signature-first",
            "签名优先于联机 PIN",
            "Signature has precedence over online PIN",
            ["PAY-QPB-019"],
            quick,
            "terminal_qualifiers",
            terminal_seen(_pin_only_without_signature),
            doing(Processing.ONLINE_PIN),
        ),
        Other(
            "qpb.no-method-approves",
            "没有共同验证方式仍继续交易",
            "A transaction goes on without a verification in common",
            ["PAY-QPB-014", "PAY-QPB-020"],
            Decision,
            "_require_signature",
            _nothing,
        ),
        Other(
            "qpb.terminal-ignored",
            "忽略终端的联机要求",
            "The terminal's wish to go online is ignored",
            ["PAY-QPB-021"],
            quick,
            "terminal_qualifiers",
            terminal_seen(lambda bits: bits & ~Terminal.CRYPTOGRAM_REQUIRED),
            OFFLINE,
        ),
        Other(
            "qpb.foreign-offline",
            "未允许的异币脱机批准",
            "Another currency is approved offline unasked",
            ["PAY-QPB-022"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits | Processing.FOREIGN_OFFLINE),
            lambda profile: (
                without(Processing.FOREIGN_OFFLINE | Processing.FOREIGN_FORBIDDEN | Processing.FOREIGN_CVM)(profile)
                and has_object(profile, "9F53")
            ),
        ),
        Other(
            "qpb.foreign-not-forbidden",
            "忽略异币禁止",
            "The ban on other currencies is ignored",
            ["PAY-QPB-011"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.FOREIGN_FORBIDDEN),
            doing(Processing.FOREIGN_FORBIDDEN),
        ),
        Other(
            "qpb.new-card-ignored",
            "新卡不联机",
            "A new card does not go online",
            ["PAY-QPB-023"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.NEW_CARD),
            doing(Processing.NEW_CARD),
        ),
        Other(
            "qpb.pin-tries-ignored",
            "不检查 PIN 尝试次数",
            "PIN tries are not checked",
            ["PAY-QPB-013", "PAY-QPB-024"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.PIN_TRIES),
            doing(Processing.PIN_TRIES),
        ),
        Other(
            "qpb.contact-not-preferred",
            "不转到接触界面",
            "The contacts are not preferred",
            ["PAY-QPB-037"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.PREFERS_CONTACT),
            doing(Processing.PREFERS_CONTACT),
        ),
        Other(
            "qpb.prepaid-free",
            "预付卡联机不扣款",
            "A prepaid card does not pay online",
            ["PAY-QPB-038"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.PREPAID),
            doing(Processing.PREPAID),
        ),
        Other(
            "qpb.threshold-ignored",
            "联机终端忽略 9F6D",
            "The threshold 9F6D does not bind at an online terminal",
            ["PAY-QPB-027"],
            Decision,
            "_beyond_low_value",
            _threshold(lambda self: False),
            LOW,
        ),
        Other(
            "qpb.threshold-offline",
            "仅脱机终端仍受 9F6D 限制",
            "The threshold 9F6D binds at an offline-only terminal, too",
            ["PAY-QPB-029"],
            Decision,
            "_beyond_low_value",
            _threshold(lambda self: True),
            LOW,
        ),
        Other(
            "qpb.single-limit-ignored",
            "忽略单笔限额 9F78",
            "The single limit 9F78 is ignored",
            ONLINE_OR_DECLINED[:4],
            Decision,
            "_beyond_single_limit",
            _never,
            OFFLINE,
        ),
        Other(
            "qpb.single-limit-excluded",
            "金额等于 9F78 时不批准",
            "An amount equal to the single limit is refused",
            ["PAY-QPB-026", "PAY-QPB-028", "PAY-QPB-034"],
            Decision,
            "_beyond_single_limit",
            _at_single_limit,
            doing(Processing.LOW_VALUE | Processing.LOW_VALUE_OR_TOTAL),
        ),
        Other(
            "qpb.velocity-hidden",
            "超限时 CVR 不置位",
            "The CVR does not show that a limit was exceeded",
            ONLINE_OR_DECLINED,
            Decision,
            "_spend",
            _silent_spend,
            OFFLINE,
        ),
        Other(
            "qpb.balance-kept",
            "脱机批准不减余额",
            "An offline approval costs nothing",
            ["PAY-QPB-026", "PAY-QPB-031", "PAY-QPB-033"],
            Decision,
            "_debit",
            _nothing,
            OFFLINE,
        ),
        Other(
            "qpb.total-kept",
            "脱机批准不计入累计金额",
            "An offline approval does not count to the total",
            ["PAY-QPB-031", "PAY-QPB-034"],
            Decision,
            "_add_to_total",
            _nothing,
            doing(Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL),
        ),
        Other(
            "qpb.total-at-limit",
            "累计等于上限时不批准",
            "A total that reaches its limit is refused",
            ["PAY-QPB-030", "PAY-QPB-034"],
            Decision,
            "_total_is_exceeded",
            _total_at_limit,
            doing(Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL),
        ),
    ),
)
