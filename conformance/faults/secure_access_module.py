"""Faults of the secure access module 终端安全存取模块 (PSAM)."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from emulator.apps.sam.state import Ciphering
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import octets_in
from emulator.cos.structure import DirectoryState
from emulator.iso7816 import SW, Command, StatusError
from profiles.applications import has_sam

FAULTS = FaultSet(frozenset({"SAM"}))
DERIVE, CIPHER = "DELIVERY SESSION KEY", "CIPHER DATA"
MAC1, MAC2 = "INIT_SAM_FOR_PURCHASE", "CREDIT_SAM_FOR_PURCHASE"
FACTOR = 8
TERMINAL_NUMBER_CELL = "file:DF01/EF19"
FIXED = 0x1C


@FAULTS.command(
    DERIVE, "sam.factors-reversed", "因子顺序颠倒", "Factors are taken the other way round", ["SSC-SAM-005"], has_sam
)
def factors_reversed(card: Card, command: Command, good: Handler) -> bytes:
    """First level first."""
    length = (command.p1 >> 5) * FACTOR
    factors, rest = command.data[:length], command.data[length:]
    turned = b"".join(factors[at : at + FACTOR] for at in range(0, length, FACTOR)[::-1])
    return good(card, command._replace(data=turned + rest))


@FAULTS.command(
    DERIVE,
    "sam.any-number-of-factors",
    "不检查分散因子个数",
    "Any number of factors is taken",
    ["SSC-SAM-004"],
    has_sam,
)
def any_number_of_factors(card: Card, command: Command, good: Handler) -> bytes:
    """What is missing is filled up, what is too much left out."""
    length = (command.p1 >> 5) * FACTOR + card.algorithm.block_size
    return good(card, command._replace(data=command.data[:length].ljust(length, b"\0")))


@FAULTS.command(
    DERIVE,
    "sam.purchase-key-ciphers",
    "消费密钥可用于加密",
    "A purchase key makes session keys",
    ["SSC-SAM-006"],
    has_sam,
)
def purchase_key_ciphers(card: Card, command: Command, good: Handler) -> bytes:
    """The type is not looked at."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.CONDITIONS_OF_USE_NOT_SATISFIED:
            card.session.application = Ciphering(bytes(16))
            return b""
        raise


@FAULTS.command(
    CIPHER,
    "sam.key-stays",
    "最后一块后会话密钥仍有效",
    "The session key stays after the last block",
    ["SSC-SAM-008"],
    has_sam,
)
def key_stays(card: Card, command: Command, good: Handler) -> bytes:
    """As if more blocks followed."""
    before = card.session.application
    answer = good(card, command)
    card.session.application = before
    return answer


@FAULTS.command(
    CIPHER,
    "sam.without-session-key",
    "无会话密钥也加密",
    "It enciphers without a session key",
    ["SSC-SAM-007"],
    has_sam,
)
def without_session_key(card: Card, command: Command, good: Handler) -> bytes:
    """Under a key of zeros."""
    if card.session.application is None:
        card.session.application = Ciphering(bytes(16))
    return good(card, command)


@FAULTS.command(
    CIPHER, "sam.data-padded", "不检查整块", "Data that are no whole blocks are filled up", ["SSC-SAM-010"], has_sam
)
def data_padded(card: Card, command: Command, good: Handler) -> bytes:
    """With zeros."""
    size = card.algorithm.block_size
    return good(card, command._replace(data=command.data.ljust(-(-len(command.data) // size) * size, b"\0")))


@FAULTS.command(
    CIPHER, "sam.short-mac", "MAC 忽略初始值", "The initial vector enters the MAC as data", ["SSC-SAM-009"], has_sam
)
def vector_as_data(card: Card, command: Command, good: Handler) -> bytes:
    """P1 bit 3 is not known: the first block is data."""
    return good(card, command._replace(p1=command.p1 & ~0x04, data=b"\x01" + command.data[1:]))


@FAULTS.command(
    MAC1, "sam.counts-at-once", "计算MAC1时序号即加一", "The number rises with MAC1 already", ["SSC-SAM-013"], has_sam
)
def counts_at_once(card: Card, command: Command, good: Handler) -> bytes:
    """An unfinished settlement uses a number up."""
    answer = good(card, command)
    value = octets_in(card.memory.cells[TERMINAL_NUMBER_CELL])
    card.memory.commit({TERMINAL_NUMBER_CELL: (int.from_bytes(value, "big") + 1).to_bytes(4, "big")})
    return answer


@FAULTS.command(
    MAC1,
    "sam.foreign-terminal",
    "MAC1 不用自己的终端机编号",
    "MAC1 is made for another terminal",
    ["SSC-SAM-012"],
    has_sam,
)
def foreign_terminal(card: Card, command: Command, good: Handler) -> bytes:
    """The terminal number of another module."""
    cell = "file:MF/EF16"
    own = card.memory.cells[cell]
    card.memory.cells[cell] = bytes(6)
    try:
        return good(card, command)
    finally:
        card.memory.cells[cell] = own


@FAULTS.command(MAC2, "sam.mac2-unchecked", "不校验MAC2", "Any MAC2 is taken", ["SSC-SAM-014"], has_sam)
def mac2_unchecked(card: Card, command: Command, good: Handler) -> bytes:
    """Wrong is as good as right."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw >> 8 == 0x63:
            return b""
        raise


@FAULTS.command(MAC2, "sam.never-locks", "MAC2 错误不锁定", "Wrong MAC2s never lock", ["SSC-SAM-014"], has_sam)
def never_locks(card: Card, command: Command, good: Handler) -> bytes:
    """The counter reaches zero and nothing happens."""
    try:
        return good(card, command)
    finally:
        card.memory.commit({card.session.node.state_cell: DirectoryState.OPERATIONAL})


@FAULTS.command(MAC2, "sam.mac2-first", "无MAC1也校验MAC2", "MAC2 is taken without a MAC1", ["SSC-SAM-015"], has_sam)
def mac2_first(card: Card, command: Command, good: Handler) -> bytes:
    """The state is not looked at."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.COMMAND_NOT_ACCEPTED:
            return b""
        raise
