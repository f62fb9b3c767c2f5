"""A bank with one customer, two chips of one number, and a terminal."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from conformance.actors.bank import AgreementKind, Bank, IssuerKeys, Ledger, TransactionKind
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data
from conformance.actors.bank.groupings import DataFile
from conformance.actors.bank.personaliser import MasterKey, Personaliser
from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder, Purchase, TransactionResult
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from tests.actors.bench import Chance

PAN, OTHER_PAN = "6214980000000001235", "6214980000000002233"
ACCOUNT, HOLDER, IDENTITY, PIN = "50000100002345", "LI SI", "500000198001010019", "246813"
OLD_EXPIRY, NEW_EXPIRY = date(2028, 8, 1), date(2036, 11, 1)
START, E_CASH = 500_000, 20_000
NOW = datetime(2026, 11, 26, 12, 0, 0)
AGREEMENTS = (
    ("PAY-1", AgreementKind.PAYROLL, "Chongqing Light Rail"),
    ("GAS-1", AgreementKind.UTILITY, "Chongqing Gas"),
    ("WEALTH-1", AgreementKind.WEALTH, "Steady Growth 90 days"),
)
CHIPS = {"debit": "debit-blank", "debit-sm": "debit-sm-blank"}


def bank(product: str = "debit", path: Any = ":memory:", *, e_cash: int = E_CASH, expiry: date = OLD_EXPIRY) -> Bank:
    """A bank whose customer has a card with sequence number 01 and three agreements."""
    made = Bank(*IssuerKeys.of_profile(load(product)), ledger=Ledger(path))
    welcome(made, e_cash=e_cash, expiry=expiry)
    return made


def welcome(made: Bank, *, e_cash: int = E_CASH, expiry: date = OLD_EXPIRY) -> None:
    """The customer opens an account."""
    made.open_account(
        *(PAN, "01"),
        balance=START,
        e_cash=e_cash,
        pin=PIN,
        number=ACCOUNT,
        holder=HOLDER,
        identity=IDENTITY,
        expiry=expiry,
    )
    for number, kind, party in AGREEMENTS:
        made.agreements.agree(number, ACCOUNT, kind, party)


def old_card(product: str = "debit") -> DataFile:
    """Personalisation data of the card that the customer has."""
    order = CardOrder(PAN, "01", OLD_EXPIRY, HOLDER, IDENTITY, pin=PIN, balance=E_CASH)
    return personalisation_data(load(product), order, Authority.published(), IssuerKeys.of_profile(load(product)))


def chip(product: str, data: DataFile) -> InProcessTarget:
    """A blank chip made into a card."""
    target = InProcessTarget(load_card(CHIPS[product]))
    target.connect()
    name, key = MasterKey.of_profile(load(CHIPS[product]))
    Personaliser(target, key).run(name, data)
    return target


@dataclass
class Till:
    """A terminal with a line to the bank."""

    bank: Bank
    number: int = 0
    results: list[TransactionResult] = field(default_factory=list)

    def pay(
        self, card: InProcessTarget, amount: int = 1234, *, host: Any = "bank", pin: str = PIN, **purchase: Any
    ) -> TransactionResult:
        """One transaction from a reset on, on line unless told otherwise."""
        self.number += 1
        card.reset()
        kernel = Kernel(
            card,
            DEFAULT_CONFIGURATION,
            host=self.bank if host == "bank" else host,
            holder=PreparedHolder((PIN,), online_pin=pin),
            random=Chance(),
            expected_account=PAN,
        )
        given = {"e_cash": False, "force_online": True, "number": self.number, "when": NOW, **purchase}
        self.results.append(kernel.run(Purchase(amount, **given)))
        return self.results[-1]

    def inquire(self, card: InProcessTarget, change: str = "", *, pin: str = PIN, **more: Any) -> TransactionResult:
        """A balance inquiry with the PIN, for a change of the card."""
        return self.pay(card, 0, kind=TransactionKind.BALANCE_INQUIRY, reference=change, pin=pin, **more)
