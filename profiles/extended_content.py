"""Records of the extended application 扩展应用 as a profile writes them (JR/T 0025.14 appendix B).

A record is identifier (2 bytes) ‖ length of what follows ‖ valid ‖ type ‖ lock ‖ data of the sector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from profiles.dictionary import ValueFormatError
from profiles.dictionary.values import encode
from profiles.model import File

SEGMENTED, PRE_AUTHORISATION = "segmented", "pre-authorisation"
TYPES = {SEGMENTED: 1, PRE_AUTHORISATION: 2}
HEAD = 6
"""Bytes before the data of the sector."""
COUNTED = 3
"""Bytes of the head that the length counts: valid, type and lock."""
_FIELDS = {"id", "type", "valid", "locked", "data"}

Fault = tuple[str, str]
"""Place inside the content, and a sentence."""


def record(identifier: bytes, kind: int, data: bytes, *, valid: bool = True, locked: bool = False) -> bytes:
    """The bytes of a record; ``kind`` is 1 for segmented charge 分段扣费, 2 for pre-authorisation 预授权."""
    return identifier + bytes((COUNTED + len(data), valid, kind, locked)) + data


def encode_records(content: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The records of a file whose content has no faults."""
    return tuple(_encode(given) for given in content.get("records", []))


def faults(file: File, content: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that keeps the records from being encoded, or the file from holding them."""
    assert file.extended is not None  # noqa: S101 - asked of such files alone
    for name in content:
        if name != "records":
            yield name, "is not known here; this file takes 'records'"
    given = content.get("records", [])
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        yield "records", "a list of tables with id, type and data is needed"
        return
    found = [*_each(file, given)]
    yield from found
    if found:
        return
    total = sum(len(_encode(one)) for one in given)
    if file.size and total > file.size:
        yield "records", f"{total} bytes of records, the file has {file.size}"
    if file.records and len(given) > file.records:
        yield "records", f"{len(given)} records given, the file keeps {file.records}"


def _each(file: File, given: list[Mapping[str, Any]]) -> Iterator[Fault]:
    assert file.extended is not None  # noqa: S101 - asked of such files alone
    longest = file.extended.longest
    for number, one in enumerate(given, 1):
        where = f"records.{number}"
        if unknown := sorted(set(one) - _FIELDS):
            yield f"{where}.{unknown[0]}", f"is not known here; a record has {', '.join(sorted(_FIELDS))}"
            continue
        try:
            size = len(_encode(one))
        except ValueFormatError as error:
            yield where, str(error)
            continue
        if size > longest:
            yield where, f"{size} bytes, the file takes records of up to {longest}"
        elif file.structure == "cyclic" and size != longest:
            yield where, f"{size} bytes, every record of this cyclic file has {longest}"


def _encode(given: Mapping[str, Any]) -> bytes:
    identifier = given.get("id")
    if not isinstance(identifier, str) or len(identifier.replace(" ", "")) != 4:
        raise ValueFormatError("id has four hexadecimal digits, between quotation marks")
    kind = given.get("type")
    if kind not in TYPES:
        raise ValueFormatError(f"type is {' or '.join(TYPES)}")
    flags = {name: given.get(name, default) for name, default in (("valid", True), ("locked", False))}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ValueFormatError(f"{name} is true or false")
    data = given.get("data", "")
    if not isinstance(data, str):
        raise ValueFormatError("data are hexadecimal digits, between quotation marks")
    sector = encode("b", len(data.replace(" ", "")) // 2, data)
    if len(sector) > 0xFF - COUNTED:
        raise ValueFormatError(f"{len(sector)} bytes of data, at most {0xFF - COUNTED} fit into a record")
    return record(encode("b", 2, identifier), TYPES[kind], sector, valid=flags["valid"], locked=flags["locked"])
