"""The code lists of the standard, and whether a value stands in them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from conformance.suites.standard.files import StandardElement
from conformance.suites.standard.values import digits
from profiles.model import Text


@dataclass(frozen=True, slots=True)
class CodeRule:
    """Where a code stands, and the values that it may have."""

    requirement: str
    title: Text
    path: str
    """Directory and file, e.g. ``DF01/EF05``."""
    tag: int | None
    """Tag of the element; None for a field of a cyclic record."""
    inside: int | None
    """Tag of the record in which an inner element stands."""
    field: int | None
    """Place of a field in a cyclic record, from 1."""
    codes: frozenset[str]
    shown: str
    """The list in short, for a person."""

    @property
    def name(self) -> str:
        """Where it stands, as case identifiers write it, e.g. ``DF01-EF05-20``."""
        place = (
            f"{self.inside:02X}-{self.tag:02X}"
            if self.inside is not None
            else f"{self.tag:02X}"
            if self.tag
            else f"field{self.field}"
        )
        return f"{self.path.replace('/', '-')}-{place}"

    def holds(self, element: StandardElement, value: bytes) -> bool:
        """Whether a value is one of the codes, written exactly as its format asks."""
        if element.format == "cn":
            return digits(value) in self.codes
        return value.rstrip(b"\x00") in {code.encode() for code in self.codes}


@cache
def code_rules() -> tuple[CodeRule, ...]:
    """Every code list, in the order of the catalogue."""
    document = tomllib.loads(files("conformance.suites.standard").joinpath("codes.toml").read_text("utf-8"))
    return tuple(_rule(entry) for entry in document["list"])


def _rule(entry: Mapping[str, Any]) -> CodeRule:
    parts: list[list[str]] = entry.get("parts") or [entry["codes"]]
    return CodeRule(
        requirement=entry["requirement"],
        title=Text(**entry["title"]),
        path=entry["path"],
        tag=int(entry["tag"], 16) if "tag" in entry else None,
        inside=int(entry["inside"], 16) if "inside" in entry else None,
        field=entry.get("field"),
        codes=frozenset("".join(pieces) for pieces in product(*parts)),
        shown=" + ".join(_shortened(part) for part in parts),
    )


def _shortened(codes: list[str]) -> str:
    return ", ".join(codes if len(codes) <= 20 else [*codes[:5], "…", codes[-1]])
