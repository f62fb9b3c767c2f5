"""A station, a centre, a blank chip and an order, in memory; and what must hold of them in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.reader import CardReader
from conformance.actors.station import Ending, Equipment, Journal, Order, Outcome, Printer, Station, Told
from conformance.actors.station.journal import NO_COST
from conformance.actors.station.printing import read_face
from conformance.actors.terminal.shown import shown_card
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from profiles.face import Face
from profiles.model import Profile

INITIAL, NEW = "123456", "650981"
BLANKS = {"SM4": "blank", "3DES": "blank-3des"}
FIELDS: dict[str, object] = {
    "number": "CQ-2026-000001",
    "card number": "A12345674",
    "date of issue": "20260105",
    "date of expiry": "20360105",
    "social security number": "500000199002280026",
    "name": "渝小样",
    "sex": "2",
    "nationality": "01",
    "birthplace": "500103",
    "date of birth": "19900228",
}


def order(**changes: object) -> Order:
    return Order.of({**FIELDS, **{name.replace("_", " "): value for name, value in changes.items()}})


def small(name: str = "ssc3-sm4") -> Profile:
    """The product with one application, few files and one version of each key, for sweeps over every command."""
    whole = load(name)
    kept = {}
    for place in ("MF", "SSSE", "DF04"):
        directory = whole.directory[place]
        keys = {each: key.model_copy(update={"versions": 1}) for each, key in directory.key.items()}
        short = {
            each: file for each, file in directory.file.items() if each in ("SF", "TF", "DIR", "EF05", "EF06", "EF08")
        }
        kept[place] = directory.model_copy(update={"key": keys, "file": short})
    return whole.model_copy(update={"directory": kept})


class Killed(BaseException):
    """The station's program ends here and now."""


class Paper:
    """A printer that keeps what it printed."""

    def __init__(self) -> None:
        self.printed: list[Face] = []

    def print_face(self, face: Face) -> Face:
        self.printed.append(face)
        return face


class World:
    """Everything that survives the station: chip, journal, centre, and what was printed."""

    def __init__(self, product: Profile, blank: Profile | None = None) -> None:
        self.product = product
        self.blank = blank or load(BLANKS[product.algorithm])
        self.card = load_card(self.blank)
        self.target = InProcessTarget(self.card)
        self.journal = Journal(cost=NO_COST)
        self.centre = Centre(product)
        self.printer: Printer = Paper()
        self.order = order()

    def station(self, listener: Callable[[Told], None] = lambda told: None, journal: Journal | None = None) -> Station:
        equipment = Equipment(self.product, self.blank, self.centre, journal or self.journal, self.printer)
        return Station(equipment, listener)

    def issue(self) -> Outcome:
        return self.station().issue(self.order, self.target, NEW)

    def resume(self) -> Outcome:
        return self.station().resume(self.order, self.target, NEW)

    def reader(self, pin: str = NEW) -> CardReader:
        reader = CardReader(self.target, self.product, HsmKeys(self.product, bytes(6)), pin=lambda: pin)
        reader.begin()
        return reader

    def active(self) -> list[str]:
        """Identification codes of the person's cards that may be used."""
        return [card.card for card in self.centre.books.cards_of(self.order.person) if card.state is CardState.NORMAL]

    def face(self) -> Face:
        """What the printer printed last."""
        assert isinstance(self.printer, Paper)
        return self.printer.printed[-1]

    def settled(self, outcome: Outcome) -> None:
        """Completed, chip and centre of one mind; or destroyed, and no card in use."""
        known = self.journal.request(self.order.number)
        assert known is not None
        assert known.state == outcome.ending.name.lower(), outcome
        if outcome.ending is Ending.DESTROYED:
            assert self.active() == []
            return
        assert outcome.ending is Ending.COMPLETED
        reader = self.reader()
        printed = self.face()
        assert read_face(reader, antenna=self.blank.has_antenna) == replace(printed, account="")
        if printed.account:
            reader.link.reset()
            assert shown_card(reader.link).account_number == printed.account == self.order.former.account
            reader.begin()
        assert self.active() == [reader.identification.hex().upper()] == [known.card]
        assert reader.text("SSSE/EF06", "08") == self.order.person
        assert reader.text("SSSE/EF05", "07") == self.order.values["07"]
        reader.open("SSSE")
        reader.verify(NEW)
        assert self.target.transmit(bytes.fromhex("80E00100100000000010EF1DC4001D000000000000")) in (
            b"\x69\x85",
            b"\x69\x82",
            b"\x6d\x00",
        )


class Cutting:
    """A link that loses the chip at the so-manyth command, before the chip gets it or after it acted on it."""

    def __init__(self, target: InProcessTarget, at: int, *, acts: bool) -> None:
        self._target = target
        self._at = at
        self._acts = acts
        self.passed = 0

    def reset(self, cold: bool = True) -> bytes:
        if 0 < self._at <= self.passed:
            raise BenchError("the chip is gone")
        return self._target.reset(cold)

    def transmit(self, command: bytes, /) -> bytes:
        self.passed += 1
        if self.passed == self._at:
            if self._acts:
                self._target.transmit(command)
            raise BenchError("the chip is gone")
        return self._target.transmit(command)
