"""A certification authority with its key centre, for tests: signs requests, makes encryption key pairs.

As in the certificate systems of the field, a holder has two certificates. The card generates the signature key pair; the
key centre generates the encryption key pair and sends it enveloped (GM/T 0014, GM/T 0034).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from conformance.actors.certificates.envelope import SESSION_KEY, EnvelopedKey
from conformance.actors.certificates.x509 import (
    CERTIFYING,
    ENCIPHERING,
    SIGNING,
    Certificate,
    CertificateError,
    Request,
    Subject,
    build_certificate,
)
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import public_key_of, sign
from emulator.crypto.sm2_curve import N
from profiles.certificate_keys import published_authority

SERIAL_BYTES = 16
PRIVATE_KEY_BYTES = 32

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class IssuedCertificates:
    """What an authority answers to a request 签名证书、加密证书、加密密钥."""

    signature: bytes
    """Signature certificate, DER."""
    encryption: bytes
    """Encryption certificate, DER."""
    enveloped_key: EnvelopedKey


class RequestRefused(ValueError):
    """The authority does not answer a request, with the reason."""


class CertificationAuthority:
    """An authority over one SM2 key. ``randomness`` makes serial numbers and keys; tests may give a repeatable one."""

    def __init__(self, private_key: bytes, certificate: bytes, randomness: Randomness = secrets.token_bytes) -> None:
        self._private_key = private_key
        self.certificate = Certificate.parse(certificate)
        self._randomness = randomness
        if self.certificate.public_key != public_key_of(private_key):
            raise CertificateError("the authority's certificate is not for its private key")

    @classmethod
    def published(cls, randomness: Randomness = secrets.token_bytes) -> CertificationAuthority:
        """The authority whose key and certificate are published with the products."""
        key = published_authority()
        return cls(key.private_key, key.certificate, randomness)

    @staticmethod
    def self_signed(private_key: bytes, subject: Subject, not_before: datetime, not_after: datetime) -> bytes:
        """The certificate of an authority, DER."""
        name, public_key = subject.to_der(), public_key_of(private_key)
        return build_certificate(
            serial=1,
            issuer_der=name,
            issuer_key=public_key,
            subject_der=name,
            public_key=public_key,
            usage=CERTIFYING,
            not_before=not_before,
            not_after=not_after,
            sign=partial(sign, private_key),
        )

    def answer(self, request: bytes, not_before: datetime, not_after: datetime) -> IssuedCertificates:
        """Both certificates and the enveloped encryption key pair for a PKCS#10 request.

        Raises:
            RequestRefused: It is none, or was not signed with the private key that it asks for.
        """
        try:
            asked = Request.parse(request)
        except CertificateError as problem:
            raise RequestRefused(str(problem)) from problem
        if not asked.is_genuine():
            raise RequestRefused("the request is not signed with the key that it names")
        return self._answer(asked.subject_der, asked.public_key, not_before, not_after)

    def answer_key(
        self, subject: Subject, public_key: bytes, not_before: datetime, not_after: datetime
    ) -> IssuedCertificates:
        """The same for a name and a public key alone, as kiosks send them (iReadSignatureKey, GetCA).

        Raises:
            RequestRefused: The key is no point of the curve.
        """
        return self._answer(subject.to_der(), public_key, not_before, not_after)

    def _answer(
        self, subject_der: bytes, public_key: bytes, not_before: datetime, not_after: datetime
    ) -> IssuedCertificates:
        private_key = self._new_private_key()
        try:
            enveloped = EnvelopedKey.seal(private_key, public_key, self._randomness(SESSION_KEY))
        except CryptoError as problem:
            raise RequestRefused(str(problem)) from problem
        issue = partial(self.issue, subject_der, not_before=not_before, not_after=not_after)
        return IssuedCertificates(issue(public_key, SIGNING), issue(enveloped.public_key, ENCIPHERING), enveloped)

    def issue(
        self, subject_der: bytes, public_key: bytes, usage: bytes, *, not_before: datetime, not_after: datetime
    ) -> bytes:
        """A certificate for a public key, DER; ``usage`` is one of the constants of `x509`."""
        return build_certificate(
            serial=int.from_bytes(self._randomness(SERIAL_BYTES)) >> 1 | 1,
            issuer_der=self.certificate.subject_der,
            issuer_key=self.certificate.public_key,
            subject_der=subject_der,
            public_key=public_key,
            usage=usage,
            not_before=not_before,
            not_after=not_after,
            sign=partial(sign, self._private_key),
        )

    def trusts(self, certificate: Certificate) -> bool:
        """Whether this authority signed a certificate."""
        return self.certificate.issued(certificate)

    def _new_private_key(self) -> bytes:
        """A number from 1 to n-2."""
        return (int.from_bytes(self._randomness(2 * PRIVATE_KEY_BYTES)) % (N - 2) + 1).to_bytes(PRIVATE_KEY_BYTES)
