"""Flow 5, financial settlement: on line with ARQC, ARPC and scripts, cash, load, off line with e-cash; reversal; clearing with TC.

Person A pays at a till, draws cash, loads e-cash and spends it. What a failure left unpaid is paid again under another number. The
till keeps its batch and the reversals that wait in its memory, so that a till whose program is killed is none of the failures here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.actors.bank.codes import Settlement
from conformance.actors.bank.messages import ClearingRecord, HostUnreachable, Reversal, TransactionKind
from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder, Purchase, TransactionResult
from conformance.campaign.failures import KILLING
from conformance.campaign.flows.hospital import ACCOUNT, NOON, PIN, HospitalFlow, HospitalWorld
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import COMPLETED, FlowStep

WAGES, GAS = 800_000, 12_345
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
        self.paid: dict[str, TransactionResult] = {}
        """What the till told the customer was paid, by sale."""
        self.batch: list[ClearingRecord] = []
        self.reversals: list[Reversal] = []
        self.booked: dict[str, int] = {}
        self.loads = 1
        """How many loads the card has, as its balance tells: what it spends beside is less than a load."""
        self._number = 0
        self._chance = random.Random(SEED)  # noqa: S311 - to be repeated, no secret

    def run(self) -> None:
        """One sale after the other, then the batch."""
        for sale in self.flow.sales:
            self._pay(sale)
        self._deliver()

    def recover(self) -> bool:
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
        except Exception as problem:
            self.say("", str(problem))
            return
        kernel = self.flow.kernel(
            self.slot,
            DEFAULT_CONFIGURATION,
            host=self.to_bank,
            holder=PreparedHolder((PIN,)),
            random=self._chance,
            listener=lambda event: self.say(event.zh, event.en) if hasattr(event, "zh") else None,
        )
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
            self.paid[sale.name] = result

    def _deliver(self) -> None:
        """Reversals first, then the batch; what cannot be delivered stays."""
        self.seams.step = "CLEARING"
        try:
            while self.reversals:
                self.to_bank.reverse(self.reversals[0])
                del self.reversals[0]
            while self.batch:
                settled = self.flow.clear(self.to_bank, self.batch[0])
                self.say("", settled.value)
                del self.batch[0]
        except HostUnreachable:
            return

    def meanwhile(self, failure: str) -> None:
        """Wages come in and a bill of the gas works is drawn."""
        self.bank.agreements.credit("M1", "PAY-1", self.flow.pan, WAGES)
        self.bank.agreements.debit("M2", "GAS-1", self.flow.pan, GAS)
        self.booked = {
            f"bank account {ACCOUNT}": WAGES - GAS,
            "bank agreement PAY-1": -WAGES,
            "bank agreement GAS-1": GAS,
        }

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
            source = e_cash if self.paid[sale.name].e_cash else account
            target = e_cash if sale.kind is TransactionKind.LOAD else "bank network"
            times = self.loads if sale.kind is TransactionKind.LOAD else 1
            moved[source] -= sale.amount * times
            moved[target] += sale.amount * times
        return moved


class PaymentFlow(HospitalFlow):
    """Purchases on line, cash, a load, and e-cash off line."""

    name, number = "payment", 5
    zh, en = "金融结算", "financial settlement"
    staged = frozenset({"meanwhile"})
    without = KILLING
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
