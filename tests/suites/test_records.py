"""The suites of files and records: a good card passes, and each way to deviate from the standard is found and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cases import Suite
from conformance.declared import traits_of
from conformance.requirements import load_catalogue
from conformance.suites import access, local_files, record_addressing, record_borders, records
from conformance.verdict import Verdict
from profiles import load
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
    failed,
    product,
    run,
    word,
)
from .deviating import READ_BINARY, READ_RECORD, Edit, Edited, run_vendor, vendor

SUITES = (records.SUITE, record_addressing.SUITE, record_borders.SUITE, local_files.SUITE)
JUDGED_ELSEWHERE = {"SSC-REC-062", "SSC-REC-063"}
"""The initial fill is judged with the formats."""


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
    wanted = {row.id for row in load_catalogue().area("REC").requirements if row.applicability(traits).applies}
    assert wanted - JUDGED_ELSEWHERE <= judged


def test_blank_card_has_nothing_to_judge() -> None:
    verdicts = {verdict for suite in SUITES for verdict in run(suite, "blank").verdicts.values()}
    assert verdicts <= {Verdict.NOT_APPLICABLE}


# What the card shows


def swapped(first: int, second: int) -> Edit:
    kept: dict[int, bytes] = {}

    def edit(number: int, record: bytes) -> bytes:
        kept[number] = record
        return kept.get({first: second, second: first}.get(number, number), record)

    return edit


def without(number: int) -> Edit:
    return lambda found, record: b"" if found >= number else record


def further(number: int, record: bytes) -> Edit:
    return lambda found, old: record if found == number else old


def cut(found: int, record: bytes) -> bytes:
    return record[:-1]


@pytest.mark.parametrize(
    ("path", "edit", "requirements"),
    [
        ("SSSE/EF05", without(7), {"SSC-REC-001"}),
        ("SSSE/EF05", further(8, b"\xfe\x01\x00"), {"SSC-REC-001"}),
        ("SSSE/EF06", lambda n, record: b"\x0a\x01\x32" if n == 3 else record, {"SSC-REC-002", "SSC-REC-061"}),
        ("DF01/EF05", lambda n, record: record[:1] + bytes([record[1] + 1]) + record[2:] if n == 2 else record, {"SSC-REC-052"}),
        ("DF01/EF05", lambda n, record: b"\x0f" + record[1:] if n == 3 else record, {"SSC-REC-005"}),
        ("DF01/EF05", further(4, b"\x20\x02\x31\x31"), {"SSC-REC-005"}),
        ("DF01/EF06", lambda n, record: record[:1] + b"\x02" + record[2:4] if n == 2 else record, {"SSC-REC-006"}),
        ("DF01/EF15", lambda n, record: record[:2] + b"\x56" + record[3:] if n == 4 else record, {"SSC-REC-053"}),
        ("DF02/EF07", cut, {"SSC-REC-015"}),
        ("DF03/EF19", without(4), {"SSC-REC-026"}),
        ("DF04/EF08", cut, {"SSC-REC-029"}),
        ("DF05/EF05", without(20), {"SSC-REC-034"}),
    ],
)  # fmt: skip
def test_other_records_are_found(path: str, edit: Edit, requirements: set[str]) -> None:
    assert failed(records.SUITE, "ssc3-sm4", Edited(path, edit)) == requirements


def test_local_records_behind_the_standard_ones_are_allowed() -> None:
    assert_good(run(records.SUITE, "ssc3-sm4", Edited("DF01/EF05", further(4, b"\xee\x01\x31"))))


@pytest.mark.parametrize("path", ["DF02/EF06", "DF03/EF05"])
def test_tag_60_twice_or_never(path: str) -> None:
    """The good card has it in DF02/EF06."""
    date = bytes.fromhex("6004FFFFFFFF")
    missing = without(4) if path == "DF02/EF06" else further(8, date)
    found = failed(records.SUITE, "ssc3-sm4", Edited(path, missing), only="REC/tag-60")
    assert found == {"SSC-REC-054"}


# What the vendor declares


def changed(**changes: object) -> Callable[[File], File]:
    return lambda file: file.model_copy(update=changes)


def absent(file: File) -> None:
    return None


@pytest.mark.parametrize(
    ("path", "change", "requirement"),
    [
        ("SSSE/EF06", changed(elements=("08", "09", "0A", "4E", "0B", "0C", "0D")), "SSC-REC-002"),
        ("SSSE/EF07", changed(size=1024), "SSC-REC-003"),
        ("SSSE/EF08", absent, "SSC-REC-004"),
        ("DF01/EF07", changed(elements=("2B",)), "SSC-REC-007"),
        ("DF01/EF08", absent, "SSC-REC-008"),
        ("DF01/EF09", changed(elements=("2E", "32")), "SSC-REC-009"),
        ("DF01/EF0A", changed(elements=("38", "37", "39")), "SSC-REC-010"),
        ("DF01/EF15", changed(elements=("2A", "40", "40")), "SSC-REC-011"),
        ("DF01/EF18", changed(size=295), "SSC-REC-012"),
        ("DF01/EF1A", changed(structure="variable", size=None, elements=("20",)), "SSC-REC-012"),
        ("DF02/EF05", changed(elements=("42", "41", "43", "44", "44")), "SSC-REC-013"),
        ("DF02/EF06", changed(elements=("4C", "4B", "4D", "60", "50", "3A")), "SSC-REC-014"),
        ("DF02/EF07", changed(records=3), "SSC-REC-015"),
        ("DF02/EF09", absent, "SSC-REC-016"),
        ("DF02/EF15", changed(elements=("99", "99", "99", "0F", "1F")), "SSC-REC-017"),
        ("DF02/EF16", changed(layout="employment record"), "SSC-REC-018"),
        ("DF03/EF05", changed(elements=("61", "98", "62", "63", "64", "65")), "SSC-REC-019"),
        ("DF03/EF06", absent, "SSC-REC-020"),
        ("DF03/EF07", changed(elements=("70", "71", "6E", "6F", "6C", "73")), "SSC-REC-021"),
        ("DF03/EF15", absent, "SSC-REC-022"),
        ("DF03/EF16", changed(elements=("51",)), "SSC-REC-023"),
        ("DF03/EF17", absent, "SSC-REC-024"),
        ("DF03/EF18", changed(elements=("74", "75", "76", "77")), "SSC-REC-025"),
        ("DF03/EF19", changed(elements=("79", "79", "79")), "SSC-REC-026"),
        ("DF04/EF05", changed(elements=("81", "84", "87")), "SSC-REC-027"),
        ("DF04/EF06", changed(elements=("90", "93", "92")), "SSC-REC-028"),
        ("DF04/EF08", absent, "SSC-REC-029"),
        ("DF04/EF15", changed(records=7), "SSC-REC-030"),
        ("DF07/EF05", absent, "SSC-REC-031"),
        ("DF07/EF06", changed(elements=("F5", "F6")), "SSC-REC-032"),
        ("DF07/EF07", absent, "SSC-REC-033"),
    ],
)  # fmt: skip
def test_vendors_deviation_is_found_though_he_declares_it(
    path: str, change: Callable[[File], File | None], requirement: str
) -> None:
    profile = vendor(change, path)
    assert requirement in run_vendor(records.SUITE, profile, "REC/" + path.replace("/", "-")).failed


def test_more_cyclic_records_are_allowed() -> None:
    profile = vendor(changed(records=20), "DF02/EF07")
    assert_good(run_vendor(records.SUITE, profile, "REC/DF02-EF07"))


def test_optional_directory_is_judged_where_it_is_declared(tmp_path: Path) -> None:
    file = tmp_path / "with-df06.toml"
    file.write_text('format = 1\nname = "with-df06"\nextends = "ssc3-sm4"\n[directory.DF06]\npresent = true\n')
    profile = load(file)
    result = run_vendor(records.SUITE, profile, "REC/DF06")
    assert_good(result)
    assert {"SSC-REC-035", "SSC-REC-036"} <= result.judged
    rights = run_vendor(access.SUITE, profile, "ACC/DF06")
    assert_good(rights)
    assert {f"SSC-ACC-0{number}" for number in range(69, 73)} <= rights.judged


# Addressing


def mode(command: bytes) -> int | None:
    """The low bits of P2 of a READ RECORD."""
    return command[3] & 7 if command[1:2] == bytes([READ_RECORD]) else None


def beyond(command: bytes, answer: bytes) -> bytes:
    return word(0x6A82) if mode(command) == 4 and answer == word(0x6A83) else answer


def le_ignored(command: bytes, answer: bytes) -> bytes:
    return b"\x00" * command[-1] + OK if len(answer) == 2 and answer[0] == 0x6C else answer


def data_with_6c(command: bytes, answer: bytes) -> bytes:
    return b"\x00" + answer if len(answer) == 2 and answer[0] == 0x6C else answer


def type_ignored(command: bytes, answer: bytes) -> bytes:
    return word(0x6986) if answer == word(0x6981) else answer


def one_record_less(command: bytes, answer: bytes) -> bytes:
    return answer[: -2 - answer[1] - 2] + OK if mode(command) == 5 and len(answer) > 20 else answer


def tags_unknown(command: bytes, answer: bytes) -> bytes:
    return word(0x6A83) if mode(command) == 0 else answer


class StuckPointer(Alteration):
    """A card on which *next* finds the first record again."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if mode(command) == 2:
            return card(command[:3] + bytes([command[3] & 0xF8]) + command[4:])
        return card(command)


@pytest.mark.parametrize(
    ("suite", "fault", "requirements"),
    [
        (record_addressing.SUITE, answers(tags_unknown), {"SSC-REC-055", "SSC-REC-056"}),
        (record_addressing.SUITE, StuckPointer(), {"SSC-REC-056"}),
        (record_addressing.SUITE, answers(one_record_less), {"SSC-REC-057"}),
        (record_addressing.SUITE, answers(beyond), {"SSC-REC-058"}),
        (record_addressing.SUITE, answers(le_ignored), {"SSC-REC-059"}),
        (record_addressing.SUITE, answers(data_with_6c), {"SSC-REC-059"}),
        (record_addressing.SUITE, answers(type_ignored), {"SSC-REC-060"}),
        (record_borders.SUITE, answers(tags_unknown), {"SSC-REC-055"}),
        (record_borders.SUITE, answers(beyond), {"SSC-REC-058"}),
        (record_borders.SUITE, answers(le_ignored), {"SSC-REC-059"}),
    ],
)
def test_faults_of_addressing_are_found(suite: Suite, fault: Alteration, requirements: set[str]) -> None:
    assert failed(suite, "ssc3-sm4", fault) == requirements


# Local files, and the file that nobody may read


def test_other_person_number_is_found() -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        return b"\xea\x0b" + answer[3:] if answer[:2] == b"\xea\x0c" else answer

    assert failed(local_files.SUITE, "ssc3-sm4", answers(change)) == {"SSC-REC-064"}


def with_local_data(key: str) -> Profile:
    """A card with SSSE/EF0C, as some areas have it."""
    profile = product("ssc3-sm4")
    ssse = profile.directory["SSSE"]
    local = ssse.file["EF0D"].model_copy(update={"fid": bytes.fromhex("EF0C"), "read": ssse.file["EF06"].read})
    described = ssse.model_copy(update={"file": {**ssse.file, "EF0C": local}})
    return profile.model_copy(update={"directory": {**profile.directory, "SSSE": described}})


def test_local_data_are_read_with_their_key() -> None:
    profile = with_local_data("RKMFEF0C")
    assert_good(run_vendor(local_files.SUITE, profile, "REC/SSSE-EF0C"))
    refusal = answers(lambda command, answer: word(0x6A83) if command[:4] == bytes.fromhex("00B20104") else answer)
    assert run_vendor(local_files.SUITE, profile, "REC/SSSE-EF0C", refusal).failed == {"SSC-REC-065"}


def test_readable_amounts_are_found() -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        amounts = command[1] == READ_BINARY and command[2] == 0x81
        return bytes(20) + OK if amounts else answer

    assert failed(local_files.SUITE, "ssc3-sm4", answers(change)) == {"SSC-REC-066"}
