"""One PC/SC reader and the card in it, through pyscard's thin layer over winscard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from conformance.failures import BenchError

RECONNECT_SECONDS = 3.0
RECONNECT_PAUSE = 0.01
REMOVAL_SECONDS = 0.7
ARRIVAL_SECONDS = 30.0
"""How long somebody may take to bring the card to a reader."""
STATUS_WORD_LENGTH = 2


def load_scard() -> Any:
    """pyscard's module, which only benches with a reader need."""
    try:
        return import_module("smartcard.scard")
    except ImportError:
        raise BenchError(
            "pyscard is not installed, so no PC/SC reader can be used: pip install 'sscard[pcsc]', or test --in-process"
        ) from None


def describe(scard: Any, result: int) -> str:
    """What PC/SC calls a result."""
    return str(scard.SCardGetErrorMessage(result)).strip().rstrip(".")


def _patiently(scard: Any, act: Callable[[], Any], seconds: float) -> Any:
    """Repeat a call until it succeeds or the time is over; what it answered last."""
    deadline = time.monotonic() + seconds
    while True:
        answer = act()
        if answer[0] == scard.SCARD_S_SUCCESS or time.monotonic() >= deadline:
            return answer
        time.sleep(RECONNECT_PAUSE)


class CardInReader:
    """The connection to the card in one reader; every method raises :class:`BenchError` when the card is not there."""

    def __init__(self, reader: str) -> None:
        self._scard = load_scard()
        self.reader = reader
        self._card: Any = None
        self._protocol = 0
        self._context = self._good(self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER), "PC/SC context")[0]

    @property
    def protocol(self) -> str:
        """The protocol as the reader names it; a contactless reader says ``T=1``."""
        return "T=1" if self._protocol == self._scard.SCARD_PROTOCOL_T1 else "T=0"

    def _good(self, answer: Any, what: str) -> list[Any]:
        """What a call answered besides its result; :class:`BenchError` when it failed."""
        result, *rest = answer if isinstance(answer, (list, tuple)) else (answer,)
        if result != self._scard.SCARD_S_SUCCESS:
            raise BenchError(f"{self.reader}: {what} failed: {describe(self._scard, result)}")
        return rest

    def wait_for_card(self, tell: Callable[[str, str], None], seconds: float = ARRIVAL_SECONDS) -> None:
        """Wait until a card is there, and say once (Chinese, English) that one is waited for."""

        def ask() -> None:
            tell(f"请将卡片移至读卡器 {self.reader}", f"bring the card to the reader {self.reader}")

        if not self._comes_to(self._scard.SCARD_STATE_PRESENT, seconds, ask):
            raise BenchError(f"{self.reader}: no card came within {seconds:g} seconds")

    def wait_for_removal(self, seconds: float = ARRIVAL_SECONDS) -> None:
        """Wait until the reader has noticed that its card is out."""
        if not self._comes_to(self._scard.SCARD_STATE_EMPTY, seconds, lambda: None):
            raise BenchError(f"{self.reader}: the card was not taken out within {seconds:g} seconds")

    def _comes_to(self, wanted: int, seconds: float, ask: Callable[[], None]) -> bool:
        """Whether the reader reaches a state in time; ``ask`` is called once where it is not there at first."""
        scard = self._scard
        asked, state, deadline = False, scard.SCARD_STATE_UNAWARE, time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            answer = scard.SCardGetStatusChange(self._context, int(left * 1000), [(self.reader, state)])
            if answer[0] == scard.SCARD_E_TIMEOUT:
                break
            ((_, state, _),) = self._good(answer, "asking for a card")[0]
            if state & wanted:
                return True
            state &= ~scard.SCARD_STATE_CHANGED
            if not asked:
                asked = True
                ask()
        return False

    def connect(self, seconds: float = 0.0) -> bytes:
        """Connect exclusively and switch the card on.

        ``seconds``: how long a card may take until it answers, as one does whose other side has just lost its power.
        """
        scard = self._scard
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        answer = _patiently(
            scard,
            lambda: scard.SCardConnect(self._context, self.reader, scard.SCARD_SHARE_EXCLUSIVE, protocols),
            seconds,
        )
        self._card, self._protocol = self._good(answer, "connecting the card")
        try:
            return self.reset()
        except BenchError:
            self.release()
            raise

    @property
    def _handle(self) -> Any:
        """The connection to the card."""
        if self._card is None:
            raise BenchError(f"{self.reader}: no card is connected")
        return self._card

    def transmit(self, command: bytes) -> bytes:
        """Exchange an APDU; a card that left the reader is the bench's error."""
        answer = self.response(self.exchange(command), command)
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
            self._good(self._scard.SCardStatus(self._handle), "the card left the reader during a command: its status")
            time.sleep(RECONNECT_PAUSE)

    def exchange(self, command: bytes) -> tuple[int, Iterable[int]]:
        """Result and answer of PC/SC, not yet judged."""
        scard = self._scard
        header = scard.SCARD_PCI_T1 if self._protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
        result, answer = scard.SCardTransmit(self._handle, header, list(command))
        return result, answer

    def response(self, answered: tuple[int, Iterable[int]], command: bytes) -> bytes:
        """The answer of an exchange that PC/SC carried out."""
        result, answer = answered
        if result != self._scard.SCARD_S_SUCCESS:
            raise BenchError(
                f"{self.reader}: the exchange of {command[:5].hex().upper()}… failed: {describe(self._scard, result)}"
            )
        return bytes(answer)

    def reset(self, cold: bool = True) -> bytes:
        """Switch the card off and on, or reset it warm; wait for a card that is just being put back."""
        scard = self._scard
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        kind = scard.SCARD_UNPOWER_CARD if cold else scard.SCARD_RESET_CARD
        handle = self._handle
        answer = _patiently(
            scard,
            lambda: scard.SCardReconnect(handle, scard.SCARD_SHARE_EXCLUSIVE, protocols, kind),
            RECONNECT_SECONDS,
        )
        (self._protocol,) = self._good(answer, "resetting the card")
        atr = self._good(scard.SCardStatus(handle), "asking for the ATR")[-1]
        return bytes(atr)

    def release(self) -> None:
        """Switch the card off and let it go; another connection may come."""
        if self._card is not None:
            self._scard.SCardDisconnect(self._card, self._scard.SCARD_UNPOWER_CARD)
            self._card = None

    def close(self) -> None:
        """Switch the card off and let the reader go."""
        self.release()
        self._scard.SCardReleaseContext(self._context)
