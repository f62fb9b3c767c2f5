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
CARD_NUMBERS = {"A": "A12345674", "B": "B12345671"}
WAGES, GAS = 800_000, 12_345
AGREEMENTS = (
    ("PAY-1", AgreementKind.PAYROLL, "Chongqing Light Rail"),
    ("GAS-1", AgreementKind.UTILITY, "Chongqing Gas"),
    ("WEALTH-1", AgreementKind.WEALTH, "Steady Growth 90 days"),
)


def fields_of(person: Person, card_number: str) -> dict[str, str]:
    """What an order says of a person, and of a card of these days."""
    woman = int(person.identity[16]) % 2 == 0
    return {
        "card number": card_number,
        "date of issue": "20260105",
        "date of expiry": "20360105",
        "social security number": person.identity,
        "name": person.name,
        "sex": "2" if woman else "1",
        "nationality": "01",
        "birthplace": "500103",
        "date of birth": person.identity[6:14],
    }


def order_of(person: Person, number: str, kind: Kind = Kind.FIRST, old_card: str = "present") -> Order:
    """What the card of a person shall say."""
    fields = fields_of(person, CARD_NUMBERS[person.key])
    more = {"number": number, "account number": person.numbers[0], "old card": old_card}
    return replace(Order.of({**fields, **more}), kind=kind)


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
    chip = fresh_chip(load(BLANK_DEBIT))
    personalise(chip, CardOrder(PAN_A, OLD_SEQUENCE, OLD_EXPIRY, A.name, A.identity, pin=BANK_PIN_A, balance=E_CASH))
    return chip


def personalise(chip: InProcessTarget, order: CardOrder) -> None:
    """Make a blank debit chip into the card of an order, as the bank does."""
    product = load(DEBIT)
    data = personalisation_data(product, order, Authority.published(), IssuerKeys.of_profile(product))
    chip.connect()
    name, key = MasterKey.of_profile(load(BLANK_DEBIT))
    Personaliser(chip, key).run(name, data)


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


def wages_and_bill(bank: Bank, pan: str, account: str) -> dict[str, int]:
    """Wages come in and a bill of the gas works is drawn; answers by how much books of the bank change."""
    bank.agreements.credit("M1", "PAY-1", pan, WAGES)
    bank.agreements.debit("M2", "GAS-1", pan, GAS)
    return {f"bank account {account}": WAGES - GAS, "bank agreement PAY-1": -WAGES, "bank agreement GAS-1": GAS}
