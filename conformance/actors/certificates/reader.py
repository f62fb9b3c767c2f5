"""The certificate functions of a reader's interface 读写终端接口 (LD/T 6001.5; kiosks: iReadSignatureKey, iWriteCA).

Names and parameters are those of the interface; what no public text tells is marked *assumed*. Each function answers a code
and a text: 0 for success, otherwise minus the status word of the card in decimal, or one of the interface's own codes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple

from conformance.actors.certificates.card import CertificateCard, CertificateCardError, CertificateCardLost
from conformance.actors.certificates.commands import ENCRYPTION_CERTIFICATE, SIGNATURE_CERTIFICATE
from conformance.actors.certificates.envelope import EnvelopedKey, EnvelopeError
from conformance.actors.certificates.x509 import Certificate, CertificateError
from conformance.actors.terminal.channel import Link
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import verify

GOOD, FAILED, NO_ANSWER, INPUT_DOES_NOT_MATCH = 0, 1, -4, -22
"""Codes of the interface."""
MASTER_KEY_LENGTH = 16


class ReaderAnswer(NamedTuple):
    """What a function of the interface gives back."""

    code: int
    info: str = ""
    """pOutInfo: the result, or the reason of a failure."""


class InitialSecrets(NamedTuple):
    """What opens a card before its certificates are issued."""

    user_pin: str
    administrator_pin: str
    master_key: bytes
    """Of environment and application alike, 16 bytes."""


class CertificateReader:
    """A reader with a card in it, over any link."""

    def __init__(self, link: Link, initial: InitialSecrets) -> None:
        self._card = CertificateCard(link)
        self._initial = initial

    def read_signature_key(self) -> ReaderAnswer:
        """``iReadSignatureKey``: the public signature key x‖y, 128 hexadecimal digits."""
        return self._attempt(self._signature_key)

    def generate_signature_key(self) -> ReaderAnswer:
        """Make a new signature key pair with the user PIN, and answer its public key as :meth:`read_signature_key` does."""
        return self._attempt(self._new_signature_key)

    def write_certificates(
        self, signature: str, encryption: str, enveloped_key: str, administrator_pin: str, master_key: str
    ) -> ReaderAnswer:
        """``iWriteCA`` (QMZS, JMZS, JMMY, GLYPIN, ZKMY): what an authority answered, and the card's new secrets.

        Certificates in base64 of DER, the encryption key pair in base64 of GM/T 0016, the new administrator PIN in digits,
        the new master key of environment and application in hexadecimal digits. Nothing is written unless the signature
        certificate is for the card's key, and the encryption certificate for the key in the envelope.
        """
        try:
            certificates = Certificate.parse(_octets(signature)), Certificate.parse(_octets(encryption))
            envelope = EnvelopedKey.parse(_octets(enveloped_key))
            key = bytes.fromhex(master_key)
        except (CertificateError, EnvelopeError, ValueError) as problem:
            return ReaderAnswer(INPUT_DOES_NOT_MATCH, str(problem))
        if len(key) != MASTER_KEY_LENGTH or not administrator_pin.isdecimal() or not 4 <= len(administrator_pin) <= 16:
            return ReaderAnswer(INPUT_DOES_NOT_MATCH, "a PIN of 4 to 16 digits and a key of 16 bytes were expected")
        if certificates[1].public_key != envelope.public_key:
            return ReaderAnswer(INPUT_DOES_NOT_MATCH, "the encryption certificate is not for the key in the envelope")
        return self._attempt(lambda: self._write(*certificates, envelope, administrator_pin, key))

    def sign_data(self, user_pin: str, data: bytes) -> ReaderAnswer:
        """``PKI_SignData``: the signature r‖s of the data, base64 (form assumed)."""

        def signed() -> str:
            self._card.select()
            self._card.verify_user_pin(user_pin)
            return base64.b64encode(self._card.sign(data)).decode()

        return self._attempt(signed)

    def verify_signature(self, certificate: str, data: bytes, signature: str) -> ReaderAnswer:
        """``PKI_VerifySign``: whether a signature of :meth:`sign_data` belongs to data and certificate (base64 of DER)."""
        try:
            good = verify(Certificate.parse(_octets(certificate)).public_key, data, _octets(signature))
        except (CertificateError, CryptoError, ValueError) as problem:
            return ReaderAnswer(INPUT_DOES_NOT_MATCH, str(problem))
        return ReaderAnswer(GOOD) if good else ReaderAnswer(FAILED, "the signature is wrong")

    def read_certificates(self) -> ReaderAnswer:
        """Signature and encryption certificate in base64, each followed by ``|`` (assumed)."""

        def read() -> str:
            self._card.select()
            found = (self._card.read_certificate(name).der for name in (SIGNATURE_CERTIFICATE, ENCRYPTION_CERTIFICATE))
            return "".join(base64.b64encode(der).decode() + "|" for der in found)

        return self._attempt(read)

    def open_envelope(self, user_pin: str, ciphertext: str) -> ReaderAnswer:
        """The plaintext, base64, of SM2 ciphertext x‖y‖hash‖data (base64) for the encryption certificate (assumed)."""
        try:
            sealed = _octets(ciphertext)
        except ValueError as problem:
            return ReaderAnswer(INPUT_DOES_NOT_MATCH, str(problem))

        def opened() -> str:
            self._card.select()
            self._card.verify_user_pin(user_pin)
            return base64.b64encode(self._card.decipher(sealed)).decode()

        return self._attempt(opened)

    # Inside

    def _attempt(self, work: Callable[[], str]) -> ReaderAnswer:
        try:
            return ReaderAnswer(GOOD, work())
        except CertificateCardLost as lost:
            return ReaderAnswer(NO_ANSWER, str(lost))
        except CertificateCardError as refusal:
            return ReaderAnswer(-refusal.sw if refusal.sw else FAILED, str(refusal))
        except _Mismatch as mismatch:
            return ReaderAnswer(INPUT_DOES_NOT_MATCH, str(mismatch))

    def _signature_key(self) -> str:
        self._card.select()
        return self._card.public_key().hex().upper()

    def _new_signature_key(self) -> str:
        self._card.select()
        self._card.verify_user_pin(self._initial.user_pin)
        self._card.generate_key_pair()
        return self._card.public_key().hex().upper()

    def _write(
        self,
        signature: Certificate,
        encryption: Certificate,
        envelope: EnvelopedKey,
        administrator_pin: str,
        master_key: bytes,
    ) -> str:
        card, initial = self._card, self._initial
        card.select()
        if card.public_key() != signature.public_key:
            raise _Mismatch("the signature certificate is not for the key of this card")
        card.verify_user_pin(initial.user_pin)
        card.verify_administrator_pin(initial.administrator_pin)
        card.import_key_pair(envelope)
        card.write_certificate(SIGNATURE_CERTIFICATE, signature.der)
        card.write_certificate(ENCRYPTION_CERTIFICATE, encryption.der)
        card.change_administrator_pin(initial.administrator_pin, administrator_pin)
        card.select()
        card.replace_master_key(initial.master_key, master_key)
        card.select_environment()
        card.replace_master_key(initial.master_key, master_key)
        return ""


class _Mismatch(Exception):
    """What came in is meant for another card."""


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise ValueError(f"no base64: {problem}") from problem
