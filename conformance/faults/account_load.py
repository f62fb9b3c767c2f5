"""Faults of the account load 账户划入 and of settlements off line, on cards of settlement mode 3."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.settling import (
    DEBIT,
    INITIALIZE,
    MEDICAL,
    Cells,
    amounts_in,
    code_over,
    has_amounts,
    log_cell,
    log_of,
    with_amounts,
    with_booking,
    with_newest,
)
from emulator.apps.social_security.account_load import CREDIT_LENGTH, LOAD_TYPE, Load
from emulator.apps.social_security.amounts import LARGEST_SUM, Amounts, amount_file
from emulator.apps.social_security.references import key_value
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.crypto import load_session_key
from emulator.iso7816 import SW, Command, StatusError
from profiles.model import Profile

FAULTS = FaultSet()
CREDIT = "CREDIT FOR LOAD"
LOAD_P1 = 0x00


def _offline(profile: Profile) -> bool:
    """A card of mode 3 with the commands of a load."""
    return MEDICAL(profile) and profile.settings.medical_load and "mode 3" in profile.features


def _code(card: Card, load: Load, covered: bytes) -> bytes:
    key = load_session_key(card.algorithm, key_value(card, load.key, 1), load.random, load.session_input)
    return code_over(card, key, covered)


@FAULTS.command(
    INITIALIZE,
    "load.mac1-without-balance",
    "MAC1 不含余额",
    "MAC1 does not cover the balance",
    ["SSC-PAY-026"],
    _offline,
)
def mac1_without_balance(card: Card, command: Command, good: Handler) -> bytes:
    """A centre could not tell how much the account holds."""
    answer = good(card, command)
    load = card.session.transaction
    if not isinstance(load, Load):
        return answer
    return answer[:12] + _code(card, load, command.data[1:5] + LOAD_TYPE + load.terminal)


@FAULTS.command(
    INITIALIZE, "load.any-index", "划入不检查密钥索引", "A load takes any key index", ["SSC-PAY-026"], _offline
)
def any_index(card: Card, command: Command, good: Handler) -> bytes:
    """There is one key only."""
    return good(card, command._replace(data=b"\x01" + command.data[1:]) if command.p1 == LOAD_P1 else command)


@FAULTS.command(CREDIT, "load.mac2-unchecked", "不校验划入MAC2", "A load takes any MAC2", ["SSC-PAY-027"], _offline)
def mac2_unchecked(card: Card, command: Command, good: Handler) -> bytes:
    """Money for everyone."""
    load = card.session.transaction
    if isinstance(load, Load) and len(command.data) == CREDIT_LENGTH:
        time = command.data[:7]
        right = _code(card, load, load.amount.to_bytes(4, "big") + LOAD_TYPE + load.terminal + time)
        command = command._replace(data=time + right)
    return good(card, command)


@FAULTS.command(
    CREDIT, "load.replayed", "划入可立即重放", "The same CREDIT is taken again at once", ["SSC-PAY-027"], _offline
)
def replayed(card: Card, command: Command, good: Handler) -> bytes:
    """The load stays begun."""
    before = card.session.transaction
    answer = good(card, command)
    card.session.transaction = before
    return answer


@FAULTS.command(
    CREDIT, "load.not-logged", "划入不写明细", "A load of the account is not logged", ["SSC-PAY-027"], _offline
)
def not_logged(card: Card, command: Command, good: Handler) -> bytes:
    """The log has settlements only."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, _: {**written, log_cell(card): log_of(card.memory.cells, card)},
    )


@FAULTS.command(
    CREDIT,
    "load.logged-as-settlement",
    "划入明细类型为2",
    "A load has the type of a settlement in the log",
    ["SSC-PAY-021", "SSC-PAY-027"],
    _offline,
)
def logged_as_settlement(card: Card, command: Command, good: Handler) -> bytes:
    """The type is a constant."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, _: with_newest(card, written, lambda raw: raw[:2] + b"2" + raw[3:]),
    )


@FAULTS.command(
    CREDIT,
    "load.raises-offline-number",
    "划入增加消费序号",
    "A load raises the number of settlements",
    ["SSC-PAY-027"],
    _offline,
)
def raises_offline_number(card: Card, command: Command, good: Handler) -> bytes:
    """One number for both."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        raised = min(before.offline_number + 1, 0xFFFF)
        return with_amounts(card, written, offline_number=raised, online_number=before.online_number)

    return with_booking(card, command, good, change)


@FAULTS.command(
    INITIALIZE, "load.overflow-wraps", "划入使余额溢出", "A load makes the balance overflow", ["SSC-PAY-028"], _offline
)
def overflow_wraps(card: Card, command: Command, good: Handler) -> bytes:
    """The sum is taken modulo 2^32; what is loaded is what brings the balance there."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.CONDITIONS_OF_USE_NOT_SATISFIED or command.p1 != LOAD_P1 or not has_amounts(card):
            raise
    before = amounts_in(card.memory.cells, card)
    cell = amount_file(card.session.node).cell
    wrapped = before.balance + int.from_bytes(command.data[1:5], "big") & LARGEST_SUM
    card.memory.commit({cell: before._replace(balance=wrapped).to_bytes()})
    return good(card, command._replace(data=command.data[:1] + bytes(4) + command.data[5:]))


@FAULTS.command(
    INITIALIZE,
    "load.overdrawn",
    "余额不足也可消费",
    "A settlement may exceed the balance",
    ["SSC-PAY-029"],
    _offline,
)
def overdrawn(card: Card, command: Command, good: Handler) -> bytes:
    """The balance is not compared; whatever the account lacks is not taken."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.INSUFFICIENT_BALANCE:
            raise
        return good(card, command._replace(data=command.data[:1] + bytes(4) + command.data[5:]))


@FAULTS.command(
    DEBIT,
    "load.account-not-debited",
    "脱网消费不扣余额",
    "A settlement off line leaves the balance",
    ["SSC-PAY-029"],
    _offline,
)
def account_not_debited(card: Card, command: Command, good: Handler) -> bytes:
    """f1 is logged only."""
    return with_booking(
        card, command, good, lambda card, written, before: with_amounts(card, written, balance=before.balance)
    )
