"""The suite of robustness: a good card passes, each way to be wrong is found and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance import events
from conformance.cases import Level
from conformance.suites import robustness
from conformance.verdict import Verdict
from emulator.iso7816 import ApduError, Command

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
    failed,
    is_command,
    product,
    run,
    word,
)

SUITE = robustness.SUITE


@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str) -> None:
    assert_good(run(SUITE, name))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_card_fails_cleanly(name: str) -> None:
    assert_judged(run(SUITE, "ssc3-sm4", HOSTILE[name]()))


def test_nothing_passes_on_a_card_that_only_says_9000() -> None:
    assert Verdict.PASS not in run(SUITE, "ssc3-sm4", HOSTILE["always 9000"]()).verdicts.values()


def test_card_that_must_survive_is_left_as_it_was() -> None:
    assert_left_as_it_was(SUITE, "ssc3-sm4")


def test_a_scan_of_every_directory_leaves_out_what_the_interface_does_not_show() -> None:
    """The environment of the antenna cannot be selected over the contacts."""
    usual = product("ssc3-sm4")
    shown = {name: usual.directory[name] for name in ("SSSE", "PPSE")}
    profile = usual.model_copy(update={"directory": shown})
    assert_good(run(SUITE, "ssc3-sm4", profile=profile, level=Level.STANDARD, only="CMD/hidden-instructions"))


class LeavesAfterAnError(Alteration):
    """A card that is lost after an unknown instruction, until it is reset."""

    lost = False

    def reset(self, atr: bytes) -> bytes:
        self.lost = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        self.lost = self.lost or answer == word(0x6D00)
        return word(0x6F00) if self.lost else answer


class OtherAnswerAfterGarbage(Alteration):
    """A card that answers the reset after a wrong class otherwise."""

    confused = False

    def reset(self, atr: bytes) -> bytes:
        confused, self.confused = self.confused, False
        return atr[:-1] + b"\xee" if confused else atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        self.confused = self.confused or answer == word(0x6E00)
        return answer


def tolerant(command: bytes) -> bytes:
    """Make an APDU out of bytes that are none."""
    try:
        Command.parse(command)
    except ApduError:
        return command[:4]
    return command


FAULTS: dict[str, tuple[str, Callable[[], Alteration], str]] = {
    "lost after an error": ("CMD/after-errors", LeavesAfterAnError, "SSC-CMD-012"),
    "lost after anything": ("CMD/anything", LeavesAfterAnError, "SSC-CMD-012"),
    "ATR after anything": ("CMD/anything", OtherAnswerAfterGarbage, "SSC-CMD-012"),
    "mute at a wrong class": (
        "CMD/anything",
        lambda: answers(lambda c, a: b"" if a == word(0x6E00) else a),
        "SSC-CMD-012",
    ),
    "status word 1234": ("CMD/anything", lambda: changed(0x6D00, 0x1234), "SSC-CMD-012"),
    "any length": ("CMD/disagreeing", lambda: commands(tolerant), "SSC-CMD-004"),
    "hidden instruction": (
        "CMD/hidden-instructions",
        lambda: answers(lambda c, a: OK if is_command(c, cla=0x80, ins=0x0E) else a),
        "SSC-CMD-002",
    ),
    "hidden instruction wants Le": (
        "CMD/hidden-instructions",
        lambda: answers(lambda c, a: b"\x6c\x0f" if is_command(c, cla=0xB0, ins=0xC8) else a),
        "SSC-CMD-002",
    ),
    "hidden class": (
        "CMD/hidden-classes",
        lambda: commands(lambda c: b"\0" + c[1:] if c[0] == 0xE1 else c),
        "SSC-CMD-001",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_named(name: str) -> None:
    only, fault, requirement = FAULTS[name]
    assert failed(SUITE, "ssc3-sm4", fault(), only=only) == {requirement}


@pytest.mark.parametrize("seed", range(3))
def test_generated_cases_find_their_faults_on_every_seed(seed: int) -> None:
    for name in (
        "lost after anything",
        "ATR after anything",
        "mute at a wrong class",
        "any length",
    ):
        only, fault, requirement = FAULTS[name]
        assert failed(SUITE, "ssc3-sm4", fault(), only=only, seed=seed) == {requirement}


def test_hidden_command_is_shown_by_the_shortest_sequence() -> None:
    only, fault, _ = FAULTS["hidden instruction"]
    result = run(SUITE, "ssc3-sm4", fault(), only=only)
    shown = [event for event in result.log if isinstance(event, events.Check) and "80 0E" in event.text["en"]]
    assert shown
    assert all(event.received == "9000" for event in shown)


def test_careful_commands_never_cost_a_try() -> None:
    sent: set[tuple[int, int]] = set()

    def note(command: bytes) -> bytes:
        sent.add((command[0], command[1]))
        return command

    run(SUITE, "ssc3-sm4", commands(note), only="CMD/anything", kept=True, destructive=False)
    assert {ins for _, ins in sent} <= robustness.READING
    assert len(sent) > 3
