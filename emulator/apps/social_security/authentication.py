"""EXTERNAL and INTERNAL AUTHENTICATE as the social security card speaks them.

Data field: cryptogram 8 ‖ original information 鉴别原始信息 8 ‖ key version 1 (Lc ``11``), or without the version
(Lc ``10``). Reconstructed specification §4.3, §4.5, vol. 2 §5.1, §5.2.
"""

from __future__ import annotations

import hmac

from emulator.apps.social_security.references import key_value, unknown_key
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import Key
from emulator.cos.tree import Node
from emulator.crypto import authentication_cryptogram, encrypt_block
from emulator.iso7816 import SW, Command, StatusError

MASTER_KEY = 0x00
PLAIN, WITHOUT_VERSION, WITH_VERSION = 0x08, 0x10, 0x11

COMMANDS = CommandSet()


@COMMANDS.command("EXTERNAL AUTHENTICATE")
def external_authenticate(card: Card, command: Command) -> bytes:
    """EXTERNAL AUTHENTICATE with a key of the current environment or, top bit of P2 set, of the current ADF.

    A master key takes the plain form ``E(K, challenge)``, Lc ``08``, besides (vol. 2 §5.1).
    """
    _, _, p1, reference, data, _, _ = command
    if p1:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(data) not in (PLAIN, WITHOUT_VERSION, WITH_VERSION):
        raise StatusError(SW.WRONG_LENGTH)
    node, local = _directory_of(card, reference)
    key = node.authentication_keys.get(reference)
    if key is None:
        raise unknown_key(card)
    if len(data) == PLAIN and key.use != "master":
        raise StatusError(SW.WRONG_LENGTH)
    version = data[16] if len(data) == WITH_VERSION else card.settings.default_key_version
    value = key_value(card, key, version)
    tries.refuse_when_blocked(card.memory, key)
    challenges = _challenges(card, key)
    remaining = tries.spend(card.memory, key)
    if len(data) == PLAIN:
        expected = [
            encrypt_block(card.algorithm, value, challenge.ljust(card.algorithm.block_size, b"\0"))[:8]
            for challenge in challenges
        ]
    else:
        expected = [authentication_cryptogram(card.algorithm, value, challenge, data[8:16]) for challenge in challenges]
    good = any(hmac.compare_digest(data[:8], cryptogram) for cryptogram in expected)
    tries.settle(card.memory, key, good, remaining)
    card.session.grant(key.bit, locally=local)
    return b""


def _directory_of(card: Card, reference: int) -> tuple[Node, bool]:
    """Where a key reference points; ``00`` is the master key of the current directory itself (vol. 2 §3.5)."""
    if reference == MASTER_KEY:
        node = card.session.node
        return node, not node.is_environment
    return card.node_of_reference(reference)


def _challenges(card: Card, key: Key) -> list[bytes]:
    """Use up the challenge, and the last but one where the profile's card accepts it."""
    session = card.session
    if session.challenge is None and card.settings.authentication_without_challenge == "63Cx":
        tries.settle(card.memory, key, False, tries.spend(card.memory, key))
    previous = session.previous_challenge
    challenges = [session.take_challenge()]
    if card.settings.challenge_used == "last or last but one" and previous is not None:
        challenges.append(previous)
    return challenges


@COMMANDS.command("INTERNAL AUTHENTICATE")
def internal_authenticate(card: Card, command: Command) -> bytes:
    """INTERNAL AUTHENTICATE: prove an internal authentication key over process factor 8 ‖ original information 8."""
    _, _, p1, reference, data, _, _ = command
    if p1:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(data) not in (WITHOUT_VERSION, WITH_VERSION):
        raise StatusError(SW.WRONG_LENGTH)
    node, _ = card.node_of_reference(reference)
    key = node.internal_keys.get(reference)
    if key is None:
        raise unknown_key(card)
    version = data[16] if len(data) == WITH_VERSION else card.settings.default_key_version
    value = key_value(card, key, version)
    if card.settings.internal_authentication_needs_challenge:
        card.session.take_challenge()
    return authentication_cryptogram(card.algorithm, value, data[:8], data[8:16])
