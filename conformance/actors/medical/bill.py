"""The slip 医疗费用结算单 of a settlement, in Chinese or English; holder's name and number are masked."""

from __future__ import annotations

from conformance.actors.medical.messages import Category
from conformance.actors.medical.visit import Outcome, Result
from conformance.actors.slip import WIDTH, Language, centred, printable, row, wrapped

CATEGORIES = {
    Category.ORDINARY: ("普通", "ORDINARY"),
    Category.WORK_INJURY: ("工伤", "WORK INJURY"),
    Category.MATERNITY: ("生育", "MATERNITY"),
    Category.MEDICAL_ASSISTANCE: ("医疗救助", "ASSISTANCE"),
    Category.OTHER: ("其他", "OTHER"),
}
SHOWN = 4


def amount_text(fen: int) -> str:
    """An amount with two decimals, such as ``CNY 12.34``."""
    return f"CNY {fen // 100}.{fen % 100:02d}"


def masked(text: str, shown: int = SHOWN) -> str:
    """All but the last characters as asterisks; the first only of what is not longer."""
    return "*" * (len(text) - shown) + text[-shown:] if len(text) > shown else text[:1] + "*" * (len(text) - 1)


def bill(result: Result, language: Language = Language.ZH, *, ending: tuple[str, str] | None = None) -> str:
    """The slip: lines of at most :data:`~conformance.actors.slip.WIDTH` columns; one that did not settle says so and why.

    ``ending`` says in Chinese and English how it ended, where something came after the settlement.
    """
    at = 0 if language is Language.ZH else 1
    reason = (result.zh, result.en)[at]
    if result.sw:
        reason = f"{('卡片拒绝', 'refused')[at]}: {reason}, {result.sw:04X}"
    lines = [
        centred(("医疗费用结算单", "MEDICAL SETTLEMENT")[at]),
        "-" * WIDTH,
        *_rows(result, at),
        "-" * WIDTH,
        *wrapped((ending or result.outcome.value)[at]),
        *wrapped(printable(reason)),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _rows(result: Result, at: int) -> list[str]:
    visit, quote, settlement = result.visit, result.quote, result.settlement
    rows: list[tuple[tuple[str, str], str]] = [
        (("结算编号", "NUMBER"), visit.number),
        (("社会保障号码", "PERSON"), masked(result.person)),
        (("姓名", "NAME"), masked(result.name, 1) if result.name else ""),
        (("卡号", "CARD"), masked(result.card_number)),
        (("参保地", "INSURED IN"), result.area),
        (("结算类别", "CATEGORY"), CATEGORIES[visit.category][at]),
        (("日期时间", "DATE/TIME"), f"{visit.when:%Y/%m/%d %H:%M:%S}"),
        (("医疗费总额", "TOTAL"), amount_text(visit.total)),
    ]
    if quote is not None and result.outcome is not Outcome.REFUSED:
        rows += [
            (("统筹基金支付", "POOLED FUND"), amount_text(quote.fund)),
            (("个人账户支付", "ACCOUNT"), amount_text(quote.account)),
            (("个人自付", "OWN PAYMENT"), amount_text(quote.own)),
        ]
    if settlement is not None:
        rows += [
            (("终端机编号", "TERMINAL"), settlement.terminal.hex()),
            (("终端交易序号", "TERMINAL NO"), settlement.terminal_number.hex().upper()),
            (("卡交易序号", "CARD NO"), settlement.number.hex().upper()),
        ]
    rows.append((("交易认证码", "TAC"), result.tac.hex().upper()))
    return [line for names, value in rows if value for line in row(names[at], printable(value))]
