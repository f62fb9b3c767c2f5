"""Data objects of a payment application by tag, with the rights of GET DATA and PUT DATA."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from profiles.dictionary.values import ValueFormatError


class PaymentElement(BaseModel):
    """A data object of JR/T 0025.

    ``length`` is in bytes, or the least and the most. ``get`` tells who may read it with GET DATA, ``put`` whether an
    issuer script may set it. ``secret`` marks personal data that reports mask.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str
    zh: str
    en: str
    format: Literal["n", "cn", "an", "ans", "b"]
    length: int | tuple[int, int]
    kind: Literal["selection", "record", "card", "e-cash", "extended", "terminal"]
    clause: str
    get: Literal["free", "special"] | None = None
    put: bool = False
    secret: bool = False

    @property
    def shortest(self) -> int:
        """The least number of bytes."""
        return self.length if isinstance(self.length, int) else self.length[0]

    @property
    def longest(self) -> int:
        """The greatest number of bytes."""
        return self.length if isinstance(self.length, int) else self.length[1]

    def encode(self, value: object) -> bytes:
        """Bytes of a value written as text: digits for n and cn, characters for an and ans, hexadecimal digits for b.

        Digits of n are filled with zeros on the left to the fixed length, digits of cn to whole bytes with F.
        Raises :class:`~profiles.dictionary.values.ValueFormatError`.
        """
        if not isinstance(value, str):
            raise ValueFormatError(f"{value!r} is no text; write it between quotation marks")
        raw = self._raw(value)
        if not self.shortest <= len(raw) <= self.longest:
            allowed = str(self.shortest) if self.shortest == self.longest else f"{self.shortest} to {self.longest}"
            raise ValueFormatError(f"{len(raw)} bytes given, {allowed} needed")
        return raw

    def _raw(self, value: str) -> bytes:
        if self.format in ("an", "ans"):
            try:
                return value.encode("gbk")
            except UnicodeEncodeError as error:
                raise ValueFormatError(f"{value[error.start]!r} has no code in GBK") from None
        digits = value.replace(" ", "").upper()
        if self.format == "n":
            digits = digits.rjust(2 * self.shortest, "0")
            if not (digits.isascii() and digits.isdigit()):
                raise ValueFormatError(f"{value!r} holds more than digits")
        elif self.format == "cn":
            digits += "F" * (len(digits) % 2)
        try:
            return bytes.fromhex(digits)
        except ValueError:
            raise ValueFormatError(f"{value!r} is not an even number of hexadecimal digits") from None

    def decode(self, raw: bytes) -> str:
        """Text of a value, the filler of cn taken off. Never fails."""
        if self.format in ("an", "ans"):
            return raw.rstrip(b"\x00\x20").decode("gbk", errors="replace")
        text = raw.hex().upper()
        return text.rstrip("F") if self.format == "cn" else text


@cache
def payment_elements() -> Mapping[str, PaymentElement]:
    """Every data object of the payment application by its tag in upper-case hexadecimal digits."""
    text = files("profiles.dictionary").joinpath("payment-elements.toml").read_text("utf-8")
    found: dict[str, PaymentElement] = {}
    for group in tomllib.loads(text)["group"]:
        common = {"kind": group["kind"], "clause": group["clause"]}
        for tag, entry in group["element"].items():
            found[tag] = PaymentElement(**{**common, **entry, "tag": tag})
    return found
