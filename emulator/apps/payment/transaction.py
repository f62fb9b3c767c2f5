"""A payment transaction between GET PROCESSING OPTIONS and the next one, SELECT or reset: what dies with the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple

from emulator.apps.payment.application import Tag
from emulator.cos.card import Card
from emulator.cos.memory import Value
from emulator.iso7816 import SW, StatusError, tlv


class Cvr:
    """Bits of the card verification results 卡片验证结果, bytes 2 to 4 as one number (JR/T 0025.5 appendix A)."""

    SECOND_TC, SECOND_NOT_REQUESTED, SECOND = 0x400000, 0x800000, 0xC00000
    FIRST_AAC, FIRST_TC, FIRST_ARQC = 0x000000, 0x100000, 0x200000
    AUTHENTICATION_FAILED = 0x080000
    PIN_PERFORMED, PIN_FAILED = 0x040000, 0x020000
    UNABLE_TO_GO_ONLINE = 0x010000
    ONLINE_NOT_COMPLETED = 0x008000
    PIN_EXCEEDED = 0x004000
    VELOCITY = 0x002000
    NEW_CARD = 0x001000
    AUTHENTICATION_FAILED_LAST = 0x000800
    AUTHENTICATION_NOT_PERFORMED = 0x000400
    BLOCKED_BY_PIN = 0x000200
    STATIC_FAILED_LAST = 0x000100
    SCRIPT_FAILED_LAST = 0x000008
    DYNAMIC_FAILED_LAST = 0x000004
    DYNAMIC_PERFORMED = 0x000002
    SCRIPTS_SHIFT = 4


class Aip:
    """Bits of the application interchange profile, byte 1."""

    STATIC, DYNAMIC, ISSUER_AUTHENTICATION, COMBINED = 0x40, 0x20, 0x04, 0x01


class Stage(Enum):
    """How far a transaction is."""

    SELECTED = "application selected"
    STARTED = "options given"
    ONLINE = "first cryptogram was an ARQC"
    FINISHED = "final cryptogram given"


class Kind(IntEnum):
    """Kinds of cryptogram, as bits 8 and 7 of P1 and of the CID write them."""

    AAC = 0
    TC = 1
    ARQC = 2


class Authentication(Enum):
    """Issuer authentication in this transaction."""

    NOT_PERFORMED = "not performed"
    PASSED = "passed"
    FAILED = "failed"


class Place(NamedTuple):
    """Where a record of the extended application lies: short identifier, record identifier (2 bytes), and how manyth."""

    sfi: int
    identifier: bytes
    position: int


@dataclass(slots=True)
class ExtendedUse:
    """What a transaction of the extended application 扩展应用 keeps back until its last record (JR/T 0025.14 §5.2.4)."""

    indicator: int
    """DF60: 1 segmented charge, 2 pre-authorisation, 3 completion."""
    counter: int
    """ATC of the transaction."""
    place: Place | None
    """The record that READ CAPP DATA gave last before the transaction began."""
    changes: dict[str, Value]
    """Balance, counters and pre-authorisations as the decision leaves them."""
    cryptogram: bytes
    """What GET TRANS PROVE will answer."""
    updates: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """Prepared records by cell of their file and index; index −1 is a new record of a cyclic file."""


@dataclass(slots=True)
class Transaction:
    """A transaction; before the first GET PROCESSING OPTIONS it keeps only what VERIFY leaves."""

    stage: Stage = Stage.SELECTED
    sm: bool | None = None
    """Whether a dual-algorithm card works with its SM set: then all of the transaction is of it. None before a choice."""
    aip: bytes = bytes(2)
    e_cash: bool = False
    """Whether this is an e-cash transaction 电子现金交易."""
    second_currency: bool = False
    """Whether the objects of the second e-cash currency take the place of the first."""
    blocked: bool = False
    """Whether the application was blocked when the transaction began."""
    cvr: int = 0
    pin_presented: bool = False
    authentication: Authentication = Authentication.NOT_PERFORMED
    authentication_received: bool = False
    response_code: bytes = b""
    """Authorisation response code of EXTERNAL AUTHENTICATE."""
    cryptogram: bytes = b""
    """The first application cryptogram, which the MACs of scripts include."""
    completed: bool = False
    """Whether the second GENERATE AC is done: from now on scripts are counted."""
    scripts_refused: bool = False
    """Whether a script with a wrong MAC came."""
    pdol_values: bytes = b""
    cdol1_values: bytes = b""
    pdol: dict[int, bytes] = field(default_factory=dict)
    terminal: dict[int, bytes] = field(default_factory=dict)
    """The newest values that the terminal gave, by tag."""

    quick: bool = False
    """Whether this is a qPBOC transaction: GET PROCESSING OPTIONS gave its only cryptogram."""
    card_qualifiers: int = 0
    """CTQ 卡片交易属性 9F6C as this transaction sets it."""
    debit_open: bool = False
    """Whether the debit waits for the last record."""
    last_record: tuple[int, int] = (0, 0)
    """Short identifier and number of the record that makes the debit final."""
    additions: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """Objects that records show in this transaction alone, by short identifier and number."""

    record_read: Place | None = None
    """The record that READ CAPP DATA gave last; outlives the beginning of a transaction."""
    extended: ExtendedUse | None = None
    """Set from an offline approval with DF60 until the last record."""

    def supports(self, bit: int) -> bool:
        """Whether byte 1 of the AIP has a bit."""
        return bool(self.aip[0] & bit)

    def given(self, tag: int) -> bytes:
        """A value of the terminal; empty where it gave none, or zeros, which stand for none."""
        value = self.terminal.get(tag, b"")
        return value if any(value) else b""


def transaction_of(card: Card) -> Transaction:
    """The present transaction, or a place to keep what comes before the first."""
    present = card.session.application
    if not isinstance(present, Transaction):
        present = card.session.application = Transaction()
    return present


def require_started(card: Card) -> Transaction:
    """The transaction that GET PROCESSING OPTIONS began; ``6985`` where there is none, or one that has its cryptogram."""
    present = transaction_of(card)
    if present.stage is Stage.SELECTED or present.quick:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return present


def dol_length(dol: bytes) -> int:
    """How many bytes of values a data object list asks for."""
    return sum(length for _, length in tlv.parse_tags_and_lengths(dol))


def dol_values(dol: bytes, values: bytes) -> dict[int, bytes]:
    """Values by tag, cut as the list says."""
    found, position = {}, 0
    for tag, length in tlv.parse_tags_and_lengths(dol):
        found[tag] = values[position : position + length]
        position += length
    return found


def dol_fill(dol: bytes, known: dict[int, bytes]) -> bytes:
    """Bytes that a list asks for, from values by tag: zeros for the unknown, numbers cut left, others cut right."""
    parts = []
    for tag, length in tlv.parse_tags_and_lengths(dol):
        value = known.get(tag, b"")
        if tag in NUMERIC:
            parts.append(value[-length:].rjust(length, b"\0") if length else b"")
        else:
            parts.append(value[:length].ljust(length, b"\0"))
    return b"".join(parts)


NUMERIC = frozenset({Tag.AMOUNT, Tag.OTHER_AMOUNT, Tag.TERMINAL_COUNTRY, Tag.TERMINAL_CURRENCY, Tag.DATE, Tag.TIME})
"""Objects of format n, of which too short a place keeps the right part (EMV Book 3 §5.4)."""
