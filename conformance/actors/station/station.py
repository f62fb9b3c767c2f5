"""The issuing station 即时制卡设备: one blank chip, one order, and a card at the end or none."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from conformance.actors.key_service import KeyService
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys, KeysRefused
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.pins import change_pin, reload_pin
from conformance.actors.medical.reader import ENVIRONMENT, CardGone, CardLink, CardReader, CardRefused
from conformance.actors.station.chip import Chip, Phase
from conformance.actors.station.initialisation import CardData, Initialiser
from conformance.actors.station.journal import Journal, JournalError, Request, State
from conformance.actors.station.link import ChipLink
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Ending, Outcome, Return, Step, Told
from conformance.actors.station.tree import TreeError
from conformance.actors.station.verification import Verification
from emulator.iso7816 import SW
from profiles.model import Profile

MOST_RUNS = 4
"""Runs over a chip, three of them repetitions, before it is retained (SSC-ISS-010)."""
TERMINAL = bytes.fromhex("500000000010")
"""Terminal number that the station's HSM shows."""
READ_KEY = "RKSSSE"


class _Refused(Exception):
    """Nothing was changed."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


class _Destroyed(_Refused):
    """The chip can never be handed out."""


class Station:
    """A station that issues cards of one product.

    Args:
        product: The card product whose social security application goes onto the chip.
        blank: The product of the blank chip: its maker's keys.
        centre: The insurance centre.
        journal: The station's journal.
        listener: Is told of each step before and after it, when the journal has it.
    """

    def __init__(
        self,
        product: Profile,
        blank: Profile,
        centre: Centre,
        journal: Journal,
        listener: Callable[[Told], None] = lambda told: None,
    ) -> None:
        self.product = product
        self.blank = blank
        self.centre = centre
        self.journal = journal
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
            self.require_no_card(order, own=None)
            chip = Chip(ChipLink(link))
            self.require_blank(chip)
            self.journal.begin(order, self.product.name, chip.atr.hex().upper())
        except (_Refused, CardRefused) as problem:
            return Outcome(Ending.REFUSED, problem.zh, str(problem))
        except JournalError as problem:
            return Outcome(Ending.REFUSED, "流水不允许", str(problem))
        except CardGone as problem:
            return Outcome(Ending.REFUSED, "无卡", str(problem))
        return _Run(self, order, link, new_pin).go()

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
        return _Run(self, order, link, new_pin).go()

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
        self.journal.destroy(number, reason)
        return Outcome(Ending.DESTROYED, "芯片作废，不得交付", reason)

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

    def require_no_card(self, order: Order, own: str | None) -> None:
        """First issuance: the register has no card of the person but cancelled ones."""
        others = [card for card in self.centre.books.cards_of(order.person) if card.card != own]
        if any(card.state is not CardState.CANCELLED for card in others):
            raise _Refused("持卡人已有社会保障卡", "the person has a card already; a first issuance is not possible")

    def require_blank(self, chip: Chip) -> None:
        """A chip of the blank product in which nothing was made."""
        historical = chip.reset()
        name = self.product.directory[ENVIRONMENT].aid or b""
        if chip.knows(name):
            raise _Refused("不是空白卡", "the chip is not blank: it has a social security application")
        if chip.show_transport_code(KeyService(self.blank, historical)) is Phase.CLOSED:
            raise _Refused("不是空白卡", "the chip is not blank: its pre-issue commands are closed")


class _Run:
    """One run over a chip: the steps that the journal has not as done."""

    def __init__(self, station: Station, order: Order, link: CardLink, new_pin: str) -> None:
        self._station = station
        self._journal = station.journal
        self._centre = station.centre
        self._order = order
        self._link = ChipLink(link)
        self._new_pin = new_pin
        self._chip = Chip(self._link)
        self._told: list[Told] = []
        self._data: CardData
        self._actions: dict[Step, Callable[[], None]] = {
            Step.BLANK_CHECK: self._blank_check,
            Step.INITIALISE: self._initialise,
            Step.CLOSE: self._close,
            Step.PERSONALISE: self._personalise,
            Step.READ_BACK: self._read_back,
            Step.REGISTER: self._register,
            Step.ACTIVATE: self._activate,
            Step.CHANGE_PIN: self._change_pin,
            Step.RETURN: self._return,
        }

    def go(self) -> Outcome:
        """The steps in their order."""
        number = self._order.number
        self._journal.attempt(number)
        step = Step.BLANK_CHECK
        try:
            historical = self._chip.reset()
            self._data = CardData(self._station.product, self._order, historical)
            self._journal.name_card(number, self._data.identification)
            for step, action in self._actions.items():
                if not self._journal.is_done(number, step):
                    self._take(step, action)
        except CardGone as problem:
            return self._interrupted(step, "卡片脱离", str(problem))
        except (CardRefused, KeysRefused, TreeError) as problem:
            return self._failed(step, str(problem))
        except sqlite3.Error as problem:
            return self._interrupted(step, "中心不可用", f"the centre's books cannot be used: {problem}")
        except _Destroyed as problem:
            self._journal.note(number, step, "failed")
            outcome = self._station.destroy(number, problem.en)
            return Outcome(outcome.ending, problem.zh, outcome.en, tuple(self._told))
        known = self._journal.request(number)
        returned = known.returned if known is not None else None
        return Outcome(Ending.COMPLETED, "可交付", "may be handed over", tuple(self._told), returned)

    def _take(self, step: Step, action: Callable[[], None]) -> None:
        number, link = self._order.number, self._link
        self._journal.note(number, step, "before")
        self._station.listener(Told(step, False))
        begin, seconds, commands = time.perf_counter(), link.seconds, link.commands
        action()
        self._journal.note(number, step, "after")
        told = Told(step, True, time.perf_counter() - begin, link.seconds - seconds, link.commands - commands)
        self._told.append(told)
        self._station.listener(told)

    def _interrupted(self, step: Step, zh: str, en: str) -> Outcome:
        self._journal.note(self._order.number, step, "failed")
        return Outcome(Ending.INTERRUPTED, zh, f"{step.en}: {en}", tuple(self._told))

    def _failed(self, step: Step, en: str) -> Outcome:
        """The chip refused: it may be tried again, but not for ever; what reads back wrong is written again."""
        known = self._journal.request(self._order.number)
        if known is not None and known.attempts >= MOST_RUNS:
            self._journal.note(self._order.number, step, "failed")
            outcome = self._station.destroy(self._order.number, f"{step.en}: {en}")
            return Outcome(outcome.ending, outcome.zh, outcome.en, tuple(self._told))
        if step is Step.READ_BACK:
            self._journal.note(self._order.number, Step.PERSONALISE, "failed")
        return self._interrupted(step, "芯片拒绝", en)

    # The steps

    def _production(self) -> KeyService:
        historical = self._chip.reset()
        return KeyService(self._station.blank, historical)

    def _blank_check(self) -> None:
        try:
            self._station.require_blank(self._chip)
        except _Refused as problem:
            raise _Destroyed(problem.zh, problem.en) from problem

    def _initialise(self) -> None:
        begun = self._journal.entries(self._order.number).count((Step.INITIALISE.name, "before")) > 1
        production = self._production()
        Initialiser(self._chip, self._station.product, self._data, production).build(anew=begun)

    def _close(self) -> None:
        production = self._production()
        Initialiser(self._chip, self._station.product, self._data, production).close()

    def _reader(self) -> CardReader:
        """The card through its ordinary commands, with the initial PIN and the key service's keys."""
        product = self._station.product
        initial = self._initial_pin
        reader = CardReader(self._link, product, HsmKeys(product, TERMINAL), pin=lambda: initial)
        reader.begin()
        if reader.identification.hex().upper() != self._data.identification:
            raise CardRefused("卡的识别码不符", "the card shows another identification than it was given")
        return reader

    @property
    def _initial_pin(self) -> str:
        return next(pin.value for pin in self._station.product.directory[ENVIRONMENT].pin.values())

    def _personalise(self) -> None:
        """Issue items (SSC-LIFE-014): they may be written again and again until the card is handed over."""
        reader = self._reader()
        Verification(reader, self._data).genuine()
        reader.authenticate(READ_KEY)
        for name in ("EF06", "EF05"):
            file = reader.file(f"{ENVIRONMENT}/{name}")
            for tag in file.elements:
                if tag in self._order.values:
                    reader.write(f"{ENVIRONMENT}/{name}", tag, self._order.values[tag])

    def _read_back(self) -> None:
        Verification(self._reader(), self._data).everything()

    def _register(self) -> None:
        order, card = self._order, self._data.identification
        found = self._centre.books.card(card)
        if found is not None:
            if found.person != order.person or found.state is CardState.CANCELLED:
                raise _Destroyed("识别码已登记", "the centre has this identification for another card")
            return
        try:
            self._station.require_no_card(order, card)
            if self._centre.inquire(order.person) is None:
                self._centre.insure(order.person, order.name)
            historical = self._chip.reset()
            self._centre.register(card, order.person, historical, CardState.SEALED)
        except (_Refused, ValueError) as problem:
            raise _Destroyed("中心拒绝登记", str(problem)) from problem

    def _activate(self) -> None:
        card = self._centre.books.card(self._data.identification)
        if card is not None and card.state is CardState.NORMAL:
            return
        try:
            self._centre.change_card(self._data.identification, CardState.NORMAL)
        except ValueError as problem:
            raise _Destroyed("中心拒绝启用", str(problem)) from problem

    def _change_pin(self) -> None:
        """Initial PIN to the holder's; where an earlier run left another one, PUK and STK set it."""
        reader = self._reader()
        reader.open(ENVIRONMENT)
        try:
            change_pin(reader, self._initial_pin, self._new_pin)
        except CardRefused as refused:
            if refused.sw >> 8 != 0x63 and refused.sw != SW.AUTHENTICATION_METHOD_BLOCKED:
                raise
            reload_pin(reader, self._new_pin)
        reader.begin()
        reader.open(ENVIRONMENT)
        reader.verify(self._new_pin)

    def _return(self) -> None:
        order = self._order
        reader = self._reader()
        version = reader.text(f"{ENVIRONMENT}/EF05", "03")
        returned = Return(
            order.number, self._data.identification, reader.atr.hex().upper(), version, "", order.masked_person
        )
        self._journal.complete(order.number, returned)
