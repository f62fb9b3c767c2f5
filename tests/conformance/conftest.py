"""Generated sequences must end alike in every run."""

from tests.repeatable import repeatable_challenges

__all__ = ["repeatable_challenges"]
