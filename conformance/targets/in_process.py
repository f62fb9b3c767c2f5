"""A virtual card in the same process: the quickest target, and the one whose supply can be cut at any write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from conformance.failures import BenchError
from conformance.targets.base import Interface, TargetDescription
from emulator import load_card
from emulator.apps.load import card_of
from emulator.cos.card import Card
from emulator.cos.image import ImageError
from emulator.cos.memory import Memory, PowerLoss, Snapshot
from profiles.model import Profile

CONTACTLESS_PROTOCOL = "T=CL"


@dataclass
class Cut:
    """Whether the supply was cut."""

    happened: bool = False


@contextmanager
def cut_supply_at(card: Card, write: int) -> Iterator[Cut]:
    """While this lasts, the card's supply fails at physical write number ``write``, counted from 1."""
    cut, remaining = Cut(), write

    def count() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            cut.happened = True
            raise PowerLoss

    card.memory.write_hook = count
    try:
        yield cut
    finally:
        card.memory.write_hook = None


@dataclass
class Counted:
    """How many physical writes there were."""

    writes: int = 0


@contextmanager
def count_writes(card: Card) -> Iterator[Counted]:
    """While this lasts, the card's physical writes are counted, those before a cut too."""
    counted = Counted()

    def count() -> None:
        counted.writes += 1

    card.memory.write_hook = count
    try:
        yield counted
    finally:
        card.memory.write_hook = None


class InProcessTarget:
    """A card object; a fresh card is the memory as it was when the target was made."""

    renewable = True
    tearable = True

    def __init__(self, card: Card, kind: str = "in-process") -> None:
        self.card = card
        self.interface = Interface.CONTACT
        self.interfaces = (
            (Interface.CONTACT, Interface.CONTACTLESS) if card.structure.contactless else (Interface.CONTACT,)
        )
        self._side = card
        self._kind = kind
        self._fresh = card.snapshot()

    @property
    def description(self) -> TargetDescription:
        """The product, and the protocol of the interface in use."""
        structure = self.card.structure
        return TargetDescription(
            kind=self._kind,
            reader=None,
            protocol=structure.protocol if self.interface is Interface.CONTACT else CONTACTLESS_PROTOCOL,
            details={"product": structure.product},
        )

    def connect(self) -> bytes:
        """Switch the card on."""
        return self._side.reset()

    def switch(self, interface: Interface) -> bytes:
        """Go over to the other side of the same chip."""
        if interface not in self.interfaces:
            raise ValueError(f"the card has no {interface} interface")
        self._side.power_off()
        self._side = self.card if interface is Interface.CONTACT else self.card.contactless()
        self.interface = interface
        return self._side.reset()

    def answers_beside(self) -> bool | None:
        """Call the other side of the chip."""
        if len(self.interfaces) == 1:
            return None
        other = self.card.contactless() if self.interface is Interface.CONTACT else self.card
        try:
            other.reset()
        except PowerLoss:
            return False
        return True

    def transmit(self, command: bytes) -> bytes:
        """Hand a command to the card; a card program that breaks is the bench's error."""
        try:
            return self._side.transmit(command)
        except Exception as problem:
            raise BenchError(f"the virtual card broke on {command.hex().upper()}: {problem!r}") from problem

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card."""
        return self._side.reset(cold)

    def renew(self) -> bytes:
        """Put a fresh card in."""
        return self._put_in(self._fresh)

    def keep(self) -> Callable[[], bytes]:
        """Keep the whole memory."""
        return partial(self._put_in, self.card.snapshot())

    def _put_in(self, memory: Snapshot) -> bytes:
        self.card.restore(memory)
        return self._side.reset()

    def power_off(self) -> None:
        """Take the power away: whatever a reset ends has ended."""
        self._side.power_off()

    def twin(self) -> InProcessTarget:
        """Another chip with the same memory: what is done to it leaves this one as it is."""
        return InProcessTarget(card_of(Memory(self.card.snapshot())), self._kind)

    def snapshot(self) -> Snapshot:
        """The whole memory, of which :func:`chip_of` makes another chip."""
        return self.card.snapshot()

    def tear(self, command: bytes, write: int) -> bytes | None:
        """Cut the supply at a physical write of the card's memory."""
        with cut_supply_at(self.card, write):
            try:
                return self._side.transmit(command)
            except PowerLoss:
                return None

    def write_behind(self) -> None:
        """Let an image reach the disk with :meth:`flush` and no sooner: for a chip that nobody has in hand but its maker."""
        self.card.memory.write_behind()

    def flush(self) -> None:
        """Whatever the card has answered for is on the disk."""
        try:
            self.card.memory.flush()
        except (OSError, sqlite3.Error) as problem:
            raise BenchError(f"the card's image cannot be written: {problem}") from problem

    def close(self) -> None:
        """Give up the card."""
        self.card.memory.close()


def chip_of(snapshot: Snapshot) -> InProcessTarget:
    """A chip with this memory, as :meth:`InProcessTarget.snapshot` hands it out."""
    return InProcessTarget(card_of(Memory(snapshot.copy())))


def fresh_chip(profile: Profile) -> InProcessTarget:
    """A new virtual chip of a product."""
    return InProcessTarget(load_card(profile))


class UnusableCard(ValueError):
    """A file that holds no card or is in use, a card without the interface; the message says which, why, and what to do."""


def numbered(profile: Profile, serial: str) -> Profile:
    """The same product with another serial number of its chip: eight hexadecimal digits."""
    historical = profile.chip.historical[:-4] + bytes.fromhex(serial)
    return profile.model_copy(update={"chip": profile.chip.model_copy(update={"historical": historical})})


def virtual_target(profile: Profile, image: Path | None = None, *, contactless: bool = False) -> InProcessTarget:
    """The virtual card of a profile, or of an image file, on its contacts or through its antenna.

    Raises:
        UnusableCard: The file cannot be used, or the card has no antenna.
    """
    try:
        target = InProcessTarget(load_card(profile, image))
    except ImageError as problem:
        raise UnusableCard(str(problem)) from problem
    if contactless and Interface.CONTACTLESS not in target.interfaces:
        target.close()
        raise UnusableCard(f"{profile.name} has no contactless interface, which this needs; see: sscard profile list")
    if contactless:
        target.switch(Interface.CONTACTLESS)
    return target
