"""The issuing station 即时制卡设备: one blank chip, one order, and a card at the end or none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.reader import CardGone, CardLink, CardRefused
from conformance.actors.station.bank_steps import take_back
from conformance.actors.station.chip import Chip
from conformance.actors.station.chip_steps import require_blank
from conformance.actors.station.contents import require_places
from conformance.actors.station.former import OldCard
from conformance.actors.station.journal import JournalError, Request, State
from conformance.actors.station.link import ChipLink
from conformance.actors.station.old_card import OldChip
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Ending, Kind, Outcome, Step, Told
from conformance.actors.station.refusals import Refused
from conformance.actors.station.replaced import WITHOUT_FORMER, give_up, require_register_fits
from conformance.actors.station.run import MOST_RUNS, Run
from conformance.actors.station.work import Equipment, Work
from profiles.applications import awaited_directory


class Station:
    """A station that issues cards of one product.

    Args:
        equipment: Its products, and the desks that it can reach.
        listener: Is told of each step before and after it, when the journal has it.
    """

    def __init__(self, equipment: Equipment, listener: Callable[[Told], None] = lambda told: None) -> None:
        self.equipment = equipment
        self.product = equipment.product
        self.blank = equipment.blank
        self.centre = equipment.centre
        self.journal = equipment.journal
        self.listener = listener

    def issue(
        self, order: Order, link: CardLink, new_pin: str, old: OldChip | None = None, bank_pin: str = ""
    ) -> Outcome:
        """Issue a card for an order. An order that was carried out answers as it did, and touches no chip.

        Args:
            order: What the card shall say.
            link: The way to the blank chip.
            new_pin: PIN that the holder chooses in place of the initial one, 4 to 12 digits.
            old: The card that is replaced, where the order says that it is present.
            bank_pin: Online PIN that the holder of a first card with financial application chooses.
        """
        try:
            known = self.journal.request(order.number)
            if known is not None:
                return self._known(known, order)
            require_places(self.product, order)
            self._require_whole(order, old, bank_pin)
            require_register_fits(self.centre, order, own=None)
            chip = Chip(ChipLink(link))
            require_blank(self.equipment, order, chip)
            self.journal.begin(order, self.product.name, chip.atr.hex().upper())
        except (Refused, CardRefused) as problem:
            return Outcome(Ending.REFUSED, problem.zh, str(problem))
        except JournalError as problem:
            return Outcome(Ending.REFUSED, "流水不允许", str(problem))
        except CardGone as problem:
            return Outcome(Ending.REFUSED, "无卡", str(problem))
        except (HostUnreachable, OSError) as problem:
            return Outcome(Ending.REFUSED, "中心不可达", f"the centre cannot be reached: {problem}", unreachable=True)
        return self._run(order, link, new_pin, old, bank_pin)

    def _require_whole(self, order: Order, old: OldChip | None, bank_pin: str) -> None:
        """Everything that an order of its kind needs is there."""
        former, kind = order.former, order.kind
        if former.account and self.equipment.bank is not None and awaited_directory(self.blank) is None:
            sentence = f"chip {self.blank.name} has no application that waits for a bank; take one that has"
            raise Refused("空白卡没有待个人化的金融应用", sentence)
        if kind is Kind.FIRST:
            if former.account and self.equipment.bank is not None and not bank_pin:
                raise Refused("未设置银行卡密码", "a first card with an account needs the PIN that its holder chooses")
            return
        if former.account and self.equipment.bank is None:
            raise Refused("未连接银行", "the order has an account number, and the station no bank")
        if kind is Kind.UPGRADE and not former.account:
            raise Refused("缺少银行卡号", "an upgrade needs the account number of the bank card")
        if kind is Kind.DIFFERENT_NUMBER and bool(former.account) is not bool(former.new_account):
            raise Refused("缺少新旧卡号", "a change of number needs the account number and the new account number")
        present = former.old_card is OldCard.PRESENT
        if not present and kind in (Kind.UPGRADE, Kind.GENERATION):
            raise Refused("须持旧卡办理", f"a request of kind {kind} needs the old card")
        if present and old is None:
            raise Refused("旧卡不在读卡器", "the order says that the old card is present, and it is in no reader")
        if present and old is not None and kind not in WITHOUT_FORMER and old.product is None:
            raise Refused("未说明旧卡产品", "the product of the old social security card is not known")

    def resume(
        self, order: Order, link: CardLink, new_pin: str, old: OldChip | None = None, bank_pin: str = ""
    ) -> Outcome:
        """Go on with an interrupted request and its chip, or declare the chip destroyed; see :meth:`issue`."""
        known = self.journal.request(order.number)
        if known is None:
            return Outcome(Ending.REFUSED, "无此申请", f"the journal has no request {order.number}; issue it first")
        if known.state is not State.OPEN or not self.journal.has_same_contents(order):
            return self._known(known, order)
        if refusal := self._otherwise_begun(order):
            return refusal
        switched = self.journal.was_begun(order.number, Step.SWITCH)
        if known.attempts >= MOST_RUNS and not switched:
            return self.destroy(order.number, f"{known.attempts} runs over the chip were in vain")
        if known.product != self.product.name:
            sentence = f"the request is for a card of product {known.product}"
            return Outcome(Ending.INTERRUPTED, "产品不符", sentence)
        chip = Chip(ChipLink(link))
        try:
            chip.reset()
        except CardGone as problem:
            return Outcome(Ending.INTERRUPTED, "无卡", str(problem))
        except CardRefused as problem:
            return Outcome(Ending.INTERRUPTED, problem.zh, str(problem))
        if chip.atr.hex().upper() != known.atr:
            sentence = "another chip is in the reader; put that of the request back"
            return Outcome(Ending.INTERRUPTED, "不是该申请的芯片", sentence)
        if self.journal.is_done(order.number, Step.CHANGE_PIN):  # perhaps to another PIN than that of this run
            self.journal.note(order.number, Step.CHANGE_PIN, "failed")
        return self._run(order, link, new_pin, old, bank_pin)

    def _otherwise_begun(self, order: Order) -> Outcome | None:
        """A chip that was begun with the bank is finished with it, and one that was begun without is finished without."""
        at_bank = self.journal.was_begun(order.number, Step.FREEZE)
        with_bank = self.equipment.bank is not None and bool(order.former.account)
        if at_bank and not with_bank:
            sentence = f"request {order.number} began at the bank, too; connect the bank"
            return Outcome(Ending.INTERRUPTED, "未连接银行", sentence)
        if with_bank and not at_bank and self.journal.was_begun(order.number, Step.INITIALISE):
            sentence = f"request {order.number} began without the bank; finish it without"
            return Outcome(Ending.INTERRUPTED, "申请开始时未连接银行", sentence)
        return None

    def destroy(self, number: str, reason: str) -> Outcome:
        """Declare the chip of an open request destroyed: bank and centre take its card back, nobody gets it.

        Before the switch the old card works on. After it the new one, whose chip is gone, is off as a lost card is, and its
        holder gets another one by a request of its own. While a host cannot be reached the request stays open.
        """
        known = self.journal.request(number)
        if known is None or known.state is not State.OPEN:
            return Outcome(Ending.REFUSED, "无未完成的申请", f"the journal has no open request {number}")
        if self.equipment.bank is None and self.journal.was_begun(number, Step.FREEZE):
            sentence = f"request {number} began at the bank, too, which must take it back; connect the bank"
            return Outcome(Ending.REFUSED, "未连接银行", sentence)
        try:
            if self._take_back(known):
                reason += "; the cards were switched: replace the new one as a lost card"
        except (sqlite3.Error, HostUnreachable, OSError) as problem:
            return Outcome(Ending.INTERRUPTED, "银行或中心不可用", f"bank or centre cannot be used: {problem}")
        if self.journal.was_begun(number, Step.PRINT):
            self.journal.note(number, Step.PRINT, "failed")
            reason += "; the printed face is destroyed with it"
        self.journal.destroy(number, reason)
        return Outcome(Ending.DESTROYED, "芯片作废，不得交付", reason)

    def withdraw(self, number: str, reason: str) -> Outcome:
        """End an open request whose chip was not touched: all is as before, and the chip may serve another one."""
        known = self.journal.request(number)
        if known is None or known.state is not State.OPEN or self.journal.was_begun(number, Step.INITIALISE):
            return Outcome(Ending.REFUSED, "不能撤销", f"request {number} is not open, or its chip was changed")
        try:
            self._take_back(known)
        except (sqlite3.Error, HostUnreachable, OSError) as problem:
            return Outcome(Ending.INTERRUPTED, "银行不可用", f"the bank cannot be used: {problem}")
        self.journal.withdraw(number, reason)
        return Outcome(Ending.REFUSED, "申请已撤销，一切如前", reason)

    def _run(self, order: Order, link: CardLink, new_pin: str, old: OldChip | None, bank_pin: str) -> Outcome:
        work = Work(self.equipment, order, link, new_pin, old, bank_pin)
        if bank_pin and order.kind is Kind.FIRST and self.journal.is_done(order.number, Step.FREEZE):
            work.note(
                "银行卡密码为受理时所设，本次未改",
                "the bank has the PIN with which it began; that of this run was not taken",
            )
        return Run(work, self.destroy, self.withdraw, self.listener).go()

    def _take_back(self, known: Request) -> bool:
        """The bank's change is undone, the request's own card, and no other one, given up in the register.

        Answers whether the cards were switched already.
        """
        number, bank = known.number, self.equipment.bank
        switched = bank is not None and self.journal.was_begun(number, Step.FREEZE) and take_back(bank, number)
        if known.card and self.journal.was_begun(number, Step.REGISTER):
            give_up(self.centre, known.card, switched=switched)
        return switched

    def _known(self, known: Request, order: Order) -> Outcome:
        """What a request that the journal has answers again."""
        if not self.journal.has_same_contents(order):
            sentence = f"request {order.number} came with another order before; give this one another number"
            return Outcome(Ending.REFUSED, "申请编号已用于另一制卡数据", sentence)
        if known.state is State.COMPLETED:
            return Outcome(Ending.COMPLETED, "此前已完成", "was issued before", returned=known.returned)
        if known.state is State.WITHDRAWN:
            sentence = f"this request was withdrawn ({known.reason}); issue with a new number"
            return Outcome(Ending.REFUSED, "申请已撤销", sentence)
        if known.state is State.DESTROYED:
            sentence = f"the chip of this request was destroyed ({known.reason}); issue with a new number"
            return Outcome(Ending.DESTROYED, "芯片已作废", sentence)
        return Outcome(Ending.INTERRUPTED, "申请未完成", f"request {order.number} is open already")
