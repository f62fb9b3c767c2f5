"""The certificates and signatures of one card under an issuer and a certification authority, by tag (JR/T 0025.7 §5, JR/T 0025.17 §5)."""

from typing import NamedTuple

from emulator.crypto import payment_signatures as signatures
from emulator.crypto.payment_signatures import Certificate
from emulator.crypto.rsa import RsaCrtKey, RsaPublicKey
from emulator.crypto.sm2 import public_key_of

ISSUER_SERIAL, CARD_SERIAL = bytes.fromhex("000001"), bytes.fromhex("000002")


class Subject(NamedTuple):
    """What is certified.

    Attributes:
        account: Account number, digits.
        expiry: MMYY of both certificates, two bytes.
        code: Data authentication code 数据认证码, two bytes.
        static_data: What the card's certificate and the signed static data cover.
    """

    account: str
    expiry: bytes
    code: bytes
    static_data: bytes

    @property
    def identifier(self) -> bytes:
        """The issuer identification number, six digits, F padded to four bytes."""
        return bytes.fromhex(self.account[:6] + "FF")

    @property
    def pan(self) -> bytes:
        """The account number, F padded to ten bytes."""
        return bytes.fromhex(self.account.ljust(20, "F"))


def rsa_objects(
    index: bytes, authority: RsaCrtKey, issuer: RsaCrtKey, card: RsaPublicKey, subject: Subject
) -> dict[str, bytes]:
    """8F, 90, 92, 9F32, 93, 9F46, 9F47 and 9F48; ``index`` is that of the authority's key. A remainder may be empty.

    Raises:
        CryptoError: A wrong length, or a key longer than the one that signs it.
    """
    own = RsaPublicKey(issuer.n, _exponent(issuer))
    of_issuer = signatures.rsa_issuer_certificate(authority, subject.identifier, subject.expiry, ISSUER_SERIAL, own)
    of_card = signatures.rsa_card_certificate(
        issuer, subject.pan, subject.expiry, CARD_SERIAL, card, subject.static_data
    )
    signed = signatures.rsa_signed_static_data(issuer, subject.code, subject.static_data)
    return _objects(index, of_issuer, of_card, signed)


def sm2_objects(index: bytes, authority: bytes, issuer: bytes, card: bytes, subject: Subject) -> dict[str, bytes]:
    """The same with SM2, whose remainders and exponents are empty; ``card`` is the card's public key, the others are private.

    Raises:
        CryptoError: A wrong length, or a private key that is none.
    """
    own = public_key_of(issuer)
    of_issuer = signatures.sm2_issuer_certificate(authority, subject.identifier, subject.expiry, ISSUER_SERIAL, own)
    of_card = signatures.sm2_card_certificate(
        issuer, subject.pan, subject.expiry, CARD_SERIAL, card, subject.static_data
    )
    signed = signatures.sm2_signed_static_data(issuer, subject.code, subject.static_data)
    return _objects(index, of_issuer, of_card, signed)


def _exponent(key: RsaCrtKey) -> int:
    """The public exponent of a private key."""
    return pow(key.dp, -1, key.p - 1)


def _objects(index: bytes, issuer: Certificate, card: Certificate, signed_static_data: bytes) -> dict[str, bytes]:
    return {
        "8F": index,
        "90": issuer.value,
        "92": issuer.remainder,
        "9F32": issuer.exponent,
        "93": signed_static_data,
        "9F46": card.value,
        "9F47": card.exponent,
        "9F48": card.remainder,
    }
