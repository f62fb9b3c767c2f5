"""The wire protocol of vpcd, vsmartcard's virtual reader.

vpcd is a driver of pcscd and listens on a TCP port for each slot; the card connects to it. Each message, in both
directions, is a big-endian 16-bit length and that many bytes. A message of one byte to the card is a control byte
(00 power off, 01 power on, 02 reset, 04 the ATR is wanted; only 04 is answered), any other is a command APDU,
answered by a response APDU.
"""

import contextlib
import socket
import struct

DEFAULT_PORT = 35963
"""The port of vpcd's first slot (0x8C7B); each further slot listens on the next one."""

MAX_MESSAGE = 0xFFFF
"""Bytes in one message at most. A response of 65,536 data bytes and a status word can't be said."""

POWER_OFF, POWER_ON, RESET, GET_ATR = 0x00, 0x01, 0x02, 0x04
"""The control bytes."""


def encode_message(body: bytes) -> bytes:
    """Put the 16-bit length before the body.

    Raises:
        ValueError: the body has more than 65,535 bytes.
    """
    if len(body) > MAX_MESSAGE:
        raise ValueError(f"{len(body)} bytes do not fit into a message of vpcd, which holds {MAX_MESSAGE} at most")
    return struct.pack(">H", len(body)) + body


class MessageBuffer:
    """Cuts a byte stream into messages, however it was cut on its way."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received and return the bodies of all messages that are complete now."""
        pending = self._pending
        pending += data
        bodies = []
        while len(pending) >= 2:
            end = 2 + (pending[0] << 8 | pending[1])
            if len(pending) < end:
                break
            bodies.append(bytes(pending[2:end]))
            del pending[:end]
        return bodies


def prepare(line: socket.socket, silence: float) -> None:
    """Set the options of a connection: no waiting for more to send, and a time limit for the silence of the reader.

    The kernel's time limit costs nothing for each message, unlike `settimeout`.
    """
    seconds, fraction = divmod(silence, 1)
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(seconds), int(fraction * 1e6)))


def tear(line: socket.socket) -> None:
    """Break the line in the middle of an answer: announce two bytes, send none, and have `close` reset the connection.

    vpcd passes this on as a communication error. (An end of the line before the announced length would be a success
    without data, and one in the middle of the length a crash of pcscd.)
    """
    with contextlib.suppress(OSError):
        line.sendall(struct.pack(">H", 2))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
