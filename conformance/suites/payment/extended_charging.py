"""Segmented charge 分段扣费 and its deduction 抵扣 (area PAY-CAP): what is lent, and how a load pays it back."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_balance, put_data
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.extended_dialogue import (
    DEDUCTED,
    DEDUCTION_LIMIT,
    SEGMENTED,
    Ride,
    at_the_bank,
    is_approved,
    sum_of,
)
from conformance.failures import Inconclusive
from conformance.payment_dialogue import BALANCE, amount, declared_objects, set_data
from conformance.payment_judging import put_back
from conformance.targets.base import Interface
from emulator.iso7816 import SW


def _repaid(bench: Bench) -> None:
    """A load of what is owed pays it back; then limit and balance as issued."""
    put_back(bench)
    set_data(bench, {BALANCE: amount(sum_of(bench, DEDUCTED))})
    issued = declared_objects(bench.profile)
    set_data(bench, {tag: issued[f"{tag:X}"] for tag in (DEDUCTION_LIMIT, BALANCE) if f"{tag:X}" in issued})


SUITE = Suite(
    "extended application deduction",
    "扩展应用抵扣",
    "Payment: extended application, deduction",
    interface=Interface.CONTACTLESS,
    restore=_repaid,
)

SMALL, LENT = 500, 300


def _poor(bench: Bench) -> Ride:
    """A card whose balance is small, and its deducted amount below the limit by more than a little."""
    bench.switch(Interface.CONTACT)
    set_data(bench, {BALANCE: amount(SMALL)})
    bench.switch(Interface.CONTACTLESS)
    ride = Ride(bench).open()
    if sum_of(bench, DEDUCTION_LIMIT) - sum_of(bench, DEDUCTED) <= LENT or sum_of(bench, BALANCE) != SMALL:
        raise Inconclusive("抵扣额度不足", "the card may lend too little")
    return ride


def _indebted(bench: Bench) -> Ride:
    """A card without balance that has lent something."""
    ride = _poor(bench)
    before = sum_of(bench, DEDUCTED)
    ride.whole(SEGMENTED, SMALL + LENT, ride.first_place)
    ride.come_back()
    if sum_of(bench, BALANCE) or sum_of(bench, DEDUCTED) != before + LENT:
        raise Inconclusive("抵扣未生效", "the card did not lend what it should")
    return ride


@SUITE.case(
    "PAY-CAP/available/BV",
    "分段扣费的可用余额",
    "What a segmented charge may spend",
    requirements=["PAY-CAP-017"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "余额 + DF62 − DF63 以内脱机批准，超过则不批准；普通交易不抵扣",
        "approved within balance + DF62 − DF63, not above; an ordinary payment lends nothing",
    ),
)
def available(bench: Bench) -> None:
    """Just within, just above; whether the sum itself is allowed is an open point and not tried."""
    ride = _poor(bench)
    whole = SMALL + sum_of(bench, DEDUCTION_LIMIT) - sum_of(bench, DEDUCTED)
    for kind, money, good, zh, en in (
        (SEGMENTED, SMALL, True, "余额以内", "the balance itself"),
        (SEGMENTED, SMALL + 1, True, "超过余额 1 分", "a little above the balance"),
        (SEGMENTED, whole - 1, True, "可用余额减 1 分", "just within the sum"),
        (SEGMENTED, whole + 1, False, "可用余额加 1 分", "just above the sum"),
        (0, SMALL + 1, False, "普通交易", "an ordinary payment"),
    ):
        answer = ride.send_start(kind, money, ride.first_place)
        approved = is_approved(answer)
        bench.check(
            approved is good,
            zh,
            en,
            expected="TC" if good else "no TC",
            received="TC" if approved else f"{answer.sw:04X}",
            requirement="PAY-CAP-017",
        )
        ride.come_back()


@SUITE.case(
    "PAY-CAP/deduction/BV",
    "抵扣金额的更新",
    "What is lent is noted",
    requirements=["PAY-CAP-018"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "DF63 增加不足部分，余额为 0；中断则均不变",
        "DF63 grows by what the balance lacks, which becomes 0; neither when broken",
    ),
)
def deduction(bench: Bench) -> None:
    """First broken before the last record, then whole."""
    ride = _poor(bench)
    before = sum_of(bench, DEDUCTED)
    ride.start(SEGMENTED, SMALL + LENT, ride.first_place)
    ride.read_but_last()
    ride.come_back()
    _state(bench, SMALL, before, "中断后", "after a broken one", "PAY-CAP-018")
    ride.whole(SEGMENTED, SMALL + LENT, ride.first_place)
    ride.come_back()
    _state(bench, 0, before + LENT, "完成后", "after a whole one", "PAY-CAP-018")


@SUITE.case(
    "PAY-CAP/load-repays/BV",
    "圈存先偿还抵扣",
    "A load first pays what was lent",
    requirements=["PAY-CAP-019"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "不足时 DF63 减少、余额为 0；足够时 DF63 为 0、余额为差额",
        "below DF63 it falls and the balance stays 0; above it is 0 and the balance the rest",
    ),
)
def load_repays(bench: Bench) -> None:
    """A load of less than was lent, then one of more."""
    _indebted(bench)
    owed = sum_of(bench, DEDUCTED)
    with at_the_bank(bench) as visit:
        bench.need(visit.send_script(put_balance(1)), "圈存", "load")
        _state(bench, 0, owed - 1, "不足", "less than was lent", "PAY-CAP-019")
        bench.need(visit.send_script(put_balance(owed + LENT)), "圈存", "load")
        _state(bench, LENT + 1, 0, "足够", "more than was lent", "PAY-CAP-019")


@SUITE.case(
    "PAY-CAP/deduction-limit/BI",
    "抵扣限额低于已抵扣金额，已抵扣金额不可设置",
    "A limit below what was lent; what was lent cannot be set",
    requirements=["PAY-CAP-020"],
    kind=Kind.INVALID,
    destructive=True,
    expected=("DF62 低于 DF63 为 6A80，设置 DF63 被拒绝", "6A80 for DF62 below DF63; DF63 is refused"),
)
def limit_below(bench: Bench) -> None:
    """Just below, and equal, which is allowed."""
    _indebted(bench)
    owed = sum_of(bench, DEDUCTED)
    wrong = Expectation((SW.WRONG_DATA,))
    with at_the_bank(bench) as visit:
        below = visit.send_script(put_data(DEDUCTION_LIMIT, amount(owed - 1)))
        bench.expect(below, wrong, "DF62 低于 DF63", "DF62 just below DF63", requirement="PAY-CAP-020", go_on=True)
        equal = visit.send_script(put_data(DEDUCTION_LIMIT, amount(owed)))
        bench.expect(equal, GOOD, "DF62 等于 DF63", "DF62 equal to DF63", requirement="PAY-CAP-020", go_on=True)
        direct = visit.send_script(put_data(DEDUCTED, amount(0)))
        bench.check(
            direct.sw != SW.SUCCESS,
            "设置 DF63",
            "PUT DATA of DF63",
            expected="refusal",
            received=f"{direct.sw:04X}",
            requirement="PAY-CAP-020",
        )
        _state(bench, 0, owed, "DF63 不变", "DF63 is as before", "PAY-CAP-020")


def _state(bench: Bench, balance: int, deducted: int, zh: str, en: str, requirement: str) -> None:
    now = sum_of(bench, BALANCE), sum_of(bench, DEDUCTED)
    bench.check(
        now == (balance, deducted),
        zh,
        en,
        expected=f"9F79 {balance}, DF63 {deducted}",
        received=f"9F79 {now[0]}, DF63 {now[1]}",
        requirement=requirement,
    )
