"""What tests ask a decoded exchange."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from profiles import load
from profiles.model import Profile
from reports.trace import Decoded, Decoder, Field

SELECT_SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"


def profile(name: str = "ssc3-sm4") -> Profile:
    """A product that comes along."""
    return load(name)


def decoder(name: str = "ssc3-sm4", *, selected: bool = True) -> Decoder:
    """A decoder of a card that was reset, with the social security environment selected."""
    result = Decoder(profile(name))
    result.reset("3B6D0000008131473186504302 00000013")
    if selected:
        result.exchange(SELECT_SSSE, "9000")
    return result


def walk(fields: tuple[Field, ...]) -> Iterator[Field]:
    """All fields, outer ones before inner ones."""
    for field in fields:
        yield field
        yield from walk(field.children)


def field(decoded: Decoded, name: str) -> Field:
    """The only field with this English name or tag, in command or answer."""
    found = [entry for entry in walk(decoded.fields + decoded.answer) if name in (entry.name.en, entry.tag)]
    if len(found) != 1:
        pytest.fail(f"{len(found)} fields {name}")
    return found[0]
