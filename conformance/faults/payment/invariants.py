"""Faults that break an invariant 安全不变式: money, the order of cryptograms, secrets, stray commands, resets."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from emulator.apps.payment.application import SECOND_CURRENCY_OF, Application, Tag, data_cell
from emulator.apps.payment.initiation import E_CASH
from emulator.apps.payment.transaction import Stage, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import octets_in
from emulator.cos.structure import CARD_STATE_CELL, CardState
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS, payment_directory
from profiles.model import Profile

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
BALANCES = frozenset({Tag.BALANCE, SECOND_CURRENCY_OF[Tag.BALANCE]})
AMOUNT_LENGTH = 6
INTERNAL_FILE = 29
"""A short identifier that no file of a payment application has."""


def with_e_cash(profile: Profile) -> bool:
    """A card with e-cash on the contacts."""
    name = payment_directory(profile)
    payment = profile.directory[name].payment if name else None
    return payment is not None and E_CASH in payment.path


@FAULTS.command(
    "GENERATE AC",
    "inv.debit-forgotten",
    "电子现金 TC 不扣款",
    "An e-cash purchase is approved and nothing is debited",
    ["PAY-INV-001"],
    with_e_cash,
)
def debit_forgotten(card: Card, command: Command, good: Handler) -> bytes:
    """The balance is as before the command."""
    application = Application(card)
    cells = [data_cell(application.name, tag) for tag in BALANCES]
    before = {cell: card.memory.cells[cell] for cell in cells if cell in card.memory.cells}
    try:
        return good(card, command)
    finally:
        card.memory.commit(before)


@FAULTS.command(
    "PUT DATA",
    "inv.load-without-mac",
    "圈存不检查 MAC",
    "A load script is taken whatever its MAC",
    ["PAY-INV-002"],
    with_e_cash,
)
def load_without_mac(card: Card, command: Command, good: Handler) -> bytes:
    """The six bytes become the balance in any case."""
    tag = command.p1 << 8 | command.p2
    cell = data_cell(Application(card).name, tag)
    if tag in BALANCES and len(command.data) >= AMOUNT_LENGTH and cell in card.memory.cells:
        card.memory.commit({cell: command.data[:AMOUNT_LENGTH]})
        return b""
    return good(card, command)


@FAULTS.command(
    "GENERATE AC",
    "inv.approval-after-decline",
    "AAC 之后仍可生成 TC",
    "A second cryptogram is given after an AAC",
    ["PAY-INV-003"],
    paying,
)
def approval_after_decline(card: Card, command: Command, good: Handler) -> bytes:
    """A finished transaction counts as one that waits for the bank."""
    transaction = transaction_of(card)
    if transaction.stage is Stage.FINISHED and not transaction.quick:
        transaction.stage = Stage.ONLINE
    return good(card, command)


@FAULTS.command(
    "READ RECORD",
    "inv.key-file",
    "密钥可作为记录读出",
    "A key can be read as a record of a file that no list names",
    ["PAY-INV-004"],
    paying,
)
def key_file(card: Card, command: Command, good: Handler) -> bytes:
    """Record 1 of SFI 1D holds the encryption key."""
    keys = [key for key in card.session.node.directory.keys if key.use == "payment encryption"]
    if command.p2 >> 3 == INTERNAL_FILE and command.p1 == 1 and keys:
        return b"\x70\x12\xdf\x01" + octets_in(card.memory.cells[keys[0].cell(1)])
    return good(card, command)


@FAULTS.command(
    "GET PROCESSING OPTIONS",
    "inv.refused-start-counts",
    "参数错误的初始化仍使 ATC 加 1",
    "A refused initiation spends a transaction counter",
    ["PAY-INV-005"],
    paying,
)
def refused_start_counts(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is spent before the parameters are looked at."""
    if command.p1 or command.p2:
        application = Application(card)
        cell = data_cell(application.name, Tag.ATC)
        card.memory.commit({cell: ((application.atc + 1) & 0xFFFF).to_bytes(2)})
    return good(card, command)


@FAULTS.card(
    "inv.reset-ends-card",
    "联机等待中复位使卡片失效",
    "A reset while the card waits for the bank ends the card",
    ["PAY-INV-006"],
    paying,
)
class ResetEndsCard(Card):
    """As a card whose buffer was not written back."""

    def reset(self, cold: bool = True) -> bytes:
        """A transaction with an ARQC is looked for first."""
        present = self.session.application
        if isinstance(present, Transaction) and present.stage is Stage.ONLINE:
            self.memory.commit({CARD_STATE_CELL: CardState.TERMINATED})
        return super().reset(cold)
