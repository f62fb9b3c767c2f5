"""Verification of the holder in qPBOC (area PAY-QPB): when it is needed, which method, and what ends the transaction."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_dialogue import AAC, ARQC, TC, amount
from conformance.quick_dialogue import (
    CVM_LIMIT,
    DECLINED_AMOUNT,
    FOREIGN,
    OFFLINE_ONLY,
    ONLINE_PIN_ASKED,
    SIGNATURE_ASKED,
    Terminal,
    decide,
    prepared,
    processing,
    qualifiers,
)
from conformance.suites.payment.quick_decisions import END, NO_METHOD, require_processing, spends
from conformance.targets.base import Interface

SUITE = Suite(
    "qPBOC verification", "qPBOC 持卡人验证", "Payment: qPBOC cardholder verification", interface=Interface.CONTACTLESS
)

LIMIT = 3000


@SUITE.case(
    "PAY-QPB/no-method/BI",
    "没有共同的持卡人验证方式",
    "No cardholder verification in common",
    requirements=["PAY-QPB-014", "PAY-QPB-020"],
    kind=Kind.INVALID,
    expected=(
        "需要验证而没有共同方式时 6985；仅脱机终端只能签名，不能联机 PIN",
        "6985 when verification is needed and no method is common; at an offline-only terminal online PIN is none",
    ),
)
def no_method(bench: Bench) -> None:
    """TTQ 2.b7 without methods, and offline-only with online PIN alone."""
    with prepared(bench) as terminal:
        decide(bench, "PAY-QPB-020", terminal.tap(ttq=NO_METHOD), sw=END)
        for online_pin in (False, True):
            ttq = qualifiers(offline_only=True, online_pin=online_pin, signature=False, verification=True)
            decide(bench, "PAY-QPB-014", terminal.tap(ttq=ttq), sw=END)


@SUITE.case(
    "PAY-QPB/signature-offline/BV",
    "仅脱机终端签名",
    "Signature at an offline-only terminal",
    requirements=["PAY-QPB-015"],
    kind=Kind.VALID,
    expected=(
        "CTQ 1.b7 = 1，其后按消费检查得 TC 或 AAC；不需要验证时 1.b7 = 0",
        "CTQ 1.b7, and then TC or AAC by the spending checks; without need for verification 1.b7 is 0",
    ),
)
def signature_offline(bench: Bench) -> None:
    """An amount that the card can approve, and one that it cannot; then the first again without verification."""
    require_processing(bench, 3, 5)
    wanted = qualifiers(offline_only=True, verification=True)
    approves = TC if spends(bench) == TC else AAC
    with prepared(bench) as terminal:
        decide(bench, "PAY-QPB-015", terminal.tap(ttq=wanted), kind=approves, asked=SIGNATURE_ASKED)
        decide(bench, "PAY-QPB-015", terminal.tap(DECLINED_AMOUNT, wanted), kind=AAC, asked=SIGNATURE_ASKED)
        decide(bench, "PAY-QPB-015", terminal.tap(ttq=OFFLINE_ONLY), kind=approves, asked=0)


@SUITE.case(
    "PAY-QPB/verification-limit/BV",
    "卡片 CVM 限额 9F6B",
    "Verification limit 9F6B",
    requirements=["PAY-QPB-016"],
    kind=Kind.VALID,
    expected=(
        "金额小于或等于 9F6B 不需要验证，大于才需要；没有共同方式时 6985",
        "no verification up to 9F6B, equality included; above it a method, or 6985 without a common one",
    ),
)
def verification_limit(bench: Bench) -> None:
    """One less than the limit, the limit, one more, at three kinds of terminal."""
    method = ONLINE_PIN_ASKED if processing(bench, 3, 8) else SIGNATURE_ASKED
    bare = qualifiers(online_pin=False, signature=False)
    with prepared(bench, {CVM_LIMIT: amount(LIMIT)}) as terminal:
        for spend in (LIMIT - 1, LIMIT, LIMIT + 1):
            above, words = spend > LIMIT, (f"金额 {spend}", f"amount {spend}")
            tap = terminal.tap(spend)
            has_method = processing(bench, 3, 8) or processing(bench, 3, 5)
            if above and not has_method:
                decide(bench, "PAY-QPB-016", tap, sw=END, words=words)
            else:
                kind = ARQC if above and method == ONLINE_PIN_ASKED else spends(bench)
                decide(bench, "PAY-QPB-016", tap, kind=kind, asked=method * above, words=words)
            tap = terminal.tap(spend, bare)
            if above:
                decide(bench, "PAY-QPB-016", tap, sw=END, words=words)
            else:
                decide(bench, "PAY-QPB-016", tap, kind=spends(bench), words=words)


@SUITE.case(
    "PAY-QPB/foreign-verification/BV",
    "异币交易需要持卡人验证",
    "Another currency needs verification",
    requirements=["PAY-QPB-017"],
    kind=Kind.VALID,
    expected=(
        "异币 1 分：CTQ 1.b8 或 1.b7；没有共同方式时 6985",
        "0.01 abroad: CTQ 1.b8 or 1.b7; 6985 without a common method",
    ),
)
def foreign_verification(bench: Bench) -> None:
    """The smallest amount in another currency, with methods and without."""
    require_processing(bench, 3, 6)
    if processing(bench, 2, 7):
        raise NotApplicable("卡片禁止异币", "the card forbids other currencies")
    asked = ONLINE_PIN_ASKED if processing(bench, 3, 7) else SIGNATURE_ASKED
    with prepared(bench):
        abroad = Terminal(bench, currency=FOREIGN)
        bare = qualifiers(online_pin=False, signature=False)
        decide(bench, "PAY-QPB-017", abroad.tap(1, bare), sw=END)
        if processing(bench, 3, 7) or processing(bench, 3, 5):
            tap = abroad.tap(1)
            decide(bench, "PAY-QPB-017", tap, kind=tap.kind or ARQC, asked=asked)


@SUITE.case(
    "PAY-QPB/online-pin/BV",
    "联机 PIN",
    "Online PIN",
    requirements=["PAY-QPB-018", "PAY-QPB-019"],
    kind=Kind.VALID,
    expected=(
        "CTQ 1.b8 = 1、1.b7 = 0，ARQC，无论终端是否也支持签名",
        "ARQC with CTQ 1.b8 and without 1.b7, whether or not the terminal knows signature",
    ),
)
def online_pin(bench: Bench) -> None:
    """TTQ with online PIN alone, and with both methods."""
    require_processing(bench, 3, 8)
    with prepared(bench) as terminal:
        alone = qualifiers(signature=False, verification=True)
        decide(bench, "PAY-QPB-018", terminal.tap(ttq=alone), kind=ARQC, asked=ONLINE_PIN_ASKED)
        both = terminal.tap(ttq=qualifiers(verification=True))
        decide(bench, "PAY-QPB-019", both, kind=ARQC, asked=ONLINE_PIN_ASKED)
