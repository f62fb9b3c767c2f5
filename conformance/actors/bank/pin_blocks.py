"""The online PIN 联机PIN on its way to the bank: ISO 9564-1 format 0 under a key that terminal and bank share."""

from __future__ import annotations

from emulator.crypto import Algorithm, CryptoError, decrypt_ecb, encrypt_ecb
from emulator.crypto.payment import pin_block, pin_of_block

TEST_PIN_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
"""Published test key between terminals and the test bank; the network's matter, so triple DES whatever the card uses."""


def encipher(pin: str, pan: str, key: bytes = TEST_PIN_KEY) -> bytes:
    """The enciphered PIN block, eight bytes.

    Raises:
        CryptoError: The PIN is not four to twelve digits.
    """
    block = bytes((len(pin),)) + pin_block(pin)[1:]
    return encrypt_ecb(Algorithm.DES3, key, _masked(block, pan))


def decipher(block: bytes, pan: str, key: bytes = TEST_PIN_KEY) -> str:
    """The PIN in an enciphered block.

    Raises:
        CryptoError: The block is none for this account number.
    """
    if len(block) != 8:
        raise CryptoError(f"the enciphered PIN block has {len(block)} bytes, 8 are needed")
    return pin_of_block(_masked(decrypt_ecb(Algorithm.DES3, key, block), pan), control=0)


def _masked(block: bytes, pan: str) -> bytes:
    """Exclusive or with the rightmost twelve digits of the account number before its check digit."""
    mask = bytes.fromhex("0000" + pan[:-1][-12:].zfill(12))
    return bytes(a ^ b for a, b in zip(block, mask, strict=True))
