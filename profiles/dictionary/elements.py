"""Data elements of the records, by tag, and the layouts of records that have no tags."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from profiles.dictionary import values
from profiles.dictionary.items import Content, Field


class Element(Content):
    """A data element 数据元: a record ``tag(1) ‖ length(1) ‖ value``, or an inner object of a template (B-TLV) record.

    ``children`` are the tags of a template's inner objects, in order. ``clause`` says where the element is defined,
    ``confidence`` how sure that is.
    """

    tag: str
    format: Literal["cn", "an", "b", "template"]
    children: tuple[str, ...] = ()
    clause: str
    confidence: str

    def encode(self, value: object) -> bytes:
        """Bytes of the value; a template takes a mapping of inner tags, where an absent one keeps its initial fill.

        Raises :class:`~profiles.dictionary.values.ValueFormatError`.
        """
        if self.format != "template" or isinstance(value, bytes):
            return values.encode("b" if self.format == "template" else self.format, self.length, value)
        if not isinstance(value, Mapping):
            raise values.ValueFormatError(f"a table of the inner elements {', '.join(self.children)} is needed")
        unknown = [str(tag) for tag in value if tag not in self.children]
        if unknown:
            raise values.ValueFormatError(
                f"no inner element {', '.join(unknown)}; there are {', '.join(self.children)}"
            )
        return b"".join(_inner(element(tag), value.get(tag)) for tag in self.children)

    def decode(self, raw: bytes) -> str:
        """Text of a value, padding taken off; a template reads ``57=403 58=080900``. Never fails."""
        if self.format != "template":
            return values.decode(self.format, raw)
        inner = self.decode_children(raw)
        return raw.hex().upper() if inner is None else " ".join(f"{tag}={text}" for tag, text in inner.items())

    def decode_children(self, raw: bytes) -> dict[str, str] | None:
        """Text by tag of a template's inner elements; None when ``raw`` is not what the template prescribes."""
        texts: dict[str, str] = {}
        position = 0
        for child in map(element, self.children):
            head = bytes.fromhex(child.tag) + bytes((child.length,))
            if raw[position : position + 2] != head or len(raw) < position + 2 + child.length:
                return None
            texts[child.tag] = child.decode(raw[position + 2 : position + 2 + child.length])
            position += 2 + child.length
        return texts if self.children and position == len(raw) else None

    @property
    def initial_fill(self) -> bytes:
        """The bytes before anything is written; a template holds its inner objects, each with its own fill."""
        if self.format == "template":
            return b"".join(_inner(element(tag), None) for tag in self.children)
        return values.initial_fill(self.format, self.length)

    def is_initial_fill(self, raw: bytes) -> bool:
        """Whether nothing was ever written. A template filled throughout with 00 or FF counts too."""
        if self.format == "template" and raw in (b"\x00" * self.length, b"\xff" * self.length):
            return True
        return raw == self.initial_fill

    def record(self, value: bytes) -> bytes:
        """The record ``tag ‖ length ‖ value``."""
        return bytes.fromhex(self.tag) + bytes((len(value),)) + value


def _inner(child: Element, value: object) -> bytes:
    try:
        return child.record(child.initial_fill if value is None else child.encode(value))
    except values.ValueFormatError as error:
        raise values.ValueFormatError(f"{child.tag} {child.zh}: {error}") from None


class Layout(BaseModel):
    """The fields of a record without tags, in order (cyclic files, the medical amounts file)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    zh: str
    en: str
    field: tuple[Field, ...]
    clause: str

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return sum(field.length for field in self.field)

    def encode(self, value: object) -> bytes:
        """Bytes of a record from a mapping of English or Chinese field names, or a sequence in order.

        An absent field keeps its initial fill. Raises :class:`~profiles.dictionary.values.ValueFormatError`.
        """
        return b"".join(
            field.initial_fill if given is None else _field(field, given)
            for field, given in zip(self.field, self.arrange(value), strict=True)
        )

    def arrange(self, value: object) -> tuple[Any, ...]:
        """The given values in the order of the fields, None for those that are absent."""
        if isinstance(value, Mapping):
            names = {name for field in self.field for name in (field.en, field.zh)}
            unknown = [str(name) for name in value if name not in names]
            if unknown:
                known = ", ".join(field.en for field in self.field)
                raise values.ValueFormatError(f"no field {', '.join(unknown)}; there are {known}")
            return tuple(value.get(field.en, value.get(field.zh)) for field in self.field)
        if isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == len(self.field):
            return tuple(value)
        raise values.ValueFormatError(f"a table of fields, or a list of {len(self.field)} values, is needed")

    def decode_fields(self, raw: bytes) -> tuple[tuple[Field, str], ...]:
        """Each field with its text; fields beyond the end of ``raw`` are left out. Never fails."""
        texts = []
        position = 0
        for field in self.field:
            piece = raw[position : position + field.length]
            if len(piece) < field.length:
                break
            texts.append((field, field.decode(piece)))
            position += field.length
        return tuple(texts)

    @property
    def initial_fill(self) -> bytes:
        """The bytes of a record before anything is written."""
        return b"".join(field.initial_fill for field in self.field)


def _field(field: Field, value: object) -> bytes:
    try:
        return field.encode(value)
    except values.ValueFormatError as error:
        raise values.ValueFormatError(f"{field.en} {field.zh}: {error}") from None


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads(files("profiles.dictionary").joinpath(name).read_text("utf-8"))


@cache
def elements() -> Mapping[str, Element]:
    """Every data element by its tag of two upper-case hexadecimal digits, in the order of the standard."""
    found: dict[str, Element] = {}
    for group in _document("elements.toml")["group"]:
        common = {"clause": group["clause"], "confidence": group["confidence"]}
        for tag, entry in group["element"].items():
            found[tag] = Element(**{**common, **entry, "tag": tag})
    return found


def element(tag: str) -> Element:
    """The data element of a tag; raises :class:`KeyError` for an unknown one."""
    return elements()[tag]


@cache
def layouts() -> Mapping[str, Layout]:
    """Every record layout by its name."""
    return {name: Layout(name=name, **entry) for name, entry in _document("layouts.toml").items()}


def layout(name: str) -> Layout:
    """The record layout of a name; raises :class:`KeyError` for an unknown one."""
    return layouts()[name]
