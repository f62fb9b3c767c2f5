"""A bank, an insurance centre, a station with its journal, an invented person with a debit card, and blank chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.medical.centre import Centre
from conformance.actors.station import Equipment, Journal, Kind, Order, Station, Told
from conformance.campaign.flows.persons import (
    ACCOUNT,
    AGREEMENTS,
    BALANCE,
    BANK_PIN_A,
    CARD_NUMBERS,
    E_CASH,
    OLD_EXPIRY,
    OLD_SEQUENCE,
    PAN_A,
    PIN_A,
    A,
    agree,
    debit_card,
    fields_of,
    open_account,
)
from conformance.targets.in_process import InProcessTarget, fresh_chip, numbered
from profiles import load
from profiles.model import Profile

__all__ = [
    "ACCOUNT",
    "AGREEMENTS",
    "BALANCE",
    "BANK_PIN",
    "BLANK",
    "E_CASH",
    "IDENTITY",
    "NAME",
    "NEW_PIN",
    "OLD_EXPIRY",
    "OLD_SEQUENCE",
    "PAN",
    "PERSON",
    "PRODUCT",
    "bank",
    "blank_chip",
    "debit_card",
    "order",
    "station",
]

PRODUCT, BLANK = "ssc3-sm4", "ssc3-blank"
PAN, BANK_PIN, NEW_PIN = PAN_A, BANK_PIN_A, PIN_A
PERSON: Mapping[str, str] = fields_of(A, CARD_NUMBERS["A"])
"""An invented person."""
NAME, IDENTITY = A.name, A.identity


def bank(path: Path | str = ":memory:") -> Bank:
    """The bank with the person's account, its debit card and three agreements."""
    made = Bank(*IssuerKeys.of_profile(load(PRODUCT)), ledger=Ledger(path))
    open_account(made)
    agree(made, ACCOUNT)
    return made


def blank_chip(serial: str = "00000101", product: str = BLANK) -> InProcessTarget:
    """A blank chip of a whole card."""
    return fresh_chip(numbered(load(product), serial))


def order(number: str, kind: Kind, **more: object) -> Order:
    """An order for the person."""
    fields = {
        **PERSON,
        "number": number,
        "account number": PAN,
        **{name.replace("_", " "): value for name, value in more.items()},
    }
    return replace(Order.of(fields), kind=kind)


def station(
    desk: Bank,
    centre: Centre,
    journal: Journal,
    listener: Callable[[Told], None] = lambda told: None,
    product: Profile | None = None,
    blank: Profile | None = None,
) -> Station:
    """A station with bank, centre and an authority for certificates."""
    equipment = Equipment(
        product or load(PRODUCT),
        blank or load(BLANK),
        centre,
        journal,
        bank=desk,
        certificates=CertificationAuthority.published(),
    )
    return Station(equipment, listener)
