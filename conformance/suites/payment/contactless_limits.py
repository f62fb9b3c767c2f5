"""What scripts and a second currency mean through the antenna 非接触界面的限额和第二币种 (areas PAY-SCR and PAY-DUA)."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_data
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AFL,
    BALANCE,
    Offered,
    Visit,
    amount,
)
from conformance.payment_judging import settings, settled
from conformance.suites.payment._e_cash import foreign_currency
from conformance.suites.payment._steps import (
    SECOND_BALANCE,
    SECOND_CURRENCY,
    declared,
    expect_executed,
    expect_value,
    put_all,
    read_number,
    restoring,
)
from conformance.targets.base import Interface
from emulator.iso7816 import SW

SUITE = Suite("payment contactless limits", "非接触限额与第二币种", "Payment: limits through the antenna")

CVM_LIMIT, SECOND_CVM_LIMIT = 0x9F6B, 0xDF72
WITHOUT_VERIFICATION = "30000080"
"""TTQ of a terminal of qPBOC that offers neither online PIN nor signature: whoever needs a verification method is refused."""
REFUSED = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,))
LIMIT, OTHER_LIMIT = 300, 500


@SUITE.case(
    "PAY-SCR/put-card-limit/BV",
    "设置卡片 CVM 限额",
    "PUT DATA of the cardholder verification limit",
    requirements=["PAY-SCR-026"],
    kind=Kind.VALID,
    expected=(
        "应答 9000；qPBOC 金额不超过新限额时不要求持卡人验证，超过时要求",
        "answers 9000; qPBOC asks for no verification up to the new limit, and for one above it",
    ),
)
@restoring(CVM_LIMIT)
def put_card_limit(bench: Bench) -> None:
    """At a terminal without verification methods, which a card refuses where it needs one (JR/T 0025.12 §7.7.3)."""
    declared(bench.profile, CVM_LIMIT)
    order = put_data(CVM_LIMIT, amount(LIMIT))
    expect_executed(bench, settled(bench).send_script(order), order, "PAY-SCR-026")
    bench.switch(Interface.CONTACTLESS)
    _expect_limit(bench, LIMIT, "PAY-SCR-026")


@SUITE.case(
    "PAY-DUA/verification-limit/BV",
    "第二币种的 CVM 限额",
    "Verification limit of the second currency",
    requirements=["PAY-DUA-012"],
    kind=Kind.VALID,
    expected=(
        "第二币种初始化后 9F6B 为 DF72 的值，限额按 DF72；第一币种按 9F6B",
        "in the second currency 9F6B has the value of DF72, and that is the limit; in the first its own",
    ),
)
@restoring(CVM_LIMIT, SECOND_CVM_LIMIT)
def verification_limit(bench: Bench) -> None:
    """By GET DATA where the card shows it, and at work."""
    second = declared(bench.profile, SECOND_CURRENCY).hex()
    put_all(settled(bench), {SECOND_CVM_LIMIT: LIMIT, CVM_LIMIT: OTHER_LIMIT})
    bench.switch(Interface.CONTACTLESS)
    _expect_limit(bench, LIMIT, "PAY-DUA-012", currency=second)
    _expect_limit(bench, OTHER_LIMIT, "PAY-DUA-012")


@SUITE.case(
    "PAY-DUA/switched-off/BV",
    "关闭第二币种",
    "The second currency switched off",
    requirements=["PAY-DUA-010"],
    kind=Kind.VALID,
    expected=(
        "第二币种的 qPBOC 交易按货币不匹配处理，9F79 不映射，DF79 不变",
        "qPBOC in the second currency ends as in a third one, 9F79 is not mapped, DF79 stays",
    ),
)
@restoring(BALANCE, SECOND_BALANCE)
def switched_off(bench: Bench) -> None:
    """The same amount in the second and in a third currency."""
    second = declared(bench.profile, SECOND_CURRENCY).hex()
    settled(bench)
    Visit(bench).open()
    balances = {tag: amount(read_number(bench, tag)) for tag in (BALANCE, SECOND_BALANCE)}
    bench.switch(Interface.CONTACTLESS)
    found = []
    for currency in (second, foreign_currency(bench.profile)):
        visit = Visit(bench, amount=1, currency=currency).open()
        answer = visit.send_begin()
        found.append((answer.sw, Cryptogram.read(answer).results[:1]))
        expect_value(bench, BALANCE, balances[BALANCE], "PAY-DUA-010")
        if AFL in visit.objects:
            visit.read()  # the last record makes a debit final
        Visit(bench).open()
        for tag, balance in balances.items():
            expect_value(bench, tag, balance, "PAY-DUA-010")
    bench.check(
        found[0] == found[1],
        "第二币种与第三币种的结果",
        "results in the second and in a third currency",
        expected=f"{found[1][0]:04X} {found[1][1].hex().upper()}",
        received=f"{found[0][0]:04X} {found[0][1].hex().upper()}",
        requirement="PAY-DUA-010",
    )


def _expect_limit(bench: Bench, limit: int, requirement: str, **offered: Offered) -> None:
    """Up to the limit no verification is needed, above it one is; GET DATA shows the limit where anyone may read it."""
    for value, wanted in ((limit - 1, GOOD), (limit, GOOD), (limit + 1, REFUSED)):
        visit = Visit(bench, qualifiers=WITHOUT_VERIFICATION, amount=value, **offered).open()
        bench.expect(visit.send_begin(), wanted, f"金额 {value}", f"amount {value}", requirement=requirement)
        if wanted is GOOD and settings(bench.profile).special_device:
            expect_value(bench, CVM_LIMIT, amount(limit), requirement)
