"""The personalisation device 个人化设备: the secure channel to a chip, and the data groupings of a card through it (JR/T 0025.10 §8)."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from conformance.actors.bank.groupings import Block, DataFile
from conformance.actors.terminal.channel import Channel, Link
from conformance.actors.terminal.ending import Ended, Reason
from emulator.crypto import Algorithm, encrypt_cbc, pad_mac
from emulator.crypto import personalisation as crypto
from emulator.iso7816 import SW, Command, Response
from emulator.iso7816.status import describe
from profiles.keys import root_key
from profiles.model import Profile

MAC_SIZE = crypto.CRYPTOGRAM_SIZE
KEY_DATA_SIZE, ANSWER_SIZE = crypto.KEY_DATA_SIZE, 28
SECURE_CHANNEL_PROTOCOL = 0x02
LONGEST_DATA = 255
LAST_BLOCK = 0x80
PLAIN, PROTECTED = 0x80, 0x84


class Level(IntEnum):
    """Security level of the channel, P1 of EXTERNAL AUTHENTICATE."""

    NONE = 0x00
    MAC = 0x01
    MAC_AND_ENCRYPTION = 0x03


class PersonalisationError(Exception):
    """The chip was not personalised; the message says at which step, and what the chip answered."""


class ChipLostError(PersonalisationError):
    """The chip went away; what it stored until then is its own, and the personalisation may begin anew."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The personalisation master key KMC, 16 bytes, its block cipher, and its version (0: whichever the chip has)."""

    algorithm: Algorithm
    value: bytes = field(repr=False)
    version: int = 0

    @classmethod
    def of_profile(cls, profile: Profile) -> tuple[bytes, MasterKey]:
        """The name of the application that a product lets personalise, and the key that its profile names.

        Raises:
            PersonalisationError: The product has no such application.
            profiles.keys.RootKeyError: The reference leads to no key.
        """
        for directory in profile.directory.values():
            described = directory.personalisation
            if described is not None:
                algorithm = Algorithm(described.algorithm or profile.algorithm)
                key = cls(algorithm, root_key(profile, described.kmc, 1), described.key_version[0])
                return directory.aid or b"", key
        raise PersonalisationError(
            f"profile {profile.name} has no application to personalise; give one that has, such as debit-blank"
        )


@dataclass(frozen=True, slots=True)
class ChipIdentity:
    """What a chip shows in INITIALIZE UPDATE: KEYDATA, its key version, the sequence counter of the session."""

    key_data: bytes
    key_version: int
    sequence: int


@dataclass(slots=True)
class _Session:
    algorithm: Algorithm
    keys: crypto.ChannelKeys
    level: Level
    chained: bytes = b""
    identity: ChipIdentity = field(default=ChipIdentity(b"", 0, 0))


class Personaliser:
    """Personalises chips over any link.

    Nothing is kept between chips. A chip whose personalisation broke off begins anew: the data groupings come again.
    """

    def __init__(
        self,
        link: Link,
        master_key: MasterKey,
        *,
        level: Level = Level.MAC,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._channel = Channel(link, lambda event: None)
        self._master_key = master_key
        self._level = level
        self._random = random

    def run(self, name: bytes, data: DataFile, *, expected: bytes = b"") -> ChipIdentity:
        """Select the application, open the channel, store everything; the last block issues the card.

        Args:
            name: AID of the application.
            data: The data groupings of the card.
            expected: What KEYDATA must begin with; the chip gets nothing secret otherwise.

        Raises:
            PersonalisationError: The chip refused a step, is another one, or went away.
        """
        try:
            self._expect(self._channel.send(0x00, 0xA4, 0x04, 0x00, name), "SELECT")
            session = self._open(expected)
            blocks = data.blocks(session.keys.dek, self._room())
            for number, block in enumerate(blocks):
                answer = self._store(session, block, number, last=number == len(blocks) - 1)
                self._expect(answer, f"STORE DATA, block {number + 1} of {len(blocks)}")
        except Ended as ended:
            if ended.reason is Reason.CARD_LOST:
                raise ChipLostError(f"the chip went away: {ended.detail}") from ended
            raise PersonalisationError(f"the chip answers nonsense: {ended.detail}") from ended
        return session.identity

    def _expect(self, answer: Response, step: str) -> None:
        if answer.sw != SW.SUCCESS:
            raise PersonalisationError(f"{step}: {describe(answer.sw)}")

    def _room(self) -> int:
        """Bytes of groupings that fit into a command under the level."""
        if self._level is Level.NONE:
            return LONGEST_DATA
        if self._level is Level.MAC:
            return LONGEST_DATA - MAC_SIZE
        block = self._master_key.algorithm.block_size
        return (LONGEST_DATA - MAC_SIZE) // block * block - 1

    def _open(self, expected: bytes) -> _Session:
        """INITIALIZE UPDATE and EXTERNAL AUTHENTICATE; the chip must prove that it has the keys first."""
        algorithm, host = self._master_key.algorithm, self._random(crypto.CHALLENGE_SIZE)
        answer = self._channel.send(PLAIN, 0x50, self._master_key.version, 0x00, host)
        if answer.sw in (SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED):
            raise PersonalisationError("INITIALIZE UPDATE: the chip does not know it; the card is issued already")
        self._expect(answer, "INITIALIZE UPDATE")
        told = answer.data
        if len(told) != ANSWER_SIZE or told[KEY_DATA_SIZE + 1] != SECURE_CHANNEL_PROTOCOL:
            raise PersonalisationError("INITIALIZE UPDATE: the answer is not that of secure channel protocol 02")
        identity = ChipIdentity(told[:KEY_DATA_SIZE], told[KEY_DATA_SIZE], int.from_bytes(told[12:14]))
        if not identity.key_data.startswith(expected):
            shown = identity.key_data.hex().upper()
            raise PersonalisationError(f"another chip is there: KEYDATA {shown} does not begin as expected")
        keys = crypto.card_keys(algorithm, self._master_key.value, identity.key_data)
        session = _Session(algorithm, crypto.session_keys(algorithm, keys, told[12:14]), self._level)
        session.identity = identity
        own = crypto.card_cryptogram(algorithm, session.keys.enc, host, told[12:14], told[14:20])
        if not hmac.compare_digest(own, told[20:]):
            raise PersonalisationError("INITIALIZE UPDATE: the chip has another personalisation master key")
        proof = crypto.host_cryptogram(algorithm, session.keys.enc, host, told[12:14], told[14:20])
        self._expect(self._send_with_mac(session, 0x82, self._level, 0x00, proof), "EXTERNAL AUTHENTICATE")
        return session

    def _store(self, session: _Session, block: Block, number: int, *, last: bool) -> Response:
        p1 = block.indicator | (LAST_BLOCK if last else 0)
        if session.level is Level.NONE:
            return self._channel.send_command(Command(PLAIN, 0xE2, p1, number & 0xFF, block.data, 0))
        encipher = session.level is Level.MAC_AND_ENCRYPTION
        return self._send_with_mac(session, 0xE2, p1, number & 0xFF, block.data, encipher=encipher)

    def _send_with_mac(
        self, session: _Session, ins: int, p1: int, p2: int, data: bytes, *, encipher: bool = False
    ) -> Response:
        """A command with its C-MAC, computed over the data before they are enciphered."""
        header = bytes((PROTECTED, ins, p1, p2))
        covered = header + bytes((len(data) + MAC_SIZE,)) + data
        session.chained = crypto.command_mac(session.algorithm, session.keys.mac, covered, session.chained)
        if encipher:
            data = encrypt_cbc(session.algorithm, session.keys.enc, pad_mac(data, session.algorithm.block_size))
        return self._channel.send_command(Command(PROTECTED, ins, p1, p2, data + session.chained[:MAC_SIZE], 0))
