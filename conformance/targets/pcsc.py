"""A card in a PC/SC reader, or in two: one for its contacts and one for its antenna."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.failures import BenchError
from conformance.targets.base import Interface, TargetDescription
from conformance.targets.reader import RECONNECT_SECONDS, CardInReader, describe, load_scard
from emulator.iso7816 import Atr, AtrError


def list_readers() -> list[str]:
    """Names of all PC/SC readers; :class:`BenchError` when the service cannot be reached."""
    scard = load_scard()
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        raise BenchError(f"PC/SC cannot be reached ({describe(scard, result)}): is pcscd running? See: sscard doctor")
    try:
        result, names = scard.SCardListReaders(context, [])
        return list(names) if result == scard.SCARD_S_SUCCESS else []
    finally:
        scard.SCardReleaseContext(context)


def choose_reader(wanted: str, names: Sequence[str]) -> str:
    """The reader that is meant: the exact name, else the only one that contains the words."""
    if wanted in names:
        return wanted
    found = [name for name in names if wanted.lower() in name.lower()]
    if len(found) == 1:
        return found[0]
    there = "; ".join(names) or "none"
    if found:
        raise BenchError(f"reader {wanted!r} is ambiguous: {'; '.join(found)}; give the whole name")
    raise BenchError(f"no reader {wanted!r}; readers here: {there}")


def _say_nothing(zh: str, en: str) -> None:
    """Nobody is to be told."""


def interface_of(atr: bytes) -> Interface:
    """The interface that a reader's ATR speaks of: for a contactless card the reader makes one up (PC/SC part 3 §3.1.3.2.3)."""
    try:
        shown = Atr.parse(atr).contactless_identity
    except AtrError:
        shown = None
    return Interface.CONTACT if shown is None else Interface.CONTACTLESS


class PcscTarget:
    """A card in a reader. It cannot be exchanged for a fresh one, nor its supply cut at a chosen write.

    With a ``contactless_reader`` the card can be reached through its antenna, too: either it lies in a reader that has
    contacts and a field, or somebody moves it, to which ``tell`` asks (Chinese, English). Before a card is reached through the
    one interface the other one loses its power.
    """

    renewable = False
    tearable = False

    def __init__(
        self,
        reader: str,
        kind: str = "card in a PC/SC reader",
        *,
        contactless_reader: str | None = None,
        tell: Callable[[str, str], None] = _say_nothing,
    ) -> None:
        self._kind = kind
        self._tell = tell
        self.reader = reader
        self._first = CardInReader(reader)
        self._readers = {Interface.CONTACT: self._first}
        self.interface = Interface.CONTACT
        if contactless_reader is not None:
            self._readers[Interface.CONTACTLESS] = CardInReader(contactless_reader)

    @property
    def _here(self) -> CardInReader:
        return self._readers[self.interface]

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Those that have a reader; a single reader has what the ATR of its card speaks of."""
        return tuple(self._readers)

    @property
    def description(self) -> TargetDescription:
        """The readers and the protocol in use."""
        other = self._readers.get(Interface.CONTACTLESS)
        return TargetDescription(
            kind=self._kind,
            reader=self.reader,
            protocol=self._here.protocol,
            details={},
            contactless_reader=None if other in (None, self._first) else other.reader,
        )

    def wait_for_card(self) -> None:
        """Wait until the first reader shows its card, which it may do some time after it has given it power."""
        self._first.wait_for_card(self._tell)

    def wait_for_removal(self) -> None:
        """Wait until the first reader has noticed that its card is out."""
        self._first.wait_for_removal()

    def connect(self) -> bytes:
        """Connect exclusively and switch the card on."""
        atr = self._here.connect()
        if len(self._readers) == 1:
            self.interface = interface_of(atr)
            self._readers = {self.interface: self._first}
        return atr

    def switch(self, interface: Interface) -> bytes:
        """Switch the card off here and on in the other reader."""
        if interface not in self._readers:
            raise ValueError(f"no reader for the {interface} interface")
        self._here.release()
        self.interface = interface
        self._here.wait_for_card(self._tell)
        return self._here.connect(RECONNECT_SECONDS)

    def answers_beside(self) -> bool | None:
        """Not to be told: nobody knows whether a card lies in the field while it stands in the contacts."""
        return None

    def transmit(self, command: bytes) -> bytes:
        """Exchange an APDU; a card that left the reader is the bench's error."""
        return self._here.transmit(command)

    def reset(self, cold: bool = True) -> bytes:
        """Switch the card off and on, or reset it warm; wait for a card that is just being put back."""
        return self._here.reset(cold)

    def renew(self) -> bytes:
        """Not possible with a card in a reader."""
        raise BenchError("this bench cannot exchange the card")

    def keep(self) -> Callable[[], bytes]:
        """Not possible with a card in a reader."""
        raise BenchError("this bench cannot copy the card")

    def tear(self, command: bytes, write: int) -> bytes | None:
        """Not possible through a PC/SC reader."""
        raise BenchError("this bench cannot cut the supply at a chosen write")

    def close(self) -> None:
        """Switch the card off and let the readers go."""
        for reader in self._readers.values():
            reader.close()
