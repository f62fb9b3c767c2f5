"""Completion 交易结束 (area PAY-GA2): what the second GENERATE AC answers after the issuer did."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    CDOL2,
    DECLINED,
    RESPONSE_CODE,
    TC,
    Visit,
)
from conformance.payment_judging import (
    AUTHENTICATION_FAILED_LAST,
    NOT_AUTHENTICATED,
    algorithm_choices,
    default_action,
    is_mandatory,
    judge,
    name_of,
    next_one,
    requested,
    settings,
)
from conformance.suites.payment.combined_authentication import able_to_combine, check_hash, combined

SUITE = Suite("payment completion", "金融应用交易结束", "Payment: completion")

APPROVALS, REFERRALS, REFUSALS = ("00", "10", "11"), ("01", "02"), ("05", "51", "54", "91")
SECOND_BITS, FIRST_BITS = 0xC0, 0x30
ADVICE, REASON_AUTHENTICATION = 0x08, 0x03


def check_types(bench: Bench, requirement: str, made: Cryptogram, kind: int) -> None:
    """Judge the kinds of both cryptograms in CVR byte 2, the first being an ARQC."""
    expected = kind | ARQC >> 2
    bench.check(
        made.has_results and made.results[0] & (SECOND_BITS | FIRST_BITS) == expected,
        "CVR 字节 2 高四位",
        "high half of CVR byte 2",
        expected=f"{expected:02X}",
        received=made.issuer_data or "—",
        requirement=requirement,
    )


@SUITE.case(
    "PAY-GA2/declined-by-terminal/BV",
    "请求 AAC",
    "AAC requested",
    requirements=["PAY-GA2-001"],
    kind=Kind.VALID,
    expected=("AAC，CVR 2.b8–b7 为 00", "AAC with CVR 2.b8–b7 00"),
)
def declined_by_terminal(bench: Bench) -> None:
    """After the right answer of the issuer, after a wrong one, without any."""
    for answer in (True, False, None):
        visit = requested(bench)
        if answer is not None:
            visit.send_authenticate(wrong=not answer)
        made = visit.second(AAC, requirement="PAY-GA2-001")
        judge(bench, "PAY-GA2-001", made, kind=AAC)
        check_types(bench, "PAY-GA2-001", made, AAC)


@SUITE.case(
    "PAY-GA2/declined-by-issuer/BV",
    "发卡行拒绝",
    "The issuer declines",
    requirements=["PAY-GA2-002"],
    kind=Kind.VALID,
    expected=("请求 TC 得 AAC", "AAC for TC"),
)
def declined_by_issuer(bench: Bench) -> None:
    """Several codes of refusal, each proven by the response cryptogram; the terminal may say in CDOL2 what it likes."""
    for code in REFUSALS:
        for told in (code, APPROVED):
            visit = requested(bench)
            bench.need(visit.send_authenticate(code), "外部认证", "EXTERNAL AUTHENTICATE")
            bench.step(f"响应码 {code}", f"response code {code}")
            judge(bench, "PAY-GA2-002", visit.second(TC, told, requirement="PAY-GA2-002"), kind=AAC)


@SUITE.case(
    "PAY-GA2/approved/BV",
    "发卡行批准或参考",
    "The issuer approves or refers",
    requirements=["PAY-GA2-003", "PAY-GA2-015"],
    kind=Kind.VALID,
    expected=("请求 TC 得 TC；CVR 2.b8–b7 为 01，b6–b5 为 10", "TC for TC; CVR 2.b8–b7 are 01, b6–b5 are 10"),
)
def approved(bench: Bench) -> None:
    """Each of the five codes."""
    for code in APPROVALS + REFERRALS:
        visit = requested(bench)
        visit.send_authenticate(code)
        bench.step(f"响应码 {code}", f"response code {code}")
        made = visit.second(TC, code, requirement="PAY-GA2-003")
        judge(bench, "PAY-GA2-003", made, kind=TC)
        check_types(bench, "PAY-GA2-015", made, TC)


# Issuer authentication that is not supported, left out, or failed


@SUITE.case(
    "PAY-GA2/unsupported/BV",
    "不支持发卡行认证",
    "No issuer authentication on the card",
    requirements=["PAY-GA2-004"],
    kind=Kind.VALID,
    expected=("请求 TC 得 TC，CVR 3.b3 = 0", "TC for TC with CVR 3.b3 = 0"),
)
def unsupported(bench: Bench) -> None:
    """No EXTERNAL AUTHENTICATE."""
    made = requested(bench).second(TC, requirement="PAY-GA2-004")
    judge(bench, "PAY-GA2-004", made, kind=TC, hidden=[NOT_AUTHENTICATED])


@SUITE.case(
    "PAY-GA2/optional-left-out/BV",
    "可选的发卡行认证未执行",
    "Optional issuer authentication left out",
    requirements=["PAY-GA2-005"],
    kind=Kind.VALID,
    expected=("请求 TC 得 TC，CVR 3.b3 = 1；下一交易 CVR 3.b4 = 0", "TC with CVR 3.b3 = 1; CVR 3.b4 is 0 next time"),
)
def optional_left_out(bench: Bench) -> None:
    """No EXTERNAL AUTHENTICATE."""
    requirement = "PAY-GA2-005"
    visit = requested(bench)
    made = visit.second(TC, requirement=requirement)
    judge(bench, requirement, made, kind=TC, shown=[NOT_AUTHENTICATED])
    judge(bench, requirement, next_one(visit, requirement=requirement), hidden=[AUTHENTICATION_FAILED_LAST])


@SUITE.case(
    "PAY-GA2/failed/BV",
    "发卡行认证失败",
    "Failed issuer authentication",
    requirements=["PAY-GA2-006"],
    kind=Kind.VALID,
    expected=("ADA 1.b7 为 0 得 TC，为 1 得 AAC", "TC where ADA 1.b7 is 0, AAC where it is 1"),
)
def failed(bench: Bench) -> None:
    """A wrong cryptogram with a code of approval; TC requested."""
    visit = requested(bench)
    visit.send_authenticate(wrong=True)
    expected = AAC if default_action(bench.profile, 1, 7) else TC
    made = visit.second(TC, requirement="PAY-GA2-006")
    judge(bench, "PAY-GA2-006", made, kind=expected, hidden=[NOT_AUTHENTICATED])


@SUITE.case(
    "PAY-GA2/mandatory-left-out/BV",
    "必备的发卡行认证未执行",
    "Mandatory issuer authentication left out",
    requirements=["PAY-GA2-007", "PAY-GA2-008"],
    kind=Kind.VALID,
    expected=(
        "CVR 3.b3 = 1；ADA 1.b6 为 0 得 TC，为 1 得 AAC；下一交易 CVR 3.b4 = 1",
        "CVR 3.b3 is 1; TC where ADA 1.b6 is 0, AAC where it is 1; CVR 3.b4 is 1 in the next transaction",
    ),
)
def mandatory_left_out(bench: Bench) -> None:
    """No EXTERNAL AUTHENTICATE; TC requested, and, in another transaction, AAC."""
    for kind in (TC, AAC):
        visit = requested(bench)
        made = visit.second(kind, requirement="PAY-GA2-007")
        declines = kind == AAC or default_action(bench.profile, 1, 6)
        judge(bench, "PAY-GA2-007", made, kind=AAC if declines else TC, shown=[NOT_AUTHENTICATED])
        made = next_one(visit, ARQC, "PAY-GA2-008")
        judge(bench, "PAY-GA2-008", made, shown=[AUTHENTICATION_FAILED_LAST])
        visit.send_authenticate()
        visit.second(TC)


@SUITE.case(
    "PAY-GA2/refusal-advice/BV",
    "因发卡行认证拒绝时要求通知（ADA 1.b3）",
    "Advice on a refusal for issuer authentication (ADA 1.b3)",
    requirements=["PAY-GA2-009"],
    kind=Kind.VALID,
    expected=("CID b4 = 1；原因码按声明为 011 或 000", "CID b4 is 1; reason 011, or 000 where it is declared so"),
)
def refusal_advice(bench: Bench) -> None:
    """After a failure where ADA 1.b7 declines, and without authentication where it is mandatory and ADA 1.b6 declines."""
    profile = bench.profile
    ways = [True] if default_action(profile, 1, 7) else []
    ways += [False] if default_action(profile, 1, 6) and is_mandatory(profile) else []
    if not ways:
        raise NotApplicable("ADA 不因发卡行认证拒绝", "the ADA never declines for issuer authentication")
    expected = AAC | ADVICE | (REASON_AUTHENTICATION if settings(profile).authentication_reason else 0)
    for failing in ways:
        visit = requested(bench)
        if failing:
            visit.send_authenticate(wrong=True)
        made = visit.second(TC, requirement="PAY-GA2-009")
        bench.check(
            made.cid == expected,
            "CID：类型、通知、原因码",
            "cryptogram information: kind, advice, reason",
            expected=f"{expected:02X}",
            received=f"{made.cid:02X}",
            requirement="PAY-GA2-009",
        )


# The second cryptogram


def _changed_values(bench: Bench, visit: Visit) -> None:
    """Other values than those of the first cryptogram."""
    chance = bench.random
    visit.offer(amount=chance.randrange(1, 10**12), other_amount=chance.randrange(10**12), results=chance.randbytes(5))
    visit.offer(unpredictable=chance.randbytes(4), country="0840", currency="0978", date="270301", kind="20")


@SUITE.case(
    "PAY-GA2/value/BV",
    "第二个应用密文正确",
    "The second cryptogram is right",
    requirements=["PAY-GA2-016"],
    kind=Kind.VALID,
    expected=(
        "与用 CDOL2 数据和新 CVR 重新计算的密文相等",
        "equal to the one computed anew from CDOL2 and the new CVR",
    ),
)
def value(bench: Bench) -> None:
    """TC and AAC, with the values of the first cryptogram and with others, with each set of algorithms."""
    for sm in algorithm_choices(bench.profile):
        for kind in (TC, AAC):
            for changed in (False, True):
                visit = requested(bench, sm=sm)
                visit.send_authenticate()
                if changed:
                    _changed_values(bench, visit)
                made = visit.second(kind, requirement="PAY-GA2-016")
                expected = visit.expected(made)
                bench.check(
                    made.value == expected != b"",
                    f"第二个应用密文（{name_of(made.kind)}）",
                    f"second cryptogram ({name_of(made.kind)})",
                    expected=expected or "9F10 07 … 03 …",
                    received=made.value or "—",
                    requirement="PAY-GA2-016",
                )


@SUITE.case(
    "PAY-GA2/other-values/BV",
    "数据与第一次不同",
    "Other values than at the first",
    requirements=["PAY-GA2-027"],
    kind=Kind.VALID,
    expected=("9000", "9000"),
)
def other_values(bench: Bench) -> None:
    """TC after an approval, AAC, and a terminal that could not go online."""
    for kind, code in ((TC, APPROVED), (AAC, DECLINED), (AAC, "Z3")):
        visit = requested(bench)
        if code != "Z3":
            visit.send_authenticate(code)
        _changed_values(bench, visit)
        visit.values[RESPONSE_CODE] = code.encode("ascii")
        response = visit.send_generate(kind, visit.filled(CDOL2))
        bench.expect(response, GOOD, "第二次 GENERATE AC", "second GENERATE AC", requirement="PAY-GA2-027")
        judge(bench, "PAY-GA2-027", Cryptogram.read(response), kind=kind)


@SUITE.case(
    "PAY-GA2/combined/BV",
    "第二个密文的复合签名",
    "The second cryptogram signed",
    requirements=["PAY-GA2-028"],
    kind=Kind.VALID,
    expected=(
        "77，9F4B 可验证，哈希依次覆盖 PDOL、CDOL1、CDOL2 数据和应答",
        "77 with 9F4B that verifies, its hash over the values of PDOL, CDOL1, CDOL2 and the answer",
    ),
)
def combined_second(bench: Bench) -> None:
    """After a first cryptogram without signature, and with other values than its."""
    for algorithms in able_to_combine(bench):
        transaction, key = combined(bench, algorithms)
        visit = transaction.visit
        transaction.generate(ARQC, signed=False)
        visit.send_authenticate()
        visit.offer(unpredictable=bench.random.randbytes(4), amount=4321)
        visit.values[RESPONSE_CODE] = APPROVED.encode("ascii")
        given = transaction.generate(TC, second=True)
        judge(bench, "PAY-GA2-028", given.made, kind=TC)
        check_hash(bench, given, key, visit, "PAY-GA2-028")
