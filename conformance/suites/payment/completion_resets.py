"""What completion resets and what it keeps (area PAY-GA2): flags, totals, counters, the last online counter 9F13."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_dialogue import (
    AAC,
    AIP,
    APPROVED,
    ARQC,
    CDOL2,
    DECLINED,
    RESPONSE_CODE,
    TC,
    Visit,
    get_data,
)
from conformance.payment_history import LIMITS, History, expect_history, filled, history
from conformance.payment_judging import (
    AUTHENTICATION_FAILED_LAST,
    LAST_ONLINE,
    is_mandatory,
    judge,
    next_one,
    require_kind,
    set_back,
)
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("payment completion resets", "金融应用交易结束的复位", "Payment: what completion resets")

SUPPORTS_AUTHENTICATION = 0x04
NOTHING: frozenset[tuple[int, int]] = frozenset()


def to_completion(bench: Bench, *, right: bool | None, code: str = APPROVED) -> tuple[Visit, History]:
    """A card full of memories whose next transaction waits for its second cryptogram; ``right`` None leaves the ARPC out."""
    visit, before = filled(bench)
    require_kind(next_one(visit, ARQC), ARQC)
    if right is not None:
        visit.send_authenticate(code, wrong=not right)
    return visit, before


def after_approval(before: History, counter: bytes) -> History:
    """Everything cleared, 9F13 as the counter where it is shown."""
    last_online = None if before.last_online is None else counter
    return History(NOTHING, 0, frozenset(), before.used | before.free, last_online)


def good_states(bench: Bench) -> list[bool | None]:
    """Whether an ARPC comes in the good states: right where the card supports it, none where it is optional or unsupported."""
    supported = bool(Visit(bench).open().begin().objects.get(AIP, b"\0")[0] & SUPPORTS_AUTHENTICATION)
    if not supported:
        return [None]
    return [True] if is_mandatory(bench.profile) else [True, None]


@SUITE.case(
    "PAY-GA2/approval-resets/BV",
    "批准且认证状态良好：全部复位",
    "A good approval resets everything",
    requirements=["PAY-GA2-010"],
    kind=Kind.VALID,
    expected=(
        "之后无先前事件的 CVR 位，脚本计数为 0，限额全部可用，9F13 = ATC",
        "no CVR bit of earlier events, no scripts counted, all limits free, 9F13 is the counter",
    ),
)
def approval_resets(bench: Bench) -> None:
    """Failed script and data authentications, an open online transaction, every limit used up; then an approval."""
    with set_back(bench, LIMITS):
        for right in good_states(bench):
            visit, before = to_completion(bench, right=right)
            require_kind(visit.second(TC), TC)
            expect_history(bench, "PAY-GA2-010", after_approval(before, visit.counter))


@SUITE.case(
    "PAY-GA2/last-online/BV",
    "批准后 9F13 等于 ATC",
    "The last online counter after an approval",
    requirements=["PAY-GA2-011"],
    kind=Kind.VALID,
    expected=("GET DATA 9F13 与 9F36 相等", "GET DATA of 9F13 and 9F36 are equal"),
)
def last_online(bench: Bench) -> None:
    """Twice, with a transaction of the card alone in between."""
    for right in good_states(bench):
        for _ in range(2):
            visit = Visit(bench)
            require_kind(visit.offline(ARQC), ARQC)
            if right:
                visit.send_authenticate()
            require_kind(visit.second(TC), TC)
            counter, last = get_data(bench, COUNTER), get_data(bench, LAST_ONLINE)
            bench.check(
                counter is not None and last == counter,
                "9F13",
                "9F13",
                expected=counter or "9F36",
                received=last or "—",
                requirement="PAY-GA2-011",
            )
            next_one(visit, AAC)


@SUITE.case(
    "PAY-GA2/bad-approval-keeps/BV",
    "认证失败或缺少必备认证：不复位",
    "A bad state of issuer authentication resets nothing",
    requirements=["PAY-GA2-012"],
    kind=Kind.VALID,
    expected=("标志、金额、计数器和 9F13 不变", "flags, totals, counters and 9F13 are as before"),
)
def bad_approval_keeps(bench: Bench) -> None:
    """TC requested after a wrong ARPC, and without one where it is mandatory; the ADA decides whether it is granted."""
    with set_back(bench, LIMITS):
        for right in (False, None) if is_mandatory(bench.profile) else (False,):
            visit, before = to_completion(bench, right=right)
            visit.second(TC, requirement="PAY-GA2-012")
            expect_history(bench, "PAY-GA2-012", _failed_besides(before))


def _failed_besides(before: History) -> History:
    return replace(before, flags=before.flags | {AUTHENTICATION_FAILED_LAST})


@SUITE.case(
    "PAY-GA2/decline-resets-in-part/BV",
    "拒绝且认证状态良好：部分复位",
    "A good decline resets in part",
    requirements=["PAY-GA2-013"],
    kind=Kind.VALID,
    expected=(
        "仅清联机、SDA、DDA 和脚本标志；9F13、金额、计数器不变",
        "only the flags of online, data authentication and scripts are cleared; 9F13, totals and counters stay",
    ),
)
def decline_resets_in_part(bench: Bench) -> None:
    """The issuer declines; the terminal declines what the issuer approved."""
    with set_back(bench, LIMITS):
        for code, kind in ((DECLINED, TC), (APPROVED, AAC)):
            visit, before = to_completion(bench, right=True, code=code)
            require_kind(visit.second(kind, code), AAC)
            expect_history(bench, "PAY-GA2-013", replace(before, flags=NOTHING, scripts=0))


@SUITE.case(
    "PAY-GA2/bad-decline-keeps/BV",
    "认证失败后拒绝：不清任何标志",
    "A decline after a failed issuer authentication clears nothing",
    requirements=["PAY-GA2-014"],
    kind=Kind.VALID,
    expected=("CVR 3.b8 和 3.b4 为 1，其余不变", "CVR 3.b8 and 3.b4 are 1, everything else is as before"),
)
def bad_decline_keeps(bench: Bench) -> None:
    """A wrong ARPC; AAC requested."""
    with set_back(bench, LIMITS):
        visit, before = to_completion(bench, right=False)
        judge(bench, "PAY-GA2-014", visit.second(AAC, DECLINED, requirement="PAY-GA2-014"), kind=AAC)
        expect_history(bench, "PAY-GA2-014", _failed_besides(before))


# Power lost


def completion(visit: Visit, kind: int, code: str) -> bytes:
    """The second GENERATE AC as bytes, so that it can be cut."""
    visit.values[RESPONSE_CODE] = code.encode("ascii")
    return apdu(0x80, 0xAE, kind, 0, visit.filled(CDOL2), ne=256)


def _torn(
    bench: Bench,
    requirement: str,
    reach: Callable[[], tuple[bytes, tuple[History, ...]]],
) -> None:
    """Cut a completion at each write: afterwards the card remembers one of the histories, whole."""
    allowed: tuple[History, ...] = ()

    def prepare() -> bytes:
        nonlocal allowed
        command, allowed = reach()
        return command

    def after_cut(_: int) -> None:
        found = history(bench, requirement)
        bench.check(
            found in allowed,
            "断电后的标志、计数器和 9F13",
            "flags, counters and 9F13 after the cut",
            expected=" | ".join(str(each) for each in allowed),
            received=str(found),
            requirement=requirement,
        )

    def undisturbed(answer: Response) -> None:
        bench.need(answer, "第二次 GENERATE AC", "second GENERATE AC")
        expect_history(bench, requirement, allowed[-1])

    with set_back(bench, LIMITS):
        every_cut(bench, prepare, after_cut, undisturbed)


@SUITE.case(
    "PAY-GA2/approval-torn/BV",
    "批准过程中断电",
    "Power lost during an approval",
    requirements=["PAY-GA2-010", "PAY-GA2-011"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("全部复位且 9F13 = ATC，或全部不变", "everything reset and 9F13 at the counter, or everything as before"),
)
def approval_torn(bench: Bench) -> None:
    """Cut at each write."""

    def reach() -> tuple[bytes, tuple[History, ...]]:
        visit, before = to_completion(bench, right=good_states(bench)[0])
        return completion(visit, TC, APPROVED), (before, after_approval(before, visit.counter))

    _torn(bench, "PAY-GA2-010", reach)


@SUITE.case(
    "PAY-GA2/bad-approval-torn/BV",
    "认证失败后的交易结束过程中断电",
    "Power lost during completion after a failed issuer authentication",
    requirements=["PAY-GA2-012"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("标志、金额、计数器和 9F13 不变", "flags, totals, counters and 9F13 are as before"),
)
def bad_approval_torn(bench: Bench) -> None:
    """TC requested after a wrong ARPC, cut at each write."""

    def reach() -> tuple[bytes, tuple[History, ...]]:
        visit, before = to_completion(bench, right=False)
        return completion(visit, TC, APPROVED), (_failed_besides(before),)

    _torn(bench, "PAY-GA2-012", reach)
