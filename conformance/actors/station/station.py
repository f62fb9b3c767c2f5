"""The issuing station 即时制卡设备: one blank chip, one order, and a card at the end or none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from conformance.actors.medical.messages import CardState
from conformance.actors.medical.reader import CardGone, CardLink, CardRefused
from conformance.actors.station.chip import Chip
from conformance.actors.station.chip_steps import require_blank
from conformance.actors.station.contents import require_places
from conformance.actors.station.desk_steps import require_no_card
from conformance.actors.station.journal import JournalError, Request, State
from conformance.actors.station.link import ChipLink
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Ending, Outcome, Step, Told
from conformance.actors.station.refusals import Refused
from conformance.actors.station.run import MOST_RUNS, Run
from conformance.actors.station.work import Equipment, Work


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

    def issue(self, order: Order, link: CardLink, new_pin: str) -> Outcome:
        """Issue a card for an order. An order that was carried out answers as it did, and touches no chip.

        Args:
            order: What the card shall say.
            link: The way to the blank chip.
            new_pin: PIN that the holder chooses in place of the initial one, 4 to 12 digits.
        """
        try:
            known = self.journal.request(order.number)
            if known is not None:
                return self._known(known, order)
            require_places(self.product, order)
            require_no_card(self.centre, order, own=None)
            chip = Chip(ChipLink(link))
            require_blank(self.equipment, chip)
            self.journal.begin(order, self.product.name, chip.atr.hex().upper())
        except (Refused, CardRefused) as problem:
            return Outcome(Ending.REFUSED, problem.zh, str(problem))
        except JournalError as problem:
            return Outcome(Ending.REFUSED, "流水不允许", str(problem))
        except CardGone as problem:
            return Outcome(Ending.REFUSED, "无卡", str(problem))
        return self._run(order, link, new_pin)

    def resume(self, order: Order, link: CardLink, new_pin: str) -> Outcome:
        """Go on with an interrupted request and its chip, or declare the chip destroyed."""
        known = self.journal.request(order.number)
        if known is None:
            return Outcome(Ending.REFUSED, "无此申请", f"the journal has no request {order.number}; issue it first")
        if known.state is not State.OPEN or not self.journal.has_same_contents(order):
            return self._known(known, order)
        if known.attempts >= MOST_RUNS:
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
        return self._run(order, link, new_pin)

    def destroy(self, number: str, reason: str) -> Outcome:
        """Declare the chip of an open request destroyed: the centre cancels its card, nobody gets it.

        While the centre's books cannot be used the request stays open.
        """
        known = self.journal.request(number)
        if known is None or known.state is not State.OPEN:
            return Outcome(Ending.REFUSED, "无未完成的申请", f"the journal has no open request {number}")
        try:
            self._cancel(known)
        except sqlite3.Error as problem:
            return Outcome(Ending.INTERRUPTED, "中心不可用", f"the centre's books cannot be used: {problem}")
        if self.journal.may_be_printed(number):
            self.journal.note(number, Step.PRINT, "failed")
            reason += "; the printed face is destroyed with it"
        self.journal.destroy(number, reason)
        return Outcome(Ending.DESTROYED, "芯片作废，不得交付", reason)

    def _run(self, order: Order, link: CardLink, new_pin: str) -> Outcome:
        return Run(Work(self.equipment, order, link, new_pin), self.destroy, self.listener).go()

    def _cancel(self, known: Request) -> None:
        """The request's own card, and no other one, leaves the register."""
        card = (
            self.centre.books.card(known.card) if known.card and self.journal.may_be_registered(known.number) else None
        )
        if card is not None and card.state is not CardState.CANCELLED:
            self.centre.change_card(card.card, CardState.CANCELLED)

    def _known(self, known: Request, order: Order) -> Outcome:
        """What a request that the journal has answers again."""
        if not self.journal.has_same_contents(order):
            sentence = f"request {order.number} came with another order before; give this one another number"
            return Outcome(Ending.REFUSED, "申请编号已用于另一制卡数据", sentence)
        if known.state is State.COMPLETED:
            return Outcome(Ending.COMPLETED, "此前已完成", "was issued before", returned=known.returned)
        if known.state is State.DESTROYED:
            sentence = f"the chip of this request was destroyed ({known.reason}); issue with a new number"
            return Outcome(Ending.DESTROYED, "芯片已作废", sentence)
        return Outcome(Ending.INTERRUPTED, "申请未完成", f"request {order.number} is open; go on with: station resume")
