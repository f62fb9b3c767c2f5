"""A private PC/SC stack for programs of others."""

from tests.links.fixtures import stack

__all__ = ["stack"]
