"""Faults of the first GENERATE AC: the answer, its cryptogram, the order of commands."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.means import CID, ISSUER_DATA, with_cryptogram, with_part
from emulator.apps.payment.application import ORDINARY, Application, Tag
from emulator.apps.payment.transaction import Kind, Stage, dol_length, dol_values, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
COMMAND = "GENERATE AC"


def is_first(card: Card) -> bool:
    """Whether the next GENERATE AC of the transaction is its first."""
    return transaction_of(card).stage is Stage.STARTED


@FAULTS.command(
    COMMAND, "gac.bare-answer", "密文应答没有模板", "The cryptogram has no template", ["PAY-GAC-001"], paying
)
def bare_answer(card: Card, command: Command, good: Handler) -> bytes:
    """Its parts as they are."""
    return good(card, command)[2:]


@FAULTS.command(
    COMMAND, "gac.foreign-key-index", "9F10 中 DKI 错误", "9F10 has another key index", ["PAY-GAC-002"], paying
)
def foreign_key_index(card: Card, command: Command, good: Handler) -> bytes:
    """The issuer would look for other keys."""
    return with_part(good(card, command), ISSUER_DATA, lambda data: data[:1] + b"\x7f" + data[2:])


@FAULTS.command(
    COMMAND,
    "gac.second-bits-clear",
    "GAC1 的 CVR 未标明未请求 GAC2",
    "The first cryptogram does not say that no second was requested",
    ["PAY-GAC-003"],
    paying,
)
def second_bits_clear(card: Card, command: Command, good: Handler) -> bytes:
    """CVR 2.b8 is 0."""
    first = is_first(card)
    answer = good(card, command)
    return with_part(answer, ISSUER_DATA, lambda d: d[:4] + bytes((d[4] & 0x7F,)) + d[5:]) if first else answer


@FAULTS.command(
    COMMAND,
    "gac.card-key",
    "用卡片密钥而非会话密钥计算密文",
    "The key of the card makes the cryptogram",
    ["PAY-GAC-004"],
    paying,
)
def card_key(card: Card, command: Command, good: Handler) -> bytes:
    """No session key is derived."""
    return with_cryptogram(card, good(card, command), key=Application(card).card_key("payment cryptogram"))


@FAULTS.command(
    COMMAND,
    "gac.other-amount-not-covered",
    "密文不含其他金额",
    "The cryptogram does not cover the other amount",
    ["PAY-GAC-005"],
    paying,
)
def other_amount_not_covered(card: Card, command: Command, good: Handler) -> bytes:
    """9F03 counts as zero."""
    return with_cryptogram(card, good(card, command), terminal={Tag.OTHER_AMOUNT: bytes(6)})


@FAULTS.command(
    COMMAND,
    "gac.last-byte-not-covered",
    "密文不含不可预知数末字节",
    "The cryptogram leaves out the last byte",
    ["PAY-GAC-005"],
    paying,
)
def last_byte_not_covered(card: Card, command: Command, good: Handler) -> bytes:
    """Of the unpredictable number three bytes are enough."""
    answer = good(card, command)
    known = transaction_of(card).terminal.get(Tag.UNPREDICTABLE, b"")
    return with_cryptogram(card, answer, terminal={Tag.UNPREDICTABLE: known[:3] + b"\0"})


@FAULTS.command(
    COMMAND, "gac.approves-requests", "请求 ARQC 得到 TC", "A request to go online is approved", ["PAY-GAC-006"], paying
)
def approves_requests(card: Card, command: Command, good: Handler) -> bytes:
    """More than the terminal asks for."""
    raised = is_first(card) and command.p1 >> 6 == Kind.ARQC
    return good(card, command._replace(p1=command.p1 ^ 0xC0) if raised else command)


@FAULTS.command(
    COMMAND,
    "gac.first-values-kept",
    "使用初始化时的数据",
    "The values of GET PROCESSING OPTIONS are kept",
    ["PAY-GAC-007"],
    paying,
)
def first_values_kept(card: Card, command: Command, good: Handler) -> bytes:
    """What PDOL and CDOL1 have in common is taken from the first."""
    transaction, cdol = transaction_of(card), Application(card).value(Tag.CDOL1)
    if is_first(card) and len(command.data) == dol_length(cdol):
        given = dol_values(cdol, command.data)
        kept = b"".join(transaction.pdol.get(tag, value) for tag, value in given.items())
        command = command._replace(data=kept)
    return good(card, command)


@FAULTS.command(
    COMMAND, "gac.any-length", "不检查数据长度", "Values of CDOL1 of any length are taken", ["PAY-GAC-008"], paying
)
def any_length(card: Card, command: Command, good: Handler) -> bytes:
    """Filled with zeros, or cut."""
    if is_first(card):
        length = dol_length(Application(card).value(Tag.CDOL1))
        command = command._replace(data=command.data[:length].ljust(length, b"\0"))
    return good(card, command)


@FAULTS.command(
    COMMAND, "gac.before-initiation", "未初始化也给出密文", "A cryptogram before initiation", ["PAY-GAC-009"], paying
)
def before_initiation(card: Card, command: Command, good: Handler) -> bytes:
    """SELECT is enough."""
    transaction = transaction_of(card)
    if transaction.stage is Stage.SELECTED:
        transaction.stage = Stage.STARTED
        path = Application(card).path(ORDINARY)
        transaction.aip = path[0] if path else bytes(2)
    return good(card, command)


@FAULTS.command(
    COMMAND, "gac.third-answered", "应答第三次 GENERATE AC", "A third cryptogram is given", ["PAY-GAC-010"], paying
)
def third_answered(card: Card, command: Command, good: Handler) -> bytes:
    """And a fourth."""
    transaction = transaction_of(card)
    if transaction.completed:
        transaction.stage = Stage.ONLINE
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "gac.after-the-end",
    "TC 或 AAC 之后仍给出密文",
    "A second cryptogram after a TC or AAC",
    ["PAY-GAC-011"],
    paying,
)
def after_the_end(card: Card, command: Command, good: Handler) -> bytes:
    """As if the first had been an ARQC."""
    transaction = transaction_of(card)
    if transaction.stage is Stage.FINISHED and not transaction.completed:
        transaction.stage = Stage.ONLINE
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "gac.blocked-approves",
    "锁定的应用仍批准交易",
    "A blocked application goes on approving",
    ["PAY-GAC-038"],
    paying,
)
def blocked_approves(card: Card, command: Command, good: Handler) -> bytes:
    """Only SELECT knows of the block."""
    transaction_of(card).blocked = False
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "gac.discretionary-length",
    "IDD 长度字节错误",
    "The length of the issuer discretionary data is wrong",
    ["PAY-GAC-039"],
    paying,
)
def discretionary_length(card: Card, command: Command, good: Handler) -> bytes:
    """It counts itself."""
    return with_part(good(card, command), ISSUER_DATA, lambda d: d[:8] + bytes((len(d) - 8,)) + d[9:])


@FAULTS.command(
    COMMAND,
    "gac.reserved-bit",
    "CID 保留位为 1",
    "A reserved bit of the cryptogram information is set",
    ["PAY-GAC-040"],
    paying,
)
def reserved_bit(card: Card, command: Command, good: Handler) -> bytes:
    """Bit 6 of a TC."""
    return with_part(
        good(card, command), CID, lambda cid: bytes((cid[0] | 0x20 if cid[0] >> 6 == Kind.TC else cid[0],))
    )
