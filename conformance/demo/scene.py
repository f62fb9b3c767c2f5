"""A bank, an insurance centre, a station with its journal, an invented person with a debit card, and blank chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from conformance.actors.bank import AgreementKind, Bank, IssuerKeys, Ledger
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data
from conformance.actors.bank.personaliser import MasterKey, Personaliser
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.medical.centre import Centre
from conformance.actors.station import Equipment, Journal, Kind, Order, Station, Told
from conformance.targets.in_process import InProcessTarget, fresh_chip, numbered
from profiles import load
from profiles.model import Profile

PRODUCT, BLANK = "ssc3-sm4", "ssc3-blank"
BANK_CARD, BLANK_BANK_CARD = "debit", "debit-blank"
PAN, ACCOUNT, OLD_SEQUENCE = "6214980000000001235", "50000100002345", "01"
BANK_PIN, NEW_PIN = "246813", "650981"
BALANCE, E_CASH = 500_000, 20_000
OLD_EXPIRY = date(2028, 8, 1)
PERSON: Mapping[str, str] = {
    "card number": "A12345674",
    "date of issue": "20260105",
    "date of expiry": "20360105",
    "social security number": "500000199002280026",
    "name": "渝小样",
    "sex": "2",
    "nationality": "01",
    "birthplace": "500103",
    "date of birth": "19900228",
}
"""An invented person."""
NAME, IDENTITY = PERSON["name"], PERSON["social security number"]
AGREEMENTS = (
    ("PAY-1", AgreementKind.PAYROLL, "Chongqing Light Rail"),
    ("GAS-1", AgreementKind.UTILITY, "Chongqing Gas"),
    ("WEALTH-1", AgreementKind.WEALTH, "Steady Growth 90 days"),
)


def bank(path: Path | str = ":memory:", *, now: Callable[[], float] | None = None) -> Bank:
    """The bank with the person's account, its debit card and three agreements."""
    ledger = Ledger(path)
    keys = IssuerKeys.of_profile(load(PRODUCT))
    made = Bank(*keys, ledger=ledger) if now is None else Bank(*keys, ledger=ledger, now=now)
    made.open_account(
        *(PAN, OLD_SEQUENCE),
        balance=BALANCE,
        e_cash=E_CASH,
        pin=BANK_PIN,
        number=ACCOUNT,
        holder=NAME,
        identity=IDENTITY,
        expiry=OLD_EXPIRY,
    )
    for number, kind, party in AGREEMENTS:
        made.agreements.agree(number, ACCOUNT, kind, party)
    return made


def debit_card() -> InProcessTarget:
    """The person's debit card: a chip that the bank personalised."""
    product, blank = load(BANK_CARD), load(BLANK_BANK_CARD)
    order = CardOrder(PAN, OLD_SEQUENCE, OLD_EXPIRY, NAME, IDENTITY, pin=BANK_PIN, balance=E_CASH)
    data = personalisation_data(product, order, Authority.published(), IssuerKeys.of_profile(product))
    chip = fresh_chip(blank)
    chip.connect()
    name, key = MasterKey.of_profile(blank)
    Personaliser(chip, key).run(name, data)
    return chip


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
