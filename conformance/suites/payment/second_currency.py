"""E-cash in a second currency 双币电子现金 over the contact interface (area PAY-DUA)."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_data
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.payment_dialogue import ARQC, BALANCE, TC, Visit, amount, get_data
from conformance.payment_judging import judge, require_kind, settings, settled
from conformance.suites.payment._e_cash import (
    expect_choice,
    expect_reported_balance,
    foreign_currency,
    pay,
    reports_balance,
)
from conformance.suites.payment._logs import expect_load, load_log
from conformance.suites.payment._steps import (
    SECOND_BALANCE,
    SECOND_CURRENCY,
    SECOND_LIMIT,
    SECOND_OF,
    SECOND_SINGLE_LIMIT,
    SECOND_THRESHOLD,
    declared,
    expect_executed,
    expect_value,
    has,
    put_all,
    read_number,
    readable_by_anyone,
    require_balance,
    restoring,
)

SUITE = Suite("payment second currency", "双币电子现金", "Payment: e-cash in a second currency")

CARD_CURRENCY, SECOND_CVM_LIMIT = 0x9F51, 0xDF72
PRICE = 100
SINGLE = 150
FORBIDDEN = (0x02, 0x03, 0x04)
"""Identifiers of issuer discretionary data that a card of two e-cash currencies does not have."""
MARKED = {
    SECOND_THRESHOLD: 707,
    SECOND_CVM_LIMIT: 70_007,
    SECOND_LIMIT: 90_009,
    SECOND_SINGLE_LIMIT: 80_008,
    SECOND_BALANCE: 6_006,
}
"""Values that no object of the first currency has, in the order in which they can be set."""


@SUITE.case(
    "PAY-DUA/bounds/BV",
    "第二币种的判定",
    "Choice of e-cash in the second currency",
    requirements=["PAY-DUA-001"],
    kind=Kind.VALID,
    expected=(
        "余额 DF79、单笔限额 DF78 减 1 和相等时为电子现金交易，加 1 为普通交易",
        "e-cash up to the balance DF79 and the single limit DF78, an ordinary transaction above either",
    ),
)
@restoring(SECOND_SINGLE_LIMIT, SECOND_BALANCE, BALANCE)
def bounds(bench: Bench) -> None:
    """With the second balance as bound, then with the single limit, each below its counterpart of the first currency."""
    second = _currency(bench)
    for balance, single in ((SINGLE, 2 * SINGLE), (2 * SINGLE, SINGLE)):
        put_all(settled(bench), {SECOND_BALANCE: balance, SECOND_SINGLE_LIMIT: single, BALANCE: 3 * SINGLE})
        if single < balance and not has(bench.profile, SECOND_SINGLE_LIMIT):
            continue
        for value, wanted in ((SINGLE - 1, True), (SINGLE, True), (SINGLE + 1, False)):
            bench.step(f"余额 {balance}、单笔限额 {single}", f"balance {balance}, single limit {single}")
            expect_choice(bench, wanted, "PAY-DUA-001", amount=value, currency=second)


@SUITE.case(
    "PAY-DUA/third-currency/BV",
    "币种均不匹配",
    "Neither currency",
    requirements=["PAY-DUA-002"],
    kind=Kind.VALID,
    expected=("AFL 不含 9F74", "the AFL does not reach 9F74"),
)
def third_currency(bench: Bench) -> None:
    """A third currency, an amount of 1."""
    _currency(bench)
    settled(bench)
    expect_choice(bench, False, "PAY-DUA-002", amount=1, currency=foreign_currency(bench.profile))


@SUITE.case(
    "PAY-DUA/mapped/BV",
    "第二币种初始化后的 GET DATA",
    "GET DATA after initialisation in the second currency",
    requirements=["PAY-DUA-003", "PAY-DUA-004", "PAY-DUA-005"],
    kind=Kind.VALID,
    expected=(
        "9F79、9F6D、9F77、9F78 返回 DF79、DF76、DF77、DF78 的值；选择后或第一币种初始化后返回第一币种的值",
        "9F79, 9F6D, 9F77 and 9F78 have the values of DF79, DF76, DF77 and DF78; after SELECT or in the first "
        "currency their own",
    ),
)
@restoring(*MARKED)
def mapped(bench: Bench) -> None:
    """Values of the second currency that differ from those of the first; with an e-cash terminal and without."""
    second = _currency(bench)
    _mark(bench)
    Visit(bench).open()
    first = {tag: get_data(bench, tag) for tag in SECOND_OF}
    shown = [tag for tag in SECOND_OF if has(bench.profile, tag) and readable_by_anyone(bench.profile, tag)]
    for e_cash in (True, False):
        visit = Visit(bench).open()
        for tag in shown:
            expect_value(bench, tag, first[tag] or b"", "PAY-DUA-005")
        visit.begin(currency=second, e_cash=e_cash, amount=1)
        for tag in shown:
            mirrored = SECOND_OF[tag]
            if has(bench.profile, mirrored):
                wanted = amount(MARKED[mirrored])
                expect_value(bench, tag, wanted, "PAY-DUA-003" if tag == BALANCE else "PAY-DUA-004")
        visit.begin(currency=declared(bench.profile, CARD_CURRENCY))
        for tag in shown:
            expect_value(bench, tag, first[tag] or b"", "PAY-DUA-005")
        visit.begin(currency=second)
        bench.reset(cold=e_cash)


@SUITE.case(
    "PAY-DUA/debit/BV",
    "扣第二币种余额",
    "Debit in the second currency",
    requirements=["PAY-DUA-006", "PAY-DUA-007"],
    kind=Kind.VALID,
    expected=(
        "TC，DF79 减少交易金额，9F79 不变；9F10 的余额为 DF79",
        "a TC, DF79 is lower by the amount, 9F79 stays; the balance in 9F10 is that of DF79",
    ),
)
@restoring(SECOND_BALANCE, BALANCE)
def debit(bench: Bench) -> None:
    """Two debits one after the other, then one in the first currency."""
    second = _currency(bench)
    settled(bench)
    first_balance = require_balance(bench, 2 * PRICE)
    balance = require_balance(bench, 2 * PRICE, SECOND_BALANCE)
    for paid in (PRICE, 2 * PRICE):
        visit, made = pay(bench, PRICE, currency=second)
        judge(bench, "PAY-DUA-006", made, kind=TC)
        _expect_balances(bench, first_balance, balance - paid)
        if reports_balance(bench.profile):
            expect_reported_balance(bench, visit, made, balance - paid, "PAY-DUA-007")
    require_kind(pay(bench, PRICE)[1], TC)
    _expect_balances(bench, first_balance - PRICE, balance - 2 * PRICE)


@SUITE.case(
    "PAY-DUA/reported-online/BV",
    "第二币种联机交易的 9F10",
    "9F10 of an online transaction in the second currency",
    requirements=["PAY-DUA-007"],
    kind=Kind.VALID,
    expected=("9F10 的余额为 DF79 的当前值", "the balance in 9F10 is the present one of DF79"),
)
@restoring()
def reported_online(bench: Bench) -> None:
    """An ARQC, which debits nothing."""
    second = _currency(bench)
    settled(bench)
    Visit(bench).open()
    balance = read_number(bench, SECOND_BALANCE)
    visit, made = pay(bench, min(PRICE, balance), ARQC, currency=second)
    expect_reported_balance(bench, visit, made, balance, "PAY-DUA-007")


@SUITE.case(
    "PAY-DUA/put/BV",
    "设置第二币种的数据",
    "PUT DATA of the second currency",
    requirements=["PAY-DUA-008"],
    kind=Kind.VALID,
    expected=("应答 9000，仅该值改变", "answers 9000, and that value alone is new"),
)
@restoring(*MARKED, BALANCE)
def put(bench: Bench) -> None:
    """Each in turn; values that GET DATA does not show are seen as those of the first currency in a transaction, or at work."""
    second = _currency(bench)
    for tag, value in MARKED.items():
        if not has(bench.profile, tag):
            continue
        before = _readable(bench, second)
        order = put_data(tag, amount(value))
        expect_executed(bench, settled(bench).send_script(order), order, "PAY-DUA-008")
        wanted = {place: amount(value) if tag in place else old for place, old in before.items()}
        after = _readable(bench, second)
        wrong = [place for place in wanted if after[place] != wanted[place]]
        bench.check(
            not wrong,
            f"设置 {tag:X} 后的各值",
            f"all values after PUT DATA of {tag:X}",
            expected=" ".join(f"{place[-1]:X}={(wanted[place] or b'').hex()}" for place in wrong) or "—",
            received=" ".join(f"{place[-1]:X}={(after[place] or b'').hex()}" for place in wrong) or "—",
            requirement="PAY-DUA-008",
        )
    if has(bench.profile, SECOND_LIMIT):
        _expect_bound(bench, MARKED[SECOND_LIMIT])
    if has(bench.profile, SECOND_SINGLE_LIMIT):
        _expect_single(bench, second)


@SUITE.case(
    "PAY-DUA/load-log/BV",
    "第二币种的圈存日志",
    "Load log of the second balance",
    requirements=["PAY-DUA-009"],
    kind=Kind.VALID,
    expected=("圈存日志以 DF79、旧余额、新余额开头", "the record begins with DF79, the old and the new balance"),
)
@restoring(SECOND_BALANCE)
def load_logged(bench: Bench) -> None:
    """One load."""
    _currency(bench)
    log = load_log(bench)
    visit = settled(bench)
    old, before = read_number(bench, SECOND_BALANCE), log.records(bench)
    new = old - 1 if old else 1
    order = put_data(SECOND_BALANCE, amount(new))
    expect_executed(bench, visit.send_script(order), order, "PAY-DUA-009")
    (record,) = log.expect(bench, before, "PAY-DUA-009", new=1)
    expect_load(bench, log, record, order, old, visit, "PAY-DUA-009")


@SUITE.case(
    "PAY-DUA/discretionary-data/BV",
    "双币卡的发卡行自定义数据",
    "Discretionary data of a dual card",
    requirements=["PAY-DUA-011"],
    kind=Kind.VALID,
    expected=("9F10 中无标识 02、03、04", "no identifier 02, 03 or 04 in 9F10"),
)
@restoring()
def discretionary_data(bench: Bench) -> None:
    """In both currencies."""
    for currency in (_currency(bench), declared(bench.profile, CARD_CURRENCY).hex()):
        settled(bench)
        made = Visit(bench, currency=currency).offline(ARQC)
        found = made.data.discretionary[:1] if made.data else made.issuer_data
        bench.check(
            made.data is not None and (not found or found[0] not in FORBIDDEN),
            "9F10 中的标识",
            "identifier in 9F10",
            expected="≠ 02, 03, 04",
            received=found or "—",
            requirement="PAY-DUA-011",
        )


def _currency(bench: Bench) -> str:
    """The second currency; not applicable where the card has none."""
    declared(bench.profile, SECOND_BALANCE)
    return declared(bench.profile, SECOND_CURRENCY).hex()


def _mark(bench: Bench) -> None:
    """Give the objects of the second currency values of their own."""
    put_all(settled(bench), MARKED)


Seen = dict[tuple[int, ...], bytes | None]


def _readable(bench: Bench, second: str) -> Seen:
    """What GET DATA shows of both currencies, by the objects that are meant."""
    Visit(bench).open()
    tags = (*SECOND_OF, *MARKED)
    found: Seen = {(tag,): get_data(bench, tag) for tag in tags if readable_by_anyone(bench.profile, tag)}
    Visit(bench).open().begin(currency=second, e_cash=True, amount=1)
    for tag, mirrored in SECOND_OF.items():
        if readable_by_anyone(bench.profile, tag):
            found[tag, mirrored] = get_data(bench, tag)
    return found


def _expect_bound(bench: Bench, limit: int) -> None:
    """Loads of the second balance up to the limit, and none above it."""
    word = int(settings(bench.profile).put_data_limit_answer, 16)
    for value, wanted in ((limit - 1, 0x9000), (limit, 0x9000), (limit + 1, word)):
        answer = settled(bench).send_script(put_data(SECOND_BALANCE, amount(value)))
        bench.expect(answer, wanted, f"第二余额设为 {value}", f"second balance {value}", requirement="PAY-DUA-008")
        expect_value(bench, SECOND_BALANCE, amount(min(value, limit)), "PAY-DUA-008")


def _expect_single(bench: Bench, second: str) -> None:
    """The new single limit bounds the second currency, and the first not."""
    require_balance(bench, SINGLE + 1)
    visit = settled(bench)
    for order in (put_data(SECOND_BALANCE, amount(2 * SINGLE)), put_data(SECOND_SINGLE_LIMIT, amount(SINGLE))):
        expect_executed(bench, visit.send_script(order), order, "PAY-DUA-008")
    first = declared(bench.profile, CARD_CURRENCY).hex()
    for currency, value, wanted in ((second, SINGLE, True), (second, SINGLE + 1, False), (first, SINGLE + 1, True)):
        expect_choice(bench, wanted, "PAY-DUA-008", amount=value, currency=currency)


def _expect_balances(bench: Bench, first: int, second: int) -> None:
    Visit(bench).open()
    expect_value(bench, BALANCE, amount(first), "PAY-DUA-006")
    expect_value(bench, SECOND_BALANCE, amount(second), "PAY-DUA-006")
