"""The suites of authentication: a good card passes, and each way to be wrong is found by the requirement it breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from conformance.suites import authentication, challenges, internal_authentication

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Transmit,
    answers,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    changed,
    is_command,
    product,
    run,
    word,
)
from .deviating import run_vendor

SUITES = {suite.name: suite for suite in (authentication.SUITE, challenges.SUITE, internal_authentication.SUITE)}
CHALLENGE, EXTERNAL, INTERNAL, SELECT, READ_RECORD, UPDATE_RECORD = 0x84, 0x82, 0x88, 0xA4, 0xB2, 0xDC


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES)
def test_good_card_passes(suite: str, name: str) -> None:
    assert_good(run(SUITES[suite], name))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("suite", SUITES)
def test_hostile_card_fails_cleanly(suite: str, hostile: str) -> None:
    assert_judged(run(SUITES[suite], "ssc3-sm4", HOSTILE[hostile]()))


@pytest.mark.parametrize("suite", SUITES)
def test_card_that_must_survive_is_left_as_it_was(suite: str) -> None:
    assert_left_as_it_was(SUITES[suite], "ssc3-sm4")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("challenge_used", "last or last but one"),
        ("authentication_without_challenge", "63Cx"),
        ("internal_authentication_needs_challenge", True),
        ("default_key_version", 2),
    ],
)
def test_what_the_profile_declares_is_expected(setting: str, value: object) -> None:
    usual = product("ssc3-sm4")
    declared = usual.model_copy(update={"settings": usual.settings.model_copy(update={setting: value})})
    for suite in SUITES.values():
        assert run_vendor(suite, declared).failed == set()
    assert set().union(*(run(suite, "ssc3-sm4", profile=declared).failed for suite in SUITES.values())) != set()


def of(ins: int, alter: Callable[[bytes, bytes], bytes]) -> Callable[[], Alteration]:
    """A card that answers one command otherwise."""
    return lambda: answers(lambda command, answer: alter(command, answer) if is_command(command, ins=ins) else answer)


class Constant(Alteration):
    """Every challenge of one length is the same."""

    def __init__(self, length: int) -> None:
        self._length = length

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        fixed = is_command(command, ins=CHALLENGE) and command[4:] == bytes([self._length])
        return bytes(self._length) + OK if fixed else card(command)


class EvenBytes(Alteration):
    """The last bit of every challenge is 0."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=CHALLENGE) and len(answer) == 10:
            return answer[:7] + bytes([answer[7] & 0xFE]) + OK
        return answer


class Replayable(Alteration):
    """What was right once is right again."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=EXTERNAL):
            if answer == OK or command in self._seen:
                self._seen.add(command)
                return OK
            if answer == word(0x6984):
                return OK
        return answer


class Opens(Alteration):
    """A wrong cryptogram is refused and opens the update all the same."""

    _failed = False

    def reset(self, atr: bytes) -> bytes:
        self._failed = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=EXTERNAL):
            self._failed = answer[:1] == b"\x63"
        return OK if self._failed and is_command(command, ins=UPDATE_RECORD) else answer


class ServesOften(Alteration):
    """A right ends after so many updates."""

    def __init__(self, updates: int) -> None:
        self._limit = updates
        self._left = updates

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=EXTERNAL):
            self._left = self._limit
        if is_command(command, ins=UPDATE_RECORD):
            self._left -= 1
            if self._left < 0:
                return word(0x6982)
        return card(command)


class LastRightOnly(Alteration):
    """A new authentication drops the one before it."""

    _last = 0

    def reset(self, atr: bytes) -> bytes:
        self._last = 0
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=EXTERNAL):
            self._last = command[3]
        wanted = {READ_RECORD: 0x0A, UPDATE_RECORD: 0x04}.get(command[1])
        return word(0x6982) if self._last and wanted not in (None, self._last) else card(command)


class Varies(Alteration):
    """The result of INTERNAL AUTHENTICATE depends on how often it was asked for."""

    _count = 0

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if not is_command(command, ins=INTERNAL):
            return answer
        self._count += 1
        return bytes([answer[0] ^ (self._count == 2)]) + answer[1:]


def source_must_differ(command: bytes, answer: bytes) -> bytes:
    return word(0x6A80) if command[13:21] in (bytes(8), b"\xff" * 8) else answer


BROKEN: dict[str, tuple[str, str, Callable[[], Alteration]]] = {
    "SSC-AUT-001": ("challenges", "AUT/challenge/", of(CHALLENGE, lambda c, a: a[:3] + a[4:])),
    "SSC-AUT-002": ("challenges", "AUT/challenge/", partial(Constant, 8)),
    "SSC-AUT-002 short": ("challenges", "AUT/challenge/", partial(Constant, 4)),
    "SSC-AUT-002 bit": ("challenges", "AUT/challenge/", EvenBytes),
    "SSC-AUT-003": ("challenges", "AUT/challenge-length", of(CHALLENGE, lambda c, a: bytes(c[4]) + OK)),
    "SSC-AUT-005": ("external authentication", "AUT/external", partial(changed, 0x9000, 0x63CE, EXTERNAL)),
    "SSC-AUT-005 update": ("external authentication", "AUT/external", partial(changed, 0x6982, 0x9000, UPDATE_RECORD)),
    "SSC-AUT-005 data": ("external authentication", "AUT/external", of(EXTERNAL, lambda c, a: c[5:9] + a)),
    "SSC-AUT-006": (
        "external authentication",
        "AUT/both-forms",
        of(EXTERNAL, lambda c, a: a if c[4] == 0x11 else word(0x6700)),
    ),
    "SSC-AUT-007": ("external authentication", "AUT/source", of(EXTERNAL, source_must_differ)),
    "SSC-AUT-008": ("challenges", "AUT/last-challenge", of(EXTERNAL, lambda c, a: OK if a[:1] == b"\x63" else a)),
    "SSC-AUT-009": ("challenges", "AUT/challenge-once", Replayable),
    "SSC-AUT-010": ("challenges", "AUT/no-challenge", partial(changed, 0x6984, 0x9000, EXTERNAL)),
    "SSC-AUT-011": ("external authentication", "AUT/wrong", Opens),
    "SSC-AUT-011 accepted": (
        "external authentication",
        "AUT/wrong",
        of(EXTERNAL, lambda c, a: OK if a[:1] == b"\x63" else a),
    ),
    "SSC-AUT-012": ("external authentication", "AUT/length", partial(changed, 0x6700, 0x6A80, EXTERNAL)),
    "SSC-AUT-013": ("external authentication", "AUT/kept", partial(ServesOften, 11)),
    "SSC-AUT-014": ("external authentication", "AUT/added", LastRightOnly),
    "SSC-AUT-016": (
        "internal authentication",
        "AUT/internal/",
        of(INTERNAL, lambda c, a: a[4:8] + a[:4] + OK),
    ),
    "SSC-AUT-017": ("internal authentication", "AUT/internal-without", partial(changed, 0x9000, 0x6984, INTERNAL)),
    "SSC-AUT-018": ("internal authentication", "AUT/internal-repeated", Varies),
    "SSC-AUT-018 constant": (
        "internal authentication",
        "AUT/internal-repeated",
        of(INTERNAL, lambda c, a: bytes(8) + OK),
    ),
    "SSC-AUT-019": (
        "internal authentication",
        "AUT/internal/",
        of(INTERNAL, lambda c, a: a if c[5:13] == bytes.fromhex("A1A2A3A4A5A6A7A8") else bytes(8) + OK),
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_card_is_found(fault: str) -> None:
    suite, only, alteration = BROKEN[fault]
    assert run(SUITES[suite], "ssc3-sm4", alteration(), only=only).failed == {fault.split()[0]}


@pytest.mark.parametrize(
    ("requirement", "suite", "only", "ins"),
    [
        ("SSC-AUT-004", "external authentication", "AUT/external", EXTERNAL),
        ("SSC-AUT-015", "internal authentication", "AUT/internal/", INTERNAL),
    ],
)
def test_the_forms_of_a_3des_card_are_judged(requirement: str, suite: str, only: str, ins: int) -> None:
    assert run(SUITES[suite], "ssc2-3des", changed(0x9000, 0x6700, ins), only=only).failed == {requirement}
