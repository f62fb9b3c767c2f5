"""The citizens of a soak: invented persons, their accounts, and the cards that they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from conformance.actors.bank import AgreementKind
from conformance.campaign.flows.persons import fields_of
from conformance.campaign.world import Person
from profiles.numbers import card_number, citizen_number

BIRTHS = ("19900228", "19850615", "19720930", "20010411", "19641203", "19981022", "19791117", "19930705")
STEMS = "甲乙丙丁戊己庚辛"
PARTIES = ((AgreementKind.PAYROLL, "PAY", "Light Rail"), (AgreementKind.UTILITY, "GAS", "Gas"))
WEALTH = (AgreementKind.WEALTH, "WEALTH", "Steady Growth 90 days")


class Beginning(StrEnum):
    """With which card a citizen comes."""

    DEBIT = "debit card"
    WHOLE = "social security card of the third generation"
    NOTHING = "no card"


BEGINNINGS = (
    Beginning.DEBIT,
    Beginning.WHOLE,
    Beginning.NOTHING,
    Beginning.DEBIT,
    Beginning.WHOLE,
    Beginning.NOTHING,
    Beginning.DEBIT,
    Beginning.WHOLE,
)


@dataclass(slots=True)
class Made:
    """A chip of the city, in its image file.

    Attributes:
        name: How findings call it.
        image: Its file.
        product: The card product that it is, or is to become.
        holder: Key of the citizen.
        transport_code: Of a chip that came blank from its maker.
        issued: Whether somebody got it as a card.
        replaced: Whether another card has taken its place.
        e_cash: Fen that the chip showed when it was looked at last.
    """

    name: str
    image: Path
    product: str
    holder: str
    transport_code: bytes = b""
    issued: bool = False
    replaced: bool = False
    e_cash: int = 0


@dataclass(slots=True)
class Citizen:
    """A person of the city.

    Attributes:
        busy: Orders and visits that have the card in hand.
        off: Whether the number is off because its card was reported lost.
        chip: The card in use; None where there is none.
    """

    person: Person
    number: int
    beginning: Beginning
    pin: str = field(repr=False)
    bank_pin: str = field(repr=False)
    busy: int = 0
    off: bool = False
    chip: Made | None = None

    @property
    def pan(self) -> str:
        """Account number 主账号, which every card of the citizen has."""
        return self.person.numbers[0]

    @property
    def account(self) -> str:
        """Number of the account: that of the first card, or the bank's own."""
        return self.pan if self.beginning is not Beginning.DEBIT else f"5000010000{self.number:04d}"

    @property
    def has_agreements(self) -> bool:
        """Those who had an account before the soak have agreements."""
        return self.beginning is not Beginning.NOTHING

    @property
    def agreements(self) -> tuple[tuple[str, AgreementKind, str], ...]:
        """Numbers, kinds and parties of the agreements."""
        given = (*PARTIES, WEALTH) if self.has_agreements else ()
        return tuple((f"{name}-{self.number}", kind, party) for kind, name, party in given)

    @property
    def is_whole(self) -> bool:
        """Whether the card in use is a social security card."""
        return self.chip is not None and self.chip.product != "debit"

    def fields(self, number: str, old_card: str = "present") -> dict[str, str]:
        """An order for a card of this citizen."""
        fields = fields_of(self.person, card_number(f"{self.person.key}{self.number:07d}"))
        return {**fields, "number": number, "account number": self.pan, "old card": old_card}


def citizens(count: int) -> list[Citizen]:
    """The first citizens of the city."""
    return [_citizen(number) for number in range(min(count, len(BEGINNINGS)))]


def _citizen(number: int) -> Citizen:
    identity = citizen_number("500103", BIRTHS[number], f"{number + 100:03d}")
    pin, bank_pin = f"{731 + number}{908 - number}", f"{246 + number}{853 - number}"
    pan = _with_check_digit(f"62149800000{number:02d}1235{number:01d}")
    key = chr(ord("A") + number)
    person = Person(key, identity, f"渝样{STEMS[number]}例", (pin, bank_pin), (pan,))
    return Citizen(person, number, BEGINNINGS[number], pin, bank_pin)


def _with_check_digit(digits: str) -> str:
    """ISO/IEC 7812-1 Annex B."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return digits + str(-sum(each // 10 + each % 10 for each in doubled) % 10)
