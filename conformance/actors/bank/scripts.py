"""Issuer scripts 发卡行脚本: what the bank orders, and the commands with MAC that become of it (JR/T 0025.5 §17, appendix B, C)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from conformance.actors.bank.keys import TransactionKeys
from conformance.actors.sector.keys import SectorKeys
from conformance.actors.sector.messages import append_command
from emulator.crypto import Algorithm
from emulator.crypto import payment as crypto
from emulator.iso7816 import tlv

MAC_LENGTH = 4
BEFORE_COMPLETION, AFTER_COMPLETION = 0x71, 0x72
SCRIPT_IDENTIFIER, SCRIPT_COMMAND = 0x9F18, 0x86
E_CASH_BALANCE = 0x9F79


@dataclass(frozen=True, slots=True)
class Order:
    """One script command without its MAC.

    ``new_pin`` and ``current_pin`` stay in the clear until the command is made: the test bank has no security module.
    """

    name: str
    header: str
    """CLA, INS, P1 and P2 in hexadecimal digits."""
    data: str = ""
    new_pin: str = field(default="", repr=False)
    current_pin: str = field(default="", repr=False)
    opening_key: str = field(default="", repr=False)
    """Set in APPEND RECORD of the extended application: the card's opening key, in hexadecimal digits as the next one."""
    management_key: str = field(default="", repr=False)
    opening_algorithm: str = ""
    before_completion: bool = False
    """Whether it goes into template 71 instead of 72."""

    def to_json(self) -> str:
        """As the ledger keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """From the ledger."""
        return cls(**json.loads(text))

    def early(self) -> Order:
        """The same command in template 71, which runs before the second cryptogram."""
        return replace(self, before_completion=True)

    def command(self, keys: TransactionKeys, cryptogram: bytes) -> bytes:
        """The command with its MAC over header, Lc, counter, cryptogram of this transaction, and data."""
        if self.opening_key:
            return self._opening(keys.counter)
        data = bytes.fromhex(self.data)
        if self.new_pin:
            current = self.current_pin or None
            data = crypto.pin_change_message(keys.algorithm, keys.enc, keys.card_enc, self.new_pin, current)
        head = bytes.fromhex(self.header) + bytes((len(data) + MAC_LENGTH,))
        mac = crypto.payment_mac(keys.algorithm, keys.mac, head + keys.counter + cryptogram + data, MAC_LENGTH)
        return head + data + mac

    def _opening(self, counter: bytes) -> bytes:
        """APPEND RECORD, whose MAC is of another key and vector (JR/T 0025.14 A.3)."""
        algorithm, key = Algorithm(self.opening_algorithm), bytes.fromhex(self.opening_key)
        keys = SectorKeys(algorithm, key, key)
        sfi = int(self.header[6:], 16) >> 3
        return append_command(keys, key, sfi, counter, bytes.fromhex(self.management_key), bytes.fromhex(self.data))


def block_application() -> Order:
    """应用锁定 APPLICATION BLOCK."""
    return Order("APPLICATION BLOCK", "841E0000")


def unblock_application() -> Order:
    """应用解锁 APPLICATION UNBLOCK."""
    return Order("APPLICATION UNBLOCK", "84180000")


def block_card() -> Order:
    """卡片锁定 CARD BLOCK: for ever."""
    return Order("CARD BLOCK", "84160000")


def unblock_pin() -> Order:
    """PIN解锁: all tries back."""
    return Order("PIN UNBLOCK", "84240000")


def change_pin(new_pin: str, current_pin: str = "") -> Order:
    """PIN修改: a new PIN, under P2 01 where the current one enters, otherwise 02.

    Raises :class:`emulator.crypto.CryptoError` when a PIN is not four to twelve digits.
    """
    for pin in (new_pin, current_pin or new_pin):
        crypto.pin_block(pin)
    return Order("PIN CHANGE", "84240001" if current_pin else "84240002", new_pin=new_pin, current_pin=current_pin)


def put_data(tag: int, value: bytes) -> Order:
    """设置数据 PUT DATA of a data object."""
    return Order("PUT DATA", f"04DA{tag:04X}", value.hex())


def put_balance(balance: int) -> Order:
    """PUT DATA of the e-cash balance, the absolute new one, in the smallest unit."""
    return put_data(E_CASH_BALANCE, bytes.fromhex(f"{balance:012d}"))


def update_record(sfi: int, number: int, record: bytes) -> Order:
    """修改记录 UPDATE RECORD."""
    return Order("UPDATE RECORD", f"04DC{number:02X}{sfi << 3 | 4:02X}", record.hex())


def open_record(
    keys: SectorKeys, pan: str, sequence: str, sfi: int, record: bytes, management_key: bytes | None = None
) -> Order:
    """开通扩展应用 APPEND RECORD: a record of a sector for a card, with the sector's key for it unless another one is given.

    Raises :class:`emulator.crypto.CryptoError` when the account number is none.
    """
    return Order(
        "APPEND RECORD",
        f"04E200{sfi << 3:02X}",
        record.hex(),
        opening_key=keys.opening_key(pan, sequence).hex(),
        management_key=(management_key or keys.management_key(pan)).hex(),
        opening_algorithm=keys.algorithm.value,
    )


def templates(orders: list[Order], keys: TransactionKeys, cryptogram: bytes, identifier: bytes) -> bytes:
    """Templates 71 and 72 for a transaction, each with the script identifier (4 bytes); nothing without orders."""
    made = b""
    for template, early in ((BEFORE_COMPLETION, True), (AFTER_COMPLETION, False)):
        commands = [order.command(keys, cryptogram) for order in orders if order.before_completion is early]
        if commands:
            parts = [tlv.build(SCRIPT_COMMAND, command) for command in commands]
            made += tlv.build(template, tlv.build(SCRIPT_IDENTIFIER, identifier), *parts)
    return made


def executed(result: bytes, position: int) -> bool:
    """Whether the script result of a template says that its command ``position``, from 1, was executed.

    The first byte is 2 and anything where all were, 1 and the number of the command that failed (15 or more is F), 0 where
    none ran (JR/T 0025.6 §7.12).
    """
    kind, number = (result[0] >> 4, result[0] & 0x0F) if result else (0, 0)
    return kind == 2 or (kind == 1 and position < number)


def may_be_executed(result: bytes, position: int) -> bool:
    """Whether command ``position`` may have been executed though the result does not say so.

    A terminal whose card is gone says of the command that it was at what it says of one that the card refused.
    """
    return not executed(result, position) and bool(result) and result[0] >> 4 == 1
