"""Faults of e-cash in a second currency 双币电子现金."""

from __future__ import annotations

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.payment.data_objects import tag_of
from conformance.faults.payment.e_cash import INITIATION, choosing, instead, reporting
from conformance.faults.payment.logs import GENERATE, PUT_DATA, kind_of, log_records, set_log
from conformance.faults.payment.quick_means import LOW
from conformance.faults.payment.scripts import DEBIT
from emulator.apps.payment.application import SECOND_CURRENCY_OF, Application, Tag, amount, data_cell, number
from emulator.apps.payment.transaction import Kind, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command

FAULTS = FaultSet(DEBIT)
GET_DATA = "GET DATA"
SECOND_MARK = "fault:second currency"


FAULTS.command(
    INITIATION,
    "dua.single-limit-of-first",
    "第二币种用 9F78 判定",
    "The second currency is held to the single limit of the first",
    ["PAY-DUA-001"],
    paying,
)(choosing(lambda name: {data_cell(name, SECOND_CURRENCY_OF[Tag.SINGLE_LIMIT]): b"\x99" * 6}))


FAULTS.command(
    GENERATE,
    "dua.first-balance-reported",
    "第二币种交易的 9F10 返回 9F79",
    "9F10 reports the first balance in the second currency",
    ["PAY-DUA-007"],
    paying,
)(reporting(lambda application, before: application.value(Tag.BALANCE)))


@FAULTS.command(
    GENERATE,
    "dua.first-balance-debited",
    "第二币种交易扣第一余额",
    "The second currency is paid from the first balance",
    ["PAY-DUA-006"],
    paying,
)
def first_balance_debited(card: Card, command: Command, good: Handler) -> bytes:
    """The second balance stays."""
    before = Application(card).value(SECOND_CURRENCY_OF[Tag.BALANCE])
    answer = good(card, command)
    application, transaction = Application(card), transaction_of(card)
    if transaction.second_currency and transaction.e_cash and kind_of(answer) is Kind.TC:
        left = number(application.value(Tag.BALANCE)) - number(transaction.given(Tag.AMOUNT))
        application.put(SECOND_CURRENCY_OF[Tag.BALANCE], before)
        application.put(Tag.BALANCE, amount(max(left, 0)))
        application.commit()
    return answer


def _mapping(tags: frozenset[int]) -> Deviation:
    """GET DATA that shows objects of the first currency always."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        transaction = transaction_of(card)
        second, transaction.second_currency = (
            transaction.second_currency,
            transaction.second_currency and tag_of(command) not in tags,
        )
        try:
            return good(card, command)
        finally:
            transaction.second_currency = second

    return deviation


FAULTS.command(
    GET_DATA,
    "dua.balance-not-mapped",
    "第二币种交易中 9F79 仍返回第一余额",
    "GET DATA shows the first balance in the second currency",
    ["PAY-DUA-003"],
    paying,
)(_mapping(frozenset({Tag.BALANCE})))
FAULTS.command(
    GET_DATA,
    "dua.threshold-not-mapped",
    "第二币种交易中 9F6D 仍返回第一币种的值",
    "GET DATA shows the first threshold in the second currency",
    ["PAY-DUA-004"],
    paying,
)(_mapping(frozenset({Tag.THRESHOLD})))


@FAULTS.command(
    GET_DATA,
    "dua.mapping-stays",
    "第二币种映射在下一交易中仍有效",
    "GET DATA goes on showing the second currency",
    ["PAY-DUA-005"],
    paying,
)
def mapping_stays(card: Card, command: Command, good: Handler) -> bytes:
    """Once asked in the second currency, always so."""
    transaction = transaction_of(card)
    if transaction.second_currency and SECOND_MARK not in card.memory.cells:
        card.memory.commit({SECOND_MARK: 1})
    now = transaction.second_currency
    transaction.second_currency = SECOND_MARK in card.memory.cells
    try:
        return good(card, command)
    finally:
        transaction.second_currency = now


@FAULTS.command(
    PUT_DATA,
    "dua.put-both",
    "设置 DF76 时同时改变 9F6D",
    "PUT DATA of the second threshold sets the first, too",
    ["PAY-DUA-008"],
    paying,
)
def put_both(card: Card, command: Command, good: Handler) -> bytes:
    """One threshold for both."""
    answer = good(card, command)
    if tag_of(command) == SECOND_CURRENCY_OF[Tag.THRESHOLD]:
        application = Application(card)
        application.put(Tag.THRESHOLD, application.value(tag_of(command)))
        application.commit()
    return answer


@FAULTS.command(
    PUT_DATA,
    "dua.logged-as-first",
    "第二余额圈存日志标签为 9F79",
    "A load of the second balance is logged as one of the first",
    ["PAY-DUA-009"],
    paying,
)
def logged_as_first(card: Card, command: Command, good: Handler) -> bytes:
    """The tag in the record is fixed."""
    answer = good(card, command)
    records = log_records(card, Tag.LOAD_LOG_FORMAT)
    if records and tag_of(command) == SECOND_CURRENCY_OF[Tag.BALANCE]:
        set_log(card, (b"\x9f\x79" + records[0][2:], *records[1:]), Tag.LOAD_LOG_FORMAT)
    return answer


@FAULTS.command(
    INITIATION,
    "dua.verification-limit-of-first",
    "第二币种用 9F6B 判定持卡人验证",
    "The second currency is held to the verification limit of the first",
    ["PAY-DUA-012"],
    LOW,
)
def verification_limit_of_first(card: Card, command: Command, good: Handler) -> bytes:
    """One limit for both."""
    application = Application(card)
    with instead(card, {data_cell(application.name, 0xDF72): application.value(Tag.CVM_LIMIT)}):
        return good(card, command)
