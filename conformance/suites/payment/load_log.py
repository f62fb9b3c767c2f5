"""Load log 圈存日志 (area PAY-LOG): what PUT DATA of the balance writes into it, and reading it whole with a MAC."""

from __future__ import annotations

from conformance.actors.bank.scripts import Order, put_balance, put_data
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_dialogue import BALANCE, Visit, amount, get_data
from conformance.payment_judging import put_back, settings, settled
from conformance.suites.payment._logs import (
    LOAD_HEAD,
    Log,
    expect_load,
    fields,
    load_log,
    transaction_log,
)
from conformance.suites.payment._steps import (
    BALANCE_LIMIT,
    BALANCES,
    SINGLE_LIMIT,
    THRESHOLD,
    declared,
    expect_executed,
    expect_value,
    has,
    read_number,
    restoring,
    torn_script,
)
from conformance.tearing import every_cut
from emulator.crypto import payment as crypto
from emulator.iso7816 import SW, Response

SUITE = Suite("payment load log", "圈存日志", "Payment: load log", restore=put_back)

LEAST_CAPACITY = 10
"""Records that a load log holds at least, and the most that one answer brings (JR/T 0025.13 §5.8, §10.2)."""
MANY = 12
SHORT_RECORD, MAC_LENGTH = 22, 4
DATE, TIME, COUNTER = 0x9A, 0x9F21, 0x9F36


@SUITE.case(
    "PAY-LOG/load/BV",
    "圈存写一条圈存日志",
    "A load writes one record",
    requirements=["PAY-LOG-012"],
    kind=Kind.VALID,
    expected=(
        "增加一条记录：9F79、旧余额、新余额、DF4F 的值",
        "one record more: 9F79, old balance, new balance, values of DF4F",
    ),
)
@restoring(BALANCE)
def load(bench: Bench) -> None:
    """Up, down, and to the same balance again, each with the right MAC."""
    log = load_log(bench)
    visit = settled(bench, date="261230")
    old = _balance(bench)
    for new in (_other(bench, old), old, old):
        before = log.records(bench)
        was = _balance(bench)
        expect_executed(bench, visit.send_script(put_balance(new)), put_balance(new), "PAY-LOG-012")
        expect_value(bench, BALANCE, amount(new), "PAY-LOG-012")
        (record,) = log.expect(bench, before, "PAY-LOG-012", new=1)
        expect_load(bench, log, record, put_balance(new), was, visit, "PAY-LOG-012")


@SUITE.case(
    "PAY-LOG/failed-load/BI",
    "失败的圈存不写日志",
    "A failed load writes nothing",
    requirements=["PAY-LOG-013"],
    kind=Kind.INVALID,
    expected=("圈存日志和余额不变", "load log and balance stay"),
)
@restoring(BALANCE)
def failed_load(bench: Bench) -> None:
    """Above the limit, without enough bytes, with something that is no number, and with a wrong MAC."""
    log = load_log(bench)
    visit = settled(bench)
    old = amount(_balance(bench))
    before = log.records(bench)
    new = _other(bench, _balance(bench))
    limit = int(declared(bench.profile, BALANCE_LIMIT).hex())
    wrong: tuple[Order, ...] = (
        put_balance(limit + 1),
        put_data(BALANCE, amount(new)[1:]),
        put_data(BALANCE, b"\x00\x00\x00\x00\x0a\x00"),
    )
    for order in wrong:
        answer = visit.send_script(order)
        _expect_nothing(bench, log, answer, old, before)
    _expect_nothing(bench, log, visit.send_script(put_balance(new), wrong=True), old, before)


@SUITE.case(
    "PAY-LOG/other-data/BV",
    "设置其他数据不写圈存日志",
    "PUT DATA of other objects writes nothing",
    requirements=["PAY-LOG-014"],
    kind=Kind.VALID,
    expected=("应答 9000，圈存日志不变", "answers 9000, and the load log stays"),
)
@restoring(SINGLE_LIMIT, THRESHOLD, BALANCE_LIMIT)
def other_data(bench: Bench) -> None:
    """Single limit, threshold and balance limit, to the values that they have."""
    log = load_log(bench)
    visit = settled(bench)
    before = log.records(bench)
    for tag in (SINGLE_LIMIT, THRESHOLD, BALANCE_LIMIT):
        if has(bench.profile, tag):
            order = put_data(tag, declared(bench.profile, tag))
            expect_executed(bench, visit.send_script(order), order, "PAY-LOG-014")
            log.expect(bench, before, "PAY-LOG-014")


@SUITE.case(
    "PAY-LOG/independent/BV",
    "圈存日志与交易日志相互独立",
    "Both logs are independent",
    requirements=["PAY-LOG-015", "PAY-LOG-018"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "圈存 12 次、交易 12 笔后，各日志保存各自的最新记录；圈存日志至少 10 条，一次性读取 10 条",
        "after 12 loads and 12 transactions each log has the newest of its kind; 10 loads at least, 10 when read at once",
    ),
)
@restoring(BALANCE)
def independent(bench: Bench) -> None:
    """A load after each of twelve approved transactions; balances and amounts tell the records apart."""
    log, transactions = load_log(bench), _transaction_log(bench)
    first = settled(bench)
    balances = [_other(bench, _balance(bench), step) for step in range(1, MANY + 1)]
    for number, balance in enumerate(balances):
        visit = settled(bench, amount=1000 + number) if number else first
        bench.need(visit.send_script(put_balance(balance)), "圈存", "load")
    loads = log.records(bench)
    bench.check(
        len(loads) >= min(MANY, LEAST_CAPACITY),
        "圈存日志记录数",
        "records in the load log",
        expected=f"≥ {LEAST_CAPACITY}",
        received=len(loads),
        requirement="PAY-LOG-015",
        go_on=True,
    )
    shown = [record[8:LOAD_HEAD] for record in loads[:LEAST_CAPACITY]]
    newest = [amount(balance) for balance in reversed(balances)][:LEAST_CAPACITY]
    bench.check(
        shown == newest,
        "圈存日志的新余额，最新在前",
        "new balances in the load log, the newest first",
        expected=" ".join(str(int(each.hex())) for each in newest),
        received=" ".join(each.hex() for each in shown),
        requirement="PAY-LOG-015",
        go_on=True,
    )
    if transactions is not None:
        _expect_amounts(bench, transactions)
    records, _ = _whole(bench, Visit(bench).open().begin().read(), log, "PAY-LOG-018")
    found = [record[8:LOAD_HEAD] for record in records]
    if settings(bench.profile).full_load_log_order == "oldest first":
        found.reverse()
    bench.check(
        found == newest,
        "一次性读取的 10 条最新记录",
        "the ten newest loads when read at once",
        expected=" ".join(str(int(each.hex())) for each in newest),
        received=" ".join(each.hex() for each in found),
        requirement="PAY-LOG-018",
    )


@SUITE.case(
    "PAY-LOG/whole/BV",
    "一次性读取圈存日志",
    "The whole load log at once",
    requirements=["PAY-LOG-016"],
    kind=Kind.VALID,
    expected=(
        "ATC、条数、每条 22 字节、MAC；与逐条读取一致",
        "counter, number, 22 bytes for each record, a MAC that is right; the same as read one by one",
    ),
)
@restoring(BALANCE)
def whole(bench: Bench) -> None:
    """After two loads."""
    log = load_log(bench)
    visit = settled(bench)
    old = _balance(bench)
    for new in (_other(bench, old), old):
        bench.need(visit.send_script(put_balance(new)), "圈存", "load")
    records, _ = _whole(bench, visit, log, "PAY-LOG-016")
    single = log.records(bench)[:LEAST_CAPACITY]
    wanted = [_short(log, record) for record in single]
    if settings(bench.profile).full_load_log_order == "oldest first":
        wanted.reverse()
    bench.check(
        records == wanted,
        "与逐条读取的记录一致",
        "the records as read one by one",
        expected=" ".join(record.hex().upper() for record in wanted[:2]),
        received=" ".join(record.hex().upper() for record in records[:2]),
        requirement="PAY-LOG-016",
    )


@SUITE.case(
    "PAY-LOG/whole-empty/BV",
    "一次性读取空的圈存日志",
    "The whole empty load log at once",
    requirements=["PAY-LOG-017"],
    kind=Kind.VALID,
    expected=("ATC、条数 00、正确的 MAC", "counter, number 00, and a MAC that is right"),
)
def whole_empty(bench: Bench) -> None:
    """On a card that was never loaded; another one can't show it."""
    log = load_log(bench)
    visit = Visit(bench).open().begin().read()
    if log.read(bench, 1).sw == SW.SUCCESS:
        raise NotApplicable("卡片已圈存过", "the card was loaded before")
    _, count = _whole(bench, visit, log, "PAY-LOG-017")
    bench.check(count == 0, "条数", "number of records", expected=0, received=count, requirement="PAY-LOG-017")


@SUITE.case(
    "PAY-LOG/torn-load/BV",
    "圈存执行中断电",
    "Power lost during a load",
    requirements=["PAY-SCR-031", "PAY-LOG-012"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("余额与圈存日志同时更新或均不更新", "balance and load log are both new, or neither is"),
)
def torn_load(bench: Bench) -> None:
    """PUT DATA of each balance, cut at each write in turn."""
    for tag in BALANCES:
        if has(bench.profile, tag):
            _torn_load(bench, load_log(bench), tag)


def _torn_load(bench: Bench, log: Log, tag: int) -> None:
    bench.begin_example()
    Visit(bench).open()
    old, before = read_number(bench, tag), log.records(bench)
    order = put_data(tag, amount(new := _other(bench, old)))

    def after_cut(write: int) -> None:
        Visit(bench).open()
        balance = read_number(bench, tag)
        bench.check(
            balance in (old, new),
            "断电后的余额",
            "balance after the cut",
            expected=f"{old} / {new}",
            received=balance,
            requirement="PAY-SCR-031",
        )
        log.expect(bench, before, "PAY-SCR-031", new=int(balance == new))

    def undisturbed(answer: Response) -> None:
        expect_executed(bench, answer, order, "PAY-LOG-012")
        expect_value(bench, tag, amount(new), "PAY-LOG-012")
        log.expect(bench, before, "PAY-LOG-012", new=1)

    every_cut(bench, lambda: torn_script(settled(bench), order), after_cut, undisturbed)


def _balance(bench: Bench) -> int:
    return read_number(bench, BALANCE)


def _other(bench: Bench, balance: int, step: int = 1) -> int:
    """Another balance within the limit: ``step`` more, or, at the limit, less."""
    limit = int(declared(bench.profile, BALANCE_LIMIT).hex()) if has(bench.profile, BALANCE_LIMIT) else 10**12 - 1
    new = balance + step if balance + step <= limit else balance - step
    if new < 0:
        raise NotApplicable("余额上限过小", "the balance limit leaves no room for another balance")
    return new


def _transaction_log(bench: Bench) -> Log | None:
    try:
        return transaction_log(bench)
    except NotApplicable:
        return None


def _expect_nothing(bench: Bench, log: Log, answer: Response, old: bytes, before: list[bytes]) -> None:
    if answer.sw == SW.SUCCESS and get_data(bench, BALANCE) != old:
        bench.step("错误的圈存被执行", "a wrong load was executed")
    log.expect(bench, before, "PAY-LOG-013")
    expect_value(bench, BALANCE, old, "PAY-LOG-013")


def _expect_amounts(bench: Bench, log: Log) -> None:
    """The amounts of the last transactions, the newest first."""
    wanted = [amount(1000 + number) for number in reversed(range(1, MANY))][: log.capacity]
    shown = [fields(log.format, record).get(0x9F02, b"") for record in log.records(bench)][: len(wanted)]
    if 0x9F02 not in fields(log.format, b""):
        return
    bench.check(
        shown == wanted,
        "交易日志的金额，最新在前",
        "amounts in the transaction log, the newest first",
        expected=" ".join(str(int(each.hex())) for each in wanted),
        received=" ".join(each.hex() for each in shown),
        requirement="PAY-LOG-015",
    )


def _whole(bench: Bench, visit: Visit, log: Log, requirement: str) -> tuple[list[bytes], int]:
    """READ RECORD with P1 00: its records and their number, the MAC checked (JR/T 0025.13 §10.2)."""
    data = bench.expect(
        log.read(bench, 0), GOOD, "一次性读取圈存日志", "READ RECORD with P1 00", requirement=requirement
    ).data
    count = data[2] if len(data) > 2 else 0
    body, mac = data[:-MAC_LENGTH], data[-MAC_LENGTH:]
    bench.check(
        len(body) == 3 + count * SHORT_RECORD and count <= LEAST_CAPACITY and len(mac) == MAC_LENGTH,
        "应答长度：ATC、条数、每条 22 字节、MAC",
        "length of the answer: counter, number, 22 bytes for each, MAC",
        expected=f"{3 + count * SHORT_RECORD + MAC_LENGTH}",
        received=data,
        requirement=requirement,
    )
    visit.counter = get_data(bench, COUNTER) or b""
    keys = visit.keys
    wanted = crypto.payment_mac(keys.algorithm, keys.mac, body, MAC_LENGTH)
    bench.check(
        body[:2] == visit.counter and mac == wanted,
        "ATC 与 MAC",
        "counter and MAC",
        expected=visit.counter + wanted,
        received=body[:2] + mac,
        requirement=requirement,
    )
    return [body[3 + SHORT_RECORD * n : 3 + SHORT_RECORD * (n + 1)] for n in range(count)], count


def _short(log: Log, record: bytes) -> bytes:
    """A record as the answer to P1 00 shows it: head, date, time and counter, zeros for what DF4F leaves out."""
    details = fields(log.format, record[LOAD_HEAD:])
    return record[:LOAD_HEAD] + b"".join(
        details.get(tag, bytes(size)) for tag, size in ((DATE, 3), (TIME, 3), (COUNTER, 2))
    )
