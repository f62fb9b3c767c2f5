"""Flow 6, mixed settlement: one visit, one card: the insurance's part by the medical application, the own part by the debit application.

A part that the card does not pay takes the medical settlement back. Terminal, till and desk keep what is open in one outbox, with
which the desk's program begins again where it was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Visit
from conformance.actors.medical.visit_payment import OwnPart, Unpaid, VisitDesk, VisitResult
from conformance.actors.terminal import PreparedHolder
from conformance.campaign.flows.hospital import NOON, PIN, HospitalFlow, HospitalWorld
from conformance.campaign.flows.persons import ACCOUNT, wages_and_bill
from conformance.campaign.outside.books import Settled
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import AS_BEFORE, COMPLETED, FlowStep

NUMBER, TOTAL = "V1", 20_000


class VisitWorld(HospitalWorld):
    """A desk at which the bill of person A is settled."""

    flow: VisitFlow

    def __init__(self, flow: VisitFlow, seams: Seams, folder: Path, memories: Mapping[str, Any]) -> None:
        super().__init__(flow, seams, folder, memories)
        self.result: VisitResult | None = None
        self.start()
        self.booked: dict[str, int] = {}

    def start(self) -> None:
        """Start the desk, which takes up what the outbox has, and counts its purchases on."""
        outbox = self.open_outbox()
        self.reader = self.open_reader()
        self.desk = self.flow.desk(
            HospitalTerminal(self.reader, self.to_centre, outbox=outbox),
            self.to_bank,
            outbox=outbox,
            next_number=outbox.next_number,
            holder=lambda: PreparedHolder((PIN,)),
            unpaid=Unpaid.REVERSE,
            now=lambda: NOON,
            listener=lambda told: self.say(told.zh, told.en),
            payment_listener=lambda event: self.say(event.zh, event.en) if hasattr(event, "zh") else None,
        )
        self.result = self.desk.results.get(NUMBER, self.result)

    def work(self) -> None:
        """The holder is at the desk."""
        self.seams.step = "READING"
        self.result = self.desk.settle(Visit(NUMBER, TOTAL, use_account=False, when=NOON))
        self.say(self.result.zh, self.result.en)

    def go_on(self) -> bool:
        """Lines and card are back: the card is asked what it did, and everything that waits is delivered."""
        self.seams.step = "RECOVERY"
        self.open_module()
        try:
            for result in self.desk.resume():
                self.result = result
        except (CardGone, CardRefused) as problem:
            self.say("", str(problem))
            return False
        self.desk.deliver()
        return not self.pending() and not self.desk.terminal.unresolved

    def meanwhile(self, failure: str) -> None:
        """Wages come in and a bill of the gas works is drawn, in the middle of the visit."""
        self.booked = wages_and_bill(self.bank, self.flow.pan, ACCOUNT)

    def pending(self) -> int:
        """What desk and terminal still keep."""
        desk, terminal = self.desk, self.desk.terminal
        to_centre = len(desk.medical_reversals) + len(terminal.undelivered) + len(terminal.outbox.reversals)
        return to_centre + len(desk.bank_reversals)

    def _settlement(self, facts: Facts) -> Settled | None:
        found = facts.centre.settlements if facts.centre is not None else ()
        return next((each for each in found if each.number == NUMBER), None)

    def ending(self, facts: Facts) -> str:
        """Settled and paid, by books of both hosts; or nothing settled, promised or paid."""
        settled = self._settlement(facts)
        book = f"account {ACCOUNT}"
        start = self.before.money["bank"].balances[book]
        paid = start + self.booked.get(f"bank {book}", 0) - facts.money["bank"].balances[book]
        if settled is not None and settled.state == "cleared":
            due = settled.own
            return COMPLETED if paid == due else f"settled, and {paid} of {due} fen paid"
        if settled is not None and settled.state == "quoted":
            return "a quote is left open, which keeps the person's money"
        return AS_BEFORE if paid == 0 else f"not settled, and {paid} fen paid"

    def declared(self, ending: str) -> dict[str, int] | None:
        """What the holder was told at the desk: account, fund and own part."""
        result, moved = self.result, dict(self.booked)
        if result is None or result.medical.quote is None:
            return moved
        quote, person = result.medical.quote, self.flow.person.identity
        if result.own not in (OwnPart.REVERSED, OwnPart.NOT_BEGUN) and result.medical.outcome.good:
            moved[f"centre account {person}"] = -quote.account
            moved["centre fund"] = -quote.fund
            moved["centre hospitals"] = quote.account + quote.fund
        if result.own is OwnPart.CARD:
            moved[f"bank account {ACCOUNT}"] = moved.get(f"bank account {ACCOUNT}", 0) - result.due
            moved["bank network"] = result.due
        return moved


class VisitFlow(HospitalFlow):
    """A visit whose own part the card pays."""

    name, number = "visit", 6
    zh, en = "一卡混合结算", "mixed settlement of a visit"
    staged = frozenset({"meanwhile"})
    steps = (
        FlowStep("READING", "读取卡片", "reading the card"),
        FlowStep("PRE_SETTLEMENT", "预结算", "pre-settlement"),
        FlowStep("PIN", "验证密码", "PIN"),
        FlowStep("INITIALIZE", "结算初始化", "INITIALIZE FOR PURCHASE"),
        FlowStep("DEBIT", "医保扣款", "DEBIT FOR PURCHASE", irreversible=True),
        FlowStep("CLEARING", "医保清算", "clearing at the centre", irreversible=True),
        FlowStep("PAYMENT", "选择金融应用", "selecting the debit application"),
        FlowStep("CRYPTOGRAM", "授权请求密文", "ARQC"),
        FlowStep("AUTHORISATION", "银行授权", "authorisation", irreversible=True),
        FlowStep("COMPLETION", "完成交易", "completion", irreversible=True),
        FlowStep("RECOVERY", "恢复", "recovery"),
    )
    begins: Mapping[str, str] = {
        "centre pre_settle": "PRE_SETTLEMENT",
        "card 200000": "PIN",
        "card 280101": "INITIALIZE",
        "card 2C0100": "DEBIT",
        "centre settle": "CLEARING",
        "centre upload": "CLEARING",
        "card A80000": "PAYMENT",
        "card AE9000": "CRYPTOGRAM",
        "card AE8000": "CRYPTOGRAM",
        "bank authorise": "AUTHORISATION",
        "card 820000": "COMPLETION",
        "card AE5000": "COMPLETION",
        "card AE4000": "COMPLETION",
        "bank complete": "COMPLETION",
        "bank reverse": "REVERSAL",
        "centre reverse": "REVERSAL",
    }

    def desk(self, terminal: HospitalTerminal, bank: Any, **more: Any) -> VisitDesk:
        """The desk's program."""
        return VisitDesk(terminal, bank, **more)

    def build(self, seams: Seams, folder: Path) -> VisitWorld:
        """A visit that has not begun."""
        return VisitWorld(self, seams, folder, self.prefab(folder))
