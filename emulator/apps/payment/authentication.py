"""INTERNAL AUTHENTICATE, the dynamic signature of the card, and EXTERNAL AUTHENTICATE, the issuer's answer."""

from __future__ import annotations

import hmac

from emulator.apps.payment.application import Application, Counter, Tag
from emulator.apps.payment.signatures import private_key, sign
from emulator.apps.payment.transaction import (
    Aip,
    Authentication,
    Cvr,
    Stage,
    dol_length,
    require_started,
    transaction_of,
)
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.crypto.payment import CRYPTOGRAM_SIZE, response_cryptogram
from emulator.iso7816 import SW, Command, StatusError, tlv

FORMAT_1 = 0x80
SHORTEST, LONGEST = 8, 16
RESPONSE_CODE_SIZE = 2
DEFAULT_DDOL = bytes.fromhex("9F3704")

COMMANDS = CommandSet()


def dynamic_number(application: Application) -> bytes:
    """Length and ICC dynamic number, which is the transaction counter (JR/T 0025.5 §9.4.1)."""
    return b"\x02" + application.value(Tag.ATC)


@COMMANDS.command("INTERNAL AUTHENTICATE")
def internal_authenticate(card: Card, command: Command) -> bytes:
    """INTERNAL AUTHENTICATE (JR/T 0025.5 §9.4, B.9): ``80`` with the signature over the values of the DDOL."""
    application = Application(card)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != dol_length(application.get(Tag.DDOL) or DEFAULT_DDOL):
        raise StatusError(SW.WRONG_LENGTH)
    transaction = require_started(card)
    if not transaction.supports(Aip.DYNAMIC) or private_key(application) is None:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    transaction.cvr |= Cvr.DYNAMIC_PERFORMED
    dynamic_data = dynamic_number(application)
    if not application.settings.dda_number_has_length:
        dynamic_data = dynamic_data[1:]
    return tlv.build(FORMAT_1, sign(application, dynamic_data, command.data))


@COMMANDS.command("EXTERNAL AUTHENTICATE")
def external_authenticate(card: Card, command: Command) -> bytes:
    """EXTERNAL AUTHENTICATE (JR/T 0025.5 §15, B.5): cryptogram of the response 8 ‖ authorisation response code 2.

    ``6300`` for a wrong cryptogram; a second one in a transaction is ``6985`` and counts as a failure.
    """
    application = Application(card)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if not SHORTEST <= len(command.data) <= LONGEST:
        raise StatusError(SW.WRONG_LENGTH)
    transaction = transaction_of(card)
    if transaction.authentication_received:
        application.count(Counter.AUTHENTICATION_FAILED, 1)
        application.commit()
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    if transaction.stage is not Stage.ONLINE or not transaction.supports(Aip.ISSUER_AUTHENTICATION):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    if len(command.data) < CRYPTOGRAM_SIZE + RESPONSE_CODE_SIZE:
        raise StatusError(SW.WRONG_DATA)
    received = command.data[:CRYPTOGRAM_SIZE]
    code = command.data[CRYPTOGRAM_SIZE : CRYPTOGRAM_SIZE + RESPONSE_CODE_SIZE]
    transaction.authentication_received = True
    transaction.response_code = code
    key = application.session_key("payment cryptogram")
    expected = response_cryptogram(application.algorithm, key, transaction.cryptogram, code)
    good = hmac.compare_digest(expected, received)
    transaction.authentication = Authentication.PASSED if good else Authentication.FAILED
    if not good:
        transaction.cvr |= Cvr.AUTHENTICATION_FAILED
    application.count(Counter.AUTHENTICATION_FAILED, int(not good))
    application.commit()
    if not good:
        raise StatusError(SW.AUTHENTICATION_FAILED)
    return b""
