"""A card in a PC/SC reader, reached through pyscard's thin layer over winscard."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from conformance.failures import BenchError
from conformance.targets.base import TargetDescription

RECONNECT_SECONDS = 3.0
RECONNECT_PAUSE = 0.01
REMOVAL_SECONDS = 0.7
STATUS_WORD_LENGTH = 2


def _scard() -> Any:
    """pyscard's module, which only benches with a reader need."""
    try:
        return import_module("smartcard.scard")
    except ImportError:
        raise BenchError(
            "pyscard is not installed, so no PC/SC reader can be used: pip install 'sscard[pcsc]', or test --in-process"
        ) from None


def _describe(scard: Any, result: int) -> str:
    return str(scard.SCardGetErrorMessage(result)).strip().rstrip(".")


def list_readers() -> list[str]:
    """Names of all PC/SC readers; :class:`BenchError` when the service cannot be reached."""
    scard = _scard()
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        raise BenchError(f"PC/SC cannot be reached ({_describe(scard, result)}): is pcscd running? See: sscard doctor")
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


class PcscTarget:
    """A card in a reader. It cannot be exchanged for a fresh one, nor its supply cut at a chosen write."""

    renewable = False
    tearable = False

    def __init__(self, reader: str, kind: str = "card in a PC/SC reader") -> None:
        self._scard = _scard()
        self.reader = reader
        self._kind = kind
        self._card: Any = None
        self._protocol = 0
        self._context = self._good(self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER), "PC/SC context")[0]

    @property
    def description(self) -> TargetDescription:
        """The reader and the protocol in use."""
        return TargetDescription(
            kind=self._kind,
            reader=self.reader,
            protocol="T=1" if self._protocol == self._scard.SCARD_PROTOCOL_T1 else "T=0",
            details={},
        )

    def _good(self, answer: Any, what: str) -> list[Any]:
        """What a call answered besides its result; :class:`BenchError` when it failed."""
        result, *rest = answer if isinstance(answer, (list, tuple)) else (answer,)
        if result != self._scard.SCARD_S_SUCCESS:
            raise BenchError(f"{self.reader}: {what} failed: {_describe(self._scard, result)}")
        return rest

    def connect(self) -> bytes:
        """Connect exclusively and switch the card on."""
        scard = self._scard
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        self._card, self._protocol = self._good(
            scard.SCardConnect(self._context, self.reader, scard.SCARD_SHARE_EXCLUSIVE, protocols),
            "connecting the card",
        )
        return self.reset()

    def transmit(self, command: bytes) -> bytes:
        """Exchange an APDU; a card that left the reader is the bench's error."""
        answer = self._response(self._exchange(command), command)
        if len(answer) < STATUS_WORD_LENGTH:
            self._require_presence()
        return answer

    def _require_presence(self) -> None:
        """Wait as long as a reader may take to notice that its card is gone; then it was the bench, not the card.

        A card pulled out in the middle of a command comes as an answer without a status word before it comes as a
        removal: pcscd asks a virtual reader every 0.4 seconds.
        """
        deadline = time.monotonic() + REMOVAL_SECONDS
        while time.monotonic() < deadline:
            self._good(self._scard.SCardStatus(self._card), "the card left the reader during a command: its status")
            time.sleep(RECONNECT_PAUSE)

    def _exchange(self, command: bytes) -> tuple[int, Iterable[int]]:
        scard = self._scard
        header = scard.SCARD_PCI_T1 if self._protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
        result, answer = scard.SCardTransmit(self._card, header, list(command))
        return result, answer

    def _response(self, answered: tuple[int, Iterable[int]], command: bytes) -> bytes:
        result, answer = answered
        if result != self._scard.SCARD_S_SUCCESS:
            raise BenchError(
                f"{self.reader}: the exchange of {command[:5].hex().upper()}… failed: {_describe(self._scard, result)}"
            )
        return bytes(answer)

    def reset(self, cold: bool = True) -> bytes:
        """Switch the card off and on, or reset it warm; wait for a card that is just being put back."""
        scard = self._scard
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        kind = scard.SCARD_UNPOWER_CARD if cold else scard.SCARD_RESET_CARD
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            answer = scard.SCardReconnect(self._card, scard.SCARD_SHARE_EXCLUSIVE, protocols, kind)
            if answer[0] == scard.SCARD_S_SUCCESS or time.monotonic() > deadline:
                break
            time.sleep(RECONNECT_PAUSE)
        (self._protocol,) = self._good(answer, "resetting the card")
        atr = self._good(scard.SCardStatus(self._card), "asking for the ATR")[-1]
        return bytes(atr)

    def renew(self) -> bytes:
        """Not possible with a card in a reader."""
        raise BenchError("this bench cannot exchange the card")

    def tear(self, command: bytes, write: int) -> bytes | None:
        """Not possible through a PC/SC reader."""
        raise BenchError("this bench cannot cut the supply at a chosen write")

    def close(self) -> None:
        """Switch the card off and let the reader go."""
        if self._card is not None:
            self._scard.SCardDisconnect(self._card, self._scard.SCARD_UNPOWER_CARD)
            self._card = None
        self._scard.SCardReleaseContext(self._context)
