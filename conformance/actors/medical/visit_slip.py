"""The slip of a visit that both applications of a card settled: the bill, then the own part and how it was paid."""

from __future__ import annotations

from conformance.actors.medical.bill import amount_text, bill
from conformance.actors.medical.visit_payment import OwnPart, VisitResult
from conformance.actors.slip import WIDTH, Language, centred, printable, row
from conformance.actors.terminal.receipt import receipt_rows

TAKEN_BACK = ("已结算，后已冲正", "settled, then taken back")


def visit_slip(result: VisitResult, language: Language = Language.ZH) -> str:
    """One slip with both parts; person, name, card and account number are masked, and a part that failed says so and why."""
    if result.own in (OwnPart.NONE, OwnPart.NOT_BEGUN):
        return bill(result.medical, language)
    at = 0 if language is Language.ZH else 1
    reason = (result.zh, result.en)[at]
    ending = TAKEN_BACK if result.own is OwnPart.REVERSED else None
    lines = [
        "=" * WIDTH,
        centred(("个人自付", "OWN PAYMENT")[at]),
        "-" * WIDTH,
        *row(("应付金额", "DUE")[at], amount_text(result.due)),
        *(receipt_rows(result.payment, language) if result.payment else []),
        *(row(("卡片未支付", "NOT PAID BY CARD")[at], printable(reason)) if reason else []),
        "-" * WIDTH,
        centred(result.own.value[at]),
    ]
    if result.own is OwnPart.CARD and result.payment and result.payment.signature_wanted:
        lines += ["", ("持卡人签名：", "Signature: ")[at] + "_" * (WIDTH - 12)]
    return bill(result.medical, language, ending=ending) + "\n".join(line.rstrip() for line in lines) + "\n"
