"""The virtual card in a real PC/SC reader: own stack, own card, the whole way through pcscd and vpcd.

The bench holds the card object besides, as somebody who prepares cards would: it can put in a fresh one and cut the
supply at any write. Everything that a case learns still comes through the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from conformance.failures import BenchError
from conformance.targets.in_process import cut_supply_at
from conformance.targets.pcsc import PcscTarget
from emulator.cos.card import Card
from emulator.cos.memory import PowerLoss, Snapshot
from emulator.links.stack import Stack, StackError, open_stack
from emulator.links.vpcd import LinkError, VpcdLink

KIND = "virtual card in a PC/SC reader"


def insert_sides(stack: Stack, card: Card, slot: int, *, antenna: bool) -> list[VpcdLink]:
    """Put a card into a slot; with ``antenna`` also into the field of the slot after it.

    The links come in the order in which the sides have to be put in: the field gets no answer once the contacts have power.
    """
    field = [stack.insert(card.contactless(), slot + 1, gone=(PowerLoss,))] if antenna else []
    return [*field, stack.insert(card, slot, gone=(PowerLoss,))]


class VirtualReaderTarget(PcscTarget):
    """A card of ours in slot 0 of a stack of ours; where it has an antenna, that is in the field of slot 1."""

    renewable = True
    tearable = True

    def __init__(self, card: Card, stack: Stack | None = None) -> None:
        dual = card.structure.contactless
        try:
            self._stack = (stack or open_stack()).start()
        except StackError as problem:
            raise BenchError(str(problem)) from None
        try:
            insert_sides(self._stack, card, 0, antenna=dual)
            names = self._stack.reader_names
            super().__init__(names[0], KIND, contactless_reader=names[1] if dual else None)
            self.wait_for_card()
        except LinkError as problem:
            self._stack.stop()
            raise BenchError(str(problem)) from None
        except BaseException:
            self._stack.stop()
            raise
        self._virtual_card = card
        self._fresh = card.snapshot()

    def answers_beside(self) -> bool | None:
        """Call the card in the field, where it is for certain."""
        others = [reader for interface, reader in self._readers.items() if interface is not self.interface]
        if not others:
            return None
        try:
            others[0].connect()
        except BenchError:
            return False
        finally:
            others[0].release()
        return True

    def renew(self) -> bytes:
        """Put a fresh card in."""
        return self._put_in(self._fresh)

    def keep(self) -> Callable[[], bytes]:
        """Keep the whole memory."""
        return partial(self._put_in, self._virtual_card.snapshot())

    def _put_in(self, memory: Snapshot) -> bytes:
        self._virtual_card.restore(memory)
        return self.reset()

    def tear(self, command: bytes, write: int) -> bytes | None:
        """Cut the supply at a physical write of the card's memory; the reader then reports a failed exchange."""
        with cut_supply_at(self._virtual_card, write) as cut:
            answered = self._here.exchange(command)
        return None if cut.happened else self._here.response(answered, command)

    def close(self) -> None:
        """Take the card out and end the stack."""
        super().close()
        self._stack.stop()
        self._virtual_card.memory.close()
