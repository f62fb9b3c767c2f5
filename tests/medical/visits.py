"""A hospital's desk with card, centre and bank on one table; everything that can be lost can be lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.actors.bank import Account, Bank
from conformance.actors.bank.ledger import RequestState
from conformance.actors.bank.line import BankLine
from conformance.actors.medical.books import HOSPITALS
from conformance.actors.medical.messages import Mode
from conformance.actors.medical.visit import OfflineLimits, Visit
from conformance.actors.medical.visit_payment import OwnPart, Unpaid, VisitDesk, VisitResult
from conformance.actors.terminal import PreparedHolder
from conformance.bank_option import account_of, bank_of
from tests.medical.hospital import NOON, PIN, Hospital, product_of

START = 500_000
"""What the test bank's account holds."""
OWN, FUND = 12_000, 8_000
"""Of a bill of 200.00 without account: 100.00 of deductible, then the fund pays 80 percent of the rest."""
PAYMENT_ENVIRONMENT = b"1PAY.SYS.DDF01"


@dataclass
class Visits:
    """Visits one after the other with the same card; ``cash`` says whether the holder has some."""

    product: str = "ssc3-sm4"
    with_sam: bool = True
    mode: Mode = Mode.ONLINE
    unpaid: Unpaid = Unpaid.KEEP
    cash: bool = True
    bank_pin: str = PIN
    limits: OfflineLimits | None = None
    lost: Callable[[str], str] = lambda message: ""
    taken: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hospital = Hospital(
            self.product, self.mode, with_sam=self.with_sam, limits=self.limits, lost=lambda message: self.lost(message)
        )
        self.bank: Bank = bank_of(product_of(self.product))
        self.line = BankLine(self.bank)
        self.desk = VisitDesk(
            self.hospital.terminal,
            self.line,
            holder=lambda: PreparedHolder((self.bank_pin,)),
            unpaid=self.unpaid,
            cash=self._pay_cash,
            now=lambda: NOON,
        )
        self._numbers = itertools.count(1)

    def _pay_cash(self, fen: int) -> bool:
        if self.cash:
            self.taken.append(fen)
        return self.cash

    @property
    def account(self) -> Account:
        return account_of(self.bank, product_of(self.product))

    def visit(self, number: str = "", total: int = 20_000, *, by_card: bool = True, **more: Any) -> VisitResult:
        given = {"use_account": False, "when": NOON, **more}
        return self.desk.settle(Visit(number or f"V{next(self._numbers)}", total, **given), by_card=by_card)

    @property
    def asked_to_pay(self) -> bool:
        """Whether the payment environment was ever selected."""
        return any(PAYMENT_ENVIRONMENT in command for command in self.hospital.slot.commands)

    def agree(self) -> None:
        """Centre, bank, card and till after all deliveries: each fen of what was settled is paid once, of the rest none."""
        self.desk.deliver()
        desk, terminal = self.desk, self.hospital.terminal
        assert (desk.medical_reversals, desk.bank_reversals, terminal.undelivered, terminal.unresolved) == (
            [],
            [],
            [],
            {},
        )
        books = self.hospital.centre.books
        stored = books.settlements_of(self.hospital.person)
        kept = [one for one in stored if one.state == "cleared"]
        assert sum(books.balances().values()) == 0
        assert books.balance(HOSPITALS) == sum(one.account + one.fund for one in kept)
        self._agree_with_card([one.total for one in stored if one.tac])
        assert sum(self.bank.ledger.balances().values()) == 0
        paid = self._paid_at_bank()
        owed = sum(one.due for one in desk.results.values() if one.own is OwnPart.OWED)
        assert START - self.account.balance == sum(paid.values())
        assert sum(one.total for one in kept) == books.balance(HOSPITALS) + sum(paid.values()) + sum(self.taken) + owed
        for result in desk.results.values():
            state = next((one.state for one in stored if one.number == result.medical.visit.number), "reversed")
            settled = result.own not in (OwnPart.REVERSED, OwnPart.NOT_BEGUN)
            lost = result.own is OwnPart.NOT_BEGUN and state == "quoted"  # neither quote nor reversal came through
            assert lost or state == ("cleared" if settled else "reversed")
            payment = result.payment
            moved = paid.get(payment.number, 0) if payment else 0
            assert moved == (result.due if result.own is OwnPart.CARD else 0)

    def _agree_with_card(self, totals: list[int]) -> None:
        """Each settlement with a TAC, taken back or not, is one that the card carried out and logged, and no other."""
        amounts, before = self.hospital.amounts(), self.hospital.before
        assert amounts.offline_number == before.offline_number + len(totals)
        assert amounts.own_payments == before.own_payments + sum(totals)
        assert len(self.hospital.settled_and_loaded()[0]) == len(totals)

    def _paid_at_bank(self) -> dict[str, int]:
        """What the bank's books took for each request, and kept; no request is open but those whose end was told."""
        paid: dict[str, int] = {}
        for _, amount, request, _ in self.bank.ledger.movements(self.account.pan, self.account.sequence):
            if request:
                paid[request] = paid.get(request, 0) - amount
        for number, amount in paid.items():
            found = self.bank.ledger.request(number)
            assert found is not None
            assert (found.state is RequestState.REVERSED) == (amount == 0)
        return {number: amount for number, amount in paid.items() if amount}
