"""Limits that PUT DATA sets 设置限制数 (area PAY-SCR): each of them proved by what the card does at the new limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from conformance.actors.bank.scripts import put_data
from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    ARQC,
    OFFLINE_APPROVED,
    TC,
    Offered,
    Visit,
    amount,
    declared_objects,
)
from conformance.payment_judging import OUT_OF_REACH, VELOCITY, judge, preset
from conformance.suites.payment._steps import (
    AMOUNT_LIMIT,
    COUNTRY_LIMIT,
    CURRENCY_LIMIT,
    LIMITS,
    LOWER_LIMIT,
    SECOND_CURRENCY,
    UPPER_AMOUNT_LIMIT,
    declared,
    expect_executed,
    expect_value,
    has,
    readable_by_anyone,
    restoring,
)
from profiles.model import Profile, Text

SUITE = Suite("payment script limits", "脚本设置限制数", "Payment: limits set by scripts")

UPPER_LIMIT, CONVERSION_FACTOR, DUAL_LIMIT, DUAL_CURRENCY, CARD_CURRENCY, CARD_COUNTRY = (
    0x9F59,
    0x9F73,
    0x9F75,
    0x9F76,
    0x9F51,
    0x9F57,
)
TOTAL = 500
FACTOR = bytes.fromhex("10000025")
"""One decimal place and the digits 25: an amount in the second currency counts two and a half times (JR/T 0025.5 A.1)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How a limit shows: what is set, and what follows below, at and above it."""

    tag: int
    value: bytes
    prove: Callable[[Bench], None]
    besides: Mapping[int, bytes]
    """Other objects that are set with it."""


def _code_other_than(profile: Profile, *tags: int) -> str:
    """A currency or country code that none of these objects has."""
    used = {declared_objects(profile).get(f"{tag:X}", b"").hex() for tag in tags}
    return next(code for code in ("0840", "0978", "0392", "0036", "0826") if code not in used)


def _expect(bench: Bench, made: Cryptogram, within: bool, kind: int) -> None:
    """Within the limit a TC without the velocity bit, beyond it another kind with it."""
    seen = {"hidden": [VELOCITY]} if within else {"shown": [VELOCITY]}
    judge(bench, "PAY-SCR-022", made, kind=TC if within else kind, **seen)


def _in_turn(bench: Bench, *steps: tuple[Mapping[str, Offered], bool]) -> None:
    """Requests for TC one after the other, each with whether the limit still allows it."""
    for offered, within in steps:
        _expect(bench, Visit(bench, **offered).offline(TC), within, ARQC)


def _unable_in_turn(bench: Bench, *steps: tuple[Mapping[str, Offered], bool]) -> None:
    """The same for transactions that cannot go online."""
    for offered, within in steps:
        visit = Visit(bench, **offered)
        visit.offline(ARQC)
        _expect(bench, visit.second(TC, OFFLINE_APPROVED), within, 0)


def _count(*, abroad: str = "", foreign: str = "") -> Callable[[Bench], None]:
    """Two transactions that the limit 2 allows, and a third; abroad or in a foreign currency where a name is given."""

    def prove(bench: Bench) -> None:
        used = (CARD_CURRENCY, CARD_COUNTRY, DUAL_CURRENCY, SECOND_CURRENCY)
        offered: dict[str, Offered] = {
            each: _code_other_than(bench.profile, *used) for each in (abroad, foreign) if each
        }
        _in_turn(bench, (offered, True), (offered, True), (offered, False))

    return prove


def _upper_count(bench: Bench) -> None:
    _unable_in_turn(bench, ({}, True), ({}, True), ({}, False))


def _total(bench: Bench) -> None:
    """The total reaches the limit less one, the limit, and one beyond."""
    _in_turn(bench, ({"amount": TOTAL - 1}, True), ({"amount": 1}, True), ({"amount": 1}, False))


def _upper_total(bench: Bench) -> None:
    _unable_in_turn(bench, ({"amount": TOTAL - 1}, True), ({"amount": 1}, True), ({"amount": 1}, False))


def _dual_total(bench: Bench) -> None:
    """In the second currency: 100, 98 and 2 count 250, 245 and 5, which is the limit; one more takes it beyond."""
    second = declared(bench.profile, DUAL_CURRENCY).hex()
    for value, within in ((100, True), (98, True), (2, True), (1, False)):
        _in_turn(bench, ({"amount": value, "currency": second}, within))


TWO = b"\x02"
PROVED = {
    each.tag: each
    for each in (
        Limit(LOWER_LIMIT, TWO, _count(), {}),
        Limit(UPPER_LIMIT, TWO, _upper_count, {}),
        Limit(CURRENCY_LIMIT, TWO, _count(foreign="currency"), {}),
        Limit(COUNTRY_LIMIT, TWO, _count(abroad="country"), {}),
        Limit(AMOUNT_LIMIT, amount(TOTAL), _total, {}),
        Limit(UPPER_AMOUNT_LIMIT, amount(TOTAL), _upper_total, {}),
        Limit(DUAL_LIMIT, amount(TOTAL), _dual_total, {CONVERSION_FACTOR: FACTOR}),
        Limit(CONVERSION_FACTOR, FACTOR, _dual_total, {DUAL_LIMIT: amount(TOTAL)}),
    )
}


@SUITE.cases_from
def limits(profile: Profile) -> Iterator[Case]:
    """A case for each limit that the card has."""
    try:
        present = [PROVED[tag] for tag in LIMITS if has(profile, tag)]
    except NotApplicable:
        return
    for limit in present:
        yield Case(
            identifier=f"PAY-SCR/put-{limit.tag:X}/BV",
            title=Text(zh=f"设置 {limit.tag:X}", en=f"PUT DATA of {limit.tag:X}"),
            requirements=("PAY-SCR-022",),
            kind=Kind.VALID,
            expected=Text(
                zh="应答 9000；新值在限额之内、等于、超过时均起作用",
                en="answers 9000; the new value holds below, at and above it",
            ),
            body=restoring(*OUT_OF_REACH, CONVERSION_FACTOR)(_body(limit)),
        )


def _body(limit: Limit) -> Callable[[Bench], None]:
    def body(bench: Bench) -> None:
        visit = preset(bench, {tag: value for tag, value in limit.besides.items() if has(bench.profile, tag)})
        order = put_data(limit.tag, limit.value)
        expect_executed(bench, visit.send_script(order), order, "PAY-SCR-022")
        if readable_by_anyone(bench.profile, limit.tag):
            expect_value(bench, limit.tag, limit.value, "PAY-SCR-022")
        if limit.tag in (CONVERSION_FACTOR, DUAL_LIMIT) and not (
            has(bench.profile, DUAL_CURRENCY)
            and has(bench.profile, CONVERSION_FACTOR)
            and has(bench.profile, DUAL_LIMIT)
        ):
            raise NotApplicable(
                "双货币累计检查的数据不全，新值无法观察",
                "the card lacks data of the check in two currencies, so that the value cannot be seen to work",
            )
        limit.prove(bench)

    return body
