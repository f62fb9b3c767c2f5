"""Maintenance commands: APPLICATION BLOCK and UNBLOCK, CARD BLOCK, and the MAC that they share with the PIN commands.

The session key comes from the STK 应用维护密钥 of the directory and the last 8-byte challenge; the MAC covers header,
Lc with the MAC counted, and enciphered data (reconstructed specification §4.4, vol. 2 §5.7 to §5.10).
"""

from __future__ import annotations

import hmac

from emulator.apps.social_security.references import key_value, named_key
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import number_in
from emulator.cos.structure import CARD_STATE_CELL, CardState, DirectoryState
from emulator.cos.tree import Node
from emulator.crypto import mac, session_key
from emulator.iso7816 import SW, Command, StatusError

MAC_LENGTH = 4
TEMPORARILY, FOR_GOOD = 0x00, 0x01

COMMANDS = CommandSet()


def session_key_of_maintenance(card: Card, node: Node) -> bytes:
    """Derive the session key from the directory's STK, using up the challenge; ``6984`` without one."""
    key = named_key(node, node.directory.maintenance_key)
    if key is None:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    return session_key(card.algorithm, key_value(card, key, 1), card.session.take_challenge())


def check_protected(card: Card, command: Command, key: bytes) -> None:
    """Compare the last four bytes of the data field with the MAC over all before; ``6988`` when they differ."""
    data = command.data
    covered = command.header + bytes([len(data)]) + data[:-MAC_LENGTH]
    expected = mac(card.algorithm, key, covered, fold=card.settings.sm4_mac_fold)
    if not hmac.compare_digest(expected, data[-MAC_LENGTH:]):
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)


def _require_lock_key(card: Card, node: Node, *, locally: bool) -> None:
    key = node.keys.get(node.directory.lock_key or "")
    if key is None or not card.session.has(key.bit, locally=locally):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)


def _current_application(card: Card, command: Command) -> Node:
    """The current ADF, for a maintenance command of the right length that concerns it; ``6901`` outside an ADF."""
    if len(command.data) != MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    if node.is_environment:
        raise StatusError(SW.COMMAND_NOT_ACCEPTED)
    return node


@COMMANDS.command("APPLICATION BLOCK")
def application_block(card: Card, command: Command) -> bytes:
    """APPLICATION BLOCK the current ADF, P2 ``00`` until it is unblocked, ``01`` for good."""
    if command.p1 or command.p2 not in (TEMPORARILY, FOR_GOOD):
        raise StatusError(SW.INCORRECT_P1_P2)
    node = _current_application(card, command)
    if card.memory.cells[node.state_cell] == DirectoryState.BLOCKED_FOR_GOOD:
        raise StatusError(SW.APPLICATION_PERMANENTLY_BLOCKED)
    _require_lock_key(card, node, locally=True)
    check_protected(card, command, session_key_of_maintenance(card, node))
    state = DirectoryState.BLOCKED if command.p2 == TEMPORARILY else DirectoryState.BLOCKED_FOR_GOOD
    card.memory.commit({node.state_cell: state})
    return b""


@COMMANDS.command("APPLICATION UNBLOCK")
def application_unblock(card: Card, command: Command) -> bytes:
    """APPLICATION UNBLOCK, where the profile's card offers it; too many failures in a row block for good."""
    if not card.settings.application_unblock:
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    node = _current_application(card, command)
    state = card.memory.cells[node.state_cell]
    if state == DirectoryState.BLOCKED_FOR_GOOD:
        raise StatusError(SW.APPLICATION_PERMANENTLY_BLOCKED)
    if state != DirectoryState.BLOCKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    _require_lock_key(card, node, locally=True)
    key = session_key_of_maintenance(card, node)
    failures_cell = "unblock failures:" + node.directory.name
    failures = number_in(card.memory.cells.get(failures_cell, 0))
    try:
        check_protected(card, command, key)
    except StatusError:
        changes = {failures_cell: failures + 1}
        if failures + 1 >= card.settings.mac_error_limit:
            changes[node.state_cell] = DirectoryState.BLOCKED_FOR_GOOD
        card.memory.commit(changes)
        raise
    card.memory.commit({node.state_cell: DirectoryState.OPERATIONAL, failures_cell: 0})
    return b""


@COMMANDS.command("CARD BLOCK")
def card_block(card: Card, command: Command) -> bytes:
    """CARD BLOCK: no command works from now on, ever, on the card or, beside other applications, in the environment."""
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node.environment
    _require_lock_key(card, node, locally=False)
    check_protected(card, command, session_key_of_maintenance(card, node))
    if card.settings.card_block_scope == "environment" and _has_other_applications(card, node):
        card.memory.commit({below.state_cell: DirectoryState.TERMINATED for below in node.walk()})
    else:
        card.memory.commit({CARD_STATE_CELL: CardState.TERMINATED})
    return b""


def _has_other_applications(card: Card, environment: Node) -> bool:
    own = {card.master_file.directory.application, environment.directory.application}
    return any(node.directory.application not in own for node in card.master_file.walk())
