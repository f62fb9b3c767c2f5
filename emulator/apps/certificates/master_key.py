"""The master key of the environment and of the application: authentication and replacement (reconstructed specification §3.3)."""

from __future__ import annotations

import hmac

from emulator.apps.certificates.application import require_parameters
from emulator.apps.certificates.pins import MAC_LENGTH, mac_fits
from emulator.apps.social_security.references import key_value, unknown_key
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import Key
from emulator.crypto import CryptoError
from emulator.crypto.challenge import CHALLENGE_LENGTH, KEY_HEAD, challenge_proof, unseal
from emulator.iso7816 import SW, Command, StatusError

MASTER_KEY, VERSION = 0x00, 1
UPDATE = 0x01
KEY_LENGTH, BLOCKS = 16, 32

COMMANDS = CommandSet()


@COMMANDS.command("AUTHENTICATE MASTER KEY")
def authenticate(card: Card, command: Command) -> bytes:
    """EXTERNAL AUTHENTICATE with the master key of the current directory: SM4(key, challenge), 16 bytes."""
    if command.p1:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != CHALLENGE_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    key = _key(card, command.p2)
    tries.refuse_when_blocked(card.memory, key)
    challenge = card.session.take_challenge()
    remaining = tries.spend(card.memory, key)
    good = hmac.compare_digest(command.data, challenge_proof(key_value(card, key, VERSION), challenge))
    tries.settle(card.memory, key, good, remaining)
    card.session.grant(key.bit, locally=_is_local(card))
    return b""


@COMMANDS.command("REPLACE MASTER KEY")
def replace(card: Card, command: Command) -> bytes:
    """Replace the master key of the current directory, which must have been proven, under the old one and a MAC."""
    require_parameters(command, UPDATE, MASTER_KEY)
    if len(command.data) != BLOCKS + MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    key = _key(card, MASTER_KEY)
    if not card.session.has(key.bit, locally=_is_local(card)):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    challenge = card.session.take_challenge()
    old = key_value(card, key, VERSION)
    if not mac_fits(command, old, challenge):
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    card.memory.commit({key.cell(VERSION): _new_key(old, command.data[:BLOCKS])})
    return b""


def _key(card: Card, reference: int) -> Key:
    key = card.session.node.authentication_keys.get(reference)
    if key is None:
        raise unknown_key(card)
    return key


def _is_local(card: Card) -> bool:
    return not card.session.node.is_environment


def _new_key(old: bytes, blocks: bytes) -> bytes:
    """Three zeros and 16 bytes of key inside length and padding; ``6A80`` for anything else."""
    try:
        content = unseal(old, blocks)
    except CryptoError:
        raise StatusError(SW.WRONG_DATA) from None
    if len(content) != len(KEY_HEAD) + KEY_LENGTH or not content.startswith(KEY_HEAD):
        raise StatusError(SW.WRONG_DATA)
    return content[len(KEY_HEAD) :]
