"""The suites of access rights: a good card passes, and every right too many or too few is found and named."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from conformance.cases import Suite
from conformance.declared import traits_of
from conformance.requirements import load_catalogue
from conformance.suites import access, access_paths, formats, identification_elements, records
from conformance.suites.standard import StandardFile, standard_files
from conformance.verdict import Verdict
from profiles.access import AccessCondition
from profiles.model import Profile

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Run,
    Transmit,
    answers,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    product,
    run,
    word,
)
from .deviating import READ_BINARY, READ_RECORD, UPDATE_BINARY, UPDATE_RECORD, run_vendor, with_access

SUITES = (access.SUITE, access_paths.SUITE)
FILES = standard_files(product("ssc3-sm4"))
REFUSED = word(0x6982)
GENERAL = {"SSC-ACC-073", "SSC-ACC-074", "SSC-ACC-075"}


@cache
def whole(suite: Suite, name: str) -> Run:
    """A run on a good card."""
    return run(suite, name)


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_good_card_passes(suite: Suite, name: str) -> None:
    assert_good(whole(suite, name))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_hostile_card_fails_cleanly(suite: Suite, name: str) -> None:
    only = ("ACC/SSSE-EF0", "ACC/SSSE-any", "ACC/DF02-EF07", "ACC/local", "ACC/card")
    assert_judged(run(suite, "ssc3-sm4", HOSTILE[name](), only=only))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_card_that_must_survive_is_left_as_it_was(suite: Suite) -> None:
    assert_left_as_it_was(suite, "ssc3-sm4")


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_applicable_requirement_is_judged(name: str) -> None:
    judged = {requirement for suite in SUITES for requirement in whole(suite, name).judged}
    traits = traits_of(product(name))
    wanted = {row.id for row in load_catalogue().area("ACC").requirements if row.applicability(traits).applies}
    assert wanted == judged


def test_blank_card_has_nothing_to_judge() -> None:
    verdicts = {verdict for suite in SUITES for verdict in run(suite, "blank").verdicts.values()}
    assert verdicts <= {Verdict.NOT_APPLICABLE}


# Other conditions, declared by the vendor himself


def keys_of(file: StandardFile) -> list[str]:
    directories = product("ssc3-sm4").directory
    held = {**directories[file.directory].key, **directories["SSSE"].key}
    return [name for name, key in held.items() if key.use == "external authentication"]


def foreign(file: StandardFile, condition: AccessCondition) -> str:
    return next(key for key in keys_of(file) if key not in condition.names)


def free(file: StandardFile, condition: AccessCondition) -> str:
    return foreign(file, condition) if condition.is_free else "free"


def wider(file: StandardFile, condition: AccessCondition) -> str:
    key = foreign(file, condition)
    return key if condition.is_free else "PIN" if condition.is_never else f"{condition} or {key}"


def narrower(file: StandardFile, condition: AccessCondition) -> str:
    """One key more is needed, or where two are, only one of them is left."""
    key = foreign(file, condition)
    if condition.is_free or condition.is_never:
        return key
    name, *more = sorted(condition.names)
    return f"{name} and {key}" if not more or len(condition.alternatives) > 1 else name


def deviating(operation: str, other: Callable[[StandardFile, AccessCondition], str]) -> Profile:
    """A card on which every file has another condition."""
    profile = product("ssc3-sm4")
    for file in FILES:
        right = file.read if operation == "read" else file.update
        profile = with_access(file.path, base=profile, **{operation: other(file, right.condition)})
    return profile


@pytest.mark.parametrize("other", [free, wider, narrower])
def test_other_read_conditions_are_found(other: Callable[[StandardFile, AccessCondition], str]) -> None:
    only = tuple(f"ACC/{file.label}-read" for file in FILES)
    found = run_vendor(access.SUITE, deviating("read", other), only).failed
    assert found - {"SSC-ACC-074"} == {file.read.requirement for file in FILES}


@pytest.mark.parametrize("other", [free, wider, narrower])
def test_other_update_conditions_are_found(other: Callable[[StandardFile, AccessCondition], str]) -> None:
    only = tuple(f"ACC/{file.label}-update" for file in FILES)
    found = run_vendor(access.SUITE, deviating("update", other), only).failed
    assert found - GENERAL == {file.update.requirement for file in FILES}


@pytest.mark.parametrize(
    ("path", "read", "update", "requirement"),
    [
        ("DF01/EF05", "PIN or RK1DF01", "UK1DF01 or PIN", "SSC-ACC-073"),
        ("DF01/EF05", "PIN or RK1DF01", "UK1DF01 or RK1DF01", "SSC-ACC-074"),
        ("DF01/EF05", "PIN or RK1DF01 or UK1DF01", "UK1DF01", "SSC-ACC-074"),
        ("SSSE/EF06", "RKSSSE or UKSSSE", "UKSSSE", "SSC-ACC-074"),
        ("SSSE/EF07", "RKSSSE", "UKSSSE or RKSSSE", "SSC-ACC-074"),
    ],
)
def test_general_rules_are_judged(path: str, read: str, update: str, requirement: str) -> None:
    profile = with_access(path, read=read, update=update)
    assert requirement in run_vendor(access.SUITE, profile, f"ACC/{path.replace('/', '-')}").failed


@pytest.mark.parametrize(
    ("path", "read", "update"),
    [("DF04/EF06", "PIN or RK1DF04", None), ("DF01/EF08", None, "UK2DF01"), ("DF02/EF16", None, "UK5DF02")],
)
def test_property_finds_other_conditions(path: str, read: str | None, update: str | None) -> None:
    profile = with_access(path, read=read, update=update)
    file = next(file for file in FILES if file.path == path)
    wanted = file.read.requirement if read else file.update.requirement
    assert run_vendor(access_paths.SUITE, profile, f"ACC/{path[:4]}-any-rights").failed == {wanted}


# Cards that say one thing and do another


def test_refused_update_that_is_done_all_the_same() -> None:
    """The card says 6982, and writes."""
    profile = with_access("DF01/EF07", update="free")
    updates = (UPDATE_RECORD, UPDATE_BINARY)
    says_no = answers(lambda command, answer: REFUSED if command[1] in updates and answer == OK else answer)
    found = run_vendor(access.SUITE, profile, "ACC/DF01-EF07-update/BO", says_no).failed
    assert found == {"SSC-ACC-075"}


def test_refused_read_that_gives_data() -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        return b"\x20\x02" + answer if command[1] == READ_RECORD and answer == REFUSED else answer

    result = run(access.SUITE, "ssc3-sm4", answers(change), only="ACC/DF01-EF05-read/BO")
    assert result.failed == {"SSC-ACC-075"}


def test_update_that_is_not_done() -> None:
    """The card says 9000, and writes nothing."""

    class Forgetful(Alteration):
        def transmit(self, command: bytes, card: Transmit) -> bytes:
            if command[1] == UPDATE_RECORD:
                answer = card(bytes([*command[:4], 2]) + command[5:7])
                return answer if answer == REFUSED else OK
            return card(command)

    result = run(access.SUITE, "ssc3-sm4", Forgetful(), only="ACC/DF01-EF05-update/BV")
    assert result.failed == {"SSC-ACC-010"}


class Leaking(Alteration):
    """A card that checks the right to read, but not on one way to the file."""

    def __init__(self, ins: int, p2_low: int | None = None, *, current: bool | None = None) -> None:
        self.ins, self.p2_low, self.current = ins, p2_low, current

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if command[1] != self.ins or answer != REFUSED:
            return answer
        by_sfi = command[3] >> 3 if self.ins == READ_RECORD else command[2] & 0x80
        leaks = (self.p2_low is None or command[3] & 7 == self.p2_low) and self.current in (None, not by_sfi)
        return b"\x31" * 4 + OK if leaks else answer


@pytest.mark.parametrize(
    ("fault", "path", "requirement"),
    [
        (Leaking(READ_RECORD, 0), "DF01/EF05", "SSC-ACC-009"),
        (Leaking(READ_RECORD, 4, current=True), "DF02/EF07", "SSC-ACC-029"),
        (Leaking(READ_RECORD, 5), "DF03/EF07", "SSC-ACC-041"),
        (Leaking(READ_RECORD, 6), "DF04/EF08", "SSC-ACC-057"),
        (Leaking(READ_RECORD, 1), "SSSE/EF06", "SSC-ACC-003"),
        (Leaking(READ_BINARY, current=True), "SSSE/EF07", "SSC-ACC-005"),
        (Leaking(READ_BINARY, current=False), "SSSE/EF08", "SSC-ACC-007"),
    ],
)
def test_leaks_on_single_ways_are_found(fault: Alteration, path: str, requirement: str) -> None:
    only = f"ACC/{path.replace('/', '-')}-read-paths"
    assert run(access_paths.SUITE, "ssc3-sm4", fault, only=only).failed == {requirement}


class OpenDoor(Alteration):
    """A card that takes updates without a right on one way to the file."""

    def __init__(self, ins: int, p2_low: int | None = None) -> None:
        self.ins, self.p2_low = ins, p2_low

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        opens = command[1] == self.ins and (self.p2_low is None or command[3] & 7 == self.p2_low)
        return OK if opens and answer != OK and len(command) > 5 else answer


@pytest.mark.parametrize(
    ("fault", "path", "requirement"),
    [
        (OpenDoor(UPDATE_RECORD, 0), "DF01/EF05", "SSC-ACC-010"),
        (OpenDoor(UPDATE_RECORD, 2), "DF01/EF15", "SSC-ACC-022"),
        (OpenDoor(UPDATE_RECORD, 3), "DF02/EF07", "SSC-ACC-030"),
        (OpenDoor(UPDATE_RECORD, 4), "DF04/EF08", "SSC-ACC-058"),
        (OpenDoor(0xE2), "DF04/EF15", "SSC-ACC-060"),
        (OpenDoor(UPDATE_BINARY), "SSSE/EF08", "SSC-ACC-008"),
        (OpenDoor(UPDATE_BINARY), "DF01/EF16", "SSC-ACC-024"),
    ],
)
def test_open_doors_are_found(fault: Alteration, path: str, requirement: str) -> None:
    only = f"ACC/{path.replace('/', '-')}-update-paths"
    assert run(access_paths.SUITE, "ssc3-sm4", fault, only=only).failed == {requirement}


# What the standard leaves open


def test_empty_elements_instead_of_a_refusal() -> None:
    def change(command: bytes, answer: bytes) -> bytes:
        refused = command[:2] == b"\x00\xb2" and command[3] == 0x34 and answer == REFUSED
        return b"\x08\x12" + bytes(18) + OK if refused else answer

    assert_good(run(access.SUITE, "ssc3-sm4", answers(change), only="ACC/SSSE-EF06-read"))


class ProtectedCardNumber(Alteration):
    """Record 7 of SSSE/EF05 is given only to RKSSSE, as on some cards of version 3.0."""

    def __init__(self) -> None:
        self.authenticated = False

    def reset(self, atr: bytes) -> bytes:
        self.authenticated = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if command[1] == 0x82 and command[3] == 0x0A and answer == OK:
            self.authenticated = True
        hidden = command[:4] in (bytes.fromhex("00B2072C"), bytes.fromhex("00B20728")) and not self.authenticated
        return REFUSED if hidden else answer


def test_protected_card_number_is_allowed() -> None:
    for suite in (records.SUITE, identification_elements.SUITE, formats.SUITE, *SUITES):
        only = ("REC/SSSE", "FMT/", "ACC/SSSE", "ACC/card-number")
        assert_good(run(suite, "ssc3-sm4", ProtectedCardNumber(), only=only))


def test_card_number_that_nobody_may_read() -> None:
    hidden = answers(lambda command, answer: REFUSED if command[:4] == bytes.fromhex("00B2072C") else answer)
    assert run(access_paths.SUITE, "ssc3-sm4", hidden, only="ACC/card-number").failed == {"SSC-ACC-077"}


@pytest.mark.parametrize("condition", ["free", "UKSSSE"])
def test_person_number_has_its_own_key(condition: str) -> None:
    profile = with_access("SSSE/EF0D", update=condition)
    assert run_vendor(access_paths.SUITE, profile, "ACC/SSSE-EF0D-update").failed == {"SSC-ACC-076"}


def test_pin_opens_no_local_file() -> None:
    profile = with_access("SSSE/EF0D", update="PIN")
    assert run_vendor(access_paths.SUITE, profile, "ACC/local").failed == {"SSC-ACC-073", "SSC-ACC-075"}
