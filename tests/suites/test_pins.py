"""The suites of the PIN: a good card passes, and each way to be wrong is found by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from conformance.suites import pin_change, pin_unblocking, pins
from conformance.verdict import Verdict

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
    commands,
    is_command,
    product,
    run,
    word,
)
from .deviating import run_vendor

SUITES = {suite.name: suite for suite in (pins.SUITE, pin_change.SUITE, pin_unblocking.SUITE)}
VERIFY, CHANGE, UNBLOCK, READ_RECORD = 0x20, 0x5E, 0x24, 0xB2
PIN = bytes.fromhex("123456")


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("name", SUITES)
def test_good_card_passes(name: str, product: str) -> None:
    assert_good(run(SUITES[name], product))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", SUITES)
def test_hostile_card_fails_cleanly(name: str, hostile: str) -> None:
    assert_judged(run(SUITES[name], "ssc3-sm4", HOSTILE[hostile]()))


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("name", SUITES)
def test_card_that_must_survive_is_left_as_it_was(name: str, product: str) -> None:
    assert_left_as_it_was(SUITES[name], product)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("wrong_pin_clears_state", True),
        ("tolerate_non_bcd_pin", True),
        ("changed_pin_is_verified", True),
        ("pin_try_limit", 4),
    ],
)
def test_what_the_profile_declares_is_expected(setting: str, value: object) -> None:
    """A card that is as its vendor declares passes; the usual card under the same declaration does not."""
    usual = product("ssc3-sm4")
    declared = usual.model_copy(update={"settings": usual.settings.model_copy(update={setting: value})})
    assert [suite.name for suite in SUITES.values() if run_vendor(suite, declared).failed] == []
    assert any(run(suite, "ssc3-sm4", profile=declared).failed for suite in (pins.SUITE, pin_change.SUITE))


def test_no_pin_is_blocked_where_few_tries_are_left() -> None:
    usual = product("ssc3-sm4")
    declared = usual.model_copy(update={"settings": usual.settings.model_copy(update={"pin_try_limit": 1})})
    for suite in SUITES.values():
        result = run_vendor(suite, declared)
        assert {result.verdicts[case] for case in result.verdicts if "blocked" not in case} <= UNTRIED


UNTRIED = {Verdict.PASS, Verdict.NOT_APPLICABLE}


def pin_answers(alter: Callable[[bytes, bytes], bytes], ins: int) -> Alteration:
    """A card that answers one command otherwise."""
    return answers(lambda command, answer: alter(command, answer) if is_command(command, ins=ins) else answer)


def is_wrong(answer: bytes) -> bool:
    return answer[-2:-1] == b"\x63"


class AlwaysFive(Alteration):
    """Never tells fewer than five tries."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        return word(0x63C5) if is_command(command, ins=VERIFY) and is_wrong(answer) else answer


class KeepsLow(Alteration):
    """A right PIN does not bring the tries back."""

    def __init__(self) -> None:
        self._lost = 0

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=VERIFY) and is_wrong(answer):
            self._lost += 1
            return word(0x63C0 | max(0, 6 - self._lost))
        return answer


class PinOfOneApplication(Alteration):
    """SELECT of an application forgets that the PIN was verified."""

    def __init__(self) -> None:
        self._shut = False

    def reset(self, atr: bytes) -> bytes:
        self._shut = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=0xA4):
            self._shut = True
        if is_command(command, ins=VERIFY):
            self._shut = False
        answer = card(command)
        if is_command(command, ins=READ_RECORD) and self._shut and answer[:1] != b"\x6a":
            return word(0x6982)
        return answer


class FailureShuts(Alteration):
    """A wrong PIN takes the status away that the right one had given."""

    def __init__(self) -> None:
        self._shut = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=VERIFY):
            self._shut = is_wrong(answer)
        return word(REFUSED) if self._shut and is_command(command, ins=READ_RECORD) else answer


class Opens(Alteration):
    """A command besides VERIFY opens what the PIN protects."""

    def __init__(self, ins: int) -> None:
        self._ins = ins
        self._open = False

    def reset(self, atr: bytes) -> bytes:
        self._open = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=self._ins):
            self._open = answer == OK
        opened = self._open and is_command(command, ins=READ_RECORD) and answer == word(0x6982)
        return b"\x20\x02\x00\x00" + OK if opened else answer


class Ignores(Alteration):
    """A command is answered with success and does nothing."""

    def __init__(self, ins: int, p2: int | None = None) -> None:
        self._wanted = ins, p2

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        ins, p2 = self._wanted
        return OK if is_command(command, ins=ins, p2=p2) else card(command)


def letters_are_the_pin(command: bytes) -> bytes:
    letters = is_command(command, ins=VERIFY) and not command[5:].hex().rstrip("f").isdecimal()
    return bytes.fromhex("0020000003") + PIN if letters else command


def cut_to_eight(command: bytes) -> bytes:
    long = is_command(command, ins=VERIFY) and len(command) > 13
    return command[:4] + b"\x03" + command[5:8] if long else command


def separator_added(command: bytes) -> bytes:
    missing = is_command(command, ins=CHANGE) and command[4] == 6
    return command[:4] + b"\x07" + command[5:8] + b"\xff" + command[8:] if missing else command


LOCKED, REFUSED, NO_CHALLENGE, WRONG_MAC = 0x6983, 0x6982, 0x6984, 0x6988
BROKEN: dict[str, tuple[str, str, Callable[[], Alteration]]] = {
    "SSC-PIN-001": ("PIN", "PIN/right", partial(changed, REFUSED, 0x6985, READ_RECORD)),
    "SSC-PIN-001 data": ("PIN", "PIN/right", lambda: pin_answers(lambda c, a: PIN + a, VERIFY)),
    "SSC-PIN-002": ("PIN", "PIN/wrong/", AlwaysFive),
    "SSC-PIN-002 prefix": (
        "PIN",
        "PIN/wrong-anything",
        lambda: pin_answers(lambda c, a: OK if c[5:7] == PIN[:2] else a, VERIFY),
    ),
    "SSC-PIN-003": ("PIN", "PIN/blocked", lambda: pin_answers(lambda c, a: OK if a == word(LOCKED) else a, VERIFY)),
    "SSC-PIN-004": ("PIN", "PIN/wrong/", KeepsLow),
    "SSC-PIN-005": ("PIN", "PIN/status", FailureShuts),
    "SSC-PIN-006": ("PIN", "PIN/right", PinOfOneApplication),
    "SSC-PIN-008": ("PIN", "PIN/not-BCD", lambda: commands(letters_are_the_pin)),
    "SSC-PIN-009": ("PIN", "PIN/length", lambda: commands(cut_to_eight)),
    "SSC-PIN-010": ("PIN change", "PIN/change/", partial(Ignores, CHANGE)),
    "SSC-PIN-010 status": ("PIN change", "PIN/change-status", partial(Opens, CHANGE)),
    "SSC-PIN-011": (
        "PIN change",
        "PIN/change-wrong",
        lambda: pin_answers(lambda c, a: word(0x6A80) if is_wrong(a) else a, CHANGE),
    ),
    "SSC-PIN-012": ("PIN", "PIN/blocked", partial(changed, LOCKED, 0x6985, CHANGE)),
    "SSC-PIN-013": ("PIN change", "PIN/change-separator", lambda: commands(separator_added)),
    "SSC-PIN-014": ("PIN unblocking", "PIN/unblock-without-PUK", partial(changed, REFUSED, 0x9000, UNBLOCK)),
    "SSC-PIN-015": ("PIN unblocking", "PIN/unblock/", partial(Ignores, UNBLOCK)),
    "SSC-PIN-015 status": ("PIN unblocking", "PIN/unblock/", partial(Opens, UNBLOCK)),
    "SSC-PIN-016": ("PIN unblocking", "PIN/unblock-MAC", partial(changed, WRONG_MAC, 0x6A80, UNBLOCK)),
    "SSC-PIN-016 blocked": ("PIN unblocking", "PIN/unblock-blocked", partial(changed, WRONG_MAC, 0x9000, UNBLOCK)),
    "SSC-PIN-017": ("PIN unblocking", "PIN/unblock-challenge", partial(changed, NO_CHALLENGE, 0x9000, UNBLOCK)),
    "SSC-PIN-019": ("PIN unblocking", "PIN/reload-SM4", partial(Ignores, UNBLOCK, 1)),
    "SSC-PIN-019 MAC": ("PIN unblocking", "PIN/reload-MAC", partial(changed, WRONG_MAC, 0x9000, UNBLOCK)),
    "SSC-PIN-019 blocked": ("PIN unblocking", "PIN/reload-blocked", partial(Ignores, UNBLOCK, 1)),
    "SSC-PIN-020": ("PIN unblocking", "PIN/reload-length", partial(changed, 0x6700, 0x6A80, UNBLOCK)),
    "SSC-PIN-021": ("PIN unblocking", "PIN/reload-block", partial(changed, 0x6A80, 0x9000, UNBLOCK)),
    "SSC-PIN-022": ("PIN unblocking", "PIN/repeated", partial(changed, NO_CHALLENGE, 0x9000, UNBLOCK)),
    "SSC-PIN-023": (
        "PIN change",
        "PIN/change/",
        lambda: pin_answers(lambda c, a: word(0x6A80) if c.endswith(PIN) and len(c) == 12 else a, CHANGE),
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_card_is_found(fault: str) -> None:
    name, only, alteration = BROKEN[fault]
    assert run(SUITES[name], "ssc3-sm4", alteration(), only=only).failed == {fault.split()[0]}


def test_reloading_on_a_3des_card_is_judged() -> None:
    ignores = Ignores(UNBLOCK, 1)
    assert run(pin_unblocking.SUITE, "ssc2-3des", ignores, only="PIN/reload-3DES").failed == {"SSC-PIN-018"}


def test_an_application_without_the_pin_is_found() -> None:
    """VERIFY works in SSSE alone."""

    class OnlyThere(Alteration):
        inside = False

        def transmit(self, command: bytes, card: Transmit) -> bytes:
            if is_command(command, ins=0xA4):
                self.inside = command[5:10] == bytes.fromhex("D156000005")
            return word(0x6A88) if is_command(command, ins=VERIFY) and self.inside else card(command)

    assert run(pins.SUITE, "ssc3-sm4", OnlyThere(), only="PIN/inside").failed == {"SSC-PIN-007"}
