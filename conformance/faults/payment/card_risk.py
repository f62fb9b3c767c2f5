"""Faults of card risk management 卡片风险管理: what earlier transactions left, and what follows from it."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.first_cryptogram import COMMAND, is_first
from conformance.faults.payment.means import CheckFault, add_check_faults, counted, never, on, replaced, without_action
from emulator.apps.payment import risk
from emulator.apps.payment.application import LARGEST_SCRIPT_COUNT, Application, Counter
from emulator.apps.payment.transaction import Stage, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
SCRIPTS = ("PUT DATA", "APPLICATION BLOCK", "APPLICATION UNBLOCK", "UNBLOCK PIN")


@FAULTS.command(
    COMMAND,
    "gac.not-completed-forgotten",
    "未完成的联机交易不留痕迹",
    "An online transaction that is not completed leaves no trace",
    ["PAY-GAC-012"],
    paying,
)
def not_completed_forgotten(card: Card, command: Command, good: Handler) -> bytes:
    """The online authorisation indicator is never set."""
    answer = good(card, command)
    if transaction_of(card).stage is Stage.ONLINE:
        counted(card, Counter.ONLINE_REQUESTED, 0)
    return answer


@FAULTS.command(
    COMMAND,
    "gac.not-completed-once",
    "联机未完成指示位只保持一次交易",
    "The next transaction clears the online authorisation indicator",
    ["PAY-GAC-013"],
    paying,
)
def not_completed_once(card: Card, command: Command, good: Handler) -> bytes:
    """It is cleared once it was shown."""
    shown = is_first(card) and Application(card).counter(Counter.ONLINE_REQUESTED)
    answer = good(card, command)
    if shown:
        counted(card, Counter.ONLINE_REQUESTED, 0)
    return answer


@FAULTS.command(
    COMMAND,
    "gac.indicator-rewritten",
    "先清后置联机授权指示位",
    "The online authorisation indicator is cleared before it is set",
    ["PAY-GAC-013"],
    paying,
)
def indicator_rewritten(card: Card, command: Command, good: Handler) -> bytes:
    """Whoever cuts the supply in between is rid of it."""
    if is_first(card):
        kept = Application(card).counter(Counter.ONLINE_REQUESTED)
        counted(card, Counter.ONLINE_REQUESTED, 0)
        counted(card, Counter.ONLINE_REQUESTED, kept)
    return good(card, command)


CHECKS = (
    CheckFault(
        "gac.failure-not-shown",
        "CVR 不反映上次发卡行认证失败",
        "The results do not tell of a failed issuer authentication before",
        "PAY-GAC-014",
        "issuer authentication failed last",
        on(never),
    ),
    CheckFault(
        "gac.failure-action-ignored",
        "上次发卡行认证失败时不看 ADA 1.b8",
        "ADA 1.b8 is ignored: a failed issuer authentication forces nothing",
        "PAY-GAC-015",
        "issuer authentication failed last",
        without_action,
    ),
    CheckFault(
        "gac.static-failure-not-shown",
        "CVR 不反映上次 SDA 失败",
        "The results do not tell of a failed static authentication before",
        "PAY-GAC-017",
        "static data authentication failed last",
        on(never),
    ),
    CheckFault(
        "gac.script-failure-action-ignored",
        "上次脚本失败时不看 ADA 2.b4",
        "ADA 2.b4 is ignored: a failed script forces nothing",
        "PAY-GAC-020",
        "script failed last",
        without_action,
    ),
    CheckFault(
        "gac.script-failure-not-shown",
        "CVR 不反映上次脚本失败",
        "The results do not tell of a failed script before",
        "PAY-GAC-020",
        "script failed last",
        on(never),
    ),
    CheckFault(
        "gac.new-card-not-shown",
        "不做新卡检查",
        "A new card takes itself for an old one",
        "PAY-GAC-028",
        "new card",
        on(never),
    ),
    CheckFault(
        "gac.new-card-action-ignored",
        "新卡不看 ADA 1.b2",
        "ADA 1.b2 is ignored: a new card approves alone",
        "PAY-GAC-028",
        "new card",
        without_action,
    ),
    CheckFault(
        "gac.exhausted-pin-action-ignored",
        "PIN 超限后不看 ADA",
        "The default action for an exhausted PIN is ignored",
        "PAY-GAC-029",
        "PIN exceeded earlier",
        without_action,
    ),
    CheckFault(
        "gac.exhausted-pin-checked-twice",
        "已执行 VERIFY 仍做 PIN 超限检查",
        "The check of an exhausted PIN runs in spite of VERIFY",
        "PAY-GAC-030",
        "PIN exceeded earlier",
        on(lambda application, transaction: application.pin_tries == 0),
    ),
)
add_check_faults(FAULTS, CHECKS, first=True)


@FAULTS.command(
    COMMAND,
    "gac.combined-failure-ignored",
    "CDA 失败不计",
    "A failed combined authentication leaves no trace",
    ["PAY-GAC-018"],
    paying,
)
def combined_failure_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """Only TVR 1.b4 is looked at."""
    with replaced(risk, "FAILED_DYNAMIC", 0x08):
        return good(card, command)


@FAULTS.command(
    SCRIPTS, "gac.script-count-wraps", "脚本计数溢出归零", "The count of scripts wraps", ["PAY-GAC-019"], paying
)
def script_count_wraps(card: Card, command: Command, good: Handler) -> bytes:
    """After fifteen comes zero."""
    full = Application(card).counter(Counter.SCRIPTS) == LARGEST_SCRIPT_COUNT
    answer = good(card, command)
    if full:
        counted(card, Counter.SCRIPTS, 0)
    return answer


@FAULTS.command(
    SCRIPTS,
    "gac.failed-script-forgotten",
    "脚本失败不置标志",
    "A failed script sets no flag",
    ["PAY-GAC-020"],
    paying,
)
def failed_script_forgotten(card: Card, command: Command, good: Handler) -> bytes:
    """It is refused, and that is all."""
    try:
        return good(card, command)
    finally:
        counted(card, Counter.SCRIPT_FAILED, 0)
