"""The suite of secure messaging: a good card passes, and each way to be wrong is found by the requirement it breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from conformance.suites import secure_messaging
from conformance.verdict import Verdict
from profiles.model import File, Profile

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
    run,
    word,
)
from .deviating import run_vendor, vendor

SUITE = secure_messaging.SUITE
UNBLOCK, UPDATE_RECORD = 0x24, 0xDC
REFUSED_MAC = 0x6988


@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str) -> None:
    assert_good(run(SUITE, name))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_card_fails_cleanly(hostile: str) -> None:
    assert_judged(run(SUITE, "ssc3-sm4", HOSTILE[hostile]()))


def test_card_that_must_survive_is_left_as_it_was() -> None:
    assert_left_as_it_was(SUITE, "ssc3-sm4")


def protected(path: str) -> Profile:
    """A product in which one file takes only updates with a MAC."""

    def protect(file: File) -> File:
        return file.model_copy(update={"protected": True})

    profile = vendor(protect, path)
    return profile.model_copy(update={"features": (*profile.features, "option:MAC-protected update")})


@pytest.mark.parametrize("path", ["DF01/EF05", "DF01/EF16", "SSSE/EF05"])
def test_protected_files_are_judged(path: str) -> None:
    verdicts = run_vendor(SUITE, protected(path)).verdicts
    assert verdicts["SM/protected/BI"] is Verdict.PASS
    assert verdicts["SM/mac-errors/BI"] is (Verdict.NOT_APPLICABLE if path == "SSSE/EF05" else Verdict.PASS)


@pytest.mark.parametrize(
    ("requirement", "only", "alteration"),
    [
        ("SSC-SM-008", "SM/protected", partial(changed, REFUSED_MAC, 0x9000, UPDATE_RECORD)),
        ("SSC-SM-008", "SM/protected", partial(changed, 0x9000, REFUSED_MAC, UPDATE_RECORD)),
        ("SSC-SM-009", "SM/mac-errors", partial(changed, 0x6985, 0x6982)),
    ],
)
def test_broken_protection_is_found(requirement: str, only: str, alteration: Callable[[], Alteration]) -> None:
    assert run_vendor(SUITE, protected("DF01/EF05"), only, alteration()).failed == {requirement}


class TakesNumber(Alteration):
    """Takes the n-th UNBLOCK PIN for right, whatever its MAC, and the PIN's counter for full."""

    def __init__(self, number: int) -> None:
        self._number = number

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=UNBLOCK) and answer == word(REFUSED_MAC):
            self._number -= 1
            return OK if not self._number else answer
        return answer


def refuses_unblock(command: bytes, answer: bytes) -> bytes:
    return word(REFUSED_MAC) if is_command(command, ins=UNBLOCK) else answer


def plain_class_is_good_enough(command: bytes) -> bytes:
    return b"\x84" + command[1:] if is_command(command, cla=0x80, ins=UNBLOCK) else command


BROKEN: dict[str, tuple[str, Callable[[], Alteration]]] = {
    "SSC-SM-006": ("SM/mac/", lambda: answers(refuses_unblock)),
    **{f"SSC-SM-006 form {n}": ("SM/mac/", partial(TakesNumber, n)) for n in (1, 2, 3, 4)},
    "SSC-SM-002": ("SM/mac-padding", lambda: answers(refuses_unblock)),
    **{f"SSC-SM-002 form {n}": ("SM/mac-padding", partial(TakesNumber, n)) for n in (1, 2, 3)},
    "SSC-SM-003": ("SM/padding", partial(changed, 0x6A80, 0x9000, UNBLOCK)),
    "SSC-SM-003 refused": (
        "SM/padding",
        lambda: answers(lambda c, a: word(0x6A80) if is_command(c, ins=UNBLOCK, p2=1) else a),
    ),
    "SSC-SM-004": ("SM/mac-length", partial(TakesNumber, 1)),
    "SSC-SM-004 none": ("SM/mac-length", partial(TakesNumber, 2)),
    "SSC-SM-005": ("SM/class", lambda: commands(plain_class_is_good_enough)),
    "SSC-SM-007": ("SM/plain", partial(changed, 0x9000, REFUSED_MAC, UPDATE_RECORD)),
    "SSC-LIFE-015": ("SM/challenge-once", partial(changed, 0x6984, 0x9000, UNBLOCK)),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_card_is_found(fault: str) -> None:
    only, alteration = BROKEN[fault]
    assert run(SUITE, "ssc3-sm4", alteration(), only=only).failed == {fault.split()[0]}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_foreign_macs_are_found_on_a_3des_card(number: int) -> None:
    assert run(SUITE, "ssc2-3des", TakesNumber(number), only="SM/mac/").failed == {"SSC-SM-001"}
