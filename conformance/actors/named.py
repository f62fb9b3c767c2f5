"""Enumerations whose values are names in Chinese and English."""

from enum import Enum


class Named(Enum):
    """A member's value is its Chinese and its English name."""

    @property
    def zh(self) -> str:
        """Chinese name."""
        return str(self.value[0])

    @property
    def en(self) -> str:
        """English name."""
        return str(self.value[1])
