"""Slots of readers on a desk, into which virtual chips are put one after the other: in a private PC/SC stack, or in process."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from conformance.failures import BenchError
from conformance.targets.base import Target
from conformance.targets.in_process import InProcessTarget
from conformance.targets.pcsc import PcscTarget
from emulator.cos.memory import PowerLoss
from emulator.links.stack import Stack, StackError, open_stack
from emulator.links.vpcd import LinkError

SLOTS_OF_A_READER = 2


class Slots:
    """No readers: a chip that is put in is reached in process."""

    kind = "in process"

    def put(self, chip: InProcessTarget) -> Target:
        """Put a chip into the next slot, switched on."""
        chip.connect()
        return chip

    def close(self) -> None:
        """Nothing was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ReaderSlots(Slots):
    """Slots of virtual readers in a PC/SC stack that is started for them; raises :class:`BenchError` where none can be had."""

    kind = "PC/SC"

    def __init__(self, count: int, stack: Stack | None = None) -> None:
        try:
            self._stack = (stack or open_stack(-(-count // SLOTS_OF_A_READER))).start()
        except StackError as problem:
            raise BenchError(str(problem)) from None
        self._targets: list[PcscTarget] = []

    def put(self, chip: InProcessTarget) -> Target:
        """Put a chip into the next slot and connect to it through PC/SC."""
        slot = len(self._targets)
        try:
            self._stack.insert(chip.card, slot, gone=(PowerLoss,))
            target = PcscTarget(self._stack.reader_names[slot], "virtual card in a PC/SC reader")
        except (LinkError, IndexError) as problem:
            raise BenchError(f"no slot {slot} for the chip: {problem}") from None
        self._targets.append(target)
        target.wait_for_card()
        target.connect()
        return target

    def close(self) -> None:
        """Let go of the chips and end the stack."""
        for target in self._targets:
            target.close()
        self._stack.stop()


def open_slots(count: int, tell: Callable[[str, str], None]) -> Slots:
    """Slots of real readers where PC/SC can be had; otherwise in process, which ``tell`` (Chinese, English) says."""
    try:
        return ReaderSlots(count)
    except BenchError as problem:
        tell("没有可用的 PC/SC，改为进程内演示", f"no PC/SC to be had here, showing it in process instead: {problem}")
        return Slots()
