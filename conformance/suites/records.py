"""Files and records 文件与记录 (LD/T 6001.3 7.1 to 7.7): every file of the standard with its tags, lengths and capacity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import NotApplicable
from conformance.suites.standard import StandardElement, StandardFile, generation_of, standard_file, standard_files
from conformance.suites.standard.values import described, difference
from conformance.suites.standard.visit import (
    Contents,
    add_record,
    contents,
    elements_of,
    need_restorable,
    open_for,
    other_record,
    p2_of,
    readable,
    record,
)
from emulator.iso7816 import SW
from profiles.model import Profile, Text

SUITE = Suite("records", "文件与记录", "Files and records")

TLV_FORM, NESTED, UNIQUE_TAG_60, NAME_EXTENSION = "SSC-REC-052", "SSC-REC-053", "SSC-REC-054", "SSC-REC-061"
UNEMPLOYMENT_DATE = 0x60


@SUITE.cases_from
def files(profile: Profile) -> Iterator[Case]:
    """A case for each file of the standard; a second one for the capacity of cyclic files."""
    for file in standard_files(profile):
        if file.structure == "transparent":
            yield _case(file, partial(_judge_bytes, file), *_size_text(file))
        elif file.structure == "cyclic":
            yield _case(file, partial(_judge_cyclic, file), *_cyclic_text(file))
            yield _capacity_case(file)
        else:
            yield _case(file, partial(_judge_records, file), *_records_text(file), TLV_FORM, *_nested(file))


def _case(file: StandardFile, body: partial[None], zh: str, en: str, *more: str) -> Case:
    return Case(
        identifier=f"REC/{file.label}/BV",
        title=Text(zh=f"{file.path} {file.title.zh}", en=f"{file.path} {file.title.en}"),
        requirements=(*file.requirements, *more),
        kind=Kind.VALID,
        expected=Text(zh=zh, en=en),
        body=body,
    )


def _nested(file: StandardFile) -> tuple[str, ...]:
    return (NESTED,) if any(element.children for element in file.records) else ()


def _listed(elements: Iterable[StandardElement]) -> str:
    return " ".join(element.name + ("?" if element.either else "") for element in elements)


def _records_text(file: StandardFile) -> tuple[str, str]:
    wanted = _listed(file.records)
    return f"依次为以下标识（长度）的记录：{wanted}", f"records with these tags (lengths) in this order: {wanted}"


def _size_text(file: StandardFile) -> tuple[str, str]:
    return f"透明文件，共 {file.size} 字节", f"a transparent file of {file.size} bytes"


def _cyclic_text(file: StandardFile) -> tuple[str, str]:
    return f"循环文件，每条记录 {file.record_length} 字节", f"a cyclic file with records of {file.record_length} bytes"


def _check(bench: Bench, file: StandardFile, good: bool, zh: str, en: str, expected: object, received: object) -> None:
    """Judge every requirement of a file by one comparison, and go on."""
    for requirement in file.requirements:
        bench.check(good, zh, en, expected=expected, received=received, requirement=requirement, go_on=True)


def _exists(bench: Bench, file: StandardFile, found: Contents) -> None:
    """Fail when the card gave nothing although the read condition was met; a refusal is left to the access rights."""
    if found.end == SW.SECURITY_STATUS_NOT_SATISFIED:
        readable(bench, file)
    there = bool(found.records) or (file.structure == "cyclic" and found.end == SW.RECORD_NOT_FOUND)
    zh, en = f"{file.path} 存在且可读", f"{file.path} exists and can be read"
    _check(bench, file, there, zh, en, f"{SW.SUCCESS:04X}", f"{SW.SUCCESS if there else found.end:04X}")
    bench.finish()


# Linear files


def _judge_records(file: StandardFile, bench: Bench) -> None:
    """All records in order, then no more, or where the standard lets an area add some, none with a standard tag."""
    found = contents(bench, file)
    _exists(bench, file, found)
    received = [(raw[0] if raw else 0, len(raw) - 2) for raw in found.records]
    wanted = [element for element in file.records if not element.either or element.tag in {tag for tag, _ in received}]
    further = found.records[len(wanted) :]
    _check(
        bench,
        file,
        received[: len(wanted)] == [(element.tag, element.length) for element in wanted],
        "记录的标识、长度与顺序",
        "tags, lengths and order of the records",
        _listed(wanted),
        " ".join(f"{tag:02X}({length})" for tag, length in received),
    )
    _check(
        bench,
        file,
        all(file.extensible and raw[:1] and raw[0] not in file.tags for raw in further),
        "标准记录之后",
        "behind the standard's records",
        "local records, if any" if file.extensible else "no further record",
        " ".join(raw[:2].hex().upper() for raw in further) or "no further record",
    )
    for number, raw in enumerate(found.records, 1):
        bench.check(
            len(raw) >= 2 and raw[1] == len(raw) - 2,
            f"第 {number} 条记录的长度字节",
            f"length byte of record {number}",
            expected=f"{max(len(raw) - 2, 0):02X}",
            received=raw[1:2],
            requirement=TLV_FORM,
            go_on=True,
        )
    for element, raw in elements_of(file, found.records):
        if element.children:
            _judge_template(bench, element, raw)


def _judge_template(bench: Bench, element: StandardElement, raw: bytes) -> None:
    inner = [child.name for child, _ in element.leaves(raw[2:])]
    bench.check(
        inner == [child.name for child in element.children] and len(raw) == element.length + 2,
        f"记录 {element.tag:02X} 内的标识与长度",
        f"inner tags and lengths of record {element.tag:02X}",
        expected=_listed(element.children),
        received=" ".join(inner) or described(raw[2:]),
        requirement=NESTED,
        go_on=True,
    )


# Transparent files


def _judge_bytes(file: StandardFile, bench: Bench) -> None:
    """All bytes up to the size, and none beyond."""
    found = contents(bench, file)
    _exists(bench, file, found)
    data = found.records[0]
    _check(bench, file, len(data) == file.size, "文件长度", "size of the file", file.size, len(data))
    last = bench.send(apdu(0x00, 0xB0, (file.size - 1) >> 8, (file.size - 1) & 0xFF, ne=1))
    _check(
        bench,
        file,
        last.sw == SW.SUCCESS and last.data == data[file.size - 1 : file.size],
        "读最后一个字节",
        "READ BINARY of the last byte",
        f"the last of the {len(data)} bytes, {SW.SUCCESS:04X}",
        f"{difference(last.data, data[file.size - 1 : file.size])}, {last.sw:04X}",
    )
    beyond = bench.send(apdu(0x00, 0xB0, file.size >> 8, file.size & 0xFF, ne=1)).sw
    zh, en = "读文件末尾之后一个字节", "READ BINARY one byte beyond the end"
    _check(bench, file, beyond == SW.WRONG_P1_P2, zh, en, f"{SW.WRONG_P1_P2:04X}", f"{beyond:04X}")
    as_record = record(bench, file, 1).sw
    zh, en = "按记录读透明文件", "READ RECORD of the transparent file"
    _check(bench, file, as_record != SW.SUCCESS, zh, en, "refused", f"{as_record:04X}")


# Cyclic files


def _judge_cyclic(file: StandardFile, bench: Bench) -> None:
    """Whatever records there are have the length of the standard, and READ BINARY does not work."""
    found = contents(bench, file)
    _exists(bench, file, found)
    lengths = sorted({len(raw) for raw in found.records})
    zh, en = "循环记录的长度", "length of the cyclic records"
    _check(bench, file, lengths in ([], [file.record_length]), zh, en, file.record_length, lengths or "no record")
    as_bytes = bench.send(apdu(0x00, 0xB0, 0x80 | file.short_identifier, 0, ne=256)).sw
    zh, en = "按二进制读循环文件", "READ BINARY of the cyclic file"
    _check(bench, file, as_bytes != SW.SUCCESS, zh, en, "refused", f"{as_bytes:04X}")


def _capacity_case(file: StandardFile) -> Case:
    return Case(
        identifier=f"REC/{file.label}-capacity/BV",
        title=Text(zh=f"{file.path} 循环记录容量", en=f"{file.path} capacity of the cyclic file"),
        requirements=file.requirements,
        kind=Kind.VALID,
        expected=Text(
            zh=f"至少保存 {file.minimum} 条 {file.record_length} 字节的记录，第 1 条最新，其他长度的记录被拒绝",
            en=f"keeps at least {file.minimum} records of {file.record_length} bytes, record 1 the newest, and takes no "
            "record of another length",
        ),
        body=partial(_judge_capacity, file),
    )


def _judge_capacity(file: StandardFile, bench: Bench) -> None:
    """Fill the file and read it back; a log that only the card itself writes is judged by what it holds."""
    old = readable(bench, file).records
    if file.update.condition.is_never:
        if len(old) < file.minimum:
            raise NotApplicable(
                f"明细只有 {len(old)} 条，只有交易才能写入更多",
                f"the log holds {len(old)} records, and only transactions write more",
            )
        _judge_kept(file, bench, old)
        return
    need_restorable(bench, file, old)
    new = [other_record(file, None, b"", variant) for variant in range(file.minimum)]
    open_for(bench, file.directory, file.update.condition)
    for length in (file.record_length - 1, file.record_length + 1):
        answer = add_record(bench, file, (new[0] + b"\x00")[:length]).sw
        zh, en = f"写入 {length} 字节的记录", f"UPDATE RECORD with {length} bytes"
        _check(bench, file, answer != SW.SUCCESS, zh, en, "refused", f"{answer:04X}")
    for raw in new:
        answer = add_record(bench, file, raw).sw
        _check(bench, file, answer == SW.SUCCESS, "写入新记录", "UPDATE RECORD", f"{SW.SUCCESS:04X}", f"{answer:04X}")
    kept = readable(bench, file).records
    _judge_kept(file, bench, kept)
    zh, en = "第 1 条为最新记录", "record 1 is the newest"
    newest = kept[: file.minimum]
    shown = " ".join(raw[:4].hex().upper() for raw in newest)
    _check(bench, file, list(newest) == new[::-1], zh, en, " ".join(raw[:4].hex().upper() for raw in new[::-1]), shown)
    if not bench.target.renewable:
        open_for(bench, file.directory, file.update.condition)
        for raw in reversed(old):
            bench.need(add_record(bench, file, raw), "恢复原记录", "restoring the old record")


def _judge_kept(file: StandardFile, bench: Bench, records: tuple[bytes, ...]) -> None:
    lengths = sorted({len(raw) for raw in records})
    good = len(records) >= file.minimum and lengths == [file.record_length]
    zh, en = "保存的记录数与长度", "number and length of the records kept"
    _check(bench, file, good, zh, en, f"≥ {file.minimum} × {file.record_length}", f"{len(records)} × {lengths}")


# What concerns single tags


@SUITE.case(
    "REC/tag-60-once/BV",
    "标识60仅存在于一处",
    "Tag 60 exists once",
    requirements=[UNIQUE_TAG_60],
    kind=Kind.VALID,
    expected=(
        "DF02/EF06 与 DF03/EF05 中恰有一个含标识60",
        "exactly one of DF02/EF06 and DF03/EF05 has a record with tag 60",
    ),
)
def tag_60_once(bench: Bench) -> None:
    """Read both files, whole and by tag."""
    places = []
    for path in ("DF02/EF06", "DF03/EF05"):
        file = standard_file(bench.profile, path)
        if file is None:
            raise NotApplicable(f"卡片声明中没有 {path}", f"the declared card has no {path}")
        held = any(raw[:1] == bytes([UNEMPLOYMENT_DATE]) for raw in readable(bench, file).records)
        by_tag = bench.send(apdu(0x00, 0xB2, UNEMPLOYMENT_DATE, p2_of(file, 0), ne=256))
        bench.expect(
            by_tag,
            SW.SUCCESS if held else SW.RECORD_NOT_FOUND,
            f"在 {path} 中按标识60读取",
            f"READ RECORD by tag 60 in {path}",
            requirement=UNIQUE_TAG_60,
            go_on=True,
        )
        places += [path] if held else []
    bench.check(
        len(places) == 1,
        "标识60所在文件",
        "files that hold tag 60",
        expected="DF02/EF06 or DF03/EF05",
        received=" and ".join(places) or "none",
        requirement=UNIQUE_TAG_60,
    )


@SUITE.case(
    "REC/name-extension/BV",
    "姓名扩展的记录号",
    "Record number of the extended name",
    requirements=[NAME_EXTENSION],
    kind=Kind.VALID,
    expected=(
        "2.0 与 3.0 卡第 3 条为 4E、第 4 条为 0A；1.0 卡第 3 条为 0A",
        "record 3 is 4E and record 4 is 0A; on 1.0 cards record 3 is 0A",
    ),
)
def name_extension(bench: Bench) -> None:
    """Readers tell sex from name by the record number alone."""
    file = standard_file(bench.profile, "SSSE/EF06")
    if file is None:
        raise NotApplicable("卡片声明中没有 SSSE/EF06", "the declared card has no SSSE/EF06")
    open_for(bench, file.directory, file.read.condition)
    wanted = {3: 0x0A} if generation_of(bench.profile) == "1.0" else {3: 0x4E, 4: 0x0A}
    for number, tag in wanted.items():
        answer = bench.need(record(bench, file, number), f"读第 {number} 条记录", f"READ RECORD {number}")
        bench.check(
            answer.data[:1] == bytes([tag]),
            f"第 {number} 条记录的标识",
            f"tag of record {number}",
            expected=bytes([tag]),
            received=answer.data[:1],
            requirement=NAME_EXTENSION,
            go_on=True,
        )
