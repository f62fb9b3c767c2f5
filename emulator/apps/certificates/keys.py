"""SM2 key pairs: generation, export, enveloped import, signature, decipherment (reconstructed specification §3.3).

The signature key pair is made on the card and its private key never leaves it. The encryption key pair comes from a key
centre: DECIPHER opens the envelope with the signature key and answers the SM4 session key, IMPORT SESSION KEY hands it
back, and the private key comes in under it.
"""

from __future__ import annotations

from emulator.apps.certificates.application import (
    DATA,
    ENCRYPTION_PAIR,
    PRIVATE_FILE,
    PRIVATE_KEY,
    PRIVATE_KEY_LENGTH,
    PUBLIC_FILE,
    PUBLIC_KEY,
    PUBLIC_KEY_HEAD,
    SIGNATURE_PAIR,
    key_file,
    key_session,
    require_parameters,
    rules_of,
    stored_key,
    values,
)
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, exact_length
from emulator.crypto import Algorithm, CryptoError, decrypt_ecb
from emulator.crypto.sm2 import ENGINE
from emulator.crypto.sm2_curve import decode_point, decode_scalar
from emulator.crypto.sm3 import DIGEST_SIZE, sm3
from emulator.iso7816 import SW, Command, StatusError

EXPORT, NAME_PAIR, FETCH = 0x82, 0x00, 0x80
IMPORT_PUBLIC, IMPORT_PRIVATE, IN_CLEAR, UNDER_SESSION_KEY = 0x40, 0xC0, 0x00, 0x01
ALL_AT_ONCE, WITH_SM3 = 0x01, 0x03
SM4_KEY = 0x02, 0x10
SESSION_KEY_LENGTH = 16

COMMANDS = CommandSet()
HASHING = CommandSet()
"""What the environment offers, too."""


@HASHING.command("HASH")
def hash_data(card: Card, command: Command) -> bytes:
    """Answer SM3 of the data object C1. Terminals without SM3 ask so for the key of a PIN."""
    require_parameters(command, ALL_AT_ONCE, WITH_SM3)
    (data,) = values(command, DATA)
    return sm3(data)


@COMMANDS.command("GENERATE KEY PAIR")
def generate(card: Card, command: Command) -> bytes:
    """Make a new signature key pair; both files change in one transaction."""
    require_parameters(command, 0, 0)
    if values(command, PUBLIC_FILE, PRIVATE_FILE) != SIGNATURE_PAIR:
        raise StatusError(SW.WRONG_DATA)
    card.session.require(rules_of(card).generate)
    public_file, private_file = (key_file(card, identifier) for identifier in SIGNATURE_PAIR)
    private_key, public_key = ENGINE.generate()
    card.memory.commit({public_file.cell: PUBLIC_KEY_HEAD + public_key, private_file.cell: private_key})
    return b""


@COMMANDS.command("EXPORT PUBLIC KEY")
def export(card: Card, command: Command) -> bytes:
    """Name a key pair (P2 ``00``), then fetch the 66 bytes of its public key (P2 ``80``)."""
    if command.p1 != EXPORT or command.p2 not in (NAME_PAIR, FETCH):
        raise StatusError(SW.INCORRECT_P1_P2)
    kept = key_session(card)
    if command.p2 == NAME_PAIR:
        pair = values(command, PUBLIC_FILE, PRIVATE_FILE)
        if pair not in (SIGNATURE_PAIR, ENCRYPTION_PAIR):
            raise StatusError(SW.WRONG_DATA)
        file = key_file(card, pair[0])
        card.session.require(file.read)
        stored_key(card, pair[0])
        kept.exported = file
        return b""
    if command.data:
        raise StatusError(SW.WRONG_LENGTH)
    if kept.exported is None:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    key = stored_key(card, kept.exported.fid.to_bytes(2))
    exact_length(command, len(key))
    return key


@COMMANDS.command("DECIPHER")
def decipher(card: Card, command: Command) -> bytes:
    """Decipher x‖y‖hash‖data with a private key of the card; ``6A80`` for what was enciphered for another key."""
    require_parameters(command, 0x00, 0x01)
    identifier, ciphertext = values(command, PRIVATE_FILE, DATA)
    rules = rules_of(card)
    serves_both = rules.settings.deciphering_keys == "both"
    if identifier != SIGNATURE_PAIR[1] and not (serves_both and identifier == ENCRYPTION_PAIR[1]):
        raise StatusError(SW.FILE_NOT_FOUND)
    card.session.require(rules.use)
    private_key = stored_key(card, identifier)
    try:
        return ENGINE.decrypt(private_key, ciphertext)
    except CryptoError:
        raise StatusError(SW.WRONG_DATA) from None


@COMMANDS.command("IMPORT SESSION KEY")
def import_session_key(card: Card, command: Command) -> bytes:
    """Keep an SM4 key, until a directory is entered, for the private key that comes next."""
    require_parameters(command, *SM4_KEY)
    (key,) = values(command, DATA)
    if len(key) != SESSION_KEY_LENGTH:
        raise StatusError(SW.WRONG_DATA)
    card.session.require(rules_of(card).generate)
    key_session(card).session_key = key
    return b""


@COMMANDS.command("IMPORT PUBLIC KEY")
def import_key(card: Card, command: Command) -> bytes:
    """Import the public encryption key, or the private one under the session key; in clear it is refused."""
    if command.p1 == IMPORT_PUBLIC and command.p2 == IN_CLEAR:
        return _import_public(card, command)
    require_parameters(command, IMPORT_PRIVATE, UNDER_SESSION_KEY)
    return _import_private(card, command)


def _import_public(card: Card, command: Command) -> bytes:
    identifier, key = values(command, PUBLIC_FILE, PUBLIC_KEY)
    if identifier != ENCRYPTION_PAIR[0]:
        raise StatusError(SW.WRONG_DATA)
    try:
        decode_point(key)
    except CryptoError:
        raise StatusError(SW.WRONG_DATA) from None
    card.session.require(rules_of(card).generate)
    card.memory.commit({key_file(card, identifier).cell: PUBLIC_KEY_HEAD + key})
    return b""


def _import_private(card: Card, command: Command) -> bytes:
    identifier, enciphered = values(command, PRIVATE_FILE, PRIVATE_KEY)
    if identifier != ENCRYPTION_PAIR[1] or len(enciphered) != PRIVATE_KEY_LENGTH:
        raise StatusError(SW.WRONG_DATA)
    card.session.require(rules_of(card).generate)
    session_key = key_session(card).session_key
    if session_key is None:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    key = decrypt_ecb(Algorithm.SM4, session_key, enciphered)
    try:
        decode_scalar(key)
    except CryptoError:
        raise StatusError(SW.WRONG_DATA) from None
    card.memory.commit({key_file(card, identifier).cell: key})
    return b""


@COMMANDS.command("COMPUTE DIGITAL SIGNATURE")
def compute_signature(card: Card, command: Command) -> bytes:
    """Sign the digest e = SM3(Z ‖ message), 32 bytes, with the signature key; the answer is r‖s."""
    rules = rules_of(card)
    if rules.settings.signature_command == "none":
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
    require_parameters(command, 0x9E, 0x9A)
    if len(command.data) != DIGEST_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    card.session.require(rules.use)
    return ENGINE.sign_digest(stored_key(card, SIGNATURE_PAIR[1]), command.data)
