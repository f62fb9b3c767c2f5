"""Offline PIN 脱机PIN (area PAY-PIN): VERIFY, its counter, and what it leaves in the card verification results."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_dialogue import AAC, ARQC, Visit
from conformance.payment_judging import (
    BLOCKED_BY_PIN,
    PIN_EXCEEDED,
    PIN_FAILED,
    PIN_PERFORMED,
    exhaust_pin,
    judge,
    put_back,
)
from conformance.payment_pin import (
    NOT_ACCEPTED,
    begun,
    expect_tries,
    present_right,
    present_wrong,
    require_limit,
    shown_tries,
    tries_given_back,
    try_limit,
)
from emulator.iso7816 import SW

SUITE = Suite("payment offline PIN", "金融应用脱机PIN", "Payment: offline PIN", restore=put_back)

EXHAUSTED_NOW = Expectation((SW.AUTHENTICATION_METHOD_BLOCKED,))
EXHAUSTED_EARLIER = Expectation((SW.REFERENCE_DATA_NOT_USABLE,))


@SUITE.case(
    "PAY-PIN/right/BV",
    "正确 PIN",
    "Right PIN",
    requirements=["PAY-PIN-001"],
    kind=Kind.VALID,
    expected=("9000，尝试计数器恢复为限制数", "9000, and the counter is at its limit again"),
)
def right(bench: Bench) -> None:
    """Right, wrong where two tries allow it, right again."""
    limit = try_limit(bench)
    Visit(bench).open().begin()
    with tries_given_back(bench):
        for attempt in ("首次", "错误之后") if limit > 1 else ("首次",):
            if attempt != "首次":
                present_wrong(bench)
            zh, en = f"正确PIN（{attempt}）", "right PIN" if attempt == "首次" else "right PIN after a wrong one"
            bench.expect(present_right(bench), GOOD, zh, en, requirement="PAY-PIN-001")
        expect_tries(bench, limit, "剩余次数为限制数", "tries are at their limit", "PAY-PIN-001")


@SUITE.case(
    "PAY-PIN/wrong/BI",
    "错误 PIN",
    "Wrong PIN",
    requirements=["PAY-PIN-002"],
    kind=Kind.INVALID,
    expected=("63Cx，x 每次减 1，与 9F17 相同", "63Cx with x one lower each time and equal to 9F17"),
)
def wrong(bench: Bench) -> None:
    """Until one try is left."""
    limit = require_limit(bench, 2)
    begun(bench)
    with tries_given_back(bench):
        for left in range(limit - 1, 0, -1):
            zh, en = f"错误PIN，剩余 {left} 次", f"wrong PIN, {left} tries left"
            bench.expect(present_wrong(bench), 0x63C0 | left, zh, en, requirement="PAY-PIN-002")
            shown = shown_tries(bench)
            if shown is not None:
                bench.check(shown == left, "9F17", "9F17", expected=left, received=shown, requirement="PAY-PIN-002")


@SUITE.case(
    "PAY-PIN/exhausted/BO",
    "用尽尝试次数",
    "Last try, and a further one",
    requirements=["PAY-PIN-003", "PAY-PIN-004", "PAY-PIN-006"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    expected=(
        "最后一次错误 63C0；同一交易再次验证 6983，正确 PIN 亦然",
        "63C0 for the last wrong try; 6983 for a further one in the transaction, the right PIN too",
    ),
)
def exhausted(bench: Bench) -> None:
    """All tries in one transaction."""
    limit = try_limit(bench)
    begun(bench)
    for _ in range(limit - 1):
        if present_wrong(bench).sw >> 4 != 0x63C:
            raise Inconclusive("错误PIN未应答63Cx", "a wrong PIN is not answered 63Cx")
    bench.expect(present_wrong(bench), 0x63C0, "最后一次错误", "the last wrong try", requirement="PAY-PIN-003")
    bench.expect(present_wrong(bench), EXHAUSTED_NOW, "再次验证", "a further VERIFY", requirement="PAY-PIN-004")
    bench.expect(present_right(bench), NOT_ACCEPTED, "正确PIN", "the right PIN", requirement="PAY-PIN-006")


@SUITE.case(
    "PAY-PIN/exhausted-earlier/BO",
    "先前交易已用尽",
    "Tries exhausted in an earlier transaction",
    requirements=["PAY-PIN-005", "PAY-PIN-006"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    expected=("首次验证 6984；正确 PIN 不被接受", "6984 for the first VERIFY; the right PIN is not accepted"),
)
def exhausted_earlier(bench: Bench) -> None:
    """A transaction after a reset, and one after that."""
    visit = begun(bench)
    exhaust_pin(bench)
    bench.reset()
    visit.send_select()
    visit.begin()
    bench.expect(present_wrong(bench), EXHAUSTED_EARLIER, "首次验证", "the first VERIFY", requirement="PAY-PIN-005")
    visit.begin()
    for zh, en in (("正确PIN", "the right PIN"), ("再次正确PIN", "the right PIN once more")):
        bench.expect(present_right(bench), NOT_ACCEPTED, zh, en, requirement="PAY-PIN-006")


# Card verification results


@SUITE.case(
    "PAY-PIN/performed/BV",
    "CVR 脱机 PIN 已执行",
    "PIN performed in the card verification results",
    requirements=["PAY-PIN-007"],
    kind=Kind.VALID,
    expected=("验证（正确或错误）后 CVR 2.b3 = 1，否则为 0", "2.b3 is 1 after any VERIFY and 0 without one"),
)
def performed(bench: Bench) -> None:
    """A transaction without VERIFY, one with a right PIN and, where two tries allow it, one with a wrong PIN."""
    limit = try_limit(bench)
    visit = begun(bench)
    judge(bench, "PAY-PIN-007", visit.first(AAC), hidden=[PIN_PERFORMED])
    with tries_given_back(bench):
        for present in (present_right, present_wrong) if limit > 1 else (present_right,):
            visit.begin()
            present(bench)
            judge(bench, "PAY-PIN-007", visit.first(AAC), shown=[PIN_PERFORMED])


@SUITE.case(
    "PAY-PIN/failed/BV",
    "CVR 脱机 PIN 失败",
    "PIN failed in the card verification results",
    requirements=["PAY-PIN-008"],
    kind=Kind.VALID,
    expected=(
        "错误后 CVR 2.b2 = 1，随后正确则为 0",
        "2.b2 is 1 after a wrong PIN and 0 after a right one that follows",
    ),
)
def failed(bench: Bench) -> None:
    """Wrong; wrong and right; right and wrong."""
    require_limit(bench, 2)
    visit = begun(bench)
    with tries_given_back(bench):
        for attempts in ((present_wrong,), (present_wrong, present_right), (present_right, present_wrong)):
            if attempts[0] is present_wrong:
                bench.need(present_right(bench), "恢复尝试次数", "VERIFY with the right PIN")
            visit.begin()
            for present in attempts:
                present(bench)
            bits = [PIN_FAILED]
            is_wrong = attempts[-1] is present_wrong
            judge(
                bench,
                "PAY-PIN-008",
                visit.first(AAC),
                shown=bits if is_wrong else [],
                hidden=[] if is_wrong else bits,
            )


@SUITE.case(
    "PAY-PIN/exceeded/BV",
    "CVR PIN 尝试次数超限",
    "PIN try limit exceeded in the card verification results",
    requirements=["PAY-PIN-009"],
    kind=Kind.VALID,
    destructive=True,
    expected=("用尽尝试次数的交易中 CVR 3.b7 = 1", "3.b7 is 1 in the transaction that used the last try"),
)
def exceeded(bench: Bench) -> None:
    """The cryptogram of the transaction in which the tries ended."""
    visit = begun(bench).read()
    exhaust_pin(bench)
    judge(bench, "PAY-PIN-009", visit.first(AAC), shown=[PIN_EXCEEDED])


@SUITE.case(
    "PAY-PIN/blocks/BO",
    "PIN 超限锁定应用",
    "Exhausted PIN blocks the application",
    requirements=["PAY-PIN-010"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    expected=(
        "本次交易继续，ARQC 的 CVR 3.b2 = 1；之后 SELECT 应答 6283",
        "the transaction goes on to an ARQC with CVR 3.b2 = 1; then SELECT answers 6283",
    ),
)
def blocks(bench: Bench) -> None:
    """Where the application default action says so (ADA 2.b8)."""
    visit = begun(bench).read()
    exhaust_pin(bench)
    judge(
        bench,
        "PAY-PIN-010",
        visit.first(ARQC, requirement="PAY-PIN-010"),
        kind=ARQC,
        shown=[BLOCKED_BY_PIN],
    )
    bench.expect(
        visit.send_select(),
        SW.SELECTED_FILE_DEACTIVATED,
        "之后选择应用",
        "SELECT afterwards",
        requirement="PAY-PIN-010",
    )
