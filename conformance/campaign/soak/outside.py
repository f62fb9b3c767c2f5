"""The city as the eight rules see it: every chip out of its file, every host's books by SQL, everything that was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.medical.centre import Centre
from conformance.campaign.outside.books import CANCELLED, centre_books
from conformance.campaign.outside.facts import ChipFacts, Facts, look
from conformance.campaign.rules import Case, Finding, judge
from conformance.campaign.seams import Seams
from conformance.campaign.soak.city import PRODUCT, STATIONS, City
from conformance.campaign.soak.orders import Orders
from conformance.campaign.soak.visits import Terminals
from conformance.campaign.world import AS_BEFORE, COMPLETED, DESTROYED, Chip, HostBooks, World
from profiles import load

NOTHING = ChipFacts(None, None, None, b"")
"""What a chip showed before it was made."""
RETURNED = "SELECT entry.source, entry.target, entry.amount FROM entry WHERE reason = 'e-cash returned' AND id > ?"
NEWEST = "SELECT coalesce(max(id), 0) AS id FROM entry"


class CityWorld(World):
    """The city at the moments at which it is quiet."""

    def __init__(self, city: City, orders: Orders, terminals: Terminals) -> None:
        super().__init__(Seams(), city.folder)
        self.city, self.orders, self.terminals = city, orders, terminals
        self.persons = {each.person.key: each.person for each in city.citizens}
        self.hosts = {
            "bank": HostBooks(city.books("bank"), self._open_bank),
            "centre": HostBooks(city.books("centre"), self._open_centre),
        }
        self.journals = [city.journal(number) for number in range(STATIONS)]
        self.said = city.said
        self._shown: dict[str, ChipFacts] = {}
        self._entry = self._newest_entry()
        self.before = self._look()

    def _open_bank(self, path: Path) -> Any:
        return Bank(*IssuerKeys.of_profile(self.city.product), ledger=Ledger(path))

    def _open_centre(self, path: Path) -> Any:
        return Centre(self.city.product, path, year=self.city.year)

    def run(self) -> None:
        """The city runs by itself."""

    def recover(self) -> bool:
        """Every clerk has gone on to the end."""
        return True

    def update(self) -> None:
        """Every chip as its file holds it now."""
        city = self.city
        for name, made in city.chips.items():
            citizen = next(each for each in city.citizens if each.person.key == made.holder)
            pin = citizen.pin if made.product == PRODUCT and citizen.chip is made else ""
            code = made.transport_code if made.issued or made.replaced else b""
            self.chips[name] = Chip(
                *(city.copy_of(made), load(made.product), made.holder, made.issued, pin, made.replaced, code)
            )

    def _look(self) -> Facts:
        facts = look(self)
        self._shown |= facts.chips
        return facts

    # A quiet moment

    def judged(self) -> list[Finding]:
        """Everything that does not hold now; the next look begins from here."""
        known = {**dict.fromkeys(self.city.chips, NOTHING), **self._shown}
        before = replace(self.before, chips=known)
        self._declare_returned_e_cash()
        after = self._look()
        found = judge(Case(self, before, after, after, COMPLETED))
        found += [Finding(4, zh, en) for zh, en in self._orders(after)]
        found += [Finding(2, zh, en) for zh, en in self._bookings()]
        found += [Finding(*each) for each in self.terminals.findings]
        self.before, self._entry = after, self._newest_entry()
        self.city.moves.clear()
        self.terminals.findings.clear()
        return list(dict.fromkeys(found))

    def _newest_entry(self) -> int:
        return int(self.city.rows(self.city.books("bank"), NEWEST)[0]["id"])

    def _declare_returned_e_cash(self) -> None:
        """What an old chip held when it was last seen goes back to the account once, where its end is known."""
        city = self.city
        held = self._held_at_end()
        for row in city.rows(city.books("bank"), RETURNED, self._entry):
            if row["source"] in held:
                amount = held.pop(row["source"])
                city.moves[f"bank {row['source']}"] -= amount
                city.moves[f"bank {row['target']}"] += amount

    def _held_at_end(self) -> dict[str, int]:
        held = {}
        for name, made in self.city.chips.items():
            shown = self._shown.get(name, NOTHING).financial
            if made.replaced and shown is not None:
                held[f"e-cash {shown.pan} {shown.sequence}"] = made.e_cash
        return held

    def _orders(self, after: Facts) -> Iterator[tuple[str, str]]:
        """Each order ended completed, destroyed or as before, and its chip and the register say the same."""
        register = centre_books(self.city.books("centre")).cards
        for request in self.orders.done:
            facts, person = after.chips[request.chip.name], request.citizen.person
            if request.ending not in (COMPLETED, AS_BEFORE, DESTROYED):
                yield f"申请 {request.number} {request.ending}", f"order {request.number}: {request.ending}"
            works = facts.person == (person.identity, person.name) and facts.settles
            if request.ending == COMPLETED and not (facts.replaced or works):
                yield (
                    f"申请 {request.number} 完成而卡不可用",
                    f"order {request.number} completed, its card does not work",
                )
            in_use = register.get(facts.identification or "", ("", CANCELLED))[1] != CANCELLED
            if request.ending != COMPLETED and in_use:
                yield (
                    f"申请 {request.number} 未完成而卡在册",
                    f"order {request.number} ended {request.ending}, its card is registered",
                )

    def _bookings(self) -> Iterator[tuple[str, str]]:
        """Each wage and each bill stands in the bank's entries exactly as often, and with the amount, that the bank answered."""
        city = self.city
        rows = city.rows(
            city.books("bank"), "SELECT request, amount FROM entry WHERE request LIKE 'WAGE-%' OR request LIKE 'BILL-%'"
        )
        booked: dict[str, list[int]] = {}
        for row in rows:
            booked.setdefault(row["request"], []).append(row["amount"])
        for name in sorted(booked.keys() | city.booked.keys()):
            answered = [city.booked[name]] if city.booked.get(name) else []
            if booked.get(name, []) != answered:
                yield (
                    f"{name} 入账 {booked.get(name, [])}，应答为 {answered}",
                    f"{name} was booked {booked.get(name, [])}, the bank had answered {answered}",
                )

    # What the rules ask

    def ending(self, facts: Facts) -> str:
        """Judged order by order."""
        return COMPLETED

    def expected(self, ending: str) -> Mapping[str, int]:
        """Every citizen with a card has one that pays, unless it is lost; one of social security that settles."""
        wanted: Counter[str] = Counter()
        for citizen in self.city.citizens:
            wanted[citizen.pan] = int(citizen.chip is not None and not citizen.off)
            wanted[citizen.person.key] = int(citizen.is_whole)
        return wanted

    def declared(self, ending: str) -> Mapping[str, int] | None:
        """What was booked, paid, settled and returned; and the yearly credit of whoever the centre got to know."""
        moves = Counter(self.city.moves)
        known = self.before.centre.persons if self.before.centre is not None else {}
        centre = centre_books(self.city.books("centre"))
        credit = Centre(self.city.product).scheme.yearly_credit
        for person in centre.persons.keys() - known.keys():
            moves["centre income"] -= credit
            moves[f"centre account {person}"] += credit
        return moves

    def pending(self) -> int:
        """What terminals still owe the centre."""
        return self.terminals.disputed

    def on_purpose(self) -> frozenset[str]:
        """Numbers whose card was reported lost, and no other one made yet."""
        return frozenset(each.pan for each in self.city.citizens if each.off)
