"""Both interfaces 双界面一致: what the contacts answer, the antenna answers, with one memory behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    REFUSED,
    apdu,
    authenticate,
    environment_of,
    external_authentication,
    open_directory,
    select,
    verify,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.maintenance import authenticate_wrong, authentication_keys, key_place, open_pin, own_directories
from conformance.maintenance import verify_wrong as wrong_verify
from conformance.properties import for_all
from conformance.suites.access import at_probe, probe
from conformance.suites.internal_authentication import FACTOR, KEY, SOURCE, ask
from conformance.suites.standard import StandardFile, standard_files
from conformance.suites.standard.values import described
from conformance.suites.standard.visit import (
    LAST_RECORD,
    holder,
    open_for,
    other_record,
    p2_of,
    present,
    read_all,
    read_first,
    readable,
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
            expected=_shown(one),
            received=_shown(other),
            requirement=ALIKE,
            go_on=True,
        )


def _shown(line: Line | None) -> str:
    return "—" if line is None else f"{described(line.answer.data)}, {line.answer.sw:04X}"


def _in_one(response: Response) -> Response:
    """What of an answer one response of T=CL carries after a short Le; T=0 goes on with ``61xx``."""
    return Response(response.data[:WHOLE], response.sw)


def _present(bench: Bench) -> list[StandardFile]:
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
    for file in _present(bench):
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
    for file in _present(bench):
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
    for file in _present(bench):
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


# One chip


@SUITE.case(
    "ATR/one-memory/BV",
    "两个界面共用存储器",
    "One memory behind both interfaces",
    requirements=[ALIKE],
    kind=Kind.VALID,
    expected=(
        "经一个界面写入的内容经另一个界面读出；原值经非接触界面写回",
        "what is written through one interface is read through the other; the old value is put back through the antenna",
    ),
)
def one_memory(bench: Bench) -> None:
    """A record written through the contacts, read and put back through the antenna, read again through the contacts."""
    file = next((file for file in _present(bench) if file.structure == "variable" and _writable(bench, file)), None)
    if file is None:
        raise NotApplicable("没有可更新的记录文件", "no file of records can be updated")
    number, element = probe(file)
    before = readable(bench, file).records
    if len(before) < number:
        raise Inconclusive(f"{file.path} 没有第 {number} 条记录", f"{file.path} has no record {number}")
    old = before[number - 1]
    new = other_record(file, element, old)
    _write(bench, file, number, new)
    try:
        bench.switch(Interface.CONTACTLESS)
        _expect_record(bench, file, number, new, "经非接触界面读出", "read through the antenna")
    finally:
        _write(bench, file, number, old)
    bench.switch(Interface.CONTACT)
    _expect_record(bench, file, number, old, "经接触界面读出", "read through the contacts")


def _writable(bench: Bench, file: StandardFile) -> bool:
    conditions = (file.read.condition, file.update.condition)
    return all(
        not c.is_never and any(all(holder(bench.profile, n) for n in a) for a in c.alternatives) for c in conditions
    )


def _write(bench: Bench, file: StandardFile, number: int, record: bytes) -> None:
    open_for(bench, file.directory, file.update.condition)
    bench.need(update_record(bench, file, number, record), f"更新 {file.path}", f"UPDATE RECORD in {file.path}")


def _expect_record(bench: Bench, file: StandardFile, number: int, wanted: bytes, zh: str, en: str) -> None:
    found = readable(bench, file).records
    received = found[number - 1] if len(found) >= number else b""
    bench.check(received == wanted, zh, en, expected=described(wanted), received=described(received), requirement=ALIKE)


@SUITE.case(
    "ATR/one-counter/BI",
    "两个界面共用尝试次数",
    "One counter of tries behind both interfaces",
    requirements=[ALIKE],
    kind=Kind.INVALID,
    expected=(
        "接触界面错误一次后，非接触界面的错误为连续第二次；正确密码恢复次数",
        "after one wrong PIN through the contacts one through the antenna is the second in a row; the right PIN restores "
        "the tries",
    ),
)
def one_counter(bench: Bench) -> None:
    """Wrong PINs on one side, the other, and the first again; the right one on each side in turn."""
    place = open_pin(bench, wrong=3)
    bench.expect(wrong_verify(bench), place.after(1), "接触界面错误", "wrong through the contacts", requirement=ALIKE)
    bench.switch(Interface.CONTACTLESS)
    open_directory(bench, place.directory)
    second = wrong_verify(bench)
    bench.switch(Interface.CONTACT)
    open_directory(bench, place.directory)
    third = wrong_verify(bench)
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    bench.expect(second, place.after(2), "非接触界面错误", "wrong through the antenna", requirement=ALIKE)
    bench.expect(third, place.after(3), "接触界面再次错误", "wrong through the contacts again", requirement=ALIKE)
    wrong_verify(bench)
    bench.switch(Interface.CONTACTLESS)
    open_directory(bench, place.directory)
    bench.expect(verify(bench), GOOD, "非接触界面正确", "right through the antenna", requirement=ALIKE)
    bench.switch(Interface.CONTACT)
    open_directory(bench, place.directory)
    again = wrong_verify(bench)
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    bench.expect(again, place.after(1), "次数已恢复", "the tries are back", requirement=ALIKE)


@SUITE.case(
    "ATR/sides-apart/BO",
    "安全状态不跨界面",
    "No right crosses from one interface to the other",
    requirements=[ALIKE],
    kind=Kind.INOPPORTUNE,
    expected=(
        "在一个界面取得的权限换界面后失效，MF 为当前目录，与复位后相同",
        "a right of one interface is gone on the other, as after a reset",
    ),
)
def sides_apart(bench: Bench) -> None:
    """From the contacts to the antenna and back: the file that was open is closed."""
    guarded = next((f for f in _present(bench) if not f.read.condition.is_free and _writable(bench, f)), None)
    if guarded is None:
        raise NotApplicable("没有受保护的文件", "no file is guarded")
    for interface, zh, en in (
        (Interface.CONTACTLESS, "换到非接触界面后", "after going over to the antenna"),
        (Interface.CONTACT, "换回接触界面后", "after going back to the contacts"),
    ):
        open_for(bench, guarded.directory, guarded.read.condition)
        bench.need(read_first(bench, guarded), f"读 {guarded.path}", f"reading {guarded.path}")
        bench.switch(interface)
        for directory in dict.fromkeys((environment_of(bench, guarded.directory), guarded.directory)):
            bench.need(select(bench, directory), f"选择 {directory}", f"SELECT {directory}")
        bench.expect(
            read_first(bench, guarded),
            REFUSED,
            f"{zh}读 {guarded.path}",
            f"reading {guarded.path} {en}",
            requirement=ALIKE,
        )


# Generated sequences


@SUITE.case(
    "ATR/both-sequences/BV",
    "任意命令序列结果相同",
    "Generated sequences end alike",
    requirements=[ALIKE],
    kind=Kind.VALID,
    expected=(
        "生成的命令序列在新卡的两个界面上逐条应答相同（随机数除外）",
        "a generated sequence of commands gets the same answers on both sides of a fresh card, challenges apart",
    ),
)
def both_sequences(bench: Bench) -> None:
    """Selections, reads, updates, PIN and keys in any order, through each side of a card in its first state."""
    for_all(bench, _sequences(bench), lambda steps: _same_sequence(bench, steps), share=0.5)


Step = tuple[str, str, int, bytes]
"""What is done, with which directory, key or nothing, which number, which bytes."""


def _sequences(bench: Bench) -> st.SearchStrategy[list[Step]]:
    directories, keys = own_directories(bench.profile), [place.name for place in authentication_keys(bench.profile)]
    named = {"select": directories, "key": keys, "wrong key": keys}
    other = ("PIN", "wrong PIN", "READ RECORD", "READ BINARY", "UPDATE RECORD", "UPDATE BINARY")
    steps = [st.tuples(st.just(what), st.sampled_from(names)) for what, names in named.items() if names]
    step = st.one_of(*steps, *[st.tuples(st.just(what), st.just("")) for what in other])
    number = st.integers(0, 0x1F) | st.integers(0, 0xFFFF)
    whole = st.builds(lambda named, number, data: (*named, number, data), step, number, st.binary(max_size=24))
    return st.lists(whole, min_size=1, max_size=bench.level.steps)


def _same_sequence(bench: Bench, steps: list[Step]) -> None:
    if bench.target.interface is not Interface.CONTACT:
        bench.switch(Interface.CONTACT)
    bench.renew()
    contact = [_do(bench, step) for step in steps]
    bench.switch(Interface.CONTACTLESS)
    bench.renew()
    for step, one in zip(steps, contact, strict=True):
        other = _do(bench, step)
        words = f"{step[0]} {step[1] or f'{step[2]:04X}'}"
        shown = [_shown(Line("", "", answer)) for answer in (one, other)]
        bench.check(one == other, words, words, expected=shown[0], received=shown[1], requirement=ALIKE)


def _do(bench: Bench, step: Step) -> Response:
    """Carry out a step, which may well be refused; what cannot be put into a command says so instead of an answer."""
    what, name, number, data = step
    p1, p2 = number >> 8, number & 0xFF
    try:
        match what:
            case "select":
                return select(bench, name)
            case "key":
                return present(bench, name)
            case "wrong key":
                return authenticate_wrong(bench, name)
            case "PIN":
                return verify(bench)
            case "wrong PIN":
                return wrong_verify(bench)
            case "READ RECORD":
                return bench.send(apdu(0x00, 0xB2, p1 or 1, p2 << 3 & 0xF8 | 4, ne=256))
            case "READ BINARY":
                return bench.send(apdu(0x00, 0xB0, 0x80 | p2 & 0x1F, p1, ne=256))
            case "UPDATE RECORD":
                return bench.send(apdu(0x00, 0xDC, p1 or 1, p2 << 3 & 0xF8 | 4, data))
            case _:
                return bench.send(apdu(0x00, 0xD6, 0x80 | p2 & 0x1F, p1, data))
    except Inconclusive:
        return Response(b"", 0)
