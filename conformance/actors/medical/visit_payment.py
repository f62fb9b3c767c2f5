"""Mixed settlement: the insurance's part by the medical application, the own part 个人自付 by the same card's debit application.

The medical settlement comes first, because it alone tells the own part. Then the card is switched off and on, shows its
identification again, and pays exactly the own part by a purchase that the bank decides. Whatever fails, the visit ends in
one of the states of :class:`OwnPart`, and neither the centre nor the bank keeps an amount that another paid as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from conformance.actors.bank.messages import Host, HostUnreachable, Reversal
from conformance.actors.medical.messages import Clearing, Mode
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Outcome, Result, Step, Told, Visit
from conformance.actors.medical.visit_outbox import Kept, VisitOutbox
from conformance.actors.medical.visit_outbox import Stage as VisitStage
from conformance.actors.named import Named
from conformance.actors.outbox import Forgetful, Keeper
from conformance.actors.terminal import (
    DEFAULT_CONFIGURATION,
    Event,
    Holder,
    Kernel,
    Purchase,
    Reason,
    TerminalConfiguration,
    TransactionResult,
)
from conformance.actors.terminal.bits import Tvr
from conformance.actors.terminal.configuration import ACTION_CODE_LENGTH
from conformance.actors.terminal.till_outbox import TillOutbox
from conformance.actors.terminal.transaction import number_of

_ENDED = ("终端中途退出", "the terminal ended in the middle")


class OwnPart(Named):
    """What became of the own part of a bill."""

    NONE = "无个人自付", "no own part"
    CARD = "银行卡已支付", "paid by card"
    CASH = "现金已支付", "paid in cash"
    OWED = "挂账未付", "owed to the hospital"
    REVERSED = "医保结算已冲正", "the medical settlement is taken back"
    NOT_BEGUN = "未发起支付", "no payment begun"


class Unpaid(Named):
    """What a hospital does with an own part that the card does not pay. No text rules it: each hospital chooses (assumption)."""

    KEEP = "保留医保结算，收取现金", "the medical settlement stays, and cash is taken"
    REVERSE = "冲正医保结算", "the medical settlement is taken back"


@dataclass(frozen=True, slots=True)
class VisitResult:
    """How a visit ended.

    Attributes:
        medical: The medical settlement.
        own: What became of the own part.
        due: The own part in fen; 0 while the medical part is not settled.
        payment: The purchase, None where none was run.
        zh, en: Why the card did not pay; empty where it did, or was not asked.
        card_lost: Whether the card left the reader before it settled, or before it paid.
    """

    medical: Result
    own: OwnPart
    due: int = 0
    payment: TransactionResult | None = None
    zh: str = ""
    en: str = ""
    card_lost: bool = False

    @property
    def good(self) -> bool:
        """Whether the insurance's part is settled, and the card did what it was asked for."""
        done = self.own in (OwnPart.NONE, OwnPart.CARD) or (self.own is OwnPart.CASH and not self.en)
        return self.medical.outcome.good and done


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why the card did not pay."""

    zh: str
    en: str
    card_lost: bool = False
    payment: TransactionResult | None = None


class VisitDesk:
    """A hospital's desk at which both parts of a bill are settled with one card.

    Args:
        terminal: The medical terminal; its reader is the one slot for both applications.
        bank: The bank; every call may find it unreachable.
        holder: Who enters the PIN of the debit application; called anew for each payment.
        configuration: The payment terminal. It asks the bank for every own part and declines while it cannot be reached, so
            that no own part waits for clearing.
        unpaid: What happens to an own part that the card does not pay. A settlement of an offline area is kept all the same:
            its account stands on the card, and only the card could take it back.
        cash: Whether the holder pays an amount in cash.
        next_number: Gives each purchase its number, the next one of the payment terminal's counter; from 1 unless given.
        now: The desk's clock.
        listener: Hears of every step of the medical terminal's kind.
        payment_listener: Hears the events of the kernel.
        outbox: Where what is open is kept beyond the end of the program, the same file as the terminal's; in memory alone
            unless given. :meth:`resume` goes on with the visits that an earlier program left.
    """

    def __init__(
        self,
        terminal: HospitalTerminal,
        bank: Host,
        *,
        holder: Callable[[], Holder],
        configuration: TerminalConfiguration = DEFAULT_CONFIGURATION,
        unpaid: Unpaid = Unpaid.KEEP,
        cash: Callable[[int], bool] = lambda fen: True,
        next_number: Callable[[], int] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        listener: Callable[[Told], None] = lambda told: None,
        payment_listener: Callable[[Event], None] | None = None,
        outbox: Keeper | None = None,
    ) -> None:
        self.terminal = terminal
        self.unpaid = unpaid
        self.cash = cash
        self.results: dict[str, VisitResult] = {}
        """Every visit by its number; the same number again is not settled again."""
        self.medical_reversals: list[str] = []
        """Settlements to be taken back of which the centre has not heard yet."""
        self.bank_reversals: list[Reversal] = []
        """Purchases to be taken back of which the bank has not heard yet."""
        self._bank = bank
        self._holder = holder
        self._configuration = decided_by_bank(configuration)
        self._next_number = next_number or itertools.count(1).__next__
        self._now = now
        self._tell = listener
        self._payment_listener = payment_listener
        self._open: dict[str, tuple[bytes, bool]] = {}
        """Visits whose medical part the card settled, or may have: its identification, and whether it shall pay."""
        self._underway: set[str] = set()
        """Visits whose own part is being paid, or taken back."""
        self._till = TillOutbox(outbox)
        self._kept = VisitOutbox(outbox or Forgetful(), terminal, self._till)
        self._ended: list[str] = []
        """Visits of an earlier program whose end nobody heard."""
        self._take_up()

    def _take_up(self) -> None:
        left, paid = self._kept.take_up(), self._till.left()
        self.bank_reversals += paid.reversals
        approved = {each.number for each in paid.completions if each.approved}
        for number, stage, kept in left:
            medical, card = self.terminal.resolved.get(number), self.terminal.outbox.card_of(number)
            if medical is not None and medical.quote is not None and stage is VisitStage.REVERSAL:
                self.medical_reversals.append(number)
                self.results[number] = VisitResult(
                    medical, OwnPart.REVERSED, medical.quote.own, zh=_ENDED[0], en=_ENDED[1]
                )
            elif medical is not None and medical.quote is not None and kept.purchase in approved:
                self._ended.append(number)
                self.results[number] = VisitResult(medical, OwnPart.CARD, medical.quote.own)
            elif card is not None:
                self._open[number] = card, kept.by_card
            else:
                self._ended.append(number)

    def settle(self, visit: Visit, *, by_card: bool = True) -> VisitResult:
        """Settle a bill with the card in the reader; ``by_card`` is how the holder pays the own part.

        A number that the card settled before, or may have settled, gets the same result again.
        """
        known = self.results.get(visit.number)
        if known is not None and (known.medical.tac or known.medical.outcome is Outcome.UNKNOWN):
            return known
        self.deliver()
        self._kept.reach(visit.number, VisitStage.BEGUN, Kept(by_card))
        medical = self.terminal.settle(visit)
        card = self.terminal.reader.identification
        if medical.outcome is Outcome.UNKNOWN and card in self.terminal.unresolved:
            self._open[visit.number] = card, by_card
        result = self._own_part(medical, card, by_card=by_card)
        self._finish_open()
        self._end(visit.number)
        return result

    def _end(self, number: str) -> None:
        """A visit is over, unless its card must be asked, or the centre has not taken back what is to be taken back."""
        if number not in self._open and number not in self.medical_reversals:
            self._kept.end(number)

    def resume(self) -> list[VisitResult]:
        """Ask the card that came back what became of its settlement, and let it pay the own part of what it settled.

        Raises what a card that is gone again, or refuses, raises.
        """
        self.terminal.reader.begin()
        self.terminal.resolve()
        return self._finish_open()

    def _finish_open(self) -> list[VisitResult]:
        finished = []
        for number, (card, by_card) in list(self._open.items()):
            if number in self.terminal.resolved and card == self.terminal.reader.identification:
                del self._open[number]
                finished.append(self._own_part(self.terminal.resolved[number], card, by_card=by_card))
                self._end(number)
        return finished

    def deliver(self) -> list[Clearing]:
        """Send centre and bank what waits; answers what the centre said to settlements.

        A settlement is taken back only after the centre has it with its TAC, which is then used up for ever.
        """
        answers = self.terminal.deliver()
        waiting = {each.number for each in self.terminal.undelivered}
        for number in [each for each in self.medical_reversals if each not in waiting]:
            try:
                self.terminal.centre.reverse(number)
            except HostUnreachable:
                break
            self.medical_reversals.remove(number)
            if number not in self._underway:
                self._kept.end(number)
            self._say(Step.REVERSAL, f"中心已冲正 {number}", f"the centre has taken {number} back")
        self._deliver_to_bank()
        return answers

    def _deliver_to_bank(self) -> None:
        try:
            for completion in self._till.left().completions:
                self._bank.complete(completion)
                self._till.forget(completion.number)
            while self._ended:
                self._kept.end(self._ended.pop(0))
            while self.bank_reversals:
                self._bank.reverse(self.bank_reversals[0])
                self._till.held.discard(self.bank_reversals[0].number)
                self._till.forget(self.bank_reversals[0].number)
                del self.bank_reversals[0]
                self._say(Step.REVERSAL, "银行已冲正", "the bank has taken the purchase back")
        except HostUnreachable:
            return

    def _say(self, step: Step, zh: str, en: str) -> None:
        self._tell(Told(step, zh, en))

    # The own part

    def _own_part(self, medical: Result, card: bytes, *, by_card: bool) -> VisitResult:
        self._underway.add(medical.visit.number)
        result = self._paid(medical, card, by_card=by_card)
        self._underway.discard(medical.visit.number)
        self.results[medical.visit.number] = result
        self._say(Step.OWN_PART, result.own.zh, result.own.en)
        return result

    def _paid(self, medical: Result, card: bytes, *, by_card: bool) -> VisitResult:
        if not medical.outcome.good or medical.quote is None:
            return VisitResult(medical, OwnPart.NOT_BEGUN, card_lost=medical.card_lost)
        due = medical.quote.own
        if not due:
            return VisitResult(medical, OwnPart.NONE)
        if not by_card:
            return self._in_cash(medical, due)
        paid = self._by_card(medical.visit.number, card, due)
        if isinstance(paid, TransactionResult):
            return VisitResult(medical, OwnPart.CARD, due, paid)
        self._say(Step.OWN_PART, f"卡片未支付：{paid.zh}", f"the card did not pay: {paid.en}")
        if self.unpaid is Unpaid.REVERSE and self.terminal.centre.mode is not Mode.OFFLINE:
            return self._taken_back(medical, due, paid)
        return self._in_cash(medical, due, paid)

    def _by_card(self, visit: str, card: bytes, due: int) -> TransactionResult | _Failure:
        """A purchase with the same card in the same slot; a reversal that waits goes first."""
        reader = self.terminal.reader
        try:
            reader.begin()
        except CardGone:
            return _Failure("卡片已拔出", "the card is gone", card_lost=True)
        except CardRefused as refused:
            return _Failure(refused.zh, str(refused))
        if reader.identification != card:
            return _Failure("读卡器中是另一张卡", "another card is in the reader", card_lost=True)
        self._deliver_to_bank()
        kernel = Kernel(
            *(reader.link, self._configuration),
            host=self._bank,
            holder=self._holder(),
            listener=self._payment_listener,
            outbox=self._till,
        )
        purchase = Purchase(due, number=self._next_number(), when=self._now(), e_cash=False, force_online=True)
        self._kept.reach(visit, VisitStage.PAYING, Kept(True, number_of(self._configuration, purchase)))
        payment = kernel.run(purchase)
        if payment.undelivered is not None:
            self.bank_reversals.append(payment.undelivered)
        if payment.approved:
            return payment
        reason = payment.reason
        return _Failure(reason.zh, reason.en, card_lost=reason is Reason.CARD_LOST, payment=payment)

    def _in_cash(self, medical: Result, due: int, failed: _Failure | None = None) -> VisitResult:
        own = OwnPart.CASH if self.cash(due) else OwnPart.OWED
        return _ended(medical, own, due, failed)

    def _taken_back(self, medical: Result, due: int, failed: _Failure) -> VisitResult:
        number = medical.visit.number
        self._kept.reach(number, VisitStage.REVERSAL, Kept(True, failed.payment.number if failed.payment else ""))
        self.medical_reversals.append(number)
        self.deliver()
        if number in self.medical_reversals:
            self._say(Step.REVERSAL, "冲正待发", "the reversal is kept for later")
        return _ended(medical, OwnPart.REVERSED, due, failed)


def decided_by_bank(configuration: TerminalConfiguration) -> TerminalConfiguration:
    """The same terminal, which declines a purchase that the bank shall decide (TVR byte 4 bit 4) while it cannot be reached."""
    forced = Tvr.FORCED_ONLINE.to_bytes(ACTION_CODE_LENGTH, "big")
    return replace(
        configuration,
        applications=tuple(
            replace(each, tac_online=_either(each.tac_online, forced), tac_default=_either(each.tac_default, forced))
            for each in configuration.applications
        ),
    )


def _either(one: bytes, other: bytes) -> bytes:
    return bytes(a | b for a, b in zip(one, other, strict=True))


def _ended(medical: Result, own: OwnPart, due: int, failed: _Failure | None) -> VisitResult:
    if failed is None:
        return VisitResult(medical, own, due)
    return VisitResult(medical, own, due, failed.payment, failed.zh, failed.en, failed.card_lost)
