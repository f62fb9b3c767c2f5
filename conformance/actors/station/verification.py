"""回读校验: what the card holds and knows, proven through the ordinary commands before anybody gets it."""

from __future__ import annotations

import hmac
import os

from conformance.actors.medical.pins import unblock_pin
from conformance.actors.medical.reader import ENVIRONMENT, SOURCE, CardReader, CardRefused
from conformance.actors.station.chip import MASTER_FILE
from conformance.actors.station.initialisation import CardData
from conformance.actors.station.tree import own_directories
from emulator.iso7816 import SW

BODY = bytes.fromhex("000000 0010 EF1D C4 00 1D 00 00 0000 0000")
"""CREATE FILE: a transparent file EF1D of 16 bytes."""
PRE_ISSUE = (
    ("CREATE FILE", 0x80, 0xE0, 0x01, 0x00, BODY),
    ("END", 0x80, 0xE0, 0x02, 0x00, b""),
    ("the transport code", 0x80, 0xE0, 0x03, 0x00, bytes(8)),
    ("WRITE KEY", 0x80, 0xD4, 0x00, 0x00, bytes(32)),
    ("DELETE", 0x80, 0xE1, 0x00, 0x03, b""),
)
CLOSED = frozenset(
    {
        SW.SECURITY_STATUS_NOT_SATISFIED,
        SW.CONDITIONS_OF_USE_NOT_SATISFIED,
        SW.INSTRUCTION_NOT_SUPPORTED,
        SW.REFERENCED_DATA_NOT_FOUND,
    }
)


class Verification:
    """A card in a reader, held against the data that were meant for it."""

    def __init__(self, reader: CardReader, data: CardData) -> None:
        self._reader = reader
        self._data = data

    def genuine(self) -> None:
        """INTERNAL AUTHENTICATE with every version of the internal authentication key."""
        reader, keys = self._reader, self._data.keys
        reader.open(ENVIRONMENT)
        for name, key in reader.cards.directory[ENVIRONMENT].key.items():
            for version in range(1, key.versions + 1) if key.use == "internal authentication" else ():
                factor = os.urandom(8)
                data = factor + SOURCE + bytes([version])
                kid = key.kid[0] if key.kid else 0
                answer = reader.need(
                    reader.send(0x00, 0x88, 0x00, kid, data), "内部认证", f"INTERNAL AUTHENTICATE with {name}"
                )
                if not hmac.compare_digest(answer.data, keys.internal_authentication(name, factor, SOURCE, version)):
                    raise CardRefused("内部认证不符", f"the card has another {name} of version {version}")

    def everything(self) -> None:
        """Contents, keys and closed pre-issue commands; raises :class:`CardRefused` for the first that is not right."""
        self.genuine()
        for place in own_directories(self._reader.cards):
            self._files(place)
        for place in own_directories(self._reader.cards):
            self._keys(place)
        unblock_pin(self._reader)
        for place in own_directories(self._reader.cards):
            self._closed(place)
        self._reader.need(
            self._reader.send(0x00, 0xA4, 0x00, 0x00, MASTER_FILE), "选择 MF", "SELECT of the master file"
        )
        self._refused("MF")
        self._reader.begin()

    def _files(self, place: str) -> None:
        reader = self._reader
        for name, file in reader.cards.directory[place].file.items():
            if file.structure == "internal":
                continue
            path, expected = f"{place}/{name}", self._data.whole(place, name)
            found: tuple[bytes, ...] | bytes
            if isinstance(expected, bytes):
                found = reader.read_binary(path)
            elif file.structure == "cyclic":
                found = tuple(reader.read_cycle(path))
            else:
                found = tuple(reader.read_record(path, number) for number in range(1, len(expected) + 1))
            if found != expected:
                raise CardRefused(f"{path} 回读不符", f"{path} reads back otherwise than it was written")

    def _keys(self, place: str) -> None:
        """EXTERNAL AUTHENTICATE with every version of every key that a command names."""
        reader = self._reader
        for name, key in reader.cards.directory[place].key.items():
            if key.use not in ("external authentication", "master") or key.kid is None:
                continue
            for version in range(1, key.versions + 1):
                reader.open(place)
                data = self._data.keys.external_authentication(name, reader.challenge(), source=SOURCE, version=version)
                answer = reader.send(0x00, 0x82, 0x00, key.kid[0], data, ne=0)
                reader.need(answer, f"{name} 第 {version} 版", f"EXTERNAL AUTHENTICATE with {name}, version {version}")

    def _closed(self, place: str) -> None:
        self._reader.open(place)
        self._refused(place)

    def _refused(self, place: str) -> None:
        for name, cla, ins, p1, p2, data in PRE_ISSUE:
            answer = self._reader.send(cla, ins, p1, p2, data, ne=0)
            if answer.sw not in CLOSED:
                raise CardRefused(f"{place} 预置命令未关闭", f"{name} is not closed in {place}", answer.sw)
