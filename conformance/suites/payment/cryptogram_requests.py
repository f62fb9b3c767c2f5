"""Requests of a first cryptogram (area PAY-GAC): order, lengths, what the card may answer, a blocked application."""

from __future__ import annotations

from conformance.actors.bank.scripts import block_application
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    Cryptogram,
    objects_of,
)
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    CDOL1,
    CDOL2,
    RESPONSE_CODE,
    TC,
    Visit,
    amount,
    declared_objects,
    get_data,
)
from conformance.payment_history import FOREIGN_CURRENCY, abroad
from conformance.payment_judging import (
    VELOCITY,
    judge,
    limits,
    name_of,
    next_one,
    put_back,
    require_kind,
    settled,
)
from emulator.iso7816 import SW, Response, TlvError, tlv

SUITE = Suite("payment cryptogram requests", "金融应用密文请求", "Payment: requests of cryptograms", restore=put_back)

OUT_OF_ORDER = SW.CONDITIONS_OF_USE_NOT_SATISFIED
RANK = {AAC: 0, ARQC: 1, TC: 2}
LOG_FORMAT, LOG_ENTRY, DISCRETIONARY, AMOUNT = 0x9F4F, 0x9F4D, 0xBF0C, 0x9F02


@SUITE.case(
    "PAY-GAC/never-raised/BV",
    "不提升请求的类型",
    "The requested kind is never raised",
    requirements=["PAY-GAC-006"],
    kind=Kind.VALID,
    expected=("AAC 请求得 AAC，ARQC 请求得 AAC 或 ARQC", "AAC for AAC, AAC or ARQC for ARQC"),
)
def never_raised(bench: Bench) -> None:
    """A card as it is, after an approval, in the middle of nothing, after a failure, and beyond what it approves alone."""
    for zh, en, reach in (
        ("现状", "as it is", Visit),
        ("联机批准后", "after an approval", settled),
        ("联机未完成", "an online transaction not completed", _left_open),
        ("发卡行认证失败后", "after a failed issuer authentication", _failed),
    ):
        bench.step(zh, en)
        visit = reach(bench)
        for kind in (AAC, ARQC, TC):
            visit.open().begin(amount=bench.random.choice((0, 1, 10**6, 10**12 - 1)))
            _check_not_raised(bench, kind, visit.first(kind, requirement="PAY-GAC-006"))


def _left_open(bench: Bench) -> Visit:
    visit = settled(bench)
    visit.open().begin().first(ARQC)
    return visit


def _failed(bench: Bench) -> Visit:
    visit = settled(bench)
    visit.open().begin().first(ARQC)
    visit.send_authenticate(wrong=True)
    visit.second(TC)
    return visit


def _check_not_raised(bench: Bench, kind: int, made: Cryptogram) -> None:
    bench.check(
        RANK.get(made.kind, len(RANK)) <= RANK[kind],
        f"请求 {name_of(kind)}",
        f"{name_of(kind)} requested",
        expected=" / ".join(name_of(each) for each in RANK if RANK[each] <= RANK[kind]),
        received=name_of(made.kind),
        requirement="PAY-GAC-006",
    )


@SUITE.case(
    "PAY-GAC/other-values/BV",
    "初始化与 GAC 的数据不同时以 GAC 为准",
    "Other values than those of GET PROCESSING OPTIONS",
    requirements=["PAY-GAC-007"],
    kind=Kind.VALID,
    expected=(
        "9000；密文、累计金额和日志都用 GAC 的值",
        "9000; cryptogram, totals and log take the value of GENERATE AC",
    ),
)
def other_values(bench: Bench) -> None:
    """Amount and currency differ; the log, and the total of amounts where the card has a limit, tell which ones counted."""
    requirement = "PAY-GAC-007"
    has_limit = "9F54" in declared_objects(bench.profile)
    with limits(bench, {0x9F54: amount(1000)} if has_limit else {}) as visit:
        own = visit.values[0x5F2A]
        visit.open().begin(amount=1, **abroad(bench, FOREIGN_CURRENCY))
        made = visit.first(TC, requirement=requirement, amount=600, currency=own)
        bench.check(
            made.value == visit.expected(made) != b"",
            "密文用 GAC 的值计算",
            "cryptogram over the values of GENERATE AC",
            expected=visit.expected(made) or "9F10",
            received=made.value or "—",
            requirement=requirement,
        )
        logged = _logged_amount(visit)
        if logged is not None and made.kind == TC:
            bench.check(
                logged == amount(600),
                "日志中的金额",
                "amount in the log",
                expected=amount(600),
                received=logged or "—",
                requirement=requirement,
            )
        if has_limit:
            judge(bench, requirement, made, kind=TC)
            visit.open().begin(amount=1)
            made = visit.first(TC, requirement=requirement, amount=401)
            judge(bench, requirement, made, kind=ARQC, shown=[VELOCITY])


def _logged_amount(visit: Visit) -> bytes | None:
    """The amount in the newest record of the transaction log; empty where it cannot be found, None on a card without log."""
    entry = objects_of(visit.objects.get(DISCRETIONARY, b"")).get(LOG_ENTRY, b"")
    if not entry:
        return None
    layout, record = get_data(visit.bench, LOG_FORMAT), visit.read_record(entry[0] & 0x1F, 1)
    try:
        position = 0
        for tag, length in tlv.parse_tags_and_lengths(layout or b""):
            if tag == AMOUNT:
                return record.data[position : position + length]
            position += length
    except TlvError:
        pass
    return b""


@SUITE.case(
    "PAY-GAC/length/BI",
    "数据长度错误",
    "Wrong length",
    requirements=["PAY-GAC-008"],
    kind=Kind.INVALID,
    expected=("6700", "6700"),
)
def length(bench: Bench) -> None:
    """One byte more than CDOL1 asks for, and one less."""
    visit = settled(bench)
    for extra in (1, -1):
        visit.open().begin().read()
        values = visit.filled(CDOL1)
        values = values + b"\0" if extra > 0 else values[:-1]
        bench.expect(
            visit.send_generate(TC, values),
            SW.WRONG_LENGTH,
            f"长度 {extra:+d}",
            f"length {extra:+d}",
            requirement="PAY-GAC-008",
        )


@SUITE.case(
    "PAY-GAC/before-initiation/BO",
    "未初始化的 GENERATE AC",
    "Before GET PROCESSING OPTIONS",
    requirements=["PAY-GAC-009"],
    kind=Kind.INOPPORTUNE,
    expected=("6985", "6985"),
)
def before_initiation(bench: Bench) -> None:
    """After SELECT alone, of a new session and after a whole transaction."""
    visit = settled(bench).read()
    values = visit.filled(CDOL1)
    for reset in (False, True):
        if reset:
            bench.reset()
        visit.open()
        _expect_refused(bench, visit.send_generate(TC, values), "PAY-GAC-009")


def _expect_refused(bench: Bench, response: Response, requirement: str) -> None:
    bench.expect(response, OUT_OF_ORDER, "次序不符的 GENERATE AC", "GENERATE AC out of order", requirement=requirement)


@SUITE.case(
    "PAY-GAC/third/BO",
    "第三次 GENERATE AC",
    "A third GENERATE AC",
    requirements=["PAY-GAC-010"],
    kind=Kind.INOPPORTUNE,
    expected=("6985", "6985"),
)
def third(bench: Bench) -> None:
    """After TC and after AAC, with the values of CDOL2 and with those of CDOL1."""
    for kind in (TC, AAC):
        visit = Visit(bench)
        visit.online(kind=kind)
        for tag in (CDOL2, CDOL1):
            for again in (AAC, TC):
                _expect_refused(bench, visit.send_generate(again, visit.filled(tag)), "PAY-GAC-010")


@SUITE.case(
    "PAY-GAC/after-the-end/BO",
    "TC 或 AAC 之后的 GENERATE AC",
    "After a TC or an AAC",
    requirements=["PAY-GAC-011"],
    kind=Kind.INOPPORTUNE,
    expected=("6985", "6985"),
)
def after_the_end(bench: Bench) -> None:
    """The transaction has its cryptogram; nobody gets another one."""
    for kind in (TC, AAC):
        visit = settled(bench)
        visit.values[RESPONSE_CODE] = APPROVED.encode("ascii")
        require_kind(next_one(visit, kind), kind)
        for again in (AAC, TC):
            _expect_refused(bench, visit.send_generate(again, visit.filled(CDOL2)), "PAY-GAC-011")


@SUITE.case(
    "PAY-GAC/blocked/BV",
    "锁定的应用总是 AAC",
    "A blocked application always gives an AAC",
    requirements=["PAY-GAC-038"],
    kind=Kind.VALID,
    destructive=True,
    expected=("AAC", "AAC"),
)
def blocked(bench: Bench) -> None:
    """TC, ARQC and AAC requested, each in a transaction of its own."""
    visit = settled(bench)
    bench.need(visit.send_script(block_application()), "应用锁定", "APPLICATION BLOCK")
    for kind in (TC, ARQC, AAC):
        if visit.send_select().sw != SW.SELECTED_FILE_DEACTIVATED:
            raise Inconclusive("应用没有锁定", "the application is not blocked")
        made = visit.begin().first(kind, requirement="PAY-GAC-038")
        judge(bench, "PAY-GAC-038", made, kind=AAC)
