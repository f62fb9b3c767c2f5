"""DELIVERY SESSION KEY and CIPHER DATA: session keys for the terminal's business with a card (vol. 2 §7.3, §7.4)."""

from __future__ import annotations

from emulator.apps.sam.state import TYPE_BITS, Ciphering, derived, find_key, levels, session_input, state_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.crypto import encrypt_cbc, encrypt_ecb, xor_halves
from emulator.crypto.mac import fold_words
from emulator.iso7816 import SW, Command, StatusError

MASTER, MAINTENANCE, PURCHASE, RELOAD_PIN = 0, 1, 2, 4
FORBIDDEN = frozenset({MASTER, MAINTENANCE, PURCHASE})
"""Key types that make no general session key (§7.3)."""
LAST_TYPE = 8
MAKES_MAC, MORE_FOLLOW, HAS_INITIAL_VECTOR = 0x01, 0x02, 0x04
MODES = frozenset({0x00, 0x01, 0x02, 0x03, 0x05, 0x07})
MAC_LENGTH = 4
ONLY_VERSION = 1
"""No known command names another version of a general key (§7.3): the SAM takes the first."""

COMMANDS = CommandSet()


@COMMANDS.command("DELIVERY SESSION KEY")
def delivery_session_key(card: Card, command: Command) -> bytes:
    """DELIVERY SESSION KEY: P1 use byte, P2 key identifier, data card ‖ city ‖ province factor as far as needed ‖ R.

    The session key is the card's key over the process factor R. It lives until the last CIPHER DATA or the next reset.
    """
    card.session.application = None
    use, data = command.p1, command.data
    if use & TYPE_BITS in FORBIDDEN or use & TYPE_BITS > LAST_TYPE:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    key = find_key(card, use, command.p2)
    factors = len(data) - session_input(card.algorithm)
    if factors != levels(use) * 8:
        raise StatusError(SW.WRONG_LENGTH)
    value = derived(card, key, ONLY_VERSION, data[:factors])
    if use & TYPE_BITS == RELOAD_PIN and len(value) == 16:
        value = xor_halves(value)
    card.session.application = Ciphering(encrypt_ecb(card.algorithm, value, data[factors:]))
    return b""


@COMMANDS.command("CIPHER DATA")
def cipher_data(card: Card, command: Command) -> bytes:
    """CIPHER DATA: encipher whole blocks or make a MAC over them with the session key; the data come padded.

    P1 bit 1 makes a MAC, bit 2 says that more blocks follow, bit 3 that the first block is the initial vector. With the
    last block the session key is gone.
    """
    state = state_of(card)
    if not isinstance(state, Ciphering):
        raise StatusError(SW.COMMAND_NOT_ACCEPTED)
    if command.p1 not in MODES or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    size = card.algorithm.block_size
    if not command.data or len(command.data) % size:
        raise StatusError(SW.WRONG_LENGTH)
    makes_mac = bool(command.p1 & MAKES_MAC)
    if (makes_mac and state.enciphering) or (not makes_mac and state.chain is not None):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    answer = _mac(card, state, command) if makes_mac else encrypt_ecb(card.algorithm, state.key, command.data)
    state.enciphering = not makes_mac
    if not command.p1 & MORE_FOLLOW:
        card.session.application = None
    return answer


def _mac(card: Card, state: Ciphering, command: Command) -> bytes:
    """The next block of the chain; four bytes of the last one."""
    size, data = card.algorithm.block_size, command.data
    if command.p1 & HAS_INITIAL_VECTOR:
        if state.chain is not None or len(data) == size:
            raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED if state.chain is not None else SW.WRONG_LENGTH)
        state.chain, data = data[:size], data[size:]
    state.chain = encrypt_cbc(card.algorithm, state.key, data, state.chain)[-size:]
    if command.p1 & MORE_FOLLOW:
        return b""
    folds = size > 8 and card.settings.sm4_mac_fold == "xor"
    return fold_words(state.chain, MAC_LENGTH) if folds else state.chain[:MAC_LENGTH]
