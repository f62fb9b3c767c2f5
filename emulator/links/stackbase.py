"""What all PC/SC stacks have in common: slots into which cards can be put, and clients that find them."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self

from emulator.links import pcsclite
from emulator.links.card import CardDevice
from emulator.links.pcsclite import PcscError, ReaderEntry, process_socket
from emulator.links.vpcd import Connector, LinkError, VpcdLink, tcp_connector


class StackError(Exception):
    """A stack can't be had or used; the message says why and what to do."""


class StackOffer(NamedTuple):
    """Whether this machine offers a kind of stack."""

    name: str
    usable: bool
    why: str
    """What was found; for one that isn't usable, what to do."""


class Stack(ABC):
    """A pcscd with slots into which cards can be put."""

    kind: ClassVar[str]

    def __init__(self, readers: Sequence[ReaderEntry]) -> None:
        self.readers = tuple(readers)
        self._links: list[VpcdLink] = []

    @property
    def reader_names(self) -> tuple[str, ...]:
        """The names of all slots, as PC/SC shows them."""
        return tuple(name for entry in self.readers for name in entry.slot_names)

    @property
    def ports(self) -> tuple[int, ...]:
        """The TCP port of each slot, in the order of `reader_names`."""
        return tuple(port for entry in self.readers for port in entry.ports)

    @property
    @abstractmethod
    def socket_path(self) -> Path:
        """The path at which clients reach pcscd."""

    @abstractmethod
    def start(self) -> Self:
        """Make the stack ready, and let the PC/SC calls of this process go to it.

        Raises:
            StackError: it can't be had.
        """

    def stop(self) -> None:
        """Take all cards out and end what was started for this stack.

        The PC/SC calls of this process go to the machine's pcscd again.
        """
        for link in self._links:
            link.stop()
        self._links.clear()
        if process_socket.points_to(self.socket_path):
            process_socket.turn_to(process_socket.system)

    def activate(self) -> None:
        """Let the PC/SC calls of this process go to this stack, when several are in use. Open contexts stay as they are.

        Raises:
            StackError: the stack isn't reached.
        """
        try:
            process_socket.turn_to(self.socket_path)
            missing = set(self.reader_names) - set(pcsclite.list_readers())
        except PcscError as error:
            raise StackError(f"The {self.kind} can't be used: {error}") from error
        if missing:
            raise StackError(
                f"pcscd does not show {', '.join(sorted(missing))}. Has this process used PC/SC before it made the stack? "
                "The PC/SC library keeps to the first pcscd that it met: start the stack first."
            )

    def environment(self) -> dict[str, str]:
        """Return the environment for programs that are to use this stack."""
        return {**os.environ, pcsclite.SOCKET_VARIABLE: str(self.socket_path)}

    def connector(self, slot: int = 0) -> Connector:
        """Return what makes connections to a slot.

        Args:
            slot: index into `reader_names`.
        """
        return tcp_connector(self.ports[slot])

    def link(self, card: CardDevice, slot: int = 0, **options: Any) -> VpcdLink:
        """Return a link, not yet started, that puts a card into a slot; options as for `VpcdLink`."""
        link = VpcdLink(card, self.connector(slot), where=self.reader_names[slot], **options)
        self._links.append(link)
        return link

    def insert(self, card: CardDevice, slot: int = 0, **options: Any) -> VpcdLink:
        """Put a card into a slot and return the running link when the reader has given it power.

        Raises:
            LinkError: nothing listens for that slot, or another card is in it.
        """
        link = self.link(card, slot, **options).start()
        try:
            return link.wait_until_powered()
        except LinkError:
            link.stop()
            raise

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def missing_packages() -> str:
    """Say which of pcscd and vpcd's driver is missing and how to get it; nothing when both are there."""
    missing = [
        package
        for package, found in (("pcscd", pcsclite.find_pcscd()), ("vsmartcard-vpcd", pcsclite.find_driver()))
        if not found
    ]
    return f"Not installed: apt-get install {' '.join(missing)}" if missing else ""
