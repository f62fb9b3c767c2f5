"""The suites of tear protection: a good card passes, and each way to be wrong is found by the requirement it breaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from conformance.suites import tearing, tearing_purchase, tearing_secrets
from conformance.verdict import Verdict

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Tear,
    Transmit,
    assert_good,
    assert_judged,
    is_command,
    run,
    word,
)

SUITES = {suite.name: suite for suite in (tearing.SUITE, tearing_secrets.SUITE, tearing_purchase.SUITE)}
SELECT, VERIFY, READ_RECORD, READ_BINARY, UPDATE_RECORD = 0xA4, 0x20, 0xB2, 0xB0, 0xDC
WHOLE = 1_000_000
"""A write that no command reaches: it is left alone."""


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES)
def test_good_card_passes(suite: str, name: str) -> None:
    assert_good(run(SUITES[suite], name))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("suite", SUITES)
def test_hostile_card_fails_cleanly(suite: str, hostile: str) -> None:
    assert_judged(run(SUITES[suite], "ssc3-sm4", HOSTILE[hostile]()))


@pytest.mark.parametrize("suite", SUITES)
def test_a_bench_that_cannot_cut_runs_nothing(suite: str) -> None:
    assert set(run(SUITES[suite], "ssc3-sm4", kept=True).verdicts.values()) == {Verdict.NOT_RUN}


class Torn(Alteration):
    """A card that is cut at every write up to the third; what it then shows or does is altered once."""

    def __init__(self, alter: Callable[[bytes, bytes], bytes] | None = None, *, done: bool = False) -> None:
        self._alter = alter
        self._done = done
        self._torn = False

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        if write > 3:
            return card(command, WHOLE)
        self._torn = True
        card(command, WHOLE if self._done else 1)
        return None

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        return self._alter(command, answer) if self._torn and self._alter else answer


def half(ins: int) -> Callable[[bytes, bytes], bytes]:
    """What is read is half of the old and half of something else."""

    def mix(command: bytes, answer: bytes) -> bytes:
        data = answer[:-2]
        read = is_command(command, ins=ins) and answer.endswith(OK)
        return data[: len(data) // 2] + bytes(len(data) - len(data) // 2) + OK if read else answer

    return mix


def refused_is_done(ins: int) -> Callable[[bytes, bytes], bytes]:
    return lambda command, answer: OK if is_command(command, ins=ins) and answer == word(0x6982) else answer


def any_pin(command: bytes, answer: bytes) -> bytes:
    return OK if is_command(command, ins=VERIFY) and answer[:1] == b"\x63" else answer


def no_pin(command: bytes, answer: bytes) -> bytes:
    return word(0x63C4) if is_command(command, ins=VERIFY) else answer


def few_tries(command: bytes, answer: bytes) -> bytes:
    return word(0x63C1) if is_command(command, ins=VERIFY) and answer[:1] == b"\x63" else answer


def any_key(command: bytes, answer: bytes) -> bytes:
    return OK if is_command(command, ins=0x82) and answer[:1] == b"\x63" else answer


def selects_and_reads_nothing(command: bytes, answer: bytes) -> bytes:
    return word(0x6985) if is_command(command, ins=READ_RECORD) and answer.endswith(OK) else answer


def selects_nothing(command: bytes, answer: bytes) -> bytes:
    return word(0x6A81) if is_command(command, ins=SELECT, data=b"\x73\x78") else answer


class LogAlone(Torn):
    """A torn settlement is in the log and nowhere else."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        logged = self._torn and is_command(command, ins=READ_RECORD, p1=1) and command[3] == 0x08 << 3 | 4
        return bytes(28) + OK if logged else card(command)


class Replays(Alteration):
    """The backup of a torn update is written back once more at the second reset after it."""

    def __init__(self) -> None:
        self._backup = b""
        self._resets = 0

    def reset(self, atr: bytes) -> bytes:
        self._resets += bool(self._backup)
        return atr

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        self._backup = command
        self._resets = 0
        return card(command, write)

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        replayed = self._resets == 2 and is_command(command, ins=READ_RECORD, p1=self._backup[2])
        return self._backup[5:] + OK if replayed and answer.endswith(OK) and len(self._backup) > 20 else answer


BROKEN: dict[str, tuple[str, str, Callable[[], Alteration]]] = {
    "SSC-TEAR-001": ("tearing", "TEAR/SSSE-EF06", partial(Torn, half(READ_RECORD))),
    "SSC-TEAR-001 fixed": ("tearing", "TEAR/DF03-EF19", partial(Torn, half(READ_RECORD))),
    "SSC-TEAR-001 replayed": ("tearing", "TEAR/SSSE-EF06", Replays),
    "SSC-TEAR-002": ("tearing", "TEAR/SSSE-EF08", partial(Torn, half(READ_BINARY))),
    "SSC-TEAR-003": ("tearing", "TEAR/DF04-EF15", partial(Torn, half(READ_RECORD), done=True)),
    "SSC-TEAR-004": ("tearing of settlements", "TEAR/purchase", LogAlone),
    "SSC-TEAR-005": ("tearing of secrets", "TEAR/change-PIN", partial(Torn, no_pin)),
    "SSC-TEAR-005 tries": ("tearing of secrets", "TEAR/change-PIN", partial(Torn, few_tries)),
    "SSC-TEAR-006": ("tearing of secrets", "TEAR/reload-PIN", partial(Torn, no_pin)),
    "SSC-TEAR-006 any": ("tearing of secrets", "TEAR/reload-PIN", partial(Torn, any_pin)),
    "SSC-TEAR-007": ("tearing of secrets", "TEAR/write-key", partial(Torn, any_key)),
    "SSC-TEAR-008": ("tearing of secrets", "TEAR/application-block", partial(Torn, selects_and_reads_nothing)),
    "SSC-TEAR-008 open": (
        "tearing of secrets",
        "TEAR/application-block",
        partial(Torn, refused_is_done(UPDATE_RECORD)),
    ),
    "SSC-TEAR-008 card": ("tearing of secrets", "TEAR/card-block", partial(Torn, selects_nothing)),
    "SSC-TEAR-009": ("tearing", "TEAR/rights", partial(Torn, refused_is_done(UPDATE_RECORD))),
    "SSC-TEAR-009 read": ("tearing", "TEAR/rights", partial(Torn, refused_is_done(READ_RECORD))),
    "SSC-TEAR-009 file": ("tearing", "TEAR/DF01-EF05", partial(Torn, refused_is_done(UPDATE_RECORD))),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_card_is_found(fault: str) -> None:
    suite, only, alteration = BROKEN[fault]
    assert run(SUITES[suite], "ssc3-sm4", alteration(), only=only).failed == {fault.split()[0]}


@pytest.mark.parametrize("path", ["SSSE-EF06", "SSSE-EF08", "DF04-EF15", "DF03-EF19"])
def test_every_write_is_cut(path: str) -> None:
    """The card's memory journals an update of one cell in three writes; the fourth never comes."""

    class Counts(Alteration):
        def __init__(self) -> None:
            self.writes: list[int] = []

        def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
            self.writes.append(write)
            return card(command, write)

    counts = Counts()
    assert_good(run(tearing.SUITE, "ssc3-sm4", counts, only=f"TEAR/{path}"))
    assert counts.writes == [1, 2, 3, 4]
