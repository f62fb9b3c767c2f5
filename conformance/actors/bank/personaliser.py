"""The personalisation device 个人化设备: the secure channel to a chip, and the data groupings of a card through it (JR/T 0025.10 §8)."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from conformance.actors.bank.groupings import DataFile
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


class IssuedAlreadyError(PersonalisationError):
    """The application is an issued one: it knows no command of personalisation any more."""


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


Send = Callable[[Command], Response]
"""A way to the chip that follows ``61xx`` and ``6Cxx``."""


class SecureChannel:
    """The device's side of the channel, step by step; what it computes from an answer that makes no sense is nonsense too."""

    def __init__(self, send: Send, master_key: MasterKey, random: Callable[[int], bytes] = os.urandom) -> None:
        self._send = send
        self._master_key = master_key
        self._random = random
        self.algorithm = master_key.algorithm
        self.level = Level.NONE
        self.block = 0
        """Number of the next STORE DATA."""
        self.identity = ChipIdentity(b"", 0, 0)
        self.keys = crypto.ChannelKeys(b"", b"", b"")
        self.is_genuine = False
        """Whether the cryptogram of INITIALIZE UPDATE proved that the chip has the keys."""
        self.host_cryptogram = bytes(crypto.CRYPTOGRAM_SIZE)
        self._chained = b""

    def select(self, name: bytes) -> Response:
        """SELECT of the application."""
        return self._send(Command(0x00, 0xA4, 0x04, 0x00, name, 256))

    def initialise(self, version: int | None = None) -> Response:
        """INITIALIZE UPDATE; takes the answer apart where it has 28 bytes."""
        host = self._random(crypto.CHALLENGE_SIZE)
        asked = self._master_key.version if version is None else version
        answer = self._send(Command(PLAIN, 0x50, asked, 0x00, host, 256))
        told = answer.data
        self.is_genuine, self._chained, self.block = False, b"", 0
        if answer.sw == SW.SUCCESS and len(told) == ANSWER_SIZE:
            sequence, card = told[12:14], told[14:20]
            self.identity = ChipIdentity(told[:KEY_DATA_SIZE], told[KEY_DATA_SIZE], int.from_bytes(sequence))
            own = crypto.card_keys(self.algorithm, self._master_key.value, self.identity.key_data)
            self.keys = crypto.session_keys(self.algorithm, own, sequence)
            expected = crypto.card_cryptogram(self.algorithm, self.keys.enc, host, sequence, card)
            self.is_genuine = hmac.compare_digest(expected, told[20:])
            self.host_cryptogram = crypto.host_cryptogram(self.algorithm, self.keys.enc, host, sequence, card)
        return answer

    def authenticate(self, level: Level, *, flip: int | None = None) -> Response:
        """EXTERNAL AUTHENTICATE; ``flip`` is a bit of the host cryptogram, 0 to 63, that is sent wrong under a right MAC."""
        proof = self.host_cryptogram
        if flip is not None:
            proof = (int.from_bytes(proof) ^ 1 << flip).to_bytes(len(proof))
        self.level, self.block = level, 0
        return self._send(self.protected(0x82, level, 0x00, proof))

    def store(self, data: bytes, p1: int = 0x00, *, flip: int | None = None) -> Response:
        """STORE DATA under the level; ``flip`` is a bit of the MAC, 0 to 63, that is sent wrong."""
        number = self.block & 0xFF
        if self.level is Level.NONE:
            answer = self._send(Command(PLAIN, 0xE2, p1, number, data, 0))
        else:
            encipher = self.level is Level.MAC_AND_ENCRYPTION
            answer = self._send(self.protected(0xE2, p1, number, data, encipher=encipher, flip=flip))
        self.block += answer.sw == SW.SUCCESS
        return answer

    def protected(
        self, ins: int, p1: int, p2: int, data: bytes, *, encipher: bool = False, flip: int | None = None
    ) -> Command:
        """A command with its C-MAC, computed over the data before they are enciphered."""
        covered = bytes((PROTECTED, ins, p1, p2, len(data) + MAC_SIZE)) + data
        self._chained = crypto.command_mac(self.algorithm, self.keys.mac, covered, self._chained)
        mac = self._chained[:MAC_SIZE]
        if flip is not None:
            mac = (int.from_bytes(mac) ^ 1 << flip).to_bytes(MAC_SIZE)
        if encipher:
            data = encrypt_cbc(self.algorithm, self.keys.enc, pad_mac(data, self.algorithm.block_size))
        return Command(PROTECTED, ins, p1, p2, data + mac, 0)

    def room(self, level: Level) -> int:
        """Bytes of groupings that fit into a command under a level."""
        if level is Level.NONE:
            return LONGEST_DATA
        if level is Level.MAC:
            return LONGEST_DATA - MAC_SIZE
        block = self.algorithm.block_size
        return (LONGEST_DATA - MAC_SIZE) // block * block - 1


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
        self._channel = SecureChannel(Channel(link, lambda event: None).send_command, master_key, random)
        self._level = level

    def run(self, name: bytes, data: DataFile, *, expected: bytes = b"") -> ChipIdentity:
        """Select the application, open the channel, store everything; the last block issues the card.

        Args:
            name: AID of the application.
            data: The data groupings of the card.
            expected: What KEYDATA must begin with; the chip gets nothing secret otherwise.

        Raises:
            PersonalisationError: The chip refused a step, is another one, or went away.
        """
        channel = self._channel
        with self._chip_answers():
            self._identify(name, expected)
            self._expect(channel.authenticate(self._level), "EXTERNAL AUTHENTICATE")
            blocks = data.blocks(channel.keys.dek, channel.room(self._level))
            for number, block in enumerate(blocks, 1):
                last = LAST_BLOCK if number == len(blocks) else 0
                answer = channel.store(block.data, block.indicator | last)
                self._expect(answer, f"STORE DATA, block {number} of {len(blocks)}")
        return channel.identity

    def identify(self, name: bytes, *, expected: bytes = b"") -> ChipIdentity:
        """Select the application and let the chip prove that it is the expected one; nothing is changed.

        Raises:
            PersonalisationError: See :meth:`run`.
        """
        with self._chip_answers():
            self._identify(name, expected)
        return self._channel.identity

    @contextmanager
    def _chip_answers(self) -> Iterator[None]:
        try:
            yield
        except Ended as ended:
            if ended.reason is Reason.CARD_LOST:
                raise ChipLostError(f"the chip went away: {ended.detail}") from ended
            raise PersonalisationError(f"the chip answers nonsense: {ended.detail}") from ended

    def _expect(self, answer: Response, step: str) -> None:
        if answer.sw != SW.SUCCESS:
            raise PersonalisationError(f"{step}: {describe(answer.sw)}")

    def _identify(self, name: bytes, expected: bytes) -> None:
        """SELECT and INITIALIZE UPDATE: the chip must prove that it has the keys before it gets anything."""
        channel = self._channel
        self._expect(channel.select(name), "SELECT")
        answer = channel.initialise()
        if answer.sw in (SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED):
            raise IssuedAlreadyError("INITIALIZE UPDATE: the chip does not know it; the card is issued already")
        self._expect(answer, "INITIALIZE UPDATE")
        if len(answer.data) != ANSWER_SIZE or answer.data[KEY_DATA_SIZE + 1] != SECURE_CHANNEL_PROTOCOL:
            raise PersonalisationError("INITIALIZE UPDATE: the answer is not that of secure channel protocol 02")
        if not channel.identity.key_data.startswith(expected):
            shown = channel.identity.key_data.hex().upper()
            raise PersonalisationError(f"another chip is there: KEYDATA {shown} does not begin as expected")
        if not channel.is_genuine:
            raise PersonalisationError("INITIALIZE UPDATE: the chip has another personalisation master key")
