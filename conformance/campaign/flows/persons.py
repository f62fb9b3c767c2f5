"""The persons of the flows at a station, what their cards shall say, and the products that are made."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from conformance.actors.bank import AgreementKind, Bank, IssuerKeys
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data
from conformance.actors.bank.personaliser import MasterKey, Personaliser
from conformance.actors.station import Kind, Order
from conformance.campaign.world import Person
from conformance.targets.in_process import InProcessTarget, fresh_chip
from profiles import load
from profiles.model import Profile

BLANKS = {"SM4": "ssc3-blank", "3DES": "ssc2-blank"}
PIN_A, PIN_B = "650981", "482057"
BANK_PIN_A, BANK_PIN_B = "246813", "731902"
PAN_A, PAN_B = "6214980000000001235", "6214980000000002233"
ACCOUNT, OLD_SEQUENCE, OLD_EXPIRY = "50000100002345", "01", date(2028, 8, 1)
BALANCE, E_CASH = 500_000, 20_000
A = Person("A", "500000199002280026", "渝小样", (PIN_A, BANK_PIN_A), (PAN_A,))
B = Person("B", "50000019850615001X", "样例乙", (PIN_B, BANK_PIN_B), (PAN_B,))
DEBIT, BLANK_DEBIT = "debit", "debit-blank"
AGREEMENTS = (
    ("PAY-1", AgreementKind.PAYROLL, "Chongqing Light Rail"),
    ("GAS-1", AgreementKind.UTILITY, "Chongqing Gas"),
    ("WEALTH-1", AgreementKind.WEALTH, "Steady Growth 90 days"),
)


def order_of(person: Person, number: str, kind: Kind = Kind.FIRST, old_card: str = "present") -> Order:
    """What the card of a person shall say."""
    born, woman = person.identity[6:14], int(person.identity[16]) % 2 == 0
    fields = {
        "number": number,
        "card number": "A12345674" if person.key == "A" else "B12345671",
        "date of issue": "20260105",
        "date of expiry": "20360105",
        "social security number": person.identity,
        "name": person.name,
        "sex": "2" if woman else "1",
        "nationality": "01",
        "birthplace": "500103",
        "date of birth": born,
        "account number": person.numbers[0],
        "old card": old_card,
    }
    return replace(Order.of(fields), kind=kind)


def compact(whole: Profile) -> Profile:
    """The product with the medical application alone of those of social security, its main files and one version of each key.

    The steps are the same, the commands fewer.
    """
    kept = {name: found for name, found in whole.directory.items() if found.application != "social security"}
    for place in ("SSSE", "DF04"):
        directory = whole.directory[place]
        keys = {each: key.model_copy(update={"versions": 1}) for each, key in directory.key.items()}
        files = {
            each: file for each, file in directory.file.items() if each in ("SF", "TF", "DIR", "EF05", "EF06", "EF08")
        }
        kept[place] = directory.model_copy(update={"key": keys, "file": files})
    return whole.model_copy(update={"directory": {name: kept[name] for name in whole.directory if name in kept}})


def debit_card() -> InProcessTarget:
    """The debit card of person A: a chip that the bank personalised, with e-cash on it."""
    product, blank = load(DEBIT), load(BLANK_DEBIT)
    order = CardOrder(PAN_A, OLD_SEQUENCE, OLD_EXPIRY, A.name, A.identity, pin=BANK_PIN_A, balance=E_CASH)
    data = personalisation_data(product, order, Authority.published(), IssuerKeys.of_profile(product))
    chip = fresh_chip(blank)
    chip.connect()
    name, key = MasterKey.of_profile(blank)
    Personaliser(chip, key).run(name, data)
    return chip


def open_account(bank: Bank) -> None:
    """The account of person A with its debit card and standing agreements."""
    bank.open_account(
        *(PAN_A, OLD_SEQUENCE),
        balance=BALANCE,
        e_cash=E_CASH,
        pin=BANK_PIN_A,
        number=ACCOUNT,
        holder=A.name,
        identity=A.identity,
        expiry=OLD_EXPIRY,
    )


def agree(bank: Bank, account: str) -> None:
    """The standing agreements of an account: wages, utility bills, wealth management."""
    for number, kind, party in AGREEMENTS:
        bank.agreements.agree(number, account, kind, party)
