"""A card, a terminal with PSAM or HSM, and a centre on one table."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.account_load import LoadStation
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys, SamKeys, TerminalKeys
from conformance.actors.medical.messages import CardState, Mode
from conformance.actors.medical.reader import CardReader
from conformance.actors.medical.scheme import Scheme
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import OfflineLimits, Result, Visit
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from emulator.apps.load import card_of
from emulator.apps.social_security.amounts import Amounts
from emulator.cos.card import Card
from emulator.cos.memory import Memory, Snapshot
from profiles import load
from profiles.model import Profile

MODULES = {"ssc2-3des": "psam-3des", "ssc3-sm4": "psam-sm4"}
PIN = "123456"
NOON = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
SCHEME = Scheme(deductible=10_000, rate=800, fund_limit=5_000_000, yearly_credit=300_000)


@lru_cache
def product_of(name: str) -> Profile:
    """A product, read once."""
    return load(name)


@lru_cache
def fresh_memory(product: str) -> Snapshot:
    """The memory of a new card of a product."""
    return load_card(product).snapshot()


class Line:
    """The line to the centre; ``lost`` says of each message whether it, or its answer, is lost: '', 'sent' or 'answered'."""

    def __init__(self, centre: Centre, lost: Callable[[str], str] = lambda message: "") -> None:
        self.centre = centre
        self.lost = lost

    @property
    def mode(self) -> Mode:
        return self.centre.mode

    def _over(self, message: str, act: Callable[[], Any]) -> Any:
        fate = self.lost(message)
        if fate == "sent":
            raise HostUnreachable
        answer = act()
        if fate == "answered":
            raise HostUnreachable
        return answer

    def pre_settle(self, request: Any) -> Any:
        return self._over("pre_settle", lambda: self.centre.pre_settle(request))

    def settle(self, confirmation: Any) -> Any:
        return self._over("settle", lambda: self.centre.settle(confirmation))

    def upload(self, upload: Any) -> Any:
        return self._over("upload", lambda: self.centre.upload(upload))

    def load(self, request: Any) -> Any:
        return self._over("load", lambda: self.centre.load(request))

    def confirm_load(self, number: str, tac: bytes) -> Any:
        return self._over("confirm_load", lambda: self.centre.confirm_load(number, tac))

    def reverse(self, number: str) -> Any:
        return self._over("reverse", lambda: self.centre.reverse(number))


class Slot:
    """The slot of the card: counts commands, and loses the contact before or after some of them."""

    def __init__(self, target: InProcessTarget) -> None:
        self.target = target
        self.commands: list[bytes] = []
        self.fail_at: set[int] = set()
        self.after = False

    def reset(self, cold: bool = True) -> bytes:
        return self.target.reset(cold)

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        if len(self.commands) in self.fail_at:
            self.fail_at.discard(len(self.commands))
            if self.after:
                self.target.transmit(command)
            self.target.card.power_off()
            raise BenchError("the contact was lost")
        return self.target.transmit(command)


@dataclass
class Hospital:
    """Everything together; the person has the card in the reader and enters ``pin``."""

    product: str = "ssc3-sm4"
    mode: Mode = Mode.ONLINE
    with_sam: bool = True
    pin: str | None = PIN
    limits: OfflineLimits | None = None
    lost: Callable[[str], str] = lambda message: ""
    registered: bytes | None = None
    """Historical bytes that the centre has of the card; None: those that it shows."""
    card: Card = field(init=False)
    slot: Slot = field(init=False)
    centre: Centre = field(init=False)
    keys: TerminalKeys = field(init=False)
    terminal: HospitalTerminal = field(init=False)
    station: LoadStation = field(init=False)

    def __post_init__(self) -> None:
        profile = product_of(self.product)
        self.card = card_of(Memory(fresh_memory(self.product).copy()))
        self.slot = Slot(InProcessTarget(self.card))
        seconds = itertools.count()
        self.centre = Centre(
            profile, mode=self.mode, scheme=SCHEME, now=lambda: NOON + timedelta(hours=1, seconds=next(seconds))
        )
        module = card_of(Memory(fresh_memory(MODULES[self.product]).copy()))
        module.reset()
        self.keys = SamKeys(module, profile) if self.with_sam else HsmKeys(profile, bytes.fromhex("500000000009"))
        reader = CardReader(self.slot, profile, self.keys, pin=lambda: self.pin)
        reader.begin()
        person, name = reader.text("SSSE/EF06", "08"), reader.text("SSSE/EF06", "09")
        self.identification = reader.identification.hex().upper()
        self.person = person
        self.centre.insure(person, name)
        historical = self.registered or profile.chip.historical
        self.centre.register(self.identification, person, historical, CardState.NORMAL)
        line = Line(self.centre, lambda message: self.lost(message))
        self.terminal = HospitalTerminal(reader, line, limits=self.limits)
        self.station = LoadStation(reader, line, ask_first=[self.terminal.resolve])
        self.terminal.ask_first.append(self.station.resolve)
        self.before = self.amounts()
        self.slot.commands.clear()

    def settle(self, number: str = "1", total: int = 20_000, **more: Any) -> Result:
        return self.terminal.settle(Visit(number, total, **{"when": NOON, **more}))

    def amounts(self) -> Amounts:
        """The card's own sums, for comparison with the centre's."""
        cell = self.card.memory.cells["file:DF04/TF"]
        assert isinstance(cell, bytes)
        return Amounts.parse(cell)

    def spoil(self, ins: int, answer: str, *, acts: bool) -> None:
        """The next answer to an instruction is this one; ``acts``: the card acts on the command nevertheless."""
        real = self.slot.target.transmit

        def spoilt(command: bytes) -> bytes:
            if command[1] != ins:
                return real(command)
            self.slot.target.transmit = real  # type: ignore[method-assign]
            if acts:
                real(command)
            return bytes.fromhex(answer)

        self.slot.target.transmit = spoilt  # type: ignore[method-assign]

    def log(self) -> tuple[bytes, ...]:
        records = self.card.memory.cells["file:DF04/EF08"]
        assert isinstance(records, tuple)
        return records

    def settled_and_loaded(self) -> tuple[list[bytes], list[bytes]]:
        """The log's records of what happened since the card was issued: settlements, and loads; the newest first."""
        fresh = fresh_memory(self.product).copy()["file:DF04/EF08"]
        assert isinstance(fresh, tuple)
        new = self.log()[: len(self.log()) - len(fresh)]
        return [one for one in new if one[2:3] == b"2"], [one for one in new if one[2:3] == b"1"]

    def sent(self, ins: int) -> list[bytes]:
        """The commands of an instruction that reached the card."""
        return [command for command in self.slot.commands if command[1] == ins]
