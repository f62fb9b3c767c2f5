"""What the card does with its private key: dynamic signatures, and reading an enciphered PIN."""

from __future__ import annotations

import hashlib
import hmac

from emulator.apps.payment.application import Application, private_key_cell
from emulator.crypto import CryptoError
from emulator.crypto.payment import PIN_BLOCK_SIZE
from emulator.crypto.payment_signatures import rsa_signed_dynamic_data, sm2_signed_dynamic_data
from emulator.crypto.rsa import RsaCrtKey
from emulator.crypto.sm3 import sm3

PIN_HEADER = 0x7F
CHALLENGE_SIZE = 8


def key_to_bytes(key: RsaCrtKey) -> tuple[bytes, ...]:
    """The five numbers of an RSA key as the memory keeps them."""
    numbers = (key.p, key.q, key.dp, key.dq, key.q_inverse)
    return tuple(number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers)


def private_key(application: Application) -> RsaCrtKey | bytes | None:
    """The card's RSA or SM2 key, None on a card without one."""
    value = application.cell(private_key_cell(application.name, sm=application.sm))
    if isinstance(value, tuple):
        return RsaCrtKey(*(int.from_bytes(number, "big") for number in value))
    return value if isinstance(value, bytes) else None


def sign(application: Application, dynamic_data: bytes, terminal_data: bytes, *, combined: bool = False) -> bytes:
    """9F4B over the card's dynamic data and what the terminal gave; ``combined`` for CDA.

    Raises :class:`emulator.crypto.CryptoError` on a card without private key.
    """
    key = private_key(application)
    if key is None:
        raise CryptoError("the card has no private key")
    if isinstance(key, RsaCrtKey):
        return rsa_signed_dynamic_data(key, dynamic_data, terminal_data)
    carry = combined and application.settings.cda_carries_unpredictable_number
    return sm2_signed_dynamic_data(key, dynamic_data, terminal_data, carry_terminal_data=carry)


def transaction_hash(application: Application, data: bytes) -> bytes:
    """Hash of what a combined signature covers: SHA-1 with RSA, SM3 with SM2."""
    if isinstance(private_key(application), RsaCrtKey):
        return hashlib.sha1(data, usedforsecurity=False).digest()
    return sm3(data)


def can_decipher(application: Application) -> bool:
    """Whether the algorithm set of this transaction has a key that deciphers a PIN: the standard gives SM2 no such use."""
    return isinstance(private_key(application), RsaCrtKey)


def decipher_pin(application: Application, block: bytes, challenge: bytes) -> bytes:
    """The PIN block in an enciphered one: ``7F`` ‖ PIN block 8 ‖ challenge 8 ‖ random (EMV Book 2 §7.2).

    Raises :class:`emulator.crypto.CryptoError` whatever is wrong, so that no answer tells which part it was.
    """
    key = private_key(application)
    if not isinstance(key, RsaCrtKey):
        raise CryptoError("the card has no RSA key")
    plain = key.sign(block)
    shown = plain[1 + PIN_BLOCK_SIZE : 1 + PIN_BLOCK_SIZE + CHALLENGE_SIZE]
    if plain[0] != PIN_HEADER or not hmac.compare_digest(shown, challenge):
        raise CryptoError("the enciphered PIN is of another form")
    return plain[1 : 1 + PIN_BLOCK_SIZE]
