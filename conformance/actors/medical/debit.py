"""INITIALIZE FOR PURCHASE and DEBIT FOR PURCHASE at a reader with PSAM or HSM (人社信息函〔2012〕38号 §2.4 to §2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from conformance.actors.key_service import Settlement
from conformance.actors.medical.keys import KeysRefused
from conformance.actors.medical.reader import CardReader, CardRefused
from emulator.iso7816 import Response

APPLICATION, LOG = "DF04", "DF04/EF08"
INITIALIZED, CODES, AMOUNT = 22, 8, 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """A settlement that the card has begun: what its codes cover, and the data of DEBIT FOR PURCHASE."""

    settlement: Settlement
    data: bytes


@dataclass(frozen=True, slots=True)
class Debited:
    """A settlement that the card carried out."""

    settlement: Settlement
    tac: bytes


def is_logged(reader: CardReader, kind: bytes, terminal: bytes, time: bytes) -> bool:
    """Whether DF04/EF08 shows a transaction of this type, terminal and time. Raises what the reader raises."""
    return any(record[2:16] == kind + terminal + time for record in reader.read_cycle(LOG))


def balance(reader: CardReader) -> int:
    """GET BALANCE of the personal account on the card, in fen (bytes of the command assumed, vol. 2 §6.6)."""
    answer = reader.send(0xB0, 0x34, 0x00, 0x00, ne=AMOUNT)
    data = reader.need(answer, "取余额", "GET BALANCE").data
    if len(data) != AMOUNT:
        raise CardRefused("余额长度不符", f"GET BALANCE answered {len(data)} bytes")
    return int.from_bytes(data, "big")


@dataclass(frozen=True, slots=True)
class Initialized:
    """What INITIALIZE FOR PURCHASE answers of a settlement: transaction number 2, key version, random 4."""

    number: bytes
    version: int
    random: bytes


def initialize(reader: CardReader, index: int, amounts: bytes, terminal: bytes) -> Initialized:
    """INITIALIZE FOR PURCHASE with the key of an index; raises what the reader raises."""
    answer = reader.send(0xB0, 0x28, 0x01, 0x01, bytes((index,)) + amounts + terminal, ne=INITIALIZED)
    begun = reader.need(answer, "结算初始化", "INITIALIZE FOR PURCHASE").data
    if len(begun) != INITIALIZED:
        raise CardRefused("初始化应答长度不符", f"INITIALIZE FOR PURCHASE answered {len(begun)} bytes")
    return Initialized(begun[14:16], begun[16], begun[18:22])


def prepare(reader: CardReader, amounts: bytes, when: datetime) -> Prepared:
    """INITIALIZE FOR PURCHASE and MAC1; ``amounts`` are 12 bytes. Raises what the reader and its keys raise."""
    keys = reader.keys
    if keys is None:
        raise KeysRefused("the terminal has neither PSAM nor HSM")
    begun = initialize(reader, keys.purchase_index, amounts, keys.terminal)
    time = packed_time(when)
    made = keys.begin(reader.card, begun.random, begun.number, amounts, time, begun.version)
    settlement = Settlement(begun.random, begun.number, amounts, keys.terminal, made.terminal_number, time)
    return Prepared(settlement, made.terminal_number + time + made.mac1)


def packed_time(when: datetime) -> bytes:
    """YYYYMMDDhhmmss in BCD, 7 bytes."""
    return bytes.fromhex(when.strftime("%Y%m%d%H%M%S"))


def send(reader: CardReader, prepared: Prepared) -> Response:
    """DEBIT FOR PURCHASE, whatever the card answers."""
    return reader.send(0xB0, 0x2C, 0x01, 0x00, prepared.data, ne=CODES)


def codes(reader: CardReader, answer: Response) -> tuple[bytes, bytes]:
    """TAC and MAC2 of a good answer; raises :class:`CardRefused` for any other."""
    data = reader.need(answer, "结算", "DEBIT FOR PURCHASE").data
    if len(data) != CODES:
        raise CardRefused("结算应答长度不符", f"DEBIT FOR PURCHASE answered {len(data)} bytes")
    return data[:4], data[4:]


def debit(reader: CardReader, amounts: Sequence[int], when: datetime) -> Debited:
    """A whole settlement with the holder's PIN: personal account, own payment, pooled fund, in fen.

    Raises what the reader and its keys raise; a wrong MAC2 is a :class:`CardRefused`.
    """
    reader.open(APPLICATION)
    if not reader.holder_verified and (digits := reader.pin()) is not None:
        reader.verify(digits)
    prepared = prepare(reader, b"".join(amount.to_bytes(4, "big") for amount in amounts), when)
    tac, mac2 = codes(reader, send(reader, prepared))
    if reader.keys is None or not reader.keys.confirm(mac2):
        raise CardRefused("MAC2 校验失败", "MAC2 is wrong")
    return Debited(prepared.settlement, tac)
