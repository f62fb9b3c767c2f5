"""Wages and bills that come whenever they come: each request has a number, and is asked again until the bank has answered."""

from __future__ import annotations

from conformance.actors.bank import AgreementKind, Booking
from conformance.campaign.soak.city import City

AGAINST_RULES = "wages-again"


class Payroll:
    """Employers and suppliers.

    Args:
        city: The city.
        fault: A planted fault: an employer that, of every third wage, sends the list again under another number.
    """

    def __init__(self, city: City, fault: str = "") -> None:
        self.city = city
        self.fault = fault
        self._bank = city.bank()
        self._count = 0

    def act(self) -> None:
        """One wage or one bill."""
        city = self.city
        with city.lock:
            citizen = city.chance.choice([each for each in city.citizens if each.has_agreements])
            wage = city.chance.random() < 0.5
            amount = city.chance.randrange(100, 3_000)
            name = f"{'WAGE' if wage else 'BILL'}-{next(city.numbers):05d}"
        kind = AgreementKind.PAYROLL if wage else AgreementKind.UTILITY
        agreement = next(number for number, each, _ in citizen.agreements if each is kind)
        desk = self._bank.agreements
        act = desk.credit if wage else desk.debit
        answer = city.asked(lambda: act(name, agreement, citizen.pan, amount))
        booked = amount if answer is Booking.BOOKED else 0
        with city.lock:
            city.booked[name] = booked
            signed = booked if wage else -booked
            city.moves[f"bank account {citizen.account}"] += signed
            city.moves[f"bank agreement {agreement}"] -= signed
        self._count += wage
        if self.fault == AGAINST_RULES and wage and self._count % 3 == 1:
            city.asked(lambda: act(f"{name}-again", agreement, citizen.pan, amount))
