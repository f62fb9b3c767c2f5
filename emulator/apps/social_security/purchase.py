"""Medical settlement on the card: INITIALIZE FOR PURCHASE and DEBIT FOR PURCHASE.

人社信息函〔2012〕38号 §2; reconstructed specification §6, vol. 2 §6. All amounts are 4-byte binary fen: f1 from the
personal account 个人账户, f2 own payment 个人自付, f3 pooled fund 统筹基金.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from typing import NamedTuple, Self

from emulator.apps.social_security.references import key_value
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import File, Key
from emulator.cos.tree import Node
from emulator.crypto import Algorithm, mac, purchase_session_key, transaction_authentication_code
from emulator.iso7816 import SW, Command, StatusError

PURCHASE, LOAD = 0x01, 0x00
INITIALIZE_LENGTH, DEBIT_LENGTH = 0x13, 0x0F
SETTLEMENT_TYPE = b"2"
LOG_FILE = 0xEF08
AMOUNT_FILE = "TF"
RANDOM_LENGTH = 4
LAST_NUMBER, LARGEST_SUM = 0xFFFF, 0xFFFFFFFF
ALGORITHM_IDENTIFIERS = {Algorithm.DES3: 1, Algorithm.SM4: 3}
DEBIT_CODE = 0xB02C

COMMANDS = CommandSet()


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


@dataclass(frozen=True, slots=True)
class Purchase:
    """A settlement between INITIALIZE and DEBIT; any other command ends it."""

    key: Key
    amounts: tuple[int, int, int]
    terminal: bytes
    number: int
    random: bytes

    next_command: int = DEBIT_CODE

    @property
    def amount_bytes(self) -> bytes:
        """f1 ‖ f2 ‖ f3, 12 bytes."""
        return b"".join(amount.to_bytes(4, "big") for amount in self.amounts)


@COMMANDS.command("INITIALIZE FOR PURCHASE")
def initialize(card: Card, command: Command) -> bytes:
    """INITIALIZE FOR PURCHASE: key index 1 ‖ f1 4 ‖ f2 4 ‖ f3 4 ‖ terminal 6.

    Answers balance 4 ‖ own payments 4 ‖ pooled payments 4 ‖ year 2 (these fourteen are assumed, §9 no. 6) ‖ number 2 ‖
    key version 1 ‖ algorithm 1 ‖ random 4.
    """
    if (command.p1, command.p2) != (PURCHASE, 0x01):
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != INITIALIZE_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    amounts = _amounts(card, node)
    if card.settings.purchase_needs_pin:
        _require_pin(card, node)
    index = command.data[0]
    key = next((key for key in node.directory.keys if key.use == "purchase" and key.reference == index), None)
    if key is None:
        raise StatusError(SW.KEY_INDEX_NOT_SUPPORTED)
    if amounts.offline_number == LAST_NUMBER:
        raise StatusError(SW.TRANSACTION_COUNTER_AT_MAXIMUM)
    account, own, pooled = (int.from_bytes(command.data[start : start + 4], "big") for start in (1, 5, 9))
    if account > amounts.balance:
        raise StatusError(SW.INSUFFICIENT_BALANCE)
    purchase = Purchase(
        key, (account, own, pooled), command.data[13:], amounts.offline_number, os.urandom(RANDOM_LENGTH)
    )
    card.session.transaction = purchase
    number = purchase.number.to_bytes(2, "big")
    identifiers = bytes([1, ALGORITHM_IDENTIFIERS[card.algorithm]])
    shown = amounts.to_bytes()[4:18] if card.settings.purchase_answer == "amounts" else bytes(14)
    return shown + number + identifiers + purchase.random


@COMMANDS.command("DEBIT FOR PURCHASE")
def debit(card: Card, command: Command) -> bytes:
    """DEBIT FOR PURCHASE: terminal transaction number 4 ‖ time 7 ‖ MAC1 4; answers TAC 4 ‖ MAC2 4.

    Sums, number and log change together or not at all.
    """
    purchase = card.session.transaction
    card.session.transaction = None
    if not isinstance(purchase, Purchase):
        raise StatusError(SW.COMMAND_NOT_ACCEPTED)
    if (command.p1, command.p2) != (0x01, 0x00):
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != DEBIT_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    terminal_number, time, mac1 = command.data[:4], command.data[4:11], command.data[11:]
    fold = card.settings.sm4_mac_fold
    key = purchase_session_key(
        card.algorithm,
        key_value(card, purchase.key, 1),
        purchase.random,
        purchase.number.to_bytes(2, "big"),
        terminal_number,
    )
    signed = purchase.amount_bytes + SETTLEMENT_TYPE + purchase.terminal
    if not hmac.compare_digest(mac(card.algorithm, key, signed + time, fold=fold), mac1):
        raise StatusError(SW.MAC_INVALID)
    node = card.session.node
    _book(card, node, purchase, time)
    tac_key = next(key for key in node.directory.keys if key.use == "tac")
    tac = transaction_authentication_code(
        card.algorithm,
        key_value(card, tac_key, 1),
        signed + terminal_number + time,
        form="xor" if card.settings.purchase_tac == "halves" else "mac",
        fold=fold,
    )
    return tac + mac(card.algorithm, key, purchase.amount_bytes, fold=fold)


def _book(card: Card, node: Node, purchase: Purchase, time: bytes) -> None:
    """Add to the sums of the year, raise the number and log, all in one commit."""
    account, own, pooled = purchase.amounts
    before = _of_the_year(_amounts(card, node), time)
    if before.own_payments + own > LARGEST_SUM or before.pooled_payments + pooled > LARGEST_SUM:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    after = before._replace(
        offline_number=purchase.number + 1,
        balance=before.balance - account,
        own_payments=before.own_payments + own,
        pooled_payments=before.pooled_payments + pooled,
    )
    logged = after.offline_number if card.settings.purchase_logged_number == "after" else purchase.number
    record = logged.to_bytes(2, "big") + SETTLEMENT_TYPE + purchase.terminal + time + purchase.amount_bytes
    log = node.files_by_fid[LOG_FILE]
    records = card.memory.cells[log.cell]
    assert isinstance(records, tuple)  # noqa: S101 - cyclic files hold records
    card.memory.commit({_amount_file(node).cell: after.to_bytes(), log.cell: (record, *records)[: log.capacity]})


def _of_the_year(amounts: Amounts, time: bytes) -> Amounts:
    """Begin the sums anew when the settlement lies in a later medical year (vol. 2 §6.5)."""
    year = time[:2]
    if time[2:4] < amounts.starting_day or year <= amounts.year:
        return amounts
    return amounts._replace(own_payments=0, pooled_payments=0, year=year)


def _amount_file(node: Node) -> File:
    """The amount file of the current application; ``6985`` in a directory without one."""
    file = node.internal_files.get(AMOUNT_FILE)
    if file is None or LOG_FILE not in node.files_by_fid:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return file


def _amounts(card: Card, node: Node) -> Amounts:
    contents = card.memory.cells[_amount_file(node).cell]
    assert isinstance(contents, bytes)  # noqa: S101 - internal files hold bytes
    return Amounts.parse(contents)


def _require_pin(card: Card, node: Node) -> None:
    """The environment's PIN must have been verified, where it has one."""
    pins = node.environment.pins.values()
    if pins and not any(card.session.has(pin.bit, locally=False) for pin in pins):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
