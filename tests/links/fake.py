"""The reader's end of vpcd's protocol, played by a test; and a card that records what is done to it."""

import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

from emulator.cos.memory import PowerLoss
from emulator.links.wire import encode_message

ATR = bytes.fromhex("3B6000009000")
SECONDS = 5.0


class RecordingCard:
    """Answers with the command's bytes in reverse and 9000, and writes down all that happens."""

    def __init__(self, atr: bytes = ATR) -> None:
        self.atr = atr
        self.events: list[str | bytes] = []
        self.gone_at: bytes | None = None
        self.on_transmit: Callable[[], None] | None = None

    def reset(self, cold: bool = True) -> bytes:
        self.events.append("cold" if cold else "warm")
        return self.atr

    def power_off(self) -> None:
        self.events.append("off")

    def transmit(self, command: bytes) -> bytes:
        self.events.append(command)
        if self.on_transmit:
            self.on_transmit()
        if command == self.gone_at:
            raise PowerLoss
        return command[::-1] + b"\x90\x00"


class FakeReader:
    """Listens as vpcd does, and says what the test wants."""

    def __init__(self, port: int = 0) -> None:
        self.server = socket.create_server(("127.0.0.1", port))
        self.server.settimeout(SECONDS)
        self.port = int(self.server.getsockname()[1])
        self.line: socket.socket | None = None

    def accept(self) -> Self:
        """Take the next card that connects."""
        self.line, _ = self.server.accept()
        self.line.settimeout(SECONDS)
        return self

    def send(self, *bodies: bytes) -> None:
        """Send messages, all in one segment."""
        self.send_raw(b"".join(encode_message(body) for body in bodies))

    def send_raw(self, data: bytes) -> None:
        assert self.line
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.sendall(data)

    def receive(self) -> bytes:
        """Return the body of the next answer."""
        return self._exactly(struct.unpack(">H", self._exactly(2))[0])

    def _exactly(self, count: int) -> bytes:
        assert self.line
        data = b""
        while len(data) < count:
            piece = self.line.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def ended(self) -> bool:
        """Wait for the end of the line; tell whether it came without anything before."""
        assert self.line
        return self.line.recv(1) == b""

    def drop(self) -> None:
        """Let the card go, and go on listening."""
        if self.line:
            self.line.close()
            self.line = None

    def close(self) -> None:
        self.drop()
        self.server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Witness:
    """Collects what a link tells, and waits for it."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self._changed = threading.Condition()

    def __call__(self, *what: object) -> None:
        with self._changed:
            self.told.append(what)
            self._changed.notify_all()

    def kinds(self) -> list[object]:
        return [what[0] for what in self.told]

    def wait_for(self, kind: object, count: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.kinds().count(kind) >= count, SECONDS), (kind, self.told)
