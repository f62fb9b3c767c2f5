"""Cards that are no social security cards, and benches that break."""

from __future__ import annotations

import random
from collections.abc import Callable

from conformance.failures import BenchError
from conformance.targets.base import Interface, TargetDescription


class ForeignTarget:
    """A card made of one function from command to answer; nothing can be renewed or torn."""

    renewable = False
    tearable = False
    description = TargetDescription(kind="card in a PC/SC reader", reader="Foreign reader", protocol="T=0", details={})
    interfaces = (Interface.CONTACT, Interface.CONTACTLESS)
    interface = Interface.CONTACT
    atr = bytes.fromhex("3B6D00000081544C978684500000000013")

    def connect(self) -> bytes:
        return self.atr

    def switch(self, interface: Interface) -> bytes:
        self.interface = interface
        return self.atr

    def answers_beside(self) -> bool | None:
        return None

    def reset(self, cold: bool = True) -> bytes:
        return self.atr

    def transmit(self, command: bytes) -> bytes:
        raise NotImplementedError

    def renew(self) -> bytes:
        raise BenchError("this bench cannot exchange the card")

    def keep(self) -> Callable[[], bytes]:
        raise BenchError("this bench cannot copy the card")

    def tear(self, command: bytes, write: int) -> bytes | None:
        raise BenchError("this bench cannot cut the supply")

    def close(self) -> None:
        pass


class RandomCard(ForeignTarget):
    """Answers random bytes of random length, its ATR included."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a card of nonsense
        self.atr = self._random.randbytes(self._random.randrange(2, 33))

    def transmit(self, command: bytes) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 2, 2, 3, 18, 20, 60, 258)))


class ConstantCard(ForeignTarget):
    """Answers the same whatever is asked."""

    def __init__(self, answer: str, atr: str = "") -> None:
        self._answer = bytes.fromhex(answer)
        if atr:
            self.atr = bytes.fromhex(atr)

    def transmit(self, command: bytes) -> bytes:
        return self._answer


class PulledCard(ForeignTarget):
    """Is pulled out of the reader after some exchanges."""

    def __init__(self, exchanges: int) -> None:
        self._left = exchanges

    def transmit(self, command: bytes) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise BenchError("Foreign reader: the exchange failed: Card was removed")
        return bytes.fromhex("9000")
