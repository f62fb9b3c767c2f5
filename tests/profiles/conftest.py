"""Fixtures: the products, loaded once."""

from __future__ import annotations

import pytest

from profiles import Profile, load


@pytest.fixture(scope="session")
def ssc2() -> Profile:
    return load("ssc2-3des")


@pytest.fixture(scope="session")
def ssc3() -> Profile:
    return load("ssc3-sm4")
