"""Completion when the terminal could not go online 不能联机 (area PAY-GA2): upper limits, and what is counted then."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    COUNTER,
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    AIP,
    ARQC,
    OFFLINE_APPROVED,
    OFFLINE_DECLINED,
    TC,
    Offered,
    Visit,
    amount,
    declared_objects,
    get_data,
)
from conformance.payment_history import (
    BOTH_FAILED,
    DYNAMIC_OR_COMBINED,
    FOREIGN_COUNTRY,
    FOREIGN_CURRENCY,
    LIMIT,
    STATIC,
    TOTAL,
    abroad,
    approved_unable,
    declared_limits,
)
from conformance.payment_judging import (
    DYNAMIC_FAILED,
    LAST_ONLINE,
    NEW_CARD,
    NOT_COMPLETED,
    PIN_EXCEEDED,
    STATIC_FAILED,
    UNABLE,
    VELOCITY,
    default_action,
    judge,
    limits,
    new_card,
    next_one,
    preset,
    put_back,
    requested,
    require_kind,
    set_back,
    settled,
    told,
)
from conformance.suites.payment.card_risk_pin import exhausted
from conformance.suites.payment.completion_resets import completion
from conformance.suites.payment.cryptogram_tearing import PRESET, SPENT, check_together, require_both_limits
from conformance.suites.payment.velocity import OFFLINE_LIMITS
from conformance.suites.payment.velocity_dual import FACTOR, OWN_CURRENCY, SECOND_CURRENCY, converted
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("payment unable to go online", "金融应用不能联机", "Payment: unable to go online", restore=put_back)

UPPER, UPPER_TOTAL = 0x9F59, 0x9F5C
ABOVE = ("之后得 AAC，CVR 3.b6 = 1", "then AAC with CVR 3.b6 = 1")


def approves(bench: Bench, requirement: str, visit: Visit, **offered: Offered) -> None:
    """TC at completion with response code Y3: not above any limit."""
    bench.step(f"不能联机，未超限：{told(offered)}", f"unable to go online, within the limits: {told(offered)}")
    judge(bench, requirement, approved_unable(visit, requirement, **offered), kind=TC, hidden=[VELOCITY])


def declines(bench: Bench, requirement: str, visit: Visit, **offered: Offered) -> None:
    """AAC at completion with response code Y3: above a limit."""
    bench.step(f"不能联机，超限：{told(offered)}", f"unable to go online, above the limit: {told(offered)}")
    judge(bench, requirement, approved_unable(visit, requirement, **offered), kind=AAC, shown=[VELOCITY])


def declined_unable(visit: Visit, requirement: str | None = None, **offered: Offered) -> Cryptogram:
    """A transaction that the terminal declines because it could not go online (response code Z3): the second cryptogram."""
    require_kind(next_one(visit, ARQC, None, **offered), ARQC)
    return visit.second(AAC, OFFLINE_DECLINED, requirement=requirement)


@SUITE.case(
    "PAY-GA2/unable-shown/BV",
    "CVR 反映不能联机",
    "Unable to go online shows",
    requirements=["PAY-GA2-017"],
    kind=Kind.VALID,
    expected=("响应码 Y3、Z3 时 CVR 2.b1 = 1，00 时为 0", "CVR 2.b1 is 1 for Y3 and Z3, 0 for 00"),
)
def unable_shown(bench: Bench) -> None:
    """Y3, Z3, and an answer of the issuer."""
    requirement = "PAY-GA2-017"
    judge(bench, requirement, requested(bench).second(TC, OFFLINE_APPROVED, requirement=requirement), shown=[UNABLE])
    judge(bench, requirement, requested(bench).second(AAC, OFFLINE_DECLINED, requirement=requirement), shown=[UNABLE])
    visit = requested(bench)
    visit.send_authenticate()
    judge(bench, requirement, visit.second(TC, requirement=requirement), hidden=[UNABLE])


# Upper limits


@SUITE.case(
    "PAY-GA2/upper-limit/BV",
    "连续脱机交易上限 9F59",
    "Upper consecutive offline limit 9F59",
    requirements=["PAY-GA2-018"],
    kind=Kind.VALID,
    expected=("上限以内得 TC；" + ABOVE[0], "TC up to the limit; " + ABOVE[1]),
)
def upper_limit(bench: Bench) -> None:
    """Limits 0, 1 and 3."""
    for number in OFFLINE_LIMITS:
        with limits(bench, {UPPER: bytes((number,))}) as visit:
            bench.step(f"9F59 = {number}", f"9F59 is {number}")
            for _ in range(number):
                approves(bench, "PAY-GA2-018", visit, amount=1)
            declines(bench, "PAY-GA2-018", visit)


@SUITE.case(
    "PAY-GA2/upper-total/BV",
    "累计脱机交易金额上限 9F5C",
    "Upper limit of offline amounts 9F5C",
    requirements=["PAY-GA2-019"],
    kind=Kind.VALID,
    expected=("总额不超过上限得 TC；" + ABOVE[0], "TC while the total is not above the limit; " + ABOVE[1]),
)
def upper_total(bench: Bench) -> None:
    """One less than the limit, the limit, one more: in one transaction, and after an approval of the card alone."""
    with limits(bench, {UPPER_TOTAL: amount(LIMIT)}) as visit:
        for spent in (0, 400):
            for sum_of_all in (LIMIT - 1, LIMIT, LIMIT + 1):
                require_kind(visit.online(amount=1), TC)
                if spent:
                    require_kind(next_one(visit, TC, amount=spent), TC)
                reach = declines if sum_of_all > LIMIT else approves
                reach(bench, "PAY-GA2-019", visit, amount=sum_of_all - spent)


@SUITE.case(
    "PAY-GA2/upper-total-dual/BV",
    "双货币累计金额上限",
    "Upper limit of offline amounts in two currencies",
    requirements=["PAY-GA2-020"],
    kind=Kind.VALID,
    expected=("两种货币之和不超过 9F5C 得 TC；" + ABOVE[0], "TC while the sum of both is not above 9F5C; " + ABOVE[1]),
)
def upper_total_dual(bench: Bench) -> None:
    """One less than the limit, the limit, one more, the amount in the second currency last and first."""
    objects = declared_objects(bench.profile)
    if f"{FACTOR:X}" not in objects:
        raise NotApplicable("卡片没有货币转换因子 9F73", "the card has no conversion factor 9F73")
    own, second = objects.get(OWN_CURRENCY, b""), objects.get(SECOND_CURRENCY, b"")
    foreign = 100
    counted = converted(bench.profile, objects[f"{FACTOR:X}"].hex(), foreign)
    limit = counted + LIMIT
    with limits(bench, {UPPER_TOTAL: amount(limit)}) as visit:
        for rest in (LIMIT - 1, LIMIT, LIMIT + 1):
            reach = declines if rest + counted > limit else approves
            for foreign_last in (True, False):
                require_kind(visit.online(amount=1, currency=own), TC)
                pair = [(rest, own), (foreign, second)]
                (first, its), (last, of_last) = pair if foreign_last else pair[::-1]
                approves(bench, "PAY-GA2-020", visit, amount=first, currency=its)
                reach(bench, "PAY-GA2-020", visit, amount=last, currency=of_last)


@SUITE.case(
    "PAY-GA2/checks-run/BV",
    "请求 AAC 时检查仍全部执行",
    "All checks run although AAC was requested",
    requirements=["PAY-GA2-023"],
    kind=Kind.VALID,
    expected=("AAC，CVR 3.b6 = 1；未超限时为 0", "AAC with CVR 3.b6 = 1, and 0 below the limit"),
)
def checks_run(bench: Bench) -> None:
    """Each upper limit at its end, and one away from it; response code Z3."""
    requirement, objects = "PAY-GA2-023", declared_objects(bench.profile)
    for tag, enough, spent in ((UPPER, b"\x01", b"\0"), (UPPER_TOTAL, amount(100), amount(99))):
        for value in (enough, spent) if f"{tag:X}" in objects else ():
            with limits(bench, {tag: value}) as visit:
                made = declined_unable(visit, requirement, amount=100)
                above = value == spent
                judge(
                    bench,
                    requirement,
                    made,
                    kind=AAC,
                    shown=[VELOCITY] if above else (),
                    hidden=() if above else [VELOCITY],
                )


# New card, exhausted PIN


@SUITE.case(
    "PAY-GA2/new-card/BV",
    "新卡不能联机（ADA 1.b1）",
    "A new card unable to go online (ADA 1.b1)",
    requirements=["PAY-GA2-021"],
    kind=Kind.VALID,
    expected=("CVR 3.b5 = 1，AAC", "AAC with CVR 3.b5 = 1"),
)
def is_new_card(bench: Bench) -> None:
    """The first transaction of a fresh card; then one that was online before."""
    visit = new_card(bench).begin()
    require_kind(visit.first(ARQC), ARQC)
    made = visit.second(TC, OFFLINE_APPROVED, requirement="PAY-GA2-021")
    judge(bench, "PAY-GA2-021", made, kind=AAC, shown=[NEW_CARD])
    made = approved_unable(settled(bench), "PAY-GA2-021")
    judge(bench, "PAY-GA2-021", made, kind=TC, hidden=[NEW_CARD])


@SUITE.case(
    "PAY-GA2/exhausted-pin/BV",
    "先前 PIN 超限且不能联机（ADA 2.b5）",
    "PIN exhausted before and unable to go online (ADA 2.b5)",
    requirements=["PAY-GA2-022"],
    kind=Kind.VALID,
    destructive=True,
    expected=("AAC，CVR 3.b7 = 1", "AAC with CVR 3.b7 = 1"),
)
def exhausted_pin(bench: Bench) -> None:
    """The PIN exhausted in an earlier transaction."""
    if any(default_action(bench.profile, 2, bit) for bit in (8, 7, 3)):
        raise NotApplicable("ADA 使第一个密文即为 AAC", "the ADA declines already at the first cryptogram")
    made = approved_unable(exhausted(bench), "PAY-GA2-022")
    judge(bench, "PAY-GA2-022", made, kind=AAC, shown=[PIN_EXCEEDED])


# What is counted, and what stays


def _last_online(bench: Bench) -> bytes | None:
    return get_data(bench, LAST_ONLINE)


def _check_last_online(bench: Bench, requirement: str, before: bytes | None) -> None:
    after, counter = _last_online(bench), get_data(bench, COUNTER)
    bench.check(
        after == before and (after is None or after != counter),
        "9F13 不变",
        "9F13 as before",
        expected=before or "—",
        received=after or "—",
        requirement=requirement,
    )


@SUITE.case(
    "PAY-GA2/unable-approved-counts/BV",
    "不能联机时的批准计入金额和计数器",
    "An approval when unable to go online counts",
    requirements=["PAY-GA2-024"],
    kind=Kind.VALID,
    expected=("金额和计数器增加，9F13 不变", "totals and counters grow, 9F13 stays"),
)
def unable_approved_counts(bench: Bench) -> None:
    """Below the limit before, at it after: for each declared limit; then below and above what is left of the total."""
    requirement = "PAY-GA2-024"
    for tag in declared_limits(bench, (FOREIGN_CURRENCY, FOREIGN_COUNTRY)):
        with limits(bench, {tag: b"\x02"}) as visit:
            before = _last_online(bench)
            for _ in range(2):
                approves(bench, requirement, visit, **abroad(bench, tag))
            judge(bench, requirement, next_one(visit, ARQC, requirement), shown=[VELOCITY])
            _check_last_online(bench, requirement, before)
    for tag in declared_limits(bench, (TOTAL,)):
        with limits(bench, {tag: amount(LIMIT)}) as visit:
            before = _last_online(bench)
            approves(bench, requirement, visit, amount=SPENT)
            judge(bench, requirement, next_one(visit, ARQC, requirement, amount=LIMIT - SPENT), hidden=[VELOCITY])
            judge(bench, requirement, next_one(visit, ARQC, requirement, amount=LIMIT - SPENT + 1), shown=[VELOCITY])
            _check_last_online(bench, requirement, before)


@SUITE.case(
    "PAY-GA2/unable-approved-torn/BV",
    "不能联机时的批准过程中断电",
    "Power lost during an approval when unable to go online",
    requirements=["PAY-GA2-024"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("计数器和累计金额同时改变或都不变", "counters and totals change together, or not at all"),
)
def unable_approved_torn(bench: Bench) -> None:
    """A TC abroad with response code Y3, cut at each write."""
    requirement = "PAY-GA2-024"
    require_both_limits(bench)

    def prepare() -> bytes:
        visit = preset(bench, PRESET)
        require_kind(next_one(visit, ARQC, None, amount=SPENT, **abroad(bench, FOREIGN_COUNTRY)), ARQC)
        return completion(visit, TC, OFFLINE_APPROVED)

    def undisturbed(answer: Response) -> None:
        require_kind(Cryptogram.read(bench.need(answer, "生成应用密文", "GENERATE AC")), TC)
        check_together(bench, requirement, expected=True)

    with set_back(bench, PRESET):
        every_cut(bench, prepare, lambda _: check_together(bench, requirement), undisturbed)


@SUITE.case(
    "PAY-GA2/unable-declined/BV",
    "不能联机时的拒绝置标志并计数",
    "A decline when unable to go online sets flags and counts",
    requirements=["PAY-GA2-025"],
    kind=Kind.VALID,
    expected=(
        "按 TVR 置 SDA、DDA 失败标志，国际计数器加 1",
        "flags of failed data authentication as the TVR says, foreign counters one higher",
    ),
)
def unable_declined(bench: Bench) -> None:
    """Without bits in the TVR, then with them; abroad up to a limit of two."""
    requirement = "PAY-GA2-025"
    visit = settled(bench)
    functions = visit.objects.get(AIP, b"\0")[0]
    flags = [STATIC_FAILED] if functions & STATIC else []
    flags += [DYNAMIC_FAILED] if functions & DYNAMIC_OR_COMBINED else []
    judge(bench, requirement, declined_unable(visit, requirement), kind=AAC)
    judge(bench, requirement, next_one(visit, ARQC, requirement), hidden=flags)
    visit.offer(results=BOTH_FAILED)
    made = visit.second(AAC, OFFLINE_DECLINED, requirement=requirement)
    judge(bench, requirement, made, kind=AAC)
    judge(bench, requirement, next_one(visit, ARQC, requirement, results=bytes(5)), shown=flags)
    for tag in declared_limits(bench, (FOREIGN_CURRENCY, FOREIGN_COUNTRY)):
        with limits(bench, {tag: b"\x02"}) as visit:
            for _ in range(2):
                judge(bench, requirement, next_one(visit, ARQC, requirement, **abroad(bench, tag)), hidden=[VELOCITY])
                visit.second(AAC, OFFLINE_DECLINED, requirement=requirement)
            judge(bench, requirement, next_one(visit, ARQC, requirement), shown=[VELOCITY])


@SUITE.case(
    "PAY-GA2/unable-not-completed/BV",
    "不能联机后联机授权指示位保持",
    "The online authorisation indicator stays after Y3 and Z3",
    requirements=["PAY-GA2-026"],
    kind=Kind.VALID,
    expected=("下一次请求 TC 得 ARQC，CVR 3.b8 = 1", "ARQC for the next TC, with CVR 3.b8 = 1"),
)
def unable_not_completed(bench: Bench) -> None:
    """After an approval and after a decline."""
    for complete in (approved_unable, declined_unable):
        visit = settled(bench)
        complete(visit, "PAY-GA2-026")
        made = next_one(visit, requirement="PAY-GA2-026")
        judge(bench, "PAY-GA2-026", made, kind=ARQC, shown=[NOT_COMPLETED])
