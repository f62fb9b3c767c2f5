"""The virtual card in a real PC/SC reader: own stack, own card, the whole way through pcscd and vpcd.

The bench holds the card object besides, as somebody who prepares cards would: it can put in a fresh one and cut the
supply at any write. Everything that a case learns still comes through the reader.
"""

from __future__ import annotations

from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget, cut_supply_at
from conformance.targets.pcsc import PcscTarget
from emulator.cos.card import Card
from emulator.cos.memory import PowerLoss
from emulator.links.stack import Stack, StackError, open_stack


class VirtualReaderTarget(PcscTarget):
    """A card of ours in slot 0 of a stack of ours."""

    renewable = True
    tearable = True

    def __init__(self, card: Card, stack: Stack | None = None) -> None:
        try:
            self._stack = (stack or open_stack()).start()
        except StackError as problem:
            raise BenchError(str(problem)) from None
        try:
            self._link = self._stack.insert(card, gone=(PowerLoss,))
            super().__init__(self._stack.reader_names[0], "virtual card in a PC/SC reader")
        except BaseException:
            self._stack.stop()
            raise
        self._bench_side = InProcessTarget(card)

    def renew(self) -> bytes:
        """Put a fresh card in."""
        self._bench_side.renew()
        return self.reset()

    def tear(self, command: bytes, write: int) -> bytes | None:
        """Cut the supply at a physical write of the card's memory; the reader then reports a failed exchange."""
        with cut_supply_at(self._bench_side.card, write) as cut:
            answered = self._exchange(command)
        return None if cut.happened else self._response(answered, command)

    def close(self) -> None:
        """Take the card out and end the stack."""
        super().close()
        self._link.stop()
        self._stack.stop()
        self._bench_side.close()
