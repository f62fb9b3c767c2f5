"""Issuer script commands 发卡行脚本: what they have in common, and those that block, unblock and change the PIN.

Common order (JR/T 0025.5 §17): secure messaging present, counted after the second cryptogram, no wrong MAC before, no failed
issuer authentication, MAC, then the command itself. A command changes everything that it must together with the script
counter, or it changes nothing but counter and failure flag.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from emulator.apps.build import pack_pin
from emulator.apps.payment.application import LARGEST_SCRIPT_COUNT, Application, Counter
from emulator.apps.payment.transaction import Authentication, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import octets_in
from emulator.cos.structure import CARD_STATE_CELL, CardState, DirectoryState
from emulator.crypto import CryptoError
from emulator.crypto.payment import payment_mac, pin_of_change_message
from emulator.iso7816 import SW, Command, StatusError

SHORTEST_MAC, LONGEST_MAC = 4, 8
PIN_MESSAGE_SIZE = 16
UNBLOCK_PIN, CHANGE_WITH_CURRENT_PIN, CHANGE_PIN = 0, 1, 2

Action = Callable[[Application, Transaction, Command, bytes], None]
"""Executes a script command whose MAC was right; the bytes are the data without the MAC."""

Authenticate = Callable[[Application, Transaction, Command, int | None], bytes]
"""Checks the MAC of a script command of another form, and answers its data without it."""

COMMANDS = CommandSet()


def run_script(
    card: Card,
    command: Command,
    action: Action,
    length: int | None = None,
    authenticate: Authenticate | None = None,
) -> bytes:
    """Run a script command; ``length`` are the bytes of data before the MAC where the command fixes them."""
    application = Application(card)
    transaction = transaction_of(card)
    if transaction.completed:
        count = min(application.counter(Counter.SCRIPTS) + 1, LARGEST_SCRIPT_COUNT)
        application.count(Counter.SCRIPTS, count)
    failed_before = transaction.authentication is Authentication.FAILED
    if transaction.scripts_refused or failed_before:
        application.commit()
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    counted = dict(application.changes)
    try:
        data = (authenticate or _authenticated)(application, transaction, command, length)
        action(application, transaction, command, data)
    except StatusError:
        application.changes = counted
        note_failure(application, transaction)
        raise
    application.commit()
    return b""


def note_failure(application: Application, transaction: Transaction) -> None:
    """Set the failure flag where scripts are counted, and commit."""
    if transaction.completed:
        application.count(Counter.SCRIPT_FAILED, 1)
    application.commit()


def _authenticated(application: Application, transaction: Transaction, command: Command, length: int | None) -> bytes:
    """The data of a command without its MAC, which is checked (JR/T 0025.5 C.2); it includes the cryptogram before."""
    if not transaction.cryptogram:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    if len(command.data) < SHORTEST_MAC:
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_MISSING)
    mac_length = SHORTEST_MAC if length is None else len(command.data) - length
    if not SHORTEST_MAC <= mac_length <= LONGEST_MAC:
        raise StatusError(SW.WRONG_LENGTH)
    data, received = command.data[:-mac_length], command.data[-mac_length:]
    covered = command.header + bytes((len(command.data) & 0xFF,))
    covered += application.atc.to_bytes(2, "big") + transaction.cryptogram + data
    key = application.session_key("payment MAC")
    if not hmac.compare_digest(payment_mac(application.algorithm, key, covered, mac_length), received):
        transaction.scripts_refused = True
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    return data


def _require_no_parameters(command: Command) -> None:
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)


@COMMANDS.command("APPLICATION BLOCK")
def application_block(card: Card, command: Command) -> bytes:
    """APPLICATION BLOCK (JR/T 0025.5 B.2): from the next transaction on."""
    return run_script(card, command, _block, 0)


def _block(application: Application, transaction: Transaction, command: Command, data: bytes) -> None:
    _require_no_parameters(command)
    if application.state == DirectoryState.OPERATIONAL:
        application.state = DirectoryState.BLOCKED


@COMMANDS.command("APPLICATION UNBLOCK")
def application_unblock(card: Card, command: Command) -> bytes:
    """APPLICATION UNBLOCK (JR/T 0025.5 B.3); an application blocked for good stays so."""
    return run_script(card, command, _unblock, 0)


def _unblock(application: Application, transaction: Transaction, command: Command, data: bytes) -> None:
    _require_no_parameters(command)
    if application.state == DirectoryState.BLOCKED:
        application.state = DirectoryState.OPERATIONAL


@COMMANDS.command("CARD BLOCK")
def card_block(card: Card, command: Command) -> bytes:
    """CARD BLOCK (JR/T 0025.5 B.4): the whole card for ever; only the present transaction may finish."""
    answer = run_script(card, command, _block_card, 0)
    card.session.finishing = True
    return answer


def _block_card(application: Application, transaction: Transaction, command: Command, data: bytes) -> None:
    _require_no_parameters(command)
    application.changes[CARD_STATE_CELL] = CardState.TERMINATED


@COMMANDS.command("UNBLOCK PIN")
def pin_change_or_unblock(card: Card, command: Command) -> bytes:
    """PIN CHANGE/UNBLOCK (JR/T 0025.5 B.10): P2 00 gives all tries back, 01 and 02 bring a new PIN too."""
    return run_script(card, command, _change_pin, 0 if command.p2 == UNBLOCK_PIN else PIN_MESSAGE_SIZE)


def _change_pin(application: Application, transaction: Transaction, command: Command, data: bytes) -> None:
    if command.p1 or command.p2 > CHANGE_PIN:
        raise StatusError(SW.INCORRECT_P1_P2)
    pin = application.pin
    if pin is None:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    if command.p2 != UNBLOCK_PIN:
        stored = octets_in(application.memory.cells[pin.cell])
        current = stored.hex().upper().rstrip("F") if command.p2 == CHANGE_WITH_CURRENT_PIN else None
        application.changes[pin.cell] = pack_pin(_new_pin(application, transaction, data, current))
    application.changes[pin.tries_cell] = pin.limit


def _new_pin(application: Application, transaction: Transaction, message: bytes, current: str | None) -> str:
    """The PIN in the enciphered data; a wrong current PIN shows as a malformed block."""
    card_key, session_key = application.card_key("payment encryption"), application.session_key("payment encryption")
    try:
        return pin_of_change_message(application.algorithm, session_key, card_key, message, current)
    except CryptoError:
        if current is not None and application.settings.wrong_current_pin_counts and application.pin:
            left = max((application.pin_tries or 0) - 1, 0)
            application.memory.commit({application.pin.tries_cell: left})
        raise StatusError(SW.WRONG_DATA) from None
