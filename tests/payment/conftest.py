"""Cards for the tests, each selected."""

import pytest

from .sector import sector
from .terminal import QUIET, Terminal, profile


def _selected(of):
    terminal = Terminal(of)
    terminal.select()
    return terminal


@pytest.fixture
def card():
    """A card without limits and default actions, not new."""
    terminal = _selected(profile(data=QUIET))
    terminal.poke("9F13", "0001")
    return terminal


@pytest.fixture
def make():
    """Make a card: like `card`, with other data objects and settings."""

    def made(data=None, *, new=False, product="debit", **more):
        terminal = _selected(profile(product, data={**QUIET, **(data or {})}, **more))
        if not new:
            terminal.poke("9F13", "0001")
        return terminal

    return made


@pytest.fixture(params=["debit", "debit-sm"])
def sectors(request):
    """The contactless side of a card with its extended application, with both block ciphers."""
    return sector(request.param)


@pytest.fixture
def without_response_mac():
    """The same without R-MAC."""
    return sector(data={"DF61": "02"})
