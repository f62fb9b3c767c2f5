"""What an order says of the account and of the card that the new one replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from conformance.actors.bank.card_data import CardDataError, CardOrder

ACCOUNT, NEW_ACCOUNT, OLD_CARD = "account number", "new account number", "old card"
FIELDS = (ACCOUNT, NEW_ACCOUNT, OLD_CARD)
NEW_SEQUENCE = "01"
"""Card sequence number with which a new account number begins; the issuer's choice, an assumption."""


class FormerError(ValueError):
    """A field that is wrong; the message says which one and never repeats a number."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}{reason}")
        self.field = field


class OldCard(StrEnum):
    """Where the card is that is replaced."""

    PRESENT = "present"
    DAMAGED = "damaged"
    """In the holder's hand, but its chip cannot be used."""
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Former:
    """The bank's part of an order.

    Attributes:
        account: Account number 主账号 of the old card, which a same-number change keeps; of a first card, its own.
        new_account: Account number of the new card where it is another one.
        old_card: Where the old card is; the holder of one that is not present is known by the identity document alone.
    """

    account: str = field(default="", repr=False)
    new_account: str = field(default="", repr=False)
    old_card: OldCard = OldCard.PRESENT

    @classmethod
    def of(cls, table: Mapping[str, object]) -> Former:
        """From the fields of an order.

        Raises:
            FormerError: A field is wrong.
        """
        accounts = [_account(name, table.get(name)) for name in (ACCOUNT, NEW_ACCOUNT)]
        given = table.get(OLD_CARD) or OldCard.PRESENT
        if given not in list(OldCard):
            raise FormerError(OLD_CARD, f" is none of {', '.join(OldCard)}")
        return cls(accounts[0], accounts[1], OldCard(str(given)))

    def content(self) -> list[str]:
        """Everything that it says."""
        return [self.account, self.new_account, self.old_card]


def _account(name: str, value: object) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str):
        raise FormerError(name, " is no text; write it between quotation marks")
    try:
        CardOrder(value, NEW_SEQUENCE, date.max).check()
    except CardDataError as problem:
        raise FormerError(name, f": {problem}") from None
    return value
