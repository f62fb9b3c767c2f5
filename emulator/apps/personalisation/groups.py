"""Data groupings as they lie in STORE DATA: ``DGI 2 ‖ length 1, or FF ‖ length 2 ‖ value``, one after the other."""

from __future__ import annotations

from typing import NamedTuple

LONG_LENGTH = 0xFF
LONGEST_VALUE = 2048
"""Bytes of the largest grouping that the card takes."""


class Group(NamedTuple):
    """A data grouping: its DGI, and its value as it came."""

    identifier: int
    value: bytes


class GroupTooLong(ValueError):
    """A grouping announces more bytes than the card takes."""


def split(data: bytes) -> tuple[tuple[Group, ...], bytes]:
    """The whole groupings at the beginning, and the rest: the beginning of one that a later command goes on with.

    Raises:
        GroupTooLong: A length is beyond :data:`LONGEST_VALUE`.
    """
    groups, position = [], 0
    while (start := _start_of_value(data, position)) is not None:
        begin, length = start
        if length > LONGEST_VALUE:
            raise GroupTooLong(f"{length} bytes")
        if begin + length > len(data):
            break
        groups.append(Group(int.from_bytes(data[position : position + 2]), data[begin : begin + length]))
        position = begin + length
    return tuple(groups), data[position:]


def _start_of_value(data: bytes, position: int) -> tuple[int, int] | None:
    """Where the value of the grouping at a position begins, and its length; None while the head is not whole."""
    head = data[position : position + 5]
    if len(head) < 3:
        return None
    if head[2] != LONG_LENGTH:
        return position + 3, head[2]
    return (position + 5, int.from_bytes(head[3:])) if len(head) == 5 else None
