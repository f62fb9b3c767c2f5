"""Records by every address 记录寻址: by number, by tag, several at once, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.bench import Bench
from conformance.cases import Body, Case, Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive
from conformance.suites.standard import StandardFile, standard_files
from conformance.suites.standard.values import described, difference
from conformance.suites.standard.visit import (
    BY_NUMBER,
    FIRST_WITH_TAG,
    LAST_WITH_TAG,
    NEXT_WITH_TAG,
    PREVIOUS_WITH_TAG,
    TO_LAST,
    open_for,
    p2_of,
    read_all,
    record,
    select_file,
)
from emulator.iso7816 import SW, Response
from emulator.iso7816.status import wrong_le
from profiles.model import Profile, Text

SUITE = Suite("record addressing", "记录寻址", "Records by every address")

BY_TAG, REPEATED, SEVERAL = "SSC-REC-055", "SSC-REC-056", "SSC-REC-057"
BEYOND, WRONG_LE, WRONG_TYPE = "SSC-REC-058", "SSC-REC-059", "SSC-REC-060"


@SUITE.cases_from
def of_each_file(profile: Profile) -> Iterator[Case]:
    """What concerns every file of the standard by its structure."""
    for file in standard_files(profile):
        if file.structure != "transparent":
            yield _case(
                file,
                "beyond/BI",
                Text(zh="记录号越界", en="record number beyond the end"),
                (BEYOND,),
                Text(zh="最后一条之后及 254、255 返回 6A83", en="6A83 for the number behind the last, 254 and 255"),
                partial(_beyond, file),
            )
        if file.records:
            yield _case(
                file,
                "by-tag/BV",
                Text(zh="按标识读取", en="reading by tag"),
                (BY_TAG,),
                Text(
                    zh="按标识读出同一记录，不存在的标识返回 6A83",
                    en="the same record by its tag, 6A83 for an absent one",
                ),
                partial(_by_tag, file),
            )
            yield _case(
                file,
                "wrong-Le/BI",
                Text(zh="错误 Le", en="wrong Le"),
                (WRONG_LE,),
                Text(zh="6Cxx，xx 为正确长度，不返回数据", en="6Cxx with the right length, and no data"),
                partial(_wrong_le, file),
            )
            yield _case(
                file,
                "several/BV",
                Text(zh="一次读出多条记录", en="several records at once"),
                (SEVERAL,),
                Text(zh="从 P1 到最后一条首尾相接", en="all records from P1 to the last, concatenated"),
                partial(_several, file),
            )
        if any(count > 1 for count in _repeats(file).values()):
            yield _case(
                file,
                "repeated-tags/BV",
                Text(zh="重复标识", en="repeated tags"),
                (REPEATED,),
                Text(zh="首条、末条、下一条、上一条依次寻址", en="reached as first, last, next and previous"),
                partial(_repeated, file),
            )
        yield _case(
            file,
            "wrong-type/BI",
            Text(zh="文件类型不符", en="wrong file type"),
            (WRONG_TYPE,),
            Text(
                zh="二进制读记录文件、按记录读透明文件返回 6981",
                en="6981 for READ BINARY of records, READ RECORD of bytes",
            ),
            partial(_wrong_type, file),
        )


def _case(
    file: StandardFile, name: str, title: Text, requirements: tuple[str, ...], expected: Text, body: Body
) -> Case:
    subject, kind = name.split("/")
    return Case(
        identifier=f"REC/{file.label}-{subject}/{kind}",
        title=Text(zh=f"{file.path}：{title.zh}", en=f"{file.path}: {title.en}"),
        requirements=requirements,
        kind=Kind(kind),
        expected=expected,
        body=body,
    )


def _repeats(file: StandardFile) -> dict[int, int]:
    tags = [element.tag for element in file.records]
    return {tag: tags.count(tag) for tag in tags}


def opened(bench: Bench, file: StandardFile) -> tuple[bytes, ...]:
    """The records of a file that has been opened; inconclusive when there are none to speak of."""
    open_for(bench, file.directory, file.read.condition)
    found = read_all(bench, file)
    if not found.records or not all(found.records):
        raise Inconclusive(f"无法读取 {file.path}（{found.end:04X}）", f"{file.path} cannot be read: {found.end:04X}")
    return found.records


def judge_same(bench: Bench, response: Response, wanted: bytes, zh: str, en: str, requirement: str) -> None:
    """The answer is these data with 9000."""
    bench.check(
        response.sw == SW.SUCCESS and response.data == wanted,
        zh,
        en,
        expected=f"{described(wanted)} {SW.SUCCESS:04X}",
        received=f"{difference(response.data, wanted)} {response.sw:04X}",
        requirement=requirement,
        go_on=True,
    )


# Records


def _beyond(file: StandardFile, bench: Bench) -> None:
    open_for(bench, file.directory, file.read.condition)
    count = len(read_all(bench, file).records)
    for number in sorted({count + 1, 0xFE, 0xFF}):
        if count < number:
            answer = record(bench, file, number)
            zh, en = f"读第 {number} 条记录（共 {count} 条）", f"READ RECORD {number} of {count}"
            bench.expect(answer, SW.RECORD_NOT_FOUND, zh, en, requirement=BEYOND, go_on=True)


def _by_tag(file: StandardFile, bench: Bench) -> None:
    """By short file identifier and in the current file."""
    records = opened(bench, file)
    first = {raw[0]: raw for raw in reversed(records) if raw}
    for tag, raw in first.items():
        answer = record(bench, file, tag, FIRST_WITH_TAG)
        judge_same(bench, answer, raw, f"按标识 {tag:02X} 读取", f"READ RECORD by tag {tag:02X}", BY_TAG)
    bench.need(select_file(bench, file), f"选择 {file.path}", f"SELECT {file.path}")
    for tag, raw in first.items():
        answer = bench.send(apdu(0x00, 0xB2, tag, FIRST_WITH_TAG, ne=256))
        judge_same(
            bench,
            answer,
            raw,
            f"当前文件，按标识 {tag:02X} 读取",
            f"current file, READ RECORD by tag {tag:02X}",
            BY_TAG,
        )
    absent = next(tag for tag in range(1, 0xFF) if tag not in first)
    answer = record(bench, file, absent, FIRST_WITH_TAG)
    zh, en = f"按不存在的标识 {absent:02X} 读取", f"READ RECORD by tag {absent:02X}, which is absent"
    bench.expect(answer, SW.RECORD_NOT_FOUND, zh, en, requirement=BY_TAG, go_on=True)


def _repeated(file: StandardFile, bench: Bench) -> None:
    """Forwards from the first with *next*, backwards from the last with *previous*, to the end each time."""
    records = opened(bench, file)
    for tag in (tag for tag, count in _repeats(file).items() if count > 1):
        wanted = [raw for raw in records if raw[:1] == bytes([tag])]
        for start, onward, order in (
            (FIRST_WITH_TAG, NEXT_WITH_TAG, wanted),
            (LAST_WITH_TAG, PREVIOUS_WITH_TAG, wanted[::-1]),
        ):
            for position, raw in enumerate(order):
                mode = onward if position else start
                zh, en = f"标识 {tag:02X}，P2 低三位 {mode:03b}", f"tag {tag:02X}, P2 low bits {mode:03b}"
                judge_same(bench, record(bench, file, tag, mode), raw, zh, en, REPEATED)
            answer = record(bench, file, tag, onward)
            zh, en = f"标识 {tag:02X}，再无下一条", f"tag {tag:02X}, no further record"
            bench.expect(answer, SW.RECORD_NOT_FOUND, zh, en, requirement=REPEATED, go_on=True)


def _several(file: StandardFile, bench: Bench) -> None:
    """From the first, a middle and the last number; with Le FF as recorded from a card, too."""
    records = opened(bench, file)
    for number in sorted({1, (len(records) + 1) // 2, len(records)}):
        wanted = b"".join(records[number - 1 :])
        if len(wanted) > 0xFF:
            continue
        for ne in (256, 0xFF):
            answer = bench.send(apdu(0x00, 0xB2, number, p2_of(file, TO_LAST), ne=ne))
            zh, en = (
                f"从第 {number} 条读到最后一条，Le={ne & 0xFF:02X}",
                f"from record {number} to the last, Le {ne & 0xFF:02X}",
            )
            judge_same(bench, answer, wanted, zh, en, SEVERAL)


def _wrong_le(file: StandardFile, bench: Bench) -> None:
    """Lengths next to the right one and at the ends of the range, for the first and the last record."""
    records = opened(bench, file)
    for number in sorted({1, len(records)}):
        right = len(records[number - 1])
        for length in sorted(({1, right - 1, right + 1, 0xFF} - {right}) & set(range(1, 0x100))):
            judge_le(bench, file, number, length, right)


def judge_le(bench: Bench, file: StandardFile, number: int, length: int, right: int) -> None:
    """READ RECORD with a wrong Le: ``6Cxx`` with the right length, and no data; go on in any case."""
    answer = bench.transmit(apdu(0x00, 0xB2, number, p2_of(file, BY_NUMBER), ne=length))
    zh, en = f"读第 {number} 条记录，Le={length:02X}", f"READ RECORD {number} with Le {length:02X}"
    bench.check(
        answer.sw == wrong_le(right) and not answer.data,
        zh,
        en,
        expected=f"{wrong_le(right):04X}",
        received=f"{described(answer.data)} {answer.sw:04X}",
        requirement=WRONG_LE,
        go_on=True,
    )


def _wrong_type(file: StandardFile, bench: Bench) -> None:
    """By short file identifier and, after SELECT, of the current file."""
    open_for(bench, file.directory, file.read.condition)
    if file.structure == "transparent":
        commands = (
            apdu(0x00, 0xB2, 1, p2_of(file, BY_NUMBER), ne=256),
            apdu(0x00, 0xB2, 1, p2_of(file, BY_NUMBER, current=True), ne=256),
        )
    else:
        commands = (
            apdu(0x00, 0xB0, 0x80 | file.short_identifier, 0, ne=4),
            apdu(0x00, 0xB0, 0, 0, ne=4),
        )
    bench.need(select_file(bench, file), f"选择 {file.path}", f"SELECT {file.path}")
    for command in commands:
        answer = bench.send(command)
        name = "READ RECORD" if file.structure == "transparent" else "READ BINARY"
        bench.expect(answer, SW.INCOMPATIBLE_WITH_FILE_STRUCTURE, name, name, requirement=WRONG_TYPE, go_on=True)
