"""The payment application as its handlers see it: data objects, counters and flags over the cells, one commit a command."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from emulator.cos.card import Card
from emulator.cos.memory import Memory, Value, octets_in
from emulator.cos.structure import CONTACTLESS, DirectoryState, Key, Pin
from emulator.crypto import Algorithm
from emulator.crypto import payment as crypto
from profiles.payment_settings import PaymentSettings

AMOUNT_LENGTH = 6
LARGEST_AMOUNT = 10 ** (2 * AMOUNT_LENGTH) - 1
LARGEST_COUNT = 0xFF
LARGEST_SCRIPT_COUNT = 0x0F
ORDINARY = "ordinary"
SM_ASKED = b"\x01"
"""DF69 of a terminal that has the SM algorithms."""


class Counter(Enum):
    """Values that no command reads, each in a cell of its own (JR/T 0025.5 appendix A)."""

    ONLINE_REQUESTED = "online authorisation"
    """联机授权指示位: an online transaction was not completed."""
    AUTHENTICATION_FAILED = "issuer authentication failed"
    STATIC_FAILED = "static data authentication failed"
    DYNAMIC_FAILED = "dynamic data authentication failed"
    SCRIPTS = "script commands"
    SCRIPT_FAILED = "script failed"
    FOREIGN_CURRENCY = "consecutive transactions in foreign currency"
    FOREIGN_COUNTRY = "consecutive transactions abroad"
    CUMULATIVE_AMOUNT = "cumulative offline amount"
    """CTTA 累计脱机交易金额."""
    DEBIT_OPEN = "debit not final"
    """防拔标志: the last record of the present contactless transaction was not read yet."""
    CUMULATIVE_AMOUNT_DUAL = "cumulative offline amount, dual currency"


class Tag:
    """Tags of data objects that the card itself works with."""

    PDOL, CDOL1, CDOL2, DDOL = 0x9F38, 0x8C, 0x8D, 0x9F49
    ATC, LAST_ONLINE_ATC, PIN_TRIES = 0x9F36, 0x9F13, 0x9F17
    ISSUER_DATA, CID, SIGNATURE = 0x9F10, 0x9F27, 0x9F4B
    LOG_FORMAT, LOAD_LOG_FORMAT = 0x9F4F, 0xDF4F
    CURRENCY, SECOND_CURRENCY, COUNTRY = 0x9F51, 0x9F76, 0x9F57
    DEFAULT_ACTION, AUTHENTICATION_INDICATOR = 0x9F52, 0x9F56
    LIMIT_FOREIGN_CURRENCY, LIMIT_FOREIGN_COUNTRY = 0x9F53, 0x9F72
    LOWER_LIMIT, UPPER_LIMIT = 0x9F58, 0x9F59
    AMOUNT_LIMIT, AMOUNT_UPPER_LIMIT, AMOUNT_LIMIT_DUAL = 0x9F54, 0x9F5C, 0x9F75
    CONVERSION_FACTOR = 0x9F73
    BALANCE, BALANCE_LIMIT, SINGLE_LIMIT, THRESHOLD, CVM_LIMIT = 0x9F79, 0x9F77, 0x9F78, 0x9F6D, 0x9F6B
    AVAILABLE_AMOUNT, CARD_PROCESSING = 0x9F5D, 0x9F68
    E_CASH_SECOND_CURRENCY = 0xDF71
    AMOUNT, OTHER_AMOUNT, TERMINAL_COUNTRY, TERMINAL_CURRENCY = 0x9F02, 0x9F03, 0x9F1A, 0x5F2A
    TVR, TSI, DATE, TIME, UNPREDICTABLE = 0x95, 0x9B, 0x9A, 0x9F21, 0x9F37
    E_CASH_TERMINAL, RESPONSE_CODE = 0x9F7A, 0x8A
    TERMINAL_QUALIFIERS, CARD_QUALIFIERS, CARD_AUTHENTICATION = 0x9F66, 0x9F6C, 0x9F69
    SM_SUPPORT = 0xDF69
    AIP, AFL, CRYPTOGRAM = 0x82, 0x94, 0x9F26
    EXTENDED_INDICATOR, EXTENDED, DEDUCTION_LIMIT, DEDUCTED = 0xDF60, 0xDF61, 0xDF62, 0xDF63
    TRACK_2, SEQUENCE_NUMBER, HOLDER, PRODUCT = 0x57, 0x5F34, 0x5F20, 0x9F63


SECOND_CURRENCY_OF = {
    Tag.BALANCE: 0xDF79,
    Tag.BALANCE_LIMIT: 0xDF77,
    Tag.SINGLE_LIMIT: 0xDF78,
    Tag.THRESHOLD: 0xDF76,
    Tag.CVM_LIMIT: 0xDF72,
}
"""E-cash objects of the second currency (JR/T 0025.15)."""


def number(value: bytes) -> int:
    """The number that packed decimal digits mean; total, because a terminal may send anything."""
    total = 0
    for byte in value:
        total = total * 100 + (byte >> 4) * 10 + (byte & 0x0F)
    return total


def amount(value: int) -> bytes:
    """Six bytes of packed decimal digits."""
    return bytes.fromhex(f"{min(value, LARGEST_AMOUNT):012d}")


def data_cell(directory: str, tag: int) -> str:
    """Where the value of a data object lives."""
    return f"data:{directory}:{tag:X}"


def contactless_cell(directory: str, tag: int) -> str:
    """Where the value lives that a data object has on the contactless interface alone."""
    return f"contactless:{directory}:{tag:X}"


def sm_cell(directory: str, tag: int, *, contactless: bool) -> str:
    """Where the value lives that a data object has with the SM algorithms of a dual-algorithm card alone."""
    return f"SM {'contactless' if contactless else 'data'}:{directory}:{tag:X}"


def backup_cell(directory: str) -> str:
    """Where the amounts and the counter lie that an open debit changed: empty, or a record each."""
    return f"backup:{directory}"


def counter_cell(directory: str, counter: Counter) -> str:
    """Where a counter or flag lives."""
    return f"counter:{directory}:{counter.value}"


def path_cell(directory: str, kind: str, *, sm: bool = False) -> str:
    """Where AIP and AFL of a kind of transaction live; ``sm`` for the second algorithm set."""
    return f"{'SM path' if sm else 'path'}:{directory}:{kind}"


def allowed_cell(directory: str) -> str:
    """Where the conditions of use live: for each tag its two bytes, then the allowed values, each a record."""
    return f"allowed:{directory}"


def pending_cell(directory: str) -> str:
    """Where open pre-authorisations live: short identifier, record identifier (2 bytes), amount (6 bytes), a record each."""
    return f"pending:{directory}"


def proof_cell(directory: str) -> str:
    """Where the last completed transaction of the extended application leaves its counter and cryptogram; empty before."""
    return f"proof:{directory}"


def management_keys_cell(path: str) -> str:
    """Where the management keys of a file of the extended application live: one for each record, one of a cyclic file."""
    return f"management keys:{path}"


def private_key_cell(directory: str, *, sm: bool = False) -> str:
    """Where the private key of the card lives: five numbers of an RSA key, or one of SM2; ``sm`` for the second set."""
    return f"{'SM private key' if sm else 'private key'}:{directory}"


class Application:
    """The application of the current directory during one command.

    Reading sees what the command has set so far; :meth:`commit` makes all of it durable at once.
    """

    __slots__ = ("changes", "contactless", "directory", "memory", "name", "node", "own_algorithm", "settings", "sm")

    def __init__(self, card: Card) -> None:
        self.node = card.session.node
        self.directory = self.node.directory
        self.name = self.directory.name
        self.memory: Memory = card.memory
        self.contactless = card.interface == CONTACTLESS
        self.own_algorithm: Algorithm = self.directory.algorithm or card.algorithm
        self.settings = self.directory.payment or PaymentSettings()
        chosen: bool | None = getattr(card.session.application, "sm", None)
        self.sm: bool = self._before_start() if chosen is None else chosen
        self.changes: dict[str, Value] = {}
        begun = getattr(card.session.application, "debit_open", False)
        if not begun and self.settings.torn_debit_undone == "next use":
            self.undo_open_debit()

    # Two algorithm sets (JR/T 0025.17 §10)

    @property
    def algorithm(self) -> Algorithm:
        """Block cipher of this transaction; before the first one of a session a setting decides."""
        return Algorithm.SM4 if self.sm else self.own_algorithm

    def _before_start(self) -> bool:
        """Whether the SM set works while no transaction of the session has chosen one."""
        return self.settings.algorithms_before_start == "SM4" and self._has_sm_set

    @property
    def _has_sm_set(self) -> bool:
        """Whether the application has two algorithm sets."""
        return path_cell(self.name, ORDINARY, sm=True) in self.memory.cells

    def choose_algorithms(self, asked: bytes | None) -> None:
        """Take the SM set of a card that has two where DF69 of the terminal is 01, otherwise the other one."""
        self.sm = asked == SM_ASKED and self._has_sm_set

    def path(self, kind: str) -> tuple[bytes, bytes] | None:
        """AIP and AFL of a kind of transaction in the chosen set; None for one that the card does not have."""
        value = self.cell(path_cell(self.name, kind, sm=self.sm))
        return (value[0], value[1]) if isinstance(value, tuple) else None

    # The debit that is final only with the last record (JR/T 0025.12 §7.4.1)

    def open_debit(self) -> None:
        """Keep what memory has now beside the changes, and set the flag; both become durable with them."""
        kept = [self.memory.cells.get(cell) for cell in self._undone_cells]
        self.changes[backup_cell(self.name)] = tuple(
            amount(value) if isinstance(value, int) else value if isinstance(value, bytes) else b"" for value in kept
        )
        self.count(Counter.DEBIT_OPEN, 1)

    def close_debit(self) -> None:
        """Clear the flag: what it guarded is final."""
        self.count(Counter.DEBIT_OPEN, 0)

    def undo_open_debit(self) -> bool:
        """Bring back what an open debit changed, as one commit; whether there was one. The ATC stays."""
        kept = self.cell(backup_cell(self.name))
        if not self.counter(Counter.DEBIT_OPEN) or not isinstance(kept, tuple):
            return False
        undone: dict[str, Value] = {counter_cell(self.name, Counter.DEBIT_OPEN): 0}
        for cell, value in zip(self._undone_cells, kept, strict=True):
            if value:
                undone[cell] = value if cell.startswith("data:") else number(value)
        self.memory.commit(undone)
        return True

    @property
    def _undone_cells(self) -> tuple[str, ...]:
        balances = (data_cell(self.name, Tag.BALANCE), data_cell(self.name, SECOND_CURRENCY_OF[Tag.BALANCE]))
        counters = (Counter.CUMULATIVE_AMOUNT, Counter.FOREIGN_CURRENCY)
        return balances + tuple(counter_cell(self.name, counter) for counter in counters)

    def commit(self) -> None:
        """Make the changes durable, all or none."""
        if self.changes:
            self.memory.commit(self.changes)
            self.changes = {}

    def cell(self, name: str) -> Value | None:
        """A cell as this command would leave it."""
        changed = self.changes.get(name)
        return self.memory.cells.get(name) if changed is None else changed

    # Data objects

    def get(self, tag: int) -> bytes | None:
        """The value of a data object, None where the card has none."""
        for place in self._places(tag):
            value = self.cell(place)
            if isinstance(value, bytes):
                return value
        return None

    def _places(self, tag: int) -> Iterator[str]:
        """The cells that may hold a data object, the more special first."""
        if self.sm:
            yield sm_cell(self.name, tag, contactless=self.contactless)
        if self.contactless:
            yield contactless_cell(self.name, tag)
        yield data_cell(self.name, tag)

    def value(self, tag: int) -> bytes:
        """The value of a data object, empty where the card has none."""
        return self.get(tag) or b""

    def put(self, tag: int, value: bytes) -> None:
        """Set a data object."""
        self.changes[data_cell(self.name, tag)] = value

    @property
    def atc(self) -> int:
        """The transaction counter."""
        return int.from_bytes(self.value(Tag.ATC), "big")

    @property
    def since_online(self) -> int | None:
        """Transactions since the last online one; None on a card that does not keep 9F13."""
        last = self.get(Tag.LAST_ONLINE_ATC)
        return None if last is None else self.atc - int.from_bytes(last, "big")

    @property
    def default_action(self) -> int:
        """ADA 应用缺省行为 9F52 as 16 bits, zero where the card has none."""
        return int.from_bytes(self.value(Tag.DEFAULT_ACTION), "big")

    @property
    def frozen(self) -> int:
        """What all open pre-authorisations 脱机预授权 hold back."""
        pending = self.cell(pending_cell(self.name))
        return sum(number(entry[3:]) for entry in pending) if isinstance(pending, tuple) else 0

    # Counters and flags

    def counter(self, counter: Counter) -> int:
        """The value of a counter or flag."""
        value = self.cell(counter_cell(self.name, counter))
        return value if isinstance(value, int) else 0

    def count(self, counter: Counter, value: int) -> None:
        """Set a counter or flag."""
        self.changes[counter_cell(self.name, counter)] = value

    # State

    @property
    def state(self) -> int:
        """Life cycle state of the directory."""
        value = self.cell(self.node.state_cell)
        return value if isinstance(value, int) else DirectoryState.OPERATIONAL

    @state.setter
    def state(self, value: int) -> None:
        self.changes[self.node.state_cell] = value

    # PIN

    @property
    def pin(self) -> Pin | None:
        """The offline PIN, where the card has one."""
        return next(iter(self.node.pins.values()), None)

    @property
    def pin_tries(self) -> int | None:
        """Tries left, None where the card has no offline PIN."""
        value = self.cell(self.pin.tries_cell) if self.pin else None
        return value if isinstance(value, int) else None

    # Keys

    def card_key(self, use: str) -> bytes:
        """The card's key for a use."""
        own = self.own_algorithm
        return self._value_of(
            next(key for key in self.directory.keys if key.use == use and (key.algorithm or own) is self.algorithm)
        )

    def key_of(self, path: str) -> bytes:
        """The card's key of a path."""
        return self._value_of(next(key for key in self.directory.keys if key.path == path))

    def _value_of(self, key: Key) -> bytes:
        return octets_in(self.memory.cells[key.cell(1)])

    def session_key(self, use: str) -> bytes:
        """The key of the present transaction for a use."""
        return crypto.session_key(self.algorithm, self.card_key(use), self.value(Tag.ATC))
