"""The suites of formats and identification data: a good card passes, and each wrong value is found and named."""

from __future__ import annotations

import pytest

from conformance.cases import Suite
from conformance.declared import traits_of
from conformance.events import CaseFinished, Check
from conformance.requirements import load_catalogue
from conformance.suites import format_values, formats, identification_elements
from conformance.suites.standard.values import an_problem, cn_problem, difference, shown, text_problem
from conformance.verdict import Verdict
from profiles.model import Profile

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
    product,
    run,
    word,
)
from .deviating import READ_BINARY, Edit, Edited, replaced, run_vendor, with_access

SUITES = (identification_elements.SUITE, formats.SUITE, format_values.SUITE)
NOT_ON_THE_CARD = {"ssc3-sm4": set[str](), "ssc2-3des": {"SSC-FMT-022"}}
"""No photograph was written to the card of version 2.00."""


def found(alteration: Alteration, directory: str = "") -> set[str | None]:
    """What all suites of the area find; of the cases of single files only those of one directory."""
    cases = [case.identifier for suite in SUITES for case in suite.cases(product("ssc3-sm4"))]
    only = tuple(name for name in cases if directory in name or name[4].islower())
    return {requirement for suite in SUITES for requirement in run(suite, "ssc3-sm4", alteration, only=only).failed}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_good_card_passes(suite: Suite, name: str) -> None:
    assert_good(run(suite, name))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_hostile_card_fails_cleanly(suite: Suite, name: str) -> None:
    assert_judged(run(suite, "ssc3-sm4", HOSTILE[name]()))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_card_that_must_survive_is_left_as_it_was(suite: Suite) -> None:
    assert_left_as_it_was(suite, "ssc3-sm4")


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_applicable_requirement_is_judged(name: str) -> None:
    judged = {requirement for suite in SUITES for requirement in run(suite, name).judged}
    traits = traits_of(product(name))
    wanted = {row.id for row in load_catalogue().area("FMT").requirements if row.applicability(traits).applies}
    assert wanted - NOT_ON_THE_CARD[name] <= judged
    assert {"SSC-REC-062", "SSC-REC-063"} <= judged


def test_blank_card_has_nothing_to_judge() -> None:
    verdicts = {verdict for suite in SUITES for verdict in run(suite, "blank").verdicts.values()}
    assert verdicts <= {Verdict.NOT_APPLICABLE}


# Wrong values

ISSUER, HOLDER = "SSSE/EF05", "SSSE/EF06"


def patched(tag: int, offset: int, new: bytes) -> Edit:
    """Other bytes inside the value of a tag, or of every cyclic record for tag 0."""

    def edit(_: int, record: bytes) -> bytes:
        if tag and record[:1] != bytes([tag]):
            return record
        at = offset + (2 if tag else 0)
        return record[:at] + new + record[at + len(new) :]

    return edit


def padded(text: str, length: int, padding: bytes = b"\x00") -> bytes:
    return text.encode("gbk").ljust(length, padding)


@pytest.mark.parametrize(
    ("path", "edit", "requirements"),
    [
        (ISSUER, patched(0x01, 7, b"\x06"), {"SSC-FMT-004", "SSC-FMT-006"}),
        (ISSUER, patched(0x01, 0, b"\x51"), {"SSC-FMT-005", "SSC-FMT-006"}),
        (ISSUER, patched(0x01, 0, b"\x99"), {"SSC-FMT-005", "SSC-FMT-006"}),
        (ISSUER, patched(0x01, 12, b"\xff\xff\xff\xff"), {"SSC-FMT-006"}),
        (ISSUER, replaced(0x02, b"5"), {"SSC-FMT-007"}),
        (ISSUER, replaced(0x02, b"\x03"), {"SSC-FMT-007", "SSC-FMT-003"}),
        (ISSUER, replaced(0x03, b"3.01"), {"SSC-FMT-008"}),
        (ISSUER, replaced(0x03, b"2.00"), {"SSC-FMT-008"}),
        (ISSUER, patched(0x04, 4, b"\x03"), {"SSC-FMT-010"}),
        (ISSUER, patched(0x04, 5, b"\x51"), {"SSC-FMT-011"}),
        (ISSUER, replaced(0x05, bytes.fromhex("20260230")), {"SSC-FMT-012"}),
        (ISSUER, replaced(0x05, bytes.fromhex("29991231")), {"SSC-FMT-012", "SSC-FMT-013"}),
        (ISSUER, replaced(0x06, bytes.fromhex("20250105")), {"SSC-FMT-013"}),
        (ISSUER, replaced(0x06, bytes.fromhex("20361305")), {"SSC-FMT-013"}),
        (ISSUER, patched(0x07, 0, b"a"), {"SSC-FMT-014", "SSC-FMT-015"}),
        (ISSUER, patched(0x07, 8, b"5"), {"SSC-FMT-015"}),
        (HOLDER, patched(0x08, 17, b"0"), {"SSC-FMT-016"}),
        (HOLDER, replaced(0x08, bytes(18)), {"SSC-FMT-016", "SSC-FMT-021"}),
        (HOLDER, replaced(0x0A, b"3"), {"SSC-FMT-018"}),
        (HOLDER, replaced(0x0B, b"\x57"), {"SSC-FMT-019"}),
        (HOLDER, replaced(0x0B, b"\x00"), {"SSC-FMT-019", "SSC-REC-062"}),
        (HOLDER, replaced(0x0C, bytes.fromhex("990103")), {"SSC-FMT-020"}),
        (HOLDER, replaced(0x0D, bytes.fromhex("19900301")), {"SSC-FMT-021"}),
        (HOLDER, replaced(0x09, padded("渝小样", 30)[:5] + bytes(25)), {"SSC-FMT-003", "SSC-FMT-017"}),
        (HOLDER, replaced(0x09, bytes(30)), {"SSC-FMT-017"}),
        (HOLDER, replaced(0x4E, padded("样", 20)), {"SSC-FMT-017"}),
        ("DF01/EF05", replaced(0x0E, bytes.fromhex("5001A3")), {"SSC-FMT-001"}),
        ("DF01/EF05", replaced(0x0E, bytes.fromhex("50F103")), {"SSC-FMT-001"}),
        ("DF01/EF05", replaced(0x21, padded("重庆市", 80, b" ")), {"SSC-FMT-002"}),
        ("DF01/EF05", replaced(0x21, padded("重庆市", 80, b"\xff")), {"SSC-FMT-002"}),
        ("DF01/EF05", replaced(0x21, b"\x00" + padded("重庆市", 79)), {"SSC-FMT-002", "SSC-FMT-003"}),
        ("DF01/EF05", replaced(0x21, padded("重庆市", 80)[:5] + bytes(75)), {"SSC-FMT-003"}),
        ("DF01/EF15", lambda n, record: record[:4] + b"\x07" + record[5:] if n == 2 else record, {"SSC-FMT-003"}),
        ("DF02/EF07", patched(0, 7, b"\xa0"), {"SSC-FMT-001"}),
        ("DF03/EF18", replaced(0x75, bytes(3)), {"SSC-REC-062"}),
        ("DF03/EF18", replaced(0x74, b"\xff" * 3), {"SSC-FMT-002", "SSC-REC-063"}),
        ("DF04/EF06", replaced(0x92, bytes.fromhex("0000000A")), {"SSC-FMT-001", "SSC-FMT-023"}),
        ("DF04/EF06", replaced(0x92, bytes.fromhex("1000FFFF")), {"SSC-FMT-023"}),
        ("DF04/EF08", patched(0, 20, bytes.fromhex("00012850")), {"SSC-FMT-023"}),
        ("DF04/EF08", patched(0, 3, b"\x99"), {"SSC-FMT-024"}),
        ("DF04/EF08", patched(0, 10, b"\x26\x13"), {"SSC-FMT-025"}),
        ("DF04/EF08", patched(0, 13, b"\x24"), {"SSC-FMT-025"}),
    ],
)  # fmt: skip
def test_wrong_values_are_found(path: str, edit: Edit, requirements: set[str]) -> None:
    assert found(Edited(path, edit), path.partition("/")[0]) == requirements


def test_extended_name_padded_with_ff_is_tolerated() -> None:
    edit = replaced(0x4E, b"\xff" * 20)
    for suite in SUITES:
        assert_good(run(suite, "ssc3-sm4", Edited(HOLDER, edit)))


def test_foreigner_has_no_citizen_number() -> None:
    edit = replaced(0x08, b"USA012345678900011")
    verdicts = run(identification_elements.SUITE, "ssc3-sm4", Edited(HOLDER, edit)).verdicts
    assert verdicts["FMT/social-security-number/BV"] is Verdict.NOT_APPLICABLE


def test_version_3_must_announce_its_algorithm() -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        return answer.replace(b"\x9f\x0c\x03\x86", b"\x9f\x0d\x03\x86")

    assert found(answers(change)) == {"SSC-FMT-009"}


def test_version_3_must_protect_the_holder() -> None:
    profile = with_access(HOLDER, read="free")
    assert run_vendor(formats.SUITE, profile, "FMT/version-and-structure").failed == {"SSC-FMT-009"}


@pytest.mark.parametrize(
    ("beginning", "good"),
    [(b"\xff\xd8", True), (b"BM\x10\x00\x00\x00", True), (b"GIF8", False), (b"BM\x00\x20\x00\x00", False)],
)
def test_kinds_of_photographs(beginning: bytes, good: bool) -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        first = command[:4] == bytes([0x00, READ_BINARY, 0x88, 0x00]) and answer[-2:] == OK
        return beginning + answer[len(beginning) :] if first else answer

    assert found(answers(change)) == (set() if good else {"SSC-FMT-022"})


def test_photograph_cut_off_is_found() -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        return answer.replace(b"\xff\xd9", b"\xff\xd7")

    assert found(answers(change)) == {"SSC-FMT-022"}


# Version 1.0


class OldAmounts(Alteration):
    """DF04/EF06 as on a card of version 1.0, where element 90 has four bytes; rights are those of the card behind."""

    def __init__(self, forgetful: bool = False) -> None:
        self.value = b"\x90\x04" + bytes(4)
        self.forgetful = forgetful

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if command[:4] == bytes.fromhex("00B20134"):
            answer = card(command)
            return self.value + OK if answer[-2:] == OK else answer
        if command[:4] == bytes.fromhex("00DC0134"):
            answer = card(bytes.fromhex("00DC013403900130"))
            if answer == OK:
                self.value = command[5:-1] + b"\x00" if self.forgetful else command[5:]
            return answer
        return card(command)


def version_1() -> Profile:
    return product("ssc2-3des").model_copy(update={"specification": "1.00"})


def test_redefined_element_of_an_old_card() -> None:
    only = "FMT/redefined-element"
    assert_good(run_vendor(format_values.SUITE, version_1(), only, OldAmounts()))
    assert run_vendor(format_values.SUITE, version_1(), only, OldAmounts(forgetful=True)).failed == {"SSC-FMT-026"}


# Reading values


@pytest.mark.parametrize("value", ["", "FF", "12FF", "123F", "1234"])
def test_good_digits(value: str) -> None:
    assert cn_problem(0x05, bytes.fromhex(value)) is None


@pytest.mark.parametrize("value", ["F1", "1A", "1FF1", "D1", "EE"])
def test_bad_digits(value: str) -> None:
    assert cn_problem(0x05, bytes.fromhex(value)) is not None


def test_gbk_characters() -> None:
    """All of GBK as Python knows it, and 䶮, which GB18030 has at FE9F of GBK's own area."""
    for code in range(0x8140, 0xFEFF):
        try:
            code.to_bytes(2).decode("gbk")
        except UnicodeDecodeError:
            continue
        assert text_problem(code.to_bytes(2)) is None
    assert text_problem(bytes.fromhex("FE9F")) is None
    assert text_problem(bytes.fromhex("B0A1B0")) == "half a character at byte 2"
    assert text_problem(bytes.fromhex("B030")) == "B030 at byte 0 is no GBK character"


@pytest.mark.parametrize(("value", "problem"), [(b"ab\x00", None), (b"", None), (b"a\x00b", "00 inside the text"), (b"ab ", "padded with blanks")])  # fmt: skip
def test_padding_of_text(value: bytes, problem: str | None) -> None:
    assert an_problem(0x21, value) == problem


def test_personal_data_do_not_enter_the_log() -> None:
    assert shown(0x08, b"500000199002280026") == "9" * 18
    assert shown(0x09, "渝A".encode("gbk") + b"\x00") == "xxA[00]"
    assert shown(0x0D, bytes.fromhex("19900228")) == "99999999"
    assert shown(0x0A, b"2") == "32"
    assert shown(0x77, bytes.fromhex("19AAFFFF")) == "19AAFFFF"
    assert difference(b"\x08\x01\x31", b"\x08\x01\x32") == "0801… (3 bytes); differs from byte 2 on"


def test_checks_and_reasons_hold_no_personal_data() -> None:
    """Whatever a card shows under the name of its holder, neither a check nor a reason repeats it."""
    secret = b"SECRETSECRETSECRETSECRETSECRET"
    alteration = Edited(HOLDER, lambda _, record: record[:2] + secret[: len(record) - 2])
    for suite in SUITES:
        log = run(suite, "ssc3-sm4", alteration).log
        written = [event for event in log if isinstance(event, Check)]
        reasons = [event.reason for event in log if isinstance(event, CaseFinished)]
        said = repr([written, reasons])
        assert "SECRET" not in said
        assert b"SECRET".hex().upper() not in said


def test_refused_answers_are_no_values() -> None:
    """A card that refuses to be read is left to the access rights: no value is judged wrong."""
    refusal = answers(lambda command, answer: word(0x6982) if command[1] == 0xB2 else answer)
    assert found(refusal) == set()
