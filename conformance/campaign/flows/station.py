"""What the flows at the issuing station share: its program, a rival's, bank, centre, blank chips, an old card, persons A and B.

Person A gets a card. Person B has one already, made by the same station before. Another station of the same products, with a
journal of its own, may work on person A at the same time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.key_service import KeyService
from conformance.actors.medical.centre import Centre
from conformance.actors.station import Ending, Equipment, Journal, Kind, OldChip, Outcome, Station, Told
from conformance.actors.station.chip import TRANSPORT_KEY
from conformance.actors.station.journal import NO_COST
from conformance.actors.station.outcome import Step
from conformance.actors.station.steps import planned
from conformance.actors.station.timeline import PROMISED, entries
from conformance.campaign.flows.persons import (
    BANK_PIN_A,
    BANK_PIN_B,
    BLANKS,
    OLD_SEQUENCE,
    PAN_A,
    PIN_A,
    PIN_B,
    A,
    B,
    agree,
    compact,
    order_of,
)
from conformance.campaign.links import Guarded, Slot
from conformance.campaign.outside.books import reading
from conformance.campaign.seams import Killed, Seams
from conformance.campaign.seams import Kind as PlaceKind
from conformance.campaign.world import COMPLETED, DESTROYED, Chip, Flow, FlowStep, HostBooks, World, hurry
from conformance.events import TimedEntry
from conformance.targets.in_process import InProcessTarget, chip_of, fresh_chip, numbered
from profiles import load
from profiles.face import Face
from profiles.model import Profile

NUMBER, RIVAL, EARLIER = "CQ-2026-000001", "CQ-2026-000002", "CQ-2026-000000"
JOURNALLED = frozenset({"begin", "name_card", "attempt", "note", "complete", "destroy", "withdraw", "forgive"})
AT_BANK = frozenset(
    {
        *("authorise", "complete", "reverse", "change", "open", "freeze", "order", "personalisation", "switch", "undo"),
        *("return_e_cash", "report_lost", "record"),
    }
)
AT_KEYS = frozenset(
    {
        *("external_authentication", "internal_authentication", "maintenance_mac", "identification_code", "encipher"),
        *("enciphered_pin_block", "enciphered_key", "enciphered_under", "transport_code", "master_authentication"),
    }
)
AT_AUTHORITY = frozenset({"answer"})
IRREVERSIBLE = frozenset(
    {Step.CLOSE, Step.REGISTER, Step.SWITCH, Step.ACTIVATE, Step.BLOCK_OLD, Step.RETURN_E_CASH, Step.RETURN}
)
WITHDRAWN = "withdrawn"
OVER = (COMPLETED, DESTROYED, WITHDRAWN)
REQUEST = FlowStep("REQUEST", "受理申请", "request")


@dataclass(frozen=True, slots=True)
class Prefab:
    """With what every world of a flow begins: files of books, and memories of chips, by name."""

    books: Mapping[str, bytes]
    chips: Mapping[str, Any]


class Press:
    """A printer: what fails while it prints fails at the chip, whose data it prints, or in the journal."""

    def print_face(self, face: Face) -> Face:
        """The face, as it was to be."""
        return face


class StationWorld(World):
    """Station, rival, bank, centre, blank chips, the old card of person A where there is one, the card of person B."""

    def __init__(self, flow: StationFlow, seams: Seams, folder: Path, prefab: Prefab) -> None:
        super().__init__(seams, folder)
        self.flow = flow
        self.persons = {"A": A, "B": B}
        self.hosts = {
            "bank": HostBooks(folder / "bank.sqlite", flow.open_bank),
            "centre": HostBooks(folder / "centre.sqlite", flow.open_centre),
        }
        self.journals = [folder / "journal.sqlite", folder / "rival.sqlite"]
        self.bank, self.centre = (host.open(host.path) for host in self.hosts.values())
        self.told: list[Told] = []
        self.handed_out: set[str] = set()
        self.rival_begun = False
        self.booked: dict[str, int] = {}
        self._atrs: dict[str, str] = {}
        self._slot = Slot(seams, self._blank("chip 1", 1))
        self._others_slot = Slot(seams, self._blank("chip 2", 2), "other card")
        self._old_slot: Slot | None = None
        for name, memory in prefab.chips.items():
            target, holder = chip_of(memory), name[-1]
            pin = PIN_A if holder == "A" else PIN_B
            product = flow.old_product if name == "old card A" else flow.product
            self.chips[name] = Chip(target, product, holder, issued=True, pin=pin)
            if name == "old card A":
                self._old_slot = Slot(seams, target, "old card")

    def _blank(self, name: str, serial: int) -> InProcessTarget:
        blank = self.flow.blank(serial)
        target = fresh_chip(blank)
        code = KeyService(blank, blank.chip.historical).transport_code(TRANSPORT_KEY)
        self.chips[name] = Chip(target, self.flow.product, "A", pin=PIN_A, transport_code=code, certified=True)
        self._atrs[target.reset().hex().upper()] = name
        return target

    # The station

    def _at_station(self, slot: Slot, number: str, journal: Path, *, watched: bool = True) -> Outcome | None:
        """A run of the station's program: it begins the request, or goes on with it. None where it was killed."""
        opened = self.flow.open_journal(journal)
        order = order_of(A, number, self.flow.kind, self.flow.old_card)
        old = self._old_chip()
        try:
            station = self.flow.station(self._equipment(opened, watched=watched), self._tell)
            act = station.resume if self._state(journal, number) == "open" else station.issue
            outcome = act(order, slot, PIN_A, old, BANK_PIN_A)
        except Killed:
            return None
        finally:
            opened.close()
        self.said += [outcome.zh, outcome.en]
        if outcome.ending is Ending.COMPLETED and outcome.steps:  # otherwise it was handed out before
            self.handed_out.add("chip 1" if slot is self._slot else "chip 2")
        return outcome

    def _equipment(self, journal: Journal, *, watched: bool) -> Equipment:
        centre, bank, kept = self.centre, self.bank, journal
        if watched:
            centre = cast(Centre, Guarded(self.seams, centre, "centre"))
            bank = cast(Bank, Guarded(self.seams, bank, "bank", parts=frozenset({"cards"}), only=AT_BANK))
            guarded = Guarded(self.seams, journal, "journal", PlaceKind.MOMENT, only=JOURNALLED, before=self._note_step)
            kept = cast(Journal, guarded)
        equipment = self.flow.equipment(centre, bank, kept)
        if not watched:
            return equipment
        authority = Guarded(self.seams, equipment.certificates, "authority", only=AT_AUTHORITY)
        return replace(equipment, keys=self.keys_of_card, certificates=cast(CertificationAuthority, authority))

    def keys_of_card(self, profile: Profile, historical: bytes, city_code: str | None = None) -> KeyService:
        """The key service for a card, behind a line."""
        service = KeyService(profile, historical, city_code)
        return cast(KeyService, Guarded(self.seams, service, "keys", PlaceKind.QUERY, only=AT_KEYS))

    def _old_chip(self) -> OldChip | None:
        if self._old_slot is None:
            return None
        product = None if self.flow.old_product is not self.flow.product else self.flow.product
        return OldChip(self._old_slot, lambda: BANK_PIN_A, product)

    def _note_step(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "note" and arguments[2] == "before":
            self.seams.step = arguments[1].name

    def _tell(self, told: Told) -> None:
        self.told.append(told)
        self.said.append(f"{told.step.zh} {told.step.en}")

    def run(self) -> None:
        """An operator takes the order."""
        self.seams.step = REQUEST.name
        self._at_station(self._slot, NUMBER, self.journals[0])

    def recover(self) -> bool:
        """The operator looks into the journal: begin, go on, or nothing left to do."""
        if self.rival_begun and self._state(self.journals[1], RIVAL) == "open":
            self._rival()
        if self._state(self.journals[0], NUMBER) not in OVER:
            self.seams.step = REQUEST.name
            outcome = self._at_station(self._slot, NUMBER, self.journals[0])
            if outcome is not None and outcome.ending is Ending.REFUSED:
                return True
        return self._state(self.journals[0], NUMBER) in OVER

    def meanwhile(self, failure: str) -> None:
        """Another station for the same person, the same request begun once more with another chip, or wages and a bill."""
        if failure == "rival":
            self._rival()
        elif failure == "same-again":
            self._at_station(self._others_slot, NUMBER, self.journals[0], watched=False)
        elif not self.booked:
            self.booked = self.flow.book(self.bank)

    def _rival(self) -> None:
        self.rival_begun = True
        self._at_station(self._others_slot, RIVAL, self.journals[1], watched=False)

    # From the outside

    @staticmethod
    def _state(journal: Path, number: str) -> str:
        with reading(journal) as base:
            row = base.execute("SELECT state FROM request WHERE number = ?", (number,)).fetchone()
        return "" if row is None else str(row["state"])

    def chip_of(self, journal: Path, number: str) -> str | None:
        """Name of the chip that the journal has for a request; None where it has no such request."""
        with reading(journal) as base:
            row = base.execute("SELECT atr FROM request WHERE number = ?", (number,)).fetchone()
        return None if row is None else self._atrs[row["atr"]]

    @property
    def made(self) -> str:
        """Name of the request's chip: one that another clerk took first, or the one that was meant for it."""
        return self.chip_of(self.journals[0], NUMBER) or "chip 1"

    @property
    def state(self) -> str:
        """Where the journal says that the request stands."""
        return self._state(self.journals[0], NUMBER)

    @property
    def rival_completed(self) -> bool:
        """Whether the other station made the card."""
        return self.rival_begun and self._state(self.journals[1], RIVAL) == COMPLETED

    def update(self) -> None:
        """A chip is issued once its journal says completed or somebody got it; one that was given up must be refused."""
        for number, journal in ((NUMBER, self.journals[0]), (RIVAL, self.journals[1])):
            name, state = self.chip_of(journal, number), self._state(journal, number)
            if name is not None:
                self.chips[name].issued = state == COMPLETED or name in self.handed_out
                self.chips[name].replaced = state == DESTROYED
        if "old card A" in self.chips:
            with reading(self.hosts["bank"].path) as base:
                query = "SELECT 1 FROM change WHERE state = 'switched' AND pan = ? AND old_sequence = ?"
                row = base.execute(query, (PAN_A, OLD_SEQUENCE)).fetchone()
            self.chips["old card A"].replaced = row is not None

    def close(self) -> None:
        """Let the books go."""
        self.bank.ledger.close()
        self.centre.books.close()


class StationFlow(Flow):
    """A flow at the issuing station."""

    kind = Kind.FIRST
    old_card = "present"
    staged = frozenset({"rival", "same-again", "meanwhile"})
    promised: float | None = float(PROMISED)

    def __init__(self, product: str = "ssc3-sm4") -> None:
        whole = load(product)
        self.product = compact(whole)
        self.old_product = self.product
        self._blank = load(BLANKS[whole.algorithm])
        self._blanks: dict[int, Profile] = {}
        self._keys = IssuerKeys.of_profile(whole)
        self._authority = CertificationAuthority.published()
        self._prefab: Prefab | None = None
        self._data: dict[tuple[str, str], Any] = {}
        taken = planned(order_of(A, NUMBER, self.kind, self.old_card))
        self.steps = (REQUEST, *(FlowStep(each.name, each.zh, each.en, each in IRREVERSIBLE) for each in taken))

    def blank(self, serial: int) -> Profile:
        """A blank chip's product with a serial number of its own."""
        if serial not in self._blanks:
            self._blanks[serial] = numbered(self._blank, f"{serial:08X}")
        return self._blanks[serial]

    def equipment(self, centre: Centre, bank: Bank, journal: Journal) -> Equipment:
        """What the station has."""
        return Equipment(
            *(self.product, self._blank, centre, journal, Press()),
            bank=bank,
            certificates=self._authority,
        )

    def station(self, equipment: Equipment, listener: Callable[[Told], None]) -> Station:
        """A station's program."""
        return Station(equipment, listener)

    def open_centre(self, path: Path) -> Centre:
        """The centre over its books; a power cut of this machine is not among the failures, so nothing waits for the disk."""
        centre = Centre(self.product, path)
        hurry(centre.books)
        return centre

    def open_bank(self, path: Path) -> Bank:
        """The bank over its books. It makes the data of a card once in a process, for key pairs take their time."""
        ledger = Ledger(path)
        hurry(ledger)
        bank = Bank(*self._keys, ledger=ledger)
        make = bank.cards.personalisation

        def kept(change: str, product: Profile, authority: Any) -> Any:
            found = bank.cards.change(change)
            card = ("", "") if found is None else (found.new_pan, found.new_sequence)
            if found is None or found.state != "ordered" or card not in self._data:
                self._data[card] = make(change, product, authority)
            return self._data[card]

        vars(bank.cards)["personalisation"] = kept
        return bank

    def open_journal(self, path: Path) -> Journal:
        """The station's journal."""
        journal = Journal(path, cost=NO_COST)
        hurry(journal)
        return journal

    def book(self, bank: Bank) -> dict[str, int]:
        """What others book in the middle; answers by how much books of the bank change."""
        return {}

    def prefab(self, folder: Path) -> Prefab:
        """Write the books with which every world begins, and hand out the memories of chips."""
        if self._prefab is None:
            self._prefab = self._prepare(folder)
        for name, content in self._prefab.books.items():
            (folder / name).write_bytes(content)
        return self._prefab

    def build(self, seams: Seams, folder: Path) -> StationWorld:
        """A world in which nothing has begun."""
        return self.world(seams, folder, self.prefab(folder))

    @abstractmethod
    def world(self, seams: Seams, folder: Path, prefab: Prefab) -> StationWorld:
        """The flow's kind of world."""

    def _prepare(self, folder: Path) -> Prefab:
        names = ("bank.sqlite", "centre.sqlite", "journal.sqlite", "rival.sqlite")
        for name in names:
            (folder / name).unlink(missing_ok=True)
        bank, centre = self.open_bank(folder / names[0]), self.open_centre(folder / names[1])
        journal = self.open_journal(folder / names[2])
        self.open_journal(folder / names[3]).close()
        station = Station(self.equipment(centre, bank, journal))
        card_b = fresh_chip(self.blank(3))
        require_completed(station.issue(order_of(B, EARLIER), card_b, PIN_B, None, BANK_PIN_B))
        chips = {"card B": card_b.snapshot(), **self.prepare_old_card(bank, station)}
        with reading(folder / names[0]) as base:
            accounts = [
                row["account"] for row in base.execute("SELECT account FROM card_number WHERE pan = ?", (PAN_A,))
            ]
        if accounts:
            agree(bank, accounts[0])
        for store in (bank.ledger, centre.books, journal):
            store.close()
        return Prefab({name: (folder / name).read_bytes() for name in names}, chips)

    def prepare_old_card(self, bank: Bank, station: Station) -> dict[str, Any]:
        """The memory of the old card, where person A has one."""
        return {}

    def timing(self, world: World) -> list[TimedEntry]:
        """The measured steps, and the declared budgets of people and machines."""
        told = world.told if isinstance(world, StationWorld) else []
        return entries(each for each in told if each.done)


def require_completed(outcome: Outcome) -> None:
    """RuntimeError where a card with which a world begins was not made."""
    if outcome.ending is not Ending.COMPLETED:
        raise RuntimeError(f"the world could not be made: {outcome.en}")
