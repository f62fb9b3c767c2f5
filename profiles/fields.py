"""The types of the values in a profile file: bytes in hexadecimal, access conditions, lists; and what every table of it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from profiles.access import AccessCondition


def _from_hex(value: object) -> object:
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise ValueError("an even number of hexadecimal digits was expected") from None
    return value


def _to_hex(value: bytes) -> str:
    return value.hex().upper()


def _access(value: object) -> object:
    return AccessCondition.parse(value) if isinstance(value, str) else value


HexBytes = Annotated[bytes, BeforeValidator(_from_hex), PlainSerializer(_to_hex)]
HexByte = Annotated[bytes, BeforeValidator(_from_hex), PlainSerializer(_to_hex), Field(min_length=1, max_length=1)]
FileIdentifier = Annotated[
    bytes, BeforeValidator(_from_hex), PlainSerializer(_to_hex), Field(min_length=2, max_length=2)
]
Access = Annotated[AccessCondition, BeforeValidator(_access), PlainSerializer(str)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
"""TOML has lists where we have tuples; all else must be of its type."""


class Table(BaseModel):
    """A table of a profile file: no name that is not known, no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)
