"""Benches for the tests."""

import pytest

from .bench import bench, seasoned

PRODUCTS = ("debit", "debit-sm")


@pytest.fixture(params=PRODUCTS)
def new(request):
    """A new card."""
    return bench(request.param)


@pytest.fixture(params=PRODUCTS)
def used(request):
    """A card that was online once."""
    return seasoned(request.param)
