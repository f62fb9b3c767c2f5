"""Formats of all elements 数据格式 (LD/T 6001.3 7.1 to 7.7): cn, an, Chinese characters, initial fill, medical records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.suites.standard import StandardElement, StandardFile, standard_file, standard_files
from conformance.suites.standard.values import an_problem, cn_problem, is_area, is_unwritten, shown, text_problem
from conformance.suites.standard.visit import elements_of, open_for, p2_of, readable, record
from emulator.iso7816 import SW
from profiles.dictionary import layout
from profiles.model import Profile, Text

SUITE = Suite("data formats", "数据格式", "Formats of all elements", as_issued=True)

CN, AN, CHARACTERS = "SSC-FMT-001", "SSC-FMT-002", "SSC-FMT-003"
AMOUNTS, TERMINAL, TIME, REDEFINED = "SSC-FMT-023", "SSC-FMT-024", "SSC-FMT-025", "SSC-FMT-026"
CN_FILL, AN_FILL = "SSC-REC-062", "SSC-REC-063"
LOG, OFFLINE = "DF04/EF08", "DF04/EF06"
OFFLINE_AMOUNT, OFFLINE_ALLOWED = 0x92, 0x90
TERMINAL_FIELD, TIME_FIELD, AMOUNT_FIELDS = slice(3, 9), slice(9, 16), (slice(16, 20), slice(20, 24), slice(24, 28))
LOG_LAYOUT = "medical transaction"


def leaves_of(file: StandardFile, records: tuple[bytes, ...]) -> Iterator[tuple[StandardElement, bytes]]:
    """Every element and field that the records of a file really hold, templates opened."""
    if file.fields:
        for raw in records:
            yield from file.leaves(raw)
    for element, raw in elements_of(file, records):
        yield from element.leaves(raw[2:])


# Formats


@SUITE.cases_from
def formats(profile: Profile) -> Iterator[Case]:
    """A case for each record file, a case of initial fill for each directory."""
    directories: dict[str, list[StandardFile]] = {}
    for file in standard_files(profile):
        directories.setdefault(file.directory, []).append(file)
        used = {leaf.format for element in (*file.records, *file.fields) for leaf in (element, *element.children)}
        requirements = ((CN,) if "cn" in used else ()) + ((AN, CHARACTERS) if "an" in used else ())
        if requirements:
            yield Case(
                identifier=f"FMT/{file.label}/BV",
                title=Text(zh=f"{file.path} {file.title.zh}：数据格式", en=f"{file.path} {file.title.en}: formats"),
                requirements=requirements,
                kind=Kind.VALID,
                expected=Text(
                    zh="cn 为数字后补 F；an 为 GBK 文本后补 00，无半个汉字",
                    en="cn: digits, then F; an: GBK text without half characters, then 00",
                ),
                body=partial(_judge_formats, file),
            )
    for directory, files in directories.items():
        yield Case(
            identifier=f"REC/{directory}-initial-fill/BV",
            title=Text(
                zh=f"{directory}：未写入数据元的初始填充", en=f"{directory}: initial fill of unwritten elements"
            ),
            requirements=(CN_FILL, AN_FILL),
            kind=Kind.VALID,
            expected=Text(zh="cn 为 FF，an 与 b 为 00", en="FF in cn, 00 in an and b elements"),
            body=partial(_judge_fill, files),
        )


def _judge_formats(file: StandardFile, bench: Bench) -> None:
    found = readable(bench, file).records
    if not found:
        raise NotApplicable("文件中没有记录", "the file holds no record")
    leaves = list(leaves_of(file, found))
    if not leaves:
        raise Inconclusive(f"{file.path} 中没有标准的数据元", f"{file.path} holds none of the standard's elements")
    for element, value in leaves:
        name = f"{element.tag:02X}" if element.tag else element.format
        if element.format == "cn":
            judged = [(CN, cn_problem(element.tag, value))]
        elif element.format == "an":
            judged = [(AN, an_problem(element.tag, value)), (CHARACTERS, text_problem(value))]
        else:
            continue
        for requirement, problem in judged:
            bench.check(
                problem is None,
                f"{name} 的格式",
                f"format of {name}",
                expected=f"{element.format}({element.length})",
                received=f"{problem}: {shown(element.tag, value)}" if problem else "well formed",
                requirement=requirement,
                go_on=True,
            )


def _judge_fill(files: list[StandardFile], bench: Bench) -> None:
    """Elements that hold one kind of filling alone were not written; it must be the right one."""
    judged = False
    for file in files:
        found = readable(bench, file).records
        whole = [(StandardElement(0, "b", file.size), found[0])] if file.structure == "transparent" else []
        for element, value in (*whole, *leaves_of(file, found)):
            if element.format == "template" or not is_unwritten(value) or _is_zero_number(element, value):
                continue
            judged = True
            wanted = 0xFF if element.format == "cn" else 0x00
            name = f"{element.tag:02X}" if element.tag else element.format
            bench.check(
                set(value) <= {wanted} or _is_padded_extension(element, value),
                f"{file.path} {name} 的初始填充",
                f"initial fill of {name} in {file.path}",
                expected=f"{wanted:02X} × {len(value)}",
                received=f"{value[0]:02X} × {len(value)}" if value else "no bytes",
                requirement=CN_FILL if element.format == "cn" else AN_FILL,
                go_on=True,
            )
    if not judged:
        raise NotApplicable("所有数据元均已写入", "every element was written")


def _is_zero_number(element: StandardElement, value: bytes) -> bool:
    """Whether a cn element may hold the number zero: an amount."""
    return element.format == "cn" and element.tag in (OFFLINE_AMOUNT, 0x1C) and not any(value)


def _is_padded_extension(element: StandardElement, value: bytes) -> bool:
    """Whether it is 姓名扩展 padded with FF, which is tolerated (§2.4)."""
    return element.tag == 0x4E and set(value) <= {0xFF}


# Medical records


@SUITE.case(
    "FMT/amounts/BV",
    "金额编码",
    "Coding of amounts",
    requirements=[AMOUNTS],
    kind=Kind.VALID,
    expected=(
        "92 为 cn 分值；明细金额为 4 字节二进制分值",
        "92 is a cn number of fen; the log's amounts are 4-byte binary fen",
    ),
)
def amounts(bench: Bench) -> None:
    """Element 92, and the amounts of those log records that the profile declares."""
    file = _file(bench, OFFLINE)
    value = next(
        (raw[2:] for element, raw in elements_of(file, readable(bench, file).records) if element.tag == OFFLINE_AMOUNT),
        None,
    )
    if value is None:
        raise Inconclusive("DF04/EF06 中没有标识 92", "DF04/EF06 has no tag 92")
    fen = bool(re.fullmatch("[0-9]{8}|[fF]{8}", value.hex()))
    bench.check(
        fen,
        "标识 92",
        "tag 92",
        expected="8 digits, or the initial fill",
        received=value,
        requirement=AMOUNTS,
        go_on=True,
    )
    declared = {_key(written): written for written in _declared_log(bench.profile)}
    log = readable(bench, _file(bench, LOG)).records
    for raw, written in ((raw, declared[_key(raw)]) for raw in log if _key(raw) in declared):
        for part in AMOUNT_FIELDS:
            bench.check(
                raw[part] == written[part],
                f"交易 {_number(raw)} 的金额",
                f"amount of transaction {_number(raw)}",
                expected=written[part],
                received=raw[part],
                requirement=AMOUNTS,
                go_on=True,
            )


def _key(raw: bytes) -> bytes:
    return raw[:2] + raw[TIME_FIELD]


def _number(raw: bytes) -> int:
    return int.from_bytes(raw[:2])


def _declared_log(profile: Profile) -> list[bytes]:
    records: list[Mapping[str, Any]] = profile.content.get("DF04", {}).get("EF08", {}).get("records", [])
    return [layout(LOG_LAYOUT).encode(entry) for entry in records]


def _file(bench: Bench, path: str) -> StandardFile:
    file = standard_file(bench.profile, path)
    if file is None:
        raise NotApplicable(f"卡片声明中没有 {path}", f"the declared card has no {path}")
    return file


def _log(bench: Bench) -> list[bytes]:
    """The written records of the medical log."""
    file = _file(bench, LOG)
    found = [raw for raw in readable(bench, file).records if not is_unwritten(raw[TIME_FIELD])]
    if not found:
        raise NotApplicable("医疗交易明细为空", "the medical log is empty")
    return found


@SUITE.case(
    "FMT/terminal-number/BV",
    "明细中的终端机编号",
    "Terminal number in the log",
    requirements=[TERMINAL],
    kind=Kind.VALID,
    expected=("前 6 位为行政区划代码", "its first six digits are an area code"),
)
def terminal_number(bench: Bench) -> None:
    """In every record of the log."""
    for raw in _log(bench):
        bench.check(
            is_area(raw[TERMINAL_FIELD].hex()[:6]),
            f"交易 {_number(raw)} 的终端机编号",
            f"terminal number of transaction {_number(raw)}",
            expected="an area code of GB/T 2260, then 6 digits",
            received=raw[TERMINAL_FIELD],
            requirement=TERMINAL,
            go_on=True,
        )


@SUITE.case(
    "FMT/transaction-time/BV",
    "明细中的交易时间",
    "Coding of time in the log",
    requirements=[TIME],
    kind=Kind.VALID,
    expected=("7 字节 BCD，YYYYMMDDhhmmss", "7 bytes BCD, YYYYMMDDhhmmss"),
)
def transaction_time(bench: Bench) -> None:
    """In every record of the log."""
    for raw in _log(bench):
        bench.check(
            _is_time(raw[TIME_FIELD].hex()),
            f"交易 {_number(raw)} 的时间",
            f"time of transaction {_number(raw)}",
            expected="YYYYMMDDhhmmss",
            received=raw[TIME_FIELD],
            requirement=TIME,
            go_on=True,
        )


def _is_time(written: str) -> bool:
    try:
        datetime.strptime(written, "%Y%m%d%H%M%S")
    except ValueError:
        return False
    return len(written) == 14


@SUITE.case(
    "FMT/redefined-element/BV",
    "1.0 卡上的重新定义数据元",
    "Redefined elements on a 1.0 card",
    requirements=[REDEFINED],
    kind=Kind.VALID,
    expected=("按新定义写入后以 EE 结尾读出", "written by its new definition it is read back ending with EE"),
)
def redefined_element(bench: Bench) -> None:
    """Element 90 of DF04/EF06 is written as readers of version 2.0 do, read, and put back."""
    file = _file(bench, OFFLINE)
    old = next(
        (raw for element, raw in elements_of(file, readable(bench, file).records) if element.tag == OFFLINE_ALLOWED),
        None,
    )
    if old is None:
        raise Inconclusive("DF04/EF06 中没有标识 90", "DF04/EF06 has no tag 90")
    new = old[:2] + b"1".ljust(len(old) - 2, b"\xee")
    for value in (new, old):
        open_for(bench, file.directory, file.update.condition)
        answer = bench.send(apdu(0x00, 0xDC, 1, p2_of(file, 4), value))
        bench.expect(answer, SW.SUCCESS, "更新标识 90", "updating tag 90", requirement=REDEFINED)
        open_for(bench, file.directory, file.read.condition)
        got = record(bench, file, 1).data
        bench.check(
            got == value,
            "读回标识 90",
            "tag 90 read back",
            expected=value,
            received=got,
            requirement=REDEFINED,
            go_on=True,
        )
