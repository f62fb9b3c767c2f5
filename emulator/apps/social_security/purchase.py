"""Medical settlement on the card: INITIALIZE FOR PURCHASE and DEBIT FOR PURCHASE.

人社信息函〔2012〕38号 §2; reconstructed specification §6, vol. 2 §6. All amounts are 4-byte binary fen: f1 from the
personal account 个人账户, f2 own payment 个人自付, f3 pooled fund 统筹基金.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass

from emulator.apps.social_security.account_load import initialize_load
from emulator.apps.social_security.amounts import (
    ALGORITHM_IDENTIFIERS,
    LARGEST_SUM,
    LAST_NUMBER,
    RANDOM_LENGTH,
    Amounts,
    amounts_of,
    booked,
    key_of_index,
    require_pin,
    tac_key,
)
from emulator.apps.social_security.references import key_value
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import Key
from emulator.cos.tree import Node
from emulator.crypto import mac, purchase_session_key, transaction_authentication_code
from emulator.iso7816 import SW, Command, StatusError

PURCHASE, LOAD = 0x01, 0x00
INITIALIZE_LENGTH, DEBIT_LENGTH = 0x13, 0x0F
SETTLEMENT_TYPE = b"2"
DEBIT_CODE = 0xB02C

COMMANDS = CommandSet()


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
    if (command.p1, command.p2) == (LOAD, 0x01) and card.settings.medical_load:
        return initialize_load(card, command)
    if (command.p1, command.p2) != (PURCHASE, 0x01):
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != INITIALIZE_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    amounts = amounts_of(card, node)
    if card.settings.purchase_needs_pin:
        require_pin(card, node)
    index = command.data[0]
    key = key_of_index(node, "purchase", index)
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
    tac = transaction_authentication_code(
        card.algorithm,
        key_value(card, tac_key(node), 1),
        signed + terminal_number + time,
        form="xor" if card.settings.purchase_tac == "halves" else "mac",
        fold=fold,
    )
    mac2 = mac(card.algorithm, key, purchase.amount_bytes, fold=fold)
    _book(card, node, purchase, time, mac2 + tac)
    return tac + mac2


def _book(card: Card, node: Node, purchase: Purchase, time: bytes, codes: bytes) -> None:
    """Add to the sums of the year, raise the number, log, and keep the codes for GET TRANSACTION PROOF, all in one commit."""
    account, own, pooled = purchase.amounts
    before = _of_the_year(amounts_of(card, node), time)
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
    proof = SETTLEMENT_TYPE + purchase.number.to_bytes(2, "big") + codes
    card.memory.commit(booked(card, node, after, record, proof))


def _of_the_year(amounts: Amounts, time: bytes) -> Amounts:
    """Begin the sums anew when the settlement lies in a later medical year (vol. 2 §6.5)."""
    year = time[:2]
    if time[2:4] < amounts.starting_day or year <= amounts.year:
        return amounts
    return amounts._replace(own_payments=0, pooled_payments=0, year=year)
