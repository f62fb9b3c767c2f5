"""To which cards a requirement applies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from conformance.requirements.terms import Level, Text

Algorithm = Literal["3DES", "SM4"]
VERSIONS = ("1.0", "2.0", "3.0")
"""The generations of 规范版本: LB 002-2000, 人社信息函〔2012〕37号 and LD/T 32-2015, and 3.00."""


@dataclass(frozen=True, slots=True)
class CardTraits:
    """What of a card decides which requirements apply to it.

    Raises :class:`ValueError` when the version is none of 1.xx, 2.xx and 3.xx or the algorithm is unknown.
    """

    version: str
    """规范版本 as the card announces it, e.g. ``3.00``."""
    algorithm: Algorithm
    features: frozenset[str] = frozenset()
    """Names of features from the catalogue's vocabulary."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[123]\.[0-9]{1,2}", self.version):
            raise ValueError(f"card version {self.version!r} is unknown; expected 1.00, 2.00, 2.01 or 3.00")
        if self.algorithm not in ("3DES", "SM4"):
            raise ValueError(f"card algorithm {self.algorithm!r} is unknown; expected 3DES or SM4")

    @property
    def generation(self) -> str:
        """The version as requirements name it: ``1.0``, ``2.0`` or ``3.0``."""
        return f"{self.version[0]}.0"


class Feature(NamedTuple):
    """A word of the closed vocabulary: something a card, or the set-up around it, has or lacks."""

    name: str
    title: Text
    part: str | None = None
    """Directory, directory/file, or part of a payment application, whose presence in a profile means the feature."""


class Relaxation(NamedTuple):
    """A lower level that holds where a feature is missing."""

    without: Feature
    level: Level


class Applicability(NamedTuple):
    """Whether, and how strictly, a requirement applies to one card."""

    applies: bool
    level: Level
    """Level for this card; a relaxation may lower it."""
    hard: bool
    """Whether a failure on this card may be reported as a hard failure."""
    reason: Text


@dataclass(frozen=True, slots=True)
class Condition:
    """The cards to which a requirement applies; an empty condition holds for every card."""

    versions: tuple[str, ...] = ()
    """Generations for which the requirement is stated; empty for all."""
    assumed: tuple[str, ...] = ()
    """Further generations for which the same rule is only assumed: no failure there is a hard one."""
    algorithm: Algorithm | None = None
    features: tuple[Feature, ...] = ()
    """Every one is needed."""
    any_feature: tuple[Feature, ...] = ()
    """One of them is needed."""
    relaxed: Relaxation | None = None

    def is_assumed(self, traits: CardTraits) -> bool:
        """Whether the requirement holds for this generation by assumption only."""
        return traits.generation in self.assumed

    def obstacles(self, traits: CardTraits) -> tuple[Text, ...]:
        """Why the requirement does not apply to a card; empty when it does."""
        found = []
        versions = self.versions + self.assumed
        if versions and traits.generation not in versions:
            listed = sorted(versions)
            found.append(
                Text(
                    f"仅适用于规范版本{'、'.join(listed)}的卡，本卡为{traits.version}",
                    f"only for cards of version {_either(listed)}, this card is of version {traits.version}",
                )
            )
        if self.algorithm is not None and traits.algorithm != self.algorithm:
            found.append(
                Text(
                    f"仅适用于{self.algorithm}算法的卡，本卡为{traits.algorithm}",
                    f"only for cards with {self.algorithm}, this card uses {traits.algorithm}",
                )
            )
        for feature in self.features:
            if feature.name not in traits.features:
                found.append(Text(f"需要{feature.title.zh}", f"needs {feature.title.en}"))
        if self.any_feature and not any(feature.name in traits.features for feature in self.any_feature):
            found.append(
                Text(
                    f"需要{'或'.join(feature.title.zh for feature in self.any_feature)}",
                    f"needs {_either([feature.title.en for feature in self.any_feature])}",
                )
            )
        return tuple(found)

    def __str__(self) -> str:
        """The condition in English, e.g. ``version 2.0 or 3.0; the certificate application``."""
        parts = []
        if self.versions:
            parts.append(f"version {_either(self.versions)}")
        if self.assumed:
            parts.append(f"by assumption version {_either(self.assumed)}")
        if self.algorithm is not None:
            parts.append(self.algorithm)
        parts.extend(feature.title.en for feature in self.features)
        if self.any_feature:
            parts.append(_either([feature.title.en for feature in self.any_feature]))
        return "; ".join(parts) or "every card"


def assess(condition: Condition, level: Level, hard: bool, traits: CardTraits) -> Applicability:
    """Judge a requirement of ``level``, whose evidence allows hard failures or not, for one card."""
    obstacles = condition.obstacles(traits)
    if obstacles:
        reason = Text("；".join(text.zh for text in obstacles), "; ".join(text.en for text in obstacles))
        return Applicability(False, level, False, reason)
    zh, en = "适用", "applies"
    if condition.is_assumed(traits):
        hard = False
        zh, en = f"按假定适用于规范版本{traits.generation}", f"applies to version {traits.generation} by assumption"
    relaxed = condition.relaxed
    if relaxed is not None and relaxed.without.name not in traits.features:
        level = relaxed.level
        zh += f"；不具备{relaxed.without.title.zh}，降为{level.value}"
        en += f"; lowered to {level.value} without {relaxed.without.title.en}"
    return Applicability(True, level, hard and level is Level.MUST, Text(zh, en))


def _either(words: list[str] | tuple[str, ...]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
