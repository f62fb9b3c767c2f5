"""The test cases, a module per area."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from conformance.cases import Suite


def all_suites() -> list[Suite]:
    """Every suite of this package in the order of the modules' names; those on issued contents first, that of the end last."""
    suites = []
    for found in walk_packages(__path__, f"{__name__}."):
        suite = getattr(import_module(found.name), "SUITE", None)
        if isinstance(suite, Suite):
            suite.module = found.name.removeprefix(f"{__name__}.")
            suites.append(suite)
    return sorted(suites, key=lambda suite: (not suite.as_issued, suite.loss))
