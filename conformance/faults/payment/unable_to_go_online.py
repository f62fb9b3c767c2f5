"""Faults of completion when the terminal could not go online 不能联机."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.first_cryptogram import COMMAND
from conformance.faults.payment.means import CheckFault, add_check_faults, counted, replaced, shifted
from emulator.apps.payment import risk
from emulator.apps.payment.application import Application, Counter, Tag
from emulator.apps.payment.completion import OFFLINE_TOTALS, ONLINE_FLAGS, UNABLE_TO_GO_ONLINE
from emulator.apps.payment.transaction import Cvr, Kind, Stage, dol_values, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)


def is_unable(card: Card, command: Command) -> bool:
    """Whether a GENERATE AC completes a transaction whose terminal could not go online."""
    if transaction_of(card).stage is not Stage.ONLINE:
        return False
    code = dol_values(Application(card).value(Tag.CDOL2), command.data).get(Tag.RESPONSE_CODE)
    return code in UNABLE_TO_GO_ONLINE


CHECKS = (
    CheckFault(
        "ga2.upper-limit-too-low",
        "9F59 相等即算超过",
        "The upper consecutive limit is reached one transaction early",
        "PAY-GA2-018",
        "upper consecutive limit",
        shifted(Tag.UPPER_LIMIT, -1),
    ),
    CheckFault(
        "ga2.upper-limit-too-high",
        "9F59 多允许一次",
        "The upper consecutive limit allows one transaction more",
        "PAY-GA2-018",
        "upper consecutive limit",
        shifted(Tag.UPPER_LIMIT, 1),
    ),
    CheckFault(
        "ga2.upper-total-too-low",
        "9F5C 相等即算超过",
        "The total of amounts may not reach its upper limit",
        "PAY-GA2-019",
        "cumulative amount, upper limit",
        shifted(Tag.AMOUNT_UPPER_LIMIT, -1),
    ),
    CheckFault(
        "ga2.upper-total-too-high",
        "9F5C 多允许一分",
        "The total of amounts may pass its upper limit by one",
        "PAY-GA2-019",
        "cumulative amount, upper limit",
        shifted(Tag.AMOUNT_UPPER_LIMIT, 1),
    ),
)
add_check_faults(FAULTS, CHECKS, first=False)


@FAULTS.command(
    COMMAND, "ga2.unable-not-shown", "CVR 不反映不能联机", "Unable to go online does not show", ["PAY-GA2-017"], paying
)
def unable_not_shown(card: Card, command: Command, good: Handler) -> bytes:
    """CVR 2.b1 stays 0."""
    with replaced(Cvr, "UNABLE_TO_GO_ONLINE", 0):
        return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.checks-left-out",
    "请求 AAC 时不做检查",
    "The checks are left out where an AAC is requested",
    ["PAY-GA2-023"],
    paying,
)
def checks_left_out(card: Card, command: Command, good: Handler) -> bytes:
    """The end is known already."""
    if not is_unable(card, command) or command.p1 >> 6 != Kind.AAC:
        return good(card, command)
    with replaced(risk, "UNABLE_TO_GO_ONLINE", ()):
        return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.unable-approval-not-counted",
    "不能联机时的批准不计",
    "An approval when unable to go online is not counted",
    ["PAY-GA2-024"],
    paying,
)
def unable_approval_not_counted(card: Card, command: Command, good: Handler) -> bytes:
    """Totals and counters are what they were."""
    concerned, application = is_unable(card, command) and command.p1 >> 6 == Kind.TC, Application(card)
    before = {counter: application.counter(counter) for counter in OFFLINE_TOTALS}
    answer = good(card, command)
    if concerned:
        for counter, value in before.items():
            counted(card, counter, value)
    return answer


@FAULTS.command(
    COMMAND,
    "ga2.unable-counted-in-two-writes",
    "不能联机时的批准分两次写入",
    "An approval when unable to go online is counted in two writes",
    ["PAY-GA2-024"],
    paying,
)
def unable_counted_in_two_writes(card: Card, command: Command, good: Handler) -> bytes:
    """The country counter first, then everything else: a cut in between leaves half."""
    if is_unable(card, command) and command.p1 >> 6 == Kind.TC:
        before = Application(card).counter(Counter.FOREIGN_COUNTRY)
        counted(card, Counter.FOREIGN_COUNTRY, before + 1)
        counted(card, Counter.FOREIGN_COUNTRY, before)
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.unable-decline-sets-no-flag",
    "不能联机时的拒绝不看 TVR",
    "A decline when unable to go online sets no flag",
    ["PAY-GA2-025"],
    paying,
)
def unable_decline_sets_no_flag(card: Card, command: Command, good: Handler) -> bytes:
    """The terminal results are not looked at."""
    if not is_unable(card, command):
        return good(card, command)
    with replaced(risk, "FAILED_STATIC", 0), replaced(risk, "FAILED_DYNAMIC", 0):
        return good(card, command)


@FAULTS.command(
    COMMAND,
    "ga2.unable-completes",
    "不能联机也清联机授权指示位",
    "A transaction that could not go online counts as completed",
    ["PAY-GA2-026"],
    paying,
)
def unable_completes(card: Card, command: Command, good: Handler) -> bytes:
    """The flags of an online transaction are cleared."""
    concerned = is_unable(card, command)
    answer = good(card, command)
    if concerned:
        counted(card, ONLINE_FLAGS[0], 0)
    return answer
