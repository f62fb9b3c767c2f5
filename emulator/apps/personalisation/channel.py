"""The secure channel: INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, and what a protected command holds (JR/T 0025.10 §8.2)."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field

from emulator.apps.personalisation.chip import key_data, key_version, keys, sequence, sequence_cell
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, exact_length
from emulator.crypto import Algorithm, CryptoError, decrypt_cbc, unpad_mac
from emulator.crypto import personalisation as crypto
from emulator.iso7816 import SW, Command, StatusError

SECURE_CHANNEL_PROTOCOL = 0x02
ANSWER_LENGTH = 28
LAST_SEQUENCE = 0xFFFF
MAC_SIZE = crypto.CRYPTOGRAM_SIZE
PLAIN, WITH_MAC, WITH_MAC_AND_ENCRYPTION = 0x00, 0x01, 0x03
PROTECTED = 0x84

COMMANDS = CommandSet()


@dataclass(slots=True)
class Opening:
    """What INITIALIZE UPDATE leaves for the EXTERNAL AUTHENTICATE that follows."""

    keys: crypto.ChannelKeys
    host_cryptogram: bytes


@dataclass(slots=True)
class Channel:
    """An open channel: dies with the session, with a wrong MAC, and with issue."""

    algorithm: Algorithm
    keys: crypto.ChannelKeys
    level: int
    chained: bytes
    """Block of the last C-MAC."""
    block: int = 0
    """Number of the next STORE DATA, P2."""
    unfinished: bytes = field(default=b"", repr=False)
    """Beginning of a grouping that the next STORE DATA goes on with."""
    indicator: int = 0
    """Bits 7 and 6 of P1 under which it began."""

    def opened(self, card: Card, command: Command) -> bytes:
        """The data of a command, its MAC checked and taken off, deciphered where the level asks for it.

        ``6982`` where the level asks for a MAC and there is none, ``6985`` for a MAC that it does not know; a wrong MAC
        ends the channel with ``6988``.
        """
        if self.level == PLAIN:
            if command.cla == PROTECTED:
                raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
            return command.data
        if command.cla != PROTECTED:
            raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
        data, mac = command.data[:-MAC_SIZE], command.data[-MAC_SIZE:]
        try:
            plain = self._deciphered(data)
            covered = command.header + bytes((len(plain) + MAC_SIZE,)) + plain
            expected = crypto.command_mac(self.algorithm, self.keys.mac, covered, self.chained)
        except (CryptoError, ValueError):
            expected, plain = b"", b""
        if len(mac) != MAC_SIZE or not hmac.compare_digest(expected[:MAC_SIZE], mac):
            card.session.application = None
            raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
        self.chained = expected
        return plain

    def _deciphered(self, data: bytes) -> bytes:
        if self.level != WITH_MAC_AND_ENCRYPTION:
            return data
        return unpad_mac(decrypt_cbc(self.algorithm, self.keys.enc, data), self.algorithm.block_size)


@COMMANDS.command("INITIALIZE UPDATE")
def initialize_update(card: Card, command: Command) -> bytes:
    """KEYDATA ‖ key version ‖ 02 ‖ sequence counter ‖ card challenge ‖ card cryptogram; ``6A88`` for an unknown version."""
    if command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != crypto.CHALLENGE_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    version = key_version(card)
    if command.p1 not in (0, version):
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    if sequence(card) > LAST_SEQUENCE:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    exact_length(command, ANSWER_LENGTH)
    algorithm = card.session.node.directory.algorithm or card.algorithm
    counter, own = sequence(card).to_bytes(2), os.urandom(crypto.CARD_CHALLENGE_SIZE)
    session = crypto.session_keys(algorithm, keys(card), counter)
    expected = crypto.host_cryptogram(algorithm, session.enc, command.data, counter, own)
    card.session.application = Opening(session, expected)
    cryptogram = crypto.card_cryptogram(algorithm, session.enc, command.data, counter, own)
    return key_data(card) + bytes((version, SECURE_CHANNEL_PROTOCOL)) + counter + own + cryptogram


@COMMANDS.command("EXTERNAL AUTHENTICATE with MAC")
def external_authenticate(card: Card, command: Command) -> bytes:
    """Open the channel; ``6982`` for a wrong MAC, ``6300`` for a wrong host cryptogram. One try for each INITIALIZE UPDATE."""
    if command.p1 not in (PLAIN, WITH_MAC, WITH_MAC_AND_ENCRYPTION) or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != crypto.CRYPTOGRAM_SIZE + MAC_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    opening = card.session.application
    if not isinstance(opening, Opening):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    card.session.application = None
    algorithm = card.session.node.directory.algorithm or card.algorithm
    cryptogram, mac = command.data[:-MAC_SIZE], command.data[-MAC_SIZE:]
    covered = command.header + bytes((len(command.data),)) + cryptogram
    block = crypto.command_mac(algorithm, opening.keys.mac, covered)
    if not hmac.compare_digest(block[:MAC_SIZE], mac):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    if not hmac.compare_digest(opening.host_cryptogram, cryptogram):
        raise StatusError(SW.AUTHENTICATION_FAILED)
    card.memory.commit({sequence_cell(card.session.node.directory.name): sequence(card) + 1})
    card.session.application = Channel(algorithm, opening.keys, command.p1, block)
    return b""
