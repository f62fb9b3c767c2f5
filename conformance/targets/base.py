"""The card under test, as the engine reaches it: bytes in, bytes out, supply on and off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Interface(StrEnum):
    """A side of a chip."""

    CONTACT = "contact"
    """ISO/IEC 7816-3."""
    CONTACTLESS = "contactless"
    """ISO/IEC 14443-4."""


@dataclass(frozen=True, slots=True)
class TargetDescription:
    """What the report says about how the card was reached."""

    kind: str
    """``in-process``, ``virtual card in a PC/SC reader`` or ``card in a PC/SC reader``."""
    reader: str | None
    protocol: str
    details: dict[str, str]
    contactless_reader: str | None = None
    """The reader through whose field the card is reached, where it is another one."""


class Target(Protocol):
    """A card under test.

    Every method may raise :class:`~conformance.failures.BenchError` when the bench, not the card, failed.
    """

    @property
    def description(self) -> TargetDescription:
        """How the card is reached."""

    @property
    def renewable(self) -> bool:
        """Whether :meth:`renew` can put a fresh card of the same product in."""

    @property
    def tearable(self) -> bool:
        """Whether :meth:`tear` can cut the supply at a chosen write."""

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Through which interfaces the card can be reached, the one first through which :meth:`connect` does."""

    @property
    def interface(self) -> Interface:
        """The interface in use."""

    def connect(self) -> bytes:
        """Switch the card on and hand out its ATR."""

    def switch(self, interface: Interface) -> bytes:
        """Take the power from the interface in use, go over to another one and hand out the ATR that it shows.

        The memory is the same, whatever a reset ends has ended. Raises :class:`ValueError` for an interface that is not
        among :attr:`interfaces`. Commands, resets and tears are those of the interface in use.
        """

    def answers_beside(self) -> bool | None:
        """Whether the card answers through another interface while the one in use has power; None where it cannot be told."""

    def transmit(self, command: bytes) -> bytes:
        """Exchange a command APDU for whatever the card answers."""

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card and hand out its ATR."""

    def renew(self) -> bytes:
        """Put a fresh card of the same product in and hand out its ATR; the interface in use stays."""

    def keep(self) -> Callable[[], bytes]:
        """Keep the card as it is now: what is answered puts a copy of it in, as :meth:`renew` does a fresh one."""

    def tear(self, command: bytes, write: int) -> bytes | None:
        """Send a command and cut the supply at the physical write number ``write`` (from 1) that it causes.

        Answers None when the cut came, and the response when the command ended with fewer writes. After a cut
        the card is off until :meth:`reset`.
        """

    def close(self) -> None:
        """Let go of the card and whatever was started for it."""
