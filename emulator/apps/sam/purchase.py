"""INIT_SAM_FOR_PURCHASE and CREDIT_SAM_FOR_PURCHASE: MAC1 for a card, and the check of its MAC2 (vol. 2 §7.5, §7.6)."""

from __future__ import annotations

import hmac

from emulator.apps.sam.ciphering import PURCHASE
from emulator.apps.sam.state import FACTOR, LEVEL_SHIFT, PendingPurchase, derived, find_key, state_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import number_in, octets_in
from emulator.cos.structure import DirectoryState, File
from emulator.crypto import Algorithm, mac, purchase_session_key
from emulator.iso7816 import SW, Command, StatusError

AMOUNTS_LENGTH = {0x00: 4, 0x01: 12}
"""By P1: one amount in the form of PBOC, three in that of medical settlement."""
RANDOM, NUMBER, TIME, FIXED_LENGTH = 4, 2, 7, 0x10
"""Bytes of the data; the last is all of them but amounts and factors."""
MAC_LENGTH = 4
TERMINAL_NUMBER, TERMINAL_SERIAL, KEY_INDEX = 0x0016, 0x0019, 0x001C
ALGORITHM_IDENTIFIERS = {0x01: Algorithm.DES3, 0x03: Algorithm.SM4}
LARGEST_SERIAL = 0xFFFFFFFF

COMMANDS = CommandSet()


@COMMANDS.command("INIT_SAM_FOR_PURCHASE")
def initialize(card: Card, command: Command) -> bytes:
    """INIT_SAM_FOR_PURCHASE, P1 ``01`` for medical settlement, ``00`` in the form of PBOC with a single amount.

    Data: random 4 ‖ transaction number 2 ‖ amounts 12 (or 4) ‖ type 1 ‖ time 7 ‖ key version 1 ‖ algorithm 1 ‖ factors, last
    level first. The SAM takes terminal number, terminal transaction number 终端交易序号 and the index of the purchase key
    from its own files. Answers the terminal transaction number 4 ‖ MAC1 4; it counts on with a right MAC2 only.
    """
    card.session.application = None
    length = AMOUNTS_LENGTH.get(command.p1)
    if length is None or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    data = command.data
    factors_length = len(data) - length - FIXED_LENGTH
    if factors_length <= 0 or factors_length % FACTOR:
        raise StatusError(SW.WRONG_LENGTH)
    random, number, rest = data[:RANDOM], data[RANDOM : RANDOM + NUMBER], data[RANDOM + NUMBER :]
    amounts, kind, time = rest[:length], rest[length : length + 1], rest[length + 1 : length + 1 + TIME]
    version, algorithm, factors = data[-factors_length - 2], data[-factors_length - 1], data[-factors_length:]
    if ALGORITHM_IDENTIFIERS.get(algorithm) is not card.algorithm:
        raise StatusError(SW.WRONG_DATA)
    use = len(factors) // FACTOR << LEVEL_SHIFT | PURCHASE
    key = find_key(card, use, _file_value(card, KEY_INDEX)[0])
    serial = _file_value(card, TERMINAL_SERIAL)
    session = purchase_session_key(card.algorithm, derived(card, key, version, factors), random, number, serial)
    signed = amounts + kind + _file_value(card, TERMINAL_NUMBER) + time
    card.session.application = PendingPurchase(session, amounts)
    return serial + mac(card.algorithm, session, signed, fold=card.settings.sm4_mac_fold)


@COMMANDS.command("CREDIT_SAM_FOR_PURCHASE")
def credit(card: Card, command: Command) -> bytes:
    """CREDIT_SAM_FOR_PURCHASE: MAC2 4. A right one raises the terminal transaction number, wrong ones lock the application."""
    pending = state_of(card)
    if not isinstance(pending, PendingPurchase):
        raise StatusError(SW.COMMAND_NOT_ACCEPTED)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    card.session.application = None
    expected = mac(card.algorithm, pending.key, pending.amounts, fold=card.settings.sm4_mac_fold)
    node, limit = card.session.node, card.settings.mac_error_limit
    failures_cell = "MAC2 failures:" + node.directory.name
    failures = number_in(card.memory.cells.get(failures_cell, 0))
    if hmac.compare_digest(expected, command.data):
        serial = min(int.from_bytes(_file_value(card, TERMINAL_SERIAL), "big") + 1, LARGEST_SERIAL)
        card.memory.commit({_file(card, TERMINAL_SERIAL).cell: serial.to_bytes(4, "big"), failures_cell: 0})
        return b""
    remaining = max(limit - failures - 1, 0)
    changes = {failures_cell: failures + 1}
    if limit and not remaining:
        changes = {failures_cell: 0, node.state_cell: DirectoryState.BLOCKED}
    card.memory.commit(changes)
    raise StatusError(0x63C0 | min(remaining, 0x0F))


def _file(card: Card, fid: int) -> File:
    """A file of the current application or of the MF; ``6A82`` when there is none."""
    for node in (card.session.node, card.master_file):
        if (found := node.files_by_fid.get(fid)) is not None:
            return found
    raise StatusError(SW.FILE_NOT_FOUND)


def _file_value(card: Card, fid: int) -> bytes:
    return octets_in(card.memory.cells[_file(card, fid).cell])
