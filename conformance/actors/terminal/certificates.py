"""Public key certificates and signatures as a terminal checks them: RSA with recovery (JR/T 0025.7 §5), SM2 (JR/T 0025.17 §5).

Every check raises :class:`Unsigned` with a sentence on what is wrong.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from emulator.crypto import CryptoError, sm2
from emulator.crypto.rsa import RsaPublicKey
from emulator.crypto.sm3 import sm3

HEADER, TRAILER = 0x6A, 0xBC
HASH_SIZE, SIGNATURE_SIZE, SM2_KEY_SIZE = 20, 64, 64
SHORTEST_BLOCK = HASH_SIZE + 6
CRYPTOGRAM_SIZE = 8
SHA1, RSA = 0x01, 0x01
SM2_IDENTIFIERS = bytes.fromhex("04001140")
"""SM2 with SM3, no encryption, curve of SM2, length of the key."""
ISSUER, STATIC, CARD, DYNAMIC = 2, 3, 4, 5
"""Formats of RSA objects; those of SM2 are sixteen higher."""
SM2_FORMAT = 0x10
PublicKey = RsaPublicKey | bytes


class Unsigned(Exception):
    """A certificate or signature that is not right."""


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """What a certificate tells: whose it is, until when, its serial number (3 bytes), the key."""

    subject: bytes
    expiry: bytes
    serial: bytes
    key: PublicKey


def opened(key: RsaPublicKey, signature: bytes, kind: int, rest: bytes, what: str) -> bytes:
    """The content between ``6A`` and the hash of an RSA object, after length, trailer, header, format and hash were checked."""
    try:
        block = key.recover(signature)
    except CryptoError as error:
        raise Unsigned(f"{what}: {error}") from error
    if key.size < SHORTEST_BLOCK:
        raise Unsigned(f"{what}: the key is too short")
    content, digest = block[1 : -HASH_SIZE - 1], block[-HASH_SIZE - 1 : -1]
    if block[-1] != TRAILER or block[0] != HEADER or content[0] != kind:
        raise Unsigned(f"{what}: header, format or trailer is wrong")
    if not hmac.compare_digest(hashlib.sha1(content + rest, usedforsecurity=False).digest(), digest):
        raise Unsigned(f"{what}: the hash does not fit")
    return content


Judge = Callable[[CertifiedKey], None]
"""Looks at what a certificate tells, and raises :class:`Unsigned`."""


def believe(told: CertifiedKey) -> None:
    """Take whatever a certificate tells."""


def certified_key(
    signer: PublicKey,
    kind: int,
    certificate: bytes,
    remainder: bytes,
    exponent: bytes,
    static_data: bytes,
    judge: Judge = believe,
) -> CertifiedKey:
    """The key in a certificate of kind ISSUER or CARD; ``static_data`` is what it covers besides.

    ``judge`` is asked when the subject, the expiry and the serial number are known: with RSA after all else, with SM2, which
    has them in plain, before algorithm and signature are looked at (JR/T 0025.17 §5).
    """
    what = "issuer certificate" if kind == ISSUER else "card certificate"
    subject = 4 if kind == ISSUER else 10
    if isinstance(signer, bytes):
        return _certified_by_sm2(signer, kind, certificate, static_data, subject, judge)
    content = opened(signer, certificate, kind, remainder + exponent + static_data, what)
    fields = 1 + subject + 2 + 3
    if len(content) < fields + 4 or content[fields] != SHA1 or content[fields + 1] != RSA:
        raise Unsigned(f"{what}: unknown algorithm")
    size, exponent_size = content[fields + 2], content[fields + 3]
    place = content[fields + 4 :]
    modulus = (place[:size] if size <= len(place) else place) + (remainder if size > len(place) else b"")
    e = int.from_bytes(exponent, "big")
    if len(modulus) != size or len(exponent) != exponent_size or e not in (3, 65537):
        raise Unsigned(f"{what}: key, remainder and exponent do not fit together")
    key = RsaPublicKey(int.from_bytes(modulus, "big"), e)
    if key.size != size or key.size > signer.size:
        raise Unsigned(f"{what}: the key has another length than told")
    told = CertifiedKey(content[1 : 1 + subject], content[1 + subject :][:2], content[3 + subject :][:3], key)
    judge(told)
    return told


def _certified_by_sm2(
    signer: bytes, kind: int, certificate: bytes, static_data: bytes, subject: int, judge: Judge
) -> CertifiedKey:
    what = "issuer certificate" if kind == ISSUER else "card certificate"
    fields = 1 + subject + 2 + 3
    signed = fields + len(SM2_IDENTIFIERS) + SM2_KEY_SIZE
    if len(certificate) != signed + SIGNATURE_SIZE:
        raise Unsigned(f"{what}: {len(certificate)} bytes, {signed + SIGNATURE_SIZE} are needed")
    if certificate[0] != kind + SM2_FORMAT:
        raise Unsigned(f"{what}: unknown format")
    told = CertifiedKey(
        certificate[1 : 1 + subject],
        certificate[1 + subject :][:2],
        certificate[3 + subject :][:3],
        certificate[fields + 4 : signed],
    )
    judge(told)
    if certificate[fields : fields + 4] != SM2_IDENTIFIERS:
        raise Unsigned(f"{what}: unknown algorithm")
    _verify(signer, certificate[:signed] + static_data, certificate[signed:], what)
    return told


def _verify(signer: bytes, message: bytes, signature: bytes, what: str) -> None:
    try:
        good = sm2.verify(signer, message, signature)
    except CryptoError as error:
        raise Unsigned(f"{what}: {error}") from error
    if not good:
        raise Unsigned(f"{what}: the signature does not fit")


def authentication_code(issuer: PublicKey, signature: bytes, static_data: bytes) -> bytes:
    """数据认证码 DAC, two bytes, of the signed static data 93."""
    what = "signed static data"
    if isinstance(issuer, bytes):
        if len(signature) != 3 + SIGNATURE_SIZE or signature[0] != STATIC + SM2_FORMAT:
            raise Unsigned(f"{what}: wrong length or format")
        _verify(issuer, signature[:3] + static_data, signature[3:], what)
        return signature[1:3]
    content = opened(issuer, signature, STATIC, static_data, what)
    if content[1] != SHA1:
        raise Unsigned(f"{what}: unknown hash")
    return content[2:4]


def dynamic_data(card: PublicKey, signature: bytes, terminal_data: bytes) -> bytes:
    """The dynamic data of the card in 9F4B, over ``terminal_data``.

    An SM2 signature may carry the terminal data in plain, as one reading of part 17 has it.
    """
    what = "signed dynamic data"
    if isinstance(card, bytes):
        return _dynamic_by_sm2(card, signature, terminal_data, what)
    content = opened(card, signature, DYNAMIC, terminal_data, what)
    if content[1] != SHA1 or content[2] > len(content) - 3:
        raise Unsigned(f"{what}: unknown hash or wrong length")
    return content[3 : 3 + content[2]]


def _dynamic_by_sm2(card: bytes, signature: bytes, terminal_data: bytes, what: str) -> bytes:
    if len(signature) < 2 or signature[0] != DYNAMIC + SM2_FORMAT:
        raise Unsigned(f"{what}: wrong format")
    end = 2 + signature[1]
    content, rest = signature[:end], signature[end:]
    if len(content) == end and len(rest) == SIGNATURE_SIZE + len(terminal_data) and rest.startswith(terminal_data):
        rest = rest[len(terminal_data) :]
    if len(content) != end or len(rest) != SIGNATURE_SIZE:
        raise Unsigned(f"{what}: wrong length")
    _verify(card, content + terminal_data, rest, what)
    return content[2:]


@dataclass(frozen=True, slots=True)
class SignedCryptogram:
    """What the signature of CDA holds: the card's dynamic number, 9F27, 9F26, and the hash of the transaction data."""

    number: bytes
    cid: bytes
    value: bytes
    digest: bytes


def signed_cryptogram(card: PublicKey, signature: bytes, unpredictable: bytes) -> SignedCryptogram:
    """The content of 9F4B in an answer of GENERATE AC, over the unpredictable number of the terminal."""
    dynamic = dynamic_data(card, signature, unpredictable)
    end = 1 + dynamic[0] if dynamic else 0
    number, rest = dynamic[1:end], dynamic[end:]
    if not number or len(rest) < 1 + CRYPTOGRAM_SIZE:
        raise Unsigned("the signed dynamic data are too short")
    return SignedCryptogram(number, rest[:1], rest[1 : 1 + CRYPTOGRAM_SIZE], rest[1 + CRYPTOGRAM_SIZE :])


def transaction_hash(key: PublicKey, data: bytes) -> bytes:
    """Hash in a combined signature: SM3 with SM2, SHA-1 with RSA."""
    return sm3(data) if isinstance(key, bytes) else hashlib.sha1(data, usedforsecurity=False).digest()


def is_expired(expiry: bytes, today: date) -> bool:
    """Whether a certificate of MMYY ended before today; something other than a month counts as ended."""
    digits = expiry.hex()
    if len(digits) != 4 or not digits.isdecimal() or not 1 <= int(digits[:2]) <= 12:
        return True
    year, month = 2000 + int(digits[2:]), int(digits[:2])
    return date(year, month, calendar.monthrange(year, month)[1]) < today


def is_of_account(identifier: bytes, account_number: str) -> bool:
    """Whether the issuer identifier, 3 to 8 digits filled with F, begins the account number."""
    digits = identifier.hex().rstrip("f")
    return 3 <= len(digits) <= 8 and digits.isdecimal() and account_number.startswith(digits)
