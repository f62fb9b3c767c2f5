"""The medical insurance amounts 医疗保险金额文件 of the card, and what settlements and loads have in common.

All amounts are 4-byte binary fen.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from emulator.cos.card import Card
from emulator.cos.memory import Value, octets_in, records_in
from emulator.cos.structure import File, Key
from emulator.cos.tree import Node
from emulator.crypto import Algorithm
from emulator.iso7816 import SW, StatusError

LOG_FILE = 0xEF08
AMOUNT_FILE = "TF"
RANDOM_LENGTH = 4
LAST_NUMBER, LARGEST_SUM = 0xFFFF, 0xFFFFFFFF
ALGORITHM_IDENTIFIERS = {Algorithm.DES3: 1, Algorithm.SM4: 3}


class Amounts(NamedTuple):
    """医疗保险金额文件: counters, balance and the sums of the year."""

    online_number: int
    offline_number: int
    balance: int
    own_payments: int
    pooled_payments: int
    year: bytes
    """支付年度, two BCD bytes."""
    starting_day: bytes
    """年度起始日期, MMDD in two BCD bytes."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the 20 bytes of the file."""

        def number(start: int, end: int) -> int:
            return int.from_bytes(data[start:end], "big")

        sums = number(4, 8), number(8, 12), number(12, 16)
        return cls(number(0, 2), number(2, 4), *sums, data[16:18], data[18:20])

    def to_bytes(self) -> bytes:
        """The 20 bytes of the file."""
        numbers = zip(self[:5], (2, 2, 4, 4, 4), strict=True)
        return b"".join(value.to_bytes(size, "big") for value, size in numbers) + self.year + self.starting_day


def amount_file(node: Node) -> File:
    """The amount file of the current application; ``6985`` in a directory without one."""
    file = node.internal_files.get(AMOUNT_FILE)
    if file is None or LOG_FILE not in node.files_by_fid:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return file


def amounts_of(card: Card, node: Node) -> Amounts:
    """The amounts of the current application."""
    return Amounts.parse(octets_in(card.memory.cells[amount_file(node).cell]))


def require_pin(card: Card, node: Node) -> None:
    """The environment's PIN must have been verified, where it has one."""
    pins = node.environment.pins.values()
    if pins and not any(card.session.has(pin.bit, locally=False) for pin in pins):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)


def key_of_index(node: Node, use: str, index: int) -> Key:
    """The purchase or load key of an index; ``9403`` when there is none."""
    key = next((key for key in node.directory.keys if key.use == use and key.reference == index), None)
    if key is None:
        raise StatusError(SW.KEY_INDEX_NOT_SUPPORTED)
    return key


def tac_key(node: Node) -> Key:
    """The key of the transaction authentication code 交易认证码."""
    return next(key for key in node.directory.keys if key.use == "tac")


def proof_cell(node: Node) -> str:
    """Where the proof of the last transaction lives: type 1 ‖ number 2 ‖ MAC2 4 ‖ TAC 4."""
    return "proof:" + node.directory.name


def booked(card: Card, node: Node, after: Amounts, record: bytes, proof: bytes) -> dict[str, Value]:
    """The cells that a transaction changes together: amounts, newest record of the log, proof."""
    log = node.files_by_fid[LOG_FILE]
    records = records_in(card.memory.cells[log.cell])
    return {
        amount_file(node).cell: after.to_bytes(),
        log.cell: (record, *records)[: log.capacity],
        proof_cell(node): proof,
    }
