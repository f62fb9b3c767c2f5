"""Fixtures of the links' tests."""

from links.fixtures import client, stack

__all__ = ["client", "stack"]
