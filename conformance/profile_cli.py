"""``sscard profile``: the commands of the profiles, and for ``validate`` what the catalogues of requirements know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiles.cli import app, further_checks

if TYPE_CHECKING:
    from profiles.model import Profile
    from profiles.problems import Problem

__all__ = ["app"]


def _unknown_features(profile: Profile) -> list[Problem]:
    from conformance.declared import unknown_features

    return unknown_features(profile)


further_checks.append(_unknown_features)
