"""账户划入 of the medical account, proof of a transaction, balance (vol. 2 §6.4, §6.6; the bytes of all three are assumed).

They follow the load of PBOC with its codes minus 28; a profile says with ``medical_load`` whether a card has them.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass

from emulator.apps.social_security.amounts import (
    ALGORITHM_IDENTIFIERS,
    LARGEST_SUM,
    LAST_NUMBER,
    RANDOM_LENGTH,
    amounts_of,
    booked,
    key_of_index,
    proof_cell,
    require_pin,
    tac_key,
)
from emulator.apps.social_security.references import key_value
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import octets_in
from emulator.cos.structure import Key
from emulator.crypto import load_session_key, mac, transaction_authentication_code
from emulator.iso7816 import SW, Command, StatusError

INITIALIZE_LENGTH, CREDIT_LENGTH, PROOF_LENGTH = 0x0B, 0x0B, 2
LOAD_TYPE = b"1"
CREDIT_CODE = 0xB02A
TYPES = (0x31, 0x32)

COMMANDS = CommandSet()


@dataclass(frozen=True, slots=True)
class Load:
    """A load between INITIALIZE and CREDIT; any other command ends it."""

    key: Key
    amount: int
    terminal: bytes
    number: int
    random: bytes

    next_command: int = CREDIT_CODE

    @property
    def session_input(self) -> bytes:
        """The card's online transaction number, two bytes."""
        return self.number.to_bytes(2, "big")


def initialize_load(card: Card, command: Command) -> bytes:
    """INITIALIZE FOR LOAD: key index 1 ‖ amount 4 ‖ terminal 6.

    Answers balance 4 ‖ online number 2 ‖ key version 1 ‖ algorithm 1 ‖ random 4 ‖ MAC1 4.
    """
    if len(command.data) != INITIALIZE_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    amounts = amounts_of(card, node)
    if card.settings.purchase_needs_pin:
        require_pin(card, node)
    key = key_of_index(node, "load", command.data[0])
    if amounts.online_number == LAST_NUMBER:
        raise StatusError(SW.TRANSACTION_COUNTER_AT_MAXIMUM)
    amount = int.from_bytes(command.data[1:5], "big")
    if amounts.balance + amount > LARGEST_SUM:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    load = Load(key, amount, command.data[5:], amounts.online_number, os.urandom(RANDOM_LENGTH))
    card.session.transaction = load
    balance = amounts.balance.to_bytes(4, "big")
    signed = balance + command.data[1:5] + LOAD_TYPE + load.terminal
    mac1 = mac(card.algorithm, _session_key(card, load), signed, fold=card.settings.sm4_mac_fold)
    identifiers = bytes((1, ALGORITHM_IDENTIFIERS[card.algorithm]))
    return balance + load.session_input + identifiers + load.random + mac1


def _session_key(card: Card, load: Load) -> bytes:
    return load_session_key(card.algorithm, key_value(card, load.key, 1), load.random, load.session_input)


@COMMANDS.command("CREDIT FOR LOAD")
def credit(card: Card, command: Command) -> bytes:
    """CREDIT FOR LOAD: date 4 ‖ time 3 ‖ MAC2 4; answers TAC 4. Balance, number and log change together or not at all."""
    _require_offered(card)
    load = card.session.transaction
    card.session.transaction = None
    if not isinstance(load, Load):
        raise StatusError(SW.COMMAND_NOT_ACCEPTED)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != CREDIT_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    time, mac2 = command.data[:7], command.data[7:]
    fold = card.settings.sm4_mac_fold
    signed = load.amount.to_bytes(4, "big") + LOAD_TYPE + load.terminal + time
    if not hmac.compare_digest(mac(card.algorithm, _session_key(card, load), signed, fold=fold), mac2):
        raise StatusError(SW.MAC_INVALID)
    node = card.session.node
    before = amounts_of(card, node)
    after = before._replace(online_number=load.number + 1, balance=before.balance + load.amount)
    tac = transaction_authentication_code(
        card.algorithm,
        key_value(card, tac_key(node), 1),
        after.balance.to_bytes(4, "big") + load.session_input + signed,
        form="xor" if card.settings.purchase_tac == "halves" else "mac",
        fold=fold,
    )
    number = after.online_number if card.settings.purchase_logged_number == "after" else load.number
    record = number.to_bytes(2, "big") + LOAD_TYPE + load.terminal + time + signed[:4] + bytes(8)
    card.memory.commit(booked(card, node, after, record, LOAD_TYPE + load.session_input + mac2 + tac))
    return tac


@COMMANDS.command("GET TRANSACTION PROOF")
def transaction_proof(card: Card, command: Command) -> bytes:
    """GET TRANSACTION PROOF, P2 transaction type, data transaction number 2: MAC2 4 ‖ TAC 4 of the last one; ``9406`` of any other."""
    _require_offered(card)
    if command.p1 or command.p2 not in TYPES:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != PROOF_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    amounts_of(card, node)
    proof = octets_in(card.memory.cells.get(proof_cell(node), b""))
    if proof[:3] != bytes((command.p2,)) + command.data:
        raise StatusError(SW.MAC_UNAVAILABLE)
    return proof[3:]


@COMMANDS.command("GET BALANCE")
def balance(card: Card, command: Command) -> bytes:
    """GET BALANCE of the personal account, four bytes; with a PIN on the card only after VERIFY."""
    _require_offered(card)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if command.data:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    amounts = amounts_of(card, node)
    if card.settings.purchase_needs_pin:
        require_pin(card, node)
    return amounts.balance.to_bytes(4, "big")


def _require_offered(card: Card) -> None:
    if not card.settings.medical_load:
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
