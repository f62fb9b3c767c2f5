"""E-cash over the contact interface 电子现金交易 (area PAY-ECC): the debit, what refuses it, what it leaves alone."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_balance, put_data, unblock_application
from conformance.actors.terminal import dol
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    AIP,
    ARQC,
    BALANCE,
    CDOL1,
    PDOL,
    TC,
    Offered,
    Visit,
    amount,
    get_data,
)
from conformance.payment_judging import judge, require_kind, settled
from conformance.suites.payment._e_cash import e_cash_visit, expect_reported_balance, foreign_code, pay
from conformance.suites.payment._logs import expect_details, offered_values, transaction_log
from conformance.suites.payment._steps import (
    AMOUNT_LIMIT,
    COUNTRY_LIMIT,
    LAST_ONLINE,
    LOWER_LIMIT,
    asked_online,
    expect_value,
    has,
    read_number,
    require_balance,
    restoring,
)
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("payment e-cash", "电子现金交易", "Payment: e-cash")

PRICE = 100
MAY_DIFFER = frozenset({0x9F37, 0x95, 0x9B})
"""Objects of both PDOL and CDOL1 whose values need not be equal (JR/T 0025.13 §7.4.5)."""
STATIC_FAILED, DYNAMIC_FAILED, COMBINED_FAILED = "4000000000", "0800000000", "0400000000"
"""TVR with byte 1 bit 7, 4 and 3."""
STATIC, DYNAMIC, COMBINED = 0x40, 0x20, 0x01
"""Bits of AIP byte 1."""


@SUITE.case(
    "PAY-ECC/debit/BV",
    "扣款",
    "The debit",
    requirements=["PAY-ECC-010"],
    kind=Kind.VALID,
    expected=("TC，余额恰好减少交易金额", "a TC, and the balance is lower by exactly the amount"),
)
@restoring(BALANCE)
def debit(bench: Bench) -> None:
    """The smallest amount, an ordinary one, and all that is left."""
    settled(bench)
    balance = require_balance(bench, 2 * PRICE)
    for value in (1, PRICE, 2 * PRICE):
        if value == 2 * PRICE:
            settled(bench).ordered(put_balance(value))
            balance = value
        _, made = pay(bench, value)
        judge(bench, "PAY-ECC-010", made, kind=TC)
        balance -= value
        _expect_balance(bench, balance, "PAY-ECC-010")


@SUITE.case(
    "PAY-ECC/reported-balance/BV",
    "密文数据中的新余额",
    "New balance in the cryptogram data",
    requirements=["PAY-ECC-011"],
    kind=Kind.VALID,
    expected=("IDD 01 为扣款后的余额，MAC 正确", "IDD 01 has the balance after the debit, with a MAC that is right"),
)
@restoring(BALANCE)
def reported_balance(bench: Bench) -> None:
    """Two debits one after the other."""
    settled(bench)
    balance = require_balance(bench, 2 * PRICE)
    for paid in (PRICE, 2 * PRICE):
        visit, made = pay(bench, PRICE)
        require_kind(made, TC)
        expect_reported_balance(bench, visit, made, balance - paid, "PAY-ECC-011")


@SUITE.case(
    "PAY-ECC/declined/BV",
    "请求 AAC",
    "A request for AAC",
    requirements=["PAY-ECC-012"],
    kind=Kind.VALID,
    expected=("AAC，余额不变", "an AAC, and the balance stays"),
)
@restoring(BALANCE)
def declined(bench: Bench) -> None:
    """The terminal declines."""
    settled(bench)
    balance = require_balance(bench, PRICE)
    _, made = pay(bench, PRICE, AAC)
    judge(bench, "PAY-ECC-012", made, kind=AAC)
    _expect_balance(bench, balance, "PAY-ECC-012")


@SUITE.case(
    "PAY-ECC/online/BV",
    "请求 ARQC",
    "A request for ARQC",
    requirements=["PAY-ECC-013"],
    kind=Kind.VALID,
    expected=("ARQC，余额不变，联机批准后也不变", "an ARQC, and the balance stays, also after the approval"),
)
@restoring(BALANCE)
def online(bench: Bench) -> None:
    """The terminal goes online, and the bank approves."""
    settled(bench)
    balance = require_balance(bench, PRICE)
    visit, made = pay(bench, PRICE, ARQC)
    judge(bench, "PAY-ECC-013", made, kind=ARQC)
    expect_value(bench, BALANCE, amount(balance), "PAY-ECC-013")
    visit.send_authenticate()
    judge(bench, "PAY-ECC-013", visit.second(TC), kind=TC)
    _expect_balance(bench, balance, "PAY-ECC-013")


@SUITE.case(
    "PAY-ECC/changed-value/BI",
    "初始化与 GAC 的值不一致",
    "A value that differs from that of the initiation",
    requirements=["PAY-ECC-014"],
    kind=Kind.INVALID,
    expected=("AAC，余额不变", "an AAC, and the balance stays"),
)
@restoring(BALANCE)
def changed_value(bench: Bench) -> None:
    """Each object of both lists in turn, the amount once lower and once higher."""
    settled(bench)
    balance = require_balance(bench, 2 * PRICE)
    shared = _shared(bench) - MAY_DIFFER
    if not shared:
        raise NotApplicable("PDOL 与 CDOL1 无共同标签", "PDOL and CDOL1 have no object in common")
    changes = [(tag, _changed(tag)) for tag in sorted(shared)]
    if 0x9F02 in shared:
        changes += [(0x9F02, amount(PRICE - 1)), (0x9F02, amount(0))]
    for tag, value in changes:
        visit = e_cash_visit(bench, amount=PRICE)
        visit.values[tag] = value
        made = visit.first(TC)
        bench.step(f"{tag:X} 不一致", f"another value of {tag:X}")
        judge(bench, "PAY-ECC-014", made, kind=AAC)
        _expect_balance(bench, balance, "PAY-ECC-014")


@SUITE.case(
    "PAY-ECC/free-value/BV",
    "允许不一致的值",
    "Values that may differ",
    requirements=["PAY-ECC-015"],
    kind=Kind.VALID,
    expected=("9F37、95、9B 与初始化时不同仍为 TC", "a TC although 9F37, 95 or 9B are others than at the initiation"),
)
@restoring(BALANCE)
def free_value(bench: Bench) -> None:
    """Each that CDOL1 asks for, changed after the initiation, whether the PDOL asked for it or not."""
    settled(bench)
    asked = sorted(dol.tags_of(e_cash_visit(bench).objects.get(CDOL1, b"")) & MAY_DIFFER)
    if not asked:
        raise NotApplicable("CDOL1 不含 9F37、95、9B", "CDOL1 asks for none of 9F37, 95 and 9B")
    for tag in asked:
        balance = require_balance(bench, PRICE)
        visit = e_cash_visit(bench, amount=PRICE)
        old = visit.values.get(tag, bytes(2))
        visit.values[tag] = old[:-1] + bytes((old[-1] ^ 1,))
        bench.step(f"{tag:X} 不一致", f"another value of {tag:X}")
        judge(bench, "PAY-ECC-015", visit.first(TC), kind=TC)
        _expect_balance(bench, balance - PRICE, "PAY-ECC-015")


@SUITE.case(
    "PAY-ECC/skipped-checks/BV",
    "电子现金交易跳过的检查",
    "Checks that e-cash skips",
    requirements=["PAY-ECC-016"],
    kind=Kind.VALID,
    expected=(
        "新卡、上次联机未完成、频度超限时仍为 TC，CVR 无相应位",
        "a TC on a new card, after an online transaction that was not completed, and beyond the consecutive limit",
    ),
)
@restoring(BALANCE, LOWER_LIMIT)
def skipped_checks(bench: Bench) -> None:
    """States in which an ordinary transaction must go online, or shows so."""
    Visit(bench).open()
    if get_data(bench, LAST_ONLINE) == bytes(2) and read_number(bench, BALANCE) >= PRICE:
        bench.step("新卡", "a new card")
        _expect_skipped(bench, 0x10)
    require_balance(bench, 4 * PRICE)
    visit = settled(bench)
    bench.need(visit.send_script(unblock_application()), "应用解锁", "APPLICATION UNBLOCK")
    bench.step(
        "上次联机交易未完成，且上次交易有脚本", "the last online transaction was not completed, one before had a script"
    )
    asked_online(bench)
    _expect_skipped(bench, 0x80)
    if has(bench.profile, LOWER_LIMIT):
        bench.step("超过连续脱机交易下限", "beyond the lower consecutive limit")
        settled(bench).ordered(put_data(LOWER_LIMIT, b"\0"))
        made = Visit(bench).offline(TC)
        if made.kind == TC:
            raise Inconclusive(
                "频度限制未起作用", "the consecutive limit 0 did not send an ordinary transaction online"
            )
        _expect_skipped(bench, 0x20)


@SUITE.case(
    "PAY-ECC/kept-checks/BV",
    "电子现金交易保留的检查",
    "Checks that e-cash keeps",
    requirements=["PAY-ECC-017"],
    kind=Kind.VALID,
    expected=(
        "上次静态或动态数据认证失败时 CVR 3.b1 或 4.b3 为 1",
        "byte 3 bit 1, or byte 4 bit 3, is 1 after failed static, or dynamic, data authentication",
    ),
)
@restoring(BALANCE)
def kept_checks(bench: Bench) -> None:
    """A declined transaction whose terminal found the authentication to fail, then an e-cash transaction."""
    require_balance(bench, 3 * PRICE)
    for results, needed, byte, bit in (
        (STATIC_FAILED, STATIC, 3, 1),
        (DYNAMIC_FAILED, DYNAMIC | COMBINED, 4, 3),
        (COMBINED_FAILED, COMBINED, 4, 3),
    ):
        settled(bench)
        visit = Visit(bench)
        visit.offline(AAC, results=results)
        if not visit.objects.get(AIP, b"\0")[0] & needed:
            continue
        for again in (True, False):
            _, made = pay(bench, PRICE, TC if again else AAC)
            judge(bench, "PAY-ECC-017", made, shown=[(byte, bit)])
        settled(bench)
        _, made = pay(bench, PRICE, AAC)
        judge(bench, "PAY-ECC-017", made, hidden=[(byte, bit)])


@SUITE.case(
    "PAY-ECC/other-counters/BV",
    "不影响借记贷记的累计和计数",
    "Totals and counters of debit and credit",
    requirements=["PAY-ECC-018"],
    kind=Kind.VALID,
    expected=(
        "电子现金交易后普通交易的限额检查与之前相同",
        "the limits of ordinary transactions hold as if there had been no e-cash transaction",
    ),
)
@restoring(BALANCE, AMOUNT_LIMIT, COUNTRY_LIMIT)
def other_counters(bench: Bench) -> None:
    """A limit that allows one ordinary transaction: with an e-cash transaction before it still one, and no second."""
    ways: list[tuple[int, bytes, dict[str, Offered]]] = [
        (AMOUNT_LIMIT, amount(2 * PRICE - 1), {}),
        (COUNTRY_LIMIT, b"\x01", {"country": foreign_code(bench.profile)}),
    ]
    present = [way for way in ways if has(bench.profile, way[0])]
    if not present:
        raise NotApplicable("卡片无累计限额", "the card keeps no totals or counters that can be watched")
    require_balance(bench, 2 * PRICE)
    for tag, value, offered in present:
        settled(bench).ordered(put_data(tag, value))
        _, made = pay(bench, PRICE, **offered)
        require_kind(made, TC)
        for kind in (TC, ARQC):
            made = Visit(bench, amount=PRICE, **offered).offline(TC)
            bench.step(f"之后的普通交易（{tag:X}）", f"ordinary transaction after it ({tag:X})")
            judge(bench, "PAY-ECC-018", made, kind=kind)


@SUITE.case(
    "PAY-ECC/logged/BV",
    "电子现金交易写交易日志",
    "E-cash is logged",
    requirements=["PAY-ECC-019"],
    kind=Kind.VALID,
    expected=("交易日志增加该交易一条记录", "one record more in the transaction log: this transaction"),
)
@restoring(BALANCE)
def logged(bench: Bench) -> None:
    """Amounts and date that no other transaction has."""
    log = transaction_log(bench)
    settled(bench)
    require_balance(bench, 2 * PRICE)
    before = log.records(bench)
    visit, made = pay(bench, PRICE + 7, other_amount=5, date="261229")
    require_kind(made, TC)
    (record,) = log.expect(bench, before, "PAY-ECC-019", new=1)
    expect_details(bench, log.format, record, offered_values(visit), "PAY-ECC-019")


@SUITE.case(
    "PAY-ECC/torn/BV",
    "电子现金扣款时断电",
    "Power lost during a debit",
    requirements=["PAY-ECC-020"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=(
        "余额与日志同时包含或不包含该交易；给出 TC 时两者均包含",
        "balance and log show the transaction, or neither does; both do where the TC was given",
    ),
)
def torn(bench: Bench) -> None:
    """The request for TC, cut at each write in turn."""
    log = transaction_log(bench)
    Visit(bench).open()
    old = read_number(bench, BALANCE)
    if old < PRICE:
        raise NotApplicable("余额不足", "the card as issued has no balance to pay with")
    before: list[bytes] = []

    def prepare() -> bytes:
        settled(bench)
        before[:] = log.records(bench)
        return apdu(0x80, 0xAE, TC, 0, e_cash_visit(bench, amount=PRICE).filled(CDOL1), ne=256)

    def after_cut(write: int) -> None:
        Visit(bench).open()
        balance = read_number(bench, BALANCE)
        bench.check(
            balance in (old, old - PRICE),
            "断电后的余额",
            "balance after the cut",
            expected=f"{old} / {old - PRICE}",
            received=balance,
            requirement="PAY-ECC-020",
        )
        log.expect(bench, before, "PAY-ECC-020", new=int(balance != old))

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电的 GAC", "GENERATE AC left alone", requirement="PAY-ECC-020")
        judge(bench, "PAY-ECC-020", Cryptogram.read(answer), kind=TC)
        _expect_balance(bench, old - PRICE, "PAY-ECC-020")
        log.expect(bench, before, "PAY-ECC-020", new=1)

    every_cut(bench, prepare, after_cut, undisturbed)


def _shared(bench: Bench) -> frozenset[int]:
    """The tags that both PDOL and CDOL1 ask for."""
    visit = e_cash_visit(bench)
    return dol.tags_of(visit.objects.get(PDOL, b"")) & dol.tags_of(visit.objects.get(CDOL1, b""))


def _changed(tag: int) -> bytes:
    """A value that no step of the suite offers at the initiation."""
    return {0x9F02: amount(PRICE + 1), 0x5F2A: b"\x08\x40", 0x9F1A: b"\x08\x40"}.get(tag, b"\x11" * 20)


def _expect_balance(bench: Bench, balance: int, requirement: str) -> None:
    """At once, and after the power was off."""
    expect_value(bench, BALANCE, amount(balance), requirement)
    bench.reset()
    Visit(bench).open()
    expect_value(bench, BALANCE, amount(balance), requirement)


def _expect_skipped(bench: Bench, bit: int) -> None:
    """An e-cash TC that shows nothing of the state, which an AAC of an ordinary transaction shows before."""
    ordinary = Visit(bench).offline(AAC)
    if not ordinary.results[1] & bit:
        raise Inconclusive(
            "普通交易未显示该状态",
            f"an ordinary transaction does not show the state: 9F10 {ordinary.issuer_data.hex()}",
        )
    _, made = pay(bench, PRICE)
    judge(bench, "PAY-ECC-016", made, kind=TC)
    bench.check(
        made.data is not None and made.results[1] & 0xFE == 0 and made.results[2] & 0xF8 == 0,
        "CVR 中没有被跳过检查的位",
        "no bit of a skipped check in the card verification results",
        expected="90 00 00",
        received=made.issuer_data,
        requirement="PAY-ECC-016",
    )
