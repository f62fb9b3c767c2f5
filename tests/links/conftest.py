"""Fixtures of the links' tests."""

from tests.links.fixtures import client, stack

__all__ = ["client", "stack"]
