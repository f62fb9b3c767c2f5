"""Data object lists: filling them as a card asks (JR/T 0025.5 §5.4, EMV Book 3 §5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from emulator.iso7816 import tlv
from profiles.dictionary import payment_elements


@cache
def _format(tag: int) -> str:
    element = payment_elements().get(f"{tag:X}")
    return element.format if element else "b"


def fill(dol: bytes, values: Mapping[int, bytes]) -> bytes:
    """The values of a list: zeros for unknown and constructed objects.

    Too long a number loses its left part, anything else its right part; too short a number gets zeros on the left, cn gets F
    on the right, anything else zeros on the right.

    Raises:
        TlvError: The list is none.
    """
    return b"".join(_fitted(tag, length, values.get(tag)) for tag, length in tlv.parse_tags_and_lengths(dol))


def _fitted(tag: int, length: int, value: bytes | None) -> bytes:
    if value is None or tlv.is_constructed(tag):
        return bytes(length)
    if _format(tag) == "n":
        return value[max(len(value) - length, 0) :].rjust(length, b"\0")
    return value[:length].ljust(length, b"\xff" if _format(tag) == "cn" else b"\0")


def tags_of(dol: bytes) -> frozenset[int]:
    """The tags of a list; empty where it is none."""
    try:
        return frozenset(tag for tag, _ in tlv.parse_tags_and_lengths(dol))
    except tlv.TlvError:
        return frozenset()
