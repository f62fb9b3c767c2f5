"""The city: its hosts as processes, its citizens with their cards, and what everyone has said and booked so far."""

from __future__ import annotations

import itertools
import random
import secrets
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from conformance.actors.bank import Bank, HostUnreachable, IssuerKeys, Ledger
from conformance.actors.bank.card_data import CardOrder
from conformance.actors.bank.counter import deposit
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.hosts import Address, HostProcess, Patience
from conformance.actors.hosts.bank import BankHost
from conformance.actors.hosts.centre import CentreHost
from conformance.actors.hosts.keys import RemoteKeys
from conformance.actors.key_service import KeyService, KeysOfCard
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import Mode
from conformance.actors.station import Ending, Equipment, Journal, Order, Station
from conformance.actors.station.chip import TRANSPORT_KEY
from conformance.campaign.flows.persons import (
    BALANCE,
    BLANK_DEBIT,
    DEBIT,
    E_CASH,
    OLD_EXPIRY,
    OLD_SEQUENCE,
    personalise,
)
from conformance.campaign.outside.books import reading
from conformance.campaign.outside.payment import PaymentCard
from conformance.campaign.soak.people import Beginning, Citizen, Made, citizens
from conformance.targets.in_process import InProcessTarget, chip_of, numbered, virtual_target
from profiles import load
from profiles.model import Profile

PRODUCT, BLANK = "ssc3-sm4", "ssc3-blank"
KEY_VARIABLE = "SSCARD_SOAK_TRANSPORT_KEY"
SOON = Patience(5.0, 1)
AGAIN = 0.1
"""Seconds until somebody who got no answer asks again."""
STATIONS = 2
KINDS = ("bank", "centre", "keys", "authority")
T = TypeVar("T")


class BrokenOff(Exception):
    """The city comes to its end before its time: nobody goes on with anything."""


class City:
    """Hosts, citizens and chips; amounts in fen.

    Attributes:
        moves: By how much each book of each host must have changed since the last look, by ``host book``.
        booked: Requests of wages and bills, and what the bank said to each: the amount that it booked, or 0.
        chips: By name.
        said: Everything that a program showed.
        lock: Held for a moment by whoever changes what stands here.
        over: Set when the city is broken off.
    """

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)  # noqa: S311 - repeatable
        self.citizens = citizens(count)
        self.lock = threading.RLock()
        self.over = threading.Event()
        self.moves: Counter[str] = Counter()
        self.booked: dict[str, int] = {}
        self.chips: dict[str, Made] = {}
        self.said: list[str] = []
        self.serials, self.numbers = itertools.count(0x5000), itertools.count(1)
        self.product: Profile = load(PRODUCT)
        self.blank: Profile = load(BLANK)
        self.year = f"{datetime.now().astimezone():%Y}"
        self.environment = {KEY_VARIABLE: secrets.token_hex(16)}
        self.hosts = {kind: self._host(kind) for kind in KINDS}
        for name in ("chips", "orders"):
            (folder / name).mkdir()

    # Files and hosts

    def books(self, kind: str) -> Path:
        """A host's books."""
        return self.folder / f"{kind}.db"

    def journal(self, station: int) -> Path:
        """A station's journal."""
        return self.folder / f"station-{station}.db"

    def socket(self, kind: str) -> str:
        """How a command names a host."""
        return f"socket:{self.folder / kind}"

    def _host(self, kind: str) -> HostProcess:
        product = "--profile", PRODUCT
        options: dict[str, tuple[str, ...]] = {
            "bank": (*product, "--profile", DEBIT, "--no-account", "--transport-key", f"env:{KEY_VARIABLE}"),
            "centre": product,
            "keys": (*product, "--profile", BLANK),
            "authority": (),
        }
        kept = ("--books", str(self.books(kind))) if kind != "keys" else ()
        return HostProcess(
            kind, Address.of_path(self.folder / kind), (*options[kind], *kept), environment=self.environment
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """All hosts at work; none is left."""
        try:
            with ThreadPoolExecutor() as pool:
                list(pool.map(HostProcess.start, self.hosts.values()))
            yield
        finally:
            for host in self.hosts.values():
                if host.running:
                    host.stop()

    def bank(self) -> BankHost:
        """A line to the bank."""
        return BankHost(self.hosts["bank"].line(SOON))

    def centre(self) -> CentreHost:
        """A line to the centre."""
        return CentreHost(self.hosts["centre"].line(SOON), Mode.ONLINE)

    def keys(self) -> KeysOfCard:
        """The key service."""
        return RemoteKeys.behind(self.hosts["keys"].line(SOON))

    def asked(self, ask: Callable[[], T]) -> T:
        """Ask until there is an answer, as everyone does whose request must not be lost."""
        while True:
            try:
                return ask()
            except HostUnreachable:
                self.rest(AGAIN)

    def rest(self, seconds: float = 0) -> None:
        """Wait before something is tried again; raises :class:`BrokenOff` where nobody goes on."""
        if self.over.wait(seconds):
            raise BrokenOff

    def say(self, text: str) -> None:
        """Keep what a program showed."""
        with self.lock:
            self.said.append(text)

    # Chips

    def blank_chip(self, citizen: Citizen) -> Made:
        """A blank chip in a file of its own."""
        with self.lock:
            number = next(self.serials)
        blank = numbered(self.blank, f"{number:08X}")
        name = f"{citizen.person.key}-{number:X}"
        code = KeyService(blank, blank.chip.historical).transport_code(TRANSPORT_KEY)
        made = Made(name, self.folder / "chips" / f"{name}.sscard", PRODUCT, citizen.person.key, code)
        virtual_target(blank, made.image).close()
        with self.lock:
            self.chips[name] = made
        return made

    @staticmethod
    def copy_of(made: Made) -> InProcessTarget:
        """A chip with the memory that a file holds; the file is free again."""
        opened = virtual_target(load(BLANK), made.image)
        try:
            return chip_of(opened.snapshot())
        finally:
            opened.close()

    def balance_of(self, made: Made) -> int:
        """What the chip shows of e-cash."""
        return PaymentCard(self.copy_of(made)).balance or 0

    # How everything began

    def found(self) -> None:
        """Accounts, agreements, persons and cards, before any host runs."""
        bank = Bank(*IssuerKeys.of_profile(self.product), ledger=Ledger(self.books("bank")))
        centre = Centre(self.product, self.books("centre"), year=self.year)
        journal = Journal(self.folder / "earlier.db")
        authority = CertificationAuthority.published()
        station = Station(
            Equipment(self.product, self.blank, centre, journal, bank=bank, certificates=authority, keys=KeyService)
        )
        try:
            for citizen in self.citizens:
                if citizen.beginning is Beginning.DEBIT:
                    self._debit_card(citizen, bank)
                elif citizen.beginning is Beginning.WHOLE:
                    self._whole_card(citizen, station)
                    deposit(bank.ledger, f"BEGIN-{citizen.number}", citizen.pan, BALANCE)
                for number, kind, party in citizen.agreements:
                    bank.agreements.agree(number, citizen.account, kind, party)
        finally:
            bank.ledger.close()
            centre.books.close()
            journal.close()
        for station_number in range(STATIONS):
            Journal(self.journal(station_number)).close()

    def _debit_card(self, citizen: Citizen, bank: Bank) -> None:
        person = citizen.person
        bank.open_account(
            *(citizen.pan, OLD_SEQUENCE),
            balance=BALANCE,
            e_cash=E_CASH,
            pin=citizen.bank_pin,
            number=citizen.account,
            holder=person.name,
            identity=person.identity,
            expiry=OLD_EXPIRY,
        )
        order = CardOrder(
            *(citizen.pan, OLD_SEQUENCE, OLD_EXPIRY, person.name, person.identity),
            pin=citizen.bank_pin,
            balance=E_CASH,
        )
        name = f"{person.key}-debit"
        made = Made(name, self.folder / "chips" / f"{name}.sscard", DEBIT, person.key, issued=True, e_cash=E_CASH)
        chip = virtual_target(load(BLANK_DEBIT), made.image)
        personalise(chip, order)
        chip.close()
        self.chips[name], citizen.chip = made, made

    def _whole_card(self, citizen: Citizen, station: Station) -> None:
        made = self.blank_chip(citizen)
        chip = virtual_target(self.blank, made.image)
        order = Order.of(citizen.fields(f"EARLIER-{citizen.number}"))
        outcome = station.issue(order, chip, citizen.pin, bank_pin=citizen.bank_pin)
        chip.close()
        if outcome.ending is not Ending.COMPLETED:
            raise RuntimeError(f"the first card of citizen {citizen.person.key} was not made: {outcome.en}")
        made.issued, citizen.chip = True, made

    # Rows of files, read from the outside

    @staticmethod
    def rows(path: Path, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds in somebody's file."""
        with reading(path) as base:
            return base.execute(query, values).fetchall()
