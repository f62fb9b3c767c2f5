"""Faults of writing: what a cut of the supply leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import rehearsed
from conformance.faults.resets import Haunted
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import PowerLoss, Value
from emulator.cos.structure import DirectoryState
from emulator.iso7816 import Command

FAULTS = FaultSet()


def in_steps(card: Card, command: Command, good: Handler) -> bytes:
    """Perform a command that writes cell by cell, and every longer value in two halves."""
    answer, refused, written = rehearsed(card, command, good)
    for cell, value in written.items():
        for step in _steps(card.memory.cells.get(cell), value):
            card.memory.commit({cell: step})
    if refused is not None:
        raise refused
    return answer


def _steps(old: Value | None, new: Value) -> Iterator[Value]:
    """The values that a cell goes through."""
    if isinstance(old, tuple) and isinstance(new, tuple):
        yield _half_records(old, new)
    elif isinstance(old, bytes) and isinstance(new, bytes):
        yield _half(old, new)
    yield new


def _half_records(old: tuple[bytes, ...], new: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Records of which those that change are half written; a record that is new in its place is half blank."""
    before = old if len(old) == len(new) else (b"", *old)[: len(new)]
    return tuple(there if there == wanted else _half(there, wanted) for there, wanted in zip(before, new, strict=True))


def _half(old: bytes, new: bytes) -> bytes:
    """Of the bytes that change the first half new and the rest old, or as an erased memory has them."""
    old = old.ljust(len(new), b"\0")[: len(new)]
    changing = [index for index, (there, wanted) in enumerate(zip(old, new, strict=True)) if there != wanted]
    middle = changing[len(changing) // 2] if changing else 0
    return new[:middle] + old[middle:]


@FAULTS.command(
    "UPDATE RECORD",
    "tear.record",
    "断电后记录半新半旧",
    "A torn UPDATE RECORD leaves half a record",
    ["SSC-TEAR-001", "SSC-TEAR-003"],
)
def record(card: Card, command: Command, good: Handler) -> bytes:
    """The record is written in place, without a journal."""
    return in_steps(card, command, good)


@FAULTS.command(
    "UPDATE BINARY",
    "tear.binary",
    "断电后二进制数据半新半旧",
    "A torn UPDATE BINARY leaves half a block",
    ["SSC-TEAR-002"],
    having("SSSE/EF08"),
)
def binary(card: Card, command: Command, good: Handler) -> bytes:
    """The block is written in place, without a journal."""
    return in_steps(card, command, good)


@FAULTS.command(
    "UPDATE RECORD",
    "tear.append",
    "断电后循环文件丢失记录",
    "A torn append has dropped the oldest record already",
    ["SSC-TEAR-003"],
    having("DF04/EF15"),
)
def append(card: Card, command: Command, good: Handler) -> bytes:
    """Room is made before the record is written."""
    answer, refused, written = rehearsed(card, command, good)
    for cell, value in written.items():
        old = card.memory.cells.get(cell)
        if isinstance(value, tuple) and isinstance(old, tuple) and value[1:] == old[: len(value) - 1]:
            blank = bytes(len(value[0]))
            card.memory.commit({cell: (blank, *value[1:])})
    if written:
        card.memory.commit(written)
    if refused is not None:
        raise refused
    return answer


@FAULTS.command(
    "DEBIT FOR PURCHASE",
    "tear.purchase",
    "断电后累计金额与交易明细不一致",
    "A torn purchase leaves sums and log that disagree",
    ["SSC-TEAR-004"],
    having("DF04/TF", "DF04/EF08"),
)
def purchase(card: Card, command: Command, good: Handler) -> bytes:
    """The sums are written before the log."""
    return in_steps(card, command, good)


@FAULTS.command(
    "CHANGE PIN",
    "tear.change-pin",
    "断电后新旧密码均无效",
    "A torn CHANGE PIN leaves a PIN that is neither",
    ["SSC-TEAR-005"],
)
def change_pin(card: Card, command: Command, good: Handler) -> bytes:
    """The PIN is written byte by byte."""
    return in_steps(card, command, good)


@FAULTS.command(
    "UNBLOCK PIN",
    "tear.reload-pin",
    "断电后新旧密码均无效（重装）",
    "A torn RELOAD PIN leaves no PIN at all",
    ["SSC-TEAR-006"],
)
def reload_pin(card: Card, command: Command, good: Handler) -> bytes:
    """The old PIN is erased before the new one is written."""
    answer, refused, written = rehearsed(card, command, good)
    for cell, value in written.items():
        if isinstance(value, bytes):
            card.memory.commit({cell: b"\xff" * len(value)})
    if written:
        card.memory.commit(written)
    if refused is not None:
        raise refused
    return answer


@FAULTS.command(
    "WRITE KEY with MAC",
    "tear.key",
    "断电后新旧密钥均无效",
    "A torn key update leaves a key that is neither",
    ["SSC-TEAR-007"],
)
def key(card: Card, command: Command, good: Handler) -> bytes:
    """The key is written in halves."""
    return in_steps(card, command, good)


@FAULTS.command(
    "APPLICATION BLOCK",
    "tear.block",
    "断电后应用处于未完成状态",
    "A torn block leaves the application under creation",
    ["SSC-TEAR-008"],
    having("DF03", "DF04"),
)
def block(card: Card, command: Command, good: Handler) -> bytes:
    """The state byte is erased before it is written, and erased means not yet finished."""
    answer, refused, written = rehearsed(card, command, good)
    for cell in written:
        card.memory.commit({cell: DirectoryState.CREATION})
    if written:
        card.memory.commit(written)
    if refused is not None:
        raise refused
    return answer


@FAULTS.card(
    "tear.rights-survive", "断电后安全状态仍在", "The security status survives a cut of the supply", ["SSC-TEAR-009"]
)
class RightsSurvive(Card):
    """An interrupted write is completed after the reset, and the rights of that moment come back with it."""

    interrupted_with = 0

    def transmit(self, raw: bytes) -> bytes:
        """Remember what was verified when the supply failed."""
        held = self.session.global_word
        try:
            return super().transmit(raw)
        except PowerLoss:
            self.interrupted_with = held
            raise

    def reset(self, cold: bool = True) -> bytes:
        """Go on with the rights of an interrupted command."""
        atr = super().reset(cold)
        if self.interrupted_with:
            self.session = Haunted(self.master_file)
            self.session.inherited, self.interrupted_with = self.interrupted_with, 0
        return atr
