"""The suites of command parameters: a good card passes, each way to be wrong is found and named."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from conformance import events
from conformance.cases import Suite
from conformance.suites import addressing, file_bounds, get_response, parameters
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
    failed,
    is_command,
    is_good,
    run,
    word,
)

SUITES = (parameters.SUITE, get_response.SUITE, file_bounds.SUITE, addressing.SUITE)
SELECT, READ_BINARY, READ_RECORD, UPDATE_BINARY, UPDATE_RECORD, GET_RESPONSE = 0xA4, 0xB0, 0xB2, 0xD6, 0xDC, 0xC0
VERIFY = 0x20


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_good_card_passes(suite: Suite, name: str) -> None:
    assert_good(run(suite, name))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_hostile_card_fails_cleanly(suite: Suite, name: str) -> None:
    assert_judged(run(suite, "ssc3-sm4", HOSTILE[name]()))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_nothing_passes_on_a_card_that_only_says_9000(suite: Suite) -> None:
    assert Verdict.PASS not in run(suite, "ssc3-sm4", HOSTILE["always 9000"]()).verdicts.values()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_card_that_must_survive_is_left_as_it_was(suite: Suite) -> None:
    assert_left_as_it_was(suite, "ssc3-sm4")


def test_every_requirement_of_the_area_is_judged() -> None:
    results = [run(suite, "ssc3-sm4") for suite in SUITES]
    judged = {requirement for result in results for requirement in result.judged}
    named = {name for result in results for outcome in result.outcomes for name in outcome.case.requirements}
    wanted = {f"SSC-CMD-{number:03}" for number in range(1, 12)}
    assert wanted <= named
    assert wanted <= judged


class LongUpdates(Alteration):
    """A card that cuts or fills the data of an update to the length of the record."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if not is_command(command, ins=UPDATE_RECORD):
            return card(command)
        record = card(bytes([0x00, READ_RECORD, *command[2:4], 0x00]))[:-2]
        data = command[5:].ljust(len(record), b"\0")[: len(record)]
        return card(command[:4] + bytes([len(data)]) + record[:2] + data[2:])


class WritesAnyShape(Alteration):
    """A card that keeps the tag and the length of a record, but says 9000 whatever they are, and takes the value."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=UPDATE_RECORD) and answer == word(0x6A80):
            record = card(bytes([0x00, READ_RECORD, *command[2:4], 0x00]))[:-2]
            return card(command[:5] + record[:2] + b"?" * (len(record) - 2))
        return answer


class KeepsAnswer(Alteration):
    """A card whose last answer waits for ever."""

    last = b""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=GET_RESPONSE):
            self.last = answer if is_good(answer) else self.last
            return self.last or answer
        return answer


def any_class(command: bytes) -> bytes:
    """Take every class for 00."""
    return b"\0" + command[1:] if command[0] & 0xF0 not in (0x00, 0x80, 0xB0) else command


def any_p1(ins: int) -> Alteration:
    """Take every P1 of an instruction for 00."""
    return commands(lambda c: c[:2] + b"\0" + c[3:] if is_command(c, ins=ins) else c)


def last_record(command: bytes) -> bytes:
    """Take *first with this tag* for *last with this tag*."""
    return command[:3] + bytes([command[3] | 1]) + command[4:] if _by_first_tag(command) else command


def _by_first_tag(command: bytes) -> bool:
    return is_command(command, ins=READ_RECORD) and command[3] & 7 == 0


FAULTS: dict[str, tuple[ModuleType, str, Callable[[], Alteration], str]] = {
    "any class": (parameters, "CMD/class", lambda: commands(any_class), "SSC-CMD-001"),
    "6D00 for a class": (parameters, "CMD/class", lambda: changed(0x6E00, 0x6D00), "SSC-CMD-001"),
    "6E00 for an instruction": (parameters, "CMD/instruction", lambda: changed(0x6D00, 0x6E00), "SSC-CMD-002"),
    "any P1 of VERIFY": (parameters, "CMD/undefined", lambda: any_p1(VERIFY), "SSC-CMD-003"),
    "any P1 of GET CHALLENGE": (parameters, "CMD/undefined", lambda: any_p1(0x84), "SSC-CMD-003"),
    "any P1 of EXTERNAL AUTHENTICATE": (parameters, "CMD/undefined", lambda: any_p1(0x82), "SSC-CMD-003"),
    "any mode of UPDATE RECORD": (
        parameters,
        "CMD/undefined",
        lambda: commands(lambda c: c[:3] + bytes([c[3] & 0xF8 | 4]) + c[4:] if is_command(c, ins=UPDATE_RECORD) else c),
        "SSC-CMD-003",
    ),
    "6A80 for a length": (parameters, "CMD/length", lambda: changed(0x6700, 0x6A80), "SSC-CMD-004"),
    "VERIFY without PIN": (parameters, "CMD/length", lambda: changed(0x6700, 0x63C6, VERIFY), "SSC-CMD-004"),
    "6982 without a file": (parameters, "CMD/no-current-file", lambda: changed(0x6986, 0x6982), "SSC-CMD-011"),
    "data again": (get_response, "CMD/get-response-empty", KeepsAnswer, "SSC-CMD-009"),
    "9000 without data": (get_response, "CMD/get-response-empty", lambda: changed(0x6985, 0x9000), "SSC-CMD-009"),
    "6700 for another Le": (
        get_response,
        "CMD/get-response-length",
        lambda: answers(lambda c, a: word(0x6700) if is_command(c, ins=GET_RESPONSE) and a[:1] == b"\x6c" else a),
        "SSC-CMD-010",
    ),
    "another 6Cxx": (
        get_response,
        "CMD/get-response-length",
        lambda: answers(lambda c, a: a[:-1] + b"\x07" if is_command(c, ins=GET_RESPONSE) and a[:1] == b"\x6c" else a),
        "SSC-CMD-010",
    ),
    "6A86 for an offset": (file_bounds, "CMD/SSSE-EF08-offset", lambda: changed(0x6B00, 0x6A86), "SSC-CMD-005"),
    "data beyond the end": (
        file_bounds,
        "CMD/SSSE-EF08-offset",
        lambda: answers(lambda c, a: b"\0" + OK if a == word(0x6B00) else a),
        "SSC-CMD-005",
    ),
    "short read": (
        file_bounds,
        "CMD/SSSE-EF08-Le",
        lambda: answers(lambda c, a: OK if is_command(c, ins=READ_BINARY) and a[:1] == b"\x6c" else a),
        "SSC-CMD-006",
    ),
    "offsets at random": (
        file_bounds,
        "CMD/read-binary-pieces",
        lambda: commands(lambda c: c[:3] + bytes([c[3] & 0xFE]) + c[4:] if is_command(c, ins=READ_BINARY) else c),
        "SSC-CMD-006",
    ),
    "updates of any length": (file_bounds, "CMD/DF01-EF05-update-length", LongUpdates, "SSC-CMD-007"),
    "9000 for a wrong length": (
        file_bounds,
        "CMD/DF01-EF05-update-length",
        lambda: changed(0x6700, 0x9000, UPDATE_RECORD),
        "SSC-CMD-007",
    ),
    "another tag taken": (file_bounds, "CMD/DF01-EF05-update-tag", WritesAnyShape, "SSC-CMD-008"),
    "6982 for another tag": (
        file_bounds,
        "CMD/DF01-EF05-update-tag",
        lambda: changed(0x6A80, 0x6982, UPDATE_RECORD),
        "SSC-CMD-008",
    ),
    "the last for the first": (addressing, "CMD/DF01-EF15-paths", lambda: commands(last_record), "SSC-REC-055"),
    "no tag": (
        addressing,
        "CMD/DF01-EF05-paths",
        lambda: answers(lambda c, a: word(0x6A83) if _by_first_tag(c) else a),
        "SSC-REC-055",
    ),
    "one record for all": (
        addressing,
        "CMD/SSSE-EF05-paths",
        lambda: commands(lambda c: c[:3] + bytes([c[3] & 0xFE]) + c[4:] if is_command(c, ins=READ_RECORD) else c),
        "SSC-REC-057",
    ),
    "current file forgotten": (
        addressing,
        "CMD/SSSE-EF05-paths",
        lambda: answers(lambda c, a: word(0x6986) if is_command(c, ins=READ_RECORD, p2=0x04) else a),
        "SSC-SEL-021",
    ),
    "update of the current file lost": (
        addressing,
        "CMD/DF01-EF16-update-paths",
        lambda: commands(lambda c: bytes.fromhex("00B0960001") if is_command(c, ins=UPDATE_BINARY, p1=0) else c),
        "SSC-SEL-021",
    ),
    "update by tag refused": (
        addressing,
        "CMD/DF01-EF05-update-paths",
        lambda: answers(lambda c, a: word(0x6A86) if is_command(c, ins=UPDATE_RECORD) and c[3] & 7 == 0 else a),
        "SSC-REC-055",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_named(name: str) -> None:
    module, only, fault, requirement = FAULTS[name]
    assert failed(module.SUITE, "ssc3-sm4", fault(), only=only) == {requirement}


def test_old_record_is_written_back_when_a_card_takes_what_it_must_refuse() -> None:
    before = run(addressing.SUITE, "ssc3-sm4", only="CMD/DF01-EF05-paths")
    assert_good(before)
    result = run(file_bounds.SUITE, "ssc3-sm4", WritesAnyShape(), only="CMD/DF01-EF05-update-tag", kept=True)
    assert set(result.verdicts.values()) == {Verdict.FAIL}
    updates = [e for e in result.log if isinstance(e, events.Exchange) and e.command.startswith("00DC")]
    assert updates[-1].response == "9000"
    assert "3F3F" not in updates[-1].command
