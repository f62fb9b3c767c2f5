"""Certificates and signatures of offline data authentication 脱机数据认证 (JR/T 0025-2013 parts 7 and 17).

RSA: a block ``6A ‖ content ‖ SHA-1 ‖ BC`` as long as the modulus, raised to the private exponent; what does not fit
into a certificate goes into a remainder. SM2: the content in plain followed by r‖s; nothing remains.

Every function takes the expiry as MMYY in two BCD bytes and a serial number of three bytes.
"""

import hashlib
from typing import Final, NamedTuple

from emulator.crypto import sm2
from emulator.crypto.block import CryptoError, require_length
from emulator.crypto.rsa import RsaCrtKey, RsaPublicKey
from emulator.crypto.sm2_curve import SIZE, G, N, decode_scalar, multiply
from emulator.crypto.sm3 import sm3

HEADER, TRAILER, PADDING = b"\x6a", b"\xbc", b"\xbb"
SHA1_RSA: Final = b"\x01\x01"
"""Hash and signature algorithm identifiers of the RSA certificates."""
SM2_IDENTIFIERS: Final = bytes.fromhex("04001140")
"""Signature algorithm SM2 with SM3, no encryption, curve of SM2, length of the public key."""


class Certificate(NamedTuple):
    """A certificate of a public key.

    Attributes:
        value: 90 or 9F46.
        remainder: 92 or 9F48: the part of the key that did not fit, empty where none is left and with SM2.
        exponent: 9F32 or 9F47; empty with SM2.
    """

    value: bytes
    remainder: bytes = b""
    exponent: bytes = b""


def rsa_issuer_certificate(
    authority: RsaCrtKey, identifier: bytes, expiry: bytes, serial: bytes, issuer: RsaPublicKey
) -> Certificate:
    """Certificate of the issuer 发卡行公钥证书; ``identifier`` are the first 3 to 8 digits of the PAN, F padded to 4 bytes.

    Raises:
        CryptoError: Wrong length of an input, or a key longer than the one that signs.
    """
    require_length("the issuer identifier", identifier, 4)
    return _rsa_certificate(authority, b"\x02" + identifier, expiry, serial, issuer, b"")


def rsa_card_certificate(
    issuer: RsaCrtKey, pan: bytes, expiry: bytes, serial: bytes, card: RsaPublicKey, static_data: bytes
) -> Certificate:
    """Certificate of the card IC卡公钥证书; ``pan`` is F padded to 10 bytes.

    Raises:
        CryptoError: Wrong length of an input, or a key longer than the one that signs.
    """
    require_length("the account number", pan, 10)
    return _rsa_certificate(issuer, b"\x04" + pan, expiry, serial, card, static_data)


def rsa_signed_static_data(issuer: RsaCrtKey, code: bytes, static_data: bytes) -> bytes:
    """93 静态签名数据; ``code`` is the data authentication code, 2 bytes.

    Raises:
        CryptoError: Wrong length of the code.
    """
    require_length("the data authentication code", code, 2)
    return _sign(issuer, b"\x03\x01" + code, static_data)


def rsa_signed_dynamic_data(card: RsaCrtKey, dynamic_data: bytes, terminal_data: bytes) -> bytes:
    """9F4B 动态签名数据 of DDA and CDA; ``dynamic_data`` begins with the length of the ICC dynamic number.

    Raises:
        CryptoError: More dynamic data than the key can carry.
    """
    return _sign(card, b"\x05\x01" + bytes((len(dynamic_data),)) + dynamic_data, terminal_data)


def sm2_issuer_certificate(
    authority: bytes, identifier: bytes, expiry: bytes, serial: bytes, issuer: bytes
) -> Certificate:
    """Certificate of the issuer, 142 bytes; keys are a private key of 32 and a public key of 64 bytes.

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the issuer identifier", identifier, 4)
    return _sm2_certificate(authority, b"\x12" + identifier, expiry, serial, issuer, b"")


def sm2_card_certificate(
    issuer: bytes, pan: bytes, expiry: bytes, serial: bytes, card: bytes, static_data: bytes
) -> Certificate:
    """Certificate of the card, 148 bytes.

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the account number", pan, 10)
    return _sm2_certificate(issuer, b"\x14" + pan, expiry, serial, card, static_data)


def sm2_signed_static_data(issuer: bytes, code: bytes, static_data: bytes) -> bytes:
    """93, 67 bytes.

    Raises:
        CryptoError: Wrong length of the code.
    """
    require_length("the data authentication code", code, 2)
    content = b"\x13" + code
    return content + repeatable_signature(issuer, content + static_data)


def sm2_signed_dynamic_data(
    card: bytes, dynamic_data: bytes, terminal_data: bytes, *, carry_terminal_data: bool = False
) -> bytes:
    """9F4B of DDA and CDA.

    ``carry_terminal_data`` puts the signed terminal data between content and signature: one reading of part 17 for CDA.

    Raises:
        CryptoError: More than 255 bytes of dynamic data, or a private key that is none.
    """
    if len(dynamic_data) > 0xFF:
        raise CryptoError(f"{len(dynamic_data)} bytes of dynamic data, 255 is the limit")
    content = b"\x15" + bytes((len(dynamic_data),)) + dynamic_data
    signature = sm2.sign(card, content + terminal_data)
    return content + (terminal_data if carry_terminal_data else b"") + signature


def repeatable_signature(private_key: bytes, message: bytes) -> bytes:
    """An SM2 signature r‖s whose random number follows from key and message, so that certificates can be made again.

    Raises:
        CryptoError: The private key is none.
    """
    secret = decode_scalar(private_key)
    digest = sm2.message_digest(sm2.public_key_of(private_key), message)
    attempt = 0
    while True:
        k = int.from_bytes(sm3(private_key, digest, bytes((attempt,)))) % (N - 1) + 1
        point = multiply(k, G)
        r = (int.from_bytes(digest) + point[0]) % N if point else 0
        s = pow(1 + secret, -1, N) * (k - r * secret) % N
        if r and s and r + k != N:
            return r.to_bytes(SIZE) + s.to_bytes(SIZE)
        attempt += 1


def _rsa_certificate(
    signer: RsaCrtKey, head: bytes, expiry: bytes, serial: bytes, key: RsaPublicKey, static_data: bytes
) -> Certificate:
    _require_dates(expiry, serial)
    if key.size > signer.size:
        raise CryptoError(f"a key of {key.size} bytes cannot be certified by one of {signer.size}")
    exponent = key.e.to_bytes((key.e.bit_length() + 7) // 8)
    lengths = bytes((key.size, len(exponent)))
    content = head + expiry + serial + SHA1_RSA + lengths
    room = signer.size - len(content) - 22
    modulus = key.n.to_bytes(key.size)
    remainder = modulus[room:]
    value = _sign(signer, content + modulus[:room], remainder + exponent + static_data)
    return Certificate(value, remainder, exponent)


def _sign(signer: RsaCrtKey, content: bytes, rest: bytes) -> bytes:
    """6A ‖ content, BB filled ‖ SHA-1 of content and rest ‖ BC, signed."""
    room = signer.size - 22
    if len(content) > room:
        raise CryptoError(f"{len(content)} bytes to sign, a key of {signer.size} bytes carries {room}")
    filled = content.ljust(room, PADDING)
    digest = hashlib.sha1(filled + rest, usedforsecurity=False).digest()
    return signer.sign(HEADER + filled + digest + TRAILER)


def _sm2_certificate(
    signer: bytes, head: bytes, expiry: bytes, serial: bytes, key: bytes, static_data: bytes
) -> Certificate:
    _require_dates(expiry, serial)
    require_length("the public key", key, 2 * SIZE)
    content = head + expiry + serial + SM2_IDENTIFIERS + key
    return Certificate(content + repeatable_signature(signer, content + static_data))


def _require_dates(expiry: bytes, serial: bytes) -> None:
    require_length("the expiry of the certificate", expiry, 2)
    require_length("the serial number of the certificate", serial, 3)
