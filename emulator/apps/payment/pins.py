"""VERIFY of the offline PIN, plain or, where the card offers it, enciphered; GET CHALLENGE for the latter."""

from __future__ import annotations

import hmac
import os
from typing import NamedTuple

from emulator.apps.payment.application import Application
from emulator.apps.payment.signatures import can_decipher, decipher_pin
from emulator.apps.payment.transaction import Cvr, Transaction, transaction_of
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import octets_in
from emulator.cos.structure import DirectoryState, Pin
from emulator.crypto import CryptoError
from emulator.crypto.payment import PIN_BLOCK_SIZE, pin_of_block
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import tries_left

PLAIN, ENCIPHERED = 0x80, 0x88
CHALLENGE_SIZE = 8
BLOCK_APPLICATION = 0x0080
"""ADA byte 2 bit 8: a PIN exceeded now blocks the application."""

COMMANDS = CommandSet()


class PinChallenge(NamedTuple):
    """A challenge that only a VERIFY straight after GET CHALLENGE may use."""

    value: bytes
    next_command: int = 0x0020


@COMMANDS.command("GET CHALLENGE")
def get_challenge(card: Card, command: Command) -> bytes:
    """GET CHALLENGE: 8 bytes for an enciphered PIN, where the card takes one; otherwise ``6D00``."""
    if not Application(card).settings.enciphered_pin:
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if command.data or command.ne not in (CHALLENGE_SIZE, 256):
        raise StatusError(SW.WRONG_LENGTH)
    challenge = PinChallenge(os.urandom(CHALLENGE_SIZE))
    card.session.transaction = challenge
    return challenge.value


@COMMANDS.command("VERIFY")
def verify(card: Card, command: Command) -> bytes:
    """VERIFY (JR/T 0025.5 §11, B.15).

    ``6984`` for the first try of a transaction that begins without tries, ``6983`` for later ones.
    """
    application = Application(card)
    if command.p1 or command.p2 not in ((PLAIN, ENCIPHERED) if application.settings.enciphered_pin else (PLAIN,)):
        raise StatusError(SW.INCORRECT_P1_P2)
    pin = application.pin
    if command.p2 == PLAIN and len(command.data) != PIN_BLOCK_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    if pin is None:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    transaction = transaction_of(card)
    presented: str | None
    try:
        presented = _presented(card, application, command)
    except CryptoError:
        if command.p2 == PLAIN and not application.settings.malformed_pin_counts:
            raise StatusError(SW.WRONG_DATA) from None
        presented = None
    first = not transaction.pin_presented
    transaction.pin_presented = True
    transaction.cvr |= Cvr.PIN_PERFORMED
    if application.pin_tries == 0:
        transaction.cvr |= Cvr.PIN_EXCEEDED | Cvr.PIN_FAILED
        raise StatusError(SW.REFERENCE_DATA_NOT_USABLE if first else SW.AUTHENTICATION_METHOD_BLOCKED)
    _compare(application, transaction, pin, presented)
    return b""


def _presented(card: Card, application: Application, command: Command) -> str:
    """The digits presented; raises CryptoError for a malformed block."""
    if command.p2 == PLAIN:
        return pin_of_block(command.data)
    if not can_decipher(application):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    challenge, card.session.transaction = card.session.transaction, None
    if not isinstance(challenge, PinChallenge):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return pin_of_block(decipher_pin(application, command.data, challenge.value))


def _compare(application: Application, transaction: Transaction, pin: Pin, presented: str | None) -> None:
    remaining = tries.spend(application.memory, pin)
    stored = octets_in(application.memory.cells[pin.cell])
    if presented is not None and hmac.compare_digest(stored.hex().upper().rstrip("F"), presented):
        transaction.cvr &= ~Cvr.PIN_FAILED
        tries.settle(application.memory, pin, True, remaining)
        return
    transaction.cvr |= Cvr.PIN_FAILED
    if remaining == 0:
        transaction.cvr |= Cvr.PIN_EXCEEDED
        if application.default_action & BLOCK_APPLICATION:
            transaction.cvr |= Cvr.BLOCKED_BY_PIN
            if application.state == DirectoryState.OPERATIONAL:
                application.state = DirectoryState.BLOCKED
                application.commit()
    raise StatusError(tries_left(remaining))
