"""Flow 5, financial settlement: on line with ARQC, ARPC and scripts, cash, load, off line with e-cash; reversal; clearing with TC.

Person A pays at a till, draws cash, loads e-cash and spends it. What a failure left unpaid is paid again under another number. The
till keeps its batch and the reversals that wait in an outbox, with which its program begins again where it was killed. What an e-cash
card paid of which the till has no TC yet is lost to both, as with a card that is gone then: no message of the standard tells the till.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.actors.bank.codes import Settlement
from conformance.actors.bank.messages import ClearingRecord, Completion, HostUnreachable, Reversal, TransactionKind
from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder, Purchase
from conformance.actors.terminal.scripts import ALL_RUN
from conformance.actors.terminal.till_outbox import TillOutbox
from conformance.campaign.flows.hospital import NOON, PIN, HospitalFlow, HospitalWorld
from conformance.campaign.flows.persons import ACCOUNT, wages_and_bill
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import COMPLETED, FlowStep
from conformance.failures import BenchError

SEED = 20261126


@dataclass(frozen=True, slots=True)
class Sale:
    """What is paid at the till: amount in fen, and how."""

    name: str
    amount: int
    kind: TransactionKind = TransactionKind.PURCHASE
    e_cash: bool = False


LOAD = 10_000
SALES = (
    Sale("P1", 1_234),
    Sale("P2", 50_000, TransactionKind.CASH),
    Sale("P3", LOAD, TransactionKind.LOAD),
    Sale("P4", 700, e_cash=True),
    Sale("P5", 99),
)


class PaymentWorld(HospitalWorld):
    """A till with a line to the bank."""

    flow: PaymentFlow

    def __init__(self, flow: PaymentFlow, seams: Seams, folder: Path, memories: Mapping[str, Any]) -> None:
        super().__init__(flow, seams, folder, memories)
        self.paid: dict[str, bool] = {}
        """What the till told the customer was paid, by sale, and whether from e-cash."""
        self._sales: dict[str, Sale] = {}
        """Numbers under which sales were tried, on the till's paper."""
        self.batch: list[ClearingRecord] = []
        self.reversals: list[Reversal] = []
        self.booked: dict[str, int] = {}
        self.loads = 1
        """How many loads the card has, as its balance tells: what it spends beside is less than a load."""
        self._number = 0
        self.outbox = TillOutbox(self.open_outbox())
        self._chance = random.Random(SEED)  # noqa: S311 - to be repeated, no secret

    def start(self) -> None:
        """Start the till, which takes up what the outbox has."""
        self.outbox = TillOutbox(self.open_outbox())
        left = self.outbox.left()
        self.reversals, self.batch = left.reversals, left.records
        for completion in left.completions:
            sale = self._sales[completion.number]
            if completion.approved and (sale.kind is not TransactionKind.LOAD or _all_run(completion)):
                self.paid[sale.name] = False
        for record in left.records:
            self.paid[self._sales[record.number].name] = record.e_cash

    def work(self) -> None:
        """One sale after the other, then the batch."""
        for sale in self.flow.sales:
            self._pay(sale)
        self._deliver()

    def go_on(self) -> bool:
        """Card and line are back: what waits is delivered, what is not paid is paid again."""
        self._deliver()
        for sale in self.flow.sales:
            if sale.name not in self.paid:
                self._pay(sale)
        self._deliver()
        return len(self.paid) == len(self.flow.sales) and not self.pending()

    def _pay(self, sale: Sale) -> None:
        self._number += 1
        self.seams.step = "SELECTION"
        try:
            self.slot.reset()
        except BenchError as problem:
            self.say("", str(problem))
            return
        kernel = self.flow.kernel(
            self.slot,
            DEFAULT_CONFIGURATION,
            host=self.to_bank,
            holder=PreparedHolder((PIN,)),
            random=self._chance,
            listener=lambda event: self.say(event.zh, event.en) if hasattr(event, "zh") else None,
            outbox=self.outbox,
        )
        self._sales[number_of(self._number)] = sale
        purchase = Purchase(
            sale.amount,
            kind=sale.kind,
            number=self._number,
            when=NOON,
            e_cash=sale.e_cash,
            force_online=not sale.e_cash,
        )
        result = kernel.run(purchase)
        self.say(result.reason.zh, result.reason.en)
        if result.undelivered is not None:
            self.reversals.append(result.undelivered)
        if result.clearing is not None:
            self.batch.append(result.clearing)
        if result.approved:
            self.paid[sale.name] = result.e_cash

    def _deliver(self) -> None:
        """Reversals first, then the batch; what cannot be delivered stays."""
        self.seams.step = "CLEARING"
        try:
            for completion in self.outbox.left().completions:
                self.to_bank.complete(completion)
                self.outbox.forget(completion.number)
            while self.reversals:
                self.to_bank.reverse(self.reversals[0])
                self.outbox.forget(self.reversals[0].number)
                del self.reversals[0]
            while self.batch:
                settled = self.flow.clear(self.to_bank, self.batch[0])
                self.say("", settled.value)
                self.outbox.forget(self.batch[0].number)
                del self.batch[0]
        except HostUnreachable:
            return

    def meanwhile(self, failure: str) -> None:
        """Wages come in and a bill of the gas works is drawn."""
        self.booked = wages_and_bill(self.bank, self.flow.pan, ACCOUNT)

    def pending(self) -> int:
        """Reversals and records that the bank has not."""
        return len(self.reversals) + len(self.batch)

    def ending(self, facts: Facts) -> str:
        """Everything was paid for, and the chip has no more e-cash than its book at the bank."""
        book = facts.money["bank"].balances[f"e-cash {self.flow.pan} {self.flow.sequence}"]
        held, before = facts.chips["card"].e_cash, self.before.chips["card"].e_cash
        if held is None or before is None:
            return "the chip shows no e-cash balance"
        self.loads = -((before - held) // LOAD)
        return COMPLETED if held <= book else f"the chip holds {held} fen of e-cash, its book at the bank {book}"

    def declared(self, ending: str) -> dict[str, int] | None:
        """What the receipts say; of loads that the card did not confirm, the card's balance says whether it has them."""
        account, e_cash = f"bank account {ACCOUNT}", f"bank e-cash {self.flow.pan} {self.flow.sequence}"
        moved = {account: 0, e_cash: 0, "bank network": 0} | self.booked
        for sale in self.flow.sales:
            if sale.name not in self.paid:
                continue
            source = e_cash if self.paid[sale.name] else account
            target = e_cash if sale.kind is TransactionKind.LOAD else "bank network"
            times = self.loads if sale.kind is TransactionKind.LOAD else 1
            moved[source] -= sale.amount * times
            moved[target] += sale.amount * times
        return moved


def number_of(number: int) -> str:
    """How the bank knows a transaction of the till."""
    return f"{DEFAULT_CONFIGURATION.terminal_id}{NOON:%y%m%d}{number:06d}"


def _all_run(completion: Completion) -> bool:
    """Whether the card executed every script, as the till would have told the customer."""
    return all(result[0] >> 4 == ALL_RUN >> 4 for result in completion.script_results)


class PaymentFlow(HospitalFlow):
    """Purchases on line, cash, a load, and e-cash off line."""

    name, number = "payment", 5
    zh, en = "金融结算", "financial settlement"
    staged = frozenset({"meanwhile"})
    sales = SALES
    steps = (
        FlowStep("SELECTION", "应用选择", "selection"),
        FlowStep("INITIATION", "应用初始化与读数据", "initiation and reading"),
        FlowStep("PIN", "持卡人验证", "cardholder verification"),
        FlowStep("CRYPTOGRAM", "应用密文", "first cryptogram", irreversible=True),
        FlowStep("AUTHORISATION", "银行授权", "authorisation", irreversible=True),
        FlowStep("COMPLETION", "完成交易与脚本", "completion and scripts", irreversible=True),
        FlowStep("CLEARING", "冲正与清算", "reversal and clearing", irreversible=True),
    )
    begins: Mapping[str, str] = {
        "card A80000": "INITIATION",
        "card 200080": "PIN",
        "card AE": "CRYPTOGRAM",
        "bank authorise": "AUTHORISATION",
        "card 820000": "COMPLETION",
        "card AE5000": "COMPLETION",
        "card AE4000": "COMPLETION",
        "bank complete": "COMPLETION",
        "bank reverse": "CLEARING",
        "bank clear": "CLEARING",
    }

    def kernel(self, *arguments: Any, **more: Any) -> Kernel:
        """The till's program."""
        return Kernel(*arguments, **more)

    def clear(self, bank: Any, record: ClearingRecord) -> Settlement:
        """Present an offline payment."""
        settled: Settlement = bank.clear(record)
        return settled

    def build(self, seams: Seams, folder: Path) -> PaymentWorld:
        """A day at the till that has not begun."""
        return PaymentWorld(self, seams, folder, self.prefab(folder))
