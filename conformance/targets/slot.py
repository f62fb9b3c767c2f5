"""A reader that this program is itself: a slot that waits for a card of ``sscard emulate --port``, without PC/SC.

The card is another process and connects over the wire protocol of vpcd; when it dies, the slot is empty until it comes back.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable

from conformance.failures import BenchError
from conformance.targets.base import Interface, Target, TargetDescription
from conformance.targets.pcsc import PcscTarget, choose_reader, list_readers
from emulator.links.wire import GET_ATR, POWER_OFF, POWER_ON, RESET, MessageBuffer, encode_message

LOOPBACK = "127.0.0.1"
SLOT = re.compile(rf"{re.escape(LOOPBACK)}:([0-9]{{1,5}})")
COMING, ANSWERING = 30.0, 15.0
"""Seconds until a card has to be in the slot, and until it has to answer."""
PIECE = 4096


class SlotTarget:
    """A card that comes into a slot of this process; whoever reaches the port of this machine can be that card."""

    renewable = False
    tearable = False
    interface = Interface.CONTACT
    interfaces = (Interface.CONTACT,)

    def __init__(self, port: int, *, coming: float = COMING) -> None:
        self._coming = coming
        try:
            self._listener = socket.create_server((LOOPBACK, port))
        except (OSError, OverflowError) as problem:
            raise BenchError(f"no slot at {LOOPBACK}:{port}: {getattr(problem, 'strerror', None) or problem}") from None
        self.port: int = self._listener.getsockname()[1]
        self._line: socket.socket | None = None
        self._messages = MessageBuffer()

    @property
    def description(self) -> TargetDescription:
        """A card at the other end of a line."""
        return TargetDescription("card in a slot", f"{LOOPBACK}:{self.port}", "T=0", {})

    def connect(self) -> bytes:
        """Wait for a card and switch it on."""
        return self.reset()

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card, also one that was away and comes back in time."""
        deadline = time.monotonic() + self._coming
        while True:
            try:
                if self._line is None:
                    self._accept(deadline)
                self._tell(bytes((POWER_ON if cold else RESET,)))
                return self._exchange(bytes((GET_ATR,)))
            except BenchError:
                if time.monotonic() > deadline:
                    raise

    def _accept(self, deadline: float) -> None:
        self._listener.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            line, _ = self._listener.accept()
        except OSError:
            raise BenchError(
                f"no card came into the slot {LOOPBACK}:{self.port}; put one in with: sscard emulate --port {self.port}"
            ) from None
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.settimeout(ANSWERING)
        self._line, self._messages = line, MessageBuffer()

    def transmit(self, command: bytes) -> bytes:
        """Exchange a command."""
        return self._exchange(command)

    def _exchange(self, body: bytes) -> bytes:
        self._tell(body)
        line = self._line
        while line is not None:
            try:
                piece = line.recv(PIECE)
            except OSError:
                piece = b""
            if not piece:
                break
            if found := self._messages.feed(piece):
                return found[0]
        raise self._gone()

    def _tell(self, body: bytes) -> None:
        if self._line is None:
            raise self._gone()
        try:
            self._line.sendall(encode_message(body))
        except (OSError, ValueError):
            raise self._gone() from None

    def _gone(self) -> BenchError:
        self._drop()
        return BenchError(f"the card in the slot {LOOPBACK}:{self.port} is gone")

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def power_off(self) -> None:
        """Take the power away; a card that is gone has none."""
        if self._line is not None:
            try:
                self._tell(bytes((POWER_OFF,)))
            except BenchError:
                return

    def switch(self, interface: Interface) -> bytes:
        """There is one interface."""
        if interface is not Interface.CONTACT:
            raise ValueError(f"the slot has no {interface} interface")
        return self.reset()

    def answers_beside(self) -> bool | None:
        """Cannot be told."""
        return None

    def renew(self) -> bytes:
        """No fresh card can be had."""
        raise BenchError("a slot has no fresh cards")

    def keep(self) -> Callable[[], bytes]:
        """The card in another process cannot be copied."""
        raise BenchError("a slot cannot copy its card")

    def tear(self, command: bytes, write: int) -> bytes | None:
        """The supply of a card in another process cannot be cut at a write."""
        raise BenchError("a slot cannot cut the supply at a write")

    def close(self) -> None:
        """Let go of card and port."""
        self._drop()
        self._listener.close()


def open_reader(name: str) -> Target:
    """The PC/SC reader with this name or a part of it; ``127.0.0.1:PORT`` is a slot of this process for a card of ours."""
    found = SLOT.fullmatch(name)
    return SlotTarget(int(found[1])) if found else PcscTarget(choose_reader(name, list_readers()))
