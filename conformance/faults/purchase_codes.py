"""Faults of the codes of the medical purchase 医疗消费: session key, MAC1, MAC2 and TAC."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.means import rehearsed
from conformance.faults.settling import (
    DEBIT,
    INITIALIZE,
    MEDICAL,
    begun,
    code_over,
    log_cell,
    log_of,
    right_mac1,
    session_key,
    signed,
    with_amounts,
    with_other_rule,
    with_verdict,
)
from emulator.apps.social_security.amounts import amount_file, amounts_of
from emulator.apps.social_security.purchase import SETTLEMENT_TYPE, Purchase
from emulator.apps.social_security.references import key_value
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.crypto import transaction_authentication_code
from emulator.iso7816 import SW, Command, StatusError
from profiles.model import Profile

FAULTS = FaultSet()


def _medical_3des(profile: Profile) -> bool:
    return MEDICAL(profile) and profile.algorithm == "3DES"


# Session key and MAC1


@FAULTS.command(
    DEBIT,
    "pay.left-serial-bytes",
    "会话密钥使用终端交易序号左两字节",
    "The session key is made of the left bytes of the terminal's transaction number",
    ["SSC-PAY-009"],
    MEDICAL,
)
def left_serial_bytes(card: Card, command: Command, good: Handler) -> bytes:
    """The wrong half."""

    def rule(card: Card, purchase: Purchase, serial: bytes, time: bytes) -> bytes:
        return code_over(card, session_key(card, purchase, bytes(2) + serial[:2]), signed(purchase, time))

    return with_other_rule(card, command, good, rule)


@FAULTS.command(
    DEBIT,
    "pay.first-key-always",
    "总是使用索引1的消费密钥",
    "Every index uses the first purchase key",
    ["SSC-PAY-009"],
    MEDICAL,
)
def first_key_always(card: Card, command: Command, good: Handler) -> bytes:
    """The index is checked and forgotten."""

    def rule(card: Card, purchase: Purchase, serial: bytes, time: bytes) -> bytes:
        keys = card.session.node.directory.keys
        first = next(key for key in keys if key.use == "purchase")
        return code_over(card, session_key(card, purchase, serial, first), signed(purchase, time))

    return with_other_rule(card, command, good, rule)


@FAULTS.command(
    DEBIT,
    "pay.key-without-serial",
    "会话密钥不含终端交易序号",
    "Any terminal transaction number fits the session key",
    ["SSC-PAY-009"],
    MEDICAL,
)
def key_without_serial(card: Card, command: Command, good: Handler) -> bytes:
    """The bytes in its place are zero."""

    def rule(card: Card, purchase: Purchase, serial: bytes, time: bytes) -> bytes:
        return code_over(card, session_key(card, purchase, bytes(4)), signed(purchase, time))

    return with_other_rule(card, command, good, rule)


@FAULTS.command(
    DEBIT, "pay.mac1-without-time", "MAC1 不含交易时间", "MAC1 does not cover the time", ["SSC-PAY-010"], MEDICAL
)
def mac1_without_time(card: Card, command: Command, good: Handler) -> bytes:
    """Nineteen bytes are covered."""

    def rule(card: Card, purchase: Purchase, serial: bytes, time: bytes) -> bytes:
        return code_over(card, session_key(card, purchase, serial), signed(purchase, b""))

    return with_other_rule(card, command, good, rule)


@FAULTS.command(
    DEBIT,
    "pay.mac1-fields-exchanged",
    "MAC1 中统筹在自付之前",
    "MAC1 covers f3 before f2",
    ["SSC-PAY-010"],
    MEDICAL,
)
def mac1_fields_exchanged(card: Card, command: Command, good: Handler) -> bytes:
    """The amounts in another order."""

    def rule(card: Card, purchase: Purchase, serial: bytes, time: bytes) -> bytes:
        data = signed(purchase, time)
        turned = data[:4] + data[8:12] + data[4:8] + data[12:]
        return code_over(card, session_key(card, purchase, serial), turned)

    return with_other_rule(card, command, good, rule)


@FAULTS.command(DEBIT, "pay.mac1-unchecked", "不校验MAC1", "Any MAC1 is taken", ["SSC-PAY-011", "SSC-PAY-010"], MEDICAL)
def mac1_unchecked(card: Card, command: Command, good: Handler) -> bytes:
    """Wrong is as good as right."""
    return with_verdict(card, command, good, True)


@FAULTS.command(
    DEBIT,
    "pay.mac1-half-compared",
    "只比较MAC1前两字节",
    "Only half of MAC1 is compared",
    ["SSC-PAY-011"],
    MEDICAL,
)
def mac1_half_compared(card: Card, command: Command, good: Handler) -> bytes:
    """Two bytes."""
    purchase = begun(card, command)
    if purchase is None:
        return good(card, command)
    right = right_mac1(card, purchase, command.data[:4], command.data[4:11])
    return with_verdict(card, command, good, command.data[11:13] == right[:2])


@FAULTS.command(
    DEBIT,
    "pay.wrong-mac1-counts",
    "MAC1错误时序号仍加一",
    "A wrong MAC1 uses a transaction number up",
    ["SSC-PAY-011", "SSC-PAY-014"],
    MEDICAL,
)
def wrong_mac1_counts(card: Card, command: Command, good: Handler) -> bytes:
    """The number is written before MAC1 is compared."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.MAC_INVALID:
            node = card.session.node
            before = amounts_of(card, node)
            raised = min(before.offline_number + 1, 0xFFFF)
            card.memory.commit(with_amounts(card, {amount_file(node).cell: before.to_bytes()}, offline_number=raised))
        raise


@FAULTS.command(
    DEBIT,
    "pay.wrong-mac1-logged",
    "MAC1错误的消费也写入明细",
    "A settlement with a wrong MAC1 enters the log",
    ["SSC-PAY-011", "SSC-LOG-005"],
    MEDICAL,
)
def wrong_mac1_logged(card: Card, command: Command, good: Handler) -> bytes:
    """The record is written first."""
    purchase = begun(card, command)
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.MAC_INVALID and purchase is not None:
            time = command.data[4:11]
            record = purchase.number.to_bytes(2, "big") + SETTLEMENT_TYPE + purchase.terminal + time
            log = (record + purchase.amount_bytes, *log_of(card.memory.cells, card)[:-1])
            card.memory.commit({log_cell(card): log})
        raise


@FAULTS.command(
    INITIALIZE,
    "pay.first-amounts-stay",
    "再次初始化仍用第一次的金额",
    "The amounts of an earlier INITIALIZE stay",
    ["SSC-PAY-012"],
    MEDICAL,
)
def first_amounts_stay(card: Card, command: Command, good: Handler) -> bytes:
    """The buffer is filled once a session."""
    kept = card.session.application
    answer = good(card, command)
    purchase = card.session.transaction
    if not isinstance(purchase, Purchase):
        return answer
    amounts = kept if isinstance(kept, tuple) else purchase.amounts
    card.session.application = amounts
    card.session.transaction = Purchase(purchase.key, amounts, purchase.terminal, purchase.number, purchase.random)
    return answer


# MAC2 and TAC


def _answered(card: Card, command: Command, good: Handler) -> tuple[Purchase | None, bytes]:
    """The settlement and the answer of a good DEBIT."""
    purchase = begun(card, command)
    return purchase, good(card, command)


@FAULTS.command(
    DEBIT,
    "pay.mac2-with-type",
    "MAC2 还包含交易类型",
    "MAC2 covers the transaction type, too",
    ["SSC-PAY-017"],
    MEDICAL,
)
def mac2_with_type(card: Card, command: Command, good: Handler) -> bytes:
    """Thirteen bytes."""
    purchase, answer = _answered(card, command, good)
    if purchase is None:
        return answer
    return answer[:4] + code_over(
        card, session_key(card, purchase, command.data[:4]), purchase.amount_bytes + SETTLEMENT_TYPE
    )


@FAULTS.command(
    DEBIT, "pay.mac2-is-mac1", "以MAC1作为MAC2返回", "The card answers MAC1 as its MAC2", ["SSC-PAY-017"], MEDICAL
)
def mac2_is_mac1(card: Card, command: Command, good: Handler) -> bytes:
    """An echo, which proves nothing."""
    return good(card, command)[:4] + command.data[11:]


@FAULTS.command(
    DEBIT,
    "pay.tac-without-serial",
    "TAC 不含终端交易序号",
    "The TAC does not cover the terminal's transaction number",
    ["SSC-PAY-018"],
    MEDICAL,
)
def tac_without_serial(card: Card, command: Command, good: Handler) -> bytes:
    """The input of MAC1."""
    purchase, answer = _answered(card, command, good)
    return answer if purchase is None else _tac(card, signed(purchase, command.data[4:11])) + answer[4:]


def _tac(card: Card, covered: bytes, *, whole: bool = False) -> bytes:
    key = next(key for key in card.session.node.directory.keys if key.use == "tac")
    return transaction_authentication_code(
        card.algorithm,
        key_value(card, key, 1),
        covered,
        form="mac" if whole else "xor",
        fold=card.settings.sm4_mac_fold,
    )


@FAULTS.command(
    DEBIT,
    "pay.tac-whole-key",
    "TAC 使用完整的16字节密钥",
    "The TAC is made with the whole key",
    ["SSC-PAY-019"],
    _medical_3des,
)
def tac_whole_key(card: Card, command: Command, good: Handler) -> bytes:
    """MAC algorithm 3 in place of DES with the exclusive or of the halves."""
    purchase, answer = _answered(card, command, good)
    if purchase is None:
        return answer
    serial, time = command.data[:4], command.data[4:11]
    return _tac(card, signed(purchase, b"") + serial + time, whole=True) + answer[4:]


@FAULTS.command(
    DEBIT, "pay.codes-exchanged", "应答中MAC2在TAC之前", "DEBIT answers MAC2 before TAC", ["SSC-PAY-020"], MEDICAL
)
def codes_exchanged(card: Card, command: Command, good: Handler) -> bytes:
    """As GET TRANSACTION PROOF has them."""
    answer, refused, written = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    card.memory.commit(written)
    return answer[4:] + answer[:4]
