"""The elementary files that the standard prescribes, independent of what any profile declares.

A profile that declares fewer files or other lengths than 人社信息函〔2012〕37号 describes a card that deviates from it;
the suites judge by this table and take from the profile only keys and optional parts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from profiles.access import AccessCondition
from profiles.model import Profile, Text

Format = Literal["cn", "an", "b", "template"]
"""cn packed digits padded F, an text padded 00, b binary, template inner objects ``tag ‖ length ‖ value``."""

FORMATS: Mapping[str, Format] = {"cn": "cn", "an": "an", "b": "b", "template": "template"}
ENVIRONMENT = "SSSE"
GENERATIONS = ("1.0", "2.0", "3.0")


class StandardElement(NamedTuple):
    """A data element: a record ``tag(1) ‖ length(1) ‖ value``, an inner object of one, or a field without a tag."""

    tag: int
    """0 for a field of a cyclic record, which has no tag."""
    format: Format
    length: int
    """Bytes of the value."""
    children: tuple[StandardElement, ...] = ()
    either: bool = False
    """Whether the element may stand in another file instead."""

    @property
    def name(self) -> str:
        """Tag and length, e.g. ``08(18)``."""
        return f"{self.tag:02X}({self.length})"

    @property
    def initial_fill(self) -> bytes:
        """The value before anything is written: FF for cn, 00 for an and b, inner objects with their own fill."""
        if self.format == "template":
            return b"".join(child.record(child.initial_fill) for child in self.children)
        return (b"\xff" if self.format == "cn" else b"\x00") * self.length

    def record(self, value: bytes) -> bytes:
        """The record ``tag ‖ length ‖ value``."""
        return bytes([self.tag, len(value)]) + value

    def leaves(self, value: bytes) -> Iterator[tuple[StandardElement, bytes]]:
        """The element with its value, or those inside a template; only what the bytes really hold."""
        if self.format != "template":
            yield self, value
            return
        position = 0
        for child in self.children:
            start = position + 2
            if value[position:start] != bytes([child.tag, child.length]) or len(value) < start + child.length:
                return
            yield child, value[start : start + child.length]
            position = start + child.length


class Right(NamedTuple):
    """What opens an operation, and the requirement that says so."""

    condition: AccessCondition
    requirement: str
    may_be_empty: bool = False
    """Whether a card may answer an element without content instead of refusing."""
    stricter: str | None = None
    """A key that a card may demand for some records all the same."""
    stricter_tags: frozenset[int] = frozenset()
    """The tags of those records."""


@dataclass(frozen=True, slots=True)
class StandardFile:
    """An elementary file of the standard."""

    path: str
    """Directory and file, e.g. ``DF01/EF05``."""
    title: Text
    structure: Literal["transparent", "fixed", "variable", "cyclic"]
    requirements: tuple[str, ...]
    """The requirements of its existence and contents."""
    read: Right
    update: Right
    versions: tuple[str, ...] = GENERATIONS
    records: tuple[StandardElement, ...] = ()
    fields: tuple[StandardElement, ...] = ()
    minimum: int = 0
    """Records that a cyclic file keeps at least."""
    size: int = 0
    """Bytes of a transparent file."""
    extensible: bool = True
    """Whether an area may put records of its own behind the standard's."""

    @property
    def directory(self) -> str:
        """Name of the directory, e.g. ``DF01``."""
        return self.path.partition("/")[0]

    @property
    def label(self) -> str:
        """The path as case identifiers write it, e.g. ``DF01-EF05``."""
        return self.path.replace("/", "-")

    @property
    def fid(self) -> bytes:
        """File identifier, two bytes."""
        return bytes.fromhex(self.path.partition("/")[2])

    @property
    def short_identifier(self) -> int:
        """Short file identifier: the low five bits of the file identifier."""
        return self.fid[1] & 0x1F

    @property
    def record_length(self) -> int:
        """Bytes of a cyclic record."""
        return sum(field.length for field in self.fields)

    @property
    def tags(self) -> frozenset[int]:
        """All record tags."""
        return frozenset(element.tag for element in self.records)

    def leaves(self, record: bytes, element: StandardElement | None = None) -> Iterator[tuple[StandardElement, bytes]]:
        """Elements with their values inside a record: of ``element``, or the fields of a cyclic one."""
        if element is not None:
            yield from element.leaves(record[2:])
            return
        position = 0
        for field in self.fields:
            value = record[position : position + field.length]
            if len(value) == field.length:
                yield field, value
            position += field.length


def generation_of(profile: Profile) -> str:
    """The version of a profile as the catalogue names it: ``1.0``, ``2.0`` or ``3.0``."""
    return f"{profile.specification[0]}.0"


def standard_files(profile: Profile) -> tuple[StandardFile, ...]:
    """The files that a card of this profile must have: those of the environment and of every declared directory."""
    version = generation_of(profile)
    return tuple(
        file
        for file in all_files()
        if version in file.versions and (file.directory == ENVIRONMENT or file.directory in profile.directory)
    )


def standard_file(profile: Profile, path: str) -> StandardFile | None:
    """One of :func:`standard_files`, or None."""
    return next((file for file in standard_files(profile) if file.path == path), None)


@cache
def all_files() -> tuple[StandardFile, ...]:
    """Every file of every version."""
    document = tomllib.loads(files("conformance.suites.standard").joinpath("files.toml").read_text("utf-8"))
    templates = document["template"]
    return tuple(_file(entry, templates) for entry in document["file"])


def _file(entry: Mapping[str, Any], templates: Mapping[str, Sequence[str]]) -> StandardFile:
    return StandardFile(
        path=entry["path"],
        title=Text(**entry["title"]),
        structure=entry["structure"],
        requirements=tuple(entry["requirements"]),
        read=_right(entry["read"]),
        update=_right(entry["update"]),
        versions=tuple(entry.get("versions", GENERATIONS)),
        records=tuple(element for line in entry.get("records", ()) for element in _elements(line, templates)),
        fields=tuple(element for line in entry.get("fields", ()) for element in _elements(f"00 {line}", templates)),
        minimum=entry.get("minimum", 0),
        size=entry.get("size", 0),
        extensible=entry.get("extensible", True),
    )


def _right(entry: Mapping[str, Any]) -> Right:
    return Right(
        condition=AccessCondition.parse(entry["condition"]),
        requirement=entry["requirement"],
        may_be_empty=entry.get("may_be_empty", False),
        stricter=entry.get("stricter"),
        stricter_tags=frozenset(int(tag, 16) for tag in entry.get("stricter_tags", ())),
    )


def _elements(line: str, templates: Mapping[str, Sequence[str]]) -> Iterator[StandardElement]:
    tag, form, length, *rest = line.split()
    children = tuple(child for inner in templates.get(tag, ()) for child in _elements(inner, templates))
    element = StandardElement(
        int(tag, 16), FORMATS[form], int(length), children if form == "template" else (), either="either" in rest
    )
    repeats = next((int(word[1:]) for word in rest if word.startswith("×")), 1)
    for _ in range(repeats):
        yield element
