"""PIN and key proofs of the certificate application: SM4 under a key that SM3 makes from the PIN, over a challenge.

Reconstructed specification §3.3; all of it is what one instant-issuing program computed and real cards accepted.
"""

from emulator.crypto.block import Algorithm, decrypt_ecb, encrypt_ecb, require_length
from emulator.crypto.mac import mac_sm4
from emulator.crypto.padding import pad_length_prefixed, unpad_length_prefixed
from emulator.crypto.sm3 import sm3

CHALLENGE_LENGTH = 16
"""Bytes of the block that a challenge fills; a shorter challenge is extended with zeros."""
KEY_HEAD = bytes(3)
"""Bytes that stand before a new master key in its enciphered block."""


def pin_key(pin: bytes) -> bytes:
    """The SM4 key that a PIN means: the first half of SM3 over its packed digits."""
    return sm3(pin)[:16]


def challenge_block(challenge: bytes) -> bytes:
    """A challenge of up to 16 bytes as one block.

    Raises:
        CryptoError: It has more bytes.
    """
    block = challenge.ljust(CHALLENGE_LENGTH, b"\0")
    require_length("the challenge", block, CHALLENGE_LENGTH)
    return block


def challenge_proof(key: bytes, challenge: bytes) -> bytes:
    """The 16 bytes by which VERIFY and EXTERNAL AUTHENTICATE prove a PIN or the master key.

    Raises:
        CryptoError: Wrong length of key or challenge.
    """
    return encrypt_ecb(Algorithm.SM4, key, challenge_block(challenge))


def seal(key: bytes, content: bytes) -> bytes:
    """Encipher length ‖ content ‖ 80 00… : a new PIN, or three zeros and a new master key.

    Raises:
        CryptoError: Wrong length of the key, or more than 255 bytes.
    """
    return encrypt_ecb(Algorithm.SM4, key, pad_length_prefixed(content, Algorithm.SM4.block_size))


def unseal(key: bytes, blocks: bytes) -> bytes:
    """What :func:`seal` enciphered.

    Raises:
        CryptoError: Wrong length of the key, or the blocks are of another form.
    """
    return unpad_length_prefixed(decrypt_ecb(Algorithm.SM4, key, blocks), Algorithm.SM4.block_size)


def command_mac(key: bytes, challenge: bytes, covered: bytes) -> bytes:
    """The four MAC bytes of a protected command over header ‖ Lc ‖ enciphered data; the challenge is the initial vector.

    The words of the last block are joined by exclusive-or: here, unlike in SSSE, a logged command shows it.

    Raises:
        CryptoError: Wrong length of key or challenge.
    """
    return mac_sm4(key, covered, challenge_block(challenge))
