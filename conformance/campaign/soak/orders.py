"""Orders at the stations: each is begun as a command, and goes on as a command until it has ended, however often it died."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.campaign.soak.city import AGAIN, BLANK, KEY_VARIABLE, PRODUCT, STATIONS, City
from conformance.campaign.soak.people import Citizen, Made
from conformance.campaign.soak.processes import REQUEST, CardInSlot, StationRun, free_port
from conformance.campaign.world import AS_BEFORE, COMPLETED, DESTROYED
from profiles import load

FIRST, UPGRADE, REPLACE = "issue", "upgrade", "replace"
PRESENT, DAMAGED, LOST = "present", "damaged", "lost"
ENDINGS = {"completed": COMPLETED, "destroyed": DESTROYED, "withdrawn": AS_BEFORE, "": AS_BEFORE}
WRONG_USE = 2
MOST_RUNS = 60
"""Runs of a command after which an order that does not end is called stuck."""
PATIENCE = 4
"""How much likelier somebody with a social security card orders than somebody else, whose e-cash is spent meanwhile."""
SWITCHED = "SELECT time FROM entry WHERE request = ? AND step = ? AND phase = 'after' ORDER BY id DESC LIMIT 1"


class Stuck(Exception):
    """An order did not end; the message says what its command said last."""


@dataclass(slots=True)
class Request:
    """An order at a station.

    Attributes:
        old: The chip that the new one is to replace.
        own_process: Whether the new chip is a process of its own, which dies alone.
        strikes: What was killed while the order was under way, with its step, oldest first.
        state: What the station's journal says of it in the end.
    """

    number: str
    kind: str
    citizen: Citizen
    chip: Made
    old: Made | None
    old_card: str
    own_process: bool
    rival: bool = False
    station: int = 0
    strikes: list[tuple[str, str]] = field(default_factory=list)
    state: str = ""

    @property
    def ending(self) -> str:
        """How it ended."""
        return ENDINGS.get(self.state, f"request {self.state}")


class Desk:
    """A station at which clerks work through orders, one after the other.

    Args:
        city: The city.
        number: Which station it is.
    """

    def __init__(self, city: City, number: int) -> None:
        self.city = city
        self.number = number
        self.request: Request | None = None
        self._run: StationRun | None = None
        self._card: CardInSlot | None = None
        self._lock = threading.Lock()

    # The killer's side

    def kill_station(self, *, starting: bool = True) -> bool:
        """Kill the station's program, where it runs; unless ``starting``, only one that is at work on a step."""
        with self._lock:
            if self._run is None or (self._run.step == REQUEST and not starting) or not self._run.kill():
                return False
            self._note("station-killed")
            return True

    def kill_card(self) -> bool:
        """Kill the new chip's process, where it is one."""
        with self._lock:
            if self._card is None or not self._card.kill():
                return False
            self._note("card-killed")
            return True

    def note(self, what: str) -> None:
        """A host was killed, perhaps while an order was under way."""
        with self._lock:
            self._note(what)

    def _note(self, what: str) -> None:
        if self.request is not None:
            self.request.strikes.append((self._run.step if self._run is not None else REQUEST, what))

    # The clerk's side

    def work(self, request: Request) -> None:
        """Carry an order out to its end."""
        request.station = self.number
        path = self._write(request)
        port = free_port() if request.own_process else 0
        with self._lock:
            self.request = request
        try:
            if port:
                card = CardInSlot(request.chip.image, port, self.city.say)
                with card:
                    with self._lock:
                        self._card = card
                    self._until_ended(request, path, port)
            else:
                self._until_ended(request, path, port)
        finally:
            with self._lock:
                self.request = self._run = self._card = None

    def _until_ended(self, request: Request, path: Path, port: int) -> None:
        """Run the command again as long as the journal has the request open, or has it not and the station died."""
        for _ in range(MOST_RUNS):
            begun = self._state(request.number)
            run = StationRun(self._words(request, path, port, resume=begun == "open"), self.city.environment)
            with self._lock:
                self._run = run
            code = run.wait(self.city.say)
            request.state = self._state(request.number)
            if code == WRONG_USE:
                raise Stuck(f"order {request.number}: {''.join(self.city.said[-3:])}")
            if request.state in ("completed", "destroyed", "withdrawn") or (not request.state and code == 1):
                return
            self.city.rest(AGAIN if code > 0 else 0)
        raise Stuck(f"order {request.number} did not end: {''.join(self.city.said[-3:])}")

    def _state(self, number: str) -> str:
        rows = self.city.rows(self.city.journal(self.number), "SELECT state FROM request WHERE number = ?", number)
        return str(rows[0]["state"]) if rows else ""

    def _write(self, request: Request) -> Path:
        path = self.city.folder / "orders" / f"{request.number}.toml"
        fields = request.citizen.fields(request.number, request.old_card)
        path.write_text("".join(f'"{name}" = "{value}"\n' for name, value in fields.items()), "utf-8")
        return path

    def _words(self, request: Request, path: Path, port: int, *, resume: bool) -> Sequence[str]:
        city, citizen = self.city, request.citizen
        head = ("station", "resume") if resume and request.kind == FIRST else (request.kind,)
        words = [*head, str(path), "--journal", str(city.journal(self.number)), "--new-pin", citizen.pin]
        words += ["--books", city.socket("centre"), "--bank", city.socket("bank"), "--keys", city.socket("keys")]
        words += ["--authority", city.socket("authority"), "--transport-key", f"env:{KEY_VARIABLE}"]
        words += ["--profile", PRODUCT, "--blank", BLANK]
        if port:
            historical = load(BLANK).chip.historical[-8:-4].hex() + request.chip.name.rpartition("-")[2].zfill(8)
            words += ["--reader", f"127.0.0.1:{port}", "--expect-chip", historical]
        else:
            words += ["--image", str(request.chip.image)]
        if request.kind == FIRST:
            return [*words, "--bank-pin", citizen.bank_pin]
        if request.old is not None and request.old_card == PRESENT:
            words += ["--old-image", str(request.old.image), "--old-pin", citizen.bank_pin]
        return [*words, "--resume"] if resume else words


class Orders:
    """Who orders what: one order for a citizen at a time, or two at two stations, which race for the same person."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.desks = [Desk(city, number) for number in range(STATIONS)]
        self.done: list[Request] = []
        """Since the last look."""
        self._rivals: list[Request | None] = [None] * STATIONS

    def next(self, station: int) -> Request | None:
        """The next order of a station; None where nobody is free."""
        city = self.city
        with city.lock:
            rival, self._rivals[station] = self._rivals[station], None
            if rival is not None:
                return rival
            free = [each for each in city.citizens if not each.busy]
            if not free:
                return None
            (citizen,) = city.chance.choices(free, [PATIENCE if each.is_whole else 1 for each in free])
            request = self._request(citizen)
            citizen.busy += 1
            may_race = request.kind == FIRST or request.old_card != PRESENT
            other = (station + 1) % STATIONS
            if may_race and self._rivals[other] is None and city.chance.random() < 0.6:
                citizen.busy += 1
                request.rival = True
                self._rivals[other] = self._request(citizen, request)
            return request

    def waits(self, station: int) -> bool:
        """Whether a rival's order waits for a station: it is carried out before anyone rests."""
        with self.city.lock:
            return self._rivals[station] is not None

    def _request(self, citizen: Citizen, first: Request | None = None) -> Request:
        city = self.city
        number, chip, own = f"S-{next(city.numbers):05d}", city.blank_chip(citizen), city.chance.random() < 0.5
        if first is not None:
            return Request(number, first.kind, citizen, chip, first.old, first.old_card, own, rival=True)
        if citizen.chip is None:
            return Request(number, FIRST, citizen, chip, None, PRESENT, own)
        if not citizen.is_whole:
            return Request(number, UPGRADE, citizen, chip, citizen.chip, PRESENT, own)
        where = LOST if citizen.off else city.chance.choice((PRESENT, PRESENT, DAMAGED, LOST))
        return Request(number, REPLACE, citizen, chip, citizen.chip, where, own)

    def ended(self, request: Request) -> None:
        """An order came to its end; once nobody holds the citizen's card, it is known which one that is."""
        with self.city.lock:
            self.done.append(request)
            request.citizen.busy -= 1
            self._settle_card(request.citizen)

    def _settle_card(self, citizen: Citizen) -> None:
        """The card in use is that of the request whose switch came last; told from the stations' journals alone."""
        if citizen.busy:
            return
        mine = [each for each in self.done if each.citizen is citizen and each.state == "completed"]
        fresh = [each for each in mine if not each.chip.issued]
        for request in sorted(fresh, key=self._switched):
            request.chip.issued = True
            if citizen.chip is not None:
                citizen.chip.replaced = True
            citizen.chip = request.chip
        lost = any(each.citizen is citizen and each.old_card == LOST for each in self.done)
        citizen.off = (lost or citizen.off) and self._is_off(citizen)

    def _switched(self, request: Request) -> str:
        rows = self.city.rows(self.city.journal(request.station), SWITCHED, request.number, "SWITCH")
        return str(rows[0]["time"]) if rows else ""

    def _is_off(self, citizen: Citizen) -> bool:
        query = "SELECT 1 FROM card WHERE pan = ? AND state = 'blocked'"
        return bool(self.city.rows(self.city.books("bank"), query, citizen.pan))
