"""Identification data 识别数据 (LD/T 6001.3 7.1): what single elements of SSSE/EF05 and EF06 say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from conformance.bench import Bench, now
from conformance.cases import Case, Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.suites.standard import ENVIRONMENT, standard_files
from conformance.suites.standard.values import date_of, is_area, is_unwritten, shown, text
from conformance.suites.standard.visit import elements_of, readable
from profiles.model import Profile, Text
from profiles.numbers import is_card_number, is_citizen_number

SUITE = Suite("identification elements", "识别数据元", "Elements of the identification data", as_issued=True)

PROVIDER, INITIALISATION = bytes.fromhex("D156000005"), bytes.fromhex("9156000002")
AHEAD_OF_UTC = timedelta(hours=14)
"""The latest local time on earth: a date of today is never one of tomorrow."""
FOREIGNER = re.compile("[A-Z]{3}")
ETHNIC_GROUPS = frozenset((*range(1, 57), 99))


def element_value(bench: Bench, tag: int) -> bytes:
    """The value of an element of SSSE/EF05 or EF06; not applicable when it is empty on a card that has no holder yet."""
    for file in standard_files(bench.profile):
        if file.directory == ENVIRONMENT and tag in file.tags:
            found = {element.tag: raw[2:] for element, raw in elements_of(file, readable(bench, file).records)}
            if tag not in found:
                raise Inconclusive(f"{file.path} 中没有标识 {tag:02X}", f"{file.path} has no tag {tag:02X}")
            if is_unwritten(found[tag]) and bench.profile.life_cycle != "personalised":
                raise NotApplicable("数据元尚未写入", "the element is not written in this stage of the card's life")
            return found[tag]
    raise NotApplicable(f"卡片没有标识 {tag:02X}", f"the card has no tag {tag:02X}")


# One element, one rule


@dataclass(frozen=True, slots=True)
class Rule:
    """What one element must say."""

    name: str
    tag: int
    requirement: str
    title: Text
    expected: Text
    good: Callable[[bytes, Bench], bool]


def _identification(value: bytes, _: Bench) -> bool:
    return len(value) == 16 and value[3:8] == PROVIDER


def _version(value: bytes, bench: Bench) -> bool:
    return value in (b"1.00", b"2.00", b"2.01", b"3.00") and value.decode() == bench.profile.specification


def _issued(value: bytes, _: Bench) -> bool:
    day = date_of(value)
    return day is not None and day <= (now() + AHEAD_OF_UTC).date()


def _institution_areas(value: bytes, bench: Bench) -> bool:
    """As declared where the profile declares the number; areas of the same province as the card otherwise."""
    declared = bench.profile.content.get(ENVIRONMENT, {}).get("EF05", {}).get("04")
    if isinstance(declared, str):
        return value[5:].hex().upper() == declared.replace(" ", "").upper()[10:]
    areas = value[5:8].hex(), value[8:11].hex()
    return len(value) == 12 and all(map(is_area, areas)) and areas[0][:2] == bench.profile.issuer.city_code[:2]


def _ethnic_group(value: bytes, _: Bench) -> bool:
    return bool(re.fullmatch("[0-9]{2}", value.hex())) and int(value.hex()) in ETHNIC_GROUPS


def _citizen(value: bytes, _: Bench) -> bool:
    if FOREIGNER.match(text(value)):
        raise NotApplicable("持卡人不是中国公民", "the holder is not a citizen")
    return is_citizen_number(text(value))


RULES = (
    Rule(
        "identification-code",
        0x01,
        "SSC-FMT-004",
        Text(zh="卡的识别码结构", en="structure of the identification code"),
        Text(zh="16 字节，第 3–7 字节为 D156000005", en="16 bytes, bytes 3 to 7 are D156000005"),
        _identification,
    ),
    Rule(
        "card-category",
        0x02,
        "SSC-FMT-007",
        Text(zh="卡的类别", en="card category"),
        Text(zh="1、2、3 或 4", en="1, 2, 3 or 4"),
        lambda value, _: value in (b"1", b"2", b"3", b"4"),
    ),
    Rule(
        "version",
        0x03,
        "SSC-FMT-008",
        Text(zh="规范版本", en="version of the specification"),
        Text(zh="1.00、2.00、2.01 或 3.00，与声明一致", en="1.00, 2.00, 2.01 or 3.00, as declared"),
        _version,
    ),
    Rule(
        "initialising-body",
        0x04,
        "SSC-FMT-010",
        Text(zh="初始化机构编号前缀", en="prefix of the initialising body"),
        Text(zh="以 9156000002 开头", en="begins with 9156000002"),
        lambda value, _: value[:5] == INITIALISATION,
    ),
    Rule(
        "initialising-body-areas",
        0x04,
        "SSC-FMT-011",
        Text(zh="初始化机构编号中的区划", en="areas in the number of the initialising body"),
        Text(
            zh="发卡地与初始化机构的行政区划代码、顺序号",
            en="codes of the issuing and the initialising area, a sequence number",
        ),
        _institution_areas,
    ),
    Rule(
        "date-of-issue",
        0x05,
        "SSC-FMT-012",
        Text(zh="发卡日期", en="date of issue"),
        Text(zh="有效日期，不晚于今天", en="a valid date, today or earlier"),
        _issued,
    ),
    Rule(
        "card-number",
        0x07,
        "SSC-FMT-014",
        Text(zh="卡号", en="card number"),
        Text(zh="9 个字符，0–9 或 A–Z", en="9 characters, 0 to 9 or A to Z"),
        lambda value, _: bool(re.fullmatch(b"[0-9A-Z]{9}", value)),
    ),
    Rule(
        "card-number-check",
        0x07,
        "SSC-FMT-015",
        Text(zh="卡号校验位", en="check character of the card number"),
        Text(zh="第 9 位为前 8 位的加权模 11 校验", en="the ninth is the weighted modulo-11 check of the first eight"),
        lambda value, _: is_card_number(text(value)),
    ),
    Rule(
        "social-security-number",
        0x08,
        "SSC-FMT-016",
        Text(zh="社会保障号码", en="social security number"),
        Text(zh="18 位公民身份号码，校验位正确", en="a citizen number of 18 characters with its right check character"),
        _citizen,
    ),
    Rule(
        "sex",
        0x0A,
        "SSC-FMT-018",
        Text(zh="性别", en="sex"),
        Text(zh="1、2 或 9", en="1, 2 or 9"),
        lambda value, _: value in (b"1", b"2", b"9"),
    ),
    Rule(
        "ethnic-group",
        0x0B,
        "SSC-FMT-019",
        Text(zh="民族", en="ethnic group"),
        Text(zh="01–56 或 99", en="01 to 56 or 99"),
        _ethnic_group,
    ),
    Rule(
        "place-of-birth",
        0x0C,
        "SSC-FMT-020",
        Text(zh="出生地", en="place of birth"),
        Text(zh="GB/T 2260 行政区划代码", en="an area code of GB/T 2260"),
        lambda value, _: is_area(value.hex()),
    ),
)


@SUITE.cases_from
def single_elements(_: Profile) -> Iterator[Case]:
    """A case for each rule."""
    for rule in RULES:
        yield Case(
            identifier=f"FMT/{rule.name}/BV",
            title=rule.title,
            requirements=(rule.requirement,),
            kind=Kind.VALID,
            expected=rule.expected,
            body=partial(_judge, rule),
        )


def _judge(rule: Rule, bench: Bench) -> None:
    value = element_value(bench, rule.tag)
    bench.check(
        rule.good(value, bench),
        f"标识 {rule.tag:02X} {rule.title.zh}",
        f"tag {rule.tag:02X}, {rule.title.en}",
        expected=rule.expected.en,
        received=shown(rule.tag, value),
        requirement=rule.requirement,
    )
