"""Flow 4, medical settlement in the three modes of an area: on line, temporarily off line, off line; reversal; clearing with TAC.

Person A has three bills. One that a failure left unpaid is settled again under another number, as a hospital does, so that every
trial ends with all of them settled, each once. The terminal keeps what is open in an outbox, with which its program begins again
where it was killed; the numbers under which bills were tried stand on the hospital's paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from conformance.actors.medical.account_load import LoadStation
from conformance.actors.medical.messages import Category, Mode
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import OfflineLimits, Outcome, Result, Visit
from conformance.campaign.flows.hospital import NOON, HospitalFlow, HospitalWorld
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import COMPLETED, FlowStep

LOADED = 50_000
LIMITS = OfflineLimits(amount=100_000, count=5)


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of the day.

    Attributes:
        number: Its number; a second attempt has a stroke behind it.
        total: Amount in fen.
        category: Ordinary or special.
        off_line: Whether the line is down while it is settled.
        reversed: Whether the hospital takes it back afterwards.
    """

    number: str
    total: int
    category: Category = Category.ORDINARY
    off_line: bool = False
    reversed: bool = False


class MedicalWorld(HospitalWorld):
    """A hospital's terminal with a PSAM, and its bills."""

    flow: MedicalFlow

    def __init__(self, flow: MedicalFlow, seams: Seams, folder: Path, memories: Mapping[str, Any]) -> None:
        super().__init__(flow, seams, folder, memories)
        self.start()
        self.results: dict[str, Result] = {}
        self._attempts: dict[str, list[str]] = {bill.number: [] for bill in flow.bills}
        self._loads: list[str] = []
        self._reversed: set[str] = set()

    def start(self) -> None:
        """Start the programs, which take up what the outbox has."""
        outbox = self.open_outbox()
        self.reader = self.open_reader()
        self.terminal = self.flow.terminal(
            *(self.reader, self.to_centre),
            limits=LIMITS,
            listener=lambda told: self.say(told.zh, told.en),
            outbox=outbox,
        )
        self.loads = LoadStation(self.reader, self.to_centre, ask_first=[self.terminal.resolve], outbox=outbox)
        self.terminal.ask_first.append(self.loads.resolve)

    def work(self) -> None:
        """The bills one after the other; in an offline area the card is loaded first."""
        if self.flow.mode is Mode.OFFLINE:
            self._load()
        for bill in self.flow.bills:
            self._settle(bill, off_line=bill.off_line)

    def go_on(self) -> bool:
        """Card, PSAM and line are back: ask the card, deliver what waits, settle what is not settled."""
        self.open_module()
        try:
            self.reader.begin()
            self.terminal.resolve()
            self.loads.resolve()
        except (CardGone, CardRefused) as problem:
            self.say("", str(problem))
            return False
        self.results |= self.terminal.resolved
        self.loads.deliver()
        self.terminal.deliver()
        if self.flow.mode is Mode.OFFLINE and not self._is_loaded():
            self._load()
        for bill in self.flow.bills:
            if self._settled(bill) is None and not self._is_open(bill):
                self._settle(bill, off_line=False)
        self.terminal.deliver()
        for bill in self.flow.bills:
            self._take_back(bill)
        loaded = self.flow.mode is not Mode.OFFLINE or self._is_loaded()
        done = loaded and all(self._is_done(bill) for bill in self.flow.bills)
        open_ends = self.terminal.unresolved or self.loads.unresolved
        return done and not open_ends and not self.pending()

    def _load(self) -> None:
        self.seams.step = "LOAD"
        self._loads.append("L" + "'" * len(self._loads))
        result = self.loads.load(self._loads[-1], LOADED)
        self.say(result.zh, result.en)

    def _is_loaded(self) -> bool:
        """Whether the centre knows that the card loaded, or shall learn it from the station."""
        if any(tac for _, tac in self.loads.undelivered):
            return True
        state = self.centre.books.load(self._loads[-1]) if self._loads else None
        return state is not None and state.state == "loaded"

    def _settle(self, bill: Bill, *, off_line: bool) -> None:
        """A bill under a new number; while the line is down the terminal decides alone."""
        tried = self._attempts[bill.number]
        number = bill.number + "'" * len(tried)
        tried.append(number)
        self.seams.step = "READING"
        if off_line:
            self.seams.gone.add("centre")
        when = NOON + timedelta(minutes=sum(map(len, self._attempts.values())))
        visit = Visit(number, bill.total, category=bill.category, when=when)
        try:
            self.results[number] = result = self.terminal.settle(visit)
        finally:
            if off_line:
                self.seams.gone.discard("centre")
        self.say(result.zh, result.en)
        if off_line:
            self.terminal.deliver()
        self._take_back(bill)

    def _take_back(self, bill: Bill) -> None:
        settled = self._settled(bill)
        if bill.reversed and settled is not None and settled not in self._reversed and not self.terminal.undelivered:
            self._reversed.add(settled)
            self.terminal.outbox.reverse(settled, self.to_centre)

    def _settled(self, bill: Bill) -> str | None:
        """The number under which the terminal settled a bill."""
        return next(
            (n for n in self._attempts[bill.number] if n in self.results and self.results[n].outcome.good), None
        )

    def _is_done(self, bill: Bill) -> bool:
        """Whether a bill is settled, and taken back where the hospital wants that."""
        settled = self._settled(bill)
        return settled is not None and (settled in self._reversed or not bill.reversed)

    def _is_open(self, bill: Bill) -> bool:
        """Whether nobody knows yet whether the card settled it."""
        return any(self.results[n].outcome is Outcome.UNKNOWN for n in self._attempts[bill.number] if n in self.results)

    def pending(self) -> int:
        """What the terminal and the load station still keep."""
        return len(self.terminal.undelivered) + len(self.terminal.outbox.reversals) + len(self.loads.undelivered)

    def ending(self, facts: Facts) -> str:
        """Each bill settled once, or settled and taken back once, and no quote left open."""
        settlements = facts.centre.settlements if facts.centre is not None else ()
        for bill in self.flow.bills:
            own = [each for each in settlements if each.number.rstrip("'") == bill.number]
            if any(each.state == "quoted" for each in own):
                return f"a quote of bill {bill.number} is left open"
            counted = [each for each in own if each.tac and each.state == ("reversed" if bill.reversed else "cleared")]
            others = [each for each in own if each.tac and each not in counted]
            if len(counted) != 1 or others:
                return f"bill {bill.number} is settled {len(counted)} times"
        return COMPLETED

    def declared(self, ending: str) -> dict[str, int] | None:
        """What the slips of the settled bills say, and the load."""
        person, card = self.flow.person.identity, (self.chip_identification or "")
        moved = {f"centre account {person}": 0, "centre fund": 0, "centre hospitals": 0}
        source = f"centre account {person}"
        if self.flow.mode is Mode.OFFLINE:
            source = f"centre card {card}"
            moved |= {f"centre account {person}": -LOADED, source: LOADED}
        for bill in self.flow.bills:
            settled = self._settled(bill)
            quote = self.results[settled].quote if settled is not None and not bill.reversed else None
            if quote is not None:
                moved[source] -= quote.account
                moved["centre fund"] -= quote.fund
                moved["centre hospitals"] += quote.account + quote.fund
        return moved

    @property
    def chip_identification(self) -> str | None:
        """卡的识别码 of the card, as the outside read it at the beginning."""
        return self.before.chips["card"].identification


class MedicalFlow(HospitalFlow):
    """Medical settlement on line."""

    name, number = "medical", 4
    zh, en = "医保联机结算与冲正", "medical settlement on line, special settlement, reversal"
    bills: tuple[Bill, ...] = (
        Bill("M1", 20_000),
        Bill("M2", 30_000, Category.MATERNITY, reversed=True),
        Bill("M3", 5_000),
    )
    steps: tuple[FlowStep, ...] = (
        FlowStep("READING", "读取卡片", "reading the card"),
        FlowStep("PRE_SETTLEMENT", "预结算", "pre-settlement"),
        FlowStep("PIN", "验证密码", "PIN"),
        FlowStep("INITIALIZE", "结算初始化", "INITIALIZE FOR PURCHASE"),
        FlowStep("DEBIT", "医保扣款", "DEBIT FOR PURCHASE", irreversible=True),
        FlowStep("WRITING", "写回卡片", "writing to the card"),
        FlowStep("CLEARING", "医保清算", "clearing at the centre", irreversible=True),
        FlowStep("REVERSAL", "冲正", "reversal", irreversible=True),
    )
    begins: Mapping[str, str] = {
        "centre pre_settle": "PRE_SETTLEMENT",
        "card 200000": "PIN",
        "card 280101": "INITIALIZE",
        "card 2C0100": "DEBIT",
        "card E2": "WRITING",
        "card DC": "WRITING",
        "card D6": "WRITING",
        "centre settle": "CLEARING",
        "centre upload": "CLEARING",
        "centre reverse": "REVERSAL",
        "card 280001": "LOAD",
        "card 2A0000": "CREDIT",
        "centre load": "OFFER",
        "centre confirm_load": "CONFIRM",
    }

    def terminal(self, *arguments: Any, **more: Any) -> HospitalTerminal:
        """The terminal's program."""
        return HospitalTerminal(*arguments, **more)

    def build(self, seams: Seams, folder: Path) -> MedicalWorld:
        """A day that has not begun."""
        return MedicalWorld(self, seams, folder, self.prefab(folder))


class TemporaryFlow(MedicalFlow):
    """Medical settlement on line, with the line down in the middle 临时脱网."""

    name = "medical-temporary"
    zh, en = "医保临时脱网结算", "medical settlement, temporarily off line"
    mode = Mode.ONLINE_WITH_OFFLINE
    bills = (Bill("T1", 20_000), Bill("T2", 3_000, off_line=True), Bill("T3", 4_000, off_line=True))
    steps = tuple(replace(each) for each in MedicalFlow.steps if each.name != "REVERSAL")


class OfflineFlow(MedicalFlow):
    """Medical settlement of an offline area: the card's own account pays."""

    name = "medical-offline"
    zh, en = "医保脱网结算与账户划入", "medical settlement off line, with loads of the card's account"
    mode = Mode.OFFLINE
    bills = (Bill("F1", 20_000), Bill("F2", 40_000), Bill("F3", 1_000))
    steps = (
        FlowStep("LOAD", "账户划入", "load"),
        FlowStep("OFFER", "中心划出", "the centre offers the load", irreversible=True),
        FlowStep("CREDIT", "卡片入账", "CREDIT FOR LOAD", irreversible=True),
        FlowStep("CONFIRM", "划入确认", "confirmation of the load", irreversible=True),
        *(each for each in MedicalFlow.steps if each.name not in ("REVERSAL", "PRE_SETTLEMENT", "WRITING")),
    )
