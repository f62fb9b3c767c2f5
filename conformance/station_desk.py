"""A station's desk on the command line: which chip, which journal, which books; what cannot be is one sentence."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from conformance.card_place import open_card
from conformance.face_option import FacePrinter
from conformance.host_option import bank_at, centre_at, line_to, socket_of
from conformance.transport_key_option import transport_key_of

if TYPE_CHECKING:
    from conformance.actors.bank import Bank
    from conformance.actors.certificates.authority import CertificationAuthority
    from conformance.actors.hosts.authority import AuthorityHost
    from conformance.actors.hosts.bank import BankHost
    from conformance.actors.hosts.centre import CentreHost
    from conformance.actors.hosts.client import RemoteLine
    from conformance.actors.key_service import KeysOfCard
    from conformance.actors.medical.centre import Centre
    from conformance.actors.station import Outcome, Printer, Station, Told
    from conformance.targets.base import Target
    from profiles.model import Profile

NOT_ISSUED, WRONG_USE, INTERRUPTED = 1, 2, 3
BLANKS = {"SM4": "ssc3-blank", "3DES": "ssc2-blank"}
"""Chips of whole cards: a bank's application waits in them."""


@dataclass(slots=True)
class RequestAtDesk:
    """A request whose chip is at the desk.

    Attributes:
        begun: Whether the chip is that of a request, even of one that an exception ended.
    """

    begun: bool = False

    def ended(self, act: Callable[[], Outcome]) -> Outcome:
        """Carry the request out."""
        from conformance.actors.station import Ending

        self.begun = True
        outcome = act()
        self.begun = outcome.ending is not Ending.REFUSED
        return outcome


@dataclass(frozen=True, slots=True)
class Desk:
    """Which chip, which books."""

    command: str
    profile: str
    blank: str | None
    journal: Path
    books: Path
    image: Path | None = None
    reader: str | None = None
    expect_chip: str | None = None
    serial: str | None = None
    face: Path | None = None
    bank: Path | None = None
    bank_may_be_new: bool = False
    """Whether the bank's books are made where they are missing."""
    keys: Path | None = None
    authority: Path | None = None
    transport_key: str | None = None

    def give_up(self, sentence: str, code: int = WRONG_USE) -> NoReturn:
        """End the command with one sentence."""
        typer.echo(f"sscard {self.command}: {sentence}", err=True)
        raise typer.Exit(code)

    def again(self, *command: str | Path) -> str:
        """How the command goes on; PINs are typed again."""
        given: dict[str, object] = {"--journal": self.journal, "--books": self.books, "--bank": self.bank}
        given |= {"--keys": self.keys, "--authority": self.authority, "--transport-key": self.transport_key}
        given |= {
            "--image": self.image,
            "--reader": self.reader,
            "--expect-chip": self.expect_chip,
            "--face": self.face,
        }
        given |= {"--profile": self.profile, "--blank": self.blank}
        options = [str(each) for name, value in given.items() if value is not None for each in (name, value)]
        return shlex.join(("sscard", *map(str, command), *options))

    def check_bank(self, account: str, pin: str | None) -> None:
        """End the command where order and options do not agree about the bank."""
        if self.bank is not None and not account:
            self.give_up('the order has no "account number" for the bank; add it, or leave --bank out')
        if self.bank is not None and pin is None:
            self.give_up("--bank needs --bank-pin, the PIN that the holder chooses for the bank's application")
        if pin is not None and (self.bank is None or not re.fullmatch("[0-9]{4,12}", pin)):
            self.give_up("--bank-pin goes with --bank, and has four to twelve digits")

    def check(self, new_pin: str) -> None:
        """End the command where its options cannot be."""
        if (self.image is None) is (self.reader is None):
            self.give_up("give either --image FILE or --reader NAME")
        if self.reader is not None and self.expect_chip is None:
            self.give_up("a chip in a reader is used only when --expect-chip gives its last historical bytes")
        if not re.fullmatch("[0-9]{4,16}", new_pin):
            self.give_up("--new-pin is not four to sixteen digits")
        for name, digits, pattern in (
            ("--expect-chip", self.expect_chip, "[0-9A-Fa-f]{1,16}"),
            ("--serial", self.serial, "[0-9A-Fa-f]{8}"),
        ):
            if digits is not None and not re.fullmatch(pattern, digits):
                self.give_up(f"{name} {digits!r} is not made of the hexadecimal digits that it takes")

    def require_books(self) -> None:
        """End a command that goes on with a request where its books are missing: new ones would know nothing of it, and stay."""
        for place, kind in ((self.journal, "journal"), (self.books, "books of a centre")):
            if socket_of(place) is None and not place.exists():
                self.give_up(f"{place}: no such {kind}; name that of the request")

    def products(self) -> tuple[Profile, Profile]:
        """The card product, and that of its blank chip."""
        from profiles import ProfileError, load

        try:
            product = load(self.profile)
            blank = load(self.blank or BLANKS[product.algorithm])
        except ProfileError as error:
            self.give_up(str(error))
        if "SSSE" not in product.directory or "MF" not in product.directory:
            self.give_up(
                f"profile {product.name} has no social security application; give one that has, such as ssc3-sm4"
            )
        if blank.life_cycle != "blank" or blank.algorithm != product.algorithm or "MF" not in blank.directory:
            self.give_up(f"profile {blank.name} is no blank chip for {product.name}")
        return product, blank

    @contextmanager
    def station(self, tell: Callable[[Told], None], printer: Printer | None = None) -> Iterator[Station]:
        """The station over journal and books, with ``printer`` or that of ``--face``; whatever cannot be used ends the command."""
        from conformance.actors.bank.messages import HostUnreachable
        from conformance.actors.station import Equipment, Journal, JournalError, Station

        product, blank = self.products()
        printer = printer or self._printer()
        missing = self.bank is not None and socket_of(self.bank) is None and not self.bank.exists()
        if missing and not self.bank_may_be_new:
            self.give_up(f"{self.bank}: no such books of a bank; make them with: sscard bank open")
        try:
            journal = Journal(self.journal)
        except JournalError as problem:
            self.give_up(str(problem))
        with ExitStack() as opened:
            opened.callback(journal.close)
            try:
                centre = self._centre(product, opened)
                bank = self._bank(product, opened)
                certificates = self._certificates(product, blank)
                keys = self._keys()
            except HostUnreachable as problem:
                self.give_up(f"{problem}; start the same command again when the host is back", INTERRUPTED)
            equipment = Equipment(
                product, blank, centre, journal, printer, bank=bank, certificates=certificates, keys=keys
            )
            try:
                yield Station(equipment, tell)
            except sqlite3.Error as problem:
                sentence = f"journal or books cannot be used ({problem}); start the same command again when they can be"
                self.give_up(sentence, INTERRUPTED)

    def _centre(self, product: Profile, opened: ExitStack) -> Centre | CentreHost:
        """The insurance centre."""
        try:
            return centre_at(product, self.books, opened)
        except (sqlite3.Error, ValueError) as problem:
            self.give_up(f"the books {self.books} cannot be used: {problem}")

    def _bank(self, product: Profile, opened: ExitStack) -> Bank | BankHost | None:
        """The bank; one behind a socket gives card data under a transport key."""
        if self.bank is None:
            return None
        remote = socket_of(self.bank) is not None
        if remote is not (self.transport_key is not None):
            self.give_up(
                "a bank behind a socket gives card data under --transport-key alone, and only such a bank has one"
            )
        try:
            key = transport_key_of(self.transport_key, self.give_up)
            return bank_at(product, self.bank, opened, key)
        except (sqlite3.Error, ValueError) as problem:
            self.give_up(f"the books {self.bank} cannot be used: {problem}")

    def _certificates(self, product: Profile, blank: Profile) -> CertificationAuthority | AuthorityHost | None:
        """The authority for the holder's certificates: the published test authority, or one behind a socket."""
        from conformance.actors.certificates.authority import CertificationAuthority
        from conformance.actors.hosts.authority import AuthorityHost
        from conformance.actors.station.certification import has_certificates

        if not (has_certificates(blank) and has_certificates(product)):
            return None
        if self.authority is None:
            return CertificationAuthority.published()
        return AuthorityHost(self._line("authority", self._socket("--authority", self.authority)))

    def _keys(self) -> KeysOfCard:
        """The key service, here or behind a socket."""
        from conformance.actors.hosts.keys import RemoteKeys
        from conformance.actors.key_service import KeyService

        if self.keys is None:
            return KeyService
        return RemoteKeys.behind(self._line("keys", self._socket("--keys", self.keys)))

    def _socket(self, option: str, place: Path) -> Path:
        socket = socket_of(place)
        if socket is None:
            self.give_up(
                f"{option} {place} is no socket; start the host with: sscard serve {option[2:]} --socket {place}"
            )
        return socket

    def _line(self, kind: str, socket: Path) -> RemoteLine:
        try:
            return line_to(kind, socket)
        except ValueError as problem:
            self.give_up(str(problem))

    def _printer(self) -> FacePrinter | None:
        try:
            return None if self.face is None else FacePrinter(self.face)
        except ValueError as problem:
            self.give_up(str(problem))

    @contextmanager
    def broken_off(self, number: str, *command: str | Path) -> Iterator[None]:
        """End a command that Ctrl-C breaks off in one sentence: how its request goes on, or that nothing has begun."""
        try:
            yield
        except KeyboardInterrupt:
            again = f"go on, with the same PINs: {self.again(*command)}"
            how = again if self._has_open(number) else "start the same command again"
            self.give_up(f"broken off; {how}", INTERRUPTED)

    def _has_open(self, number: str) -> bool:
        """Whether the journal has an open request of a number; one that is missing or cannot be used has none."""
        from conformance.actors.station import Journal, JournalError
        from conformance.actors.station.journal import State

        if not self.journal.exists():
            return False
        try:
            with closing(Journal(self.journal)) as journal:
                known = journal.request(number)
        except (JournalError, sqlite3.Error):
            return False
        return known is not None and known.state is State.OPEN

    @contextmanager
    def image_of_request(self) -> Iterator[RequestAtDesk]:
        """Take an image that is made meanwhile away again, unless the request that it was made for has begun."""
        request = RequestAtDesk()
        new = self.image is not None and not self.image.exists()
        try:
            yield request
        finally:
            if self.image is not None and new and not request.begun:
                self.image.unlink(missing_ok=True)

    @contextmanager
    def chip(self, blank: Profile) -> Iterator[Target]:
        """The chip that is meant, switched on."""
        from conformance.failures import BenchError
        from conformance.targets.in_process import InProcessTarget, numbered

        product = numbered(blank, self.serial) if self.serial and self.reader is None else blank
        target = open_card(product, self.image, self.reader, self.give_up)
        if isinstance(target, InProcessTarget):
            target.write_behind()  # the station asks for the disk before its journal says what the chip holds
        try:
            self._expect(target.connect())
            yield target
        except BenchError as problem:
            self.give_up(str(problem), INTERRUPTED)
        finally:
            target.close()

    def _expect(self, atr: bytes) -> None:
        from emulator.iso7816 import Atr, AtrError

        try:
            shown = Atr.parse(atr).historical[-8:].hex().upper()
        except AtrError as error:
            self.give_up(f"the reset answer cannot be read: {error}", NOT_ISSUED)
        if self.expect_chip is not None and not shown.startswith(self.expect_chip.upper()):
            self.give_up(f"another chip than expected: its last historical bytes are {shown}", NOT_ISSUED)
