"""Card risk management 卡片风险管理: the checks before the first cryptogram and those of a failed attempt to go online.

Every check runs, none ends the work early; one whose card data are absent, or whose terminal value is zero filler, is
skipped (JR/T 0025.5 §14.4, §16.7.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emulator.apps.payment.application import (
    LARGEST_AMOUNT,
    LARGEST_COUNT,
    Application,
    Counter,
    Tag,
    number,
)
from emulator.apps.payment.transaction import Aip, Cvr, Transaction
from emulator.cos.structure import DirectoryState

ADVICE = 0x08
"""Bit 4 of the cryptogram information data CID: an advice is wanted."""
REASON_PIN = 0x02
FAILED_STATIC, FAILED_DYNAMIC = 0x40, 0x0C
"""Bits of TVR byte 1: static data authentication failed; dynamic or combined failed."""
NEVER = 0
ALWAYS = -1


class DefaultAction:
    """Bits of the application default action ADA 应用缺省行为 9F52."""

    AUTHENTICATION_FAILED_LAST_ONLINE = 0x8000
    AUTHENTICATION_FAILED_DECLINE = 0x4000
    AUTHENTICATION_MISSING_DECLINE = 0x2000
    DECLINED_ADVICE = 0x1000
    PIN_EXCEEDED_ADVICE = 0x0800
    DECLINED_BY_AUTHENTICATION_ADVICE = 0x0400
    NEW_CARD_ONLINE = 0x0200
    NEW_CARD_UNABLE_DECLINE = 0x0100
    PIN_EXCEEDED_EARLIER_DECLINE = 0x0040
    PIN_EXCEEDED_EARLIER_ONLINE = 0x0020
    PIN_EXCEEDED_EARLIER_UNABLE_DECLINE = 0x0010
    SCRIPT_FAILED_LAST_ONLINE = 0x0008
    PIN_EXCEEDED_EARLIER_BLOCK = 0x0004


Condition = Callable[[Application, Transaction], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its consequences.

    ``online``, ``decline`` and ``block`` are the bits of the default action that ask for it; :data:`ALWAYS` asks by itself.
    """

    name: str
    condition: Condition
    result: int
    """Bit of the card verification results."""
    online: int = NEVER
    decline: int = NEVER
    block: int = NEVER
    in_e_cash: bool = False


@dataclass(slots=True)
class Verdict:
    """What the checks together ask for."""

    online: bool = False
    decline: bool = False


def assess(application: Application, transaction: Transaction, checks: Sequence[Check]) -> Verdict:
    """Run the checks: note their results, block where the default action says so, and answer what they ask for."""
    verdict = Verdict()
    action = application.default_action
    for check in checks:
        if transaction.e_cash and not check.in_e_cash:
            continue
        if not check.condition(application, transaction):
            continue
        transaction.cvr |= check.result
        verdict.online |= bool(check.online == ALWAYS or action & check.online)
        verdict.decline |= bool(check.decline == ALWAYS or action & check.decline)
        if action & check.block:
            verdict.decline = True
            transaction.cvr |= Cvr.BLOCKED_BY_PIN
            if application.state == DirectoryState.OPERATIONAL:
                application.state = DirectoryState.BLOCKED
    return verdict


# Facts about the transaction


def is_foreign_currency(application: Application, transaction: Transaction) -> bool:
    """Whether the transaction runs in a currency other than the card's."""
    given, own = transaction.given(Tag.TERMINAL_CURRENCY), application.get(Tag.CURRENCY)
    return bool(given) and own is not None and given != own


def is_own_currency(application: Application, transaction: Transaction) -> bool:
    """Whether the transaction runs in the card's currency."""
    given = transaction.given(Tag.TERMINAL_CURRENCY)
    return bool(given) and given == application.get(Tag.CURRENCY)


def is_abroad(application: Application, transaction: Transaction) -> bool:
    """Whether the terminal stands in a country other than the issuer's."""
    given, own = transaction.given(Tag.TERMINAL_COUNTRY), application.get(Tag.COUNTRY)
    return bool(given) and own is not None and given != own


def dual_amount(application: Application, transaction: Transaction) -> int | None:
    """The amount for the dual-currency total, converted where it is in the second currency; None in a third one."""
    asked = number(transaction.given(Tag.AMOUNT))
    if is_own_currency(application, transaction):
        return asked
    given, factor = transaction.given(Tag.TERMINAL_CURRENCY), application.get(Tag.CONVERSION_FACTOR)
    if not given or given != application.get(Tag.SECOND_CURRENCY) or factor is None:
        return None
    divisor: int = 10 ** (factor[0] >> 4)
    product = asked * (number(factor) - (factor[0] >> 4) * 10**7)
    return (product + (divisor // 2 if application.settings.conversion_rounding == "half up" else 0)) // divisor


def count_decline(application: Application, transaction: Transaction) -> None:
    """Raise the counters of foreign transactions, as a declined transaction does too (JR/T 0025.5 §14.5.1)."""
    if is_abroad(application, transaction):
        _raise(application, Counter.FOREIGN_COUNTRY)
    if is_foreign_currency(application, transaction):
        _raise(application, Counter.FOREIGN_CURRENCY)


def count_approval(application: Application, transaction: Transaction) -> None:
    """Add an offline approval to totals and counters (JR/T 0025.5 §14.5.3)."""
    count_decline(application, transaction)
    if is_own_currency(application, transaction):
        _add(application, Counter.CUMULATIVE_AMOUNT, number(transaction.given(Tag.AMOUNT)))
    _add(application, Counter.CUMULATIVE_AMOUNT_DUAL, dual_amount(application, transaction) or 0)


def _raise(application: Application, counter: Counter) -> None:
    application.count(counter, min(application.counter(counter) + 1, LARGEST_COUNT))


def _add(application: Application, counter: Counter, amount: int) -> None:
    application.count(counter, min(application.counter(counter) + amount, LARGEST_AMOUNT))


def decline_offline(application: Application, transaction: Transaction) -> int:
    """Flags and counters of a transaction that the card declines without the issuer; answers the bits of the CID.

    JR/T 0025.5 §14.5.1, §16.7.2.1.
    """
    action = application.default_action
    information = ADVICE if action & DefaultAction.DECLINED_ADVICE else 0
    exceeded_now = transaction.pin_presented and transaction.cvr & Cvr.PIN_EXCEEDED
    if exceeded_now and action & DefaultAction.PIN_EXCEEDED_ADVICE:
        information |= ADVICE | REASON_PIN
    results = transaction.terminal.get(Tag.TVR, b"\0")[0]
    if results & FAILED_STATIC:
        application.count(Counter.STATIC_FAILED, 1)
    if results & FAILED_DYNAMIC:
        application.count(Counter.DYNAMIC_FAILED, 1)
    count_decline(application, transaction)
    return information


# Conditions


def _flag(counter: Counter, aip: int = 0) -> Condition:
    return lambda application, transaction: (
        bool(application.counter(counter)) and (not aip or transaction.supports(aip))
    )


def _since_online(limit: int) -> Condition:
    def exceeded(application: Application, transaction: Transaction) -> bool:
        allowed, count = application.get(limit), application.since_online
        return allowed is not None and count is not None and count > allowed[0]

    return exceeded


def _next_foreign(happens: Condition, counter: Counter, limit: int) -> Condition:
    def exceeded(application: Application, transaction: Transaction) -> bool:
        allowed = application.get(limit)
        return (
            allowed is not None and happens(application, transaction) and application.counter(counter) + 1 > allowed[0]
        )

    return exceeded


def _total(limit: int) -> Condition:
    def exceeded(application: Application, transaction: Transaction) -> bool:
        allowed, asked = application.get(limit), transaction.given(Tag.AMOUNT)
        if allowed is None or not asked or not is_own_currency(application, transaction):
            return False
        return application.counter(Counter.CUMULATIVE_AMOUNT) + number(asked) > number(allowed)

    return exceeded


def _dual_total(limit: int) -> Condition:
    def exceeded(application: Application, transaction: Transaction) -> bool:
        allowed, asked = application.get(limit), transaction.given(Tag.AMOUNT)
        counts = application.get(Tag.SECOND_CURRENCY) is not None
        converted = dual_amount(application, transaction)
        if allowed is None or not asked or not counts or converted is None:
            return False
        return application.counter(Counter.CUMULATIVE_AMOUNT_DUAL) + converted > number(allowed)

    return exceeded


def _new_card(application: Application, transaction: Transaction) -> bool:
    return application.get(Tag.LAST_ONLINE_ATC) == b"\0\0"


def _pin_exceeded_earlier(application: Application, transaction: Transaction) -> bool:
    return application.pin_tries == 0 and not transaction.pin_presented


def _pin_exceeded_earlier_declines(application: Application, transaction: Transaction) -> bool:
    declines = application.default_action & DefaultAction.PIN_EXCEEDED_EARLIER_UNABLE_DECLINE
    return bool(declines) and _pin_exceeded_earlier(application, transaction)


FIRST = (
    Check(
        "online transaction not completed",
        _flag(Counter.ONLINE_REQUESTED),
        Cvr.ONLINE_NOT_COMPLETED,
        online=ALWAYS,
    ),
    Check(
        "issuer authentication failed last",
        _flag(Counter.AUTHENTICATION_FAILED, Aip.ISSUER_AUTHENTICATION),
        Cvr.AUTHENTICATION_FAILED_LAST,
        online=DefaultAction.AUTHENTICATION_FAILED_LAST_ONLINE,
    ),
    Check(
        "static data authentication failed last",
        _flag(Counter.STATIC_FAILED, Aip.STATIC),
        Cvr.STATIC_FAILED_LAST,
        in_e_cash=True,
    ),
    Check(
        "dynamic data authentication failed last",
        _flag(Counter.DYNAMIC_FAILED, Aip.DYNAMIC | Aip.COMBINED),
        Cvr.DYNAMIC_FAILED_LAST,
        in_e_cash=True,
    ),
    Check(
        "script failed last",
        _flag(Counter.SCRIPT_FAILED),
        Cvr.SCRIPT_FAILED_LAST,
        online=DefaultAction.SCRIPT_FAILED_LAST_ONLINE,
    ),
    Check("lower consecutive limit", _since_online(Tag.LOWER_LIMIT), Cvr.VELOCITY, online=ALWAYS),
    Check(
        "foreign currency",
        _next_foreign(is_foreign_currency, Counter.FOREIGN_CURRENCY, Tag.LIMIT_FOREIGN_CURRENCY),
        Cvr.VELOCITY,
        online=ALWAYS,
    ),
    Check(
        "foreign country",
        _next_foreign(is_abroad, Counter.FOREIGN_COUNTRY, Tag.LIMIT_FOREIGN_COUNTRY),
        Cvr.VELOCITY,
        online=ALWAYS,
    ),
    Check("cumulative amount", _total(Tag.AMOUNT_LIMIT), Cvr.VELOCITY, online=ALWAYS),
    Check("cumulative amount, dual currency", _dual_total(Tag.AMOUNT_LIMIT_DUAL), Cvr.VELOCITY, online=ALWAYS),
    Check("new card", _new_card, Cvr.NEW_CARD, online=DefaultAction.NEW_CARD_ONLINE),
    Check(
        "PIN exceeded earlier",
        _pin_exceeded_earlier,
        Cvr.PIN_EXCEEDED,
        online=DefaultAction.PIN_EXCEEDED_EARLIER_ONLINE,
        decline=DefaultAction.PIN_EXCEEDED_EARLIER_DECLINE,
        block=DefaultAction.PIN_EXCEEDED_EARLIER_BLOCK,
    ),
)
"""Before the first cryptogram (JR/T 0025.5 §14.4.3.1 to §14.4.3.12)."""

UNABLE_TO_GO_ONLINE = (
    Check("upper consecutive limit", _since_online(Tag.UPPER_LIMIT), Cvr.VELOCITY, decline=ALWAYS),
    Check("new card", _new_card, Cvr.NEW_CARD, decline=DefaultAction.NEW_CARD_UNABLE_DECLINE),
    Check("PIN exceeded earlier", _pin_exceeded_earlier_declines, Cvr.PIN_EXCEEDED, decline=ALWAYS),
    Check("cumulative amount, upper limit", _total(Tag.AMOUNT_UPPER_LIMIT), Cvr.VELOCITY, decline=ALWAYS),
    Check(
        "cumulative amount, dual currency, upper limit",
        _dual_total(Tag.AMOUNT_UPPER_LIMIT),
        Cvr.VELOCITY,
        decline=ALWAYS,
    ),
)
"""At completion after a failed attempt to go online (JR/T 0025.5 §16.7.1)."""
