"""Spending checks of qPBOC (area PAY-QPB): balance and total at their borders, other currencies, the prepaid card."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_dialogue import AAC, ARQC, BALANCE, TC, amount
from conformance.payment_judging import VELOCITY
from conformance.quick_dialogue import (
    ALL_AMOUNTS,
    CAPABLE,
    CVM_LIMIT,
    FOREIGN,
    FOREIGN_LIMIT,
    OFFLINE_ONLY,
    ONLINE,
    SINGLE_LIMIT,
    THRESHOLD,
    TOTAL_LIMIT,
    UPPER_TOTAL_LIMIT,
    Terminal,
    decide,
    declared,
    prepared,
    processing,
)
from conformance.targets.base import Interface

SUITE = Suite("qPBOC spending", "qPBOC 消费检查", "Payment: qPBOC spending", interface=Interface.CONTACTLESS)

HELD, SINGLE, KEPT, TOTAL = 20000, 5000, 1000, 3000
"""Balance, single limit, threshold and upper limit of the total that the bank sets for these cases."""
REFUSALS = ((CAPABLE, ARQC), (OFFLINE_ONLY, AAC))
"""Terminals, and what a card answers at each that may not approve."""


def with_values(bench: Bench, **values: int) -> dict[int, bytes]:
    """Values of the bank for the objects that the card has; verification of the holder out of the way."""
    tags = {"held": BALANCE, "single": SINGLE_LIMIT, "kept": THRESHOLD, "total": total_limit(bench)}
    wanted = {
        tags[name]: amount(value) for name, value in values.items() if name != "kept" or declared(bench, THRESHOLD)
    }
    return {**wanted, CVM_LIMIT: ALL_AMOUNTS} if declared(bench, CVM_LIMIT) else wanted


def total_limit(bench: Bench) -> int:
    """The limit of the total: 9F5C, or 9F54 on a card without it."""
    return UPPER_TOTAL_LIMIT if declared(bench, UPPER_TOTAL_LIMIT) else TOTAL_LIMIT


def need_check(bench: Bench, bit: int) -> None:
    """Go on only where the card chooses an offline check: 8 low value, 7 low value and total, 6 low value or total."""
    chosen = next((each for each in (8, 7, 6) if processing(bench, 1, each)), None)
    if chosen != bit:
        raise NotApplicable(f"卡片未选择 CAP 1.b{bit} 的检查", f"the card does not choose the check of CAP 1.b{bit}")


def say(spend: int) -> tuple[str, str]:
    """An amount in words."""
    return f"金额 {spend}", f"amount {spend}"


def pays(terminal: Terminal, requirement: str, spend: int, ttq: bytes = CAPABLE) -> None:
    """A tap that the card approves, read to its end: the balance is lower by the amount."""
    before = terminal.open().balance()
    decide(terminal.bench, requirement, terminal.ask(spend, ttq), kind=TC, words=say(spend))
    terminal.records()
    left = terminal.leave().balance()
    zh, en = f"消费 {spend} 后的余额", f"balance after {spend}"
    terminal.bench.check(
        left == before - spend, zh, en, expected=before - spend, received=left, requirement=requirement
    )


def refuses(terminal: Terminal, requirement: str, spend: int, ttq: bytes, kind: int) -> None:
    """A tap that the card may not approve: velocity exceeded, and the balance as before; a prepaid card pays online."""
    before = terminal.open().balance()
    tap = terminal.ask(spend, ttq)
    decide(terminal.bench, requirement, tap, kind=kind, shown=[VELOCITY], words=say(spend))
    pays_online = processing(terminal.bench, 2, 8) and kind == ARQC and spend <= before
    left, wanted = terminal.leave().balance(), before - spend * pays_online
    zh, en = f"拒绝 {spend} 后的余额", f"balance after the refusal of {spend}"
    terminal.bench.check(left == wanted, zh, en, expected=wanted, received=left, requirement=requirement)


def approves(terminal: Terminal, requirement: str, spend: int, ttq: bytes = CAPABLE) -> None:
    """A tap that the card approves, left before its end: nothing is spent."""
    decide(terminal.bench, requirement, terminal.tap(spend, ttq), kind=TC, words=say(spend))


# Low value


@SUITE.case(
    "PAY-QPB/low-value/BV",
    "小额检查：批准",
    "Low value check: approved",
    requirements=["PAY-QPB-026"],
    kind=Kind.VALID,
    expected=(
        "金额为 0、9F78−1、9F78、9F79−9F6D−1、9F79−9F6D 时 TC；读末记录后余额减少",
        "TC for 0, at 9F78 and one below, at 9F79 less 9F6D and one below; the balance falls after the last record",
    ),
)
def low_value(bench: Bench) -> None:
    """Each border from below, with the other one far away; each read to its end."""
    need_check(bench, 8)
    with prepared(bench, with_values(bench, held=HELD, single=SINGLE, kept=KEPT)) as terminal:
        for spend in (0, SINGLE - 1, SINGLE):
            pays(terminal, "PAY-QPB-026", spend)
    for spend in (HELD - KEPT - 1, HELD - KEPT):
        with prepared(bench, with_values(bench, held=HELD, single=HELD, kept=KEPT)) as terminal:
            pays(terminal, "PAY-QPB-026", spend)


@SUITE.case(
    "PAY-QPB/low-value-online/BV",
    "小额检查：联机",
    "Low value check: online",
    requirements=["PAY-QPB-027"],
    kind=Kind.VALID,
    expected=(
        "9F78+1、9F79−9F6D+1 时 ARQC，CVR 3.b6 = 1，余额不变",
        "ARQC with CVR 3.b6 at 9F78 and one, at 9F79 less 9F6D and one; the balance stays",
    ),
)
def low_value_online(bench: Bench) -> None:
    """Each border from above."""
    need_check(bench, 8)
    with prepared(bench, with_values(bench, held=HELD, single=SINGLE, kept=KEPT)) as terminal:
        refuses(terminal, "PAY-QPB-027", SINGLE + 1, CAPABLE, ARQC)
    with prepared(bench, with_values(bench, held=HELD, single=HELD, kept=KEPT)) as terminal:
        approves(terminal, "PAY-QPB-027", HELD - KEPT)
        refuses(terminal, "PAY-QPB-027", HELD - KEPT + 1, CAPABLE, ARQC)


@SUITE.case(
    "PAY-QPB/low-value-declined/BV",
    "小额检查：仅脱机终端",
    "Low value check: offline-only terminal",
    requirements=["PAY-QPB-028", "PAY-QPB-029"],
    kind=Kind.VALID,
    expected=(
        "9F78+1、9F79+1 时 AAC，CVR 3.b6 = 1；9F79−9F6D+1、9F79 时 TC",
        "AAC with CVR 3.b6 at 9F78 and one, at 9F79 and one; TC at 9F79 and below, whatever the threshold 9F6D",
    ),
)
def low_value_declined(bench: Bench) -> None:
    """The single limit, the threshold that does not bind, the balance itself."""
    need_check(bench, 8)
    with prepared(bench, with_values(bench, held=HELD, single=SINGLE, kept=KEPT)) as terminal:
        approves(terminal, "PAY-QPB-028", SINGLE, OFFLINE_ONLY)
        refuses(terminal, "PAY-QPB-028", SINGLE + 1, OFFLINE_ONLY, AAC)
    with prepared(bench, with_values(bench, held=HELD, single=HELD + 1, kept=KEPT)) as terminal:
        refuses(terminal, "PAY-QPB-028", HELD + 1, OFFLINE_ONLY, AAC)
        approves(terminal, "PAY-QPB-029", HELD - KEPT + 1, OFFLINE_ONLY)
        pays(terminal, "PAY-QPB-029", HELD, OFFLINE_ONLY)


@SUITE.case(
    "PAY-QPB/no-processing/BV",
    "无 9F68：按小额检查",
    "Without 9F68: the low value check",
    requirements=["PAY-QPB-043"],
    kind=Kind.VALID,
    expected=("9F78 与 9F79−9F6D 之内 TC，之外 ARQC", "TC up to 9F78 and to 9F79 less 9F6D, ARQC above"),
)
def no_processing(bench: Bench) -> None:
    """Both borders."""
    with prepared(bench, with_values(bench, held=HELD, single=SINGLE, kept=KEPT)) as terminal:
        pays(terminal, "PAY-QPB-043", SINGLE)
        refuses(terminal, "PAY-QPB-043", SINGLE + 1, CAPABLE, ARQC)
    with prepared(bench, with_values(bench, held=HELD, single=HELD, kept=KEPT)) as terminal:
        refuses(terminal, "PAY-QPB-043", HELD - KEPT + 1, CAPABLE, ARQC)


# The total


@SUITE.case(
    "PAY-QPB/both-checks/BV",
    "小额和 CTTA 检查",
    "Low value and total",
    requirements=["PAY-QPB-030", "PAY-QPB-031", "PAY-QPB-032"],
    kind=Kind.VALID,
    expected=(
        "累计等于上限时 TC，超过时 ARQC（仅脱机终端 AAC），CVR 3.b6 = 1；TC 同时改变余额和 CTTA；上限为 9F5C，无则 9F54",
        "TC when the total reaches its limit, ARQC (AAC offline) with CVR 3.b6 above; a TC changes balance and total; the limit "
        "is 9F5C, or 9F54 without it",
    ),
)
def both_checks(bench: Bench) -> None:
    """In one transaction, and in two of which the first is final."""
    need_check(bench, 7)
    first = TOTAL // 3
    for ttq, refused in REFUSALS:
        with prepared(bench, with_values(bench, held=HELD, single=SINGLE, kept=KEPT, total=TOTAL)) as terminal:
            approves(terminal, "PAY-QPB-030", TOTAL, ttq)
            refuses(terminal, "PAY-QPB-030", TOTAL + 1, ttq, refused)
            decide(bench, "PAY-QPB-032", terminal.tap(TOTAL + 1, ttq), kind=refused, words=say(TOTAL + 1))
            pays(terminal, "PAY-QPB-031", first, ttq)
            refuses(terminal, "PAY-QPB-031", TOTAL - first + 1, ttq, refused)
            approves(terminal, "PAY-QPB-030", TOTAL - first, ttq)
        with prepared(bench, with_values(bench, held=HELD, single=SINGLE, kept=KEPT, total=2 * HELD)) as terminal:
            approves(terminal, "PAY-QPB-030", SINGLE, ttq)
            refuses(terminal, "PAY-QPB-030", SINGLE + 1, ttq, refused)
        border = HELD - KEPT if ttq is CAPABLE else HELD
        with prepared(bench, with_values(bench, held=HELD, single=2 * HELD, kept=KEPT, total=2 * HELD)) as terminal:
            approves(terminal, "PAY-QPB-030", border, ttq)
            refuses(terminal, "PAY-QPB-030", border + 1, ttq, refused)


@SUITE.case(
    "PAY-QPB/either-check/BV",
    "小额或 CTTA 检查",
    "Low value or total",
    requirements=["PAY-QPB-032", "PAY-QPB-033", "PAY-QPB-034"],
    kind=Kind.VALID,
    expected=(
        "先用余额；金额大于余额时才用 CTTA；两者均不足或大于 9F78 时 ARQC（仅脱机终端 AAC），CVR 3.b6 = 1",
        "the balance first; the total only for more than the balance; ARQC (AAC offline) with CVR 3.b6 when both are "
        "insufficient or the amount is above 9F78",
    ),
)
def either_check(bench: Bench) -> None:
    """Balance 10.00, total 30.00: each border, then first the balance and then the total is used up."""
    need_check(bench, 6)
    held, first = 1000, 1200
    for ttq, refused in REFUSALS:
        with prepared(bench, with_values(bench, held=held, single=SINGLE, kept=KEPT, total=TOTAL)) as terminal:
            approves(terminal, "PAY-QPB-034", TOTAL, ttq)
            refuses(terminal, "PAY-QPB-034", TOTAL + 1, ttq, refused)
            decide(bench, "PAY-QPB-032", terminal.tap(TOTAL + 1, ttq), kind=refused, words=say(TOTAL + 1))
            pays(terminal, "PAY-QPB-033", held - 100, ttq)
            approves(terminal, "PAY-QPB-033", TOTAL, ttq)
            approves(terminal, "PAY-QPB-033", first, ttq)
            terminal.records()
            left = terminal.leave().balance()
            bench.check(
                left == 100,
                "CTTA 付款后的余额",
                "balance after a payment from the total",
                expected=100,
                received=left,
                requirement="PAY-QPB-033",
            )
            refuses(terminal, "PAY-QPB-034", TOTAL - first + 1, ttq, refused)
            approves(terminal, "PAY-QPB-034", TOTAL - first, ttq)
            approves(terminal, "PAY-QPB-034", 100, ttq)
        with prepared(bench, with_values(bench, held=HELD, single=SINGLE, total=HELD)) as terminal:
            approves(terminal, "PAY-QPB-034", SINGLE, ttq)
            refuses(terminal, "PAY-QPB-034", SINGLE + 1, ttq, refused)


# Other currencies


@SUITE.case(
    "PAY-QPB/foreign-count/BV",
    "异币脱机交易计数",
    "Other currencies offline are counted",
    requirements=["PAY-QPB-035", "PAY-QPB-036"],
    kind=Kind.VALID,
    expected=(
        "计数小于 9F53 时 TC 并加 1；达到后 ARQC（仅脱机终端 AAC），CVR 3.b6 = 1",
        "TC while the counter is below 9F53, each adding one; then ARQC (AAC offline) with CVR 3.b6",
    ),
)
def foreign_count(bench: Bench) -> None:
    """Limits 0, 1 and 2, with amounts above the balance; the balance stays."""
    if not processing(bench, 1, 3):
        raise NotApplicable("卡片不允许异币脱机", "the card allows no other currency offline")
    for limit in (0, 1, 2):
        for ttq, refused in REFUSALS:
            with prepared(bench, {FOREIGN_LIMIT: bytes((limit,))}):
                abroad = Terminal(bench, currency=FOREIGN)
                before = abroad.open().balance()
                for _ in range(limit):
                    decide(bench, "PAY-QPB-035", abroad.tap(before + 1, ttq), kind=TC, words=say(before + 1))
                    abroad.records()
                decide(bench, "PAY-QPB-036", abroad.tap(1, ttq), kind=refused, shown=[VELOCITY])
                left = abroad.leave().balance()
                bench.check(
                    left == before,
                    "异币交易后的余额",
                    "balance after transactions in another currency",
                    expected=before,
                    received=left,
                    requirement="PAY-QPB-035",
                )


# Prepaid


@SUITE.case(
    "PAY-QPB/prepaid/BV",
    "预付卡联机扣款",
    "A prepaid card pays online from its balance",
    requirements=["PAY-QPB-038"],
    kind=Kind.VALID,
    expected=(
        "要求联机：余额内 ARQC 并立即扣款，等于余额亦可；金额为 0 或大于余额时 AAC，余额不变",
        "wanted online: ARQC within the balance, equality included, and the balance falls at once; AAC for 0 and above the balance",
    ),
)
def prepaid(bench: Bench) -> None:
    """Zero, one above the balance, a part of the balance, and then all that is left."""
    if not processing(bench, 2, 8):
        raise NotApplicable("不是预付卡", "the card is not prepaid")
    if not processing(bench, 1, 8):
        raise NotApplicable("预付卡未选择小额检查", "the prepaid card does not choose the low value check")
    with prepared(bench, with_values(bench, held=HELD)) as terminal:
        for spend, kind in ((0, AAC), (HELD + 1, AAC), (1500, ARQC), (HELD - 1500 + 1, AAC), (HELD - 1500, ARQC)):
            before = terminal.open().balance()
            decide(bench, "PAY-QPB-038", terminal.ask(spend, ONLINE), kind=kind, words=say(spend))
            left, wanted = terminal.leave().balance(), before - spend * (kind == ARQC)
            zh, en = f"交易 {spend} 后的余额", f"balance after {spend}"
            bench.check(left == wanted, zh, en, expected=wanted, received=left, requirement="PAY-QPB-038")
