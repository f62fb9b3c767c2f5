"""Both interfaces 双界面一致: what the contacts answer, the antenna answers, with one memory behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    apdu,
    authenticate,
    environment_of,
    external_authentication,
    open_directory,
    select,
    verify,
)
from conformance.failures import NotApplicable
from conformance.maintenance import authenticate_wrong, authentication_keys, key_place, open_pin
from conformance.maintenance import verify_wrong as wrong_verify
from conformance.suites.access import at_probe, probe
from conformance.suites.internal_authentication import FACTOR, KEY, SOURCE, ask
from conformance.suites.standard import StandardFile, standard_files
from conformance.suites.standard.values import described
from conformance.suites.standard.visit import (
    LAST_RECORD,
    holder,
    p2_of,
    read_all,
    read_first,
    start,
    update_record,
)
from conformance.targets.base import Interface
from emulator.iso7816 import SW, Response
from profiles.access import AccessCondition

SUITE = Suite("interfaces", "双界面一致", "Both interfaces")

ALIKE, HISTORY = "SSC-ATR-011", "SSC-ATR-010"
TYPE_B_LENGTH = 8
"""Historical bytes that a reader makes up for a card of type B, from its ATQB (PC/SC part 3 table 3.5)."""
ABSENT_KEY = 0x7F
MODES = range(8)
WHOLE = 256


class Line(NamedTuple):
    """What one side answered to a step of a dialogue."""

    zh: str
    en: str
    answer: Response


Dialogue = Callable[[Bench], Iterator[Line]]


def compare(bench: Bench, dialogue: Dialogue) -> None:
    """Hold the same dialogue through the contacts and through the antenna; each answer must be the same."""
    contact = list(dialogue(bench))
    bench.switch(Interface.CONTACTLESS)
    for one, other in zip_longest(contact, dialogue(bench)):
        line = one or other
        bench.check(
            one == other,
            f"非接触界面：{line.zh}",
            f"through the antenna: {line.en}",
            expected=answer_shown(one),
            received=answer_shown(other),
            requirement=ALIKE,
            go_on=True,
        )


def answer_shown(line: Line | None) -> str:
    """An answer as a report shows it."""
    return "—" if line is None else f"{described(line.answer.data)}, {line.answer.sw:04X}"


def _in_one(response: Response) -> Response:
    """What of an answer one response of T=CL carries after a short Le; T=0 goes on with ``61xx``."""
    return Response(response.data[:WHOLE], response.sw)


def present_files(bench: Bench) -> list[StandardFile]:
    """Files of the standard in directories that the declared card has."""
    return [file for file in standard_files(bench.profile) if file.directory in bench.profile.directory]


@SUITE.case(
    "ATR/antenna-history/BV",
    "非接触界面的历史字节",
    "Historical bytes through the antenna",
    requirements=[HISTORY],
    kind=Kind.VALID,
    expected=(
        "读卡器由 ATS 构成的复位应答含相同的 13 个历史字节（ATS 的接口字节须用射频层设备测试）",
        "the reset answer that a reader makes from the ATS holds the same 13 historical bytes; the interface bytes of the "
        "ATS itself need a bench at the field",
    ),
)
def antenna_history(bench: Bench) -> None:
    """The historical bytes of both sides."""
    contact = bench.historical
    bench.switch(Interface.CONTACTLESS)
    if len(bench.historical) == TYPE_B_LENGTH != len(contact):
        raise NotApplicable("B 类卡没有 ATS", "a card of type B has no ATS")
    bench.check(
        bench.historical == contact,
        "历史字节",
        "historical bytes",
        expected=contact,
        received=bench.historical,
        requirement=HISTORY,
    )


# Files and rights


@SUITE.case(
    "ATR/both-contents/BV",
    "两个界面读出相同内容",
    "Both interfaces read the same contents",
    requirements=[ALIKE],
    kind=Kind.VALID,
    expected=(
        "满足读条件后，每个文件的全部记录与接触界面相同",
        "with the rights that it needs each file gives the same records as through the contacts",
    ),
)
def both_contents(bench: Bench) -> None:
    """Each file of the standard, read to its end with the first alternative of its read condition."""
    compare(bench, _contents)


def _contents(bench: Bench) -> Iterator[Line]:
    for file in present_files(bench):
        if not file.read.condition.is_never:
            yield from _opened(bench, file, file.read.condition)
            found = read_all(bench, file)
            for number, record in enumerate(found.records, 1):
                yield Line(f"{file.path} 第 {number} 条", f"{file.path} record {number}", Response(record, SW.SUCCESS))
            yield Line(f"{file.path} 末尾", f"{file.path} its end", Response(b"", found.end))


def _opened(bench: Bench, file: StandardFile, condition: AccessCondition) -> Iterator[Line]:
    """A new session in which the first alternative of a condition that the profile has keys for is met."""
    known = [held for held in condition.alternatives if all(holder(bench.profile, name) for name in held)]
    held = sorted(known[0]) if known else []
    accepted = start(bench, file.directory, held)
    for name in held:
        sw = SW.SUCCESS if name in accepted else SW.SECURITY_STATUS_NOT_SATISFIED
        yield Line(f"{file.path} 出示 {name}", f"{file.path} {name} shown", Response(b"", sw))


@SUITE.case(
    "ATR/both-addressing/BI",
    "两个界面的读命令应答相同",
    "Both interfaces answer read commands alike",
    requirements=[ALIKE],
    kind=Kind.INVALID,
    expected=(
        "自由读文件的各种寻址方式、不存在的记录与错误的文件结构：数据与状态字均与接触界面相同",
        "every way of addressing the files that anyone may read, absent records, commands for another structure: the same "
        "data and status words as through the contacts",
    ),
)
def both_addressing(bench: Bench) -> None:
    """READ RECORD in its eight modes and READ BINARY, within the file and outside."""
    compare(bench, _addressing)


def _addressing(bench: Bench) -> Iterator[Line]:
    for file in present_files(bench):
        if not file.read.condition.is_free:
            continue
        for p1 in (0, 1, len(file.records), len(file.records) + 1, LAST_RECORD, 0xFF):
            for mode in MODES:
                start(bench, file.directory)
                command = apdu(0x00, 0xB2, p1, p2_of(file, mode), ne=256)
                words = f"{file.path} READ RECORD {p1:02X} {command[3]:02X}"
                yield Line(words, words, _in_one(bench.send(command)))
        for offset in (0, 1, 0xFF):
            words = f"{file.path} READ BINARY {offset:02X}"
            command = apdu(0x00, 0xB0, 0x80 | file.short_identifier, offset, ne=256)
            yield Line(words, words, bench.send(command))


@SUITE.case(
    "ATR/both-rights/BO",
    "两个界面的访问条件相同",
    "Both interfaces guard alike",
    requirements=[ALIKE],
    kind=Kind.INOPPORTUNE,
    expected=(
        "无权限、仅满足部分条件和满足条件时，每个文件读写的状态字与接触界面相同，内容不变",
        "reading and updating each file without rights, with a part of them and with all: the same status words as through "
        "the contacts, and nothing changes",
    ),
)
def both_rights(bench: Bench) -> None:
    """Each file of the standard; an update writes what stands there already."""
    compare(bench, _rights)


def _rights(bench: Bench) -> Iterator[Line]:
    for file in present_files(bench):
        for held in _shown_sets(bench, file.read.condition):
            start(bench, file.directory, held)
            words = f"{file.path} READ {' + '.join(held) or '—'}"
            yield Line(words, words, read_first(bench, file))
        yield from _reselected(bench, file)
        before = () if file.read.condition.is_never else _before(bench, file)
        number, _ = probe(file)
        same = at_probe(file, before) if before else b""
        for held in _shown_sets(bench, file.update.condition) if same and file.structure != "cyclic" else ():
            start(bench, file.directory, held)
            words = f"{file.path} UPDATE {' + '.join(held) or '—'}"
            yield Line(words, words, update_record(bench, file, number, same))


def _reselected(bench: Bench, file: StandardFile) -> Iterator[Line]:
    """Reading once more after the environment was selected again with the rights at hand."""
    for directory in dict.fromkeys((environment_of(bench, file.directory), file.directory)):
        select(bench, directory)
    words = f"{file.path} SELECT, READ"
    yield Line(words, words, read_first(bench, file))


def _before(bench: Bench, file: StandardFile) -> tuple[bytes, ...]:
    for _ in _opened(bench, file, file.read.condition):
        pass
    return read_all(bench, file).records


def _shown_sets(bench: Bench, condition: AccessCondition) -> list[tuple[str, ...]]:
    """Nothing, each name of a condition alone, and each alternative as a whole."""
    names = [name for name in sorted(condition.names) if holder(bench.profile, name)]
    whole = [tuple(sorted(held)) for held in condition.alternatives if held <= set(names)]
    return list(dict.fromkeys([(), *((name,) for name in names), *whole]))


# Authentication


@SUITE.case(
    "ATR/both-authentication/BV",
    "两个界面的认证相同",
    "Both interfaces authenticate alike",
    requirements=[ALIKE],
    kind=Kind.VALID,
    expected=(
        "个人密码、外部认证与内部认证：正确、错误、无随机数、密钥不存在时的应答均与接触界面相同",
        "PIN, external and internal authentication, right, wrong, without a challenge, with an absent key: the same "
        "answers as through the contacts",
    ),
)
def both_authentication(bench: Bench) -> None:
    """PIN and every key; what is wrong comes between what is right, so that no try stays lost."""
    compare(bench, _authentication)


def _authentication(bench: Bench) -> Iterator[Line]:
    bench.reset()
    open_pin(bench)
    yield Line("错误的个人密码", "wrong PIN", wrong_verify(bench))
    yield Line("正确的个人密码", "right PIN", verify(bench))
    for place in authentication_keys(bench.profile):
        bench.reset()
        open_directory(bench, place.directory)
        data = bench.keys.external_authentication(place.name, bytes(8))
        yield Line(
            f"{place.name} 无随机数",
            f"{place.name} without a challenge",
            external_authentication(bench, place.name, data),
        )
        first = authenticate(bench, place.name)
        yield Line(f"{place.name} 正确", f"{place.name} right", first)
        if first.sw == SW.SUCCESS and place.key.limit != 1:
            yield Line(f"{place.name} 错误", f"{place.name} wrong", authenticate_wrong(bench, place.name))
            yield Line(f"{place.name} 再次正确", f"{place.name} right again", authenticate(bench, place.name))
    bench.reset()
    open_directory(bench, key_place(bench, KEY).directory)
    yield Line("内部认证", "INTERNAL AUTHENTICATE", ask(bench, FACTOR, SOURCE))
    yield Line("密钥不存在", "an absent key", bench.send(apdu(0x00, 0x82, 0x00, ABSENT_KEY, bytes(17))))
