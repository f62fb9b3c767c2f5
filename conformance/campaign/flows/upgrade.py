"""Flow 2, same-number upgrade 同号升级 of a debit card, and flow 3, same-number replacement 同号换卡 of a social security card.

Wages come in and a bill is drawn in the middle. The old card is in a reader of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.actors.bank import Bank
from conformance.actors.station import Kind, Station
from conformance.campaign.flows.persons import (
    ACCOUNT,
    BANK_PIN_A,
    DEBIT,
    OLD_SEQUENCE,
    PAN_A,
    PIN_A,
    A,
    debit_card,
    open_account,
    order_of,
    wages_and_bill,
)
from conformance.campaign.flows.station import Prefab, StationFlow, StationWorld, require_completed
from conformance.campaign.outside.books import CANCELLED, NORMAL, centre_books, reading
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import AS_BEFORE, COMPLETED, DESTROYED
from conformance.targets.in_process import fresh_chip
from profiles import load

FIRST = "CQ-2025-000009"


class UpgradeWorld(StationWorld):
    """Person A has a card whose number stays."""

    flow: UpgradeFlow

    def ending(self, facts: Facts) -> str:
        """Completed: the new card pays and settles. Otherwise the old one does, as before, and the new chip is no card."""
        state, new, old = self.state, facts.chips[self.made], facts.chips.get("old card A")
        centre = centre_books(self.hosts["centre"].path)
        registered = centre.cards.get(new.identification or "")
        if state == COMPLETED:
            whole = new.person == (A.identity, A.name) and registered == (A.identity, NORMAL) and new.settles
            shown = new.financial
            pays = shown is not None and shown.pan == PAN_A and shown.sequence > OLD_SEQUENCE and new.pays == "00"
            return COMPLETED if whole and pays else f"journal completed; social security {whole}, bank {pays}"
        usable = new.pays == "00" or new.settles or (registered is not None and registered[1] != CANCELLED)
        if state == DESTROYED:
            return DESTROYED if not usable else "journal destroyed, and the card may still be used"
        if state not in ("", "withdrawn"):
            return f"request {state}"
        works = self.rival_completed or (old is not None and old.pays == "00") or bool(self.on_purpose())
        return AS_BEFORE if works and not usable else "no request, and yet not as before"

    def expected(self, ending: str) -> dict[str, int]:
        """One card of the account number always; one of social security where there was one, or one was made."""
        made = ending == COMPLETED or self.rival_completed
        lost = bool(self.on_purpose()) and not made
        return {PAN_A: int(not lost), "A": int(made or (self.flow.had_social_security and not lost)), "B": 1}

    def declared(self, ending: str) -> dict[str, int] | None:
        """Wages, the bill, the e-cash that went back, and the yearly credit of a person whom the centre did not know."""
        moved = dict(self.booked)
        with reading(self.hosts["bank"].path) as base:
            rows = base.execute("SELECT pan, sequence, amount FROM e_cash_return").fetchall()
        for row in rows:
            moved[f"bank e-cash {row['pan']} {row['sequence']}"] = -row["amount"]
            account = f"bank account {self.flow.account}"
            moved[account] = moved.get(account, 0) + row["amount"]
        entered = A.identity in centre_books(self.hosts["centre"].path).persons
        if entered and not self.flow.had_social_security:
            credit = self.centre.scheme.yearly_credit
            moved |= {"centre income": -credit, f"centre account {A.identity}": credit}
        return moved


class UpgradeFlow(StationFlow):
    """A debit card becomes a social security card of the same number."""

    name, number = "upgrade", 2
    zh, en = "同号升级", "same-number upgrade"
    kind = Kind.UPGRADE
    account = ACCOUNT
    had_social_security = False

    def __init__(self, product: str = "ssc3-sm4") -> None:
        super().__init__(product)
        self.old_product = load(DEBIT)

    def prepare_old_card(self, bank: Bank, station: Station) -> dict[str, Any]:
        """A debit card with e-cash on it."""
        open_account(bank)
        return {"old card A": debit_card().snapshot()}

    def book(self, bank: Bank) -> dict[str, int]:
        """Wages come in, and a bill of the gas works is drawn."""
        return wages_and_bill(bank, PAN_A, self.account)

    def world(self, seams: Seams, folder: Path, prefab: Prefab) -> StationWorld:
        """See :class:`UpgradeWorld`."""
        return UpgradeWorld(self, seams, folder, prefab)


class ReplaceFlow(UpgradeFlow):
    """A social security card is replaced by one of the same number; the old one is there."""

    name, number = "replace", 3
    zh, en = "同号换卡", "same-number replacement"
    kind = Kind.REPLACEMENT
    account = PAN_A
    had_social_security = True

    def __init__(self, product: str = "ssc3-sm4") -> None:
        super().__init__(product)
        self.old_product = self.product

    def prepare_old_card(self, bank: Bank, station: Station) -> dict[str, Any]:
        """A card that the station issued."""
        target = fresh_chip(self.blank(4))
        require_completed(station.issue(order_of(A, FIRST), target, PIN_A, None, BANK_PIN_A))
        return {"old card A": target.snapshot()}
