"""Logs of a payment application as a terminal reads them: where they are, their records, what belongs into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.actors.bank.scripts import Order
from conformance.actors.terminal import dol
from conformance.bench import Bench
from conformance.dialogue import apdu
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_dialogue import (
    CDOL1,
    CDOL2,
    PDOL,
    Visit,
    amount,
)
from conformance.suites.payment._steps import declared
from emulator.iso7816 import SW, Response, TlvError, tlv

TRANSACTION_ENTRY, TRANSACTION_FORMAT = 0x9F4D, 0x9F4F
LOAD_ENTRY, LOAD_FORMAT = 0xDF4D, 0xDF4F
LOAD_HEAD = 14
"""Bytes of a load log record before the values of DF4F: tag, old and new balance (JR/T 0025.13 §5.8)."""
MOST_RECORDS = 254


@dataclass(frozen=True, slots=True)
class Log:
    """A cyclic log file."""

    sfi: int
    capacity: int
    """How many records it is declared to hold."""
    format: bytes
    """The data object list of its records, or of their end."""

    def read(self, bench: Bench, number: int) -> Response:
        """READ RECORD."""
        return bench.send(apdu(0x00, 0xB2, number, self.sfi << 3 | 4, ne=256))

    def records(self, bench: Bench) -> list[bytes]:
        """All records, the newest first, as far as they can be read."""
        found: list[bytes] = []
        while len(found) < min(self.capacity + 1, MOST_RECORDS):
            answer = self.read(bench, len(found) + 1)
            if answer.sw != SW.SUCCESS:
                break
            found.append(answer.data)
        return found

    def after(self, before: Sequence[bytes], new: int) -> list[bytes]:
        """What must follow ``new`` further records."""
        return list(before[: max(self.capacity - new, 0)])

    def expect(self, bench: Bench, before: Sequence[bytes], requirement: str, *, new: int = 0) -> list[bytes]:
        """The log must hold ``new`` further records, and behind them what it held before; hands the new ones out."""
        now = self.records(bench)
        kept = self.after(before, new)
        bench.check(
            len(now) == new + len(kept) and now[new:] == kept,
            f"日志新增 {new} 条记录，其余不变",
            f"{new} further records in the log, the others as before",
            expected=f"{new} + {len(kept)}",
            received=f"{len(now)}: " + " ".join(record.hex().upper() for record in now[:2]),
            requirement=requirement,
        )
        return now[:new]


def transaction_log(bench: Bench) -> Log:
    """The transaction log 交易日志; not applicable where the card declares none."""
    entry = declared(bench.profile, TRANSACTION_ENTRY)
    return Log(entry[0], entry[1], declared(bench.profile, TRANSACTION_FORMAT))


def load_log(bench: Bench) -> Log:
    """The load log 圈存日志; not applicable where the card declares none."""
    entry = declared(bench.profile, LOAD_ENTRY)
    return Log(entry[0], entry[1], declared(bench.profile, LOAD_FORMAT))


def length_of(format_: bytes) -> int | None:
    """The bytes of values that a data object list asks for; None where it is none."""
    try:
        return sum(length for _, length in tlv.parse_tags_and_lengths(format_))
    except TlvError:
        return None


def fields(format_: bytes, values: bytes) -> dict[int, bytes]:
    """Values by tag, cut as the list says; empty where it is none."""
    found, position = {}, 0
    try:
        for tag, length in tlv.parse_tags_and_lengths(format_):
            found[tag] = values[position : position + length]
            position += length
    except TlvError:
        return {}
    return found


def offered_values(visit: Visit) -> dict[int, bytes]:
    """What the card learnt from the terminal, and the counter of the transaction."""
    asked = {tag for each in (PDOL, CDOL1, CDOL2) for tag in dol.tags_of(visit.objects.get(each, b""))}
    return {**{tag: visit.values[tag] for tag in asked & visit.values.keys()}, COUNTER: visit.counter}


def expect_details(bench: Bench, format_: bytes, record: bytes, values: Mapping[int, bytes], requirement: str) -> None:
    """The values of a log record, those of other objects than the terminal's and the counter left open."""
    found = fields(format_, record)
    wanted = fields(format_, dol.fill(format_, values)) if found else {}
    wrong = [tag for tag in found if tag in values and found[tag] != wanted[tag]]
    bench.check(
        len(record) == length_of(format_) and not wrong,
        "日志记录的值" + "".join(f"，{tag:X} 不符" for tag in wrong),
        "values of the log record" + "".join(f", {tag:X} differs" for tag in wrong),
        expected=" ".join(f"{tag:X}={wanted[tag].hex().upper()}" for tag in found if tag in values) or "9F4F",
        received=record,
        requirement=requirement,
    )


def expect_load(bench: Bench, log: Log, record: bytes, order: Order, old: int, visit: Visit, requirement: str) -> None:
    """A record of the load log: tag of the balance, old and new balance, values of DF4F (JR/T 0025.13 §5.8)."""
    head = bytes.fromhex(order.header)[2:] + amount(old) + bytes.fromhex(order.data)
    bench.check(
        record[:LOAD_HEAD] == head,
        "圈存日志：标签、旧余额、新余额",
        "load log record: tag, old balance, new balance",
        expected=head,
        received=record[:LOAD_HEAD],
        requirement=requirement,
    )
    expect_details(bench, log.format, record[LOAD_HEAD:], offered_values(visit), requirement)
