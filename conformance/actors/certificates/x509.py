"""X.509 certificates and PKCS#10 requests with SM2 keys, signed with SM2 and SM3 (RFC 5280, RFC 2986, GM/T 0015).

The library parses them; it can neither sign with SM2 nor show an SM2 key, so both are done here.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import NameOID

from emulator.crypto import CryptoError
from emulator.crypto.sm2 import verify
from emulator.iso7816 import Tlv, TlvError, tlv

INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, UTF8_STRING, PRINTABLE_STRING = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x13
UTC_TIME, GENERALIZED_TIME, BOOLEAN, SEQUENCE, SET = 0x17, 0x18, 0x01, 0x30, 0x31
VERSION, EXTENSIONS, KEY_IDENTIFIER, ATTRIBUTES = 0xA0, 0xA3, 0x80, 0xA0
SM2_WITH_SM3 = "1.2.156.10197.1.501"
EC_PUBLIC_KEY, SM2_CURVE = "1.2.840.10045.2.1", "1.2.156.10197.1.301"
SUBJECT_KEY_IDENTIFIER, KEY_USAGE, BASIC_CONSTRAINTS, AUTHORITY_KEY_IDENTIFIER = (
    "2.5.29.14",
    "2.5.29.15",
    "2.5.29.19",
    "2.5.29.35",
)
SIGNING, ENCIPHERING, CERTIFYING = bytes.fromhex("030206C0"), bytes.fromhex("03020430"), bytes.fromhex("03020106")
"""Key usages as BIT STRING: digitalSignature and nonRepudiation, keyEncipherment and dataEncipherment, keyCertSign and cRLSign."""
POINT_FORM, COORDINATE, KEY_LENGTH = b"\x04", 32, 64
FIRST_GENERALIZED_YEAR = 2050

UNREADABLE = ValueError, TypeError, x509.InvalidVersion
"""What the library raises on bytes that are no certificate or request."""

Sign = Callable[[bytes], bytes]
"""From a message to its SM2 signature r‖s, 64 bytes."""


class CertificateError(ValueError):
    """Bytes that are no certificate or request with an SM2 key."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names."""

    common_name: str
    """CN, the holder's name."""
    province: str = ""
    locality: str = ""
    organisation: str = ""
    country: str = "CN"

    def to_der(self) -> bytes:
        """The distinguished name; empty parts are left out."""
        parts = (
            (NameOID.COUNTRY_NAME, PRINTABLE_STRING, self.country),
            (NameOID.STATE_OR_PROVINCE_NAME, UTF8_STRING, self.province),
            (NameOID.LOCALITY_NAME, UTF8_STRING, self.locality),
            (NameOID.ORGANIZATION_NAME, UTF8_STRING, self.organisation),
            (NameOID.COMMON_NAME, UTF8_STRING, self.common_name),
        )
        return tlv.build(
            SEQUENCE,
            *(
                tlv.build(SET, tlv.build(SEQUENCE, _identifier(kind.dotted_string), tlv.build(form, text.encode())))
                for kind, form, text in parts
                if text
            ),
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with an SM2 key."""

    der: bytes
    subject: str
    """Common name of the subject, empty where there is none."""
    issuer: bytes
    """Distinguished name of the issuer in DER."""
    subject_der: bytes
    not_before: datetime
    not_after: datetime
    public_key: bytes
    """x‖y, 64 bytes."""
    signed: bytes
    signature: bytes
    """r‖s, 64 bytes."""

    @classmethod
    def parse(cls, data: bytes) -> Certificate:
        """Read a certificate; what follows it, as in a file of fixed size, is left.

        Raises:
            CertificateError: The bytes begin with no certificate, or it has no SM2 key or signature.
        """
        der = without_padding(data)
        try:
            with _quietly():
                return cls._read(der)
        except UNREADABLE as problem:
            raise CertificateError(f"no certificate with an SM2 key: {problem}") from problem

    @classmethod
    def _read(cls, der: bytes) -> Certificate:
        read = x509.load_der_x509_certificate(der)
        algorithm, names = read.signature_algorithm_oid.dotted_string, read.subject
        common = names.get_attributes_for_oid(NameOID.COMMON_NAME)
        return cls(
            der=der,
            subject=str(common[0].value) if common else "",
            issuer=read.issuer.public_bytes(),
            subject_der=names.public_bytes(),
            not_before=read.not_valid_before_utc,
            not_after=read.not_valid_after_utc,
            public_key=_public_key(read.tbs_certificate_bytes, 6),
            signed=read.tbs_certificate_bytes,
            signature=_raw_signature(algorithm, read.signature),
        )

    def issued(self, other: Certificate) -> bool:
        """Whether ``other`` names the subject of this one as its issuer, and is signed with its key."""
        return other.issuer == self.subject_der and other.is_signed_by(self.public_key)

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether an authority's key made the signature."""
        return _verifies(public_key, self.signed, self.signature)


@dataclass(frozen=True, slots=True)
class Request:
    """A PKCS#10 request: a name and a public key, signed with the private key."""

    subject_der: bytes
    public_key: bytes
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, der: bytes) -> Request:
        """Read a request.

        Raises:
            CertificateError: The bytes are none, or it has no SM2 key or signature.
        """
        try:
            with _quietly():
                read = x509.load_der_x509_csr(der)
                return cls(
                    subject_der=read.subject.public_bytes(),
                    public_key=_public_key(read.tbs_certrequest_bytes, 2),
                    signed=read.tbs_certrequest_bytes,
                    signature=_raw_signature(read.signature_algorithm_oid.dotted_string, read.signature),
                )
        except UNREADABLE as problem:
            raise CertificateError(f"no request with an SM2 key: {problem}") from problem

    def is_genuine(self) -> bool:
        """Whether the one who asks has the private key."""
        return _verifies(self.public_key, self.signed, self.signature)


def without_padding(data: bytes) -> bytes:
    """The certificate at the beginning of a file, as its length field says; all bytes where there is none."""
    length = int.from_bytes(data[2:4]) + 4 if data[:2] == b"\x30\x82" else len(data)
    return data[:length]


def build_request(subject: Subject, public_key: bytes, sign: Sign) -> bytes:
    """A PKCS#10 request in DER, signed by ``sign``."""
    content = tlv.build(
        SEQUENCE, tlv.build(INTEGER, b"\0"), subject.to_der(), _key_info(public_key), tlv.build(ATTRIBUTES)
    )
    return _signed(content, sign)


def build_certificate(
    *,
    serial: int,
    issuer_der: bytes,
    issuer_key: bytes,
    subject_der: bytes,
    public_key: bytes,
    usage: bytes,
    not_before: datetime,
    not_after: datetime,
    sign: Sign,
) -> bytes:
    """A certificate of version 3 in DER, signed by ``sign``; ``usage`` is one of the constants of this module."""
    extensions = [
        _extension(
            AUTHORITY_KEY_IDENTIFIER, tlv.build(SEQUENCE, tlv.build(KEY_IDENTIFIER, key_identifier(issuer_key)))
        ),
        _extension(SUBJECT_KEY_IDENTIFIER, tlv.build(OCTET_STRING, key_identifier(public_key))),
        _extension(KEY_USAGE, usage, critical=usage == CERTIFYING),
    ]
    if usage == CERTIFYING:
        extensions.append(
            _extension(BASIC_CONSTRAINTS, tlv.build(SEQUENCE, tlv.build(BOOLEAN, b"\xff")), critical=True)
        )
    content = tlv.build(
        SEQUENCE,
        tlv.build(VERSION, tlv.build(INTEGER, b"\2")),
        _integer(serial),
        _algorithm(),
        issuer_der,
        tlv.build(SEQUENCE, _time(not_before), _time(not_after)),
        subject_der,
        _key_info(public_key),
        tlv.build(EXTENSIONS, tlv.build(SEQUENCE, *extensions)),
    )
    return _signed(content, sign)


def key_identifier(public_key: bytes) -> bytes:
    """SHA-1 of the point (RFC 5280 §4.2.1.2, method 1), which identifies a key and protects nothing."""
    return hashlib.sha1(POINT_FORM + public_key, usedforsecurity=False).digest()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the library's warnings about values that a standard forbids: a card's bytes are judged, not mended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _signed(content: bytes, sign: Sign) -> bytes:
    signature = sign(content)
    der = encode_dss_signature(int.from_bytes(signature[:COORDINATE]), int.from_bytes(signature[COORDINATE:]))
    return tlv.build(SEQUENCE, content, _algorithm(), tlv.build(BIT_STRING, b"\0", der))


def _verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        return verify(public_key, message, signature)
    except CryptoError:
        return False


def _raw_signature(algorithm: str, der: bytes) -> bytes:
    if algorithm != SM2_WITH_SM3:
        raise CertificateError(f"signed with {algorithm}, not with SM2 and SM3")
    r, s = decode_dss_signature(der)
    if not (0 <= r < 1 << 256 and 0 <= s < 1 << 256):
        raise CertificateError("the signature is out of range")
    return r.to_bytes(COORDINATE) + s.to_bytes(COORDINATE)


def _public_key(content: bytes, position: int) -> bytes:
    """The SM2 key in the n-th part of a certificate's or request's content; in both, name and key follow each other."""
    try:
        parts = Tlv.parse(content)[0].children
        info = parts[position].children
        algorithm = b"".join(part.to_bytes() for part in info[0].children)
        value = info[1].value
    except (TlvError, IndexError) as problem:
        raise CertificateError(f"its public key cannot be read: {problem}") from None
    if algorithm != _identifier(EC_PUBLIC_KEY) + _identifier(SM2_CURVE):
        raise CertificateError("its public key is not on the curve of SM2")
    if value[:2] != b"\0" + POINT_FORM or len(value) != 2 + KEY_LENGTH:
        raise CertificateError("its public key is no uncompressed point")
    return value[2:]


def _key_info(public_key: bytes) -> bytes:
    algorithm = tlv.build(SEQUENCE, _identifier(EC_PUBLIC_KEY), _identifier(SM2_CURVE))
    return tlv.build(SEQUENCE, algorithm, tlv.build(BIT_STRING, b"\0", POINT_FORM, public_key))


def _algorithm() -> bytes:
    return tlv.build(SEQUENCE, _identifier(SM2_WITH_SM3))


def _extension(identifier: str, value: bytes, *, critical: bool = False) -> bytes:
    marked = tlv.build(BOOLEAN, b"\xff") if critical else b""
    return tlv.build(SEQUENCE, _identifier(identifier), marked, tlv.build(OCTET_STRING, value))


def _integer(number: int) -> bytes:
    return tlv.build(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _time(moment: datetime) -> bytes:
    moment = moment.astimezone(UTC)
    if moment.year < FIRST_GENERALIZED_YEAR:
        return tlv.build(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv.build(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _identifier(dotted: str) -> bytes:
    """An object identifier: the first two numbers share a byte, the others have seven bits a byte."""
    first, second, *others = (int(number) for number in dotted.split("."))
    value = bytes([40 * first + second])
    for number in others:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        value += bytes(reversed(groups))
    return tlv.build(OBJECT_IDENTIFIER, value)
