"""PUT DATA 设置数据 (area PAY-SCR): what it refuses, the parameters of e-cash, and loads above the balance limit."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_balance, put_data
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_dialogue import (
    BALANCE,
    amount,
    get_data,
)
from conformance.payment_judging import settings, settled
from conformance.suites.payment._e_cash import expect_choice
from conformance.suites.payment._logs import load_log
from conformance.suites.payment._steps import (
    BALANCE_LIMIT,
    LAST_ONLINE,
    LIMITS,
    SINGLE_LIMIT,
    THRESHOLD,
    declared,
    expect_executed,
    expect_value,
    has,
    neighbour,
    read_number,
    readable_by_anyone,
    require_balance,
    restoring,
)
from emulator.iso7816 import SW

SUITE = Suite("payment script data", "脚本设置数据", "Payment: data set by scripts")

FIXED = (0x9F51, COUNTER, LAST_ONLINE, 0x9F52, 0x9F56, 0x9F57, 0x9F4F)
"""Objects of the card that no script sets; the first three are the examples of the standard's test."""
WRONG_LENGTH = (SW.WRONG_LENGTH, 0x6A85)
TOO_LONG = (*WRONG_LENGTH, SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
"""A byte too many may be taken for the first one of a longer MAC (JR/T 0025.5 C.2 allows 4 to 8 bytes)."""


@SUITE.case(
    "PAY-SCR/put-fixed/BI",
    "设置不可设置的数据",
    "PUT DATA of objects that no script sets",
    requirements=["PAY-SCR-023"],
    kind=Kind.INVALID,
    expected=("拒绝，值不变", "refused, and the values stay"),
)
@restoring()
def put_fixed(bench: Bench) -> None:
    """Each with a value of its own length and the right MAC, in one transaction."""
    visit = settled(bench)
    word = int(settings(bench.profile).put_data_unknown_tag_answer, 16)
    for tag in FIXED:
        if not has(bench.profile, tag) and tag not in (COUNTER, LAST_ONLINE):
            continue
        before = get_data(bench, tag)
        value = neighbour(before or _declared_or_zero(bench, tag))
        answer = visit.send_script(put_data(tag, value))
        bench.expect(answer, word, f"设置 {tag:X}", f"PUT DATA of {tag:X}", requirement="PAY-SCR-023", go_on=True)
        after = get_data(bench, tag)
        bench.check(
            after == before,
            f"{tag:X} 不变",
            f"{tag:X} stays",
            expected=before if before is not None else "—",
            received=after if after is not None else "—",
            requirement="PAY-SCR-023",
            go_on=True,
        )


@SUITE.case(
    "PAY-SCR/put-wrong-length/BI",
    "设置长度不符的值",
    "PUT DATA with a value of wrong length",
    requirements=["PAY-SCR-024"],
    kind=Kind.INVALID,
    expected=("应答 6700 或 6A85", "6700 or 6A85"),
)
@restoring(*LIMITS, THRESHOLD, SINGLE_LIMIT)
def put_wrong_length(bench: Bench) -> None:
    """A byte too few, a byte too many and none at all, for every object that the card has."""
    tags = [tag for tag in (*LIMITS, THRESHOLD, SINGLE_LIMIT) if has(bench.profile, tag)]
    if not tags:
        raise NotApplicable("没有可设置的数据", "the card has no data that a script may set")
    for tag in tags:
        right = declared(bench.profile, tag)
        for value, words in ((b"", WRONG_LENGTH), (right[:-1], WRONG_LENGTH), (b"\0" + right, TOO_LONG)):
            bench.step(f"{tag:X}：{len(value)} 字节", f"{tag:X}: {len(value)} bytes")
            before = get_data(bench, tag)
            answer = settled(bench).send_script(put_data(tag, value))
            bench.expect(
                answer,
                Expectation(words),
                f"长度错误的 {tag:X}",
                f"PUT DATA of {tag:X} with {len(value)} bytes",
                requirement="PAY-SCR-024",
            )
            if before is not None:
                expect_value(bench, tag, before, "PAY-SCR-024")


@SUITE.case(
    "PAY-SCR/put-e-cash/BV",
    "设置电子现金余额上限、单笔限额和重置阈值",
    "PUT DATA of balance limit, single limit and reset threshold",
    requirements=["PAY-SCR-025"],
    kind=Kind.VALID,
    expected=("应答 9000，新值起作用", "answers 9000, and the new values hold"),
)
@restoring(BALANCE_LIMIT, SINGLE_LIMIT, THRESHOLD, BALANCE)
def put_e_cash(bench: Bench) -> None:
    """The threshold by GET DATA, the balance limit by loads up to it and above, the single limit by the choice of e-cash."""
    balance = max(require_balance(bench, 200), 200)
    for tag, value in ((THRESHOLD, 77), (BALANCE_LIMIT, balance + 10), (SINGLE_LIMIT, 150)):
        if not has(bench.profile, tag):
            continue
        order = put_data(tag, amount(value))
        expect_executed(bench, settled(bench).send_script(order), order, "PAY-SCR-025")
        if readable_by_anyone(bench.profile, tag):
            expect_value(bench, tag, amount(value), "PAY-SCR-025")
    if has(bench.profile, SINGLE_LIMIT):
        for asked, wanted in ((149, True), (150, True), (151, False)):
            expect_choice(bench, wanted, "PAY-SCR-025", amount=asked)
    if has(bench.profile, BALANCE_LIMIT):
        visit = settled(bench)
        order = put_balance(balance + 10)
        expect_executed(bench, visit.send_script(order), order, "PAY-SCR-025")
        above = visit.send_script(put_balance(balance + 11))
        word = int(settings(bench.profile).put_data_limit_answer, 16)
        bench.expect(above, word, "超过新余额上限", "load above the new limit", requirement="PAY-SCR-025")


@SUITE.case(
    "PAY-SCR/load-above-limit/BI",
    "圈存超过余额上限",
    "Load above the balance limit",
    requirements=["PAY-SCR-027"],
    kind=Kind.INVALID,
    expected=(
        "上限减 1 和上限应答 9000；上限加 1 拒绝，余额和圈存日志不变",
        "9000 for the limit less one and the limit; the limit plus one is refused, balance and load log stay",
    ),
)
@restoring(BALANCE)
def load_above_limit(bench: Bench) -> None:
    """All in one transaction."""
    limit = int(declared(bench.profile, BALANCE_LIMIT).hex())
    if limit < 1:
        raise NotApplicable("余额上限为 0", "the balance limit is 0")
    visit = settled(bench)
    for value in (limit - 1, limit):
        bench.expect(
            visit.send_script(put_balance(value)),
            GOOD,
            f"圈存至 {value}",
            f"load to {value}",
            requirement="PAY-SCR-027",
        )
        expect_value(bench, BALANCE, amount(value), "PAY-SCR-027")
    log = load_log(bench)
    before = log.records(bench)
    if not before:
        raise Inconclusive("圈存日志为空", "the load log is empty after loads")
    word = int(settings(bench.profile).put_data_limit_answer, 16)
    for value in (limit + 1, 10**12 - 1):
        answer = visit.send_script(put_balance(value))
        bench.expect(answer, word, f"圈存至 {value}", f"load to {value}", requirement="PAY-SCR-027")
        bench.check(
            (now := read_number(bench, BALANCE)) == limit,
            "余额不变",
            "the balance stays",
            expected=limit,
            received=now,
            requirement="PAY-SCR-027",
        )
        log.expect(bench, before, "PAY-SCR-027")


def _declared_or_zero(bench: Bench, tag: int) -> bytes:
    """The declared value; zeros for the counters, which begin so."""
    return declared(bench.profile, tag) if has(bench.profile, tag) else bytes(2)
