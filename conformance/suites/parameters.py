"""Command parameters 命令参数 (LD/T 6001.2): classes, instructions, P1 and P2, lengths, no current file."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.bench import Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    FilePlace,
    apdu,
    authenticate,
    declared_pin,
    file_places,
    get_challenge,
    open_directory,
    pin_bytes,
    read_first,
    satisfy,
    select_identifier,
    select_name,
    verify,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.suites.selection import CHILD_FILE, ENVIRONMENT_NAME, open_environment
from emulator.iso7816 import SW

SUITE = Suite("command parameters", "命令参数", "Command parameters")

UNKNOWN_CLASSES = (0xF0, 0xE0, 0xD0, 0xC0, 0xA0, 0x90, 0x20)
UNKNOWN_INSTRUCTIONS = (0xFF, 0xFE, 0xF1, 0x38, 0x0A)
UNDEFINED = Expectation((SW.INCORRECT_P1_P2, SW.WRONG_P1_P2, SW.P1_P2_WRONG))
WRONG_CLASS = Expectation((SW.CLASS_NOT_SUPPORTED, SW.CLASS_WRONG))
NO_FILE = Expectation((SW.NO_CURRENT_EF, SW.CONDITIONS_OF_USE_NOT_SATISFIED))
UPDATE_KEY = "UKSSSE"
INTERNAL_KEY = "IRK"

Trial = tuple[str, bytes]
"""What is wrong with a command, and the command."""


@SUITE.case(
    "CMD/class/BI",
    "未知 CLA",
    "Unknown class byte",
    requirements=["SSC-CMD-001"],
    kind=Kind.INVALID,
    expected=("6E00（容许 6703）", "6E00 (6703 is tolerated)"),
)
def unknown_class(bench: Bench) -> None:
    """Commands that are right but for their class."""
    open_environment(bench)
    right = (
        select_name(ENVIRONMENT_NAME),
        apdu(0x00, 0xB0, 0x85, 0x00, ne=16),
        apdu(0x00, 0xB2, 0x01, 0x2C, ne=256),
        apdu(0x00, 0x84, 0x00, 0x00, ne=8),
    )
    for cla in UNKNOWN_CLASSES:
        for command in right:
            bench.expect(
                bench.transmit(bytes([cla]) + command[1:]),
                WRONG_CLASS,
                f"CLA = {cla:02X}，INS = {command[1]:02X}",
                f"CLA = {cla:02X}, INS = {command[1]:02X}",
                requirement="SSC-CMD-001",
            )


@SUITE.case(
    "CMD/instruction/BI",
    "未知 INS",
    "Unknown instruction byte",
    requirements=["SSC-CMD-002"],
    kind=Kind.INVALID,
    expected=("6D00", "6D00"),
)
def unknown_instruction(bench: Bench) -> None:
    """Instructions that no command of the family has under any class, with and without a data field."""
    open_environment(bench)
    for ins in UNKNOWN_INSTRUCTIONS:
        for command in (apdu(0x00, ins, 0, 0), apdu(0x00, ins, 0, 0, ne=8), apdu(0x00, ins, 0, 0, bytes(8))):
            bench.expect(
                bench.transmit(command),
                SW.INSTRUCTION_NOT_SUPPORTED,
                f"INS = {ins:02X}",
                f"INS = {ins:02X}",
                requirement="SSC-CMD-002",
            )


# P1 and P2


@SUITE.case(
    "CMD/undefined-parameters/BI",
    "P1 或 P2 未定义",
    "Undefined P1 or P2",
    requirements=["SSC-CMD-003"],
    kind=Kind.INVALID,
    expected=("6A86（容许 6B00、6702）", "6A86 (6B00 and 6702 are tolerated)"),
)
def undefined_parameters(bench: Bench) -> None:
    """Commands that are right but for P1 or P2: the rights are there, the data are right."""
    trials = [_undefined_for_pin, _undefined_for_keys, _undefined_for_records]
    for source in trials:
        for what, command in source(bench):
            bench.expect(bench.transmit(command), UNDEFINED, what, what, requirement="SSC-CMD-003", go_on=True)


def _undefined_for_pin(bench: Bench) -> Iterator[Trial]:
    open_environment(bench)
    pin = pin_bytes(declared_pin(bench))
    for p1, p2 in ((0x01, 0x00), (0x00, 0x7F), (0xFF, 0x00)):
        yield f"VERIFY P1-P2 = {p1:02X}{p2:02X}", apdu(0x00, 0x20, p1, p2, pin)
    for p1, p2 in ((0x7F, 0x00), (0x01, 0x7F)):
        yield f"CHANGE PIN P1-P2 = {p1:02X}{p2:02X}", apdu(0x80, 0x5E, p1, p2, pin + b"\xff" + pin)


def _undefined_for_keys(bench: Bench) -> Iterator[Trial]:
    open_environment(bench)
    for p1, p2 in ((0x01, 0x00), (0x00, 0x01)):
        yield f"GET CHALLENGE P1-P2 = {p1:02X}{p2:02X}", apdu(0x00, 0x84, p1, p2, ne=8)
    kid = _key_identifier(bench, UPDATE_KEY)
    data = bench.keys.external_authentication(UPDATE_KEY, get_challenge(bench))
    yield "EXTERNAL AUTHENTICATE P1 = 01", apdu(0x00, 0x82, 0x01, kid, data)
    factor = get_challenge(bench)
    yield "INTERNAL AUTHENTICATE P1 = 01", apdu(0x00, 0x88, 0x01, _key_identifier(bench, INTERNAL_KEY), factor * 2)


def _undefined_for_records(bench: Bench) -> Iterator[Trial]:
    found = _writable_record_file(bench)
    old = _opened_for_update(bench, found)
    sfi = found.file.short_identifier << 3
    yield "READ RECORD P2 = …111", apdu(0x00, 0xB2, 0x01, sfi | 7, ne=256)
    for mode in (5, 6, 7):
        yield f"UPDATE RECORD P2 = …{mode:03b}", apdu(0x00, 0xDC, 0x01, sfi | mode, old)


def _key_identifier(bench: Bench, name: str) -> int:
    kid = bench.keys.describe(name).kid if name in bench.profile.directory[ENVIRONMENT].key else None
    if kid is None:
        raise NotApplicable(f"卡片声明中没有 {name}", f"the declared card has no {name}")
    return kid[0]


def _writable_record_file(bench: Bench) -> FilePlace:
    """A record file of SSSE that UKSSSE opens."""
    for found in file_places(bench.profile.directory):
        writable = frozenset({UPDATE_KEY}) in found.file.update.alternatives
        if found.directory == ENVIRONMENT and writable and found.file.structure in ("variable", "fixed"):
            return found
    raise NotApplicable("SSSE 下没有可更新的记录文件", "the declared card has no record file in SSSE to update")


def _opened_for_update(bench: Bench, found: FilePlace) -> bytes:
    """Satisfy both conditions of a file and hand out its first record."""
    found.open(bench)
    satisfy(bench, found.file.read)
    satisfy(bench, found.file.update)
    record = bench.need(read_first(bench, found.file), f"读 {found.path}", f"read {found.path}").data
    if not 1 <= len(record) <= 255:
        raise Inconclusive("记录长度不可用", f"the record has {len(record)} bytes")
    return record


# Lengths


@SUITE.case(
    "CMD/length/BI",
    "错误 Lc",
    "Wrong Lc",
    requirements=["SSC-CMD-004"],
    kind=Kind.INVALID,
    expected=("6700", "6700"),
)
def wrong_length(bench: Bench) -> None:
    """Data fields longer or shorter than the command knows, or missing; the tries it may have cost are given back."""
    for source in (_lengths_of_pin_commands, _lengths_of_authentications, _lengths_for_files):
        for what, command in source(bench):
            bench.expect(bench.transmit(command), SW.WRONG_LENGTH, what, what, requirement="SSC-CMD-004", go_on=True)


def _lengths_of_pin_commands(bench: Bench) -> Iterator[Trial]:
    open_environment(bench)
    pin = pin_bytes(declared_pin(bench))
    yield "VERIFY Lc = 00", bytes.fromhex("0020000000")
    yield "VERIFY Lc = 09", apdu(0x00, 0x20, 0, 0, pin.ljust(9, b"\xff"))
    yield "CHANGE PIN Lc = 01", apdu(0x80, 0x5E, 1, 0, b"\xff")
    yield "CHANGE PIN Lc = 12", apdu(0x80, 0x5E, 1, 0, (pin + b"\xff" + pin).ljust(18, b"\xff"))
    verify(bench)


def _lengths_of_authentications(bench: Bench) -> Iterator[Trial]:
    open_environment(bench)
    kid, internal = _key_identifier(bench, UPDATE_KEY), _key_identifier(bench, INTERNAL_KEY)
    for length in (0x01, 0x0F, 0x12):
        data = bench.keys.external_authentication(UPDATE_KEY, get_challenge(bench)).ljust(length, b"\x01")[:length]
        yield f"EXTERNAL AUTHENTICATE Lc = {length:02X}", apdu(0x00, 0x82, 0, kid, data)
        yield f"INTERNAL AUTHENTICATE Lc = {length:02X}", apdu(0x00, 0x88, 0, internal, bytes(length))
    authenticate(bench, UPDATE_KEY)


def _lengths_for_files(bench: Bench) -> Iterator[Trial]:
    found = _writable_record_file(bench)
    _opened_for_update(bench, found)
    for length in (1, 3):
        yield f"SELECT P1 = 02 Lc = {length:02X}", apdu(0x00, 0xA4, CHILD_FILE, 0, found.file.fid.ljust(3)[:length])
    yield "SELECT P1 = 04 Lc = 11", select_name(ENVIRONMENT_NAME + bytes(2))
    yield "UPDATE RECORD Lc = 00", apdu(0x00, 0xDC, 1, found.file.short_identifier << 3 | 4) + b"\x00"


# No current file


@SUITE.case(
    "CMD/no-current-file/BO",
    "没有当前文件",
    "No current EF",
    requirements=["SSC-CMD-011"],
    kind=Kind.INOPPORTUNE,
    expected=("6986（容许 6985）", "6986 (6985 is tolerated)"),
)
def no_current_file(bench: Bench) -> None:
    """Right after a directory was selected, also when a file of another directory was current before."""
    places = [found for found in file_places(bench.profile.directory) if found.directory == ENVIRONMENT]
    if not places:
        raise NotApplicable("SSSE 下没有文件", "the declared card has no file in SSSE")
    for directory, described in bench.profile.directory.items():
        if ENVIRONMENT not in (directory, described.parent):
            continue
        places[0].open(bench)
        bench.need(bench.send(select_identifier(places[0].file.fid, CHILD_FILE)), "选择文件", "SELECT a file")
        open_directory(bench, directory)
        for what, command in (
            ("READ RECORD", apdu(0x00, 0xB2, 0x01, 0x04, ne=256)),
            ("READ BINARY", apdu(0x00, 0xB0, 0x00, 0x00, ne=1)),
        ):
            bench.expect(
                bench.transmit(command),
                NO_FILE,
                f"选择 {directory} 后 {what}",
                f"{what} after SELECT {directory}",
                requirement="SSC-CMD-011",
            )
