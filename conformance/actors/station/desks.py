"""What a station asks of the hosts that it can reach. Every method may raise HostUnreachable; asked again, none does harm."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.change import Answer, Change, ChangeKind, ChipReturn
from conformance.actors.bank.groupings import DataFile
from conformance.actors.bank.ledger import Account
from conformance.actors.bank.messages import Host
from conformance.actors.medical.books import RegisteredCard
from conformance.actors.medical.messages import CardState, Channel, PersonAccount
from profiles.model import Profile


class ChangeDesk(Protocol):
    """The bank's desk for cards; see :class:`conformance.actors.bank.CardDesk`."""

    def change(self, number: str) -> Change | None:
        """Where a change stands."""

    def in_use(self, pan: str) -> Account | None:
        """The card of a number that is in use."""

    def open(self, number: str, pan: str, *, holder: str, identity: str, pin: str, account: str = "") -> Answer:
        """Begin a first issuance."""

    def freeze(
        self,
        number: str,
        pan: str,
        kind: ChangeKind,
        *,
        lost: bool = False,
        card_present: bool = True,
        identity: str = "",
    ) -> Answer:
        """Begin any other change."""

    def order(
        self, number: str, change: str, expiry: date, *, pan: str = "", sequence: str = "00", pre_made: bool = True
    ) -> Answer:
        """Order the new card."""

    def personalisation(self, change: str, product: Profile, authority: Authority) -> DataFile:
        """What the new card is made of."""

    def switch(self, number: str, change: str) -> Answer:
        """The old card off and the new one on."""

    def undo(self, number: str, change: str) -> Answer:
        """All as it was before."""

    def return_e_cash(self, number: str, pan: str, sequence: str, *, without_chip: bool = False) -> Answer:
        """E-cash back to the account."""

    def report_lost(self, number: str, pan: str) -> Answer:
        """The card in use off."""

    def record(self, number: str, change: str, chip: ChipReturn) -> Answer:
        """银行回盘登记."""


class IssuerDesk(Host, Protocol):
    """The bank."""

    @property
    def cards(self) -> ChangeDesk:
        """Its desk for cards."""


class CentreDesk(Protocol):
    """The insurance centre's register; see :class:`conformance.actors.medical.centre.Centre`."""

    def inquire(self, person: str) -> PersonAccount | None:
        """What is known of a person."""

    def insure(self, person: str, name: str, *, balance: int | None = None, insured: bool = True) -> None:
        """Enter a person."""

    def card(self, card: str) -> RegisteredCard | None:
        """A card by its identification."""

    def cards_of(self, person: str) -> tuple[RegisteredCard, ...]:
        """Every card of a person."""

    def register(self, card: str, person: str, historical: bytes, state: CardState = CardState.SEALED) -> None:
        """Enter a card."""

    def change_card(self, card: str, state: CardState, channel: Channel = Channel.WINDOW) -> None:
        """Another state of a card."""

    def replace_card(self, new: str, old: str, channel: Channel = Channel.STATION) -> None:
        """The old card cancelled, the new one in use."""
