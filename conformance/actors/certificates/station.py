"""The certificate part of an issuing station 发卡: key pair, request, both certificates, verification, new secrets.

The order is that of the personalisation programs in use (reconstructed specification §3.3, §7.3, §7.4): the initial
administrator PIN and master keys are replaced last, so that an issue that broke off is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from conformance.actors.certificates.authority import IssuedCertificates
from conformance.actors.certificates.card import CertificateCard, CertificateCardError
from conformance.actors.certificates.commands import (
    ENCRYPTION_CERTIFICATE,
    ENCRYPTION_KEY,
    SIGNATURE_CERTIFICATE,
    SIGNATURE_KEY,
)
from conformance.actors.certificates.x509 import Certificate, Subject, build_request
from conformance.actors.named import Named
from conformance.actors.terminal.channel import Link
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import ENGINE, verify
from profiles.certificate_settings import CertificateSettings

PROOF = b"sscard issue check"
"""What the card signs and deciphers to show that its keys work."""


class IssueStep(Named):
    """What the station does; :attr:`CertificateIssue.tell` hears of each step when it begins."""

    PINS = "验证PIN", "verify the PINs"
    KEY_PAIR = "产生签名密钥对", "generate the signature key pair"
    REQUEST = "证书申请", "request certificates"
    IMPORT = "导入加密密钥对", "import the encryption key pair"
    CERTIFICATES = "写入证书", "write both certificates"
    READ_BACK = "读回验证", "read back and verify"
    ADMINISTRATOR_PIN = "修改管理PIN", "change the administrator PIN"
    MASTER_KEYS = "替换主控密钥", "replace the master keys"


class Authority(Protocol):
    """Whoever answers requests for certificates."""

    def answer(self, request: bytes, not_before: datetime, not_after: datetime) -> IssuedCertificates:
        """Certificates for a PKCS#10 request in DER; raises :class:`ValueError` when it refuses."""

    def answer_key(
        self, subject: Subject, public_key: bytes, not_before: datetime, not_after: datetime
    ) -> IssuedCertificates:
        """Certificates for a name and a public key, without proof that anyone has the private one."""

    def trusts(self, certificate: Certificate) -> bool:
        """Whether the authority signed a certificate."""


class IssueError(Exception):
    """Certificates were not issued to the card; the message says at which step and why. Nothing of it needs undoing."""

    def __init__(self, step: IssueStep, detail: str) -> None:
        super().__init__(f"{step.en}: {detail}")
        self.step = step
        self.detail = detail


@dataclass(frozen=True, slots=True)
class MasterKeyChange:
    """Master keys of the environment and of the application before and after, 16 bytes each."""

    old_environment: bytes = field(repr=False)
    old_application: bytes = field(repr=False)
    new_environment: bytes = field(repr=False)
    new_application: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """What is to be issued to whom, and the secrets that open the card."""

    holder: Subject
    not_before: datetime
    not_after: datetime
    user_pin: str = field(default="123456", repr=False)
    administrator_pin: str | None = field(default=None, repr=False)
    """The PIN that the card has now; None to leave it alone."""
    new_administrator_pin: str | None = field(default=None, repr=False)
    master_keys: MasterKeyChange | None = None
    settings: CertificateSettings = field(default_factory=CertificateSettings)
    """What the card can do: sign its request, decipher with either key."""

    @property
    def signs(self) -> bool:
        """Whether the card has a known signature command."""
        return self.settings.signature_command != "none"


@dataclass(frozen=True, slots=True)
class IssuedCard:
    """What a card has after a successful issue, as it was read back."""

    signature: Certificate
    encryption: Certificate


class CertificateIssue:
    """One issue over any link; :meth:`run` does it."""

    def __init__(
        self,
        link: Link,
        authority: Authority,
        order: CertificateOrder,
        tell: Callable[[IssueStep], None] = lambda step: None,
    ) -> None:
        self._card = CertificateCard(link)
        self._authority = authority
        self._order = order
        self._tell = tell
        self._step = IssueStep.PINS

    def run(self) -> IssuedCard:
        """Issue certificates to the card.

        Raises:
            IssueError: The card or the authority refused, or what was read back is not what was issued.
            conformance.actors.bank.messages.HostUnreachable: The authority did not answer; the same card may be issued again.
        """
        try:
            return self._run()
        except CertificateCardError as refusal:
            raise IssueError(self._step, str(refusal)) from refusal

    def _run(self) -> IssuedCard:
        card, order = self._card, self._order
        self._begin(IssueStep.PINS)
        card.select()
        card.verify_user_pin(order.user_pin)
        if order.administrator_pin is not None:
            card.verify_administrator_pin(order.administrator_pin)
        self._begin(IssueStep.KEY_PAIR)
        card.generate_key_pair()
        public_key = card.public_key()
        issued = self._request(public_key)
        self._begin(IssueStep.IMPORT)
        card.import_key_pair(issued.enveloped_key)
        self._begin(IssueStep.CERTIFICATES)
        card.write_certificate(SIGNATURE_CERTIFICATE, issued.signature)
        card.write_certificate(ENCRYPTION_CERTIFICATE, issued.encryption)
        result = self._read_back(issued)
        if order.administrator_pin is not None and order.new_administrator_pin is not None:
            self._begin(IssueStep.ADMINISTRATOR_PIN)
            card.change_administrator_pin(order.administrator_pin, order.new_administrator_pin)
        if order.master_keys is not None:
            self._begin(IssueStep.MASTER_KEYS)
            card.select()
            card.replace_master_key(order.master_keys.old_application, order.master_keys.new_application)
            card.select_environment()
            card.replace_master_key(order.master_keys.old_environment, order.master_keys.new_environment)
        return result

    def _begin(self, step: IssueStep) -> None:
        self._step = step
        self._tell(step)

    def _request(self, public_key: bytes) -> IssuedCertificates:
        self._begin(IssueStep.REQUEST)
        order = self._order
        try:
            if not order.signs:
                return self._authority.answer_key(order.holder, public_key, order.not_before, order.not_after)
            request = build_request(order.holder, public_key, self._card.sign)
            return self._authority.answer(request, order.not_before, order.not_after)
        except ValueError as refusal:
            raise IssueError(self._step, f"the authority refuses: {refusal}") from refusal

    def _read_back(self, issued: IssuedCertificates) -> IssuedCard:
        """Judge the card by what it answers: certificates, public keys, and that the private keys belong to them."""
        self._begin(IssueStep.READ_BACK)
        found = []
        for identifier, pair, sent in (
            (SIGNATURE_CERTIFICATE, SIGNATURE_KEY, issued.signature),
            (ENCRYPTION_CERTIFICATE, ENCRYPTION_KEY, issued.encryption),
        ):
            certificate, name = self._card.read_certificate(identifier), identifier.hex().upper()
            self._require(certificate.der == sent, f"{name} holds another certificate than was written")
            self._require(self._authority.trusts(certificate), f"the authority did not sign {name}")
            fits = self._card.public_key(pair) == certificate.public_key
            self._require(fits, f"the key in {name} is not that of {pair[0].hex().upper()}")
            if pair is SIGNATURE_KEY or self._order.settings.deciphering_keys == "both":
                plaintext = self._card.decipher(self._encipher(certificate.public_key), pair)
                self._require(plaintext == PROOF, f"the private key of {name} does not decipher")
            found.append(certificate)
        if self._order.signs:
            signed = verify(found[0].public_key, PROOF, self._card.sign(PROOF))
            self._require(signed, "a signature of the card does not verify with its certificate")
        return IssuedCard(*found)

    def _encipher(self, public_key: bytes) -> bytes:
        try:
            return ENGINE.encrypt(public_key, PROOF)
        except CryptoError as problem:
            raise IssueError(self._step, str(problem)) from problem

    def _require(self, good: bool, otherwise: str) -> None:
        if not good:
            raise IssueError(self._step, otherwise)
