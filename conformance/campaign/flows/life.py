"""Flow 7, loss and life cycle: reported lost by phone and found, locked and unlocked in the register, PIN blocked and reloaded.

A clerk has a list and ticks off what is done; what a failure left open is done again. The acts of the card register have no
numbers, so that one that comes late acts late: requests that overtake each other are none of the failures here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.keys import HsmKeys, KeysRefused
from conformance.actors.medical.messages import CardState, Channel
from conformance.actors.medical.pins import reload_pin
from conformance.actors.medical.reader import ENVIRONMENT, CardGone, CardReader, CardRefused
from conformance.actors.station.work import TERMINAL
from conformance.campaign.flows.persons import PAN_A, PIN_A
from conformance.campaign.flows.station import NUMBER, Prefab, StationWorld
from conformance.campaign.flows.upgrade import ReplaceFlow
from conformance.campaign.links import Guarded
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import COMPLETED, FlowStep
from emulator.iso7816 import SW

CARD = "old card A"
WRONG_PIN = "000000"
MOST_TRIES = 15
AT_CENTRE = frozenset({"card", "change_card"})
AT_BANK = frozenset({"report_lost", "found"})


class LifeWorld(StationWorld):
    """A clerk with a reader, and lines to bank and centre."""

    flow: LifeFlow

    def __init__(self, flow: LifeFlow, seams: Seams, folder: Path, prefab: Prefab) -> None:
        super().__init__(flow, seams, folder, prefab)
        self.done: list[str] = []
        """The clerk's list."""
        self._centre: Any = Guarded(seams, self.centre, "centre", only=AT_CENTRE)
        self._cards: Any = Guarded(seams, self.bank.cards, "bank", only=AT_BANK)
        self._list: dict[str, Callable[[], None]] = {
            "LOSE": lambda: self._both(CardState.TEMPORARILY_LOST, Channel.PHONE, self._cards.report_lost),
            "FIND": lambda: self._both(CardState.NORMAL, Channel.PHONE, self._cards.found),
            "LOCK": lambda: self._both(CardState.LOCKED, Channel.WINDOW, None),
            "UNLOCK": lambda: self._both(CardState.NORMAL, Channel.WINDOW, None),
            "BLOCK_PIN": self._block_pin,
            "RELOAD_PIN": self._reload_pin,
        }

    def run(self) -> None:
        """The list from its beginning, or from where it stands."""
        try:
            for step, act in self._list.items():
                if step not in self.done:
                    self.seams.step = step
                    act()
                    self.done.append(step)
        except (HostUnreachable, CardGone, CardRefused, KeysRefused, ValueError) as problem:
            self.said.append(str(problem))

    def recover(self) -> bool:
        """The clerk goes on with the list."""
        self.run()
        return len(self.done) == len(self._list)

    def _both(self, state: CardState, channel: Channel, at_bank: Callable[[str, str], Any] | None) -> None:
        """An act at the centre, unless it is done, and the same at the bank, which knows its number."""
        card = self.before.chips[CARD].identification or ""
        if self._centre.card(card).state is not state:
            self._centre.change_card(card, state, channel)
        if at_bank is not None:
            answer = at_bank(f"{NUMBER}/{self.seams.step}", PAN_A)
            self.said.append(str(answer.outcome))

    def _reader(self) -> CardReader:
        slot = self._old_slot
        if slot is None:
            raise CardGone("no card")
        product = self.flow.product
        reader = CardReader(slot, product, HsmKeys(product, TERMINAL, service=self.keys_of_card))
        reader.begin()
        reader.open(ENVIRONMENT)
        return reader

    def _block_pin(self) -> None:
        """Somebody tries PINs until the card takes none any more."""
        reader = self._reader()
        for _ in range(MOST_TRIES):
            answer = reader.send(0x00, 0x20, 0x00, 0x00, bytes.fromhex(WRONG_PIN), ne=0)
            if answer.sw == SW.AUTHENTICATION_METHOD_BLOCKED:
                return
        raise CardRefused("密码未锁定", "the card takes wrong PINs without end")

    def _reload_pin(self) -> None:
        reader = self._reader()
        reload_pin(reader, PIN_A)
        reader.begin()
        reader.open(ENVIRONMENT)
        reader.verify(PIN_A)

    def update(self) -> None:
        """Nothing is issued here, and nothing replaced."""

    def ending(self, facts: Facts) -> str:
        """The card settles and pays, and knows its PIN."""
        card = facts.chips[CARD]
        works = card.settles and card.pays == "00" and card.medical is not None
        return (
            COMPLETED if works else f"the card settles {card.settles}, pays {card.pays}, PIN {card.medical is not None}"
        )

    def expected(self, ending: str) -> dict[str, int]:
        """The cards of both persons work."""
        return {PAN_A: 1, "A": 1, "B": 1}

    def declared(self, ending: str) -> dict[str, int] | None:
        """No money moves."""
        return {}

    def on_purpose(self) -> frozenset[str]:
        """The card of person A is off while it is lost or locked."""
        return frozenset({PAN_A, "A"})


class LifeFlow(ReplaceFlow):
    """Loss, lock and PIN of a card."""

    name, number = "life", 7
    zh, en = "挂失、锁定与密码重装", "loss, lock and PIN reload"
    staged = frozenset()
    without = frozenset({"late", "very-late"})
    promised = None

    def __init__(self, product: str = "ssc3-sm4") -> None:
        super().__init__(product)
        self.steps = (
            FlowStep("LOSE", "口头挂失", "reported lost by phone", irreversible=True),
            FlowStep("FIND", "解挂", "found again", irreversible=True),
            FlowStep("LOCK", "应用锁定登记", "locked in the register", irreversible=True),
            FlowStep("UNLOCK", "解锁登记", "unlocked in the register", irreversible=True),
            FlowStep("BLOCK_PIN", "密码连续错误锁定", "PIN blocked by wrong tries", irreversible=True),
            FlowStep("RELOAD_PIN", "重装密码", "PIN reloaded", irreversible=True),
        )

    def world(self, seams: Seams, folder: Path, prefab: Prefab) -> LifeWorld:
        """See :class:`LifeWorld`."""
        return LifeWorld(self, seams, folder, prefab)
