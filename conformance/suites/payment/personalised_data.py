"""The data of a personalised card 个人化数据 (area PAY-PER): what the card and its records, limits and logs have to agree on."""

from __future__ import annotations

from collections import Counter

from conformance.actors.bank.scripts import put_data
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    objects_of,
)
from conformance.payment_dialogue import (
    AFL,
    ARQC,
    TC,
    Visit,
    declared_objects,
    get_data,
    set_data,
)
from conformance.payment_judging import (
    NOT_COMPLETED,
    VELOCITY,
    judge,
    limits,
    new_card,
    next_one,
    put_back,
    require_kind,
)
from conformance.payment_reading import ask_data, listed_records, records_of_ways, template
from conformance.suites.payment._steps import expect_refusal
from conformance.targets.base import Interface
from emulator.iso7816 import SW

SUITE = Suite("payment personalised data", "金融应用个人化数据", "Payment: personalised data", restore=put_back)

CURRENCY, COUNTRY, CARD_CURRENCY, CARD_COUNTRY = 0x9F42, 0x5F28, 0x9F51, 0x9F57
CURRENCY_LIMIT, COUNTRY_LIMIT = 0x9F53, 0x9F72
PROCESSING, OFFLINE_CHECKS = 0x9F68, 0xE0
BALANCE, BALANCE_LIMIT = 0x9F79, 0x9F77
LOGS = ((0x9F4D, "交易日志", "transaction log"), (0xDF4D, "圈存日志", "load log"))
INITIALIZE_UPDATE = 0x50
COMMANDS_BEFORE_ISSUE = (
    ((0x80, INITIALIZE_UPDATE, 0x00, 0x00), bytes.fromhex("A1A2A3A4A5A6A7A8")),
    ((0x84, 0x82, 0x01, 0x00), bytes(16)),
    ((0x80, 0xE2, 0x00, 0x00), bytes.fromhex("0E01059F51020156")),
    ((0x80, 0xE2, 0x80, 0x00), bytes.fromhex("0E01059F51020156")),
    ((0x84, 0xE2, 0x80, 0x00), bytes.fromhex("0E01059F51020156") + bytes(8)),
)
"""INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, and STORE DATA: further blocks, the last one, one with MAC."""
BEYOND = 2
"""Entries more than a log holds."""
CONTACTLESS_TERMINAL = "27000080"
FOREIGN_CURRENCY, FOREIGN_COUNTRY = "0978", "0276"


def _equal(bench: Bench, tag: int, own: int, requirement: str) -> None:
    """Compare an object of the records with one of the card, in a session as special device of the issuer."""
    for _, _, objects in records_of_ways(bench):
        if tag in objects:
            value = get_data(bench, own)
            bench.check(
                value is None or value == objects[tag],
                f"{tag:X} 与 {own:X}",
                f"{tag:X} and {own:X}",
                expected=objects[tag],
                received=value or b"",
                requirement=requirement,
            )


def _home(bench: Bench, tag: int, limit: int, requirement: str, name: str, foreign: str) -> None:
    """A limit of 0 for foreign transactions stops those alone that are not of the currency or country of the records."""
    if f"{limit:X}" not in declared_objects(bench.profile):
        raise NotApplicable(f"卡片没有 {limit:X}", f"the card has no {limit:X}, by which its own value shows")
    _, _, objects = next(records_of_ways(bench))
    if tag not in objects:
        raise NotApplicable(f"记录中没有 {tag:X}", f"the records have no {tag:X}")
    home = objects[tag].hex()
    with limits(bench, {limit: b"\0"}) as visit:
        judge(bench, requirement, next_one(visit, TC, requirement, **{name: home}), hidden=[VELOCITY])
        other = next_one(visit, TC, requirement, **{name: foreign if home != foreign else "0840"})
        judge(bench, requirement, other, shown=[VELOCITY])


@SUITE.case(
    "PAY-PER/currency/BV",
    "记录与卡片的货币一致",
    "Currency of the records and of the card",
    requirements=["PAY-PER-013"],
    kind=Kind.VALID,
    expected=(
        "9F42 与 9F51 相同：9F53 = 0 时，9F42 的货币不超限，其他货币超限",
        "9F42 is 9F51: with 9F53 = 0 the currency of 9F42 exceeds nothing, another one does",
    ),
)
def currency(bench: Bench) -> None:
    """9F51 shows by GET DATA to a special device alone; to others it shows by the limit of foreign transactions."""
    _equal(bench, CURRENCY, CARD_CURRENCY, "PAY-PER-013")
    _home(bench, CURRENCY, CURRENCY_LIMIT, "PAY-PER-013", "currency", FOREIGN_CURRENCY)


@SUITE.case(
    "PAY-PER/country/BV",
    "记录与卡片的国家一致",
    "Country of the records and of the card",
    requirements=["PAY-PER-014"],
    kind=Kind.VALID,
    expected=(
        "5F28 与 9F57 相同：9F72 = 0 时，5F28 的国家不超限，其他国家超限",
        "5F28 is 9F57: with 9F72 = 0 the country of 5F28 exceeds nothing, another one does",
    ),
)
def country(bench: Bench) -> None:
    """The same for the country."""
    _equal(bench, COUNTRY, CARD_COUNTRY, "PAY-PER-014")
    _home(bench, COUNTRY, COUNTRY_LIMIT, "PAY-PER-014", "country", FOREIGN_COUNTRY)


@SUITE.case(
    "PAY-PER/processing/BV",
    "卡片附加处理",
    "Card additional processes",
    requirements=["PAY-PER-026", "PAY-PER-027"],
    kind=Kind.VALID,
    expected=(
        "9F68 有 4 字节，第 1 字节 b8、b7、b6 至多一位为 1",
        "9F68 of 4 bytes; at most one of bits 8, 7, 6 of byte 1",
    ),
)
def processing(bench: Bench) -> None:
    """Only a special device of the issuer can read it."""
    Visit(bench).open()
    answer = bench.expect(ask_data(bench, PROCESSING), GOOD, "取 9F68", "GET DATA 9F68", requirement="PAY-PER-026")
    found = template(answer.data, PROCESSING)
    value = found.value if found else b""
    bench.check(len(value) == 4, "9F68", "9F68", expected="4 bytes", received=answer.data, requirement="PAY-PER-026")
    bench.check(
        (value[0] & OFFLINE_CHECKS).bit_count() <= 1,
        "脱机检查方式",
        "offline checks",
        expected="at most one",
        received=value,
        requirement="PAY-PER-027",
    )


@SUITE.case(
    "PAY-PER/balance/BV",
    "余额不超过上限",
    "Balance within its limit",
    requirements=["PAY-PER-028"],
    kind=Kind.VALID,
    expected=(
        "9F79 ≤ 9F77；9F77 不可读时，以当前余额设置 9F79 成功",
        "9F79 ≤ 9F77; where 9F77 can't be read, 9F79 can be set to its own value",
    ),
)
def balance(bench: Bench) -> None:
    """A card refuses a balance above the limit (JR/T 0025.13 §8)."""
    Visit(bench).open()
    value, limit = get_data(bench, BALANCE), get_data(bench, BALANCE_LIMIT)
    if value is None:
        raise Inconclusive("无法读取余额", "GET DATA does not give the balance 9F79")
    if limit is not None:
        bench.check(
            value <= limit, "余额与上限", "balance and limit", expected=f"≤ {limit.hex()}", received=value,
            requirement="PAY-PER-028",
        )  # fmt: skip
        return
    visit = Visit(bench)
    require_kind(visit.online(), TC)
    answer = visit.send_script(put_data(BALANCE, value))
    bench.expect(answer, GOOD, "以当前余额设置 9F79", "PUT DATA 9F79 of the balance", requirement="PAY-PER-028")


@SUITE.case(
    "PAY-PER/logs/BV",
    "日志条数",
    "Sizes of the logs",
    requirements=["PAY-PER-029"],
    kind=Kind.VALID,
    destructive=True,
    expected=("写满后记录数与 9F4D、DF4D 相同", "filled, they have as many records as 9F4D and DF4D say"),
)
def logs(bench: Bench) -> None:
    """More transactions and loads than the logs hold, then every record until there is none."""
    answer = Visit(bench).send_select()
    announced = objects_of(answer.data, 0x6F, 0xA5, 0xBF0C)
    for (tag, zh, en), fill in zip(LOGS, (_pay, _load), strict=True):
        entry = announced.get(tag, b"")
        if len(entry) != 2:
            continue
        fill(bench, entry[1] + BEYOND)
        visit, count = Visit(bench).open(), 0
        while visit.read_record(entry[0], count + 1).sw == SW.SUCCESS and count < 0xFE:
            count += 1
        bench.check(
            count == entry[1],
            f"{zh}条数",
            f"records of the {en}",
            expected=entry[1],
            received=count,
            requirement="PAY-PER-029",
        )


def _pay(bench: Bench, count: int) -> None:
    with limits(bench, {}) as visit:
        for _ in range(count):
            require_kind(next_one(visit, TC, amount=1), TC)


def _load(bench: Bench, count: int) -> None:
    if f"{BALANCE:X}" not in declared_objects(bench.profile):
        raise NotApplicable("卡片没有电子现金", "the card has no e-cash")
    value = declared_objects(bench.profile)[f"{BALANCE:X}"]
    for _ in range(count):
        set_data(bench, {BALANCE: value})


@SUITE.case(
    "PAY-PER/not-twice/BV",
    "数据元不重复返回",
    "No object twice",
    requirements=["PAY-PER-030"],
    kind=Kind.VALID,
    expected=(
        "获取处理选项的应答与记录中无重复标签",
        "no tag twice in the answer of GET PROCESSING OPTIONS and the records",
    ),
)
def not_twice(bench: Bench) -> None:
    """A quick transaction of nothing, approved off line; where the card asks for the bank there are no records."""
    bench.switch(Interface.CONTACTLESS)
    visit = Visit(bench, amount=0, qualifiers=CONTACTLESS_TERMINAL).open()
    answer = bench.need(visit.send_begin(), "获取处理选项", "GET PROCESSING OPTIONS")
    whole = template(answer.data, 0x77)
    if whole is None:
        raise Inconclusive("应答不是模板 77", "the answer is no template 77")
    tags = [each.tag for each in whole.children]
    if AFL in visit.objects:
        tags += [each.tag for record in listed_records(visit) for each in record.objects]
    twice = sorted(f"{tag:X}" for tag, times in Counter(tags).items() if times > 1)
    bench.check(
        not twice,
        "数据元不重复",
        "no object twice",
        expected="every tag once",
        received=", ".join(twice) or "every tag once",
        requirement="PAY-PER-030",
    )


@SUITE.case(
    "PAY-PER/fresh/BV",
    "新卡的联机授权指示位",
    "Online indicator of a fresh card",
    requirements=["PAY-PER-031"],
    kind=Kind.VALID,
    expected=("首笔交易 CVR 3.b8 = 0", "CVR 3.b8 = 0 in the first transaction"),
)
def fresh(bench: Bench) -> None:
    """Whatever other check sends the first transaction on line."""
    visit = new_card(bench).begin()
    judge(bench, "PAY-PER-031", visit.first(TC), hidden=[NOT_COMPLETED])


@SUITE.case(
    "PAY-PER/issued/BO",
    "已发行卡的个人化命令",
    "Commands of personalisation on an issued card",
    requirements=["PAY-PER-008"],
    kind=Kind.INOPPORTUNE,
    expected=("均被拒绝，应用照常工作", "refusal of each; the application goes on working"),
)
def issued(bench: Bench) -> None:
    """With the last block too, as if somebody had the keys."""
    Visit(bench).open()
    for header, data in COMMANDS_BEFORE_ISSUE:
        answer = bench.send(apdu(*header, data, ne=256 if header[1] == INITIALIZE_UPDATE else 0))
        name = f"{header[0]:02X}{header[1]:02X}"
        expect_refusal(bench, answer, f"命令 {name}", f"command {name}", "PAY-PER-008")
    judge(bench, "PAY-PER-008", next_one(Visit(bench), ARQC), kind=ARQC)
