"""What faults of the medical purchase need: to look at a settlement as the card does, and to book it in another way."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import having
from conformance.faults.means import rehearsed
from emulator.apps.social_security.amounts import LOG_FILE, Amounts, amount_file, proof_cell
from emulator.apps.social_security.purchase import DEBIT_LENGTH, SETTLEMENT_TYPE, Purchase
from emulator.apps.social_security.references import key_value
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in, records_in
from emulator.cos.structure import Key
from emulator.crypto import mac, purchase_session_key
from emulator.iso7816 import Command

MEDICAL = having("DF04/TF", "DF04/EF08")
INITIALIZE, DEBIT = "INITIALIZE FOR PURCHASE", "DEBIT FOR PURCHASE"
PURCHASE_P1 = 0x01
APPLICATION = "DF04"
Cells = dict[str, Value]
Rule = Callable[[Card, Purchase, bytes, bytes], bytes]
"""The MAC1 that a broken card waits for: of card, settlement, terminal transaction number and time."""


def begun(card: Card, command: Command) -> Purchase | None:
    """The settlement that a DEBIT of the right form would carry out."""
    purchase = card.session.transaction
    return purchase if isinstance(purchase, Purchase) and len(command.data) == DEBIT_LENGTH else None


def session_key(card: Card, purchase: Purchase, serial: bytes, key: Key | None = None, version: int = 1) -> bytes:
    """SESPK, or one made of another key."""
    return purchase_session_key(
        card.algorithm,
        key_value(card, key or purchase.key, version),
        purchase.random,
        purchase.number.to_bytes(2, "big"),
        serial,
    )


def signed(purchase: Purchase, time: bytes) -> bytes:
    """What MAC1 covers, 26 bytes."""
    return purchase.amount_bytes + SETTLEMENT_TYPE + purchase.terminal + time


def code_over(card: Card, key: bytes, data: bytes) -> bytes:
    """A code of four bytes."""
    return mac(card.algorithm, key, data, fold=card.settings.sm4_mac_fold)


def right_mac1(card: Card, purchase: Purchase, serial: bytes, time: bytes) -> bytes:
    """The MAC1 that a good card waits for."""
    return code_over(card, session_key(card, purchase, serial), signed(purchase, time))


def with_other_rule(card: Card, command: Command, good: Handler, rule: Rule) -> bytes:
    """DEBIT with the MAC1 that another rule asks for, and no other."""
    purchase = begun(card, command)
    if purchase is None:
        return good(card, command)
    given = command.data[11:]
    return with_verdict(card, command, good, given == rule(card, purchase, command.data[:4], command.data[4:11]))


def with_verdict(card: Card, command: Command, good: Handler, is_right: bool) -> bytes:
    """DEBIT whose MAC1 is taken for right or wrong, whatever it is."""
    purchase = begun(card, command)
    if purchase is None:
        return good(card, command)
    right = right_mac1(card, purchase, command.data[:4], command.data[4:11])
    code = right if is_right else bytes(byte ^ 0xFF for byte in right)
    return good(card, command._replace(data=command.data[:11] + code))


def with_booking(card: Card, command: Command, good: Handler, change: Callable[[Card, Cells, Amounts], Cells]) -> bytes:
    """A transaction whose cells are written differently: ``change`` gets those to be written and the amounts before."""
    node = card.session.node
    before = amounts_in(card.memory.cells, card) if has_amounts(card) else None
    answer, refused, written = rehearsed(card, command, good)
    if refused is not None:
        if written:
            card.memory.commit(written)
        raise refused
    if before is not None and amount_file(node).cell in written:
        written = change(card, written, before)
    card.memory.commit(written)
    return answer


def has_amounts(card: Card) -> bool:
    """Whether the current directory has the amount file."""
    node = card.session.node
    return bool(node.internal_files) and LOG_FILE in node.files_by_fid and "TF" in node.internal_files


def amounts_in(cells: Cells, card: Card) -> Amounts:
    """The amounts of some cells."""
    return Amounts.parse(octets_in(cells[amount_file(card.session.node).cell]))


def with_amounts(card: Card, written: Cells, *, year: bytes | None = None, **changed: int) -> Cells:
    """The cells with other amounts, and another year."""
    after = amounts_in(written, card)
    values = after._asdict() | changed | {"year": year or after.year}
    return {**written, amount_file(card.session.node).cell: Amounts(**values).to_bytes()}


def log_cell(card: Card) -> str:
    """Where the log lives."""
    return card.session.node.files_by_fid[LOG_FILE].cell


def log_of(cells: Cells, card: Card) -> tuple[bytes, ...]:
    """The log of some cells."""
    return records_in(cells[log_cell(card)])


def with_newest(card: Card, written: Cells, change: Callable[[bytes], bytes]) -> Cells:
    """The cells with another newest record of the log."""
    newest, *others = log_of(written, card)
    return {**written, log_cell(card): (change(newest), *others)}


def without_proof(card: Card, written: Cells) -> Cells:
    """The cells without the proof of the transaction."""
    return {cell: value for cell, value in written.items() if cell != proof_cell(card.session.node)}
