"""Faults of secure messaging: the MAC of maintenance commands, its key, and the enciphered PIN block."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, having, rebuilt, sm4, triple_des
from conformance.faults.means import (
    MAC_LENGTH,
    mac_input,
    maintained,
    maintenance_key,
    right_mac,
    with_judged_mac,
    with_mac,
    with_settings,
)
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import octets_in
from emulator.cos.structure import Structure
from emulator.crypto import Algorithm, decrypt_ecb, mac, mac_blocks
from emulator.iso7816 import SW, Command, StatusError

FAULTS = FaultSet()
UNBLOCK = "UNBLOCK PIN"
MAINTENANCE = (UNBLOCK, "APPLICATION BLOCK", "CARD BLOCK")
RELOADING = 0x01
PLAIN_UNBLOCK, PROTECTED_UNBLOCK = 0x8024, 0x8424
FULL_PIN_LENGTH = 7
"""A PIN that together with its length byte fills a block of 3DES."""


def _with_other_mac(card: Card, command: Command, good: Handler, other: bytes | None) -> bytes:
    """Perform a command on a card that makes another MAC than the good one."""
    if other is None:
        return good(card, command)
    return with_judged_mac(card, command, good, lambda given, _: given == other)


@FAULTS.command(
    MAINTENANCE,
    "sm.two-bytes-compared",
    "MAC 只比较前两个字节",
    "Only two bytes of the MAC are compared",
    ["SSC-PIN-016", "SSC-LIFE-003"],
)
def two_bytes_compared(card: Card, command: Command, good: Handler) -> bytes:
    """One in 65536 wrong MACs opens the command."""
    return with_judged_mac(card, command, good, lambda given, right: given[:2] == right[:2])


@FAULTS.command(
    MAINTENANCE,
    "sm.challenge-outlives-wrong-mac",
    "MAC 错误后随机数仍可用",
    "A challenge survives a wrong MAC",
    ["SSC-LIFE-015", "SSC-PIN-022"],
)
def challenge_outlives_wrong_mac(card: Card, command: Command, good: Handler) -> bytes:
    """One challenge is enough for all guesses of a MAC."""
    challenge = card.session.challenge
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw == SW.SECURE_MESSAGING_OBJECTS_INCORRECT:
            card.session.challenge = challenge
        raise


@FAULTS.command(
    MAINTENANCE,
    "sm.lc-without-mac",
    "计算 MAC 的 Lc 不含 MAC 长度",
    "The Lc that enters the MAC does not count the MAC",
    ["SSC-SM-004"],
)
def lc_without_mac(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is made before the length of the command is set."""
    key = maintenance_key(card, maintained(card, command))
    if key is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    plain = command.data[:-MAC_LENGTH]
    covered = command.header + bytes([len(plain)]) + plain
    return _with_other_mac(card, command, good, mac(card.algorithm, key, covered, fold=card.settings.sm4_mac_fold))


@FAULTS.command(
    MAINTENANCE, "sm.either-lc", "计算 MAC 时 Lc 两种方式均被接受", "A MAC over either Lc is accepted", ["SSC-SM-004"]
)
def either_lc(card: Card, command: Command, good: Handler) -> bytes:
    """Two terminals were made to work with one card."""
    key = maintenance_key(card, maintained(card, command))
    right = right_mac(card, command)
    if key is None or right is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    plain = command.data[:-MAC_LENGTH]
    covered = command.header + bytes([len(plain)]) + plain
    other = mac(card.algorithm, key, covered, fold=card.settings.sm4_mac_fold)
    return good(card, with_mac(command, right) if command.data[-MAC_LENGTH:] == other else command)


@FAULTS.command(
    MAINTENANCE,
    "sm.padded-with-zeros",
    "MAC 输入以 00 填充",
    "The input of the MAC is padded with zeros alone",
    ["SSC-SM-002", "SSC-SM-001", "SSC-SM-006"],
)
def padded_with_zeros(card: Card, command: Command, good: Handler) -> bytes:
    """Padding method 1 in the place of method 2."""
    key = maintenance_key(card, maintained(card, command))
    if key is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    covered = mac_input(command)
    blocks = covered + bytes(-len(covered) % card.algorithm.block_size)
    whole = mac_blocks(card.algorithm, key, blocks)
    return _with_other_mac(card, command, good, _cut(card, whole))


def _cut(card: Card, block: bytes) -> bytes:
    """Four bytes of the last block, as this card makes them."""
    if card.algorithm is Algorithm.DES3 or card.settings.sm4_mac_fold == "left":
        return block[:MAC_LENGTH]
    words = [int.from_bytes(block[start : start + MAC_LENGTH]) for start in range(0, len(block), MAC_LENGTH)]
    folded = 0
    for word in words:
        folded ^= word
    return folded.to_bytes(MAC_LENGTH)


@FAULTS.command(
    MAINTENANCE,
    "sm.key-not-derived",
    "直接用 STK 计算 MAC",
    "The MAC is made with STK itself, without a session key",
    ["SSC-SM-001", "SSC-SM-006"],
)
def key_not_derived(card: Card, command: Command, good: Handler) -> bytes:
    """The challenge is asked for and does not enter."""
    node = maintained(card, command)
    key = node.keys.get(node.directory.maintenance_key or "")
    if key is None or card.session.challenge is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    value = octets_in(card.memory.cells[key.cell(1)])
    covered = mac_input(command)
    other = mac(card.algorithm, value, covered, fold=card.settings.sm4_mac_fold)
    return _with_other_mac(card, command, good, other)


@FAULTS.structure(
    "sm.other-fold", "SM4 MAC 的压缩方式与声明不符", "The SM4 MAC is cut otherwise than declared", ["SSC-SM-006"], sm4
)
def other_fold(structure: Structure) -> Structure:
    """The left four bytes where the declaration folds, and the other way round."""
    return with_settings(structure, sm4_mac_fold="xor" if structure.settings.sm4_mac_fold == "left" else "left")


@FAULTS.command(
    UNBLOCK,
    "sm.always-padded",
    "加密数据总要求填充",
    "Enciphered data must be padded even when they fill the block",
    ["SSC-SM-003"],
    triple_des,
)
def always_padded(card: Card, command: Command, good: Handler) -> bytes:
    """A full block without 80 is refused."""
    key = maintenance_key(card, maintained(card, command))
    block = command.data[:-MAC_LENGTH]
    if key is not None and command.p2 == RELOADING and len(block) == card.algorithm.block_size:
        plain = decrypt_ecb(card.algorithm, key, block)
        if plain[0] == FULL_PIN_LENGTH and right_mac(card, command) == command.data[-MAC_LENGTH:]:
            raise StatusError(SW.WRONG_DATA)
    return good(card, command)


def _with_plain_class(card: Card) -> Card:
    broken = rebuilt(card)
    for table in broken.tables.values():
        if PROTECTED_UNBLOCK in table:
            table[PLAIN_UNBLOCK] = table[PROTECTED_UNBLOCK]
    return broken


FAULTS.add(
    "sm.class-not-checked",
    "CLA 80 的解锁命令被接受",
    "UNBLOCK PIN is accepted under CLA 80",
    ["SSC-SM-005"],
    _with_plain_class,
)


@FAULTS.command(
    "UPDATE RECORD",
    "sm.plain-update-refused",
    "拒绝明文更新",
    "A plain update is refused after authentication",
    ["SSC-SM-007"],
    having("SSSE/EF05"),
)
def plain_update_refused(card: Card, command: Command, good: Handler) -> bytes:
    """The standard files were created with line protection."""
    file = card.session.node.files_by_sfi.get(command.p2 >> 3)
    if file is not None:
        card.session.require(file.update)
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    return good(card, command)
