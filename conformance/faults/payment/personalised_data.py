"""Faults of the data of a personalised card 个人化数据: what its records, lists, limits and logs do not agree on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.payment.application_selection import Change, rewritten
from conformance.faults.payment.certificates import payment_application
from conformance.faults.payment.contactless import quick
from emulator.apps.payment.application import Counter, Tag, amount, counter_cell, data_cell, number
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in
from emulator.cos.structure import Directory, File, Structure
from emulator.iso7816 import SW, Command, StatusError, tlv

FAULTS = FaultSet(frozenset({"debit"}))
READ, OPTIONS, GET_DATA = "READ RECORD", "GET PROCESSING OPTIONS", "GET DATA"
TEMPLATE_FILES = range(1, 11)
VERSION, DEFAULT_CODE, LIST, APPLICATION_CURRENCY = 0x9F08, 0x9F0D, 0x8E, 0x9F42
DOCUMENT_KIND, UPPER = 0x9F62, 0x9F23
AMOUNTS = 8
"""Bytes of the two amounts before the rules of 8E."""
FORMAT_1, FORMAT_2 = 0x80, 0x77


def _shown(change: Change) -> Deviation:
    """READ RECORD that shows other objects; the card itself works with its own."""

    def read(card: Card, command: Command, good: Handler) -> bytes:
        record = good(card, command)
        return rewritten(record, change) if command.p2 >> 3 in TEMPLATE_FILES else record

    return read


def _object(wanted: int, change: Callable[[bytes], bytes | None]) -> Change:
    return lambda tag, value: change(value) if tag == wanted else value


def _without_results(listed: bytes) -> bytes:
    """A list of data objects without the terminal verification results 95."""
    entries = (entry for entry in tlv.parse_tags_and_lengths(listed) if entry[0] != Tag.TVR)
    return b"".join(tlv.encode_tag(tag) + tlv.encode_length(length) for tag, length in entries)


def _amounts_without_currency(tag: int, value: bytes) -> bytes | None:
    if tag == APPLICATION_CURRENCY:
        return None
    return value[: AMOUNTS + 1] + b"\x06" + value[AMOUNTS + 2 :] if tag == LIST else value


RECORDS: tuple[tuple[str, str, str, str, Change], ...] = (
    (
        "per.tag-twice",
        "CDOL1 标签重复",
        "CDOL1 has a tag twice",
        "PAY-PER-016",
        _object(Tag.CDOL1, lambda value: value + bytes.fromhex("9F0206")),
    ),
    (
        "per.list-without-results",
        "CDOL1 不含 95",
        "CDOL1 does not ask for 95",
        "PAY-PER-017",
        _object(Tag.CDOL1, _without_results),
    ),
    (
        "per.older-edition",
        "应用版本号为 0020",
        "The application version is 0020",
        "PAY-PER-018",
        _object(VERSION, lambda value: bytes.fromhex("0020")),
    ),
    (
        "per.reserved-bit",
        "行为代码保留位为 1",
        "A reserved bit of an action code is set",
        "PAY-PER-019",
        _object(DEFAULT_CODE, lambda value: bytes((value[0] | 1,)) + value[1:]),
    ),
    (
        "per.half-rule",
        "CVM 列表规则不成对",
        "The cardholder verification list ends within a rule",
        "PAY-PER-020",
        _object(LIST, lambda value: value + b"\x1f"),
    ),
    (
        "per.enciphered-pin-method",
        "CVM 列表含未使用的密文 PIN 方法",
        "The cardholder verification list has the method of an enciphered PIN, which is not used",
        "PAY-PER-020",
        _object(LIST, lambda value: value[:AMOUNTS] + b"\x44" + value[AMOUNTS + 1 :]),
    ),
    (
        "per.amounts-without-currency",
        "有金额条件而无 9F42",
        "Amounts are compared without 9F42",
        "PAY-PER-021",
        _amounts_without_currency,
    ),
    (
        "per.document-kind",
        "证件类型为 06",
        "The kind of the document is 06",
        "PAY-PER-023",
        _object(DOCUMENT_KIND, lambda value: b"\x06"),
    ),
    (
        "per.lower-limit-alone",
        "只有 9F14 而无 9F23",
        "9F14 is there without 9F23",
        "PAY-PER-024",
        _object(UPPER, lambda value: None),
    ),
)
for _name, _zh, _en, _requirement, _change in RECORDS:
    FAULTS.command(READ, _name, _zh, _en, [_requirement], paying)(_shown(_change))


@FAULTS.command(
    OPTIONS, "per.lists-unsigned", "CDOL 不参与签名", "The records of the lists are not signed", ["PAY-PER-015"], paying
)
def lists_unsigned(card: Card, command: Command, good: Handler) -> bytes:
    """No entry of the AFL has signed records."""
    answer = good(card, command)
    (whole,) = tlv.parse(answer)
    if whole.tag != FORMAT_1:
        return answer
    listed = bytearray(whole.value)
    listed[5::4] = bytes(len(listed[5::4]))
    return tlv.build(FORMAT_1, bytes(listed))


@FAULTS.command(
    OPTIONS,
    "per.sequence-number-twice",
    "获取处理选项的应答与记录均含 5F34",
    "5F34 comes with GET PROCESSING OPTIONS and in a record",
    ["PAY-PER-030"],
    quick,
)
def sequence_number_twice(card: Card, command: Command, good: Handler) -> bytes:
    """On the contactless side."""
    answer = good(card, command)
    (whole,) = tlv.parse(answer)
    if whole.tag != FORMAT_2 or whole.find(Tag.SEQUENCE_NUMBER) or not whole.find(Tag.AFL):
        return answer
    return tlv.build(FORMAT_2, whole.value, tlv.build(Tag.SEQUENCE_NUMBER, b"\x01"))


@FAULTS.command(GET_DATA, "per.last-online-hidden", "9F13 不可读", "9F13 cannot be read", ["PAY-PER-025"], paying)
def last_online_hidden(card: Card, command: Command, good: Handler) -> bytes:
    """Although the card has limits for terminals."""
    if command.p1 << 8 | command.p2 == Tag.LAST_ONLINE_ATC:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    return good(card, command)


def _other_value(tag: int, value: str) -> Callable[[Mapping[str, Value]], dict[str, Value]]:
    return lambda cells: {data_cell(payment_application(cells).name, tag): bytes.fromhex(value)}


def _above_limit(cells: Mapping[str, Value]) -> dict[str, Value]:
    name = payment_application(cells).name
    limit = number(octets_in(cells[data_cell(name, Tag.BALANCE_LIMIT)]))
    return {data_cell(name, Tag.BALANCE): amount(limit + 1)}


def _indicator(cells: Mapping[str, Value]) -> dict[str, Value]:
    return {counter_cell(payment_application(cells).name, Counter.ONLINE_REQUESTED): 1}


FAULTS.contents(
    "per.other-currency",
    "9F51 与 9F42 不同",
    "9F51 is not 9F42",
    ["PAY-PER-013"],
    _other_value(Tag.CURRENCY, "0978"),
    paying,
)
FAULTS.contents(
    "per.other-country",
    "9F57 与 5F28 不同",
    "9F57 is not 5F28",
    ["PAY-PER-014"],
    _other_value(Tag.COUNTRY, "0276"),
    paying,
)
FAULTS.contents(
    "per.balance-above-limit", "余额高于上限", "The balance is above its limit", ["PAY-PER-028"], _above_limit, paying
)
FAULTS.contents(
    "per.indicator-set",
    "新卡的联机授权指示位为 1",
    "The online indicator of a fresh card is set",
    ["PAY-PER-031"],
    _indicator,
    paying,
)


@FAULTS.structure(
    "per.short-log",
    "交易日志少一条",
    "The transaction log holds one record less than announced",
    ["PAY-PER-029"],
    paying,
)
def short_log(structure: Structure) -> Structure:
    """9F4D keeps its number."""

    def shorter(file: File) -> File:
        short = file.log_format == Tag.LOG_FORMAT
        return dataclasses.replace(file, capacity=file.capacity - 1) if short else file

    def changed(directory: Directory) -> Directory:
        return dataclasses.replace(directory, files=tuple(shorter(file) for file in directory.files))

    return dataclasses.replace(structure, directories=tuple(changed(each) for each in structure.directories))


@FAULTS.card(
    "per.still-open", "已发行卡仍接受存储数据", "An issued card still takes STORE DATA", ["PAY-PER-008"], paying
)
class StillOpen(Card):
    """A personalisation that nobody closed."""

    def transmit(self, raw: bytes) -> bytes:
        """STORE DATA is answered 9000."""
        return SW.SUCCESS.to_bytes(2) if raw[:2] == b"\x80\xe2" else super().transmit(raw)
