"""Faults of the velocity limits 频度限制: limits that are one too high or too low, and what counts to them."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.first_cryptogram import COMMAND, is_first
from conformance.faults.payment.means import CheckFault, add_check_faults, counted, kind_of, on, shifted
from emulator.apps.payment import risk
from emulator.apps.payment.application import Application, Counter, Tag, number
from emulator.apps.payment.transaction import Kind, Stage, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
TOTALS = (Counter.CUMULATIVE_AMOUNT, Counter.CUMULATIVE_AMOUNT_DUAL)
FOREIGN = (Counter.FOREIGN_CURRENCY, Counter.FOREIGN_COUNTRY)


def _zeros_are_foreign(application: Application, transaction: Transaction) -> bool:
    """The condition of the foreign currency limit, for which zeros are a currency too."""
    limit, given = application.get(Tag.LIMIT_FOREIGN_CURRENCY), transaction.terminal.get(Tag.TERMINAL_CURRENCY)
    counter = application.counter(Counter.FOREIGN_CURRENCY)
    return limit is not None and given != application.get(Tag.CURRENCY) and counter + 1 > limit[0]


CHECKS = (
    CheckFault(
        "gac.lower-limit-too-low",
        "9F58 相等即算超过",
        "The lower consecutive limit is reached one transaction early",
        "PAY-GAC-021",
        "lower consecutive limit",
        shifted(Tag.LOWER_LIMIT, -1),
    ),
    CheckFault(
        "gac.lower-limit-too-high",
        "9F58 多允许一次",
        "The lower consecutive limit allows one transaction more",
        "PAY-GAC-021",
        "lower consecutive limit",
        shifted(Tag.LOWER_LIMIT, 1),
    ),
    CheckFault(
        "gac.foreign-currency-too-high",
        "9F53 多允许一次",
        "The foreign currency limit allows one transaction more",
        "PAY-GAC-022",
        "foreign currency",
        shifted(Tag.LIMIT_FOREIGN_CURRENCY, 1),
    ),
    CheckFault(
        "gac.foreign-country-too-low",
        "9F72 少允许一次",
        "The foreign country limit is reached one transaction early",
        "PAY-GAC-023",
        "foreign country",
        shifted(Tag.LIMIT_FOREIGN_COUNTRY, -1),
    ),
    CheckFault(
        "gac.foreign-country-taken-for-currency",
        "国际-国家检查比较货币",
        "The foreign country limit looks at the currency",
        "PAY-GAC-023",
        "foreign country",
        on(
            lambda application, transaction: (
                risk.is_foreign_currency(application, transaction)
                and application.counter(Counter.FOREIGN_COUNTRY) + 1 > application.value(Tag.LIMIT_FOREIGN_COUNTRY)[0]
            )
        ),
    ),
    CheckFault(
        "gac.total-too-low",
        "9F54 相等即算超过",
        "The total of amounts may not reach its limit",
        "PAY-GAC-024",
        "cumulative amount",
        shifted(Tag.AMOUNT_LIMIT, -1),
    ),
    CheckFault(
        "gac.total-too-high",
        "9F54 多允许一分",
        "The total of amounts may pass its limit by one",
        "PAY-GAC-024",
        "cumulative amount",
        shifted(Tag.AMOUNT_LIMIT, 1),
    ),
    CheckFault(
        "gac.zeros-are-foreign",
        "货币 0000 视为外币",
        "Zeros are taken for a foreign currency",
        "PAY-GAC-031",
        "foreign currency",
        on(_zeros_are_foreign),
    ),
)
add_check_faults(FAULTS, CHECKS, first=True)


def put_back(card: Card, command: Command, good: Handler, *counters: Counter, kind: Kind) -> bytes:
    """The good answer; where it is a first cryptogram of a kind, counters are what they were before."""
    first, application = is_first(card), Application(card)
    before = {counter: application.counter(counter) for counter in counters}
    answer = good(card, command)
    if first and kind_of(answer) is kind:
        for counter, value in before.items():
            counted(card, counter, value)
    return answer


NOT_COUNTED: tuple[tuple[str, str, str, str, tuple[Counter, ...], Kind], ...] = (
    (
        "gac.decline-not-counted",
        "拒绝的国际交易不计数",
        "A declined foreign transaction is not counted",
        "PAY-GAC-035",
        FOREIGN,
        Kind.AAC,
    ),
    (
        "gac.amount-not-added",
        "批准的金额不累计",
        "An approved amount is not added",
        "PAY-GAC-036",
        TOTALS,
        Kind.TC,
    ),
    (
        "gac.approval-not-counted",
        "批准的国际交易不计数",
        "An approved foreign transaction is not counted",
        "PAY-GAC-036",
        FOREIGN,
        Kind.TC,
    ),
)


def _declare_not_counted(
    name: str, zh: str, en: str, requirement: str, counters: tuple[Counter, ...], kind: Kind
) -> None:
    @FAULTS.command(COMMAND, name, zh, en, [requirement], paying)
    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        return put_back(card, command, good, *counters, kind=kind)


for one in NOT_COUNTED:
    _declare_not_counted(*one)


def _afterwards(card: Card, act: Callable[[Application, Transaction], None]) -> None:
    application = Application(card)
    act(application, transaction_of(card))
    application.commit()


@FAULTS.command(
    COMMAND,
    "gac.any-currency-in-total",
    "外币金额计入累计金额",
    "A foreign amount is added to the total",
    ["PAY-GAC-025"],
    paying,
)
def any_currency_in_total(card: Card, command: Command, good: Handler) -> bytes:
    """As if every currency were the card's."""
    first = is_first(card)
    answer = good(card, command)
    transaction, application = transaction_of(card), Application(card)
    if first and kind_of(answer) is Kind.TC and risk.is_foreign_currency(application, transaction):
        spent = application.counter(Counter.CUMULATIVE_AMOUNT) + number(transaction.given(Tag.AMOUNT))
        counted(card, Counter.CUMULATIVE_AMOUNT, spent)
    return answer


@FAULTS.command(
    COMMAND, "gac.request-counts", "ARQC 即计数", "A request to go online is counted", ["PAY-GAC-037"], paying
)
def request_counts(card: Card, command: Command, good: Handler) -> bytes:
    """Totals and counters grow before anybody approved."""
    first = is_first(card)
    answer = good(card, command)
    if first and transaction_of(card).stage is Stage.ONLINE:
        _afterwards(card, risk.count_approval)
    return answer


@FAULTS.command(
    COMMAND,
    "gac.counted-in-two-writes",
    "计数与批准不是一次写入",
    "An approval is counted in two writes",
    ["PAY-GAC-036"],
    paying,
)
def counted_in_two_writes(card: Card, command: Command, good: Handler) -> bytes:
    """The country counter first, then everything else: a cut in between leaves half."""
    transaction, application = transaction_of(card), Application(card)
    before = application.counter(Counter.FOREIGN_COUNTRY)
    if is_first(card) and command.p1 >> 6 == Kind.TC and not transaction.e_cash:
        counted(card, Counter.FOREIGN_COUNTRY, before + 1)
        counted(card, Counter.FOREIGN_COUNTRY, before)
    return good(card, command)
