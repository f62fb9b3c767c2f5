"""What a station works with, and the work over one chip that its steps share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.actors.bank.authority import Authority
from conformance.actors.certificates.station import Authority as CertificateAuthority
from conformance.actors.key_service import KeyService, KeysOfCard
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.reader import ENVIRONMENT, CardLink, CardReader, CardRefused
from conformance.actors.station.chip import Chip
from conformance.actors.station.desks import CentreDesk, IssuerDesk
from conformance.actors.station.initialisation import CardData
from conformance.actors.station.journal import Journal, PinGiver
from conformance.actors.station.link import ChipLink
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Step
from conformance.actors.station.printer import Printer
from profiles.model import Profile

if TYPE_CHECKING:
    from conformance.actors.station.old_card import OldChip

TERMINAL = bytes.fromhex("500000000010")
"""Terminal number that the station's HSM shows."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """A station's products and the desks that it can reach.

    Attributes:
        product: The card product whose social security application goes onto the chip.
        blank: The product of the blank chip: its maker's keys.
        centre: The insurance centre.
        journal: The station's journal.
        printer: Its card printer; a station without one does not print.
        bank: The bank; a station without one makes cards without financial application.
        authority: The certification authority of the bank, None for the published one.
        certificates: The authority for the holder's certificates; without one the certificate application stays as it was.
        keys: The key service, here or behind a line.
        pins: Who gives the PINs.
    """

    product: Profile
    blank: Profile
    centre: CentreDesk
    journal: Journal
    printer: Printer | None = None
    bank: IssuerDesk | None = None
    authority: Authority | None = None
    certificates: CertificateAuthority | None = None
    keys: KeysOfCard = KeyService
    pins: PinGiver = PinGiver.HOLDER


class Work:
    """One run over a chip: the order, the chip, and what its card shall hold. A step is a function of it."""

    def __init__(
        self,
        equipment: Equipment,
        order: Order,
        link: CardLink,
        new_pin: str,
        old: OldChip | None = None,
        bank_pin: str = "",
    ) -> None:
        self.equipment = equipment
        self.order = order
        self.link = ChipLink(link)
        self.new_pin = new_pin
        self.chip = Chip(self.link)
        self.data: CardData
        self.old = None if old is None else replace(old, link=ChipLink(old.link))
        self.bank_pin = bank_pin
        """Online PIN that the holder of a first card chooses."""
        self.notes: list[tuple[str, str]] = []

    @property
    def spent(self) -> tuple[float, int]:
        """Seconds that the chips took, the old one's too, and how many commands they got."""
        links = [self.link, *([self.old.link] if self.old is not None and isinstance(self.old.link, ChipLink) else [])]
        return sum(link.seconds for link in links), sum(link.commands for link in links)

    @property
    def bank(self) -> IssuerDesk | None:
        """The bank, where the card gets a financial application."""
        return self.equipment.bank if self.order.former.account else None

    def note(self, zh: str, en: str) -> None:
        """Keep what is left to be done or known when the card is handed over."""
        if (zh, en) not in self.notes:
            self.notes.append((zh, en))

    def begin(self) -> None:
        """Switch the chip on, and settle what its card will hold."""
        self.data = CardData(self.equipment.product, self.order, self.chip.reset(), self.equipment.keys)

    def has_begun_before(self, step: Step) -> bool:
        """Whether an earlier run began with the step that is taken now."""
        return self.equipment.journal.entries(self.order.number).count((step.name, "before")) > 1

    def production(self) -> KeyService:
        """The maker's keys of the chip, which is reset."""
        return self.equipment.keys(self.equipment.blank, self.chip.reset(), None)

    def reader(self) -> CardReader:
        """The card through its ordinary commands, with the initial PIN and the key service's keys."""
        product = self.equipment.product
        initial = self.initial_pin
        keys = HsmKeys(product, TERMINAL, service=self.equipment.keys)
        reader = CardReader(self.link, product, keys, pin=lambda: initial)
        reader.begin()
        if reader.identification.hex().upper() != self.data.identification:
            raise CardRefused("卡的识别码不符", "the card shows another identification than it was given")
        return reader

    @property
    def initial_pin(self) -> str:
        """The PIN with which every card of the product leaves initialisation."""
        return next(pin.value for pin in self.equipment.product.directory[ENVIRONMENT].pin.values())
