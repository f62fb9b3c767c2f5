"""PINs of the certificate application: shown by an enciphered challenge, changed under a MAC (reconstructed specification §3.3).

The key of a PIN is the first half of SM3 over its packed digits. Reference 00 is the administrator PIN of the environment,
reference 81 the user PIN of the application.
"""

from __future__ import annotations

import hmac

from emulator.apps.certificates.application import require_parameters, settings_of
from emulator.apps.social_security.pins import is_bcd
from emulator.apps.social_security.references import find_pin
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import octets_in
from emulator.cos.structure import Pin
from emulator.crypto import CryptoError
from emulator.crypto.challenge import challenge_proof, command_mac, pin_key, unseal
from emulator.iso7816 import SW, Command, StatusError

UNDER_CHALLENGE = 0x01
ADMINISTRATOR_PIN, USER_PIN = 0x00, 0x81
BLOCK, MAC_LENGTH = 16, 4
SHORTEST_PIN, LONGEST_PIN = 2, 8

COMMANDS = CommandSet()


@COMMANDS.command("VERIFY under challenge")
def verify(card: Card, command: Command) -> bytes:
    """VERIFY P1 ``01``: SM4(PIN key, challenge), 16 bytes."""
    if command.p1 != UNDER_CHALLENGE:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != BLOCK:
        raise StatusError(SW.WRONG_LENGTH)
    pin, local = find_pin(card, command.p2)
    tries.refuse_when_blocked(card.memory, pin)
    challenge = card.session.take_challenge()
    remaining = tries.spend(card.memory, pin)
    good = hmac.compare_digest(command.data, challenge_proof(_key(card, pin), challenge))
    if not good and card.settings.wrong_pin_clears_state:
        card.session.revoke(pin.bit, locally=local)
    tries.settle(card.memory, pin, good, remaining)
    card.session.grant(pin.bit, locally=local)
    return b""


@COMMANDS.command("CHANGE PIN with MAC")
def change_pin(card: Card, command: Command) -> bytes:
    """CHANGE PIN: SM4(old PIN's key, length ‖ new PIN ‖ 80 00…) ‖ MAC; a wrong MAC costs a try, as it proves the old PIN."""
    if command.p1 != UNDER_CHALLENGE:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != BLOCK + MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    pin, _ = find_pin(card, command.p2)
    tries.refuse_when_blocked(card.memory, pin)
    challenge = card.session.take_challenge()
    remaining = tries.spend(card.memory, pin)
    key = _key(card, pin)
    if not mac_fits(command, key, challenge):
        if settings_of(card).pin_change_failure == "6988":
            raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
        tries.settle(card.memory, pin, False, remaining)
    try:
        new = _new_pin(key, command)
    except StatusError:
        tries.settle(card.memory, pin, True, remaining)
        raise
    card.memory.commit({pin.cell: new, pin.tries_cell: pin.limit})
    return b""


@COMMANDS.command("RELOAD PIN by administrator")
def reload_pin(card: Card, command: Command) -> bytes:
    """Set the user PIN and all its tries anew under the key of the administrator PIN, which must have been verified."""
    if settings_of(card).pin_reload == "none":
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
    require_parameters(command, UNDER_CHALLENGE, USER_PIN)
    if len(command.data) != BLOCK + MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    pin, _ = find_pin(card, USER_PIN)
    administrator, local = find_pin(card, ADMINISTRATOR_PIN)
    if not card.session.has(administrator.bit, locally=local):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    challenge = card.session.take_challenge()
    key = _key(card, administrator)
    if not mac_fits(command, key, challenge):
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    card.memory.commit({pin.cell: _new_pin(key, command), pin.tries_cell: pin.limit})
    return b""


def mac_fits(command: Command, key: bytes, challenge: bytes) -> bool:
    """Whether the last four bytes are the MAC over header, Lc and what stands before them."""
    covered = command.header + bytes([len(command.data)]) + command.data[:-MAC_LENGTH]
    return hmac.compare_digest(command_mac(key, challenge, covered), command.data[-MAC_LENGTH:])


def _key(card: Card, pin: Pin) -> bytes:
    return pin_key(octets_in(card.memory.cells[pin.cell]))


def _new_pin(key: bytes, command: Command) -> bytes:
    """The new PIN of a protected command; ``6A80`` for a block of another form."""
    try:
        pin = unseal(key, command.data[:-MAC_LENGTH])
    except CryptoError:
        raise StatusError(SW.WRONG_DATA) from None
    if not SHORTEST_PIN <= len(pin) <= LONGEST_PIN or not is_bcd(pin):
        raise StatusError(SW.WRONG_DATA)
    return pin
