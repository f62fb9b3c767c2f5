"""Card products as data, and the dictionary of names behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profiles.loader import available, load, profile_sha256
    from profiles.model import Profile
    from profiles.problems import Problem, ProfileError

__all__ = ["Problem", "Profile", "ProfileError", "available", "load", "profile_sha256"]

_HOME = {
    "Problem": "profiles.problems",
    "Profile": "profiles.model",
    "ProfileError": "profiles.problems",
    "available": "profiles.loader",
    "load": "profiles.loader",
    "profile_sha256": "profiles.loader",
}


def __getattr__(name: str) -> Any:
    """Hand on a name when it is first used: the command line must start without loading the model."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
