"""What the flows at a hospital share: one card with both applications, a PSAM, centre and bank on files, and the terminal's program."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.bank.messages import Host
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import KeysRefused, SamKeys
from conformance.actors.medical.messages import CardState, InsuranceHost, Mode
from conformance.actors.medical.reader import CardReader
from conformance.actors.medical.scheme import Scheme
from conformance.actors.outbox import OutboxFile
from conformance.campaign.flows.persons import ACCOUNT, BALANCE, B, agree
from conformance.campaign.links import Guarded, Slot
from conformance.campaign.outside.social import SocialCard
from conformance.campaign.seams import Killed, Seams
from conformance.campaign.world import Chip, Flow, HostBooks, Person, World, hurry
from conformance.failures import BenchError
from conformance.targets.in_process import chip_of, fresh_chip
from profiles import load
from profiles.payment_content import data_objects, record_values

PRODUCT, MODULE = "ssc3-sm4", "psam-sm4"
PIN = "123456"
NOON = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
SCHEME = Scheme(deductible=10_000, rate=800, fund_limit=5_000_000, yearly_credit=300_000)
TO_CENTRE = frozenset({"pre_settle", "settle", "upload", "load", "confirm_load", "reverse"})
TO_BANK = frozenset({"authorise", "complete", "reverse", "clear"})


class HospitalWorld(World):
    """A card with both applications, the PSAM of a terminal, centre and bank."""

    def __init__(self, flow: HospitalFlow, seams: Seams, folder: Path, memories: Mapping[str, Any]) -> None:
        super().__init__(seams, folder)
        self.flow = flow
        self.hosts = {
            "bank": HostBooks(folder / "bank.sqlite", flow.open_bank),
            "centre": HostBooks(folder / "centre.sqlite", flow.open_centre),
        }
        self.bank, self.centre = (self.hosts[name].open(self.hosts[name].path) for name in ("bank", "centre"))
        card = chip_of(memories["card"])
        self.persons = {"A": flow.person, "B": B}
        self.chips["card"] = Chip(card, flow.product, "A", issued=True, pin=PIN)
        self.slot = Slot(seams, card, before=self._note_command)
        self.sam_slot = Slot(seams, chip_of(memories["module"]), "psam", before=self._note_command)
        self.sam_slot.reset()
        centre: Any = Guarded(seams, self.centre, "centre", only=TO_CENTRE, before=self._note_message("centre"))
        bank: Any = Guarded(seams, self.bank, "bank", only=TO_BANK, before=self._note_message("bank"))
        self.to_centre, self.to_bank = cast(InsuranceHost, centre), cast(Host, bank)
        self._outbox: OutboxFile | None = None
        self.killed = False
        """Whether the program ended in the middle; the next one begins with its outbox."""
        self.reader = CardReader(self.slot, flow.product, SamKeys(self.sam_slot, flow.product), pin=lambda: PIN)

    @abstractmethod
    def start(self) -> None:
        """Start the terminal's program, which takes up what the outbox has."""

    @abstractmethod
    def work(self) -> None:
        """What is done at the terminal, from its beginning."""

    @abstractmethod
    def go_on(self) -> bool:
        """Card, PSAM and lines are back: find out what became of what is open, and do the rest; whether nothing is left."""

    def run(self) -> None:
        """The program works until it has done everything or is killed."""
        with self._running():
            self.work()

    def recover(self) -> bool:
        """Start a killed program again, then go on."""
        if self.killed:
            self.start()
            self.killed = False
        with self._running():
            return self.go_on()

    @contextmanager
    def _running(self) -> Iterator[None]:
        try:
            yield
        except Killed:
            self.killed = True
            raise

    def open_outbox(self) -> OutboxFile:
        """The file in which the terminal keeps what is open, as its program finds it when it starts."""
        path = self.folder / "outbox.sqlite"
        if self._outbox is not None:
            self._outbox.close()
        self._outbox = self.flow.open_outbox(path)
        self.journals = [path]
        return self._outbox

    def open_reader(self) -> CardReader:
        """The reader, as a program that has just started finds it."""
        return CardReader(self.slot, self.flow.product, self.reader.keys, pin=lambda: PIN)

    def open_module(self) -> None:
        """Switch the PSAM off and on, which may have lost its power."""
        try:
            self.sam_slot.reset()
            self.reader.keys = SamKeys(self.sam_slot, self.flow.product)
        except (BenchError, KeysRefused) as problem:
            self.say("", str(problem))

    def _note_command(self, what: str, command: bytes) -> None:
        self._enter(f"{what}{command[2:4].hex().upper()}", what)

    def _note_message(self, host: str) -> Any:
        return lambda name, arguments: self._enter(f"{host} {name}")

    def _enter(self, *names: str) -> None:
        """A step begins with the first of the names that one begins with."""
        for name in names:
            if name in self.flow.begins:
                self.seams.step = self.flow.begins[name]
                return

    def say(self, zh: str, en: str) -> None:
        """Something that a program showed."""
        self.said += [zh, en]

    def expected(self, ending: str) -> dict[str, int]:
        """The card works, whatever became of the bill."""
        return {"A": 1, self.flow.person.numbers[0]: 1}

    def close(self) -> None:
        """Let the books go."""
        self.bank.ledger.close()
        self.centre.books.close()
        if self._outbox is not None:
            self._outbox.close()


class HospitalFlow(Flow):
    """A flow at a hospital."""

    mode = Mode.ONLINE
    begins: Mapping[str, str] = {}
    """Steps by the place with which they begin: a slot and an instruction, with P1 and P2 or without, or a host and a message."""

    def __init__(self) -> None:
        self.product = load(PRODUCT)
        self._keys = IssuerKeys.of_profile(self.product)
        records = record_values(self.product, "DEBIT")
        self.pan, self.sequence = records["5A"].hex().upper().rstrip("F"), records["5F34"].hex()
        content = self.product.content["SSSE"]["EF06"]
        self.person = Person("A", str(content["08"]), str(content["09"]), (), (self.pan,))
        self._prefab: tuple[dict[str, bytes], dict[str, Any]] | None = None

    def open_bank(self, path: Path) -> Bank:
        """The bank over its books."""
        ledger = Ledger(path)
        hurry(ledger)
        return Bank(*self._keys, ledger=ledger)

    def open_outbox(self, path: Path) -> OutboxFile:
        """The terminal's outbox in a file."""
        outbox = OutboxFile(path)
        hurry(outbox)
        return outbox

    def open_centre(self, path: Path) -> Centre:
        """The centre over its books; its clock goes a second with every question."""
        seconds = itertools.count()
        centre = Centre(
            self.product,
            path,
            mode=self.mode,
            scheme=SCHEME,
            now=lambda: NOON + timedelta(hours=1, seconds=next(seconds)),
        )
        hurry(centre.books)
        return centre

    def prefab(self, folder: Path) -> Mapping[str, Any]:
        """Write the books with which every world begins, and hand out the chips' memories."""
        if self._prefab is None:
            self._prefab = self._prepare(folder)
        books, memories = self._prefab
        for name, content in books.items():
            (folder / name).write_bytes(content)
        return memories

    def _prepare(self, folder: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
        names = ("bank.sqlite", "centre.sqlite")
        for name in names:
            (folder / name).unlink(missing_ok=True)
        card, module = fresh_chip(self.product), fresh_chip(load(MODULE))
        bank, centre = self.open_bank(folder / names[0]), self.open_centre(folder / names[1])
        objects = data_objects(self.product.directory["DEBIT"])
        bank.open_account(
            *(self.pan, self.sequence),
            balance=BALANCE,
            e_cash=int(objects.get("9F79", b"\0").hex()),
            number=ACCOUNT,
            holder=self.person.name,
            identity=self.person.identity,
            pin=PIN,
        )
        bank.open_account(B.numbers[0], "01", balance=BALANCE, holder=B.name, identity=B.identity)
        agree(bank, ACCOUNT)
        identification = SocialCard(card, self.product).identification or ""
        centre.insure(self.person.identity, self.person.name)
        centre.register(identification, self.person.identity, self.product.chip.historical, CardState.NORMAL)
        centre.insure(B.identity, B.name)
        bank.ledger.close()
        centre.books.close()
        books = {name: (folder / name).read_bytes() for name in names}
        return books, {"card": card.snapshot(), "module": module.snapshot()}
