"""The offline PIN 脱机PIN: plain, and, where the terminal offers it, enciphered under the card's key (EMV Book 2 §7)."""

from __future__ import annotations

from conformance.actors.terminal.authentication import card_key
from conformance.actors.terminal.bits import Tvr
from conformance.actors.terminal.certificates import Unsigned
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.transaction import Transaction
from emulator.crypto import CryptoError
from emulator.crypto.payment import pin_block
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import SW
from emulator.iso7816.status import tries_of

VERIFY, GET_CHALLENGE = 0x20, 0x84
PLAIN, ENCIPHERED = 0x80, 0x88
PIN_TRIES = 0x9F17
ENCIPHERED_HEADER, CHALLENGE_SIZE = 0x7F, 8
MOST_PROMPTS = 16
"""Prompts after which a card that always leaves tries is not believed."""


def verify_offline_pin(transaction: Transaction, *, enciphered: bool) -> bool:
    """Prompt and verify until the PIN is right, left out, or without tries.

    Raises:
        Ended: The card answers something else than right, wrong or blocked.
    """
    left = transaction.channel.data(PIN_TRIES)
    tries = left[0] if left and len(left) == 1 else None
    if tries == 0:
        transaction.tvr |= Tvr.PIN_TRIES_EXCEEDED
        return False
    for _ in range(MOST_PROMPTS):
        if tries == 1:
            transaction.say("最后一次机会", "last try")
        pin = transaction.holder.enter_pin(tries)
        if pin is None:
            transaction.tvr |= Tvr.PIN_NOT_ENTERED
            return False
        sw = _present(transaction, pin, enciphered=enciphered)
        if sw is None:
            return False
        if sw == SW.SUCCESS:
            return True
        tries = 0 if sw in (SW.AUTHENTICATION_METHOD_BLOCKED, SW.REFERENCE_DATA_NOT_USABLE) else tries_of(sw)
        if tries is None:
            raise Ended(Reason.CARD_ERROR, f"VERIFY answered {sw:04X}")
        if tries == 0:
            transaction.tvr |= Tvr.PIN_TRIES_EXCEEDED
            return False
        transaction.say(f"PIN错误，剩余 {tries} 次", f"wrong PIN, {tries} tries left")
    raise Ended(Reason.CARD_ERROR, "the card leaves PIN tries without end")


def _present(transaction: Transaction, pin: str, *, enciphered: bool) -> int | None:
    """The status word of VERIFY; None where the card's key for an enciphered PIN is not there."""
    try:
        block = pin_block(pin)
    except CryptoError as error:
        raise Ended(Reason.CANCELLED, str(error)) from error
    if not enciphered:
        return transaction.channel.send(0x00, VERIFY, 0, PLAIN, block, ne=0).sw
    key = _key(transaction)
    if key is None or key.size < 1 + len(block) + CHALLENGE_SIZE:
        return None
    challenge = transaction.channel.send(0x00, GET_CHALLENGE, 0, 0)
    if challenge.sw != SW.SUCCESS or len(challenge.data) != CHALLENGE_SIZE:
        raise Ended(Reason.CARD_ERROR, f"GET CHALLENGE answered {challenge.sw:04X}")
    plain = bytes((ENCIPHERED_HEADER,)) + block + challenge.data
    filler = transaction.random.getrandbits(8 * (key.size - len(plain))).to_bytes(key.size - len(plain), "big")
    return transaction.channel.send(0x00, VERIFY, 0, ENCIPHERED, key.recover(plain + filler), ne=0).sw


def _key(transaction: Transaction) -> RsaPublicKey | None:
    """The card's RSA key, found in its certificate now where data authentication did not need it."""
    if transaction.card_key is None:
        try:
            transaction.card_key = card_key(transaction).key
        except Unsigned:
            return None
    return transaction.card_key if isinstance(transaction.card_key, RsaPublicKey) else None
