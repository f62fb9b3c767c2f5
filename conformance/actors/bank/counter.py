"""The bank's counter 柜面: cash that a customer pays in."""

from __future__ import annotations

from conformance.actors.bank.change import Outcome
from conformance.actors.bank.ledger import NETWORK, Ledger, account_book
from conformance.actors.bank.once import once


def deposit(ledger: Ledger, number: str, pan: str, amount: int) -> Outcome:
    """存款: pay an amount in the smallest unit into the account of a card number, once under a request number.

    Answers ``DONE``, ``NO_SUCH_CARD`` where the number has no account, or ``DUPLICATE`` for another content under the number.

    Raises:
        ValueError: The amount is not above zero, or the request has no number.
    """
    if amount <= 0:
        raise ValueError(f"an amount of {amount} cannot be paid in; give one above zero")

    def act() -> str:
        account = ledger.account_of(pan)
        if account is None:
            return Outcome.NO_SUCH_CARD
        ledger.transfer(NETWORK, account_book(account), amount, number, "deposit")
        return Outcome.DONE

    answer = once(ledger, "counter", number, ("deposit", pan, amount), act)
    return Outcome.DUPLICATE if answer is None else Outcome(answer)
