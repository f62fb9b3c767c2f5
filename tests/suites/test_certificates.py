"""The suites of the certificate application: good cards pass, each way to be wrong fails the requirement that it breaks.

Faults inside the card are those of `conformance/faults`; here the card is altered from outside, as no fault of ours does it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.suites import (
    certificate_keys,
    certificate_pins,
    certificate_sequences,
    certificates,
    tearing_certificates,
)
from conformance.verdict import Verdict
from emulator import load_card
from emulator.crypto.sm2 import public_key_of
from profiles.certificate_settings import CertificateSettings
from profiles.model import Profile

from .broken import (
    HOSTILE,
    OK,
    Alteration,
    InProcessTarget,
    Tear,
    Transmit,
    answers,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    changed,
    commands,
    is_command,
    product,
    run,
    word,
)

SUITES = {
    suite.name: suite
    for suite in (
        certificates.SUITE,
        certificate_pins.SUITE,
        certificate_keys.SUITE,
        certificate_sequences.SUITE,
        tearing_certificates.SUITE,
    )
}
REQUIREMENTS = {f"SSC-CERT-{number:03}" for number in range(1, 13)} | {"SSC-TEAR-010"}
VERIFY, AUTHENTICATE, READ, UPDATE, SIGN, DECIPHER, GENERATE, EXPORT, IMPORT, SELECT, CHANGE, REPLACE = (
    0x20, 0x82, 0xB0, 0xD6, 0x2A, 0x4E, 0x40, 0xC9, 0xC2, 0xA4, 0x5E, 0xD4,
)  # fmt: skip
GET_CHALLENGE = bytes.fromhex("0084000004")
FOREIGN_KEY = public_key_of(bytes(31) + b"\x07")


@pytest.mark.parametrize("seed", [0, 1, 20260101])
@pytest.mark.parametrize("name", SUITES)
def test_good_card_passes(name: str, seed: int) -> None:
    assert_good(run(SUITES[name], "ssc3-sm4", seed=seed))


def test_every_requirement_of_a_card_without_acse_is_judged() -> None:
    judged = {found for suite in SUITES.values() for found in run(suite, "ssc3-sm4").judged}
    assert judged == REQUIREMENTS


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", SUITES)
def test_hostile_card_fails_cleanly(name: str, hostile: str) -> None:
    assert_judged(run(SUITES[name], "ssc3-sm4", HOSTILE[hostile]()))


@pytest.mark.parametrize("name", SUITES)
def test_card_that_must_survive_is_left_as_it_was(name: str) -> None:
    assert_left_as_it_was(SUITES[name], "ssc3-sm4")


@pytest.mark.parametrize("name", SUITES)
def test_card_that_is_kept_passes_as_far_as_it_can(name: str) -> None:
    result = run(SUITES[name], "ssc3-sm4", kept=True, destructive=True)
    assert result.described(Verdict.FAIL, Verdict.ERROR) == []


@pytest.mark.parametrize("name", ["ssc2-3des", "blank"])
def test_card_without_the_application_has_no_case(name: str) -> None:
    for suite in SUITES.values():
        assert run(suite, name).outcomes == []


def declared(**settings: object) -> Profile:
    """The product with other settings of the application."""
    whole = product("ssc3-sm4")
    directory = whole.directory["CERT"]
    assert directory.certificates is not None
    rules = directory.certificates.model_copy(update={"settings": CertificateSettings(**settings)})
    directories = {**whole.directory, "CERT": directory.model_copy(update={"certificates": rules})}
    return whole.model_copy(update={"directory": directories})


@pytest.mark.parametrize(
    "settings",
    [
        {"signature_command": "none", "deciphering_keys": "signature key"},
        {"pin_change_failure": "6988", "pin_reload": "none"},
    ],
    ids=["no signature", "6988"],
)
@pytest.mark.parametrize("name", SUITES)
def test_suites_follow_the_profile(name: str, settings: dict[str, object]) -> None:
    profile = declared(**settings)
    result = run(SUITES[name], "ssc3-sm4", profile=profile, card=InProcessTarget(load_card(profile)))
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []


def of(ins: int, alter: Callable[[bytes], bytes], *, p2: int | None = None) -> Alteration:
    """A card with another answer to an instruction."""
    return answers(lambda command, answer: alter(answer) if is_command(command, ins=ins, p2=p2) else answer)


def undone(ins: int) -> Alteration:
    """A card that answers an instruction with success and does nothing."""
    return commands(lambda command: GET_CHALLENGE if is_command(command, ins=ins) else command)


class AnotherFile(Alteration):
    """A SELECT of one file selects another one."""

    def __init__(self, asked: str, given: str) -> None:
        self.asked, self.given = bytes.fromhex("00A4000002" + asked), bytes.fromhex("00A4000002" + given)

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        return card(self.given if command == self.asked else command)


class Remembers(Alteration):
    """A VERIFY once right opens the application for good."""

    proven = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        self.proven = self.proven or (is_command(command, ins=VERIFY) and answer == OK)
        if self.proven and is_command(command, ins=SIGN) and answer == word(0x6982):
            return bytes(64) + OK
        return answer


class Forgets(Alteration):
    """The second write of a session is answered and not done."""

    writes = 0

    def reset(self, atr: bytes) -> bytes:
        self.writes = 0
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=UPDATE):
            self.writes += 1
            if self.writes == 2:
                answer = card(command[:4])
                return OK if answer == word(0x6700) else answer
        return card(command)


class TornShut(Alteration):
    """After a cut of the supply the application answers no more."""

    torn = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if self.torn and is_command(command, ins=DECIPHER):
            return word(0x6985)
        return card(command)

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        answer = card(command, write)
        self.torn = self.torn or answer is None
        return answer


class NeverEnds(Alteration):
    """The counter of a PIN shows one more try than there is."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=VERIFY) and answer[:1] == b"\x63":
            return word(0x63C0 | min(0xF, (answer[1] & 0xF) + 1))
        return answer


def with_key(key: bytes) -> Alteration:
    """A card that shows another public key than it has."""
    return answers(
        lambda command, answer: b"\xca\x40" + key + OK if answer[:2] == b"\xca\x40" and len(answer) == 68 else answer
    )


BROKEN: dict[str, tuple[str, Callable[[], Alteration], set[str]]] = {
    "application missing": ("CERT/selection", lambda: of(SELECT, lambda a: word(0x6A82)), {"SSC-CERT-001"}),
    "public key short": ("CERT/public-keys", lambda: of(READ, lambda a: a[1:]), {"SSC-CERT-004"}),
    "public key shut": ("CERT/public-keys", lambda: of(READ, lambda a: word(0x6982)), {"SSC-CERT-004"}),
    "export gives another": ("CERT/public-keys", lambda: of(EXPORT, lambda a: a[:-3] + b"\0" + OK, p2=0x80), {"SSC-CERT-004"}),
    "private key read": ("CERT/private-keys", lambda: changed(0x6982, 0x9000, READ), {"SSC-CERT-005"}),
    "private key not found": ("CERT/private-keys", lambda: changed(0x6982, 0x6A82, READ), {"SSC-CERT-005"}),
    "certificates the same": ("CERT/match", lambda: AnotherFile("0019", "0018"), {"SSC-CERT-007"}),
    "no certificate": ("CERT/certificates", lambda: AnotherFile("0019", "0014"), {"SSC-CERT-006"}),
    "another key shown": ("CERT/match", lambda: with_key(FOREIGN_KEY), {"SSC-CERT-007"}),
    "signature cut": ("CERT/signature", lambda: of(SIGN, lambda a: a[1:] if len(a) > 2 else a), {"SSC-CERT-008"}),
    "signs for anyone": ("CERT/signature", lambda: changed(0x6982, 0x9000, SIGN), {"SSC-CERT-008"}),
    "wrong PIN is right": ("CERT/initial-administrator-PIN", lambda: changed(0x63C5, 0x9000, VERIFY), {"SSC-CERT-010"}),
    "wrong key is right": ("CERT/initial-master-key", lambda: changed(0x63CE, 0x9000, AUTHENTICATE), {"SSC-CERT-011"}),
    "right is kept": ("CERT/rights", Remembers, {"SSC-CERT-002"}),
    "challenge not needed": ("CERT/user-PIN-proof", lambda: changed(0x6984, 0x9000, VERIFY), {"SSC-CERT-002"}),
    "counter wrong": ("CERT/PIN-counter", NeverEnds, {"SSC-CERT-012"}),
    "block not shown": ("CERT/PIN-block", lambda: changed(0x6983, 0x6982), {"SSC-CERT-012"}),
    "reload unchecked": ("CERT/PIN-reload", lambda: changed(0x6988, 0x9000), {"SSC-CERT-012"}),
    "PIN not changed": ("CERT/PIN-change", lambda: of(CHANGE, lambda a: OK), {"SSC-CERT-002"}),
    "key replaced unproven": ("CERT/master-key", lambda: changed(0x6982, 0x9000, REPLACE), {"SSC-CERT-011"}),
    "generation refused": ("CERT/generate/", lambda: of(GENERATE, lambda a: word(0x6A81)), {"SSC-CERT-003"}),
    "generation not done": ("CERT/generate/", lambda: undone(GENERATE), {"SSC-CERT-003"}),
    "generation for anyone": ("CERT/generate-rights", lambda: changed(0x6982, 0x9000, GENERATE), {"SSC-CERT-003"}),
    "envelope not opened": ("CERT/import/", lambda: of(DECIPHER, lambda a: word(0x6A81)), {"SSC-CERT-009"}),
    "import not done": ("CERT/import/", lambda: undone(IMPORT), {"SSC-CERT-009"}),
    "import of anything": ("CERT/import-plain", lambda: changed(0x6A80, 0x9000, IMPORT), {"SSC-CERT-009"}),
    "nothing is written": ("CERT/issue", lambda: of(UPDATE, lambda a: word(0x6A81)), {"SSC-CERT-006"}),
    "issue with a foreign key": ("CERT/issue", lambda: with_key(FOREIGN_KEY), {"SSC-CERT-006"}),
    "write not done": ("CERT/write/", Forgets, {"SSC-CERT-006"}),
    "write for anyone": ("CERT/write/", lambda: changed(0x6982, 0x9000, UPDATE), {"SSC-CERT-006"}),
    "write beyond the end": ("CERT/write-bounds", lambda: changed(0x6B00, 0x9000, UPDATE), {"SSC-CERT-006"}),
    "keys dead after a cut": ("TEAR/signature-certificate", TornShut, {"SSC-TEAR-010"}),
    "keys dead after a cut, too": ("TEAR/encryption-certificate", TornShut, {"SSC-TEAR-010"}),
}  # fmt: skip


def suite_of(case: str) -> str:
    return next(name for name, suite in SUITES.items() if run(suite, "ssc3-sm4", only=case).outcomes)


@pytest.mark.parametrize("fault", BROKEN)
def test_fault_is_found_and_named(fault: str) -> None:
    case, alteration, expected = BROKEN[fault]
    assert run(SUITES[suite_of(case)], "ssc3-sm4", alteration(), only=case).failed == expected


class StaleChallenge(Alteration):
    """A wrong proof after two challenges is right."""

    taken = 0

    def reset(self, atr: bytes) -> bytes:
        self.taken = 0
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=0x84, p1=0):
            self.taken += 1
        elif is_command(command, ins=VERIFY):
            stale, self.taken = self.taken > 1, 0
            return OK if stale and answer[:1] == b"\x63" else answer
        return answer


SEQUENCES: dict[str, tuple[Callable[[], Alteration], set[str]]] = {
    "an old challenge is taken": (StaleChallenge, {"SSC-CERT-002"}),
    "a right outlives its application": (Remembers, {"SSC-CERT-008"}),
    "a write is not done": (Forgets, {"SSC-CERT-006"}),
    "no key is generated": (
        lambda: undone(GENERATE), {"SSC-CERT-003"}
    ),
    "keys come in clear": (lambda: changed(0x6A86, 0x9000, IMPORT), {"SSC-CERT-009"}),
    "changes are free": (lambda: changed(0x63C5, 0x9000, CHANGE), {"SSC-CERT-002", "SSC-CERT-010"}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", SEQUENCES)
def test_sequences_find_what_no_single_command_shows(fault: str) -> None:
    """Sequences alone, without a directed case, may need another seed."""
    alteration, expected = SEQUENCES[fault]
    results = (run(SUITES["certificate sequences"], "ssc3-sm4", alteration(), seed=seed) for seed in range(3))
    found = next((result.failed for result in results if result.failed), set())
    assert len(found) == 1
    assert found <= expected
