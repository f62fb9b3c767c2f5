"""What types cannot say: names that must resolve, identifiers that must differ, content that must fit."""

from __future__ import annotations

from collections.abc import Iterator

from profiles.model import Profile
from profiles.problems import Problem


def check(profile: Profile, ignored: frozenset[str] = frozenset()) -> list[Problem]:
    """Every fault of a profile beyond its types; names in ``ignored`` count as existing."""
    return list(_access(profile, ignored))


def _access(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    return iter(())
