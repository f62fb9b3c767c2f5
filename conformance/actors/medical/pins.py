"""CHANGE PIN, RELOAD PIN and UNBLOCK PIN at a reader (reconstructed specification §3.1, §4.4)."""

from __future__ import annotations

from conformance.actors.medical.maintenance import maintain
from conformance.actors.medical.reader import ENVIRONMENT, CardReader
from emulator.crypto import Algorithm, pad_length_prefixed

UNBLOCKING_KEY = "PUK"
UNBLOCK, RELOAD = 0x00, 0x01


def change_pin(reader: CardReader, old: str, new: str) -> None:
    """CHANGE PIN: old ‖ FF ‖ new; raises what the reader raises."""
    data = packed(old) + b"\xff" + packed(new)
    reader.need(reader.send(0x80, 0x5E, 0x01, 0x00, data, ne=0), "修改个人密码", "CHANGE PIN")


def unblock_pin(reader: CardReader) -> None:
    """Give all tries back, as a window does: PUK, a fresh challenge, UNBLOCK PIN with its MAC."""
    _maintain(reader, UNBLOCK, b"", "解锁个人密码", "UNBLOCK PIN")


def reload_pin(reader: CardReader, new: str) -> None:
    """Set a PIN without knowing the old one: PUK, a fresh challenge, RELOAD PIN with the enciphered PIN and its MAC."""
    size = Algorithm(reader.cards.algorithm).block_size
    _maintain(reader, RELOAD, pad_length_prefixed(packed(new), size), "重装个人密码", "RELOAD PIN")


def packed(digits: str) -> bytes:
    """Two digits a byte, an odd last one followed by F."""
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def _maintain(reader: CardReader, mode: int, blocks: bytes, zh: str, en: str) -> None:
    maintain(reader, ENVIRONMENT, UNBLOCKING_KEY, bytes((0x24, 0x00, mode)), blocks, zh, en)
