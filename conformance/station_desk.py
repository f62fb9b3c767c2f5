"""A station's desk on the command line: which chip, which journal, which books; what cannot be is one sentence."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from conformance.face_option import FacePrinter

if TYPE_CHECKING:
    from conformance.actors.bank import Bank
    from conformance.actors.station import Printer, Station, Told
    from conformance.targets.base import Target
    from profiles.model import Profile

NOT_ISSUED, WRONG_USE, INTERRUPTED = 1, 2, 3
BLANKS = {"SM4": "ssc3-blank", "3DES": "ssc2-blank"}
"""Chips of whole cards: a bank's application waits in them."""


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

    def give_up(self, sentence: str, code: int = WRONG_USE) -> NoReturn:
        """End the command with one sentence."""
        typer.echo(f"sscard {self.command}: {sentence}", err=True)
        raise typer.Exit(code)

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
        from conformance.actors.certificates.authority import CertificationAuthority
        from conformance.actors.medical.centre import Centre
        from conformance.actors.station import Equipment, Journal, JournalError, Station
        from conformance.actors.station.certification import has_certificates

        product, blank = self.products()
        printer = printer or self._printer()
        try:
            journal = Journal(self.journal)
        except JournalError as problem:
            self.give_up(str(problem))
        try:
            centre = Centre(product, self.books, year=f"{datetime.now().astimezone():%Y}")
        except (sqlite3.Error, ValueError) as problem:
            journal.close()
            self.give_up(f"the books {self.books} cannot be used: {problem}")
        bank = self._bank(product)
        certificates = None
        if has_certificates(blank) and has_certificates(product):
            certificates = CertificationAuthority.published()
        equipment = Equipment(product, blank, centre, journal, printer, bank=bank, certificates=certificates)
        try:
            yield Station(equipment, tell)
        finally:
            centre.books.close()
            journal.close()
            if bank is not None:
                bank.ledger.close()

    def _bank(self, product: Profile) -> Bank | None:
        from conformance.actors.bank import Bank, IssuerKeys, Ledger

        if self.bank is None:
            return None
        if not self.bank_may_be_new and not self.bank.exists():
            self.give_up(f"{self.bank}: no such books of a bank; make them with: sscard bank open")
        try:
            return Bank(*IssuerKeys.of_profile(product), ledger=Ledger(self.bank))
        except (sqlite3.Error, ValueError) as problem:
            self.give_up(f"the books {self.bank} cannot be used: {problem}")

    def _printer(self) -> FacePrinter | None:
        try:
            return None if self.face is None else FacePrinter(self.face)
        except ValueError as problem:
            self.give_up(str(problem))

    @contextmanager
    def chip(self, blank: Profile) -> Iterator[Target]:
        """The chip that is meant, switched on."""
        from conformance.failures import BenchError
        from conformance.targets.in_process import UnusableCard, numbered, virtual_target
        from conformance.targets.pcsc import PcscTarget, choose_reader, list_readers

        try:
            if self.reader is None:
                virtual = virtual_target(numbered(blank, self.serial) if self.serial else blank, self.image)
                virtual.write_behind()  # the station asks for the disk before its journal says what the chip holds
                target: Target = virtual
            else:
                target = PcscTarget(choose_reader(self.reader, list_readers()))
        except UnusableCard as problem:
            self.give_up(str(problem))
        except BenchError as problem:
            self.give_up(str(problem), INTERRUPTED)
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
