"""Faults of SELECT 应用选择, of file control information and of the directory of the payment system environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.payment_reading import PSE
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler, WarnedAnswer
from emulator.cos.structure import CARD_STATE_CELL, CardState, Directory, Structure
from emulator.iso7816 import SW, Command, StatusError, tlv

FAULTS = FaultSet(None)
"""SELECT of the payment application may come from any other one."""
SELECT = 0x00A4
PROVIDER = bytes.fromhex("A000000333")
SHORTENED = 7
NAME = 0x84
AID, LABEL, LOG_ENTRY, LOAD_LOG_ENTRY = 0x4F, 0x50, 0x9F4D, 0xDF4D

Change = Callable[[int, bytes], bytes | None]
"""From tag and value to the value that the faulty card has; None leaves the object out."""


def rewritten(data: bytes, change: Change) -> bytes:
    """The data objects with every value changed, inner ones first."""
    made = b""
    for each in tlv.parse(data):
        value = change(each.tag, rewritten(each.value, change) if each.constructed else each.value)
        made += b"" if value is None else tlv.build(each.tag, value)
    return made


def with_answers(structure: Structure, change: Change) -> Structure:
    """The structure in which the payment applications answer SELECT otherwise."""

    def changed(directory: Directory) -> Directory:
        if directory.payment is None:
            return directory
        return dataclasses.replace(
            directory,
            answer=rewritten(directory.answer, change),
            contactless_answer=rewritten(directory.contactless_answer, change),
        )

    return dataclasses.replace(structure, directories=tuple(changed(each) for each in structure.directories))


@FAULTS.structure("app.no-label", "FCI 无应用标签", "The answer of SELECT has no label", ["PAY-SEL-001"], paying)
def no_label(structure: Structure) -> Structure:
    """A5 without 50."""
    return with_answers(structure, lambda tag, value: None if tag == LABEL else value)


@FAULTS.structure("app.name-shortened", "FCI 中 AID 不完整", "Tag 84 holds a part of the AID", ["PAY-SEL-002"], paying)
def name_shortened(structure: Structure) -> Structure:
    """The registered part alone."""
    return with_answers(structure, lambda tag, value: value[:SHORTENED] if tag == NAME else value)


@FAULTS.structure(
    "app.log-entry-low",
    "交易日志入口的短文件标识过小",
    "The entry of the transaction log names a file of templates",
    ["PAY-SEL-020"],
    paying,
)
def log_entry_low(structure: Structure) -> Structure:
    """Short identifier 10."""
    return with_answers(structure, lambda tag, value: b"\x0a" + value[1:] if tag == LOG_ENTRY else value)


@FAULTS.structure(
    "app.load-log-entry-small",
    "圈存日志入口声明的记录数不足",
    "The entry of the load log announces too few records",
    ["PAY-SEL-021"],
    paying,
)
def load_log_entry_small(structure: Structure) -> Structure:
    """Nine records."""
    return with_answers(structure, lambda tag, value: value[:1] + b"\x09" if tag == LOAD_LOG_ENTRY else value)


@FAULTS.command(
    "SELECT",
    "app.not-found-otherwise",
    "应用不存在时返回 6A83",
    "An unknown application is answered 6A83",
    ["PAY-SEL-005"],
    paying,
)
def not_found_otherwise(card: Card, command: Command, good: Handler) -> bytes:
    """The word for records, to names of the payment system alone."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.FILE_NOT_FOUND and command.data.startswith(PROVIDER):
            raise StatusError(SW.RECORD_NOT_FOUND) from None
        raise


@FAULTS.command(
    "SELECT",
    "app.blocked-silent",
    "选择锁定的应用返回 9000",
    "SELECT of a blocked application answers 9000",
    ["PAY-SEL-012"],
    paying,
)
def blocked_silent(card: Card, command: Command, good: Handler) -> bytes:
    """The file control information without the warning."""
    try:
        return good(card, command)
    except WarnedAnswer as warned:
        return warned.data


@FAULTS.command(
    "SELECT",
    "app.transaction-survives",
    "重新选择不终止交易",
    "A further SELECT does not end the transaction",
    ["PAY-SEL-023"],
    paying,
)
def transaction_survives(card: Card, command: Command, good: Handler) -> bytes:
    """The same application again finds its transaction."""
    node, transaction = card.session.node, card.session.application
    answer = good(card, command)
    if card.session.node is node and node.directory.payment is not None:
        card.session.application = transaction
    return answer


@FAULTS.card(
    "app.card-block-otherwise",
    "卡片锁定后选择返回 6A82",
    "A blocked card answers SELECT with 6A82",
    ["PAY-SEL-014"],
    paying,
)
class CardBlockOtherwise(Card):
    """As if its applications were gone."""

    def transmit(self, raw: bytes) -> bytes:
        """The good card's answer unless it refuses SELECT."""
        answer = super().transmit(raw)
        if self.memory.cells[CARD_STATE_CELL] == CardState.TERMINATED and int.from_bytes(raw[:2], "big") == SELECT:
            return SW.FILE_NOT_FOUND.to_bytes(2, "big")
        return answer


# The payment system environment: a DDF of its own, or the MF of a social security card


@FAULTS.structure(
    "pse.directory-file-out-of-range",
    "PSE 目录文件标识超出范围",
    "The PSE names a directory file above 10",
    ["PAY-SEL-007"],
    paying,
)
def directory_file_out_of_range(structure: Structure) -> Structure:
    """Short identifier 11."""

    def changed(directory: Directory) -> Directory:
        return dataclasses.replace(directory, directory_file=11) if directory.aid == PSE else directory

    return dataclasses.replace(structure, directories=tuple(changed(each) for each in structure.directories))


@FAULTS.command(
    "READ RECORD",
    "pse.no-end",
    "PSE 目录末尾返回 6A82",
    "The end of the directory is answered 6A82",
    ["PAY-SEL-008"],
    paying,
)
def no_end(card: Card, command: Command, good: Handler) -> bytes:
    """As if the file were missing."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.RECORD_NOT_FOUND and card.session.node.directory.aid == PSE:
            raise StatusError(SW.FILE_NOT_FOUND) from None
        raise


def _read_otherwise(change: Change) -> Deviation:
    """READ RECORD of the directory with other objects."""

    def read(card: Card, command: Command, good: Handler) -> bytes:
        answer = good(card, command)
        return rewritten(answer, change) if card.session.node.directory.aid == PSE else answer

    return read


FAULTS.command(
    "READ RECORD",
    "pse.no-label",
    "PSE 目录入口无标签",
    "An entry of the directory has no label",
    ["PAY-SEL-009"],
    paying,
)(_read_otherwise(lambda tag, value: None if tag == LABEL else value))

FAULTS.command(
    "READ RECORD",
    "pse.foreign-name",
    "PSE 目录列出卡上没有的 AID",
    "The directory lists an application that is not there",
    ["PAY-SEL-010"],
    paying,
)(_read_otherwise(lambda tag, value: value[:-1] + b"\x77" if tag == AID else value))
