"""Standing agreements of an account: payroll 代发工资, utility bills 代扣代缴, wealth management 理财.

An agreement belongs to the account, never to a card: no change of cards reaches it. Lists of employers and utilities name a
card number besides; any number that the account ever had serves, so a credit that comes late to a replaced number arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.actors.bank.ledger import Ledger, account_book
from conformance.actors.bank.once import once


class AgreementKind(StrEnum):
    """What is agreed."""

    PAYROLL = "payroll"
    """代发工资: an employer credits the account."""
    UTILITY = "utility"
    """代扣代缴: a supplier debits it."""
    WEALTH = "wealth"
    """理财: money is invested by debits and comes back by credits, never more than was invested."""


class Booking(StrEnum):
    """What became of a credit or debit."""

    BOOKED = "booked"
    DUPLICATE = "another content came under this number"
    NO_SUCH_AGREEMENT = "no such agreement of this card number"
    NOT_AGREED = "the agreement does not allow it"
    ENDED = "the agreement has ended"
    BLOCKED = "the account is blocked"
    UNCOVERED = "not covered"


CREDITS = frozenset({AgreementKind.PAYROLL, AgreementKind.WEALTH})
DEBITS = frozenset({AgreementKind.UTILITY, AgreementKind.WEALTH})


@dataclass(frozen=True, slots=True)
class Agreement:
    """A standing agreement; ``party`` is the employer, the supplier or the product."""

    number: str
    account: str
    kind: AgreementKind
    party: str
    ended: bool = False

    @property
    def book(self) -> str:
        """Name of the book of the other side: what a party paid or got, or what is invested."""
        return f"agreement {self.number}"


class Agreements:
    """The desk for agreements."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def agree(self, number: str, account: str, kind: AgreementKind, party: str) -> None:
        """Enter an agreement of an account; raises sqlite3.IntegrityError when there is one of this number, or no account."""
        made = Agreement(number, account, kind, party)
        with self._ledger.transaction():
            self._ledger.run("INSERT INTO agreement VALUES (?, ?, ?, ?, 0)", number, account, kind, party)
            self._ledger.open_book(made.book, overdraft=kind is not AgreementKind.WEALTH)

    def end(self, number: str) -> None:
        """The holder ends an agreement; what is invested under it still comes back."""
        with self._ledger.transaction():
            self._ledger.run("UPDATE agreement SET ended = 1 WHERE number = ?", number)

    def of_account(self, account: str) -> list[Agreement]:
        """Every agreement of an account, by number."""
        rows = self._ledger.all("SELECT * FROM agreement WHERE account = ? ORDER BY number", account)
        kinds = [AgreementKind(row["kind"]) for row in rows]
        return [
            Agreement(row["number"], row["account"], kind, row["party"], bool(row["ended"]))
            for row, kind in zip(rows, kinds, strict=True)
        ]

    def credit(self, number: str, agreement: str, pan: str, amount: int) -> Booking:
        """Credit wages, or what comes back of an investment, to the account of a card number; ``number`` is the request's.

        Raises:
            ValueError: The amount is not above zero, or the request has no number.
        """
        return self._book("credit", number, agreement, pan, amount)

    def debit(self, number: str, agreement: str, pan: str, amount: int) -> Booking:
        """Debit a bill, or what is invested; see :meth:`credit`."""
        return self._book("debit", number, agreement, pan, amount)

    def _book(self, side: str, number: str, agreement: str, pan: str, amount: int) -> Booking:
        if amount <= 0:
            raise ValueError(f"an amount of {amount} cannot be booked; give one above zero")

        def act() -> str:
            return self._credit_or_debit(side, number, agreement, pan, amount)

        answer = once(self._ledger, "agreements", number, (side, agreement, pan, amount), act)
        return Booking.DUPLICATE if answer is None else Booking(answer)

    def _credit_or_debit(self, side: str, number: str, agreement: str, pan: str, amount: int) -> Booking:
        account = self._ledger.account_of(pan)
        found = next((each for each in self.of_account(account or "") if each.number == agreement), None)
        if found is None:
            return Booking.NO_SUCH_AGREEMENT
        credit = side == "credit"
        refusal = self._refusal(found, credit=credit)
        if refusal is not None:
            return refusal
        own = account_book(found.account)
        source, target = (found.book, own) if credit else (own, found.book)
        if not self._ledger.covers(source, amount):
            return Booking.UNCOVERED
        self._ledger.transfer(source, target, amount, number, f"{found.kind} {side}")
        return Booking.BOOKED

    def _refusal(self, agreement: Agreement, *, credit: bool) -> Booking | None:
        if agreement.kind not in (CREDITS if credit else DEBITS):
            return Booking.NOT_AGREED
        comes_back = credit and agreement.kind is AgreementKind.WEALTH
        if agreement.ended and not comes_back:
            return Booking.ENDED
        if not credit and self._ledger.is_blocked(agreement.account):
            return Booking.BLOCKED
        return None
