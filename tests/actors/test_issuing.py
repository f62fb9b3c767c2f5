"""The issuing station and the reader's functions on a card that was never issued, over any link."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from conformance.actors.certificates.reader import CertificateReader, InitialSecrets
from conformance.actors.certificates.station import CertificateIssue, IssueError, IssueStep
from conformance.actors.certificates.x509 import Certificate
from conformance.failures import BenchError
from conformance.suites import certificate_keys, certificate_pins, certificates
from conformance.targets.in_process import InProcessTarget
from conformance.targets.virtual_reader import VirtualReaderTarget
from emulator import load_card
from profiles.certificate_settings import CertificateSettings
from tests.actors.issuing import (
    FROM,
    HOLDER,
    NEW_ADMINISTRATOR_PIN,
    PROFILE,
    UNTIL,
    USER_PIN,
    authority,
    order,
    rules,
    unissued,
)
from tests.crypto.oracle import sm2_encrypt, sm2_verify
from tests.suites.broken import assert_good, run


class Link:
    """A card in process whose answers may be altered, and which may go away."""

    def __init__(self, alter: Callable[[bytes, bytes], bytes] = lambda command, answer: answer) -> None:
        self.card = load_card(unissued())
        self.card.reset()
        self.alter = alter
        self.sent: list[bytes] = []

    def transmit(self, command: bytes, /) -> bytes:
        self.sent.append(command)
        return self.alter(command, self.card.transmit(command))


def issue(link: object, **changes: object) -> tuple[list[IssueStep], Certificate, Certificate]:
    steps: list[IssueStep] = []
    issued = CertificateIssue(link, authority(), order(**changes), steps.append).run()  # type: ignore[arg-type]
    return steps, issued.signature, issued.encryption


def test_a_card_is_issued_step_by_step() -> None:
    link = Link()
    steps, signature, encryption = issue(link)
    assert steps == list(IssueStep)
    for certificate in (signature, encryption):
        assert certificate.subject == "渝小样"
        assert authority().trusts(certificate)
    assert signature.public_key != encryption.public_key


def test_an_issued_card_passes_the_suites() -> None:
    link = Link()
    issue(link)
    link.card.power_off()
    target = InProcessTarget(link.card)
    for suite in (certificates.SUITE, certificate_pins.SUITE, certificate_keys.SUITE):
        assert_good(run(suite, "ssc3-sm4", card=target))


def test_an_unissued_card_fails_the_suite_of_issued_ones() -> None:
    result = run(certificates.SUITE, "ssc3-sm4", card=InProcessTarget(load_card(unissued())))
    assert {"SSC-CERT-004", "SSC-CERT-006", "SSC-CERT-010", "SSC-CERT-011"} <= result.failed


def test_a_second_issue_gives_other_keys() -> None:
    link = Link()
    _, first, _ = issue(link, new_administrator_pin=None, master_keys=None)
    _, second, _ = issue(link)
    assert first.public_key != second.public_key


def test_a_card_without_signature_command_is_issued_on_its_word() -> None:
    link = Link(lambda command, answer: b"\x6d\x00" if command[1] == 0x2A else answer)
    with pytest.raises(IssueError, match=r"request certificates: COMPUTE DIGITAL SIGNATURE: 6D00"):
        issue(link)
    again = Link(link.alter)
    steps, _, _ = issue(again, settings=CertificateSettings(signature_command="none"))
    assert steps == list(IssueStep)


FAILURES: dict[str, tuple[Callable[[bytes, bytes], bytes], IssueStep, str]] = {
    "PIN": (lambda c, a: b"\x63\xc2" if c[1] == 0x20 else a, IssueStep.PINS, "VERIFY the user PIN: 63C2"),
    "challenge": (lambda c, a: a[8:] if c[1] == 0x84 else a, IssueStep.PINS, "GET CHALLENGE: 8 bytes, 16 were expected"),
    "no status word": (lambda c, a: b"\x90" if c[1] == 0x40 else a, IssueStep.KEY_PAIR, "an answer of 1 bytes"),
    "no public key": (lambda c, a: b"\0" + a[1:] if len(a) == 68 else a, IssueStep.KEY_PAIR, "READ 0012: no public key"),
    "false signature": (
        lambda c, a: a[32:64] + a[:32] + a[64:] if c[1] == 0x2A else a, IssueStep.REQUEST, "not signed with the key"
    ),
    "no import": (lambda c, a: b"\x6a\x80" if c[:2] == b"\x80\xc2" else a, IssueStep.IMPORT, "IMPORT PUBLIC KEY: 6A80"),
    "no space": (lambda c, a: b"\x6a\x84" if c[1] == 0xD6 and c[2] == 3 else a, IssueStep.CERTIFICATES, "UPDATE 0018 at 784"),
    "garbage in the file": (
        lambda c, a: bytes(len(a) - 2) + a[-2:] if c[1] == 0xB0 and len(a) > 100 else a, IssueStep.READ_BACK, "READ 0018: no cert"
    ),
    "another administrator": (lambda c, a: b"\x63\xc1" if c[1] == 0x5E else a, IssueStep.ADMINISTRATOR_PIN, "63C1"),
    "another master key": (lambda c, a: b"\x63\xce" if c[1] == 0x82 else a, IssueStep.MASTER_KEYS, "AUTHENTICATE with the master"),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_a_refusal_is_told_with_its_step(failure: str) -> None:
    alter, step, said = FAILURES[failure]
    with pytest.raises(IssueError, match=said) as caught:
        issue(Link(alter))
    assert caught.value.step is step


class Leaving(Link):
    """A card that is taken away after some commands."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def transmit(self, command: bytes, /) -> bytes:
        if len(self.sent) == self.after:
            raise BenchError("the card was removed")
        return super().transmit(command)


@pytest.mark.parametrize("after", [0, 4, 20, 60])
def test_a_card_that_goes_away_is_told(after: int) -> None:
    with pytest.raises(IssueError, match="the card was removed"):
        issue(Leaving(after))


# The reader's interface


def reader(link: object, user_pin: str = USER_PIN) -> CertificateReader:
    initial = InitialSecrets(user_pin, rules().initial_administrator_pin, rules().initial_master_key)
    return CertificateReader(link, initial)  # type: ignore[arg-type]


def test_a_kiosk_issues_by_the_functions_of_the_interface() -> None:
    link = Link()
    assert reader(link).read_signature_key() == (1, "READ 0012: no public key CA 40 …")
    code, key = reader(link).generate_signature_key()
    assert (code, len(key)) == (0, 128)
    assert reader(link).read_signature_key() == (0, key)
    issued = authority().answer_key(HOLDER, bytes.fromhex(key), FROM, UNTIL)
    texts = [
        base64.b64encode(part).decode()
        for part in (issued.signature, issued.encryption, issued.enveloped_key.to_bytes())
    ]
    assert reader(link).write_certificates(*texts, NEW_ADMINISTRATOR_PIN, "30343335303437393337303135333731") == (0, "")
    assert reader(link).read_certificates() == (0, f"{texts[0]}|{texts[1]}|")
    code, signature = reader(link).sign_data(USER_PIN, b"data")
    assert code == 0
    assert sm2_verify(bytes.fromhex(key), b"data", base64.b64decode(signature))
    assert reader(link).verify_signature(texts[0], b"data", signature).code == 0
    assert reader(link).verify_signature(texts[0], b"date", signature).code == 1
    sealed = base64.b64encode(sm2_encrypt(issued.enveloped_key.public_key, b"secret")).decode()
    assert reader(link).open_envelope(USER_PIN, sealed) == (0, base64.b64encode(b"secret").decode())
    assert reader(link).write_certificates(*texts, NEW_ADMINISTRATOR_PIN, "00" * 16).code == -0x63C5


def test_codes_of_the_interface() -> None:
    link = Link()
    _, key = reader(link).generate_signature_key()
    issued = authority().answer_key(HOLDER, bytes.fromhex(key), FROM, UNTIL)
    texts = [
        base64.b64encode(part).decode()
        for part in (issued.signature, issued.encryption, issued.enveloped_key.to_bytes())
    ]
    written = len(link.sent)
    for wrong in (
        (texts[1], texts[1], texts[2], "1234", "00" * 16),
        (texts[0], texts[0], texts[2], "1234", "00" * 16),
        ("no base64!", texts[1], texts[2], "1234", "00" * 16),
        (texts[0], texts[1], texts[0], "1234", "00" * 16),
        (texts[0], texts[1], texts[2], "12", "00" * 16),
        (texts[0], texts[1], texts[2], "1234", "00" * 15),
        (texts[0], texts[1], texts[2], "1234", "key"),
    ):
        answer = reader(link).write_certificates(*wrong)
        assert answer.code == -22
        assert answer.info
    assert not [command for command in link.sent[written:] if command[1] in (0xD6, 0xC2, 0x5E, 0xD4)]
    assert reader(link).sign_data("999999", b"data").code == -0x63C5
    assert reader(link).open_envelope(USER_PIN, "!").code == -22
    assert reader(Link(lambda c, a: b"")).read_signature_key().code == 1
    assert reader(Leaving(1)).read_signature_key() == (-4, "SELECT SS.CERT.ADF1: the card was removed")
    assert reader(Link(lambda c, a: b"\x6a\x82")).read_certificates().code == -0x6A82


@pytest.mark.pcsc
def test_a_card_in_a_reader_is_issued() -> None:
    target = VirtualReaderTarget(load_card(unissued()))
    try:
        target.connect()
        steps, signature, _ = issue(target)
    finally:
        target.close()
    assert steps == list(IssueStep)
    assert authority().trusts(signature)
    assert PROFILE.directory["CERT"].certificates is not None
