"""Bytes of which some may be unknown: a trace that was redacted writes ``XX`` for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_BLANKS = re.compile(r"[\s:]+")
_HEX = re.compile(r"(?:[0-9A-F]{2}|XX)*\Z")
MASK = "XX"


class OctetsError(ValueError):
    """The text is no hexadecimal notation of bytes."""


@dataclass(frozen=True, slots=True)
class Octets:
    """A sequence of bytes; those at the offsets in ``unknown`` stand as 00 in ``value``."""

    value: bytes
    unknown: frozenset[int] = frozenset()

    @classmethod
    def of(cls, source: bytes | str | Octets) -> Octets:
        """Take bytes, or hexadecimal text in which ``XX`` is an unknown byte; blanks and colons are ignored.

        Raises:
            OctetsError: The text holds something else.
        """
        if isinstance(source, Octets):
            return source
        if isinstance(source, str):
            return cls._parse(source)
        return cls(bytes(source))

    @classmethod
    def _parse(cls, text: str) -> Self:
        compact = _BLANKS.sub("", text).upper()
        if not _HEX.match(compact):
            raise OctetsError("an even number of hexadecimal digits was expected, or XX for an unknown byte")
        if MASK not in compact:
            return cls(bytes.fromhex(compact))
        pairs = [compact[i : i + 2] for i in range(0, len(compact), 2)]
        unknown = frozenset(i for i, pair in enumerate(pairs) if pair == MASK)
        return cls(bytes(0 if pair == MASK else int(pair, 16) for pair in pairs), unknown)

    def __len__(self) -> int:
        return len(self.value)

    def cut(self, start: int, stop: int | None = None) -> Octets:
        """The bytes from ``start`` to before ``stop``; both within the sequence or beyond its end."""
        stop = len(self.value) if stop is None else min(stop, len(self.value))
        if not self.unknown:
            return Octets(self.value[start:stop])
        return Octets(self.value[start:stop], frozenset(i - start for i in self.unknown if start <= i < stop))

    def __add__(self, other: Octets) -> Octets:
        size = len(self.value)
        return Octets(self.value + other.value, self.unknown | {i + size for i in other.unknown})

    @property
    def known(self) -> bool:
        """Whether every byte is known."""
        return not self.unknown

    def hex(self, hidden: Iterable[tuple[int, int]] = ()) -> str:
        """Upper-case hexadecimal digits without blanks, ``XX`` for unknown bytes and for those in ``hidden`` ranges."""
        digits = self.value.hex().upper()
        offsets = set(self.unknown)
        for start, stop in hidden:
            offsets.update(range(max(start, 0), min(stop, len(self.value))))
        if not offsets:
            return digits
        return "".join(MASK if i in offsets else digits[2 * i : 2 * i + 2] for i in range(len(self.value)))
