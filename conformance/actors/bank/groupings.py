"""The personalisation data of one card: data groupings, how they travel in STORE DATA, and how they are kept in a file.

A file keeps the secret groupings enciphered under a transport key between data preparation and personalisation; without one
it leaves them out, and such a file shows what a card gets but personalises none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from emulator.crypto import Algorithm, CryptoError, decrypt_ecb, encrypt_ecb
from emulator.crypto.personalisation import check_value, pad_group
from profiles.dictionary import find_grouping

FORMAT = 1
LONG_LENGTH = 0xFF
LONGEST_SHORT = 0xFE
AS_GROUPING_SAYS = 0x20
"""Bits 7 and 6 of P1 of STORE DATA: enciphered where the grouping is a secret."""


class DataFileError(ValueError):
    """A file that is none of personalisation data; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class DataGrouping:
    """A data grouping: its DGI as four hexadecimal digits, and its value in clear."""

    identifier: str
    value: bytes = field(repr=False)

    @property
    def secret(self) -> bool:
        """Whether its value travels enciphered."""
        known = find_grouping(int(self.identifier, 16))
        return known is not None and known.enciphered

    @property
    def title(self) -> str:
        """Its name in Chinese and English."""
        known = find_grouping(int(self.identifier, 16))
        return f"{known.zh} {known.en}" if known else self.identifier


def to_bytes(identifier: str, value: bytes) -> bytes:
    """``DGI ‖ length ‖ value`` with the shortest length: one byte, or FF and two.

    Raises:
        ValueError: The value is longer than 65535 bytes.
    """
    if len(value) > 0xFFFF:
        raise ValueError(f"DGI {identifier} has {len(value)} bytes, 65535 is the limit")
    long = len(value) > LONGEST_SHORT
    length = bytes((LONG_LENGTH,)) + len(value).to_bytes(2) if long else bytes((len(value),))
    return bytes.fromhex(identifier) + length + value


class Block(NamedTuple):
    """The data of a STORE DATA, and whether its groupings are enciphered."""

    data: bytes
    indicator: int


@dataclass(frozen=True, slots=True)
class DataFile:
    """All groupings of a card in their order; ``card`` is the account number as it may be shown."""

    card: str
    algorithm: Algorithm
    groupings: tuple[DataGrouping, ...]

    def blocks(self, dek: bytes, room: int) -> list[Block]:
        """The data of the STORE DATA commands, each of at most ``room`` bytes; secrets are enciphered under ``dek``.

        Secret and open groupings never share a command. One that is longer than a command goes on in the next.
        """
        found: list[Block] = []
        for secret, run in groupby(self.groupings, key=lambda each: each.secret):
            values = ((each.identifier, self._enciphered(dek, each.value) if secret else each.value) for each in run)
            indicator = AS_GROUPING_SAYS if secret else 0
            found += [Block(data, indicator) for data in _filled(values, room)]
        return found

    def _enciphered(self, key: bytes, value: bytes) -> bytes:
        return encrypt_ecb(self.algorithm, key, pad_group(self.algorithm, value))

    def to_json(self, transport_key: bytes | None = None) -> str:
        """The file, with the secrets enciphered under the transport key, or left out where there is none."""
        table: dict[str, Any] = {"format": FORMAT, "card": self.card, "algorithm": self.algorithm.value}
        if transport_key is not None:
            table["transport_key_check_value"] = check_value(self.algorithm, transport_key).hex().upper()
        table["groupings"] = [self._entry(each, transport_key) for each in self.groupings]
        return json.dumps(table, ensure_ascii=False, indent=1) + "\n"

    def _entry(self, grouping: DataGrouping, transport_key: bytes | None) -> dict[str, Any]:
        entry: dict[str, Any] = {"dgi": grouping.identifier, "title": grouping.title}
        if not grouping.secret:
            return {**entry, "value": grouping.value.hex().upper()}
        entry["length"] = len(grouping.value)
        if transport_key is not None:
            entry["enciphered"] = self._enciphered(transport_key, grouping.value).hex().upper()
        return entry

    @classmethod
    def from_json(cls, text: str, transport_key: bytes | None = None) -> DataFile:
        """Read a file back.

        Raises:
            DataFileError: It is none, its secrets were left out, or they are under another transport key.
        """
        try:
            table = json.loads(text)
            algorithm = Algorithm(table["algorithm"])
            if table["format"] != FORMAT:
                raise DataFileError(f"format {table['format']!r}; this version reads format {FORMAT}")
            given = table.get("transport_key_check_value")
            if given and transport_key and given != check_value(algorithm, transport_key).hex().upper():
                raise DataFileError("its secrets are under another transport key: the check value differs")
            groupings = tuple(_grouping(entry, algorithm, transport_key) for entry in table["groupings"])
            return cls(str(table["card"]), algorithm, groupings)
        except DataFileError:
            raise
        except (CryptoError, KeyError, TypeError, ValueError, RecursionError) as problem:
            raise DataFileError(f"no personalisation data of format {FORMAT} ({type(problem).__name__})") from None


def _grouping(entry: dict[str, Any], algorithm: Algorithm, transport_key: bytes | None) -> DataGrouping:
    identifier = entry["dgi"]
    if len(bytes.fromhex(identifier)) != 2:
        raise DataFileError("a DGI has four hexadecimal digits")
    if "value" in entry:
        return DataGrouping(identifier, bytes.fromhex(entry["value"]))
    if "enciphered" not in entry:
        raise DataFileError(f"the secret DGI {identifier} was left out; make the file with a transport key")
    if transport_key is None:
        raise DataFileError(f"the secret DGI {identifier} is enciphered; name the transport key")
    plain = decrypt_ecb(algorithm, transport_key, bytes.fromhex(entry["enciphered"]))
    value = plain[: entry["length"]]
    if len(value) != entry["length"] or pad_group(algorithm, value) != plain:
        raise DataFileError(f"the secret DGI {identifier} does not decipher to {entry['length']} bytes")
    return DataGrouping(identifier, value)


def _filled(values: Iterable[tuple[str, bytes]], room: int) -> Iterator[bytes]:
    """Groupings, as many as fit, in pieces of at most ``room`` bytes; none of them is empty."""
    waiting = b""
    for identifier, value in values:
        one = to_bytes(identifier, value)
        if waiting and len(waiting) + len(one) > room:
            yield waiting
            waiting = b""
        waiting += one
        while len(waiting) > room:
            yield waiting[:room]
            waiting = waiting[room:]
    yield waiting
