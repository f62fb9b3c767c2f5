"""Faults of e-cash 电子现金 over the contact interface, in one currency or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.payment.application_selection import rewritten
from conformance.faults.payment.logs import GENERATE, kind_of, not_logged
from conformance.faults.payment.scripts import DEBIT
from emulator.apps.payment.application import (
    Application,
    Counter,
    Tag,
    amount,
    counter_cell,
    data_cell,
    number,
)
from emulator.apps.payment.initiation import e_cash_tag
from emulator.apps.payment.transaction import Kind, dol_values, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value
from emulator.crypto.payment import issuer_data_mac
from emulator.iso7816 import Command, tlv

FAULTS = FaultSet(DEBIT)
INITIATION, GET_DATA, READ = "GET PROCESSING OPTIONS", "GET DATA", "READ RECORD"
FORMAT_1, REPORTED_AT = 0x80, 8
"""Answer without signature, and where issuer discretionary data begin in 9F10."""
CODE, METHODS = 0x9F74, 0x8E
SECOND_MARK = "fault:second currency"


def _remaining(card: Card) -> tuple[Application, int, int]:
    """The application, the balance of the transaction's currency, and its amount."""
    application, transaction = Application(card), transaction_of(card)
    tag = e_cash_tag(transaction, Tag.BALANCE)
    return application, tag, number(application.value(tag)) - number(transaction.terminal.get(Tag.AMOUNT, b""))


@contextmanager
def instead(card: Card, cells: Mapping[str, Value]) -> Iterator[None]:
    """While this lasts cells have other values."""
    old = {cell: card.memory.cells[cell] for cell in cells if cell in card.memory.cells}
    card.memory.commit({cell: value for cell, value in cells.items() if cell in old})
    try:
        yield
    finally:
        card.memory.commit(old)


def _offering(card: Card, command: Command, tag: int, change: Callable[[bytes], bytes]) -> Command:
    """GET PROCESSING OPTIONS with another value of one PDOL object."""
    position = 2
    for found, length in tlv.parse_tags_and_lengths(Application(card).value(Tag.PDOL)):
        if found == tag and len(command.data) >= position + length:
            value = change(command.data[position : position + length])
            return command._replace(data=command.data[:position] + value + command.data[position + length :])
        position += length
    return command


# The choice


def choosing(cells: Callable[[str], Mapping[str, Value]]) -> Deviation:
    """GET PROCESSING OPTIONS that decides as if cells had other values."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        with instead(card, cells(Application(card).name)):
            return good(card, command)

    return deviation


FAULTS.command(
    INITIATION,
    "ecc.single-limit-ignored",
    "电子现金不检查单笔限额",
    "The choice of e-cash ignores the single limit",
    ["PAY-ECC-005"],
    paying,
)(choosing(lambda name: {data_cell(name, Tag.SINGLE_LIMIT): b"\x99" * 6}))
FAULTS.command(
    INITIATION,
    "ecc.after-failed-authentication",
    "认证失败后仍为电子现金交易",
    "E-cash is chosen after failed issuer authentication",
    ["PAY-ECC-006"],
    paying,
)(choosing(lambda name: {counter_cell(name, Counter.AUTHENTICATION_FAILED): 0}))
FAULTS.command(
    INITIATION,
    "ecc.after-failed-script",
    "脚本失败后仍为电子现金交易",
    "E-cash is chosen after a failed script",
    ["PAY-ECC-007"],
    paying,
)(choosing(lambda name: {counter_cell(name, Counter.SCRIPT_FAILED): 0}))


@FAULTS.command(
    INITIATION, "ecc.without-tries", "PIN 用尽后仍为电子现金交易", "E-cash without PIN tries", ["PAY-ECC-008"], paying
)
def without_tries(card: Card, command: Command, good: Handler) -> bytes:
    """The choice does not look at the PIN."""
    pin = Application(card).pin
    with instead(card, {pin.tries_cell: 1} if pin else {}):
        return good(card, command)


def _offered(tag: int, change: Callable[[Application, bytes], bytes]) -> Deviation:
    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        application = Application(card)
        return good(card, _offering(card, command, tag, lambda value: change(application, value)))

    return deviation


FAULTS.command(
    INITIATION,
    "ecc.always",
    "终端不支持电子现金时也为电子现金交易",
    "E-cash is chosen at a terminal without it",
    ["PAY-ECC-002"],
    paying,
)(_offered(Tag.E_CASH_TERMINAL, lambda application, value: b"\x01"))
FAULTS.command(
    INITIATION,
    "ecc.never",
    "从不选择电子现金交易",
    "E-cash is never chosen",
    ["PAY-ECC-001", "PAY-DUA-001"],
    paying,
)(_offered(Tag.E_CASH_TERMINAL, lambda application, value: b"\x00"))
FAULTS.command(
    INITIATION,
    "ecc.any-currency",
    "任何币种均为电子现金交易",
    "E-cash is chosen in any currency",
    ["PAY-ECC-003", "PAY-DUA-002"],
    paying,
)(_offered(Tag.TERMINAL_CURRENCY, lambda application, value: application.value(Tag.CURRENCY)))
FAULTS.command(
    INITIATION,
    "ecc.less-than-balance",
    "金额等于余额时不为电子现金交易",
    "E-cash is chosen below the balance only",
    ["PAY-ECC-004"],
    paying,
)(_offered(Tag.AMOUNT, lambda application, value: amount(number(value) + 1)))


def _shown(name: str, zh: str, en: str, requirement: str, tag: int, change: Callable[[bytes], bytes]) -> None:
    """READ RECORD that shows another value of an object."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        answer = good(card, command)
        if command.p2 >> 3 > 10:
            return answer
        return rewritten(answer, lambda found, value: change(value) if found == tag else value)

    FAULTS.command(READ, name, zh, en, [requirement], paying)(deviation)


_shown(
    "ecc.code-otherwise",
    "9F74 不以 ECC 开头",
    "The e-cash code does not begin with ECC",
    "PAY-ECC-009",
    CODE,
    lambda value: b"XYZ" + value[3:],
)
_shown(
    "ecc.online-pin-first",
    "CVM 列表首项为联机 PIN",
    "Online PIN is the first method",
    "PAY-ECC-021",
    METHODS,
    lambda value: value[:8] + b"\x42" + value[9:],
)
# The debit


def _debiting(kinds: frozenset[Kind]) -> Deviation:
    """GENERATE AC that takes the amount once more after some kinds of cryptogram."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        answer = good(card, command)
        if transaction_of(card).e_cash and kind_of(answer) in kinds:
            application, tag, left = _remaining(card)
            application.put(tag, amount(max(left, 0)))
            application.commit()
        return answer

    return deviation


FAULTS.command(
    GENERATE, "ecc.debited-twice", "电子现金扣款两次", "The balance is debited twice", ["PAY-ECC-010"], paying
)(_debiting(frozenset({Kind.TC})))
FAULTS.command(
    GENERATE, "ecc.declined-debited", "AAC 也扣款", "A declined transaction is debited", ["PAY-ECC-012"], paying
)(_debiting(frozenset({Kind.AAC})))
FAULTS.command(GENERATE, "ecc.request-debited", "ARQC 也扣款", "An online request is debited", ["PAY-ECC-013"], paying)(
    _debiting(frozenset({Kind.ARQC}))
)
FAULTS.command(GENERATE, "ecc.not-logged", "电子现金交易不写日志", "E-cash is not logged", ["PAY-ECC-019"], paying)(
    not_logged(lambda transaction: transaction.e_cash)
)


def reporting(choose: Callable[[Application, bytes], bytes]) -> Deviation:
    """GENERATE AC that reports a balance of its own choice, with a right MAC; it gets the balance of before."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        tag = e_cash_tag(transaction_of(card), Tag.BALANCE)
        before = Application(card).value(tag)
        whole = tlv.parse(good(card, command))[0]
        application = Application(card)
        reported = choose(application, before)[1:]
        if whole.tag != FORMAT_1 or len(whole.value) < 11 + REPORTED_AT + 11:
            return whole.to_bytes()
        counter, key = application.value(Tag.ATC), application.session_key("payment MAC")
        mac = issuer_data_mac(application.algorithm, key, counter, reported)
        return tlv.build(FORMAT_1, whole.value[: 11 + REPORTED_AT + 2] + reported + mac)

    return deviation


FAULTS.command(
    GENERATE,
    "ecc.balance-before-debit",
    "9F10 返回扣款前的余额",
    "9F10 reports the balance before the debit",
    ["PAY-ECC-011"],
    paying,
)(reporting(lambda application, before: before))


@FAULTS.command(
    GENERATE,
    "ecc.changed-values-accepted",
    "不检查 GPO 与 GAC 的值是否一致",
    "Values that differ from the initiation are accepted",
    ["PAY-ECC-014"],
    paying,
)
def changed_values_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """The values of the PDOL are forgotten."""
    transaction_of(card).pdol = {}
    return good(card, command)


@FAULTS.command(
    GENERATE,
    "ecc.results-must-be-zero",
    "TVR 不为零时电子现金返回 AAC",
    "E-cash is declined when the terminal verification results are not zero",
    ["PAY-ECC-015"],
    paying,
)
def results_must_be_zero(card: Card, command: Command, good: Handler) -> bytes:
    """They were zero at the initiation."""
    application = Application(card)
    results = dol_values(application.value(Tag.CDOL1), command.data).get(Tag.TVR, b"")
    transaction = transaction_of(card)
    declines = transaction.e_cash and not transaction.cryptogram and any(results)
    return good(card, command._replace(p1=0) if declines else command)


@FAULTS.command(
    GENERATE,
    "ecc.online-after-incomplete",
    "上次联机未完成时电子现金也联机",
    "E-cash goes online after an online transaction that was not completed",
    ["PAY-ECC-016"],
    paying,
)
def online_after_incomplete(card: Card, command: Command, good: Handler) -> bytes:
    """As an ordinary transaction must."""
    asked = Application(card).counter(Counter.ONLINE_REQUESTED) and transaction_of(card).e_cash and command.p1 == 0x40
    return good(card, command._replace(p1=0x80) if asked else command)


@FAULTS.command(
    GENERATE,
    "ecc.failures-hidden",
    "电子现金交易不反映上次数据认证失败",
    "E-cash does not show failed data authentication",
    ["PAY-ECC-017"],
    paying,
)
def failures_hidden(card: Card, command: Command, good: Handler) -> bytes:
    """Its checks are skipped with the others."""
    flags = (Counter.STATIC_FAILED, Counter.DYNAMIC_FAILED) if transaction_of(card).e_cash else ()
    with instead(card, {counter_cell(Application(card).name, flag): 0 for flag in flags}):
        return good(card, command)


@FAULTS.command(
    GENERATE,
    "ecc.counted-as-credit",
    "电子现金计入累计脱机金额",
    "E-cash adds to the total of offline amounts",
    ["PAY-ECC-018"],
    paying,
)
def counted_as_credit(card: Card, command: Command, good: Handler) -> bytes:
    """The amount is spent twice, once of each kind."""
    answer = good(card, command)
    transaction = transaction_of(card)
    if transaction.e_cash and kind_of(answer) is Kind.TC:
        application = Application(card)
        total = application.counter(Counter.CUMULATIVE_AMOUNT) + number(transaction.given(Tag.AMOUNT))
        application.count(Counter.CUMULATIVE_AMOUNT, total)
        application.commit()
    return answer
