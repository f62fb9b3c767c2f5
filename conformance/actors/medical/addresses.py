"""The parameter grammar of the official reader interface (LD/T 6001.5): which elements of which files, and their values.

``SSSEEF05|07|$DF01EF05|20|21|$`` names elements of files; ``DF02EF07:01|$`` record 01 of a cyclic file; ``DF03EF06|4A:02|$``
the second element 4A; ``SSSEEF08|$`` a transparent file, or all of one. Values mirror it, ``SSSEEF05|A12345674|$``, the inner
elements of a template separated by ``^`` (reconstructed specification §8.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FILE, FIELD, INNER = "$", "|", "^"
_PLACE = re.compile(r"(SSSE|MF|DF[0-9A-F]{2})(EF[0-9A-F]{2})(?::([0-9]{2}))?")
_ELEMENT = re.compile(r"([0-9A-F]{2})(?::([0-9]{2}))?")


class AddressError(ValueError):
    """Not of the grammar; the message says what, in English."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An element with a tag, the so-manyth of this tag in its file."""

    tag: str
    occurrence: int = 1

    def __str__(self) -> str:
        return self.tag if self.occurrence == 1 else f"{self.tag}:{self.occurrence:02d}"


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A file of a directory: some elements, or a record, or all of it."""

    directory: str
    file: str
    record: int | None = None
    elements: tuple[Wanted, ...] = ()

    @property
    def path(self) -> str:
        """As everywhere else: ``SSSE/EF05``."""
        return f"{self.directory}/{self.file}"

    def __str__(self) -> str:
        record = "" if self.record is None else f":{self.record:02d}"
        return f"{self.directory}{self.file}{record}{FIELD}" + "".join(f"{each}{FIELD}" for each in self.elements)


def parse_addresses(text: str) -> tuple[FileAddress, ...]:
    """The files and elements that a text names.

    Raises:
        AddressError: It is not of the grammar.
    """
    return tuple(_address(part) for part in _parts(text))


def format_addresses(addresses: Sequence[FileAddress]) -> str:
    """The text that names files and elements."""
    return "".join(f"{address}{FILE}" for address in addresses)


def parse_values(text: str) -> tuple[tuple[str, ...], ...]:
    """The values by file, in the order of the addresses that they belong to.

    Raises:
        AddressError: It is not of the grammar.
    """
    found = []
    for part in _parts(text):
        place, *values = part.split(FIELD)
        if not _PLACE.fullmatch(place) or not values or values[-1]:
            raise AddressError(f"{part!r} is not a file and its values, each ended by {FIELD}")
        found.append(tuple(values[:-1]))
    return tuple(found)


def mirrored_values(addresses: Sequence[FileAddress], text: str) -> tuple[tuple[str, ...], ...]:
    """The values of a text that mirrors the addresses: the same files in the same order, so that no value goes to another file.

    Raises:
        AddressError: It is not of the grammar, or names other files.
    """
    values = parse_values(text)
    found = [_PLACE.fullmatch(part.split(FIELD)[0]) for part in _parts(text)]
    named = [(place[1], place[2]) for place in found if place is not None]
    if named != [(address.directory, address.file) for address in addresses]:
        raise AddressError(f"{text!r} does not name the files of {format_addresses(addresses)!r}")
    return values


def format_values(addresses: Sequence[FileAddress], values: Sequence[Sequence[str]]) -> str:
    """The text of values by file."""
    parts = []
    for address, given in zip(addresses, values, strict=True):
        head = str(FileAddress(address.directory, address.file, address.record))
        parts.append(head + "".join(f"{value}{FIELD}" for value in given) + FILE)
    return "".join(parts)


def _parts(text: str) -> list[str]:
    *parts, rest = text.split(FILE)
    if rest or not parts:
        raise AddressError(f"{text!r} does not consist of parts that end with {FILE}")
    return parts


def _address(part: str) -> FileAddress:
    place, *elements = part.split(FIELD)
    found = _PLACE.fullmatch(place)
    if found is None:
        raise AddressError(f"{place!r} names no file such as SSSEEF05 or DF02EF07:01")
    if elements and elements[-1]:
        raise AddressError(f"{part!r} does not end with {FIELD}")
    record = None if found[3] is None else int(found[3])
    return FileAddress(found[1], found[2], record, tuple(_wanted(each) for each in elements[:-1]))


def _wanted(text: str) -> Wanted:
    found = _ELEMENT.fullmatch(text)
    if found is None or found[2] == "00":
        raise AddressError(f"{text!r} names no element such as 07 or 4A:02")
    return Wanted(found[1], 1 if found[2] is None else int(found[2]))
