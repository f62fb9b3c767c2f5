"""Faults of qPBOC and fDDA on the contactless side 快速借记/贷记: answers, decisions, spending checks, signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from conformance.faults.catalogue import Condition, FaultSet
from conformance.faults.payment.means import replaced
from emulator.apps.payment import contactless, quick
from emulator.apps.payment.application import Application, Tag, number
from emulator.apps.payment.cryptograms import cryptogram_input
from emulator.apps.payment.quick import Decision, Processing, Terminal, card_processing, terminal_qualifiers
from emulator.apps.payment.reading import available_amount
from emulator.apps.payment.signatures import sign
from emulator.apps.payment.transaction import Cvr, Kind, Transaction
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import CONTACTLESS
from emulator.iso7816 import Command, tlv
from profiles import payment_content
from profiles.applications import PAYMENT_APPLICATIONS, payment_directory
from profiles.model import Profile

FAULTS = FaultSet(PAYMENT_APPLICATIONS, interfaces=frozenset({CONTACTLESS}))
COMMAND = "GET PROCESSING OPTIONS"


def quick_processing(profile: Profile) -> int | None:
    """9F68 of a card with an antenna and qPBOC, what a card without it does where it has none; None for any other card."""
    name = payment_directory(profile)
    if name is None or not profile.has_antenna:
        return None
    payment = profile.directory[name].payment
    if payment is None or "qPBOC" not in payment.path:
        return None
    value = payment_content.data_objects(profile.directory[name]).get("9F68", b"\x80\0\0\0")
    return int.from_bytes(value, "big")


def any_card(profile: Profile) -> bool:
    """A card with qPBOC."""
    return quick_processing(profile) is not None


def doing(bits: int) -> Condition:
    """A card whose additional processes have one of these bits."""
    return lambda profile: bool((quick_processing(profile) or 0) & bits)


def without(bits: int) -> Condition:
    """A card with qPBOC whose additional processes have none of these bits."""
    return lambda profile: any_card(profile) and not (quick_processing(profile) or 0) & bits


LOW = doing(Processing.LOW_VALUE)
OFFLINE = doing(Processing.LOW_VALUE | Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL)


class Other(NamedTuple):
    """A fault that is another function, method or constant in the card's program for the length of a command."""

    name: str
    zh: str
    en: str
    requirements: Sequence[str]
    owner: Any
    attribute: str
    value: object
    applies_to: Condition = any_card


def add(faults: FaultSet, table: Sequence[Other]) -> None:
    """Declare the faults of a table."""
    for fault in table:
        faults.command(COMMAND, fault.name, fault.zh, fault.en, fault.requirements, fault.applies_to)(_with(fault))


def _with(fault: Other) -> Callable[[Card, Command, Handler], bytes]:
    def deviating(card: Card, command: Command, good: Handler) -> bytes:
        with replaced(fault.owner, fault.attribute, fault.value):
            return good(card, command)

    return deviating


def terminal_seen(change: Callable[[int], int]) -> Callable[[Transaction], int]:
    """The terminal qualifiers as a decision sees them that takes some bits for others."""
    return lambda transaction: change(terminal_qualifiers(transaction))


def card_seen(change: Callable[[int], int]) -> Callable[[Application], int]:
    """The card additional processes as a decision sees them that takes some bits for others."""
    return lambda application: change(card_processing(application))


# What the decision does wrong

_needs_verification, _spend, _total_is_exceeded = (
    Decision._cvm_is_needed,
    Decision._spend,
    Decision._total_is_exceeded,
)
_not_approved = contactless._not_approved


def _verification_at_limit(self: Any) -> bool:
    limit = self._object(Tag.CVM_LIMIT)
    return _needs_verification(self) or (self._matched and limit is not None and self._asked == number(limit))


def _threshold(binds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def beyond(self: Any) -> bool:
        kept = number(self._object(Tag.THRESHOLD) or b"") if binds(self) else 0
        return bool(self._beyond_single_limit() or self._asked > self._available - kept)

    return beyond


def _at_single_limit(self: Any) -> bool:
    limit = self._object(Tag.SINGLE_LIMIT)
    return limit is not None and self._asked >= number(limit)


def _silent_spend(self: Any) -> Kind:
    kind = _spend(self)
    self._transaction.cvr &= ~Cvr.VELOCITY
    return kind


def _total_at_limit(self: Any) -> bool:
    self._asked += 1
    try:
        return _total_is_exceeded(self)
    finally:
        self._asked -= 1


def _never(self: Any) -> bool:
    return False


def _nothing(self: Any) -> None:
    """The step is left out."""


def _pin_only_without_signature(bits: int) -> int:
    return bits & ~Terminal.ONLINE_PIN if bits & Terminal.SIGNATURE else bits


# What the answer does wrong


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


ONLINE_OR_DECLINED = ["PAY-QPB-027", "PAY-QPB-028", "PAY-QPB-030", "PAY-QPB-034", "PAY-QPB-036"]

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
            "qpb.verification-at-limit",
            "金额等于 9F6B 时要求持卡人验证",
            "An amount equal to 9F6B needs verification",
            ["PAY-QPB-016"],
            Decision,
            "_cvm_is_needed",
            _verification_at_limit,
            lambda profile: any_card(profile) and _has(profile, "9F6B"),
        ),
        Other(
            "qpb.signature-first",
            "签名优先于联机 PIN",
            "Signature has precedence over online PIN",
            ["PAY-QPB-019"],
            quick,
            "terminal_qualifiers",
            terminal_seen(_pin_only_without_signature),
            doing(Processing.ONLINE_PIN),
        ),
        Other(
            "qpb.no-method-approves",
            "没有共同验证方式仍继续交易",
            "A transaction goes on without a verification in common",
            ["PAY-QPB-014", "PAY-QPB-020"],
            Decision,
            "_require_signature",
            _nothing,
        ),
        Other(
            "qpb.terminal-ignored",
            "忽略终端的联机要求",
            "The terminal's wish to go online is ignored",
            ["PAY-QPB-021"],
            quick,
            "terminal_qualifiers",
            terminal_seen(lambda bits: bits & ~Terminal.CRYPTOGRAM_REQUIRED),
            OFFLINE,
        ),
        Other(
            "qpb.foreign-offline",
            "未允许的异币脱机批准",
            "Another currency is approved offline unasked",
            ["PAY-QPB-022"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits | Processing.FOREIGN_OFFLINE),
            lambda profile: (
                without(Processing.FOREIGN_OFFLINE | Processing.FOREIGN_FORBIDDEN | Processing.FOREIGN_CVM)(profile)
                and _has(profile, "9F53")
            ),
        ),
        Other(
            "qpb.foreign-not-forbidden",
            "忽略异币禁止",
            "The ban on other currencies is ignored",
            ["PAY-QPB-011"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.FOREIGN_FORBIDDEN),
            doing(Processing.FOREIGN_FORBIDDEN),
        ),
        Other(
            "qpb.new-card-ignored",
            "新卡不联机",
            "A new card does not go online",
            ["PAY-QPB-023"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.NEW_CARD),
            doing(Processing.NEW_CARD),
        ),
        Other(
            "qpb.pin-tries-ignored",
            "不检查 PIN 尝试次数",
            "PIN tries are not checked",
            ["PAY-QPB-013", "PAY-QPB-024"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.PIN_TRIES),
            doing(Processing.PIN_TRIES),
        ),
        Other(
            "qpb.contact-not-preferred",
            "不转到接触界面",
            "The contacts are not preferred",
            ["PAY-QPB-037"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.PREFERS_CONTACT),
            doing(Processing.PREFERS_CONTACT),
        ),
        Other(
            "qpb.prepaid-free",
            "预付卡联机不扣款",
            "A prepaid card does not pay online",
            ["PAY-QPB-038"],
            quick,
            "card_processing",
            card_seen(lambda bits: bits & ~Processing.PREPAID),
            doing(Processing.PREPAID),
        ),
        Other(
            "qpb.threshold-ignored",
            "联机终端忽略 9F6D",
            "The threshold 9F6D does not bind at an online terminal",
            ["PAY-QPB-027"],
            Decision,
            "_beyond_low_value",
            _threshold(lambda self: False),
            LOW,
        ),
        Other(
            "qpb.threshold-offline",
            "仅脱机终端仍受 9F6D 限制",
            "The threshold 9F6D binds at an offline-only terminal, too",
            ["PAY-QPB-029"],
            Decision,
            "_beyond_low_value",
            _threshold(lambda self: True),
            LOW,
        ),
        Other(
            "qpb.single-limit-ignored",
            "忽略单笔限额 9F78",
            "The single limit 9F78 is ignored",
            ONLINE_OR_DECLINED[:4],
            Decision,
            "_beyond_single_limit",
            _never,
            OFFLINE,
        ),
        Other(
            "qpb.single-limit-excluded",
            "金额等于 9F78 时不批准",
            "An amount equal to the single limit is refused",
            ["PAY-QPB-026", "PAY-QPB-028", "PAY-QPB-034"],
            Decision,
            "_beyond_single_limit",
            _at_single_limit,
            doing(Processing.LOW_VALUE | Processing.LOW_VALUE_OR_TOTAL),
        ),
        Other(
            "qpb.velocity-hidden",
            "超限时 CVR 不置位",
            "The CVR does not show that a limit was exceeded",
            ONLINE_OR_DECLINED,
            Decision,
            "_spend",
            _silent_spend,
            OFFLINE,
        ),
        Other(
            "qpb.balance-kept",
            "脱机批准不减余额",
            "An offline approval costs nothing",
            ["PAY-QPB-026", "PAY-QPB-031", "PAY-QPB-033"],
            Decision,
            "_debit",
            _nothing,
            OFFLINE,
        ),
        Other(
            "qpb.total-kept",
            "脱机批准不计入累计金额",
            "An offline approval does not count to the total",
            ["PAY-QPB-031", "PAY-QPB-034"],
            Decision,
            "_add_to_total",
            _nothing,
            doing(Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL),
        ),
        Other(
            "qpb.total-at-limit",
            "累计等于上限时不批准",
            "A total that reaches its limit is refused",
            ["PAY-QPB-030", "PAY-QPB-034"],
            Decision,
            "_total_is_exceeded",
            _total_at_limit,
            doing(Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL),
        ),
        Other(
            "qpb.amount-before-debit",
            "9F5D 为扣款前的值",
            "9F5D is the amount before the debit",
            ["PAY-QPB-040"],
            contactless,
            "available_amount",
            _amount_before,
            lambda profile: OFFLINE(profile) and _has(profile, "9F5D"),
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


def _has(profile: Profile, tag: str) -> bool:
    name = payment_directory(profile)
    return name is not None and tag in payment_content.data_objects(profile.directory[name])


def _quick_version(profile: Profile) -> int:
    directory = profile.directory[payment_directory(profile) or ""]
    objects = {**payment_content.data_objects(directory), **payment_content.contactless_objects(directory)}
    return objects["9F10"][2]


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
