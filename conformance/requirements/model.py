"""The typed form of a requirement catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from conformance.requirements.conditions import Applicability, CardTraits, Condition, Feature, assess
from conformance.requirements.terms import Coverage, Evidence, Level, Text


class Document(NamedTuple):
    """A document that requirements are taken from."""

    name: str
    title: Text


class Source(NamedTuple):
    """The clause of a document behind a requirement."""

    document: Document
    clause: str

    def __str__(self) -> str:
        return f"{self.document.name} {self.clause}".rstrip()


class OfficialItem(NamedTuple):
    """A test item, or a group of tests, of an official test specification. Its tie to requirements is ours."""

    standard: str
    """E.g. ``LD/T 6001.3``."""
    number: str | None
    """Clause number, or None for a group that is known by name only."""
    name: str
    """Official name, e.g. ``SSSE_RECORD``."""
    title: Text
    coverage: Coverage
    reason: Text | None
    """Why it cannot be tested; None when it can."""

    @property
    def key(self) -> str:
        """How requirements name it: standard and number, or standard and name; e.g. ``LD/T 6001.3 7.1``."""
        return f"{self.standard} {self.number or self.name}"

    def __str__(self) -> str:
        return " ".join(part for part in (self.standard, self.number, self.name) if part)


class Check(NamedTuple):
    """One step of a check.

    Under T=0, 61xx counts as 9000. Where several status words are given any of them is good; the first is the usual one.
    Lengths inside commands are hexadecimal.

    Social security: unless it says otherwise a check starts with reset and SELECT SSSE, and DFs are selected by AID.
    ``…`` in an authentication stands for cryptogram ‖ source data, with a key version where the card needs one.

    Payment: unless it says otherwise a check starts with reset and SELECT of the application by AID. GPO is GET
    PROCESSING OPTIONS; GAC1 and GAC2 are the first and second GENERATE AC, GAC1 for TC where nothing else is said; a
    transaction is SELECT, GPO and GAC1. ``CVR 3.b8`` is bit 8, the highest, of byte 3.
    """

    stimulus: str
    expected: str

    def __str__(self) -> str:
        return f"{self.stimulus} → {self.expected}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One checkable requirement."""

    id: str
    """E.g. ``SSC-ATR-001`` or ``PAY-GAC-021``; never reused or renumbered."""
    area: str
    """Code of the area that it belongs to, as its id has it, with or without the prefix."""
    title: Text
    statement: str
    """The requirement as a complete English sentence."""
    sources: tuple[Source, ...]
    level: Level
    condition: Condition
    checks: tuple[Check, ...]
    official: tuple[OfficialItem, ...]
    """Official items it is assigned to; empty for none."""
    confidence: Evidence

    @property
    def expected(self) -> str:
        """All steps of the check in one line, ``stimulus → expected; …``."""
        return "; ".join(str(check) for check in self.checks)

    @property
    def is_hard(self) -> bool:
        """Whether a failure may be reported as non-conformity: MUST, with S or P+ behind every part of it.

        Any other failed requirement is a deviation from the reconstruction, never from the standard.
        """
        return self.level is Level.MUST and self.confidence.is_hard

    def applicability(self, traits: CardTraits) -> Applicability:
        """Whether it applies to a card, at which level, and why."""
        return assess(self.condition, self.level, self.is_hard, traits)


@dataclass(frozen=True, slots=True)
class Area:
    """A chapter of a catalogue, e.g. ``ATR`` of social security, ``PAY-SEL`` of payment: no two catalogues share a code."""

    code: str
    order: int
    title: Text
    coverage: Coverage
    requirements: tuple[Requirement, ...]


class UnknownNameError(ValueError):
    """A name that the catalogue does not know; the message says which ones it knows."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All requirements for one kind of card."""

    name: str
    title: Text
    areas: tuple[Area, ...]
    official_items: Mapping[str, OfficialItem]
    """By :attr:`OfficialItem.key`."""
    features: Mapping[str, Feature]
    """The closed vocabulary of conditions."""

    @cached_property
    def requirements(self) -> Mapping[str, Requirement]:
        """All requirements by id, in the catalogue's order."""
        return MappingProxyType(
            {requirement.id: requirement for area in self.areas for requirement in area.requirements}
        )

    def area(self, code: str) -> Area:
        """The area of a code; raise :class:`UnknownNameError` when there is none."""
        for area in self.areas:
            if area.code == code:
                return area
        raise UnknownNameError(f"area {code!r} is unknown; known are {', '.join(area.code for area in self.areas)}")

    def joined(self, other: Catalogue) -> Catalogue:
        """Both catalogues as one, this one first; words, items and areas must mean the same in both."""
        return Catalogue(
            name=f"{self.name}, {other.name}",
            title=Text(f"{self.title.zh}、{other.title.zh}", f"{self.title.en}; {other.title.en}"),
            areas=self.areas + other.areas,
            official_items=MappingProxyType({**self.official_items, **other.official_items}),
            features=MappingProxyType({**self.features, **other.features}),
        )

    def applicable(self, traits: CardTraits) -> list[Requirement]:
        """The requirements that apply to a card; raise :class:`UnknownNameError` for a feature outside the vocabulary.

        The check matters: a misspelt feature would silently make requirements inapplicable.
        """
        unknown = sorted(traits.features - self.features.keys())
        if unknown:
            raise UnknownNameError(f"features {', '.join(unknown)} are unknown; known are {', '.join(self.features)}")
        assessed = self.assessed(traits)
        return [requirement for requirement in self.requirements.values() if assessed[requirement.id].applies]

    def assessed(self, traits: CardTraits) -> Mapping[str, Applicability]:
        """The applicability of every requirement to a card, by id."""
        return _assessed(self, traits)

    def features_of(self, parts: Iterable[str]) -> frozenset[str]:
        """The features that follow from directories (``DF01``), files (``SSSE/EF0C``) and payment parts (``data 9F79``)."""
        present = set(parts)
        return frozenset(feature.name for feature in self.features.values() if feature.part in present)

    def assigned_to(self, item: OfficialItem) -> tuple[Requirement, ...]:
        """The requirements that are assigned to an official item."""
        return tuple(requirement for requirement in self.requirements.values() if item in requirement.official)

    @cached_property
    def sha256(self) -> str:
        """Digest of the content in canonical form; neither comments, layout nor file names of the data enter it."""
        content = [self.name, self.title, [_plain(area) for area in self.areas]]
        items = [_plain_item(item) for _, item in sorted(self.official_items.items())]
        canonical = json.dumps([content, items], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@lru_cache(maxsize=16)
def _assessed(catalogue: Catalogue, traits: CardTraits) -> Mapping[str, Applicability]:
    """Kept for the cards looked at last: a run asks when it chooses its cases and when it judges."""
    return MappingProxyType({entry.id: entry.applicability(traits) for entry in catalogue.requirements.values()})


def _plain(area: Area) -> list[object]:
    return [area.code, area.title, area.coverage.value, [_plain_requirement(entry) for entry in area.requirements]]


def _plain_item(item: OfficialItem) -> list[object]:
    return [item.standard, item.number, item.name, item.title, item.coverage.value, item.reason]


def _plain_requirement(entry: Requirement) -> dict[str, object]:
    condition = entry.condition
    relaxed = condition.relaxed
    return {
        "id": entry.id,
        "title": entry.title,
        "statement": entry.statement,
        "sources": [str(source) for source in entry.sources],
        "level": entry.level.value,
        "versions": condition.versions,
        "assumed": condition.assumed,
        "algorithm": condition.algorithm,
        "features": condition.features,
        "any_feature": condition.any_feature,
        "relaxed": relaxed and [relaxed.without, relaxed.level.value],
        "checks": entry.checks,
        "official": [item.key for item in entry.official],
        "confidence": [[mark.value for mark in entry.confidence.marks], entry.confidence.note],
    }
