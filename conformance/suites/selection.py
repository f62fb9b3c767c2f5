"""Selection 选择与文件控制信息 (LD/T 6001.3 7.1 to 7.7): the directories of the environment, and what SELECT answers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Case, Kind, Level, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    REFUSED,
    apdu,
    environment_of,
    open_directory,
    read_first,
    select_identifier,
    select_name,
)
from conformance.failures import CardFailure, NotApplicable
from emulator.iso7816 import SW, Tlv, TlvError, tlv
from emulator.iso7816.status import count_of, is_more_available
from profiles.model import Directory, Profile, Text

SUITE = Suite("selection", "选择与文件控制信息", "Selection and file control information")

ENVIRONMENT_NAME = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
"""``sx1.sh.社会保障`` in GBK."""
APPLICATIONS = {
    "DF01": ("SSC-SEL-006", "D15600000500"),
    "DF02": ("SSC-SEL-007", "D15600000501"),
    "DF03": ("SSC-SEL-008", "D15600000502"),
    "DF04": ("SSC-SEL-009", "D15600000503"),
    "DF07": ("SSC-SEL-010", "D15600000504"),
}
MASTER_FILE = bytes.fromhex("3F00")
CHILD_FILE, BY_NAME = 0x02, 0x04
UNDEFINED_P1 = (0x0F, 0x05, 0x10, 0x7F, 0x80, 0xFF)
UNDEFINED_P2 = (0x10, 0x40, 0x80, 0xF0)

READ_IDENTIFICATION = apdu(0x00, 0xB2, 1, 0x05 << 3 | 4, ne=256)
"""READ RECORD 1 of EF05, the card identification code, which anyone may read."""
SELECTED = Expectation((SW.SUCCESS,), families=(0x61,))
NOT_FOUND = Expectation((SW.FILE_NOT_FOUND,))


def open_environment(bench: Bench) -> None:
    """Select SSSE; not applicable on a card that is declared to have none."""
    open_directory(bench, ENVIRONMENT)


def wants_answer(bench: Bench, command: bytes) -> bytes:
    """A SELECT that asks for its answer: with Le ``00``, but under T=0, where GET RESPONSE does."""
    return command if bench.target.description.protocol == "T=0" else command + b"\x00"


def fetched(bench: Bench, command: bytes, what: Text, requirement: str) -> bytes:
    """The answer to a SELECT that must succeed."""
    return bench.expect(bench.send(wants_answer(bench, command)), GOOD, what.zh, what.en, requirement=requirement).data


def objects(data: bytes, requirement: str) -> tuple[Tlv, ...]:
    """All data objects of an answer, looked into to the innermost; a failure when their lengths disagree."""
    try:
        found = Tlv.parse(data)
        list(tlv.walk(found))
    except TlvError as problem:
        raise CardFailure(
            requirement, "数据对象的长度不一致", f"malformed data objects: {problem}", "BER-TLV", data.hex().upper()
        ) from None
    return found


# Every directory


def _command_for(described: Directory) -> bytes:
    return select_name(described.aid) if described.aid else select_identifier(described.fid)


def _open_environment_of(bench: Bench, name: str) -> None:
    """Select the environment of a directory unless the directory is one itself."""
    environment = environment_of(bench, name)
    if name != environment:
        open_directory(bench, environment)


def _lengths_agree(bench: Bench, name: str) -> None:
    """All lengths agree, down to the innermost object."""
    _open_environment_of(bench, name)
    what = Text(zh=f"选择 {name}", en=f"SELECT {name}")
    data = fetched(bench, _command_for(bench.profile.directory[name]), what, "SSC-SEL-004")
    bench.check(
        len(objects(data, "SSC-SEL-004")) > 0,
        "文件控制信息",
        "file control information",
        expected="6F…",
        received=data or "—",
        requirement="SSC-SEL-004",
    )


def _delivers_exactly(bench: Bench, name: str) -> None:
    """61xx, then exactly xx bytes; a card under T=1 has no GET RESPONSE to speak of."""
    if bench.target.description.protocol != "T=0":
        raise NotApplicable("仅适用于 T=0", "only under T=0")
    _open_environment_of(bench, name)
    promised = bench.transmit(_command_for(bench.profile.directory[name]))
    bench.check(
        is_more_available(promised.sw) and not promised.data,
        "不带 Le 的 SELECT",
        "SELECT without Le",
        expected="61xx",
        received=promised.to_bytes(),
        requirement="SSC-SEL-005",
    )
    length = count_of(promised.sw) or 0
    delivered = bench.transmit(apdu(0x00, 0xC0, 0, 0, ne=length))
    bench.check(
        delivered.sw == SW.SUCCESS and len(delivered.data) == length,
        "取响应",
        "GET RESPONSE",
        expected=f"{length} × XX, 9000",
        received=f"{len(delivered.data)} × XX, {delivered.sw:04X}",
        requirement="SSC-SEL-005",
    )


def _leads_to_master_file(bench: Bench, name: str) -> None:
    """The MF becomes current: a file of the directory that the MF lacks cannot be found any more."""
    open_directory(bench, name)
    bench.expect(
        bench.send(select_identifier(MASTER_FILE)), GOOD, "选择 3F00", "SELECT 3F00", requirement="SSC-SEL-014"
    )
    master_file = bench.profile.directory.get("MF")
    known = {file.fid for file in master_file.file.values()} if master_file else set()
    for file in bench.profile.directory[name].file.values():
        if file.structure != "internal" and file.fid not in known:
            bench.expect(
                bench.send(select_identifier(file.fid, CHILD_FILE)),
                NOT_FOUND,
                f"在 MF 下选择 {file.fid.hex().upper()}",
                f"SELECT {file.fid.hex().upper()} while the MF is current",
                requirement="SSC-SEL-014",
            )


@SUITE.cases_from
def every_directory(profile: Profile) -> Iterable[Case]:
    """Cases for each directory of the environment that the card is declared to have."""
    for name, described in profile.directory.items():
        if ENVIRONMENT not in (name, described.parent):
            continue
        title = described.title
        yield Case(
            f"SEL/{name}-lengths/BV",
            Text(
                zh=f"{name} {title.zh}：文件控制信息的长度", en=f"{name}, {title.en}: lengths in the answer of SELECT"
            ),
            ("SSC-SEL-004",),
            Kind.VALID,
            Text(zh="没有多余的字节，没有超出模板的对象", en="no byte left over, no object longer than its template"),
            partial(_lengths_agree, name=name),
        )
        yield Case(
            f"SEL/{name}-get-response/BV",
            Text(zh=f"{name}：选择后取响应", en=f"{name}: GET RESPONSE after SELECT"),
            ("SSC-SEL-005",),
            Kind.VALID,
            Text(zh="61xx；GET RESPONSE 恰好给出 xx 个字节", en="61xx; GET RESPONSE delivers exactly xx bytes"),
            partial(_delivers_exactly, name=name),
        )
        yield Case(
            f"SEL/{name}-to-MF/BV",
            Text(zh=f"从 {name} 选择 MF", en=f"Selecting the MF from {name}"),
            ("SSC-SEL-014",),
            Kind.VALID,
            Text(zh="61xx 或 9000，MF 成为当前目录", en="61xx or 9000, and the MF is the current directory"),
            partial(_leads_to_master_file, name=name),
        )


# The applications of the environment


def _found_by_name(bench: Bench, name: str, requirement: str, aid: bytes) -> None:
    open_environment(bench)
    declared = name in bench.profile.directory
    bench.expect(
        bench.transmit(select_name(aid)),
        SELECTED if declared else NOT_FOUND,
        f"按 AID 选择 {name}（声明：{'有' if declared else '无'}）",
        f"SELECT {name} by its AID ({'declared' if declared else 'not declared'})",
        requirement=requirement,
    )
    if declared:
        check_stands_in(bench, name, requirement)


def _found_by_identifier(bench: Bench, name: str) -> None:
    open_environment(bench)
    bench.expect(
        bench.transmit(select_identifier(bench.profile.directory[name].fid)),
        SELECTED,
        f"按 FID 选择 {name}",
        f"SELECT {name} by its file identifier",
        requirement="SSC-SEL-011",
    )
    check_stands_in(bench, name, "SSC-SEL-011")


@SUITE.cases_from
def applications(profile: Profile) -> Iterable[Case]:
    """Each application is found by its name, or is not there, as the profile says; those that are, by identifier, too."""
    for name, (requirement, aid) in APPLICATIONS.items():
        yield Case(
            f"SEL/{name}-name/BV",
            Text(zh=f"在 SSSE 下按 AID 选择 {name}", en=f"Selecting {name} by its AID inside SSSE"),
            (requirement,),
            Kind.VALID,
            Text(
                zh="声明中有该应用：61xx 或 9000；没有：6A82",
                en="application declared: 61xx or 9000; not declared: 6A82",
            ),
            partial(_found_by_name, name=name, requirement=requirement, aid=bytes.fromhex(aid)),
        )
    for name, described in profile.directory.items():
        if described.parent == ENVIRONMENT:
            yield Case(
                f"SEL/{name}-identifier/BV",
                Text(zh=f"在 SSSE 下按 FID 选择 {name}", en=f"Selecting {name} by its file identifier inside SSSE"),
                ("SSC-SEL-011",),
                Kind.VALID,
                Text(zh="61xx 或 9000，该目录成为当前目录", en="61xx or 9000, and the DF is the current directory"),
                partial(_found_by_identifier, name=name),
            )


def check_stands_in(bench: Bench, name: str, requirement: str) -> None:
    """Judge whether a directory of SSSE is current, by a file that it alone has, that it alone protects, or that differs."""
    described, above = bench.profile.directory[name], bench.profile.directory[ENVIRONMENT]
    elsewhere = {file.fid: file for file in above.file.values()}
    for file in described.file.values():
        other = elsewhere.get(file.fid)
        if file.structure == "internal":
            continue
        if other is None:
            answer, expected = bench.send(select_identifier(file.fid, CHILD_FILE)), f"{SW.SUCCESS:04X}"
            good, received = answer.sw == SW.SUCCESS, f"{answer.sw:04X}"
        elif other.read.is_free and not file.read.is_free:
            answer, expected = read_first(bench, file), f"{REFUSED:04X}"
            good, received = answer.sw == REFUSED, f"{answer.sw:04X}"
        elif file.read.is_free and file.elements[:1] != other.elements[:1]:
            answer, expected = read_first(bench, file), f"{file.elements[0]}…"
            good, received = answer.data[:1].hex().upper() == file.elements[0], answer.to_bytes().hex().upper()
        else:
            continue
        shown = f"{name}/{file.fid.hex().upper()}"
        bench.check(
            good,
            f"当前目录应为 {name}：{shown}",
            f"{name} should be the current directory: {shown}",
            expected=expected,
            received=received,
            requirement=requirement,
        )
        return


@SUITE.case(
    "SEL/undefined-parameters/BI",
    "SELECT 的 P1 或 P2 未定义",
    "SELECT with undefined P1 or P2",
    requirements=["SSC-SEL-020"],
    kind=Kind.INVALID,
    expected=("6A86", "6A86"),
)
def undefined_parameters(bench: Bench) -> None:
    """Values that neither the specification nor ISO/IEC 7816-4 gives a meaning."""
    open_environment(bench)
    everything = bench.level is not Level.QUICK
    first = range(0x10, 0x100) if everything else UNDEFINED_P1
    second = [p2 for p2 in range(0x10, 0x100) if p2 & 0xF0] if everything else UNDEFINED_P2
    commands = [(p1, 0x00) for p1 in first] + [(p1, p2) for p1 in (0x00, 0x02, 0x04) for p2 in second]
    for p1, p2 in commands:
        data = ENVIRONMENT_NAME if p1 == BY_NAME else bytes.fromhex("EF05")
        bench.expect(
            bench.transmit(apdu(0x00, 0xA4, p1, p2, data)),
            SW.INCORRECT_P1_P2,
            f"P1-P2 = {p1:02X}{p2:02X}",
            f"P1-P2 = {p1:02X}{p2:02X}",
            requirement="SSC-SEL-020",
        )
