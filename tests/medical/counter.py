"""A window with the official reader interface, a card whose answers may be altered, and an HSM behind it."""

from __future__ import annotations

from collections.abc import Callable

from conformance.actors.medical.hsm import BackEnd, Hsm
from conformance.actors.medical.middleware import Middleware
from profiles import load
from tests.medical.hospital import Hospital

DEVICE = "00010100202111010884"
Alter = Callable[[bytes, bytes], bytes]


class Counter:
    """A window with the interface; the key pad gives what the attributes say."""

    def __init__(self, product: str = "ssc3-sm4", *, with_sam: bool = True) -> None:
        self.hospital = Hospital(product, with_sam=with_sam)
        self.new_pin: str | None = None
        self.reader = self.hospital.terminal.reader
        self.interface = Middleware(self.reader, device=DEVICE, new_pin=lambda: self.new_pin)

    def __call__(self, name: str, *arguments: int | str) -> tuple[int, str]:
        return self.interface.call(name, *arguments)

    def alter(self, change: Alter) -> None:
        """From now on the card answers what ``change`` makes of command and answer."""
        good = self.hospital.slot.target.transmit
        self.hospital.slot.target.transmit = lambda command: change(command, good(command))  # type: ignore[method-assign]

    def back_end(self, group: int = 1) -> BackEnd:
        """A back end with an HSM for this card."""
        return BackEnd(Hsm(load(self.hospital.product)), self.reader.card, group=group)


def content(product: str, file: str, tag: str) -> str:
    """What a product's card has in SSSE."""
    return str(load(product).content["SSSE"][file][tag])


def first_and_second(counter: Counter, name: str, *arguments: int | str, group: int = 1) -> tuple[str, str]:
    """What step 1 of an operation answers, and what the HSM says to it."""
    code, asked = counter(f"{name}_HSM_Step1", *arguments)
    assert code == 0, asked
    return asked, counter.back_end(group).answer(f"{name}_HSM_Step1", asked)
