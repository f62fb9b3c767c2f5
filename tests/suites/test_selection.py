"""The suites of selection: a good card passes, and each way to be wrong is found and named."""

from __future__ import annotations

import pytest

from conformance.cases import Suite
from conformance.suites import directory_file, file_selection, selection, selection_environment
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from emulator.cos.session import Session

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
    commands,
    failed,
    is_command,
    is_good,
    product,
    run,
    word,
)

SUITES = (selection.SUITE, selection_environment.SUITE, file_selection.SUITE, directory_file.SUITE)
SELECT, READ_BINARY, READ_RECORD, GET_RESPONSE = 0xA4, 0xB0, 0xB2, 0xC0
ENVIRONMENT = selection.ENVIRONMENT_NAME


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


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_good_card_passes_under_block_protocol(suite: Suite) -> None:
    whole = product("ssc3-sm4")
    declared = whole.model_copy(update={"chip": whole.chip.model_copy(update={"protocol": "T=1"})})
    assert_good(run(suite, "ssc3-sm4", profile=declared, card=InProcessTarget(load_card(declared))))


def test_every_requirement_of_the_area_is_judged() -> None:
    judged = {requirement for suite in SUITES for requirement in run(suite, "ssc3-sm4").judged}
    wanted = {f"SSC-SEL-{number:03}" for number in range(1, 22)} - {"SSC-SEL-018"}  # needs a bank application
    assert wanted <= judged


def refuse(ins: int, *, p1: int | None = None, p2: int | None = None, data: bytes | None = None) -> Alteration:
    """A card that does not find what some commands ask for."""
    return answers(lambda c, answer: word(0x6A82) if is_command(c, ins=ins, p1=p1, p2=p2, data=data) else answer)


def replaced(old: bytes, new: bytes) -> Alteration:
    """A card that answers other bytes."""
    return answers(lambda _, answer: answer.replace(old, new))


def find_anything(command: bytes, answer: bytes) -> bytes:
    """Answer 9000 to whatever SELECT asks for."""
    return OK if is_command(command, ins=SELECT) and answer == word(0x6A82) else answer


class ForgetsFileWhenRefused(Alteration):
    """A refused SELECT leads into the environment."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=SELECT) and answer == word(0x6A82):
            card(bytes.fromhex("00A404000F") + ENVIRONMENT)
        return answer


class AnswersFromTheEnvironment(Alteration):
    """SELECT of a DF says 9000 and changes nothing."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        is_df = is_command(command, ins=SELECT, data=b"\xdf") or is_command(command, ins=SELECT, data=b"\xd1\x56")
        return OK if is_df else card(command)


class PromisesTooMuch(Alteration):
    """SELECT promises one byte more than GET RESPONSE gives."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=GET_RESPONSE):
            command = command[:4] + bytes([command[4] - 1])
        answer = card(command)
        return answer[:-1] + bytes([answer[-1] + 1]) if answer[-2:-1] == b"\x61" else answer


ENVIRONMENT_SELECTED = bytes.fromhex("840F") + ENVIRONMENT
FAULTS = {
    "environment unknown": (selection_environment, "SEL/environment/", refuse(SELECT, data=ENVIRONMENT), "SSC-SEL-001"),
    "directory file elsewhere": (
        selection_environment,
        "SEL/environment-inf",
        replaced(b"\x88\x01\x1e", b"\x88\x01\x1d"),
        "SSC-SEL-002",
    ),
    "another name": (
        selection_environment,
        "SEL/environment-inf",
        replaced(ENVIRONMENT, ENVIRONMENT[:-1] + b"\0"),
        "SSC-SEL-002",
    ),
    "algorithm of 3DES": (
        selection_environment,
        "SEL/algorithm",
        replaced(b"\x86\x01\x03", b"\x86\x01\x01"),
        "SSC-SEL-003",
    ),
    "algorithm missing": (
        selection_environment,
        "SEL/algorithm",
        replaced(bytes.fromhex("A50988011E9F0C03860103"), bytes.fromhex("A50988011E8006000000000000")[:11]),
        "SSC-SEL-003",
    ),
    "template too long": (selection, "SEL/SSSE-lengths", replaced(b"\x6f\x1c", b"\x6f\x1d"), "SSC-SEL-004"),
    "inner length wrong": (selection, "SEL/DF01-lengths", replaced(b"\x84\x06", b"\x84\x05"), "SSC-SEL-004"),
    "promise not kept": (selection, "SEL/DF02-get-response", PromisesTooMuch(), "SSC-SEL-005"),
    "no 61xx": (
        selection,
        "SEL/SSSE-get-response",
        answers(lambda command, answer: OK if is_command(command, ins=SELECT) and is_good(answer) else answer),
        "SSC-SEL-005",
    ),
    "DF by identifier unknown": (selection, "SEL/DF03-identifier", refuse(SELECT, data=b"\xdf\x03"), "SSC-SEL-011"),
    "DF by identifier not entered": (selection, "SEL/DF03-identifier", AnswersFromTheEnvironment(), "SSC-SEL-011"),
    "MF unknown": (selection, "SEL/DF04-to-MF", refuse(SELECT, data=b"\x3f\x00"), "SSC-SEL-014"),
    "MF not entered": (
        selection,
        "SEL/DF04-to-MF",
        commands(lambda command: bytes.fromhex("00A4000002DF04") if is_command(command, data=b"\x3f\x00") else command),
        "SSC-SEL-014",
    ),
    "any P1 for the first": (
        selection,
        "SEL/undefined",
        commands(lambda c: c[:2] + b"\x02\x00" + c[4:] if is_command(c, ins=SELECT, p1=0x0F) else c),
        "SSC-SEL-020",
    ),
    "EF unknown with P1 02": (
        file_selection,
        "SEL/DF01-EF05-identifier",
        refuse(SELECT, p1=0x02, data=b"\xef\x05"),
        "SSC-SEL-012",
    ),
    "EF not current": (
        file_selection,
        "SEL/SSSE-EF05-identifier",
        answers(lambda c, a: word(0x6986) if is_command(c, ins=READ_RECORD, p2=0x04) else a),
        "SSC-SEL-012",
    ),
    "another EF current": (
        file_selection,
        "SEL/SSSE-EF05-identifier",
        commands(lambda c: c[:-1] + b"\x06" if is_command(c, ins=SELECT, data=b"\xef\x05") else c),
        "SSC-SEL-012",
    ),
    "nonsense for an EF": (
        file_selection,
        "SEL/SSSE-EF05-identifier",
        answers(lambda c, a: b"\xa5\x05\x01" + a if is_command(c, ins=SELECT, data=b"\xef\x05") else a),
        "SSC-SEL-013",
    ),
    "anything found": (file_selection, "SEL/unknown-identifier", answers(find_anything), "SSC-SEL-015"),
    "any name found": (file_selection, "SEL/unknown-name", answers(find_anything), "SSC-SEL-015"),
    "something found": (file_selection, "SEL/unknown-anything", answers(find_anything), "SSC-SEL-015"),
    "lost after a refusal": (file_selection, "SEL/unknown", ForgetsFileWhenRefused(), "SSC-SEL-015"),
    "label of another": (
        directory_file,
        "SEL/labels",
        replaced("生命与健康信息区".encode("gbk"), "生命与健康信息".encode("gbk") + b"\0\0"),
        "SSC-SEL-016",
    ),
    "application not listed": (
        directory_file,
        "SEL/directory-file",
        replaced(bytes.fromhex("D15600000503"), bytes.fromhex("D15600000513")),
        "SSC-SEL-017",
    ),
    "no directory file": (directory_file, "SEL/directory-file", refuse(READ_RECORD, p2=0xF4), "SSC-SEL-017"),
    "another template": (directory_file, "SEL/directory-file", replaced(b"\x70", b"\x71"), "SSC-SEL-017"),
    "partial name refused": (
        directory_file,
        "SEL/partial-name",
        answers(lambda c, a: word(0x6A82) if is_command(c, ins=SELECT, p1=4) and c[4] < 6 else a),
        "SSC-SEL-019",
    ),
    "the next is the first": (
        directory_file,
        "SEL/next-name",
        commands(lambda c: c[:3] + b"\x00" + c[4:] if is_command(c, ins=SELECT, p2=2) else c),
        "SSC-SEL-019",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_named(name: str) -> None:
    module, only, fault, requirement = FAULTS[name]
    assert failed(module.SUITE, "ssc3-sm4", fault, only=only) == {requirement}


@pytest.mark.parametrize(
    ("directory", "requirement"), [(name, found[0]) for name, found in selection.APPLICATIONS.items()]
)
def test_application_missing_or_hidden_is_found(directory: str, requirement: str) -> None:
    aid = bytes.fromhex(selection.APPLICATIONS[directory][1])
    missing = refuse(SELECT, data=aid)
    assert failed(selection.SUITE, "ssc3-sm4", missing, only=f"SEL/{directory}-name") == {requirement}
    assert failed(selection.SUITE, "ssc3-sm4", AnswersFromTheEnvironment(), only=f"SEL/{directory}-name") == {
        requirement
    }


@pytest.mark.parametrize(
    ("directory", "requirement"), [(name, found[0]) for name, found in selection.APPLICATIONS.items()]
)
def test_application_that_is_not_declared_must_be_absent(directory: str, requirement: str) -> None:
    whole = product("ssc3-sm4")
    kept = {name: found for name, found in whole.directory.items() if name != directory}
    result = run(
        selection.SUITE,
        "ssc3-sm4",
        only=f"SEL/{directory}-name",
        profile=whole.model_copy(update={"directory": kept}),
    )
    applies = result.outcomes != []
    assert result.failed == ({requirement} if applies else set())


def test_file_not_made_current_by_its_short_identifier_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "make_current", lambda self, file: None)
    only = "SEL/SSSE-EF05-short"
    assert run(file_selection.SUITE, "ssc3-sm4", only=only).failed == {"SSC-SEL-021"}


def test_declared_refusal_of_partial_names_is_held_against_the_card() -> None:
    whole = product("ssc3-sm4")
    settings = whole.settings.model_copy(update={"partial_name": "refused"})
    declared = whole.model_copy(update={"settings": settings})
    result = run(directory_file.SUITE, "ssc3-sm4", only="SEL/partial-name", profile=declared)
    assert result.failed == {"SSC-SEL-019"}


def test_payment_environment_is_judged_on_a_card_with_a_bank_application() -> None:
    name = b"1PAY.SYS.DDF01"
    only = "SEL/payment-environment"
    assert_good(run(directory_file.SUITE, "ssc3-sm4", only=only))
    without_name = answers(lambda c, a: word(0x6A82) if is_command(c, ins=SELECT, data=name) else a)
    assert run(directory_file.SUITE, "ssc3-sm4", without_name, only=only).failed == {"SSC-SEL-018"}

    def other_name(command: bytes, answer: bytes) -> bytes:
        return answer.replace(name, b"1PAY.SYS.DDF02")

    assert run(directory_file.SUITE, "ssc3-sm4", answers(other_name), only=only).failed == {"SSC-SEL-018"}
