"""What the tests of all readers of bytes share."""

from collections.abc import Callable
from typing import TypeVar

from emulator.iso7816 import ApduError, AtrError, TlvError

T = TypeVar("T")


def attempt(parse: Callable[[bytes], T], raw: bytes) -> tuple[T | None, int]:
    """The outcome and 0, or None and the offset of the fault; any undocumented exception escapes."""
    try:
        return parse(raw), 0
    except (ApduError, AtrError, TlvError) as fault:
        return None, fault.offset
