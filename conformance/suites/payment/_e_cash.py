"""What cases of e-cash share: whether a transaction is one, its cryptogram, and other currencies."""

from __future__ import annotations

from conformance.actors.bank.issuer_data import BALANCE_FIRST
from conformance.bench import Bench
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    TC,
    Offered,
    Visit,
    declared_objects,
)
from profiles.model import Profile

AUTHORISATION_CODE = 0x9F74
CURRENCIES = ("9F51", "9F76", "DF71")
ANNOUNCED_LENGTH = 10
"""Bytes of a personalised 9F10 whose last two announce discretionary data: their length and identifier."""


def e_cash_visit(bench: Bench, **offered: Offered) -> Visit:
    """A terminal that offers e-cash, with the records of the AFL read."""
    return Visit(bench).open().begin(**{"e_cash": True, **offered}).read()


def reaches_code(bench: Bench, **offered: Offered) -> bool:
    """Whether the AFL reaches the e-cash authorisation code: the card chose an e-cash transaction."""
    return AUTHORISATION_CODE in e_cash_visit(bench, **offered).objects


def expect_choice(bench: Bench, wanted: bool, requirement: str, **offered: Offered) -> None:
    """Whether the card must choose an e-cash transaction for what the terminal offers."""
    shown = ", ".join(f"{name} {value!r}" for name, value in offered.items())
    found = reaches_code(bench, **offered)
    bench.check(
        found is wanted,
        f"AFL 是否含 9F74（{shown}）",
        f"whether the AFL reaches 9F74 ({shown})",
        expected="9F74" if wanted else "—",
        received="9F74" if found else "—",
        requirement=requirement,
    )


def pay(bench: Bench, value: int, wanted: int = TC, /, **offered: Offered) -> tuple[Visit, Cryptogram]:
    """An e-cash transaction with a request for a kind of cryptogram."""
    visit = e_cash_visit(bench, **{"amount": value, **offered})
    return visit, visit.first(wanted)


def foreign_currency(profile: Profile) -> str:
    """The code of a currency that is none of the card's."""
    used = {declared_objects(profile).get(tag, b"").hex() for tag in CURRENCIES}
    return next(code for code in ("0840", "0978", "0392", "0036") if code not in used)


def foreign_code(profile: Profile) -> str:
    """The code of a country that is not the card's."""
    own = declared_objects(profile).get("9F57", b"").hex()
    return next(code for code in ("0840", "0392") if code != own)


def reports_balance(profile: Profile) -> bool:
    """Whether 9F10 is personalised to carry the balance."""
    template = declared_objects(profile).get("9F10", b"")
    return len(template) == ANNOUNCED_LENGTH and template[-1] in BALANCE_FIRST


def expect_reported_balance(bench: Bench, visit: Visit, made: Cryptogram, balance: int, requirement: str) -> None:
    """The balance in the issuer discretionary data 01 or 03 of 9F10, and their MAC; not applicable without them."""
    if not reports_balance(bench.profile):
        raise NotApplicable("9F10 不含余额", "the declared 9F10 does not carry the balance")
    reported = visit.keys.balance(made.data) if made.data else None
    bench.check(
        reported == balance,
        "9F10 中的余额及其 MAC",
        "balance in 9F10 and its MAC",
        expected=balance,
        received=made.issuer_data,
        requirement=requirement,
    )
