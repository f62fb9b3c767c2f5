"""Flow 1, first issuance 首次发卡: from a blank chip to a card in its holder's hand, with social security and a bank account."""

from __future__ import annotations

from pathlib import Path

from conformance.campaign.flows.persons import PAN_A, A
from conformance.campaign.flows.station import Prefab, StationFlow, StationWorld
from conformance.campaign.outside.books import CANCELLED, NORMAL, centre_books
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Seams
from conformance.campaign.world import AS_BEFORE, COMPLETED, DESTROYED


class IssueWorld(StationWorld):
    """Person A has no card yet."""

    def ending(self, facts: Facts) -> str:
        """Completed: journal, register, bank and chip say so. Destroyed: the journal says so, nobody may use the card."""
        state, chip = self.state, facts.chips[self.made]
        centre = centre_books(self.hosts["centre"].path)
        registered = centre.cards.get(chip.identification or "")
        if state == COMPLETED:
            whole = chip.person == (A.identity, A.name) and registered == (A.identity, NORMAL) and chip.settles
            pays = chip.financial is not None and chip.financial.pan == PAN_A and chip.pays == "00"
            return COMPLETED if whole and pays else f"journal completed; social security {whole}, bank {pays}"
        used = [card for card, (person, number) in centre.cards.items() if person == A.identity and number != CANCELLED]
        if state == DESTROYED:
            gone = chip.identification not in used and chip.pays != "00"
            return DESTROYED if gone else "journal destroyed, and the card may still be used"
        if state in ("", "withdrawn"):
            fresh = chip.identification is None and chip.open_transport
            return AS_BEFORE if fresh else "no request, and yet the chip is changed"
        return f"request {state}"

    def expected(self, ending: str) -> dict[str, int]:
        """One card of person A where a request completed, of whichever station."""
        made = int(ending == COMPLETED or self.rival_completed)
        return {"A": made, PAN_A: made, "B": 1}

    def declared(self, ending: str) -> dict[str, int] | None:
        """A new person's medical account begins with the yearly credit, once; nothing is booked at the bank."""
        entered = A.identity in centre_books(self.hosts["centre"].path).persons
        credit = self.centre.scheme.yearly_credit if entered else 0
        return {"centre income": -credit, f"centre account {A.identity}": credit}


class IssueFlow(StationFlow):
    """First issuance."""

    name, number = "issue", 1
    zh, en = "首次发卡", "first issuance"
    staged = frozenset({"rival", "same-again"})

    def world(self, seams: Seams, folder: Path, prefab: Prefab) -> IssueWorld:
        """See :class:`IssueWorld`."""
        return IssueWorld(self, seams, folder, prefab)
