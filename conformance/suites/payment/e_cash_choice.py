"""When a contact transaction is one of e-cash 电子现金 (area PAY-ECC), and what its records hold."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_balance, put_data
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_chain import CARD_CERTIFICATE, ONLY_PROFILE, SIGNED_STATIC, TAG_LIST, Chain
from conformance.payment_dialogue import BALANCE, Offered, Visit, amount
from conformance.payment_judging import declared_pin, exhaust_pin, put_back, settled
from conformance.suites.payment._e_cash import AUTHORISATION_CODE, e_cash_visit, expect_choice, foreign_currency
from conformance.suites.payment._steps import (
    BALANCE_LIMIT,
    SINGLE_LIMIT,
    asked_online,
    declared,
    has,
    require_balance,
    restoring,
    sample,
)
from emulator.iso7816 import SW

SUITE = Suite("payment e-cash choice", "电子现金交易判定", "Payment: choice of e-cash", restore=put_back)

CODE_PREFIX, CODE_LENGTH = b"ECC", 6
ONLINE_PIN = 0x02
METHOD_BITS = 0x3F
METHODS = 0x8E
SINGLE = 150
"""A single limit far below the balance."""


@SUITE.case(
    "PAY-ECC/chosen/BV",
    "满足全部条件时为电子现金交易",
    "All conditions hold: e-cash",
    requirements=["PAY-ECC-001", "PAY-ECC-009"],
    kind=Kind.VALID,
    expected=(
        "AFL 含 9F74 所在记录，9F74 为 ECC 和三个字符",
        "the AFL reaches 9F74, which is ECC and three characters",
    ),
)
def chosen(bench: Bench) -> None:
    """The smallest amount, and an ordinary one."""
    _prepare(bench)
    for value in (1, 100):
        visit = e_cash_visit(bench, amount=value)
        code = visit.objects.get(AUTHORISATION_CODE)
        bench.check(
            code is not None,
            f"金额 {value}：AFL 含 9F74",
            f"amount {value}: the AFL reaches 9F74",
            expected="9F74",
            received="—" if code is None else code,
            requirement="PAY-ECC-001",
        )
        good = code is not None and len(code) == CODE_LENGTH and code.startswith(CODE_PREFIX)
        bench.check(
            good and code is not None and code.isascii() and code.decode("ascii", "replace").isprintable(),
            "9F74 的内容",
            "content of 9F74",
            expected="ECC + 3",
            received=code or "—",
            requirement="PAY-ECC-009",
        )


@SUITE.case(
    "PAY-ECC/not-offered/BV",
    "终端不支持电子现金时为普通交易",
    "Terminal without e-cash",
    requirements=["PAY-ECC-002", "PAY-ECC-009"],
    kind=Kind.VALID,
    expected=("AFL 不含 9F74", "the AFL does not reach 9F74"),
)
def not_offered(bench: Bench) -> None:
    """9F7A is zero."""
    _prepare(bench)
    for requirement in ("PAY-ECC-002", "PAY-ECC-009"):
        _expect_choice(bench, False, requirement, e_cash=False)


@SUITE.case(
    "PAY-ECC/other-currency/BV",
    "币种不符时为普通交易",
    "Another currency",
    requirements=["PAY-ECC-003"],
    kind=Kind.VALID,
    expected=("AFL 不含 9F74", "the AFL does not reach 9F74"),
)
def other_currency(bench: Bench) -> None:
    """A currency that is none of the card's."""
    _prepare(bench)
    _expect_choice(bench, False, "PAY-ECC-003", currency=foreign_currency(bench.profile))


@SUITE.case(
    "PAY-ECC/balance-bound/BV",
    "金额等于和大于余额",
    "Amounts up to the balance and above",
    requirements=["PAY-ECC-004"],
    kind=Kind.VALID,
    expected=(
        "余额减 1 和余额为电子现金交易，余额加 1 为普通交易",
        "e-cash for the balance less one and the balance, an ordinary transaction for one more",
    ),
)
@restoring(BALANCE)
def balance_bound(bench: Bench) -> None:
    """With a balance below the single limit."""
    balance = _prepare(bench)
    single = int(declared(bench.profile, SINGLE_LIMIT).hex()) if has(bench.profile, SINGLE_LIMIT) else balance + 1
    if balance >= single:
        if single < 2:
            raise NotApplicable("单笔限额过小", "the single limit is too small")
        balance = single - 1
        settled(bench).ordered(put_balance(balance))
    for value, wanted in ((balance - 1, True), (balance, True), (balance + 1, False)):
        _expect_choice(bench, wanted, "PAY-ECC-004", amount=value)


@SUITE.case(
    "PAY-ECC/single-bound/BV",
    "金额等于和大于单笔限额",
    "Amounts up to the single limit and above",
    requirements=["PAY-ECC-005"],
    kind=Kind.VALID,
    expected=(
        "限额减 1 和限额为电子现金交易，限额加 1 为普通交易",
        "e-cash for the limit less one and the limit, an ordinary transaction for one more",
    ),
)
@restoring(SINGLE_LIMIT)
def single_bound(bench: Bench) -> None:
    """With a single limit below the balance, set by a script."""
    declared(bench.profile, SINGLE_LIMIT)
    _prepare(bench)
    settled(bench).ordered(put_data(SINGLE_LIMIT, amount(SINGLE)))
    for value, wanted in ((SINGLE - 1, True), (SINGLE, True), (SINGLE + 1, False)):
        _expect_choice(bench, wanted, "PAY-ECC-005", amount=value)


@SUITE.case(
    "PAY-ECC/after-failed-authentication/BO",
    "发卡行认证失败后为普通交易",
    "After failed issuer authentication",
    requirements=["PAY-ECC-006"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "认证失败后 AFL 不含 9F74，认证成功的交易之后恢复",
        "no 9F74 after a failure, and again after a transaction with the right ARPC",
    ),
)
@restoring()
def after_failed_authentication(bench: Bench) -> None:
    """Before, with the failure standing, and after it was cleared."""
    _prepare(bench)
    _expect_choice(bench, True, "PAY-ECC-006")
    visit = asked_online(bench)
    if visit.send_authenticate(wrong=True).sw == SW.SUCCESS:
        raise Inconclusive("错误的 ARPC 被接受", "the card took a wrong ARPC")
    _expect_choice(bench, False, "PAY-ECC-006")
    settled(bench)
    _expect_choice(bench, True, "PAY-ECC-006")


@SUITE.case(
    "PAY-ECC/after-failed-script/BO",
    "脚本失败后为普通交易",
    "After a failed script",
    requirements=["PAY-ECC-007"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "脚本失败后 AFL 不含 9F74，联机批准的交易之后恢复",
        "no 9F74 after a failed script, and again after an approved online transaction",
    ),
)
@restoring()
def after_failed_script(bench: Bench) -> None:
    """A wrong MAC after the second cryptogram."""
    order = sample(bench).order
    _prepare(bench)
    _expect_choice(bench, True, "PAY-ECC-007")
    if settled(bench).send_script(order, wrong=True).sw == SW.SUCCESS:
        raise Inconclusive("错误的 MAC 被接受", "the card took a wrong MAC")
    _expect_choice(bench, False, "PAY-ECC-007")
    settled(bench)
    _expect_choice(bench, True, "PAY-ECC-007")


@SUITE.case(
    "PAY-ECC/without-tries/BO",
    "PIN 次数为 0 时为普通交易",
    "Without PIN tries",
    requirements=["PAY-ECC-008"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    expected=("AFL 不含 9F74", "the AFL does not reach 9F74"),
)
def without_tries(bench: Bench) -> None:
    """All tries are used up."""
    declared_pin(bench.profile)
    _prepare(bench)
    _expect_choice(bench, True, "PAY-ECC-008")
    Visit(bench).open().begin()
    exhaust_pin(bench)
    bench.reset()
    visit = Visit(bench)
    visit.send_select()
    visit.begin(e_cash=True).read()
    bench.check(
        AUTHORISATION_CODE not in visit.objects,
        "PIN 用尽后的 AFL",
        "the AFL without PIN tries",
        expected="—",
        received="9F74",
        requirement="PAY-ECC-008",
    )


@SUITE.case(
    "PAY-ECC/verification-order/BV",
    "持卡人验证方法的顺序",
    "Order of the verification methods",
    requirements=["PAY-ECC-021"],
    kind=Kind.VALID,
    expected=("8E 中第一个方法不是联机 PIN", "the first method in 8E is not online PIN"),
)
def verification_order(bench: Bench) -> None:
    """The list as an e-cash transaction shows it."""
    _prepare(bench)
    methods = e_cash_visit(bench).objects.get(METHODS)
    if methods is None or len(methods) < 10:
        raise NotApplicable("没有持卡人验证方法列表", "the card shows no cardholder verification list with a method")
    bench.check(
        methods[8] & METHOD_BITS != ONLINE_PIN,
        "8E 的第一个方法",
        "first method of 8E",
        expected="≠ 02 / 42",
        received=methods[8:9],
        requirement="PAY-ECC-021",
    )


@SUITE.case(
    "PAY-ECC/profile-signed/BV",
    "AIP 参与签名",
    "The AIP is signed",
    requirements=["PAY-ECC-022"],
    kind=Kind.VALID,
    expected=("9F4A 为 82；静态签名按含 AIP 的数据验证通过", "9F4A is 82; the static signatures verify with the AIP"),
)
def profile_signed(bench: Bench) -> None:
    """The signed static data 93 and the static data in the card's certificate, as far as the card has them."""
    _prepare(bench)
    visit = e_cash_visit(bench)
    listed = visit.objects.get(TAG_LIST)
    bench.check(
        listed == ONLY_PROFILE, "9F4A", "9F4A", expected="82", received=listed or "—", requirement="PAY-ECC-022"
    )
    chain, found = Chain(visit), visit.objects
    if SIGNED_STATIC in found:
        chain.code("PAY-ECC-022")
    if CARD_CERTIFICATE in found:
        chain.card("PAY-ECC-022")
    bench.check(
        SIGNED_STATIC in found or CARD_CERTIFICATE in found,
        "静态签名",
        "static signature",
        expected="93 / 9F46",
        received="—",
        requirement="PAY-ECC-022",
    )


def _prepare(bench: Bench) -> int:
    """A card in good standing with a balance; hands the balance out."""
    settled(bench)
    least = SINGLE + 1
    if has(bench.profile, BALANCE_LIMIT) and int(declared(bench.profile, BALANCE_LIMIT).hex()) < least:
        raise NotApplicable("余额上限过小", "the balance limit is too small for the amounts of the suite")
    return require_balance(bench, least)


def _expect_choice(bench: Bench, wanted: bool, requirement: str, **offered: Offered) -> None:
    """By default for an e-cash terminal and an amount that the card can pay."""
    expect_choice(bench, wanted, requirement, **{"amount": 100, **offered})
