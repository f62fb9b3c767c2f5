"""The suites of keys: a good card passes, and each way to be wrong is found by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.suites import key_counters, key_derivation, keys, tearing_counters

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Tear,
    Transmit,
    answers,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    commands,
    is_command,
    run,
    word,
)

SUITES = {suite.name: suite for suite in (keys.SUITE, key_derivation.SUITE, key_counters.SUITE, tearing_counters.SUITE)}
EXTERNAL, INTERNAL, UNBLOCK = 0x82, 0x88, 0x24


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("name", SUITES)
def test_good_card_passes(name: str, product: str) -> None:
    assert_good(run(SUITES[name], product))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", SUITES)
def test_hostile_card_fails_cleanly(name: str, hostile: str) -> None:
    assert_judged(run(SUITES[name], "ssc3-sm4", HOSTILE[hostile]()))


@pytest.mark.parametrize("name", SUITES)
def test_card_that_must_survive_is_left_as_it_was(name: str) -> None:
    assert_left_as_it_was(SUITES[name], "ssc3-sm4")


def test_blank_card_has_nothing_to_judge() -> None:
    for suite in SUITES.values():
        assert {verdict.value for verdict in run(suite, "blank").verdicts.values()} <= {"not applicable"}


def is_wrong(answer: bytes) -> bool:
    return answer[-2:-1] == b"\x63"


def external_answers(alter: Callable[[bytes, bytes], bytes]) -> Alteration:
    """A card that answers EXTERNAL AUTHENTICATE otherwise."""
    return answers(lambda command, answer: alter(command, answer) if is_command(command, ins=EXTERNAL) else answer)


def takes_wrong() -> Alteration:
    return external_answers(lambda command, answer: OK if is_wrong(answer) else answer)


def version_refused(version: int) -> Callable[[], Alteration]:
    def refuse(command: bytes, answer: bytes) -> bytes:
        return word(0x6A88) if len(command) == 22 and command[-1] == version else answer

    return lambda: external_answers(refuse)


class GivesNothing(Alteration):
    """Version 2 of a key answers 9000 and opens nothing."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=EXTERNAL) and len(command) == 22 and command[-1] == 2:
            return OK
        return card(command)


class ReadsKeys(Alteration):
    """The key file is a file like any other."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=0xA4, p1=2, data=b"\xef\x80"):
            return OK
        return bytes(16) + OK if is_command(command, ins=0xB0, p1=0, p2=0) else card(command)


class Forgets(Alteration):
    """The counters of keys begin anew with every reset."""

    def __init__(self) -> None:
        self._lost = self._before = 0

    def reset(self, atr: bytes) -> bytes:
        self._before = self._lost
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if not is_command(command, ins=EXTERNAL):
            return answer
        if answer == OK:
            self._lost = self._before = 0
        elif is_wrong(answer):
            self._lost = 15 - (answer[1] & 0x0F)
            return (
                word(0x63C0 | answer[1] & 0x0F) if not self._before else word(0x63C0 | 15 - self._lost + self._before)
            )
        return answer


class OneCounter(Alteration):
    """All keys count on one counter, which any right cryptogram restores."""

    def __init__(self) -> None:
        self._left = 15

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=EXTERNAL) and (answer == OK or is_wrong(answer)):
            self._left = 15 if answer == OK else self._left - 1
            return answer if answer == OK else word(0x63C0 | self._left)
        return answer


class ComparesFirst(Alteration):
    """What is right costs no write; what is wrong is counted after the comparison."""

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        answer = card(command, 1_000_000)
        return answer if write > 2 else None


class SavesTries(Alteration):
    """A cut at any write leaves the counter as it was."""

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        return card(command, 1) if write < 5 else card(command, 1_000_000)


def top_bit_ignored(command: bytes) -> bytes:
    if is_command(command, ins=EXTERNAL) and command[3] == 0x83:
        return command[:3] + b"\x04" + command[4:]
    return command


def unknown_version_is_1(command: bytes) -> bytes:
    known = not is_command(command, ins=EXTERNAL) or len(command) != 22 or command[-1] in (1, 2, 3)
    return command if known else command[:-1] + b"\x01"


BROKEN: dict[str, tuple[str, str, Callable[[], Alteration]]] = {
    "SSC-KEY-001": ("keys", "KEY/unreadable", ReadsKeys),
    "SSC-KEY-002": ("keys", "KEY/version-1", version_refused(1)),
    "SSC-KEY-003": ("keys", "KEY/version-2", version_refused(2)),
    "SSC-KEY-003 right": ("keys", "KEY/version-2", GivesNothing),
    "SSC-KEY-004": ("keys", "KEY/version-3", version_refused(3)),
    "SSC-KEY-005": ("keys", "KEY/unknown-version", lambda: commands(unknown_version_is_1)),
    "SSC-KEY-006": (
        "keys",
        "KEY/default-version",
        lambda: external_answers(lambda command, answer: word(0x6700) if len(command) == 21 else answer),
    ),
    "SSC-KEY-007": ("keys", "KEY/versions-apart", takes_wrong),
    "SSC-KEY-008": (
        "keys",
        "KEY/unknown-key",
        lambda: external_answers(lambda command, answer: word(0x6A82) if command[3] & 0x7F == 0x7F else answer),
    ),
    "SSC-KEY-009 external": (
        "keys",
        "KEY/purpose",
        lambda: external_answers(lambda command, answer: OK if command[3] == 2 else answer),
    ),
    "SSC-KEY-009 internal": (
        "keys",
        "KEY/purpose",
        lambda: answers(lambda command, answer: bytes(8) + OK if is_command(command, ins=INTERNAL) else answer),
    ),
    "SSC-KEY-010": ("key derivation", "KEY/levels", takes_wrong),
    "SSC-KEY-011": ("key derivation", "KEY/factors", takes_wrong),
    "SSC-KEY-012": ("keys", "KEY/local-reference", lambda: commands(top_bit_ignored)),
    "SSC-KEY-013": ("key counters", "KEY/counter/", OneCounter),
    "SSC-KEY-014": (
        "key counters",
        "KEY/locked",
        lambda: external_answers(lambda command, answer: OK if answer == word(0x6983) else answer),
    ),
    "SSC-KEY-015": ("key counters", "KEY/counter-kept", Forgets),
    "SSC-KEY-016 late": ("tearing of counters", "", ComparesFirst),
    "SSC-KEY-016 never": ("tearing of counters", "", SavesTries),
    "SSC-KEY-017": (
        "key derivation",
        "KEY/purchase",
        lambda: answers(lambda c, answer: word(0x9403) if is_command(c, ins=0x28, data=b"\x03") else answer),
    ),
    "SSC-KEY-018": (
        "key derivation",
        "KEY/maintenance",
        lambda: answers(lambda c, answer: word(0x6988) if is_command(c, ins=UNBLOCK) else answer),
    ),
    "SSC-KEY-019": ("key derivation", "KEY/algorithm", takes_wrong),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_card_is_found(fault: str) -> None:
    name, only, alteration = BROKEN[fault]
    assert run(SUITES[name], "ssc3-sm4", alteration(), only=only).failed == {fault.split()[0]}


def test_double_length_maintenance_key_is_found_on_a_3des_card() -> None:
    takes_any = answers(lambda command, answer: OK if answer == word(0x6988) else answer)
    assert run(SUITES["key derivation"], "ssc2-3des", takes_any, only="KEY/maintenance").failed == {"SSC-KEY-018"}
