"""Who pays what of a bill, by one plain scheme of an invented area.

A deductible a year 起付线, after it the pooled fund pays a rate of what lies within the list, up to a limit a year; the personal
account pays what it can of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.medical.books import Books, Person, SettlementState, StoredSettlement, account_of
from conformance.actors.medical.messages import PreSettlement

PER_MILLE = 1000


@dataclass(frozen=True, slots=True)
class Scheme:
    """What an area pays; amounts in fen."""

    deductible: int = 50_000
    rate: int = 800
    """Thousandths of what lies above the deductible that the pooled fund pays."""
    fund_limit: int = 20_000_000
    yearly_credit: int = 120_000
    """What a person's account is given at the beginning of a year."""


def shares(books: Books, person: Person, request: PreSettlement) -> StoredSettlement:
    """Who pays what, beside what is promised to quotes that are not settled yet."""
    promised_account, promised_fund, promised_deductible = books.quoted(person.person)
    deductible = 0
    if not request.category.is_special:
        left = person.deductible - person.deductible_used - promised_deductible
        deductible = min(max(left, 0), request.eligible)
    rate = PER_MILLE if request.category.is_special else person.rate
    most = max(person.fund_limit - person.fund_year - promised_fund, 0)
    fund = min((request.eligible - deductible) * rate // PER_MILLE, most)
    rest = request.total - fund
    account = 0
    if request.use_account:
        offline = request.offline.amount if request.offline is not None else 0
        pending = max(offline - books.offline_since_online(request.card), 0)
        free = books.balance(account_of(person.person)) - promised_account - pending
        account = min(max(free, 0), rest)
    return StoredSettlement(
        request.number,
        person.person,
        request.card.upper(),
        request.category.value,
        False,
        request.total,
        account,
        rest - account,
        fund,
        deductible,
        SettlementState.QUOTED,
        person.year,
    )
