"""The test cases, a module per area."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from conformance.cases import Suite


def all_suites() -> list[Suite]:
    """Every suite of this package in the order of the modules' names, those on issued contents before all others."""
    suites = []
    for found in iter_modules(__path__):
        suite = getattr(import_module(f"{__name__}.{found.name}"), "SUITE", None)
        if isinstance(suite, Suite):
            suite.module = found.name
            suites.append(suite)
    return sorted(suites, key=lambda suite: not suite.as_issued)
