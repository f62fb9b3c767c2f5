"""VERIFY, CHANGE PIN, UNBLOCK PIN and RELOAD PIN.

A PIN is two digits a byte, an odd last digit followed by F; trailing ``FF`` pads and does not count
(reconstructed specification §3.1, vol. 2 §4.6, §5.3 to §5.5).
"""

from __future__ import annotations

import hmac

from emulator.apps.social_security.maintenance import check_protected, session_key_of_maintenance
from emulator.apps.social_security.references import find_pin, named_key
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import octets_in
from emulator.crypto import Algorithm, decrypt_ecb, unpad_length_prefixed
from emulator.iso7816 import SW, Command, StatusError

LONGEST_PIN = 8
SHORTEST_PIN = 2
SEPARATOR = 0xFF
MAC_LENGTH = 4
UNBLOCK, RELOAD = 0x00, 0x01

COMMANDS = CommandSet()


def is_bcd(pin: bytes) -> bool:
    """Whether a PIN without padding is packed digits, the last half byte possibly F."""
    digits = pin.hex()
    if digits.endswith("f"):
        digits = digits[:-1]
    return digits.isdecimal()


@COMMANDS.command("VERIFY")
def verify(card: Card, command: Command) -> bytes:
    """VERIFY the PIN of the current environment, P1-P2 ``0000``."""
    _, _, p1, reference, data, _, _ = command
    if p1 or reference & 0x7F:
        raise StatusError(SW.INCORRECT_P1_P2)
    if not 1 <= len(data) <= LONGEST_PIN:
        raise StatusError(SW.WRONG_LENGTH)
    pin, local = find_pin(card, reference)
    tries.refuse_when_blocked(card.memory, pin)
    presented = data.rstrip(b"\xff")
    if not is_bcd(presented) and not card.settings.tolerate_non_bcd_pin:
        raise StatusError(SW.WRONG_DATA)
    remaining = tries.spend(card.memory, pin)
    good = _matches(card, pin.cell, presented)
    if not good and card.settings.wrong_pin_clears_state:
        card.session.revoke(pin.bit, locally=local)
    tries.settle(card.memory, pin, good, remaining)
    card.session.grant(pin.bit, locally=local)
    return b""


def _matches(card: Card, cell: str, presented: bytes) -> bool:
    return hmac.compare_digest(octets_in(card.memory.cells[cell]), presented)


@COMMANDS.command("CHANGE PIN")
def change_pin(card: Card, command: Command) -> bytes:
    """CHANGE PIN: old PIN ‖ ``FF`` ‖ new PIN; right or wrong it counts like VERIFY; no right changes unless the profile says so."""
    _, _, p1, reference, data, _, _ = command
    if p1 != 1 or reference & 0x7F:
        raise StatusError(SW.INCORRECT_P1_P2)
    if not 2 * SHORTEST_PIN + 1 <= len(data) <= 2 * LONGEST_PIN + 1:
        raise StatusError(SW.WRONG_LENGTH)
    pin, local = find_pin(card, reference)
    tries.refuse_when_blocked(card.memory, pin)
    old, separator, new = data.partition(bytes([SEPARATOR]))
    if not separator or not is_bcd(old) or not _is_storable(new):
        raise StatusError(SW.WRONG_DATA)
    remaining = tries.spend(card.memory, pin)
    if not _matches(card, pin.cell, old):
        tries.settle(card.memory, pin, False, remaining)
    card.memory.commit({pin.cell: new, pin.tries_cell: pin.limit})
    if card.settings.changed_pin_is_verified:
        card.session.grant(pin.bit, locally=local)
    return b""


def _is_storable(pin: bytes) -> bool:
    return SHORTEST_PIN <= len(pin) <= LONGEST_PIN and is_bcd(pin)


@COMMANDS.command("UNBLOCK PIN")
def unblock_or_reload_pin(card: Card, command: Command) -> bytes:
    """UNBLOCK PIN (P2 ``00``: MAC) and RELOAD PIN 重装个人密码 (P2 ``01``: enciphered PIN block ‖ MAC).

    Both need the PUK authenticated and a fresh challenge; the MAC and the cipher key come from the STK.
    """
    _, _, p1, p2, data, _, _ = command
    if p1 or p2 not in (UNBLOCK, RELOAD):
        raise StatusError(SW.INCORRECT_P1_P2)
    block = 0 if p2 == UNBLOCK else _pin_block_length(card.algorithm)
    if len(data) != block + MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    pin, local = find_pin(card, 0x00)
    environment = card.session.node.environment
    unblocking = named_key(environment, environment.directory.unblocking_key)
    if unblocking is None or not card.session.has(unblocking.bit, locally=local):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    key = session_key_of_maintenance(card, card.session.node.environment)
    check_protected(card, command, key)
    changes: dict[str, int | bytes | tuple[bytes, ...]] = {pin.tries_cell: pin.limit}
    if p2 == RELOAD:
        changes[pin.cell] = _open_pin_block(card.algorithm, key, data[:block])
    card.memory.commit(changes)
    return b""


def _pin_block_length(algorithm: Algorithm) -> int:
    return algorithm.block_size


def _open_pin_block(algorithm: Algorithm, key: bytes, block: bytes) -> bytes:
    """Decipher length ‖ PIN ‖ ``80 00…``; ``6A80`` for a block of another form (vol. 2 §2.2)."""
    try:
        pin = unpad_length_prefixed(decrypt_ecb(algorithm, key, block), algorithm.block_size).rstrip(b"\xff")
    except ValueError:
        raise StatusError(SW.WRONG_DATA) from None
    if not _is_storable(pin):
        raise StatusError(SW.WRONG_DATA)
    return pin
