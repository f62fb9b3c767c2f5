"""What a payment application remembers and decides (JR/T 0025.5 §11, §14–17, JR/T 0025.13 §7.4).

Cards that convert a second currency (9F73, 9F75, 9F76) are not described.

The model knows no cryptography: it is told whether a MAC, an ARPC or a PIN is right. It predicts the kind of each
cryptogram with the card verification results, and what becomes of counters, flags and balances.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum

AAC, TC, ARQC = 0x00, 0x40, 0x80
GREATEST_COUNTER, GREATEST_SCRIPTS = 0xFF, 0x0F
E_CASH_SETS = (
    {"balance": 0x9F79, "single": 0x9F78, "limit": 0x9F77},
    {"balance": 0xDF79, "single": 0xDF78, "limit": 0xDF77},
)
NOT_COMPARED = frozenset({0x95, 0x9B, 0x9F37})
"""Objects that may differ between GET PROCESSING OPTIONS and GENERATE AC of an e-cash transaction."""


@dataclass(frozen=True, slots=True)
class Issued:
    """How the application was personalised."""

    profile: int
    """Byte 1 of the AIP."""
    currency: bytes
    second_currency: bytes | None
    country: bytes | None
    actions: bytes | None
    """Application default action 9F52; None where the card has none."""
    authentication_is_mandatory: bool
    values: Mapping[int, int]
    """Limits and balances by tag."""
    pin: str | None
    pin_limit: int
    has_e_cash: bool
    log_capacity: int

    def action(self, byte: int, bit: int) -> bool:
        """A bit of the application default action."""
        return bool(self.actions and self.actions[byte - 1] & 1 << bit - 1)

    def supports(self, bit: int) -> bool:
        """A bit of byte 1 of the AIP."""
        return bool(self.profile & 1 << bit - 1)


class Stage(Enum):
    """How far a transaction is."""

    NONE = "none"
    BEGUN = "begun"
    ONLINE = "the first cryptogram was an ARQC"
    ENDED = "ended"


@dataclass(slots=True)
class Memory:
    """What survives loss of power."""

    values: dict[int, int]
    tries: int
    pin: str | None
    counter: int = 0
    last_online: int = 0
    cumulative: int = 0
    foreign_currency: int = 0
    foreign_country: int = 0
    online_pending: bool = False
    authentication_failed: bool = False
    static_failed: bool = False
    dynamic_failed: bool = False
    scripts: int = 0
    script_failed: bool = False
    blocked: bool = False
    log: list[Mapping[int, bytes]] = field(default_factory=list)
    """Terminal data of approved transactions with 9F36, the newest first."""


@dataclass(slots=True)
class Transaction:
    """What ends with the next selection or reset."""

    stage: Stage = Stage.NONE
    e_cash: int | None = None
    """Which set of e-cash objects it spends; None for an ordinary one."""
    second: bool = False
    """Whether GET DATA shows the second currency."""
    offered: Mapping[int, bytes] = field(default_factory=dict)
    blocked: bool = False
    pin_performed: bool = False
    pin_failed: bool = False
    pin_exceeded: bool = False
    blocked_by_pin: bool = False
    authenticated: bool | None = None
    code: str = ""
    results: tuple[int, int] = (0, 0)
    """Bytes 3 and 4 of the card verification results as the first cryptogram had them."""
    scripts_refused: bool = False


@dataclass(frozen=True, slots=True)
class Generated:
    """What GENERATE AC must answer."""

    kind: int
    results: bytes
    """Bytes 2 to 4 of the card verification results."""
    because: str
    """The requirement behind the kind."""
    advice: int | None = 0
    """Low half of the cryptogram information; None where the texts leave it open."""


class PaymentCard:
    """A payment application fresh from personalisation, and just switched on."""

    def __init__(self, issued: Issued) -> None:
        self.issued = issued
        self.memory = Memory(dict(issued.values), issued.pin_limit, issued.pin)
        self.transaction = Transaction()

    def copy(self) -> PaymentCard:
        """Another one in the same state."""
        twin = PaymentCard(self.issued)
        twin.memory, twin.transaction = deepcopy(self.memory), deepcopy(self.transaction)
        return twin

    def forget_session(self) -> None:
        """Reset or SELECT."""
        self.transaction = Transaction()

    # GET PROCESSING OPTIONS

    def begin(self, offered: Mapping[int, bytes]) -> None:
        """A transaction with the values of the PDOL."""
        self.memory.counter += 1
        self.transaction = Transaction(stage=Stage.BEGUN, offered=dict(offered), blocked=self.memory.blocked)
        currency = offered.get(0x5F2A, b"")
        if currency == self.issued.currency:
            chosen = 0
        elif currency and currency == self.issued.second_currency:
            chosen, self.transaction.second = 1, True
        else:
            return
        if self._spends(chosen, offered):
            self.transaction.e_cash = chosen

    def _spends(self, chosen: int, offered: Mapping[int, bytes]) -> bool:
        """The conditions of JR/T 0025.13 §7.4.2."""
        memory, tags = self.memory, E_CASH_SETS[chosen]
        amount = number(offered.get(0x9F02, b""))
        return (
            self.issued.has_e_cash
            and offered.get(0x9F7A) == b"\x01"
            and amount <= memory.values.get(tags["balance"], -1)
            and amount <= memory.values.get(tags["single"], amount)
            and not memory.authentication_failed
            and not memory.script_failed
            and memory.tries != 0
        )

    # VERIFY and GET DATA

    def verify(self, pin: str) -> int:
        """The status word of VERIFY, with its effects (JR/T 0025.5 §11)."""
        memory, now = self.memory, self.transaction
        first, now.pin_performed = not now.pin_performed, True
        if memory.tries == 0:
            now.pin_failed = now.pin_exceeded = True
            return 0x6984 if first else 0x6983
        if pin == memory.pin:
            memory.tries, now.pin_failed = self.issued.pin_limit, False
            return 0x9000
        memory.tries -= 1
        now.pin_failed = True
        if memory.tries == 0:
            now.pin_exceeded = True
            if self.issued.action(2, 8):
                now.blocked_by_pin = memory.blocked = True
        return 0x63C0 | memory.tries

    def tries_shown(self) -> int:
        """GET DATA of 9F17, whose zero leaves its mark in the card verification results."""
        if self.memory.tries == 0 and self.transaction.stage is not Stage.NONE:
            self.transaction.pin_exceeded = True
        return self.memory.tries

    # EXTERNAL AUTHENTICATE

    def authenticate(self, right: bool, code: str) -> int:
        """The status word of EXTERNAL AUTHENTICATE, with its effects (JR/T 0025.5 §15)."""
        now = self.transaction
        if now.authenticated is not None:
            self.memory.authentication_failed = True
            return 0x6985
        now.authenticated, now.code = right, code
        self.memory.authentication_failed = not right
        return 0x9000 if right else 0x6300

    # Scripts

    def script(self, right: bool) -> int | None:
        """A script command that may be executed: the status word of its refusal, or None (JR/T 0025.5 §17)."""
        memory, now = self.memory, self.transaction
        if now.stage is Stage.ENDED:
            memory.scripts = min(memory.scripts + 1, GREATEST_SCRIPTS)
        if now.scripts_refused:
            return 0x6985
        if right:
            return None
        now.scripts_refused = True
        if now.stage is Stage.ENDED:
            memory.script_failed = True
        return 0x6988

    # What the log shows

    def approved(self, offered: Mapping[int, bytes]) -> None:
        """A record of an approved transaction."""
        entry = {**offered, 0x9F36: self.memory.counter.to_bytes(2, "big")}
        self.memory.log = [entry, *self.memory.log][: self.issued.log_capacity]

    def is_foreign_currency(self, offered: Mapping[int, bytes]) -> bool:
        """Whether the transaction is in another currency; zeros are no currency (JR/T 0025.5 §14.4.2)."""
        currency = offered.get(0x5F2A, b"")
        return any(currency) and currency != self.issued.currency

    def is_foreign_country(self, offered: Mapping[int, bytes]) -> bool:
        """Whether the terminal stands in another country."""
        country = offered.get(0x9F1A, b"")
        return any(country) and self.issued.country is not None and country != self.issued.country


def number(value: bytes) -> int:
    """Packed digits as a number; 0 where they are none."""
    digits = value.hex()
    return int(digits) if digits.isdecimal() else 0
