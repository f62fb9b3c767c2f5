"""The firewall between applications, on a virtual card behind an invented bank application.

That one stands in the test alone and does no more than the suite asks of it: a PIN with a counter, a challenge.
"""

from __future__ import annotations

import pytest

from conformance.suites import firewall_applications
from emulator.cos.session import Session
from emulator.cos.tree import Node
from profiles.model import Directory, Profile

from .broken import HOSTILE, OK, Alteration, Transmit, assert_good, assert_judged, is_command, product, run, word

SUITE = firewall_applications.SUITE
BANK = bytes.fromhex("A000000333010101")
ENVIRONMENT = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
SELECT_ENVIRONMENT = bytes.fromhex("00A404000F") + ENVIRONMENT
SELECT_MASTER_FILE = bytes.fromhex("00A40000023F00")
VERIFY_IN_ENVIRONMENT = bytes.fromhex("0020000003123456")
WRONG_IN_ENVIRONMENT = bytes.fromhex("0020000003999999")
BANK_PIN = bytes.fromhex("241234FFFFFFFFFF")
TRIES = 3
SELECT, VERIFY, GET_DATA = 0xA4, 0x20, 0xCA


def declared() -> Profile:
    """The product with an invented bank application in place of its own."""
    whole = product("ssc3-sm4")

    title = {"zh": "bank", "en": "bank"}
    pin = {"PIN": {"reference": "80", "value": "1234", "title": title}}
    bank = Directory.model_validate(
        {"fid": "DDF3", "kind": "DDF", "aid": BANK, "application": "bank", "title": title, "pin": pin}
    )
    usual = {name: directory for name, directory in whole.directory.items() if name != "DEBIT"}
    return whole.model_copy(update={"directory": {**usual, "BANK": bank}})


class OtherApplications(Alteration):
    """A card with one more application, which takes the card out of the environment."""

    def __init__(self) -> None:
        self.reset(b"")
        self.tries = TRIES

    def reset(self, atr: bytes) -> bytes:
        self.inside = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=SELECT, data=BANK):
            self.inside = True
            self.leave(card)
            return OK
        if is_command(command, ins=SELECT):
            returning, self.inside = self.inside, False
            return self.come_back(command, card) if returning else card(command)
        if self.inside and is_command(command, ins=GET_DATA):
            return bytes([0x9F, 0x17, 0x01, self.tries]) + OK
        if self.inside and is_command(command, ins=VERIFY):
            return self.verify(command[5:], card)
        return card(command)

    def leave(self, card: Transmit) -> None:
        card(SELECT_MASTER_FILE)

    def come_back(self, command: bytes, card: Transmit) -> bytes:
        return card(command)

    def verify(self, presented: bytes, card: Transmit) -> bytes:
        if len(presented) == 8 and presented != BANK_PIN:
            self.tries -= 1
            return word(0x63C0 | self.tries)
        self.tries = TRIES
        return OK


class CountersShared(OtherApplications):
    """A wrong PIN of the bank costs a try of the PIN of the environment."""

    def verify(self, presented: bytes, card: Transmit) -> bytes:
        answer = super().verify(presented, card)
        if answer != OK:
            for command in (SELECT_ENVIRONMENT, WRONG_IN_ENVIRONMENT, SELECT_MASTER_FILE):
                card(command)
        return answer


class BankCounterShared(OtherApplications):
    """A wrong PIN of the environment costs a try of the bank's PIN."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = super().transmit(command, card)
        if not self.inside and answer[:1] == b"\x63":
            self.tries -= 1
        return answer


class PinOpensEverything(OtherApplications):
    """A right PIN of another application counts in the environment, too."""

    verified = False

    def verify(self, presented: bytes, card: Transmit) -> bytes:
        answer = super().verify(presented, card)
        self.verified = answer == OK
        return answer

    def come_back(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if not self.verified:
            return answer
        card(VERIFY_IN_ENVIRONMENT)
        return OK


class CertificatePinOpens(OtherApplications):
    """A right PIN of the certificate application counts in the environment, too."""

    verified = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = super().transmit(command, card)
        if is_command(command, ins=VERIFY, p1=1) and answer == OK:
            self.verified = True
        if self.verified and command == SELECT_ENVIRONMENT:
            card(VERIFY_IN_ENVIRONMENT)
            return OK
        return answer


class CertificateCounterShared(OtherApplications):
    """A wrong PIN of the certificate application costs a try of the PIN of the environment."""

    lost = 0

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = super().transmit(command, card)
        self.lost += is_command(command, ins=VERIFY, p1=1) and answer[:1] == b"\x63"
        if self.lost and command == SELECT_ENVIRONMENT:
            self.lost -= 1
            card(WRONG_IN_ENVIRONMENT)
            return OK
        return answer


class RightsSurvive(OtherApplications):
    """The bank application leaves the environment as it was."""

    def leave(self, card: Transmit) -> None:
        """Nothing is left."""

    def come_back(self, command: bytes, card: Transmit) -> bytes:
        return OK if command == SELECT_ENVIRONMENT else card(command)


FAULTS = {
    "counters shared": ("FW/bank-PIN", CountersShared, "SSC-FW-006"),
    "bank's counter shared": ("FW/bank-PIN", BankCounterShared, "SSC-FW-006"),
    "bank's PIN opens": ("FW/bank-PIN", PinOpensEverything, "SSC-FW-006"),
    "rights survive": ("FW/other-application", RightsSurvive, "SSC-FW-007"),
    "certificate PIN opens": ("FW/certificate-PIN", CertificatePinOpens, "SSC-FW-008"),
    "certificate PIN's counter shared": ("FW/certificate-PIN", CertificateCounterShared, "SSC-FW-008"),
}


def test_good_card_passes() -> None:
    result = run(SUITE, "ssc3-sm4", OtherApplications(), profile=declared())
    assert_good(result)
    assert {f"SSC-FW-{number:03}" for number in (6, 7, 8, 11)} <= result.judged


def test_card_without_other_applications_has_no_case() -> None:
    whole = product("ssc3-sm4")
    features = tuple(feature for feature in whole.features if feature not in ("financial", "certificate"))
    assert run(SUITE, "ssc3-sm4", profile=whole.model_copy(update={"features": features})).outcomes == []


@pytest.mark.parametrize("name", ["ssc3-sm4", "ssc2-3des"])
def test_the_bank_application_of_a_product_is_judged(name: str) -> None:
    result = run(SUITE, name)
    assert_good(result)
    assert {"SSC-FW-006", "SSC-FW-007", "SSC-FW-011"} <= result.judged


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_card_fails_cleanly(name: str) -> None:
    assert_judged(run(SUITE, "ssc3-sm4", HOSTILE[name](), profile=declared()))


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_named(name: str) -> None:
    only, fault, requirement = FAULTS[name]
    assert run(SUITE, "ssc3-sm4", fault(), only=only, profile=declared()).failed == {requirement}


def test_challenge_that_crosses_applications_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    good_enter = Session.enter

    def enter(self: Session, node: Node, *, reselecting_clears: bool) -> None:
        challenge = self.challenge
        good_enter(self, node, reselecting_clears=reselecting_clears)
        self.challenge = challenge

    monkeypatch.setattr(Session, "enter", enter)
    result = run(SUITE, "ssc3-sm4", OtherApplications(), only="FW/foreign-challenge", profile=declared())
    assert result.failed == {"SSC-FW-011"}
