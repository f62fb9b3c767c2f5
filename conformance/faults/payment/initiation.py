"""Faults of GET PROCESSING OPTIONS 应用初始化."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import FaultSet, paying
from conformance.payment_answers import (
    FORMAT_1,
)
from conformance.payment_dialogue import (
    AFL,
    AIP,
)
from emulator.apps.payment.application import Application
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import DirectoryState
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
COMMAND = "GET PROCESSING OPTIONS"


def altered(answer: bytes, change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> bytes:
    """The answer with another AIP and AFL, in the format that it has."""
    (whole,) = tlv.parse(answer)
    if whole.tag == FORMAT_1:
        return tlv.build(FORMAT_1, *change(whole.value[:2], whole.value[2:]))
    values = {each.tag: each.value for each in whole.children}
    if AFL in values:
        values[AIP], values[AFL] = change(values[AIP], values[AFL])
    return tlv.build(whole.tag, *(tlv.build(tag, value) for tag, value in values.items()))


@FAULTS.command(COMMAND, "gpo.counts-twice", "ATC 每次加 2", "The counter grows by 2", ["PAY-GPO-003"], paying)
def counts_twice(card: Card, command: Command, good: Handler) -> bytes:
    """The command is carried out twice."""
    good(card, command)
    return good(card, command)


@FAULTS.command(COMMAND, "gpo.bare-answer", "应答没有模板", "The answer has no template", ["PAY-GPO-001"], paying)
def bare_answer(card: Card, command: Command, good: Handler) -> bytes:
    """AIP and AFL as they are."""
    return good(card, command)[2:]


@FAULTS.command(
    COMMAND, "gpo.reserved-bit", "AIP 保留位为 1", "A reserved bit of the AIP is set", ["PAY-GPO-009"], paying
)
def reserved_bit(card: Card, command: Command, good: Handler) -> bytes:
    """Bit 8 of byte 1."""
    return altered(good(card, command), lambda aip, afl: (bytes((aip[0] | 0x80,)) + aip[1:], afl))


@FAULTS.command(
    COMMAND, "gpo.entry-backwards", "AFL 首记录号大于末记录号", "An AFL entry runs backwards", ["PAY-GPO-008"], paying
)
def entry_backwards(card: Card, command: Command, good: Handler) -> bytes:
    """First and last record of the first entry are 2 and 1."""
    return altered(good(card, command), lambda aip, afl: (aip, afl[:1] + b"\x02\x01\x00" + afl[4:]))


@FAULTS.command(
    COMMAND,
    "gpo.record-missing",
    "AFL 列出不存在的记录",
    "The AFL lists a record that is not there",
    ["PAY-GPO-011"],
    paying,
)
def record_missing(card: Card, command: Command, good: Handler) -> bytes:
    """The last entry reaches one record too far."""
    return altered(good(card, command), lambda aip, afl: (aip, afl[:-2] + bytes((afl[-2] + 20,)) + afl[-1:]))


@FAULTS.command(
    COMMAND,
    "gpo.function-without-data",
    "AIP 声明 CVM，AFL 不含 CVM 列表",
    "The AIP promises cardholder verification, the AFL leaves the list out",
    ["PAY-GPO-010"],
    paying,
)
def function_without_data(card: Card, command: Command, good: Handler) -> bytes:
    """The AFL ends after its first entry."""
    return altered(good(card, command), lambda aip, afl: (bytes((aip[0] | 0x10,)) + aip[1:], afl[:4]))


@FAULTS.command(
    COMMAND, "gpo.any-length", "不检查 PDOL 数据长度", "Values of any length are taken", ["PAY-GPO-012"], paying
)
def any_length(card: Card, command: Command, good: Handler) -> bytes:
    """What is missing is taken for zeros, what is too much is left out."""
    for length in range(250):
        values = command.data[2:].ljust(length, b"\0")[:length]
        try:
            return good(card, command._replace(data=tlv.build(0x83, values)))
        except StatusError as refusal:
            if refusal.sw != SW.WRONG_LENGTH:
                raise
    raise StatusError(SW.WRONG_LENGTH)


@FAULTS.command(
    COMMAND,
    "gpo.blocked-refused",
    "锁定的应用拒绝初始化，无法解锁",
    "A blocked application refuses initiation and can never be unblocked",
    ["PAY-GPO-014"],
    paying,
)
def blocked_refused(card: Card, command: Command, good: Handler) -> bytes:
    """As if it were blocked for good."""
    if Application(card).state == DirectoryState.BLOCKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)


@FAULTS.card("gpo.counter-forgotten", "复位后 ATC 回退", "A reset takes the counter back", ["PAY-GPO-004"], paying)
class CounterForgotten(Card):
    """The counter lives in a buffer that is written back too late."""

    def reset(self, cold: bool = True) -> bytes:
        """The counter of every payment application goes back by one."""
        for cell, value in self.memory.cells.items():
            if cell.startswith("data:") and cell.endswith(":9F36") and isinstance(value, bytes) and any(value):
                self.memory.commit({cell: (int.from_bytes(value) - 1).to_bytes(2)})
        return super().reset(cold)
