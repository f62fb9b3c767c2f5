"""Faults of qPBOC and fDDA on the contactless side 快速借记/贷记: the path, the answer, its cryptogram and signature."""

from __future__ import annotations

from typing import Any

from conformance.faults.payment.means import replaced
from conformance.faults.payment.quick_means import (
    COMMAND,
    OFFLINE,
    Other,
    add,
    any_card,
    fault_set,
    has_object,
    terminal_seen,
)
from emulator.apps.payment import contactless
from emulator.apps.payment.application import Application, Tag
from emulator.apps.payment.cryptograms import cryptogram_input
from emulator.apps.payment.quick import Terminal, terminal_qualifiers
from emulator.apps.payment.reading import available_amount
from emulator.apps.payment.signatures import sign
from emulator.apps.payment.transaction import Transaction
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command, tlv
from profiles import payment_content
from profiles.applications import payment_directory
from profiles.model import Profile

FAULTS = fault_set()
_not_approved = contactless._not_approved


def _with_file_locator(application: Application, transaction: Transaction, **more: Any) -> list[bytes]:
    locator = application.path(contactless.QPBOC)
    return [*_not_approved(application, transaction, **more), tlv.build(Tag.AFL, locator[1] if locator else b"")]


def _amount_before(application: Application, transaction: Transaction) -> bytes:
    kept, application.changes = application.changes, {}
    try:
        return available_amount(application, transaction)
    finally:
        application.changes = kept


def _without_results(application: Application, transaction: Transaction) -> bytes:
    given = transaction.terminal
    transaction.terminal = {**given, Tag.TVR: bytes(5)}
    try:
        return cryptogram_input(application, transaction)
    finally:
        transaction.terminal = given


def _without_card_data(application: Application, dynamic: bytes, signed: bytes) -> bytes:
    short = signed[:-8] if len(signed) > 8 else signed
    return sign(application, dynamic, short)


def _wrong_dynamic_data(application: Application) -> bytes:
    return b"\x02\x00\x00"


class _Constant:
    """A generator that has run dry."""

    @staticmethod
    def urandom(count: int) -> bytes:
        """The same bytes each time."""
        return bytes(count)


def _quick_version(profile: Profile) -> int:
    directory = profile.directory[payment_directory(profile) or ""]
    objects = {**payment_content.data_objects(directory), **payment_content.contactless_objects(directory)}
    return objects["9F10"][2]


add(
    FAULTS,
    (
        Other(
            "qpb.file-locator-online",
            "联机和拒绝应答返回 AFL",
            "ARQC and AAC come with a file locator",
            ["PAY-QPB-004"],
            contactless,
            "_not_approved",
            _with_file_locator,
        ),
        Other(
            "qpb.object-twice",
            "应答重复返回记录中的数据元",
            "The answer repeats what stands in the records",
            ["PAY-QPB-044"],
            contactless,
            "_tags",
            lambda application, places: frozenset(),
            OFFLINE,
        ),
        Other(
            "qpb.amount-before-debit",
            "9F5D 为扣款前的值",
            "9F5D is the amount before the debit",
            ["PAY-QPB-040"],
            contactless,
            "available_amount",
            _amount_before,
            lambda profile: OFFLINE(profile) and has_object(profile, "9F5D"),
        ),
        Other(
            "qpb.results-left-out",
            "版本 01 的密文不含终端验证结果",
            "The cryptogram of version 01 leaves out the terminal verification results",
            ["PAY-QPB-010"],
            contactless,
            "cryptogram_input",
            _without_results,
            lambda profile: any_card(profile) and _quick_version(profile) == 0x01,
        ),
        Other(
            "fdd.card-data-unsigned",
            "版本 01 的签名不含 9F69",
            "The signature of version 01 leaves out 9F69",
            ["PAY-FDD-002"],
            contactless,
            "sign",
            _without_card_data,
            OFFLINE,
        ),
        Other(
            "fdd.amount-unsigned",
            "版本 01 的签名不含金额",
            "The signature of version 01 leaves out the amount",
            ["PAY-FDD-002", "PAY-FDD-008"],
            contactless,
            "SIGNED_01",
            bytes.fromhex("9F37045F2A02"),
            OFFLINE,
        ),
        Other(
            "fdd.same-number",
            "9F69 的随机数不变",
            "The random number in 9F69 is always the same",
            ["PAY-FDD-004"],
            contactless,
            "os",
            _Constant,
            OFFLINE,
        ),
        Other(
            "fdd.version-00-alone",
            "不支持 fDDA 版本 01",
            "The card knows version 00 alone",
            ["PAY-FDD-002", "PAY-FDD-003"],
            contactless,
            "terminal_qualifiers",
            terminal_seen(lambda bits: bits & ~Terminal.FDDA_01),
            OFFLINE,
        ),
        Other(
            "fdd.version-01-always",
            "对任何终端都用 fDDA 版本 01",
            "Version 01 is used with every terminal",
            ["PAY-FDD-001", "PAY-FDD-003"],
            contactless,
            "terminal_qualifiers",
            terminal_seen(lambda bits: bits | Terminal.FDDA_01),
            OFFLINE,
        ),
        Other(
            "fdd.dynamic-data-fixed",
            "动态数据不是 ATC",
            "The dynamic data are not the counter",
            ["PAY-FDD-006"],
            contactless,
            "dynamic_number",
            _wrong_dynamic_data,
            OFFLINE,
        ),
    ),
)


@FAULTS.command(
    COMMAND,
    "qpb.answers-any-path",
    "终端不支持 qPBOC 时仍走 qPBOC",
    "The card takes the path of qPBOC unasked",
    ["PAY-QPB-002"],
    any_card,
)
def answers_any_path(card: Card, command: Command, good: Handler) -> bytes:
    """The first bits of 9F66 are not looked at."""

    def everything(transaction: Transaction) -> int:
        return terminal_qualifiers(transaction) | Terminal.QPBOC

    with replaced(contactless, "terminal_qualifiers", everything):
        return good(card, command)
