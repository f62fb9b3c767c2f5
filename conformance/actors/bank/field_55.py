"""Field 55: the chip's data objects in a message, and whether the message tells what they tell."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.actors.bank.keys import ChipDataError
from conformance.actors.bank.ledger import Account
from conformance.actors.bank.messages import AuthorisationRequest, ClearingRecord
from emulator.iso7816 import TlvError, tlv

CID, CRYPTOGRAM, COUNTER, AMOUNT, CURRENCY, TYPE, DATE = 0x9F27, 0x9F26, 0x9F36, 0x9F02, 0x5F2A, 0x9C, 0x9A


def read_chip_data(raw: bytes) -> dict[int, bytes]:
    """The objects of field 55 by tag.

    Raises:
        ChipDataError: They are no data objects, or one stands there twice.
    """
    try:
        objects = tlv.parse(raw)
    except TlvError as error:
        raise ChipDataError(f"field 55: {error}") from error
    found = {each.tag: each.value for each in objects}
    if len(found) != len(objects):
        raise ChipDataError("field 55 has an object twice")
    if any(not value for value in found.values()):
        raise ChipDataError("field 55 has an object without value")
    return found


def tells_the_same(message: AuthorisationRequest | ClearingRecord, chip_data: Mapping[int, bytes]) -> bool:
    """Whether amount, currency and type, which the cryptogram covers, are those of the message."""
    kind_fits = not isinstance(message, AuthorisationRequest) or chip_data.get(TYPE) == bytes((message.kind.value,))
    return (
        kind_fits
        and chip_data.get(AMOUNT, b"").hex() == f"{message.amount:012d}"
        and chip_data.get(CURRENCY, b"").hex() == message.currency
    )


def has_expired(account: Account, chip_data: Mapping[int, bytes]) -> bool:
    """Whether the transaction date 9A, YYMMDD, is after the card's last month."""
    return bool(account.expiry) and account.expiry[2:].replace("-", "") < chip_data.get(DATE, b"").hex()[:4]
