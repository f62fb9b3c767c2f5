"""Real PC/SC for tests: a private stack and a thin client. Other test folders import the fixtures into their conftest:

from tests.links.fixtures import client, stack
"""

import time
from collections.abc import Iterator
from typing import Self

import pytest
from smartcard import scard

from emulator.links.stack import PrivateStack

__all__ = ["PcscClient", "PcscFailure", "client", "stack"]

WAIT_SECONDS = 5.0


class PcscFailure(Exception):
    """A PC/SC call that did not end with SCARD_S_SUCCESS."""

    def __init__(self, code: int) -> None:
        super().__init__(scard.SCardGetErrorMessage(code))
        self.code = code & 0xFFFFFFFF


def checked(code: int) -> None:
    """Raise the failure of a PC/SC call."""
    if code != scard.SCARD_S_SUCCESS:
        raise PcscFailure(code)


class PcscClient:
    """A PC/SC client: one context and one card at a time. Made after the stack that it is to use."""

    def __init__(self) -> None:
        code, self.context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        checked(code)
        self.card = 0
        self.protocol = 0

    def readers(self) -> list[str]:
        """Return the names of all readers."""
        code, names = scard.SCardListReaders(self.context, [])
        checked(code)
        return list(names)

    def wait(self, reader: str, present: bool = True, timeout: float = WAIT_SECONDS) -> bytes:
        """Wait until a card is in the reader, or gone; return its ATR."""
        wanted = scard.SCARD_STATE_PRESENT if present else scard.SCARD_STATE_EMPTY
        deadline = time.monotonic() + timeout
        state = scard.SCARD_STATE_UNAWARE
        while (left := deadline - time.monotonic()) > 0:
            code, ((_, state, atr),) = scard.SCardGetStatusChange(self.context, int(left * 1000), [(reader, state)])
            if code != scard.SCARD_E_TIMEOUT:
                checked(code)
            if state & wanted:
                return bytes(atr)
            state &= ~scard.SCARD_STATE_CHANGED
        raise AssertionError(f"{reader} stayed {'empty' if present else 'full'} for {timeout} seconds")

    def connect(self, reader: str) -> Self:
        """Wait for a card in the reader and connect to it."""
        self.wait(reader)
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, self.card, self.protocol = scard.SCardConnect(self.context, reader, scard.SCARD_SHARE_SHARED, protocols)
        checked(code)
        return self

    def transmit(self, command: bytes) -> bytes:
        """Send a command and return the response."""
        code, response = scard.SCardTransmit(self.card, self.protocol, list(command))
        checked(code)
        return bytes(response)

    def reconnect(self, initialisation: int = scard.SCARD_RESET_CARD) -> None:
        """Reset the card, or take its power away and give it again."""
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, self.protocol = scard.SCardReconnect(self.card, scard.SCARD_SHARE_SHARED, protocols, initialisation)
        checked(code)

    def close(self) -> None:
        """Let go of the card and of pcscd, whatever state they are in."""
        if self.card:
            scard.SCardDisconnect(self.card, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(self.context)


@pytest.fixture
def stack() -> Iterator[PrivateStack]:
    """One reader with two slots in a stack of the test's own."""
    with PrivateStack() as running:
        yield running


@pytest.fixture
def client(stack: PrivateStack) -> Iterator[PcscClient]:
    """A PC/SC client of that stack."""
    made = PcscClient()
    yield made
    made.close()
