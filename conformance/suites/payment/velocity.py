"""Velocity limits 频度限制 before the first cryptogram (area PAY-GAC): below, at and above each limit, and what counts to it."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.payment_dialogue import AAC, ARQC, TC, Offered, Visit, amount
from conformance.payment_history import (
    FOREIGN_COUNTRY,
    FOREIGN_CURRENCY,
    LIMIT,
    LOWER,
    TOTAL,
    abroad,
    declared_limits,
)
from conformance.payment_judging import VELOCITY, judge, limits, next_one, require_kind, told

SUITE = Suite("payment velocity limits", "金融应用频度限制", "Payment: velocity limits")

OFFLINE_LIMITS = (0, 1, 3)
ABOVE = ("请求 TC 得 ARQC，CVR 3.b6 = 1", "ARQC for TC with CVR 3.b6 = 1")


def below(bench: Bench, requirement: str, visit: Visit, **offered: Offered) -> None:
    """A transaction that the card approves alone: not above any limit."""
    bench.step(f"未超限的交易：{told(offered)}", f"a transaction within the limits: {told(offered)}")
    judge(bench, requirement, next_one(visit, TC, requirement, **offered), kind=TC, hidden=[VELOCITY])


def above(bench: Bench, requirement: str, visit: Visit, **offered: Offered) -> None:
    """A transaction above a limit."""
    bench.step(f"超限的交易：{told(offered)}", f"a transaction above the limit: {told(offered)}")
    judge(bench, requirement, next_one(visit, TC, requirement, **offered), kind=ARQC, shown=[VELOCITY])


def to_the_limit(bench: Bench, requirement: str, tag: int, number: int, **offered: Offered) -> None:
    """As many approvals as a limit of transactions allows, then one more."""
    with limits(bench, {tag: bytes((number,))}) as visit:
        bench.step(f"{tag:X} = {number}", f"{tag:X} is {number}")
        for _ in range(number):
            below(bench, requirement, visit, **offered)
        above(bench, requirement, visit, **offered)


@SUITE.case(
    "PAY-GAC/lower-limit/BV",
    "连续脱机交易下限 9F58",
    "Lower consecutive offline limit 9F58",
    requirements=["PAY-GAC-021"],
    kind=Kind.VALID,
    expected=("限制数以内得 TC；" + ABOVE[0], "TC up to the limit; then " + ABOVE[1]),
)
def lower_limit(bench: Bench) -> None:
    """Limits 0, 1 and 3: transactions since the last online one, each of them counted whatever it was."""
    for number in OFFLINE_LIMITS:
        to_the_limit(bench, "PAY-GAC-021", LOWER, number, amount=1)
    with limits(bench, {LOWER: b"\x03"}) as visit:
        require_kind(next_one(visit, AAC), AAC)
        visit.open().begin().open()
        below(bench, "PAY-GAC-021", visit)
        above(bench, "PAY-GAC-021", visit)


@SUITE.case(
    "PAY-GAC/foreign-currency/BV",
    "连续脱机限制数（国际-货币）9F53",
    "Consecutive limit of a foreign currency 9F53",
    requirements=["PAY-GAC-022"],
    kind=Kind.VALID,
    expected=("限制数以内得 TC；" + ABOVE[0], "TC up to the limit; then " + ABOVE[1]),
)
def foreign_currency(bench: Bench) -> None:
    """Limits 0, 1 and 3; transactions in the card's currency go on and do not count."""
    for number in OFFLINE_LIMITS:
        to_the_limit(bench, "PAY-GAC-022", FOREIGN_CURRENCY, number, **abroad(bench, FOREIGN_CURRENCY))
    _own_ones_do_not_count(bench, "PAY-GAC-022", FOREIGN_CURRENCY)


@SUITE.case(
    "PAY-GAC/foreign-country/BV",
    "连续脱机限制数（国际-国家）9F72",
    "Consecutive limit of a foreign country 9F72",
    requirements=["PAY-GAC-023"],
    kind=Kind.VALID,
    expected=("限制数以内得 TC；" + ABOVE[0], "TC up to the limit; then " + ABOVE[1]),
)
def foreign_country(bench: Bench) -> None:
    """Limits 0, 1 and 3; transactions in the card's country go on and do not count."""
    for number in OFFLINE_LIMITS:
        to_the_limit(bench, "PAY-GAC-023", FOREIGN_COUNTRY, number, **abroad(bench, FOREIGN_COUNTRY))
    _own_ones_do_not_count(bench, "PAY-GAC-023", FOREIGN_COUNTRY)


def _own_ones_do_not_count(bench: Bench, requirement: str, tag: int) -> None:
    with limits(bench, {tag: b"\x01"}) as visit:
        at_home = dict(visit.values)
        for offered in ({}, abroad(bench, tag), {}):
            visit.values = dict(at_home)
            below(bench, requirement, visit, **offered)
        above(bench, requirement, visit, **abroad(bench, tag))


@SUITE.case(
    "PAY-GAC/total/BV",
    "累计脱机交易金额限制 9F54",
    "Limit of offline amounts 9F54",
    requirements=["PAY-GAC-024"],
    kind=Kind.VALID,
    expected=(
        "总额不超过限制得 TC，相等不算超过；" + ABOVE[0],
        "TC up to the limit, equality included; above it " + ABOVE[1],
    ),
)
def total(bench: Bench) -> None:
    """One less than the limit, the limit, one more: in one transaction, and in two."""
    with limits(bench, {TOTAL: amount(LIMIT)}) as visit:
        for spent in (0, 400):
            for sum_of_all in (LIMIT - 1, LIMIT, LIMIT + 1):
                require_kind(visit.online(amount=1), TC)
                if spent:
                    below(bench, "PAY-GAC-024", visit, amount=spent)
                reach = above if sum_of_all > LIMIT else below
                reach(bench, "PAY-GAC-024", visit, amount=sum_of_all - spent)


@SUITE.case(
    "PAY-GAC/total-other-currency/BV",
    "其他货币不计入累计金额",
    "Another currency does not count to the total",
    requirements=["PAY-GAC-025"],
    kind=Kind.VALID,
    expected=("异币交易后仍可用到限制数", "after a foreign transaction the whole limit is left"),
)
def total_other_currency(bench: Bench) -> None:
    """A large foreign amount, then all of the limit, then one more."""
    with limits(bench, {TOTAL: amount(LIMIT)}) as visit:
        own = visit.values[0x5F2A]
        below(bench, "PAY-GAC-025", visit, amount=10 * LIMIT, **abroad(bench, FOREIGN_CURRENCY))
        below(bench, "PAY-GAC-025", visit, amount=LIMIT, currency=own)
        above(bench, "PAY-GAC-025", visit, amount=1)


@SUITE.case(
    "PAY-GAC/missing-values/BV",
    "终端数据为零时跳过检查",
    "A check without its terminal data is skipped",
    requirements=["PAY-GAC-031"],
    kind=Kind.VALID,
    expected=("货币或国家为 0000 时得 TC", "TC with currency or country 0000"),
)
def missing_values(bench: Bench) -> None:
    """Each limit at its end: a transaction above it, and one with zeros instead of currency or country."""
    for tag in declared_limits(bench, (FOREIGN_CURRENCY, FOREIGN_COUNTRY)):
        with limits(bench, {tag: b"\0"}) as visit:
            (name,) = abroad(bench, tag)
            below(bench, "PAY-GAC-031", visit, **{name: "0000"})
            above(bench, "PAY-GAC-031", visit, **abroad(bench, tag))
    for tag in declared_limits(bench, (TOTAL,)):
        with limits(bench, {tag: amount(LIMIT)}) as visit:
            own = visit.values[0x5F2A]
            below(bench, "PAY-GAC-031", visit, amount=LIMIT)
            below(bench, "PAY-GAC-031", visit, amount=1, currency="0000")
            above(bench, "PAY-GAC-031", visit, amount=1, currency=own)


@SUITE.case(
    "PAY-GAC/declined-count/BV",
    "拒绝的交易计入国际计数器",
    "Declined transactions count as foreign ones",
    requirements=["PAY-GAC-035"],
    kind=Kind.VALID,
    expected=("AAC 与 TC 同样计数", "an AAC counts like a TC"),
)
def declined_count(bench: Bench) -> None:
    """AACs and then a TC up to the limit, and one more."""
    for tag in declared_limits(bench, (FOREIGN_CURRENCY, FOREIGN_COUNTRY)):
        with limits(bench, {tag: b"\x02"}) as visit:
            require_kind(next_one(visit, AAC, None, **abroad(bench, tag)), AAC)
            below(bench, "PAY-GAC-035", visit)
            above(bench, "PAY-GAC-035", visit)
        with limits(bench, {tag: b"\x02"}) as visit:
            for _ in range(2):
                require_kind(next_one(visit, AAC, None, **abroad(bench, tag)), AAC)
            above(bench, "PAY-GAC-035", visit)


@SUITE.case(
    "PAY-GAC/approved-count/BV",
    "批准的交易计入金额和计数器",
    "Approved transactions count",
    requirements=["PAY-GAC-036"],
    kind=Kind.VALID,
    expected=("剩余的限额恰好可用，超过得 ARQC", "what is left of a limit can be used up, and no more"),
)
def approved_count(bench: Bench) -> None:
    """For each declared limit: an approval, then what remains, then one more; one approval counts to all limits together."""
    every = declared_limits(bench, (FOREIGN_CURRENCY, FOREIGN_COUNTRY))
    for tag in every:
        with limits(bench, dict.fromkeys(every, b"\x02")) as visit:
            at_home = dict(visit.values)
            visit.offer(**abroad(bench))
            below(bench, "PAY-GAC-036", visit)
            visit.values = dict(at_home)
            below(bench, "PAY-GAC-036", visit, **abroad(bench, tag))
            above(bench, "PAY-GAC-036", visit, **abroad(bench, tag))
    for tag in declared_limits(bench, (TOTAL,)):
        for last in (700, 701):
            with limits(bench, {tag: amount(LIMIT)}) as visit:
                below(bench, "PAY-GAC-036", visit, amount=300)
                (above if last > 700 else below)(bench, "PAY-GAC-036", visit, amount=last)


@SUITE.case(
    "PAY-GAC/request-counts-nothing/BV",
    "ARQC 不改变计数器",
    "An ARQC counts nothing",
    requirements=["PAY-GAC-037"],
    kind=Kind.VALID,
    expected=("下一交易恰好达到剩余限额时 CVR 3.b6 = 0", "CVR 3.b6 is 0 in a next transaction just at the limit"),
)
def request_counts_nothing(bench: Bench) -> None:
    """An ARQC that would use up every limit, left open; then a transaction that uses them up."""
    requirement = "PAY-GAC-037"
    with limits(bench, declared_limits(bench)) as visit:
        at_home = dict(visit.values)
        for offered in (abroad(bench), {}):
            visit.values = dict(at_home)
            require_kind(next_one(visit, ARQC, None, amount=LIMIT, **offered), ARQC)
            bench.reset()
            made = next_one(visit, requirement=requirement)
            judge(bench, requirement, made, kind=ARQC, hidden=[VELOCITY])
