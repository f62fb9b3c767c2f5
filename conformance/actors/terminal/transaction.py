"""A transaction at the terminal: what was asked for, what the card told, what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from conformance.actors.bank.messages import TransactionKind
from conformance.actors.sector.trips import Passage, SectorOutcome
from conformance.actors.terminal import dol
from conformance.actors.terminal.bits import Tvr
from conformance.actors.terminal.channel import Channel, Link
from conformance.actors.terminal.configuration import (
    ApplicationParameters,
    AuthorityKey,
    RandomSource,
    TerminalConfiguration,
)
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import Event, Phase
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import TlvError

LARGEST_AMOUNT = 999_999_999_999
CURRENCY_EXPONENT = 2
NO_METHOD_PERFORMED = bytes.fromhex("3F0000")
TC_HASH, TDOL = 0x98, 0x97


class Holder(Protocol):
    """The person with the card, and the attendant beside the terminal."""

    def enter_pin(self, tries: int | None) -> str | None:
        """The offline PIN, None to go on without; ``tries`` are those left where the card tells, 1 is the last."""

    def enter_online_pin(self) -> str | None:
        """The PIN for the bank, None to go on without."""

    def confirm(self, label: str) -> bool:
        """Whether an application that asks for it may be used."""

    def show_document(self, kind: str, number: str) -> bool:
        """Whether the identity document and the person fit the card's data (出示证件)."""

    def refer(self) -> bool:
        """Whether the attendant, after a call to the bank, lets the transaction pass (response code 01 or 02)."""


@dataclass(frozen=True, slots=True)
class PreparedHolder:
    """A holder whose answers are fixed: ``pins`` are entered one after the other, then the PIN is left out."""

    pins: tuple[str, ...] = ()
    online_pin: str | None = None
    agrees: bool = True
    document_fits: bool = True
    referral_passes: bool = False
    _entered: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def enter_pin(self, tries: int | None) -> str | None:
        """The next of the PINs."""
        if len(self._entered) == len(self.pins):
            return None
        self._entered.append(self.pins[len(self._entered)])
        return self._entered[-1]

    def enter_online_pin(self) -> str | None:
        """The PIN for the bank; where none was given, the first of the others."""
        return self.online_pin or (self.pins[0] if self.pins else None)

    def confirm(self, label: str) -> bool:
        """As prepared."""
        return self.agrees

    def show_document(self, kind: str, number: str) -> bool:
        """As prepared."""
        return self.document_fits

    def refer(self) -> bool:
        """As prepared."""
        return self.referral_passes


@dataclass(frozen=True, slots=True)
class Purchase:
    """What the merchant's till asks for.

    Attributes:
        amount: Amount 9F02 in the smallest unit, with ``other_amount``, the cash of a cashback, in it.
        currency: Numeric currency code, four digits.
        number: Number of the transaction that no other of this terminal has.
        when: Date and time at the terminal.
        e_cash: Whether e-cash may be used.
        force_online: Whether the merchant wants the bank to decide.
        earlier_amount: Sum of earlier amounts of the same card in the terminal's log, for the floor limit.
        reference: Number of a change of the card for which a balance inquiry verifies the holder.
    """

    amount: int
    currency: str = "0156"
    kind: TransactionKind = TransactionKind.PURCHASE
    number: int = 1
    when: datetime = field(default_factory=lambda: datetime.now().astimezone())
    other_amount: int = 0
    e_cash: bool = True
    force_online: bool = False
    earlier_amount: int = 0
    reference: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= LARGEST_AMOUNT or not 0 <= self.other_amount <= self.amount:
            raise ValueError(f"amount {self.amount}: 0 to {LARGEST_AMOUNT} of the smallest unit are possible")
        if len(self.currency) != 4 or not (self.currency.isascii() and self.currency.isdigit()):
            raise ValueError(f"currency {self.currency!r}: four digits are needed, such as 0156")


@dataclass(slots=True)
class Transaction:
    """Everything that the steps of the kernel share."""

    configuration: TerminalConfiguration
    purchase: Purchase
    channel: Channel
    holder: Holder
    random: RandomSource
    listener: Callable[[Event], None]
    application: ApplicationParameters = field(default_factory=lambda: ApplicationParameters(b""))
    aid: bytes = b""
    label: str = ""
    card: dict[int, bytes] = field(default_factory=dict)
    """Objects that the card gave in the answers of SELECT and GET PROCESSING OPTIONS and in records."""
    initiation_tags: set[int] = field(default_factory=lambda: {0x82, 0x94})
    """Tags that GET PROCESSING OPTIONS answered, which no record may repeat."""
    static_data: bytes = b""
    static_data_malformed: bool = False
    """Whether a record to be authenticated is no template 70."""
    aip: int = 0
    tvr: int = 0
    tsi: int = 0
    cvm_results: bytes = NO_METHOD_PERFORMED
    unpredictable: bytes = bytes(4)
    response_code: str = ""
    authorisation_code: str = ""
    online_pin: str = ""
    """Entered for the bank, not yet enciphered."""
    signature_wanted: bool = False
    e_cash_offered: bool = False
    """Whether 9F7A told the card that e-cash is possible."""
    e_cash: bool = False
    balance: int | None = None
    """E-cash balance before the transaction."""
    balance_after: int | None = None
    threshold: int | None = None
    pdol_values: bytes = b""
    cdol1_values: bytes = b""
    cdol2_values: bytes = b""
    card_key: RsaPublicKey | bytes | None = None
    """Public key of the card once its certificate was found right."""
    combined: bool = False
    """Whether the card shall sign its cryptograms (CDA)."""
    script_results: list[bytes] = field(default_factory=list)
    qualifiers: bytes = b""
    """TTQ 终端交易属性 9F66, four bytes on a contactless terminal."""
    indicator: int = 0
    """DF60: which transaction of the extended application."""
    passage: Passage | None = None
    """What a gate was asked for; None at any other terminal."""
    sector: SectorOutcome | None = None
    """What a passage left on the card."""

    @classmethod
    def begin(
        cls,
        link: Link,
        configuration: TerminalConfiguration,
        purchase: Purchase,
        holder: Holder,
        random: RandomSource,
        listener: Callable[[Event], None] | None = None,
    ) -> tuple[Self, list[Event]]:
        """A transaction with an unpredictable number of its own, and the list of its events, of which ``listener`` hears, too."""
        events: list[Event] = []

        def tell(event: Event) -> None:
            events.append(event)
            if listener is not None:
                listener(event)

        begun = cls(configuration, purchase, Channel(link, tell), holder, random, tell)
        begun.unpredictable = random.getrandbits(32).to_bytes(4, "big")
        return begun, events

    def enter(self, phase: Phase) -> None:
        """A new step begins."""
        self.channel.phase = phase

    def say(self, zh: str, en: str) -> None:
        """Tell of something in the present step."""
        self.listener(Event(self.channel.phase, zh, en))

    def supports(self, bit: int) -> bool:
        """Whether the AIP has a bit."""
        return bool(self.aip & bit)

    def authority_key(self) -> AuthorityKey | None:
        """The key of the certification authority that 8F names, where the terminal has it."""
        index = self.card.get(0x8F, b"")
        configuration = self.configuration
        keys = (
            key
            for key in configuration.authority_keys
            if key.rid == self.aid[:5]
            and index == bytes((key.index,))
            and (configuration.supports_sm or not key.is_sm2)
        )
        return next(keys, None)

    @property
    def account_number(self) -> str:
        """The digits of 5A."""
        return self.card.get(0x5A, b"").hex().upper().rstrip("F")

    @property
    def sequence_number(self) -> str:
        """5F34 as two digits, 00 where the card has none."""
        return self.card.get(0x5F34, b"\0").hex()

    def values(self) -> dict[int, bytes]:
        """Every object that the terminal can put into a list: its own first, then the card's."""
        configuration, purchase = self.configuration, self.purchase
        own = {
            0x9F02: packed(purchase.amount, 6),
            0x9F03: packed(purchase.other_amount, 6),
            0x81: min(purchase.amount, 0xFFFFFFFF).to_bytes(4, "big"),
            0x9F04: min(purchase.other_amount, 0xFFFFFFFF).to_bytes(4, "big"),
            0x5F2A: bytes.fromhex(purchase.currency),
            0x5F36: bytes((CURRENCY_EXPONENT,)),
            0x9A: bytes.fromhex(purchase.when.strftime("%y%m%d")),
            0x9F21: bytes.fromhex(purchase.when.strftime("%H%M%S")),
            0x9C: bytes((purchase.kind.value,)),
            0x9F37: self.unpredictable,
            0x9F41: packed(purchase.number % 10**8, 4),
            0x95: self.tvr.to_bytes(5, "big"),
            0x9B: self.tsi.to_bytes(2, "big"),
            0x9F34: self.cvm_results,
            0x8A: self.response_code.encode("ascii"),
            0x9F01: bytes.fromhex(configuration.acquirer),
            0x9F1A: bytes.fromhex(configuration.country),
            0x9F35: bytes((configuration.terminal_type,)),
            0x9F33: configuration.capabilities,
            0x9F40: configuration.additional_capabilities,
            0x9F1C: configuration.terminal_id.encode("ascii"),
            0x9F1E: configuration.serial.encode("ascii"),
            0x9F15: bytes.fromhex(configuration.merchant_category),
            0x9F16: configuration.merchant_id.encode("ascii"),
            0x9F4E: configuration.merchant_name.encode("gbk", errors="replace"),
            0x9F06: self.aid,
            0x9F09: self.application.version,
            0x9F1B: min(self.application.floor_limit, 0xFFFFFFFF).to_bytes(4, "big"),
            0x9F7A: bytes((self.e_cash_offered,)),
            0xDF69: bytes((configuration.supports_sm,)),
            0xDF60: bytes((self.indicator,)),
            0x9F66: self.qualifiers,
        }
        return {**self.card, **{tag: value for tag, value in own.items() if value}}

    def filled(self, tag: int) -> bytes:
        """The values of the card's list ``tag``; 98 in it is made of the TDOL.

        Raises:
            Ended: The list is none.
        """
        try:
            values = self.values()
            if TC_HASH in dol.tags_of(self.card.get(tag, b"")):
                values[TC_HASH] = self._tc_hash(values)
                values[0x95] = self.tvr.to_bytes(5, "big")
            return dol.fill(self.card.get(tag, b""), values)
        except TlvError as error:
            raise Ended(Reason.CARD_ERROR, f"the list {tag:X} is malformed: {error}") from error

    def _tc_hash(self, values: Mapping[int, bytes]) -> bytes:
        """TC哈希值 98: SHA-1 over what the TDOL lists; the terminal's own list leaves its mark in the TVR."""
        tdol = self.card.get(TDOL)
        if tdol is None:
            self.tvr |= Tvr.DEFAULT_TDOL
            tdol = self.application.default_tdol
            values = {**values, 0x95: self.tvr.to_bytes(5, "big")}
        return hashlib.sha1(dol.fill(tdol, values), usedforsecurity=False).digest()

    def begin_again(self) -> None:
        """Forget what the card told: a new application was selected."""
        self.card, self.static_data, self.static_data_malformed = {}, b"", False
        self.initiation_tags = {0x82, 0x94}
        self.tvr = self.tsi = self.aip = 0
        self.card_key, self.combined = None, False


def number_of(configuration: TerminalConfiguration, purchase: Purchase) -> str:
    """The number by which the bank knows a transaction."""
    return f"{configuration.terminal_id}{purchase.when:%y%m%d}{purchase.number:06d}"


def packed(number: int, length: int) -> bytes:
    """Packed decimal digits, ``length`` bytes."""
    return bytes.fromhex(f"{number:0{2 * length}d}")
