"""Faults of completion 交易结束: what the second GENERATE AC answers after the issuer did, and what it resets."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.first_cryptogram import COMMAND
from conformance.faults.payment.means import counted, kind_of, replaced, with_cryptogram
from emulator.apps.payment import completion
from emulator.apps.payment.application import Application, Counter, Tag
from emulator.apps.payment.completion import OFFLINE_TOTALS, ONLINE_FLAGS, REFERRED, UNABLE_TO_GO_ONLINE
from emulator.apps.payment.risk import DefaultAction
from emulator.apps.payment.transaction import Authentication, Cvr, Kind, Stage, dol_values, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import SW, Command, StatusError
from profiles.applications import PAYMENT_APPLICATIONS
from profiles.model import Profile
from profiles.payment_content import data_objects

FAULTS = FaultSet(PAYMENT_APPLICATIONS)


def is_second(card: Card, command: Command) -> bool:
    """Whether a GENERATE AC is the second of a transaction that the issuer answered."""
    transaction = transaction_of(card)
    if transaction.stage is not Stage.ONLINE:
        return False
    code = dol_values(Application(card).value(Tag.CDOL2), command.data).get(Tag.RESPONSE_CODE)
    return code not in UNABLE_TO_GO_ONLINE


def mandatory(profile: Profile) -> bool:
    """A card with mandatory issuer authentication."""
    return paying(profile) and any(
        data_objects(each).get("9F56", b"\0")[0] & 0x80 for each in profile.directory.values() if each.payment
    )


@FAULTS.command(
    COMMAND,
    "ga2.refusal-approved",
    "终端请求 AAC 得到 TC",
    "A decline of the terminal is approved",
    ["PAY-GA2-001"],
    paying,
)
def refusal_approved(card: Card, command: Command, good: Handler) -> bytes:
    """P1 of the second is not looked at."""
    return good(card, command._replace(p1=Kind.TC << 6) if is_second(card, command) else command)


@FAULTS.command(
    COMMAND,
    "ga2.issuer-ignored",
    "不看发卡行响应码",
    "The response code of the issuer is ignored",
    ["PAY-GA2-002"],
    paying,
)
def issuer_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """Every code is an approval."""
    if is_second(card, command):
        transaction_of(card).response_code = b"00"
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.referral-declined",
    "参考响应码按拒绝处理",
    "A referral is taken for a refusal",
    ["PAY-GA2-003"],
    paying,
)
def referral_declined(card: Card, command: Command, good: Handler) -> bytes:
    """Codes 01 and 02."""
    transaction = transaction_of(card)
    if is_second(card, command) and transaction.response_code in REFERRED:
        transaction.response_code = b"05"
    return good(card, command)


ACTIONS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "ga2.failure-approved",
        "认证失败时不看 ADA 1.b7",
        "ADA 1.b7 is ignored: a failed issuer authentication is approved",
        "PAY-GA2-006",
        "AUTHENTICATION_FAILED_DECLINE",
    ),
    (
        "ga2.omission-approved",
        "未执行必备认证时不看 ADA 1.b6",
        "ADA 1.b6 is ignored: a transaction without mandatory authentication is approved",
        "PAY-GA2-007",
        "AUTHENTICATION_MISSING_DECLINE",
    ),
)


def _declare_action(name: str, zh: str, en: str, requirement: str, bit: str) -> None:
    @FAULTS.command(COMMAND, name, zh, en, [requirement], paying)
    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        with replaced(DefaultAction, bit, 0):
            return good(card, command)


for each in ACTIONS:
    _declare_action(*each)


@FAULTS.command(
    COMMAND,
    "ga2.omission-not-shown",
    "CVR 不反映未执行认证",
    "The results do not tell of an authentication that is missing",
    ["PAY-GA2-007"],
    mandatory,
)
def omission_not_shown(card: Card, command: Command, good: Handler) -> bytes:
    """CVR 3.b3 stays 0."""
    with replaced(Cvr, "AUTHENTICATION_NOT_PERFORMED", 0):
        return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.omission-forgotten",
    "未执行必备认证不置失败指示位",
    "An omitted mandatory authentication is no failure",
    ["PAY-GA2-008"],
    mandatory,
)
def omission_forgotten(card: Card, command: Command, good: Handler) -> bytes:
    """The failure indicator is what it was."""
    second, before = is_second(card, command), Application(card).counter(Counter.AUTHENTICATION_FAILED)
    answer = good(card, command)
    if second and transaction_of(card).authentication is Authentication.NOT_PERFORMED:
        counted(card, Counter.AUTHENTICATION_FAILED, before)
    return answer


# What is reset, and what is not


KEPT: tuple[tuple[str, str, str, str, Counter], ...] = (
    (
        "ga2.indicator-not-reset",
        "批准后不清联机授权指示位",
        "An approval leaves the online authorisation indicator set",
        "PAY-GA2-010",
        Counter.ONLINE_REQUESTED,
    ),
    (
        "ga2.script-count-not-reset",
        "批准后不清脚本计数",
        "An approval leaves the count of scripts",
        "PAY-GA2-010",
        Counter.SCRIPTS,
    ),
    (
        "ga2.static-flag-not-reset",
        "批准后不清 SDA 失败标志",
        "An approval leaves the flag of failed static authentication",
        "PAY-GA2-010",
        Counter.STATIC_FAILED,
    ),
    (
        "ga2.total-not-reset",
        "批准后不清累计金额",
        "An approval leaves the total of amounts",
        "PAY-GA2-010",
        Counter.CUMULATIVE_AMOUNT,
    ),
    (
        "ga2.foreign-counter-not-reset",
        "批准后不清国际-国家计数器",
        "An approval leaves the counter of foreign countries",
        "PAY-GA2-010",
        Counter.FOREIGN_COUNTRY,
    ),
)


def without(counters: Sequence[Counter], one: Counter) -> tuple[Counter, ...]:
    """The counters but one."""
    return tuple(counter for counter in counters if counter is not one)


def _declare_kept(name: str, zh: str, en: str, requirement: str, counter: Counter) -> None:
    @FAULTS.command(COMMAND, name, zh, en, [requirement], paying)
    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        with (
            replaced(completion, "ONLINE_FLAGS", without(ONLINE_FLAGS, counter)),
            replaced(completion, "OFFLINE_TOTALS", without(OFFLINE_TOTALS, counter)),
        ):
            return good(card, command)


for one in KEPT:
    _declare_kept(*one)


@FAULTS.command(
    COMMAND, "ga2.last-online-kept", "批准后不更新 9F13", "An approval does not set 9F13", ["PAY-GA2-011"], paying
)
def last_online_kept(card: Card, command: Command, good: Handler) -> bytes:
    """The last online counter is what it was."""
    before = Application(card).get(Tag.LAST_ONLINE_ATC)
    answer = good(card, command)
    application = Application(card)
    if before is not None and application.get(Tag.LAST_ONLINE_ATC) != before and any(before):
        application.put(Tag.LAST_ONLINE_ATC, before)
        application.commit()
    return answer


def _clear(card: Card, counters: Sequence[Counter]) -> None:
    for counter in counters:
        counted(card, counter, 0)


@FAULTS.command(
    COMMAND,
    "ga2.failure-resets",
    "认证失败的交易也清累计金额和计数器",
    "A transaction with failed authentication resets totals and counters",
    ["PAY-GA2-012"],
    paying,
)
def failure_resets(card: Card, command: Command, good: Handler) -> bytes:
    """As after an approval."""
    second = is_second(card, command) and command.p1 >> 6 == Kind.TC
    answer = good(card, command)
    if second and transaction_of(card).authentication is Authentication.FAILED:
        _clear(card, OFFLINE_TOTALS)
    return answer


@FAULTS.command(
    COMMAND,
    "ga2.decline-resets-totals",
    "联机拒绝也清累计金额和计数器",
    "A decline resets totals and counters too",
    ["PAY-GA2-013"],
    paying,
)
def decline_resets_totals(card: Card, command: Command, good: Handler) -> bytes:
    """As after an approval."""
    second = is_second(card, command)
    answer = good(card, command)
    if second and kind_of(answer) is Kind.AAC and transaction_of(card).authentication is Authentication.PASSED:
        _clear(card, OFFLINE_TOTALS)
    return answer


@FAULTS.command(
    COMMAND,
    "ga2.decline-keeps-flags",
    "联机拒绝不清任何标志",
    "A good decline clears no flag",
    ["PAY-GA2-013"],
    paying,
)
def decline_keeps_flags(card: Card, command: Command, good: Handler) -> bytes:
    """Everything is as before."""
    second, application = is_second(card, command), Application(card)
    before = {counter: application.counter(counter) for counter in ONLINE_FLAGS}
    answer = good(card, command)
    if second and kind_of(answer) is Kind.AAC:
        for counter, value in before.items():
            counted(card, counter, value)
    return answer


@FAULTS.command(
    COMMAND,
    "ga2.bad-decline-clears",
    "认证失败后拒绝也清标志",
    "A decline after failed authentication clears the flags",
    ["PAY-GA2-014"],
    paying,
)
def bad_decline_clears(card: Card, command: Command, good: Handler) -> bytes:
    """As after a right answer of the issuer."""
    second = is_second(card, command) and command.p1 >> 6 == Kind.AAC
    answer = good(card, command)
    if second and transaction_of(card).authentication is Authentication.FAILED:
        _clear(card, ONLINE_FLAGS)
    return answer


@FAULTS.command(
    COMMAND,
    "ga2.reset-early",
    "批准前先清计数器",
    "Counters are reset before the approval is written",
    ["PAY-GA2-010"],
    paying,
)
def reset_early(card: Card, command: Command, good: Handler) -> bytes:
    """Whoever cuts the supply in between has a card with fresh limits that was never online."""
    transaction = transaction_of(card)
    approved = is_second(card, command) and command.p1 >> 6 == Kind.TC
    if approved and transaction.authentication is Authentication.PASSED and transaction.response_code == b"00":
        _clear(card, OFFLINE_TOTALS)
    return good(card, command)


# The second cryptogram


@FAULTS.command(
    COMMAND,
    "ga2.first-kind-lost",
    "GAC2 的 CVR 丢失 GAC1 类型",
    "The second results forget the first kind",
    ["PAY-GA2-015"],
    paying,
)
def first_kind_lost(card: Card, command: Command, good: Handler) -> bytes:
    """CVR 2.b6–b5 are 00."""
    if transaction_of(card).stage is Stage.ONLINE:
        transaction_of(card).cvr &= ~Cvr.FIRST_ARQC
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.first-values-kept",
    "第二个密文使用第一次的数据",
    "The second cryptogram takes the values of the first",
    ["PAY-GA2-016"],
    paying,
)
def first_values_kept(card: Card, command: Command, good: Handler) -> bytes:
    """CDOL2 is received and forgotten."""
    second, kept = is_second(card, command), dict(transaction_of(card).terminal)
    answer = good(card, command)
    return with_cryptogram(card, answer, terminal=kept) if second else answer


@FAULTS.command(
    COMMAND,
    "ga2.changed-amount-refused",
    "金额变化时拒绝",
    "A second command with another amount is refused",
    ["PAY-GA2-027"],
    paying,
)
def changed_amount_refused(card: Card, command: Command, good: Handler) -> bytes:
    """6985."""
    transaction = transaction_of(card)
    if transaction.stage is Stage.ONLINE:
        given = dol_values(Application(card).value(Tag.CDOL2), command.data)
        if given.get(Tag.AMOUNT) != transaction.terminal.get(Tag.AMOUNT):
            raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.signature-without-first-values",
    "第二次复合签名的哈希不含 CDOL1 数据",
    "The second signature leaves out the values of CDOL1",
    ["PAY-GA2-028"],
    paying,
)
def signature_without_first_values(card: Card, command: Command, good: Handler) -> bytes:
    """The hash covers the second half of the transaction."""
    if transaction_of(card).stage is Stage.ONLINE:
        transaction_of(card).cdol1_values = b""
    return good(card, command)
