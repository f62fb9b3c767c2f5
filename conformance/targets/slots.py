"""Slots of readers on a desk, into which virtual chips are put one after the other: in a private PC/SC stack, or in process."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from conformance.failures import BenchError
from conformance.targets.base import Target
from conformance.targets.in_process import InProcessTarget
from conformance.targets.pcsc import PcscTarget
from conformance.targets.virtual_reader import KIND, insert_sides
from emulator.links.stack import Stack, StackError, open_stack
from emulator.links.vpcd import LinkError, VpcdLink

SLOTS_OF_A_READER = 2


class Slots:
    """No readers: a chip that is put in is reached in process."""

    kind = "in process"

    def put(self, chip: InProcessTarget, *, antenna: bool = False) -> Target:
        """Put a chip into the next slot, switched on; with ``antenna`` the slot after it is a field in which it lies, too."""
        chip.connect()
        return chip

    def pull(self, target: Target) -> None:
        """Pull a chip out: it loses its power and all that a session knew; in a reader it answers nothing before :meth:`push`."""
        if isinstance(target, InProcessTarget):
            target.power_off()

    def push(self, target: Target) -> None:
        """Put a chip that was pulled out back into its slot; a reset reaches it."""

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
        self._links: dict[PcscTarget, list[VpcdLink]] = {}

    def put(self, chip: InProcessTarget, *, antenna: bool = False) -> Target:
        """Put a chip into the next slot and connect to it through PC/SC."""
        slot = sum(map(len, self._links.values()))
        try:
            names = self._stack.reader_names[slot:]
            links = insert_sides(self._stack, chip.card, slot, antenna=antenna)
            target = PcscTarget(names[0], KIND, contactless_reader=names[1] if antenna else None)
        except (LinkError, IndexError) as problem:
            raise BenchError(f"no slot {slot} for the chip: {problem}") from None
        self._links[target] = links
        target.wait_for_card()
        target.connect()
        return target

    def pull(self, target: Target) -> None:
        """Pull a chip out of its reader, and wait until that has noticed."""
        reader, links = self._found(target)
        for link in links:
            link.remove()
        reader.wait_for_removal()

    def push(self, target: Target) -> None:
        """Put it back, the antenna first, and wait until its reader has noticed: it gives power and chooses the protocol anew."""
        reader, links = self._found(target)
        for link in links:
            link.insert()
        reader.wait_for_card()

    def _found(self, target: Target) -> tuple[PcscTarget, list[VpcdLink]]:
        return next((each, links) for each, links in self._links.items() if each is target)

    def close(self) -> None:
        """Let go of the chips and end the stack."""
        for target in self._links:
            target.close()
        self._stack.stop()


def open_slots(count: int, tell: Callable[[str, str], None]) -> Slots:
    """Slots of real readers where PC/SC can be had; otherwise in process, which ``tell`` (Chinese, English) says."""
    try:
        return ReaderSlots(count)
    except BenchError as problem:
        tell("没有可用的 PC/SC，改为进程内演示", f"no PC/SC to be had here, showing it in process instead: {problem}")
        return Slots()
