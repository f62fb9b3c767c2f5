"""SM2 (GM/T 0003-2012, GB/T 32918): signature, encryption, key pairs, on the recommended curve.

Encodings at this boundary are the card's: private key 32 bytes, public key x‖y 64 bytes without a leading 04, signature r‖s 64 bytes,
ciphertext C1‖C3‖C2 with C1 as x‖y (64), C3 the hash (32) and C2 as long as the plaintext.
"""

from typing import Final, Protocol

import gmssl_pyx  # type: ignore[import-untyped]  # it carries stubs but no py.typed marker
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from emulator.crypto.block import CryptoError, require_length
from emulator.crypto.sm2_curve import (
    SIZE,
    A,
    B,
    G,
    N,
    decode_point,
    decode_scalar,
    encode_point,
    multiply,
    multiply_add,
)
from emulator.crypto.sm3 import DIGEST_SIZE, kdf, sm3

DEFAULT_IDENTITY: Final = b"1234567812345678"
"""The signer's identity unless one is agreed (GM/T 0009 §10, also PBOC 3.0 part 17)."""

MAX_PLAINTEXT = 255


class Sm2Engine(Protocol):
    """What a provider of SM2 offers. Every function raises CryptoError for inputs of wrong length or range."""

    def generate(self) -> tuple[bytes, bytes]:
        """Make a key pair: private key (32 bytes), public key (64 bytes)."""

    def sign_digest(self, private_key: bytes, digest: bytes) -> bytes:
        """Sign the 32-byte digest e; 64 bytes r‖s."""

    def verify_digest(self, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """Tell whether r‖s is a signature of the 32-byte digest e."""

    def encrypt(self, public_key: bytes, plaintext: bytes) -> bytes:
        """Encrypt 1 to 255 bytes; C1‖C3‖C2, 96 bytes longer."""

    def decrypt(self, private_key: bytes, ciphertext: bytes) -> bytes:
        """Decrypt C1‖C3‖C2; CryptoError also when C3 does not fit."""


class GmsslEngine:
    """SM2 by GmSSL where a secret random number is drawn, by `sm2_curve` where an input may simply be wrong.

    GmSSL writes traces to the standard error of the process for every false signature and every broken ciphertext. To a harness
    these are ordinary inputs, so verification and decryption are done here.
    """

    def generate(self) -> tuple[bytes, bytes]:
        """Make a key pair: private key (32 bytes), public key (64 bytes)."""
        public_key, private_key = gmssl_pyx.sm2_key_generate()
        return private_key, public_key

    def sign_digest(self, private_key: bytes, digest: bytes) -> bytes:
        """Sign the 32-byte digest e; 64 bytes r‖s.

        Raises:
            CryptoError: Wrong length or range of the private key, wrong length of the digest.
        """
        decode_scalar(private_key)
        require_length("the digest", digest, DIGEST_SIZE)
        r, s = decode_dss_signature(gmssl_pyx.sm2_sign_sm3_digest(private_key, digest))
        return r.to_bytes(SIZE) + s.to_bytes(SIZE)

    def verify_digest(self, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """Tell whether r‖s is a signature of the 32-byte digest e.

        Raises:
            CryptoError: Wrong length of an input, or the public key is not on the curve.
        """
        point = decode_point(public_key)
        require_length("the digest", digest, DIGEST_SIZE)
        require_length("the signature", signature, 2 * SIZE)
        r, s = int.from_bytes(signature[:SIZE]), int.from_bytes(signature[SIZE:])
        t = (r + s) % N
        if not (0 < r < N and 0 < s < N and t):
            return False
        sum_point = multiply_add(s, G, t, point)
        return sum_point is not None and (int.from_bytes(digest) + sum_point[0] - r) % N == 0

    def encrypt(self, public_key: bytes, plaintext: bytes) -> bytes:
        """Encrypt 1 to 255 bytes; C1‖C3‖C2, 96 bytes longer.

        Raises:
            CryptoError: Wrong length of the plaintext, or the public key is not on the curve.
        """
        decode_point(public_key)
        if not 1 <= len(plaintext) <= MAX_PLAINTEXT:
            raise CryptoError(f"{len(plaintext)} bytes to encrypt, 1 to {MAX_PLAINTEXT} are possible")
        return _raw_ciphertext(gmssl_pyx.sm2_encrypt(public_key, plaintext))

    def decrypt(self, private_key: bytes, ciphertext: bytes) -> bytes:
        """Decrypt C1‖C3‖C2.

        Raises:
            CryptoError: Wrong length or range of the private key, wrong length of the ciphertext, C1 not on the curve, C3 false.
        """
        scalar = decode_scalar(private_key)
        if len(ciphertext) <= 2 * SIZE + DIGEST_SIZE:
            raise CryptoError(f"the ciphertext has {len(ciphertext)} bytes, C1‖C3‖C2 has at least 97")
        c1, c3, c2 = ciphertext[:64], ciphertext[64:96], ciphertext[96:]
        seed = encode_point(multiply(scalar, decode_point(c1, "C1")))
        stream = kdf(seed, len(c2))
        plaintext = bytes(a ^ b for a, b in zip(c2, stream, strict=True))
        if not any(stream) or sm3(seed[:SIZE], plaintext, seed[SIZE:]) != c3:
            raise CryptoError("C3 does not fit: the ciphertext was altered or is meant for another key")
        return plaintext


_CURVE_PARAMETERS: Final = b"".join(number.to_bytes(SIZE) for number in (A, B, *G))

ENGINE: Final[Sm2Engine] = GmsslEngine()
"""The engine that the functions below use."""


def public_key_of(private_key: bytes) -> bytes:
    """The public key x‖y of a private key.

    Raises:
        CryptoError: Wrong length or range.
    """
    return encode_point(multiply(decode_scalar(private_key), G))


def identity_hash(public_key: bytes, identity: bytes = DEFAULT_IDENTITY) -> bytes:
    """Z_A: SM3 over the identity's length in bits (2 bytes), identity, a, b, G and the public key (GM/T 0003.2 §5.5).

    Raises:
        CryptoError: The identity has more than 8191 bytes, or the public key is not on the curve.
    """
    decode_point(public_key)
    if len(identity) > 8191:
        raise CryptoError(f"the identity has {len(identity)} bytes, 8191 is the limit")
    return sm3((8 * len(identity)).to_bytes(2), identity, _CURVE_PARAMETERS, public_key)


def message_digest(public_key: bytes, message: bytes, identity: bytes = DEFAULT_IDENTITY) -> bytes:
    """The digest e = SM3(Z_A ‖ M) that is signed.

    Raises:
        CryptoError: See `identity_hash`.
    """
    return sm3(identity_hash(public_key, identity), message)


def sign(private_key: bytes, message: bytes, identity: bytes = DEFAULT_IDENTITY, engine: Sm2Engine = ENGINE) -> bytes:
    """Sign a message: r‖s, 64 bytes.

    Raises:
        CryptoError: Wrong length or range of the private key.
    """
    return engine.sign_digest(private_key, message_digest(public_key_of(private_key), message, identity))


def verify(
    public_key: bytes,
    message: bytes,
    signature: bytes,
    identity: bytes = DEFAULT_IDENTITY,
    engine: Sm2Engine = ENGINE,
) -> bool:
    """Tell whether r‖s is the signature of a message.

    Raises:
        CryptoError: Wrong length of an input, or the public key is not on the curve.
    """
    return engine.verify_digest(public_key, message_digest(public_key, message, identity), signature)


def _raw_ciphertext(der: bytes) -> bytes:
    """C1‖C3‖C2 from GmSSL's SEQUENCE { x INTEGER, y INTEGER, C3 OCTET STRING, C2 OCTET STRING } (GM/T 0009 §7.2)."""
    content, _ = _der_value(der)
    x, content = _der_value(content)
    y, content = _der_value(content)
    c3, content = _der_value(content)
    c2, _ = _der_value(content)
    return encode_point((int.from_bytes(x), int.from_bytes(y))) + c3 + c2


def _der_value(data: bytes) -> tuple[bytes, bytes]:
    """The value of the first element of well-formed DER, and the bytes after it."""
    size = data[1] & 0x7F if data[1] & 0x80 else 0
    start = 2 + size
    end = start + (int.from_bytes(data[2:start]) if size else data[1])
    return data[start:end], data[end:]
