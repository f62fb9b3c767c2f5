"""Transaction log 交易日志 (area PAY-LOG): what is written into it, its order, its form, who may read and write it."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.actors.bank.scripts import block_application, put_data, update_record
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    CDOL1,
    CDOL2,
    DECLINED,
    TC,
    Offered,
    Visit,
    amount,
    counter,
    get_data,
)
from conformance.payment_judging import judge, put_back, require_kind, settings, settled
from conformance.suites.payment._logs import (
    TRANSACTION_FORMAT,
    Log,
    expect_details,
    fields,
    length_of,
    offered_values,
    transaction_log,
)
from conformance.suites.payment._steps import (
    AMOUNT_LIMIT,
    LAST_ONLINE,
    asked_online,
    expect_refusal,
    has,
    restoring,
)
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response

SUITE = Suite("payment transaction log", "交易日志", "Payment: transaction log", restore=put_back)

NOT_FOUND = Expectation((SW.RECORD_NOT_FOUND,))
UNUSUAL: Mapping[str, Offered] = {"amount": 4321, "other_amount": 1234, "kind": "01", "date": "261230"}
"""Values that no other transaction of the suites has."""
TORN_AMOUNT = 100


@SUITE.case(
    "PAY-LOG/offline/BV",
    "脱机批准的交易写一条日志",
    "An offline approval writes one record",
    requirements=["PAY-LOG-001", "PAY-LOG-005"],
    kind=Kind.VALID,
    expected=(
        "增加一条记录，内容为按 9F4F 排列的 PDOL 和 CDOL1 值，无标签和模板",
        "one record more: the values of PDOL and CDOL1 in the order of 9F4F, without tags and template",
    ),
)
def offline(bench: Bench) -> None:
    """Amounts, date and kind of transaction that no other transaction has."""
    log = transaction_log(bench)
    settled(bench)
    before = log.records(bench)
    visit = Visit(bench, **UNUSUAL)
    require_kind(visit.offline(TC), TC)
    (record,) = log.expect(bench, before, "PAY-LOG-001", new=1)
    expect_details(bench, log.format, record, offered_values(visit), "PAY-LOG-005")


@SUITE.case(
    "PAY-LOG/not-approved/BV",
    "AAC 和 ARQC 不写日志",
    "AAC and ARQC write nothing",
    requirements=["PAY-LOG-002"],
    kind=Kind.VALID,
    expected=("日志不变", "the log stays"),
)
@restoring()
def not_approved(bench: Bench) -> None:
    """An AAC, an ARQC, and an ARQC that the bank declines."""
    log = transaction_log(bench)
    settled(bench)
    before = log.records(bench)
    for kind in (AAC, ARQC):
        judge(bench, "PAY-LOG-002", Visit(bench).offline(kind), kind=kind)
        log.expect(bench, before, "PAY-LOG-002")
    made = Visit(bench).online(DECLINED, AAC)
    judge(bench, "PAY-LOG-002", made, kind=AAC)
    log.expect(bench, before, "PAY-LOG-002")


@SUITE.case(
    "PAY-LOG/online/BV",
    "联机批准的交易写一条日志",
    "An online approval writes one record",
    requirements=["PAY-LOG-003", "PAY-LOG-005"],
    kind=Kind.VALID,
    expected=("第二个密文 TC 后增加一条记录", "one record more after the TC of the second cryptogram, and not before"),
)
def online(bench: Bench) -> None:
    """The log after each of the two cryptograms."""
    log = transaction_log(bench)
    settled(bench)
    before = log.records(bench)
    visit = asked_online(bench, **UNUSUAL)
    log.expect(bench, before, "PAY-LOG-003")
    visit.send_authenticate()
    require_kind(visit.second(TC), TC)
    (record,) = log.expect(bench, before, "PAY-LOG-003", new=1)
    expect_details(bench, log.format, record, offered_values(visit), "PAY-LOG-005")


@SUITE.case(
    "PAY-LOG/newest-first/BV",
    "记录 1 为最新记录",
    "Record 1 is the newest",
    requirements=["PAY-LOG-004"],
    kind=Kind.VALID,
    expected=("第二笔交易在记录 1，第一笔在记录 2", "the second transaction in record 1, the first in record 2"),
)
def newest_first(bench: Bench) -> None:
    """Two transactions with different amounts."""
    log = transaction_log(bench)
    settled(bench)
    visits = [Visit(bench, amount=value) for value in (111, 222)]
    for visit in visits:
        require_kind(visit.offline(TC), TC)
    for number, visit in enumerate(reversed(visits), 1):
        answer = bench.expect(
            log.read(bench, number), GOOD, f"日志记录 {number}", f"log record {number}", requirement="PAY-LOG-004"
        )
        expect_details(bench, log.format, answer.data, offered_values(visit), "PAY-LOG-004")


@SUITE.case(
    "PAY-LOG/cyclic/BV",
    "日志写满后覆盖最旧的记录",
    "A full log loses its oldest record",
    requirements=["PAY-LOG-006", "PAY-LOG-008"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "记录数等于 9F4D 的值，最旧的一条被覆盖；之后的记录号应答 6A83",
        "as many records as 9F4D says, the first transaction is gone; the number after the last answers 6A83",
    ),
)
def cyclic(bench: Bench) -> None:
    """One approved online transaction more than the log has records, each with an amount of its own."""
    log = transaction_log(bench)
    visit = Visit(bench)
    wanted: list[dict[int, bytes]] = []
    for number in range(log.capacity + 1):
        _approve_again(bench, visit, 1000 + number)
        wanted.insert(0, offered_values(visit))
    for number, values in enumerate(wanted[: log.capacity], 1):
        answer = bench.expect(
            log.read(bench, number), GOOD, f"日志记录 {number}", f"log record {number}", requirement="PAY-LOG-006"
        )
        expect_details(bench, log.format, answer.data, values, "PAY-LOG-006")
    beyond = log.read(bench, log.capacity + 1)
    bench.expect(beyond, NOT_FOUND, "超出日志大小", "a record beyond the log", requirement="PAY-LOG-008")


@SUITE.case(
    "PAY-LOG/format/BV",
    "日志格式与记录长度一致",
    "Log format and length of a record",
    requirements=["PAY-LOG-007"],
    kind=Kind.VALID,
    expected=("9F4F 各项长度之和等于记录长度", "the lengths in 9F4F add up to the length of a record"),
)
def log_format(bench: Bench) -> None:
    """The format as GET DATA gives it."""
    log = transaction_log(bench)
    settled(bench)
    shown = get_data(bench, TRANSACTION_FORMAT)
    record = bench.expect(log.read(bench, 1), GOOD, "日志记录 1", "log record 1", requirement="PAY-LOG-007").data
    total = None if shown is None else length_of(shown)
    bench.check(
        total == len(record) and bool(record),
        "9F4F 长度之和",
        "sum of the lengths in 9F4F",
        expected=len(record),
        received=total if total is not None else shown or "—",
        requirement="PAY-LOG-007",
    )


@SUITE.case(
    "PAY-LOG/empty/BI",
    "读取不存在的日志记录",
    "Log records that are not there",
    requirements=["PAY-LOG-008"],
    kind=Kind.INVALID,
    expected=("应答 6A83", "6A83"),
)
def empty(bench: Bench) -> None:
    """A number above the size of the log, and record 1 of a card that has made no transaction yet."""
    log = transaction_log(bench)
    Visit(bench).open()
    if counter(bench) == 0:
        bench.expect(log.read(bench, 1), NOT_FOUND, "新卡的日志", "log of a fresh card", requirement="PAY-LOG-008")
    for number in (log.capacity + 1, 0xFE):
        bench.expect(
            log.read(bench, number), NOT_FOUND, f"日志记录 {number}", f"log record {number}", requirement="PAY-LOG-008"
        )


@SUITE.case(
    "PAY-LOG/blocked/BV",
    "应用锁定后日志可读",
    "Log of a blocked application",
    requirements=["PAY-LOG-009"],
    kind=Kind.VALID,
    destructive=True,
    expected=("日志记录与 9F4F 均应答 9000，内容不变", "9000 for record and format, as before"),
)
def blocked(bench: Bench) -> None:
    """Blocked by a script after an approved transaction."""
    log = transaction_log(bench)
    visit = settled(bench)
    before = log.records(bench)
    shown = get_data(bench, TRANSACTION_FORMAT)
    bench.need(visit.send_script(block_application()), "应用锁定", "APPLICATION BLOCK")
    bench.reset()
    bench.expect(
        visit.send_select(), (SW.SELECTED_FILE_DEACTIVATED,), "选择锁定的应用", "SELECT of the blocked application"
    )
    bench.expect(log.read(bench, 1), GOOD, "读日志记录 1", "log record 1", requirement="PAY-LOG-009")
    log.expect(bench, before, "PAY-LOG-009")
    answer = bench.send(apdu(0x80, 0xCA, 0x9F, 0x4F, ne=256))
    bench.expect(answer, GOOD, "读日志格式 9F4F", "GET DATA 9F4F", requirement="PAY-LOG-009")
    bench.check(
        get_data(bench, TRANSACTION_FORMAT) == shown,
        "日志格式不变",
        "the format stays",
        expected=shown or "—",
        received=answer.data,
        requirement="PAY-LOG-009",
    )


@SUITE.case(
    "PAY-LOG/update/BI",
    "修改日志记录",
    "UPDATE RECORD of the log",
    requirements=["PAY-LOG-010"],
    kind=Kind.INVALID,
    expected=("拒绝，日志不变", "refused, and the log stays"),
)
@restoring()
def update(bench: Bench) -> None:
    """With the right MAC, and without one."""
    log = transaction_log(bench)
    visit = settled(bench)
    before = log.records(bench)
    record = bytes(len(before[0])) if before else bytes(length_of(log.format) or 1)
    answer = visit.send_script(update_record(log.sfi, 1, record))
    expect_refusal(bench, answer, "修改日志", "UPDATE RECORD of the log", "PAY-LOG-010")
    log.expect(bench, before, "PAY-LOG-010")
    answer = bench.send(apdu(0x00, 0xDC, 1, log.sfi << 3 | 4, record))
    expect_refusal(bench, answer, "无 MAC 修改日志", "UPDATE RECORD without MAC", "PAY-LOG-010")
    log.expect(bench, before, "PAY-LOG-010")


@SUITE.case(
    "PAY-LOG/torn-offline/BV",
    "脱机批准时断电",
    "Power lost during an offline approval",
    requirements=["PAY-LOG-011"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=(
        "日志与累计脱机金额同时包含或不包含该交易",
        "log and offline total show the transaction, or neither does",
    ),
)
@restoring(AMOUNT_LIMIT)
def torn_offline(bench: Bench) -> None:
    """The limit of the total is set so low that the next transaction must go online exactly if this one was counted."""
    log = transaction_log(bench)
    if not has(bench.profile, AMOUNT_LIMIT):
        raise NotApplicable("卡片无累计脱机金额限制", "the card keeps no total of offline amounts (9F54)")

    def prepare() -> bytes:
        visit = settled(bench).ordered(put_data(AMOUNT_LIMIT, amount(2 * TORN_AMOUNT - 1)))
        visit.open().begin(amount=TORN_AMOUNT).read()
        return apdu(0x80, 0xAE, TC, 0, visit.filled(CDOL1), ne=256)

    def after_cut(write: int) -> None:
        visit = Visit(bench, amount=TORN_AMOUNT).open()
        logged = _newest_is_last_transaction(bench, log)
        made = visit.begin().read().first(TC)
        bench.check(
            made.kind == (ARQC if logged else TC),
            "日志中有该交易时下一笔须联机，否则脱机批准",
            "the next transaction goes online exactly if the log has this one",
            expected=f"CID {ARQC if logged else TC:02X}",
            received=f"CID {made.cid:02X}",
            requirement="PAY-LOG-011",
        )

    every_cut(bench, prepare, after_cut, lambda answer: _expect_logged(bench, log, answer))


@SUITE.case(
    "PAY-LOG/torn-online/BV",
    "联机批准完成时断电",
    "Power lost during the second cryptogram",
    requirements=["PAY-LOG-011"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("日志与上次联机 ATC 同时更新或均不更新", "log and last online counter are both new, or neither is"),
)
def torn_online(bench: Bench) -> None:
    """The last online counter 9F13 becomes that of the transaction when its TC is given."""
    log = transaction_log(bench)
    if not settings(bench.profile).last_online_atc_readable:
        raise NotApplicable("无法读取上次联机 ATC", "GET DATA does not give the last online counter 9F13")

    def prepare() -> bytes:
        visit = asked_online(bench, amount=TORN_AMOUNT)
        bench.need(visit.send_authenticate(), "发卡行认证", "EXTERNAL AUTHENTICATE")
        visit.values[0x8A] = APPROVED.encode("ascii")
        return apdu(0x80, 0xAE, TC, 0, visit.filled(CDOL2), ne=256)

    def after_cut(write: int) -> None:
        Visit(bench).open()
        logged = _newest_is_last_transaction(bench, log)
        online_counter = get_data(bench, LAST_ONLINE)
        bench.check(
            (online_counter == counter(bench).to_bytes(2, "big")) is logged,
            "日志中有该交易时 9F13 等于其 ATC",
            "9F13 is the counter of the transaction exactly if the log has it",
            expected=f"{counter(bench):04X}" if logged else "—",
            received=online_counter or "—",
            requirement="PAY-LOG-011",
        )

    every_cut(bench, prepare, after_cut, lambda answer: _expect_logged(bench, log, answer))


def _approve_again(bench: Bench, visit: Visit, value: int) -> None:
    """An approved online transaction without a new selection where one was made before."""
    if CDOL1 not in visit.objects:
        visit.open()
    visit.begin(amount=value)
    visit.first(ARQC)
    visit.send_authenticate()
    require_kind(visit.second(TC), TC)


def _newest_is_last_transaction(bench: Bench, log: Log) -> bool:
    """Whether record 1 carries the present transaction counter, which no earlier transaction had."""
    records = log.records(bench)
    found = fields(log.format, records[0]) if records else {}
    if COUNTER not in fields(log.format, b""):
        raise NotApplicable("日志不含 ATC", "the log does not have the transaction counter")
    return found.get(COUNTER) == counter(bench).to_bytes(2, "big")


def _expect_logged(bench: Bench, log: Log, answer: Response) -> None:
    bench.expect(answer, GOOD, "未断电的 GAC", "GENERATE AC left alone", requirement="PAY-LOG-011")
    bench.check(
        _newest_is_last_transaction(bench, log),
        "记录 1 为该交易",
        "record 1 is this transaction",
        expected=f"ATC {counter(bench):04X}",
        received=log.read(bench, 1).data,
        requirement="PAY-LOG-011",
    )
