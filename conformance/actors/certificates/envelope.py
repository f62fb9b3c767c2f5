"""The enveloped key pair 数字信封: how a key centre hands an encryption key pair to a card (GM/T 0016-2012 ENVELOPEDKEYBLOB).

The private key is enciphered with a fresh SM4 key, and that key with the card's public signature key. Numbers are
little-endian, coordinates and the private key stand at the end of 64-byte fields.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.crypto import Algorithm, CryptoError, decrypt_ecb, encrypt_ecb
from emulator.crypto.sm2 import ENGINE, public_key_of

VERSION, SM4_ECB, BITS = 1, 0x00000401, 256
NUMBER, FIELD, COORDINATE, HASH, SESSION_KEY = 4, 64, 32, 32, 16
BLOB_LENGTH = 3 * NUMBER + FIELD + NUMBER + 2 * FIELD + 2 * FIELD + HASH + NUMBER + SESSION_KEY
CIPHERTEXT_LENGTH = 2 * COORDINATE + HASH + SESSION_KEY


class EnvelopeError(ValueError):
    """Bytes that are no enveloped key pair, or one that another key opens."""


@dataclass(frozen=True, slots=True)
class EnvelopedKey:
    """An encryption key pair on its way into a card."""

    public_key: bytes
    """x‖y, 64 bytes."""
    enciphered_private_key: bytes
    """The 32 bytes of the private key under SM4."""
    enciphered_session_key: bytes
    """The SM4 key under SM2: x‖y‖hash‖key, 112 bytes."""

    @classmethod
    def seal(cls, private_key: bytes, recipient: bytes, session_key: bytes) -> EnvelopedKey:
        """Envelop a private key for the holder of the public key ``recipient``, with a fresh SM4 key.

        Raises:
            CryptoError: A key has a wrong length or is not on the curve.
        """
        enciphered = encrypt_ecb(Algorithm.SM4, session_key, private_key)
        return cls(public_key_of(private_key), enciphered, ENGINE.encrypt(recipient, session_key))

    def open(self, recipient_private_key: bytes) -> bytes:
        """The private key inside.

        Raises:
            EnvelopeError: The envelope is not for this key, or holds another private key than it says.
        """
        try:
            session_key = ENGINE.decrypt(recipient_private_key, self.enciphered_session_key)
            private_key = decrypt_ecb(Algorithm.SM4, session_key, self.enciphered_private_key)
            fits = public_key_of(private_key) == self.public_key
        except CryptoError as problem:
            raise EnvelopeError(f"the envelope does not open: {problem}") from problem
        if not fits:
            raise EnvelopeError("the private key in the envelope does not belong to the public key beside it")
        return private_key

    def to_bytes(self) -> bytes:
        """The blob of GM/T 0016, 388 bytes."""
        coordinates, digest = self.enciphered_session_key[:FIELD], self.enciphered_session_key[FIELD : FIELD + HASH]
        return b"".join(
            (
                _number(VERSION),
                _number(SM4_ECB),
                _number(BITS),
                self.enciphered_private_key.rjust(FIELD, b"\0"),
                _number(BITS),
                _fields(self.public_key),
                _fields(coordinates),
                digest,
                _number(SESSION_KEY),
                self.enciphered_session_key[FIELD + HASH :],
            )
        )

    @classmethod
    def parse(cls, blob: bytes) -> EnvelopedKey:
        """Read the blob of GM/T 0016.

        Raises:
            EnvelopeError: Wrong length, version, algorithm or filling.
        """
        if len(blob) != BLOB_LENGTH:
            raise EnvelopeError(f"an enveloped key has {BLOB_LENGTH} bytes, these are {len(blob)}")
        cut = _Cutter(blob)
        head = [cut.number() for _ in range(3)]
        private_key = cut.right_half()
        bits = cut.number()
        public_key = cut.right_half() + cut.right_half()
        ciphertext = cut.right_half() + cut.right_half() + cut.take(HASH)
        length = cut.number()
        if (*head, bits, length) != (VERSION, SM4_ECB, BITS, BITS, SESSION_KEY):
            raise EnvelopeError("an enveloped key of version 1 with SM4-ECB and 256 bits was expected")
        return cls(public_key, private_key, ciphertext + cut.take(SESSION_KEY))


class _Cutter:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        return int.from_bytes(self.take(NUMBER), "little")

    def right_half(self) -> bytes:
        """The 32 bytes at the end of a field of 64."""
        field = self.take(FIELD)
        if any(field[:COORDINATE]):
            raise EnvelopeError("a number is longer than the 256 bits of SM2")
        return field[COORDINATE:]


def _number(value: int) -> bytes:
    return value.to_bytes(NUMBER, "little")


def _fields(point: bytes) -> bytes:
    return point[:COORDINATE].rjust(FIELD, b"\0") + point[COORDINATE:].rjust(FIELD, b"\0")
