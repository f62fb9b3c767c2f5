"""Hosts of a command: what an option names is a file of books, or a socket behind which `sscard serve` listens."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import ExitStack

    from conformance.actors.bank import Account, Bank
    from conformance.actors.hosts.bank import BankHost
    from conformance.actors.hosts.centre import CentreHost
    from conformance.actors.hosts.client import RemoteLine
    from conformance.actors.medical.centre import Centre
    from profiles.model import Profile

PREFIX = "socket:"
"""Before the path of a socket: needed while nobody listens there."""


def socket_of(place: Path) -> Path | None:
    """The socket that an option names; None where it names a file, which may be missing."""
    text = str(place)
    if text.startswith(PREFIX):
        return Path(text.removeprefix(PREFIX))
    return place if place.is_socket() else None


def line_to(kind: str, socket: Path) -> RemoteLine:
    """The line to a host of this kind, with the token of the environment; ValueError where path or token cannot be."""
    from conformance.actors.hosts.address import Address, Token
    from conformance.actors.hosts.client import RemoteLine

    return RemoteLine(kind, Address.of_path(socket), Token.of_environment())


def centre_at(product: Profile, place: Path, opened: ExitStack) -> Centre | CentreHost:
    """The insurance centre over the books in a file, or behind a socket; the books are closed with ``opened``.

    Raises:
        sqlite3.Error, ValueError: The file, the path of the socket or its token cannot be used.
    """
    from conformance.actors.hosts.centre import CentreHost
    from conformance.actors.medical.centre import Centre
    from conformance.actors.medical.messages import Mode

    socket = socket_of(place)
    if socket is not None:
        return CentreHost(line_to("centre", socket), Mode.ONLINE)
    centre = Centre(product, place, year=f"{datetime.now().astimezone():%Y}")
    opened.callback(centre.books.close)
    return centre


def bank_at(product: Profile, place: Path, opened: ExitStack, transport_key: bytes | None = None) -> Bank | BankHost:
    """The bank over the books in a file, with the test keys of the product, or behind a socket; see :func:`centre_at`.

    ``transport_key`` is the key under which a bank behind a socket gives card data.
    """
    from conformance.actors.bank import Bank, IssuerKeys, Ledger
    from conformance.actors.hosts.bank import BankHost

    socket = socket_of(place)
    if socket is not None:
        return BankHost(line_to("bank", socket), transport_key)
    bank = Bank(*IssuerKeys.of_profile(product), ledger=Ledger(place))
    opened.callback(bank.ledger.close)
    return bank


def cards_of(bank: Bank | BankHost, pan: str) -> list[Account]:
    """The cards of a number; a bank behind a socket tells the one in use alone."""
    from conformance.actors.bank import Bank

    if isinstance(bank, Bank):
        return bank.ledger.cards(pan)
    found = bank.cards.in_use(pan)
    return [] if found is None else [found]
