"""Card risk management 卡片风险管理 (area PAY-GAC): what the last transactions left, and what follows from it for the next one."""

from __future__ import annotations

from collections.abc import Callable

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    ARQC,
    TC,
    Visit,
)
from conformance.payment_history import harmless_script
from conformance.payment_judging import (
    AUTHENTICATION_FAILED_LAST,
    DYNAMIC_FAILED,
    NEW_CARD,
    NOT_COMPLETED,
    SCRIPT_FAILED,
    STATIC_FAILED,
    default_action,
    judge,
    new_card,
    next_one,
    require_kind,
    settled,
)

SUITE = Suite("payment card risk", "金融应用卡片风险管理", "Payment: card risk management")

STATIC_DATA_FAILED, DYNAMIC_DATA_FAILED, COMBINED_FAILED = "4000000000", "0800000000", "0400000000"
"""Terminal verification results (TVR) with bit 7, 4 or 3 of byte 1."""
MOST_SCRIPTS = 15


# Online transactions that were not completed


@SUITE.case(
    "PAY-GAC/not-completed/BV",
    "上次联机交易未完成",
    "The last online transaction was not completed",
    requirements=["PAY-GAC-012", "PAY-GAC-013"],
    kind=Kind.VALID,
    expected=(
        "之后每次请求 TC 都得 ARQC，CVR 3.b8 = 1，直到联机交易完成",
        "ARQC for TC with CVR 3.b8 = 1, each time until an online transaction is completed",
    ),
)
def not_completed(bench: Bench) -> None:
    """Broken off by reset, four times; then an approval."""
    visit = settled(bench)
    require_kind(next_one(visit, ARQC), ARQC)
    for number in range(4):
        requirement = "PAY-GAC-013" if number else "PAY-GAC-012"
        bench.reset(cold=number % 2 == 0)
        judge(bench, requirement, next_one(visit, requirement=requirement), kind=ARQC, shown=[NOT_COMPLETED])
    require_kind(visit.online(), TC)
    judge(bench, "PAY-GAC-013", next_one(visit, requirement="PAY-GAC-013"), kind=TC, hidden=[NOT_COMPLETED])


# Issuer authentication that failed


@SUITE.case(
    "PAY-GAC/authentication-failed/BV",
    "上次发卡行认证失败",
    "Issuer authentication failed in the last transaction",
    requirements=["PAY-GAC-014", "PAY-GAC-015"],
    kind=Kind.VALID,
    expected=(
        "CVR 3.b4 = 1；ADA 1.b8 为 1 时请求 TC 得 ARQC",
        "CVR 3.b4 is 1; ARQC for TC where ADA 1.b8 is set",
    ),
)
def authentication_failed(bench: Bench) -> None:
    """A wrong cryptogram of the issuer, and completion with TC and with AAC requested."""
    for completion in (TC, AAC):
        visit = settled(bench)
        require_kind(next_one(visit, ARQC), ARQC)
        visit.send_authenticate(wrong=True)
        visit.second(completion)
        made = next_one(visit, requirement="PAY-GAC-014")
        judge(bench, "PAY-GAC-014", made, shown=[AUTHENTICATION_FAILED_LAST])
        if default_action(bench.profile, 1, 8):
            judge(bench, "PAY-GAC-015", made, kind=ARQC)


def only_authentication_failed(bench: Bench) -> Cryptogram:
    """The next cryptogram after a failure that leaves no online transaction open.

    A second EXTERNAL AUTHENTICATE counts as failure, while the first was right, so that the approval clears everything
    else. A card that takes it otherwise makes the case inconclusive.
    """
    visit = settled(bench)
    require_kind(next_one(visit, ARQC), ARQC)
    bench.need(visit.send_authenticate(), "外部认证", "EXTERNAL AUTHENTICATE")
    visit.send_authenticate()
    visit.second(TC)
    made = next_one(visit)
    if made.bit(*NOT_COMPLETED) or not made.bit(*AUTHENTICATION_FAILED_LAST):
        raise Inconclusive(
            "无法单独得到“上次发卡行认证失败”的状态",
            "the state of a failed issuer authentication alone cannot be brought about",
        )
    return made


@SUITE.case(
    "PAY-GAC/failure-alone-online/BV",
    "仅因上次发卡行认证失败而联机（ADA 1.b8 = 1）",
    "A failed issuer authentication alone forces online (ADA 1.b8 set)",
    requirements=["PAY-GAC-015"],
    kind=Kind.VALID,
    expected=("请求 TC 得 ARQC", "ARQC for TC"),
)
def failure_alone_online(bench: Bench) -> None:
    """No other reason to go online."""
    judge(bench, "PAY-GAC-015", only_authentication_failed(bench), kind=ARQC)


@SUITE.case(
    "PAY-GAC/failure-alone-offline/BV",
    "不因上次发卡行认证失败而联机（ADA 1.b8 = 0）",
    "A failed issuer authentication alone forces nothing (ADA 1.b8 clear)",
    requirements=["PAY-GAC-016"],
    kind=Kind.VALID,
    expected=("请求 TC 得 TC，CVR 3.b4 = 1", "TC for TC with CVR 3.b4 = 1"),
)
def failure_alone_offline(bench: Bench) -> None:
    """No other reason to go online."""
    made = only_authentication_failed(bench)
    judge(bench, "PAY-GAC-016", made, kind=TC, shown=[AUTHENTICATION_FAILED_LAST])


# Offline data authentication that failed


def _after_decline(bench: Bench, requirement: str, results: str, bit: tuple[int, int], other: tuple[int, int]) -> None:
    """A declined transaction with these terminal results, then the next one; and one without them."""
    visit = settled(bench)
    require_kind(next_one(visit, AAC, results=bytes(5)), AAC)
    judge(bench, requirement, next_one(visit, requirement=requirement), kind=TC, hidden=[bit])
    require_kind(next_one(visit, AAC, results=results), AAC)
    made = next_one(visit, requirement=requirement, results=bytes(5))
    judge(bench, requirement, made, kind=TC, shown=[bit], hidden=[other])


@SUITE.case(
    "PAY-GAC/static-failed/BV",
    "上次 SDA 失败且拒绝",
    "Static authentication failed and declined last",
    requirements=["PAY-GAC-017"],
    kind=Kind.VALID,
    expected=("CVR 3.b1 = 1，不因此联机", "CVR 3.b1 is 1, and the transaction is not forced online"),
)
def static_failed(bench: Bench) -> None:
    """TVR 1.b7 in a declined transaction."""
    _after_decline(bench, "PAY-GAC-017", STATIC_DATA_FAILED, STATIC_FAILED, DYNAMIC_FAILED)


@SUITE.case(
    "PAY-GAC/dynamic-failed/BV",
    "上次 DDA 或 CDA 失败且拒绝",
    "Dynamic or combined authentication failed and declined last",
    requirements=["PAY-GAC-018"],
    kind=Kind.VALID,
    expected=("CVR 4.b3 = 1", "CVR 4.b3 is 1"),
)
def dynamic_failed(bench: Bench) -> None:
    """TVR 1.b4, and TVR 1.b3, in a declined transaction."""
    for results in (DYNAMIC_DATA_FAILED, COMBINED_FAILED):
        _after_decline(bench, "PAY-GAC-018", results, DYNAMIC_FAILED, STATIC_FAILED)


# Issuer scripts


@SUITE.case(
    "PAY-GAC/scripts-counted/BV",
    "上次交易的脚本计数",
    "Number of scripts of the last transaction",
    requirements=["PAY-GAC-019"],
    kind=Kind.VALID,
    expected=("CVR 字节 4 高四位为脚本数，至多 F", "the high half of CVR byte 4 is their number, at most F"),
)
def scripts_counted(bench: Bench) -> None:
    """None, one, two, fourteen, fifteen and sixteen commands after the second cryptogram."""
    order = harmless_script(bench)
    for number in (0, 1, 2, MOST_SCRIPTS - 1, MOST_SCRIPTS, MOST_SCRIPTS + 1):
        visit = Visit(bench).ordered(*[order] * number)
        made = next_one(visit, requirement="PAY-GAC-019")
        bench.check(
            made.has_results and (made.results[2] >> 4) == min(number, MOST_SCRIPTS),
            f"{number} 条脚本后的计数",
            f"count after {number} script commands",
            expected=f"{min(number, MOST_SCRIPTS):X}",
            received=f"{made.results[2] >> 4:X}",
            requirement="PAY-GAC-019",
        )


@SUITE.case(
    "PAY-GAC/script-failed/BV",
    "上次交易脚本失败",
    "A script of the last transaction failed",
    requirements=["PAY-GAC-020"],
    kind=Kind.VALID,
    expected=(
        "CVR 4.b4 = 1；ADA 2.b4 为 1 时请求 TC 得 ARQC，否则 TC",
        "CVR 4.b4 is 1; ARQC for TC where ADA 2.b4 is set, otherwise TC",
    ),
)
def script_failed(bench: Bench) -> None:
    """A wrong MAC after the second cryptogram; before, a right one, after which the bit is 0."""
    requirement, order = "PAY-GAC-020", harmless_script(bench)
    visit = Visit(bench).ordered(order)
    judge(bench, requirement, next_one(visit, requirement=requirement), kind=TC, hidden=[SCRIPT_FAILED])
    visit = settled(bench)
    visit.send_script(order, wrong=True)
    expected = ARQC if default_action(bench.profile, 2, 4) else TC
    judge(bench, requirement, next_one(visit, requirement=requirement), kind=expected, shown=[SCRIPT_FAILED])


# A new card, and one without default action


@SUITE.case(
    "PAY-GAC/new-card/BV",
    "新卡检查",
    "A card that was never online",
    requirements=["PAY-GAC-028"],
    kind=Kind.VALID,
    expected=(
        "首次交易 CVR 3.b5 = 1，ADA 1.b2 为 1 时得 ARQC；联机批准后为 0",
        "CVR 3.b5 is 1 in the first transaction, ARQC where ADA 1.b2 is set; after an approval it is 0",
    ),
)
def is_new_card(bench: Bench) -> None:
    """The first transaction, and one after the first online approval."""
    requirement = "PAY-GAC-028"
    made = new_card(bench).begin().first(TC, requirement=requirement)
    judge(bench, requirement, made, kind=ARQC if default_action(bench.profile, 1, 2) else TC, shown=[NEW_CARD])
    made = next_one(settled(bench), requirement=requirement)
    judge(bench, requirement, made, kind=TC, hidden=[NEW_CARD])


@SUITE.case(
    "PAY-GAC/without-action/BV",
    "没有 ADA 的卡片",
    "A card without application default action",
    requirements=["PAY-GAC-032"],
    kind=Kind.VALID,
    expected=("不因 ADA 的各项而联机、拒绝或要求通知", "no advice, no decline, no request to go online for its sake"),
)
def without_action(bench: Bench) -> None:
    """A new card where the bench has one, failed issuer authentication now and before, a failed script, a declined transaction."""
    requirement = "PAY-GAC-032"
    if bench.target.renewable:
        judge(bench, requirement, new_card(bench).begin().first(TC, requirement=requirement), kind=TC)
    states: tuple[tuple[str, str, Callable[[Bench], Cryptogram]], ...] = (
        ("上次发卡行认证失败", "issuer authentication failed last", only_authentication_failed),
        ("上次脚本失败", "script failed last", _after_failed_script),
        ("本次发卡行认证失败", "issuer authentication failed now", _failed_now),
    )
    for zh, en, reach in states:
        bench.step(zh, en)
        judge(bench, requirement, reach(bench), kind=TC)
    made = next_one(settled(bench), AAC, requirement)
    bench.check(
        made.kind == AAC and not made.cid & 0x0F,
        "拒绝时不要求通知",
        "no advice on a declined transaction",
        expected="00",
        received=f"{made.cid:02X}",
        requirement=requirement,
    )


def _after_failed_script(bench: Bench) -> Cryptogram:
    visit = settled(bench)
    visit.send_script(harmless_script(bench), wrong=True)
    return next_one(visit, requirement="PAY-GAC-032")


def _failed_now(bench: Bench) -> Cryptogram:
    visit = settled(bench)
    require_kind(next_one(visit, ARQC), ARQC)
    visit.send_authenticate(wrong=True)
    return visit.second(TC, requirement="PAY-GAC-032")
