"""Flow 1, first issuance 首次发卡, at the issuing station: from a blank chip to a card in its holder's hand.

Person A gets a card. Person B has one already, made by the same station before. Another station of the same product, with a
journal of its own, may work on person A at the same time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.key_service import KeyService
from conformance.actors.medical.centre import Centre
from conformance.actors.station import Ending, Equipment, Journal, Order, Outcome, Station, Told
from conformance.actors.station.chip import TRANSPORT_KEY
from conformance.actors.station.steps import plan
from conformance.actors.station.timeline import PROMISED, entries
from conformance.campaign.links import Guarded, Slot
from conformance.campaign.outside.books import centre_books, reading
from conformance.campaign.outside.facts import Facts
from conformance.campaign.seams import Killed, Kind, Seams
from conformance.campaign.world import (
    AS_BEFORE,
    COMPLETED,
    DESTROYED,
    Chip,
    Flow,
    FlowStep,
    HostBooks,
    Person,
    World,
)
from conformance.events import TimedEntry
from conformance.targets.in_process import InProcessTarget, chip_of, fresh_chip
from profiles import load
from profiles.model import Profile

BLANKS = {"SM4": "blank", "3DES": "blank-3des"}
PIN_A, PIN_B = "650981", "482057"
NUMBER, RIVAL, EARLIER = "CQ-2026-000001", "CQ-2026-000002", "CQ-2026-000000"
A = Person("A", "500000199002280026", "渝小样", (PIN_A,))
B = Person("B", "50000019850615001X", "样例乙", (PIN_B,))
JOURNALLED = frozenset({"begin", "name_card", "attempt", "note", "complete", "destroy"})
IRREVERSIBLE = frozenset({"CLOSE", "REGISTER", "ACTIVATE", "CHANGE_PIN", "RETURN"})
CANCELLED, NORMAL = 9, 1
REQUEST = FlowStep("REQUEST", "受理申请", "request")


def order_of(person: Person, number: str) -> Order:
    """What the card of a person shall say."""
    born, woman = person.identity[6:14], int(person.identity[16]) % 2 == 0
    return Order.of(
        {
            "number": number,
            "card number": "A12345674" if person.key == "A" else "B12345671",
            "date of issue": "20260105",
            "date of expiry": "20360105",
            "social security number": person.identity,
            "name": person.name,
            "sex": "2" if woman else "1",
            "nationality": "01",
            "birthplace": "500103",
            "date of birth": born,
        }
    )


def compact(whole: Profile) -> Profile:
    """The product with the medical application alone, its main files and one version of each key: the same steps, fewer commands."""
    kept = {}
    for place in ("MF", "SSSE", "DF04"):
        directory = whole.directory[place]
        keys = {each: key.model_copy(update={"versions": 1}) for each, key in directory.key.items()}
        files = {
            each: file for each, file in directory.file.items() if each in ("SF", "TF", "DIR", "EF05", "EF06", "EF08")
        }
        kept[place] = directory.model_copy(update={"key": keys, "file": files})
    return whole.model_copy(update={"directory": kept})


class IssueWorld(World):
    """Station, rival, centre, two blank chips and the card of person B."""

    def __init__(self, flow: IssueFlow, seams: Seams, folder: Path) -> None:
        super().__init__(seams, folder)
        self.flow = flow
        self.persons = {"A": A, "B": B}
        self.hosts = {"centre": HostBooks(folder / "centre.sqlite", flow.open_centre)}
        self.journals = [folder / "journal.sqlite", folder / "rival.sqlite"]
        self.centre = flow.open_centre(folder / "centre.sqlite")
        self.order = order_of(A, NUMBER)
        self.told: list[Told] = []
        self._rival_begun = False
        self._others_chip = Slot(seams, self._blank("chip 2", 2), "other card")
        self._slot = Slot(seams, self._blank("chip 1", 1))
        self.handed_out: set[str] = set()

    def _blank(self, name: str, serial: int) -> InProcessTarget:
        blank = self.flow.blank(serial)
        target = fresh_chip(blank)
        code = KeyService(blank, blank.chip.historical).transport_code(TRANSPORT_KEY)
        self.chips[name] = Chip(target, self.flow.product, "A", pin=PIN_A, transport_code=code)
        return target

    # The station

    def _at_station(self, act: Callable[[Station], Outcome], journal: Path, *, watched: bool = True) -> Outcome | None:
        """A run of the station's program; None where it was killed."""
        opened = self.flow.open_journal(journal)
        centre: Any = self.centre
        kept: Any = opened
        if watched:
            centre = Guarded(
                *(self.seams, self.centre, "centre"),
                lost=lambda: HostUnreachable("no line"),
            )
            kept = Guarded(
                *(self.seams, opened, "journal", Kind.MOMENT),
                lost=lambda: sqlite3.OperationalError("the journal is gone"),
                only=JOURNALLED,
                before=self._note_step,
            )
        equipment = Equipment(self.flow.product, self.flow.blank(0), cast(Centre, centre), cast(Journal, kept))
        try:
            outcome = act(self.flow.station(equipment, self._tell))
        except Killed:
            return None
        except sqlite3.Error as problem:
            self.said.append(str(problem))
            return None
        finally:
            opened.close()
        self.said += [outcome.zh, outcome.en]
        return outcome

    def _note_step(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "note" and arguments[2] == "before":
            self.seams.step = arguments[1].name

    def _tell(self, told: Told) -> None:
        self.told.append(told)
        self.said.append(f"{told.step.zh} {told.step.en}")

    def run(self) -> None:
        """An operator takes the order."""
        self.seams.step = REQUEST.name
        self._hand_out(
            "chip 1", self._at_station(lambda each: each.issue(self.order, self._slot, PIN_A), self.journals[0])
        )

    def recover(self) -> bool:
        """The operator looks into the journal: begin, go on, or nothing left to do."""
        if self._rival_begun and self._state(self.journals[1], RIVAL) not in (COMPLETED, DESTROYED):
            self._rival()
        state = self._state(self.journals[0], NUMBER)
        if not state:
            self.seams.step = REQUEST.name
            outcome = self._at_station(lambda each: each.issue(self.order, self._slot, PIN_A), self.journals[0])
            self._hand_out("chip 1", outcome)
            return outcome is not None and outcome.ending is Ending.REFUSED and self._rival_begun
        if state == "open":
            act = lambda each: each.resume(self.order, self._slot, PIN_A)  # noqa: E731 - one of two
            self._hand_out("chip 1", self._at_station(act, self.journals[0]))
        return self._state(self.journals[0], NUMBER) in (COMPLETED, DESTROYED)

    def _hand_out(self, chip: str, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.ending is Ending.COMPLETED:
            self.handed_out.add(chip)

    def meanwhile(self, failure: str) -> None:
        """Another station for the same person, or the same request begun once more with another chip."""
        if failure == "rival":
            self._rival()
            return
        self._at_station(lambda each: each.issue(self.order, self._others_chip, PIN_A), self.journals[0], watched=False)

    def _rival(self) -> None:
        """The other station, which nothing disturbs, until its request has ended."""
        order, slot, journal = order_of(A, RIVAL), self._others_chip, self.journals[1]
        self._rival_begun = True
        act = (
            (lambda each: each.resume(order, slot, PIN_A))
            if self._state(journal, RIVAL)
            else (lambda each: each.issue(order, slot, PIN_A))
        )
        self._hand_out("chip 2", self._at_station(act, journal, watched=False))

    # From the outside

    @staticmethod
    def _state(journal: Path, number: str) -> str:
        with reading(journal) as base:
            row = base.execute("SELECT state FROM request WHERE number = ?", (number,)).fetchone()
        return "" if row is None else str(row["state"])

    def update(self) -> None:
        """A chip is issued once its journal says completed or somebody got it; one that was given up must be refused."""
        for name, number, journal in (("chip 1", NUMBER, 0), ("chip 2", RIVAL, 1)):
            state = self._state(self.journals[journal], number)
            self.chips[name].issued = state == COMPLETED or name in self.handed_out
            self.chips[name].replaced = state == DESTROYED

    def ending(self, facts: Facts) -> str:
        """Completed: journal, register and chip say so. Destroyed: journal says so, the register has no such card in use."""
        state = self._state(self.journals[0], NUMBER)
        chip = facts.chips["chip 1"]
        centre = centre_books(self.hosts["centre"].path)
        registered = centre.cards.get(chip.identification or "")
        if state == COMPLETED:
            whole = chip.person == (A.identity, A.name) and registered == (A.identity, NORMAL) and chip.settles
            return (
                COMPLETED
                if whole
                else f"journal completed, chip or register not ({chip.settles=}, {registered is None=})"
            )
        used = [card for card, (person, number) in centre.cards.items() if person == A.identity and number != CANCELLED]
        if state == DESTROYED:
            return DESTROYED if chip.identification not in used else "journal destroyed, card still registered"
        if not state:
            fresh = chip.identification is None and chip.open_transport
            return AS_BEFORE if fresh and chip.identification not in used else "no request, yet the chip is changed"
        return f"request {state}"

    def expected(self, ending: str) -> dict[str, int]:
        """One card of person A where a request completed, of whichever station."""
        completed = ending == COMPLETED or (self._rival_begun and self._state(self.journals[1], RIVAL) == COMPLETED)
        return {"A": int(completed), "B": 1}

    def declared(self, ending: str) -> dict[str, int] | None:
        """A new person's account begins with the yearly credit, once."""
        entered = A.identity in centre_books(self.hosts["centre"].path).persons
        credit = self.centre.scheme.yearly_credit if entered else 0
        return {"centre income": -credit, f"centre account {A.identity}": credit}

    def close(self) -> None:
        """Let the centre's books go."""
        self.centre.books.close()


class IssueFlow(Flow):
    """First issuance of the social security half of a card."""

    name, number = "issue", 1
    zh, en = "首次发卡", "first issuance"
    staged = frozenset({"rival", "same-again"})
    promised = float(PROMISED)

    def __init__(self, product: str = "ssc3-sm4", *, whole: bool = False) -> None:
        loaded = load(product)
        self.product = loaded if whole else compact(loaded)
        self._blank = load(BLANKS[loaded.algorithm])
        self._prefab: tuple[dict[str, bytes], Any] | None = None
        equipment = Equipment(self.product, self._blank, cast(Centre, None), cast(Journal, None))
        taken = plan(order_of(A, NUMBER), equipment)
        self.steps = (REQUEST, *(FlowStep(each.name, each.zh, each.en, each.name in IRREVERSIBLE) for each in taken))

    @lru_cache  # noqa: B019 - a flow lives as long as its process
    def blank(self, serial: int) -> Profile:
        """A blank chip's product with a serial number of its own."""
        chip = self._blank.chip
        return self._blank.model_copy(
            update={"chip": chip.model_copy(update={"historical": chip.historical[:-1] + bytes((serial,))})}
        )

    def station(self, equipment: Equipment, listener: Callable[[Told], None]) -> Station:
        """A station's program."""
        return Station(equipment, listener)

    def open_centre(self, path: Path) -> Centre:
        """The centre over its books; a power cut of this machine is not among the failures, so nothing waits for the disk."""
        centre = Centre(self.product, path)
        _hurry(centre.books.run)
        return centre

    def open_journal(self, path: Path) -> Journal:
        """The station's journal."""
        journal = Journal(path)
        _hurry(journal.run)
        return journal

    def build(self, seams: Seams, folder: Path) -> IssueWorld:
        """The card of person B is made once in a process; every world begins with it."""
        if self._prefab is None:
            self._prefab = self._prepare(folder)
        books, card = self._prefab
        for name, content in books.items():
            (folder / name).write_bytes(content)
        world = IssueWorld(self, seams, folder)
        world.chips["card B"] = Chip(chip_of(card), self.product, "B", issued=True, pin=PIN_B)
        return world

    def _prepare(self, folder: Path) -> tuple[dict[str, bytes], Any]:
        names = ("centre.sqlite", "journal.sqlite", "rival.sqlite")
        for name in names:
            (folder / name).unlink(missing_ok=True)
        centre, journal = self.open_centre(folder / names[0]), self.open_journal(folder / names[1])
        self.open_journal(folder / names[2]).close()
        target = fresh_chip(self.blank(3))
        station = Station(Equipment(self.product, self.blank(0), centre, journal))
        outcome = station.issue(order_of(B, EARLIER), target, PIN_B)
        centre.books.close()
        journal.close()
        if outcome.ending is not Ending.COMPLETED:
            raise RuntimeError(f"the card of person B was not made: {outcome.en}")
        return {name: (folder / name).read_bytes() for name in names}, target.snapshot()

    def timing(self, world: World) -> list[TimedEntry]:
        """The measured steps, and the declared budgets of people and machines."""
        told = world.told if isinstance(world, IssueWorld) else []
        return entries(each for each in told if each.done)


def _hurry(run: Callable[[str], Any]) -> None:
    run("PRAGMA synchronous = OFF")
    run("PRAGMA journal_mode = MEMORY")
