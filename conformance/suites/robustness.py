"""Robustness 健壮性: whatever is sent, an answer with a status word comes, nothing is disclosed, and the card goes on working.

Generated commands come close to right ones: a declared command with other parameters, lengths and data, or cut, or in
extended form. On a card that must survive, commands that cost tries or change anything are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from conformance.bench import Bench
from conformance.cases import Kind, Level, Suite
from conformance.dialogue import apdu, open_directory, select_identifier, select_name
from conformance.failures import CardFailure, Inconclusive, NotApplicable
from conformance.properties import for_all
from conformance.suites.selection import ENVIRONMENT_NAME, MASTER_FILE, READ_IDENTIFICATION, open_environment
from emulator.iso7816 import SW, Command, Response
from emulator.iso7816.status import is_more_available, is_success, is_warning, is_wrong_le
from profiles import dictionary
from profiles.applications import OWN_APPLICATIONS
from profiles.model import Profile

SUITE = Suite("robustness", "健壮性", "Robustness")

NO_CLASS = 0xFF
"""Reserved for PPS (ISO/IEC 7816-3); PC/SC takes it for a command to the reader."""
NO_INSTRUCTION = frozenset({*range(0x60, 0x70), *range(0x90, 0xA0)})
"""6X and 9X are no instructions (ISO/IEC 7816-3): under T=0 they cannot be told from procedure bytes."""
CHAINING = frozenset(range(0x10, 0x20))
CLASSES = tuple(cla for cla in range(NO_CLASS) if cla not in CHAINING)
OF_THE_FAMILY = frozenset({(0xBF, 0xC8)})
"""GET INFO, which tells the chip; a command of the makers that no standard names (vol. 2 §1.2)."""
READING = frozenset({0xA4, 0xB0, 0xB2, 0x84, 0x88, 0xC0})
"""Instructions that neither change anything nor cost a try."""
LONGEST = 300
MOST_COMMANDS = 4
MOST_SHOWN = 8


def declared(profile: Profile) -> frozenset[tuple[int, int]]:
    """CLA and INS of every command that a card at this stage of its life may have."""
    kinds = {"card"} if profile.life_cycle == "personalised" else {"card", "card before issue"}
    if any(directory.application not in OWN_APPLICATIONS for directory in profile.directory.values()):
        kinds.add("payment")
    return frozenset((entry.cla, entry.ins) for entry in dictionary.commands().values() if entry.applies_to in kinds)


def may_do_harm(bench: Bench) -> bool:
    """Whether commands that cost tries or write may be sent at all."""
    return bench.target.renewable or bench.destructive


def takes_any_bytes(bench: Bench) -> bool:
    """Whether bytes that are no APDU, and extended lengths, reach the card; a reader with contacts refuses them itself."""
    return bench.target.description.kind != "card in a PC/SC reader"


# Commands close to right ones


def commands(profile: Profile, *, harmless: bool, any_bytes: bool) -> st.SearchStrategy[bytes]:
    """Declared and undeclared commands with any parameters, data and Le, short and extended, whole and cut."""
    byte = st.integers(0, 0xFF)
    parameter = st.one_of(st.sampled_from((0, 1, 2, 4, 0x2C, 0x80, 0x85)), byte)
    lengths = (0, 1, 8, 16, 255, 256, 65536) if any_bytes else (0, 1, 8, 16, 255, 256)
    data = st.one_of(
        st.binary(max_size=20),
        st.sampled_from(_telling(profile)),
        st.binary(min_size=250, max_size=LONGEST if any_bytes else 255),
    )
    extended = st.booleans() if any_bytes else st.just(False)
    whole = st.builds(
        _built, _headers(profile, harmless), parameter, parameter, data, st.sampled_from(lengths), extended
    )
    if not any_bytes:
        return whole
    cut = st.builds(lambda raw, keep: raw[:keep], whole, st.integers(4, 40))
    longer = st.builds(lambda raw, more: raw + more, whole, st.binary(min_size=1, max_size=4))
    return st.one_of(whole, cut, longer)


def _headers(profile: Profile, harmless: bool) -> st.SearchStrategy[tuple[int, int]]:
    """CLA and INS: declared ones, and unless they must be harmless those that are half or not at all declared."""
    known = sorted(code for code in declared(profile) if not harmless or code[1] in READING)
    if harmless:
        return st.sampled_from(known)
    cla = st.integers(0, NO_CLASS - 1)
    ins = st.integers(0, 0xFF).filter(lambda value: value not in NO_INSTRUCTION)
    return st.one_of(
        st.sampled_from(known),
        st.tuples(st.sampled_from(sorted({cla for cla, _ in known})), ins),
        st.tuples(cla, st.sampled_from(sorted({ins for _, ins in known}))),
        st.tuples(cla, ins),
    )


def _telling(profile: Profile) -> list[bytes]:
    """Data fields that mean something: names and identifiers of what the card has."""
    found = [b""]
    for directory in profile.directory.values():
        found += [directory.fid, directory.aid or b"", *(file.fid for file in directory.file.values())]
    return list(dict.fromkeys(found))


def _built(code: tuple[int, int], p1: int, p2: int, data: bytes, ne: int, extended: bool) -> bytes:
    long = extended or len(data) > 255 or ne > 256
    return Command(*code, p1, p2, data, ne, long).to_bytes()


def answered(bench: Bench, command: bytes, requirement: str) -> Response:
    """An exchange that must end with a status word of ISO/IEC 7816-3: 6X other than 60, or 9X."""
    try:
        response = bench.transmit(command)
    except CardFailure as mute:
        raise CardFailure(requirement, mute.zh, mute.en, mute.expected, mute.received) from None
    bench.check(
        0x61 <= response.sw1 <= 0x6F or 0x90 <= response.sw1 <= 0x9F,
        "状态字的形式",
        "form of the status word",
        expected="61XX–6FXX / 9XXX",
        received=f"{response.sw:04X}",
        requirement=requirement,
    )
    return response


def _identification(bench: Bench) -> Response:
    """SELECT of SSSE and READ RECORD of the card identification code, which must work at any time."""
    selected = bench.send(select_name(ENVIRONMENT_NAME))
    bench.check(
        selected.sw == SW.SUCCESS,
        "随后选择 SSSE",
        "SELECT SSSE afterwards",
        expected="9000",
        received=f"{selected.sw:04X}",
        requirement="SSC-CMD-012",
    )
    return bench.send(READ_IDENTIFICATION)


def _at_first(bench: Bench) -> Response:
    """The identification before anything is done to the card."""
    before = bench.need(_identification(bench), "读卡的识别码", "READ RECORD of the identification code")
    if not before.data:
        raise Inconclusive("读取成功但无数据", "a read succeeded and gave no data")
    return before


def _goes_on(bench: Bench, garbage: list[bytes]) -> None:
    open_environment(bench)
    atr, before = bench.atr, _at_first(bench)
    for command in garbage:
        response = answered(bench, command, "SSC-CMD-012")
        if is_more_available(response.sw) or is_wrong_le(response.sw):
            answered(bench, apdu(0x00, 0xC0, 0, 0, ne=(response.sw & 0xFF) or 256), "SSC-CMD-012")
    _same_card(bench, before)
    bench.reset()
    bench.check(
        bench.atr == atr,
        "复位应答不变",
        "the same answer to reset",
        expected=atr,
        received=bench.atr,
        requirement="SSC-CMD-012",
    )
    _same_card(bench, before)


def _same_card(bench: Bench, before: Response) -> None:
    after = _identification(bench)
    bench.check(
        after == before,
        "随后读卡的识别码",
        "READ RECORD of the identification code afterwards",
        expected=before.to_bytes(),
        received=after.to_bytes(),
        requirement="SSC-CMD-012",
    )


@SUITE.case(
    "CMD/anything/BI",
    "任意命令之后卡片仍可用",
    "After anything at all the card goes on working",
    requirements=["SSC-CMD-012"],
    kind=Kind.INVALID,
    expected=(
        "每条命令都有 6X 或 9X 的状态字；随后 SELECT 与 READ RECORD 正常，复位应答不变",
        "every command is answered with a status word 6X or 9X; SELECT and READ RECORD then work, the ATR is the same",
    ),
)
def anything(bench: Bench) -> None:
    """Generated sequences of near-right and random commands."""
    open_environment(bench)
    command = commands(bench.profile, harmless=not may_do_harm(bench), any_bytes=takes_any_bytes(bench))
    for_all(bench, st.lists(command, min_size=1, max_size=MOST_COMMANDS), lambda garbage: _goes_on(bench, garbage))


@SUITE.case(
    "CMD/after-errors/BO",
    "每种错误之后卡片仍可用",
    "After each kind of error the card goes on working",
    requirements=["SSC-CMD-012"],
    kind=Kind.INOPPORTUNE,
    expected=("随后 SELECT SSSE 与 READ RECORD 正常", "SELECT SSSE and READ RECORD work afterwards"),
)
def after_errors(bench: Bench) -> None:
    """One refused command of each kind: class, instruction, parameters, length, file, record, right, current file."""
    open_environment(bench)
    before = _at_first(bench)
    for command in (
        bytes.fromhex("F0A4000000"),
        bytes.fromhex("00FF0000"),
        bytes.fromhex("00A40F0002EF05"),
        bytes.fromhex("0020000000"),
        bytes.fromhex("00A4000002EE77"),
        bytes.fromhex("00B2FE2C00"),
        bytes.fromhex("00B2012C01"),
        bytes.fromhex("00B0870001"),
        bytes.fromhex("00B2010400"),
        bytes.fromhex("00C0000008"),
    ):
        answered(bench, command, "SSC-CMD-012")
        _same_card(bench, before)


# Lengths that do not agree


def disagreeing(profile: Profile) -> st.SearchStrategy[bytes]:
    """Declared commands whose Lc is not the length of what follows, or whose extended lengths are cut."""
    known = sorted(declared(profile))
    header = st.builds(lambda code, p1, p2: bytes([*code, p1, p2]), st.sampled_from(known), *[st.integers(0, 255)] * 2)
    short = st.builds(
        lambda head, lc, body: head + bytes([lc]) + body,
        header,
        st.integers(1, 255),
        st.binary(min_size=1, max_size=60),
    ).filter(lambda raw: len(raw) - 5 not in (raw[4], raw[4] + 1))
    cut = st.builds(lambda head, one: head + bytes([0, one]), header, st.integers(0, 255))
    extended = st.builds(
        lambda head, lc, body: head + bytes([0]) + lc.to_bytes(2) + body,
        header,
        st.integers(1, 300),
        st.binary(min_size=1, max_size=60),
    ).filter(lambda raw: len(raw) - 7 not in (int.from_bytes(raw[5:7]), int.from_bytes(raw[5:7]) + 2))
    return st.one_of(short, cut, extended)


def _length_refused(bench: Bench, command: bytes) -> None:
    open_environment(bench)
    bench.expect(
        answered(bench, command, "SSC-CMD-004"),
        SW.WRONG_LENGTH,
        "长度域与数据不符",
        "lengths that disagree with the data",
        requirement="SSC-CMD-004",
    )


@SUITE.case(
    "CMD/disagreeing-lengths/BI",
    "Lc 与数据不符",
    "Lc that disagrees with the data",
    requirements=["SSC-CMD-004"],
    kind=Kind.INVALID,
    expected=("6700", "6700"),
)
def disagreeing_lengths(bench: Bench) -> None:
    """Too few bytes, too many, extended lengths cut off; only where such bytes reach the card."""
    open_environment(bench)
    if not takes_any_bytes(bench):
        raise NotApplicable("读卡器不转发长度不符的命令", "the reader does not pass such bytes on")
    for_all(bench, disagreeing(bench.profile), lambda command: _length_refused(bench, command))


# Scans for what is not declared


def _scan(bench: Bench, codes: Iterable[tuple[int, int]], requirement: str, *, everywhere: bool) -> None:
    """Send commands that nobody declared, in the MF, the environment and its directories: none may be served.

    The commands of the scan are not written down one by one. Those that were served are sent once more, each to a card
    in its first state.
    """
    known = declared(bench.profile) | OF_THE_FAMILY
    undeclared = [code for code in codes if code not in known]
    directories = [
        name
        for name, found in bench.profile.directory.items()
        if found.kind != "MF" and found.interface in ("both", bench.target.interface)
    ]
    for where in ("MF", *(directories if everywhere else directories[:2])):
        _enter(bench, where)
        bench.recorder.quiet = True
        try:
            served = [code for code in undeclared if _is_served(_ask(bench, code, requirement))]
        finally:
            bench.recorder.quiet = False
        for code in served[:MOST_SHOWN]:
            bench.begin_example()
            _enter(bench, where)
            answer = _ask(bench, code, requirement)
            bench.check(
                not _is_served(answer),
                f"{where}：未声明的命令 {code[0]:02X} {code[1]:02X}",
                f"{where}: command {code[0]:02X} {code[1]:02X}, which is not declared",
                expected="6D00 / 6E00 / …",
                received=answer.to_bytes(),
                requirement=requirement,
                go_on=True,
            )
        bench.check(
            not served,
            f"{where}：{len(undeclared)} 条未声明的命令中被执行者",
            f"{where}: served of {len(undeclared)} commands that are not declared",
            expected=0,
            received=len(served),
            requirement=requirement,
            go_on=True,
        )


def _enter(bench: Bench, where: str) -> None:
    if where == "MF":
        bench.send(select_identifier(MASTER_FILE))
    else:
        open_directory(bench, where)


def _ask(bench: Bench, code: tuple[int, int], requirement: str) -> Response:
    return answered(bench, bytes([*code, 0, 0, 0]), requirement)


def _is_served(answer: Response) -> bool:
    """Whether a command did something or would give data."""
    return is_success(answer.sw) or is_warning(answer.sw) or is_wrong_le(answer.sw) or bool(answer.data)


@SUITE.case(
    "CMD/hidden-instructions/BI",
    "未声明的指令",
    "Instructions that are not declared",
    requirements=["SSC-CMD-002"],
    kind=Kind.INVALID,
    expected=(
        "全部 INS 中，未声明者均被拒绝且无数据",
        "of all instructions those that are not declared are refused and give no data",
    ),
    destructive=True,
)
def hidden_instructions(bench: Bench) -> None:
    """Every INS under every declared class, at the official level under every class.

    What an unknown command does nobody knows, so the case is called destructive.
    """
    instructions = [ins for ins in range(0x100) if ins not in NO_INSTRUCTION]
    classes = sorted({cla for cla, _ in declared(bench.profile)})
    codes = [(cla, ins) for cla in classes for ins in instructions]
    _scan(bench, codes, "SSC-CMD-002", everywhere=bench.level is not Level.QUICK)
    if bench.level is Level.OFFICIAL:
        _scan(bench, [(cla, ins) for cla in CLASSES for ins in instructions], "SSC-CMD-002", everywhere=False)


@SUITE.case(
    "CMD/hidden-classes/BI",
    "未声明的类别",
    "Classes that are not declared",
    requirements=["SSC-CMD-001"],
    kind=Kind.INVALID,
    expected=(
        "已声明的 INS 在其他 CLA 下均被拒绝且无数据",
        "declared instructions are refused and give no data under every other class",
    ),
    destructive=True,
)
def hidden_classes(bench: Bench) -> None:
    """Declared instructions under every class but FF and those of command chaining; at the quick level the basic ones."""
    known = sorted({ins for _, ins in declared(bench.profile)})
    if bench.level is Level.QUICK:
        known = [ins for ins in known if ins in READING]
    codes = [(cla, ins) for cla in CLASSES for ins in known]
    _scan(bench, codes, "SSC-CMD-001", everywhere=bench.level is not Level.QUICK)
