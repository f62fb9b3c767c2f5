"""The certificate functions of the official reader interface (LD/T 6001.5 §7; kiosks: iReadSignatureKey, iWriteCA).

Of PKI_SignData the parameters are known, of PKI_VerifySign the name alone: certificate, data and signature are assumed. pInData
is taken as text and signed as its GB 18030 bytes, iType as the kind of the card (both assumed).
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.actors.certificates.reader import FAILED, GOOD, CertificateReader, InitialSecrets, ReaderAnswer
from conformance.actors.medical.addresses import FIELD
from conformance.actors.medical.codes import MESSAGES, Code, Failed
from conformance.actors.medical.counter import Counter, sound_pin
from conformance.actors.medical.operations import KIND, Operation
from profiles.model import Certificates

TEXT = "gb18030"


class CertificateOperations:
    """Operations with the certificate application of the card in the reader."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.operations: Mapping[str, Operation] = {
            "iReadSignatureKey": Operation((KIND,), self._read_signature_key),
            "iWriteCA": Operation((KIND, "QMZS", "JMZS", "JMMY", "GLYPIN", "ZKMY"), self._write),
            "PKI_SignData": Operation(("pUserPin", "pInData", KIND), self._sign),
            "PKI_VerifySign": Operation(("pCert", "pInData", "pSignData"), self._verify),
        }

    def _read_signature_key(self, kind: int) -> str:
        """The public signature key x‖y, 128 hexadecimal digits."""
        return _told(self._certificates("").read_signature_key())

    def _write(self, kind: int, signature: str, encryption: str, key: str, administrator: str, master: str) -> str:
        """Signature and encryption certificate, enveloped key pair, new administrator PIN and master key; PIN from the pad."""
        sound_pin(administrator)
        certificates = self._certificates(self._counter.pin())
        return _told(certificates.write_certificates(signature, encryption, key, administrator, master))

    def _sign(self, pin: str, data: str, kind: int) -> str:
        """The signature r‖s of the data, base64."""
        return _told(self._certificates("").sign_data(sound_pin(pin), _octets(data)))

    def _verify(self, certificate: str, data: str, signature: str) -> str:
        """``pCert`` in base64 of DER; empty: the signature certificate of the card in the reader (assumed)."""
        certificates = self._certificates("")
        issued = certificate or _told(certificates.read_certificates()).partition(FIELD)[0]
        answer = certificates.verify_signature(issued, _octets(data), signature)
        if answer.code == FAILED:
            raise Failed(FAILED, "验签不通过")
        return _told(answer)

    def _certificates(self, user_pin: str) -> CertificateReader:
        """Raises :class:`Failed` where the product has no certificate application."""
        rules = self._rules()
        initial = InitialSecrets(user_pin, rules.initial_administrator_pin, rules.initial_master_key)
        return CertificateReader(self._counter.reader.link, initial)

    def _rules(self) -> Certificates:
        for directory in self._counter.reader.cards.directory.values():
            if directory.certificates is not None:
                return directory.certificates
        raise Failed(Code.UNKNOWN_OPERATION)


def _told(answer: ReaderAnswer) -> str:
    """What a function answered; raises :class:`Failed` with its code, and in Chinese what went wrong."""
    if answer.code != GOOD:
        raise Failed(answer.code, MESSAGES.get(answer.code) or _refusal(answer))
    return answer.info


def _refusal(answer: ReaderAnswer) -> str:
    if answer.code == FAILED:
        return f"证书操作失败（{answer.info}）"
    return f"证书应用拒绝，状态字 {-answer.code:04X}（{answer.info}）"


def _octets(text: str) -> bytes:
    try:
        return text.encode(TEXT)
    except UnicodeEncodeError:
        raise Failed(Code.WRONG_INPUT) from None
