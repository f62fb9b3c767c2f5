"""Faults of the medical purchase 医疗消费: its answers, rights and order."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.means import with_settings
from conformance.faults.settling import (
    APPLICATION,
    DEBIT,
    INITIALIZE,
    MEDICAL,
    PURCHASE_P1,
    has_amounts,
)
from emulator.apps.social_security.amounts import amount_file, amounts_of
from emulator.apps.social_security.purchase import INITIALIZE_LENGTH, Purchase
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import Structure
from emulator.iso7816 import SW, Command, StatusError
from profiles.model import Profile

FAULTS = FaultSet()
SETTLE = 0x28, 0x2C


def _purchases(command: Command) -> bool:
    return command.p1 == PURCHASE_P1


def _medical_sm4(profile: Profile) -> bool:
    return MEDICAL(profile) and profile.algorithm == "SM4"


# INITIALIZE FOR PURCHASE


@FAULTS.command(
    INITIALIZE,
    "pay.any-length",
    "消费初始化不检查长度",
    "INITIALIZE FOR PURCHASE takes any length",
    ["SSC-PAY-001"],
    MEDICAL,
)
def any_length(card: Card, command: Command, good: Handler) -> bytes:
    """What is missing is zero, what is too much is left out."""
    if _purchases(command):
        command = command._replace(data=command.data[:INITIALIZE_LENGTH].ljust(INITIALIZE_LENGTH, b"\0"))
    return good(card, command)


@FAULTS.command(
    INITIALIZE, "pay.any-p2", "消费初始化不检查P2", "INITIALIZE FOR PURCHASE takes any P2", ["SSC-PAY-001"], MEDICAL
)
def any_p2(card: Card, command: Command, good: Handler) -> bytes:
    """P2 is not looked at."""
    return good(card, command._replace(p2=0x01) if _purchases(command) else command)


@FAULTS.command(
    INITIALIZE,
    "pay.large-amounts-refused",
    "拒绝最高位为一的金额",
    "An amount whose top bit is set is taken for negative and refused",
    ["SSC-PAY-013"],
    MEDICAL,
)
def large_amounts_refused(card: Card, command: Command, good: Handler) -> bytes:
    """Amounts are signed numbers."""
    if _purchases(command) and any(byte & 0x80 for byte in command.data[1:13:4]):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)


@FAULTS.command(
    INITIALIZE, "pay.same-random", "消费随机数不变", "The random number is always the same", ["SSC-PAY-002"], MEDICAL
)
def same_random(card: Card, command: Command, good: Handler) -> bytes:
    """The generator is not started."""
    answer = good(card, command)
    purchase = card.session.transaction
    if not isinstance(purchase, Purchase):
        return answer
    fixed = bytes.fromhex("5A5A5A5A")
    card.session.transaction = Purchase(purchase.key, purchase.amounts, purchase.terminal, purchase.number, fixed)
    return answer[:-4] + fixed


@FAULTS.command(
    INITIALIZE,
    "pay.counts-at-initialize",
    "初始化即增加交易序号",
    "The transaction number rises with INITIALIZE already",
    ["SSC-PAY-002", "SSC-PAY-014"],
    MEDICAL,
)
def counts_at_initialize(card: Card, command: Command, good: Handler) -> bytes:
    """An unfinished settlement uses a number up."""
    answer = good(card, command)
    node = card.session.node
    if _purchases(command):
        before = amounts_of(card, node)
        after = before._replace(offline_number=min(before.offline_number + 1, 0xFFFF))
        card.memory.commit({amount_file(node).cell: after.to_bytes()})
    return answer


@FAULTS.command(
    INITIALIZE,
    "pay.algorithm-told-wrongly",
    "应答中的算法标识为 3DES",
    "An SM4 card tells the algorithm of 3DES",
    ["SSC-PAY-002"],
    _medical_sm4,
)
def algorithm_told_wrongly(card: Card, command: Command, good: Handler) -> bytes:
    """Byte 17 of older cards."""
    answer = good(card, command)
    return answer[:17] + b"\x01" + answer[18:] if _purchases(command) else answer


@FAULTS.command(
    INITIALIZE,
    "pay.sums-exchanged",
    "应答中自付与统筹累计互换",
    "The answer has the pooled-fund sum before the self-paid sum",
    ["SSC-PAY-003", "SSC-PAY-013"],
    MEDICAL,
)
def sums_exchanged(card: Card, command: Command, good: Handler) -> bytes:
    """Two fields in each other's place."""
    answer = good(card, command)
    return answer[:4] + answer[8:12] + answer[4:8] + answer[12:] if _purchases(command) else answer


@FAULTS.command(
    INITIALIZE,
    "pay.any-index",
    "未知密钥索引按索引1处理",
    "An unknown key index means the first key",
    ["SSC-PAY-004"],
    MEDICAL,
)
def any_index(card: Card, command: Command, good: Handler) -> bytes:
    """The default of a table."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.KEY_INDEX_NOT_SUPPORTED:
            raise
        return good(card, command._replace(data=b"\x01" + command.data[1:]))


@FAULTS.structure("pay.without-pin", "未验证密码即可消费", "A purchase needs no PIN", ["SSC-PAY-005"], MEDICAL)
def without_pin(structure: Structure) -> Structure:
    """As if the holder had set none."""
    return with_settings(structure, purchase_needs_pin=False)


@FAULTS.command(
    INITIALIZE, "pay.anywhere", "在其他目录中也可消费", "A purchase begins in any directory", ["SSC-PAY-006"], MEDICAL
)
def anywhere(card: Card, command: Command, good: Handler) -> bytes:
    """The amounts are found wherever the card stands."""
    session, here = card.session, card.session.node
    if not has_amounts(card):
        session.node = next(node for node in card.master_file.walk() if node.directory.name == APPLICATION)
    try:
        return good(card, command)
    finally:
        session.node = here


# The order of the commands


@FAULTS.command(
    DEBIT,
    "pay.second-try",
    "MAC1错误后可再试",
    "Behind a wrong MAC1 another one may follow",
    ["SSC-PAY-007"],
    MEDICAL,
)
def second_try(card: Card, command: Command, good: Handler) -> bytes:
    """The settlement stays begun."""
    before = card.session.transaction
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.MAC_INVALID:
            card.session.transaction = before
        raise


@FAULTS.command(
    DEBIT, "pay.replayed", "消费可立即重放", "The same DEBIT is taken again at once", ["SSC-PAY-007"], MEDICAL
)
def replayed(card: Card, command: Command, good: Handler) -> bytes:
    """The settlement stays begun when it was carried out."""
    before = card.session.transaction
    answer = good(card, command)
    card.session.transaction = before
    return answer


@FAULTS.card(
    "pay.not-interrupted", "其他命令不中断消费", "Other commands do not end a settlement", ["SSC-PAY-008"], MEDICAL
)
class NotInterrupted(Card):
    """Only another INITIALIZE does."""

    def _perform(self, command: Command) -> bytes:
        before = self.session.transaction
        try:
            return super()._perform(command)
        finally:
            if isinstance(before, Purchase) and command.ins not in SETTLE and self.session.transaction is None:
                self.session.transaction = before
