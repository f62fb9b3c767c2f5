"""Records and commands of the extended application, as a sector's terminal and the issuer make them (JR/T 0025.14 appendix A, B)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.actors.sector.keys import SectorKeys
from emulator.crypto import encrypt_ecb
from emulator.crypto.payment import extended_vector

SEGMENTED, PRE_AUTHORISATION, COMPLETION = 1, 2, 3
"""DF60 扩展应用交易指示位; the first two are types of records, too."""
HEAD, COUNTED, MAC_SIZE, RANDOM_SIZE = 6, 3, 4, 8
LARGEST_DATA = 0xFF - COUNTED
SUCCESS = bytes.fromhex("9000")


class SectorRecordError(ValueError):
    """The bytes are no record of the extended application."""


@dataclass(frozen=True, slots=True)
class SectorRecord:
    """A record: identifier (2 bytes), type (1 segmented charge, 2 pre-authorisation), valid, locked, data of the sector."""

    identifier: bytes
    kind: int
    data: bytes
    valid: int = 1
    lock: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> SectorRecord:
        """Take a record apart.

        Raises:
            SectorRecordError: Shorter than its head, or of another length than it tells.
        """
        if len(raw) < HEAD or raw[2] != len(raw) - HEAD + COUNTED:
            raise SectorRecordError(f"{len(raw)} bytes are no record of the extended application")
        return cls(raw[:2], raw[4], raw[HEAD:], raw[3], raw[5])

    def to_bytes(self) -> bytes:
        """Identifier ‖ length of what follows ‖ valid ‖ type ‖ lock ‖ data.

        Raises:
            SectorRecordError: The data are longer than 252 bytes.
        """
        if len(self.data) > LARGEST_DATA:
            raise SectorRecordError(f"{len(self.data)} bytes of data; a record takes {LARGEST_DATA}")
        return self.identifier + bytes((COUNTED + len(self.data), self.valid, self.kind, self.lock)) + self.data

    def with_data(self, data: bytes) -> SectorRecord:
        """The same record with other data."""
        return replace(self, data=data)


def read_command(sfi: int, identifier: bytes, random: bytes = b"", *, following: bool = False) -> bytes:
    """READ CAPP DATA 读扩展应用数据 of the first record with the identifier, or the next; eight random bytes ask for an R-MAC."""
    data = identifier + random
    return bytes((0x80, 0xB4, 0x00, sfi << 3 | following, len(data))) + data + b"\0"


def response_mac(keys: SectorKeys, key: bytes, random: bytes, record: bytes) -> bytes:
    """The R-MAC behind a record that was read."""
    return keys.mac(key, random, record)


def update_command(keys: SectorKeys, key: bytes, sfi: int, counter: bytes, record: bytes) -> bytes:
    """UPDATE CAPP DATA CACHE 更新扩展应用数据缓存 in the transaction of the counter 9F36 (2 bytes)."""
    head = bytes((0x84, 0xDE, 0x00, sfi << 3, len(record) + MAC_SIZE)) + record
    return head + keys.mac(key, extended_vector(counter), head) + b"\0"


def update_response_mac(keys: SectorKeys, key: bytes, command: bytes) -> bytes:
    """The R-MAC that an update command is answered with."""
    mac = command[-1 - MAC_SIZE : -1]
    return keys.mac(key, bytes(RANDOM_SIZE - MAC_SIZE) + mac, SUCCESS)


def append_command(
    keys: SectorKeys, opening_key: bytes, sfi: int, counter: bytes, management_key: bytes, record: bytes
) -> bytes:
    """APPEND RECORD 开通扩展应用: a new record with its management key, enciphered under the card's opening key."""
    data = encrypt_ecb(keys.algorithm, opening_key, management_key) + record
    head = bytes((0x04, 0xE2, 0x00, sfi << 3, len(data) + MAC_SIZE)) + data
    return head + keys.mac(opening_key, extended_vector(counter), head)


def proof_command(counter: bytes) -> bytes:
    """GET TRANS PROVE 取交易证明 of the transaction with the counter."""
    return bytes((0x80, 0x5A, 0x00, 0x00, len(counter))) + counter + b"\0"
