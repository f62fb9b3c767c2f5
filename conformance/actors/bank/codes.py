"""What the bank answers: response codes 应答码 of the network, and what becomes of clearing records."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum

from conformance.actors.bank.ledger import CardState


class Code(StrEnum):
    """Response codes 应答码 of the network that the bank gives; the card knows 00, 10 and 11 as approved (JR/T 0025.5 §16)."""

    APPROVED = "00"
    REFER = "01"
    DO_NOT_HONOUR = "05"
    INVALID_AMOUNT = "13"
    NO_SUCH_CARD = "14"
    NOT_ACTIVATED = "21"
    FORMAT_ERROR = "30"
    PIN_TRIES_EXCEEDED = "38"
    LOST_CARD = "41"
    INSUFFICIENT_FUNDS = "51"
    EXPIRED_CARD = "54"
    WRONG_PIN = "55"
    LIMIT_EXCEEDED = "61"
    RESTRICTED_CARD = "62"
    DUPLICATE = "94"


REFUSALS: Mapping[CardState, Code] = {
    CardState.ORDERED: Code.NOT_ACTIVATED,
    CardState.BLOCKED: Code.LOST_CARD,
    CardState.SWITCHED_OFF: Code.RESTRICTED_CARD,
    CardState.CANCELLED: Code.NO_SUCH_CARD,
}
"""The code for a card that may not pay. Which code an issuer gives for a sequence number that was replaced, or is not in use
yet, is its own choice among those of the network: an assumption."""
CHIP_TO_BLOCK = frozenset({CardState.SWITCHED_OFF, CardState.CANCELLED})
"""Cards whose chip gets APPLICATION BLOCK when it shows up on line."""


class Settlement(Enum):
    """What became of a clearing record."""

    SETTLED = "settled"
    REPEATED = "settled before"
    UNKNOWN_CARD = "unknown card"
    BAD_DATA = "field 55 does not fit"
    BAD_CRYPTOGRAM = "wrong transaction certificate"
    UNCOVERED = "the account does not cover it"
    NOT_IN_USE = "the card was not in use yet"
