"""Data groupings of the personalisation of a payment application by their identifier DGI."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

RECORD_FILES = range(0x01, 0x1F)
"""First bytes of the groupings that are records: the short identifier of the file, followed by the record number."""
SECTOR_FILES = (*range(0x15, 0x1C), 0x1E)
"""Short identifiers of the files of the extended application; ``81`` and one of them is the grouping that opens it."""
INTERNAL_FILES = (0x0D, 0x0E)
"""First bytes that would be short identifiers, but whose groupings are data objects of the card."""

GroupingKind = Literal[
    "record",
    "objects",
    "keys",
    "check values",
    "PIN",
    "PIN tries",
    "RSA key",
    "SM2 key",
    "selection",
    "options",
    "sector file",
]


class Grouping(BaseModel):
    """A data grouping 数据分组.

    ``identifier`` is the DGI, four hexadecimal digits; ``tags`` are the data objects that belong there; ``enciphered``
    says that its value travels under SKUDEK, ``update`` that an issuer script may replace the record later.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: str
    zh: str
    en: str
    kind: GroupingKind
    tags: tuple[str, ...] = ()
    enciphered: bool = False
    update: bool = False
    clause: str
    confidence: str


@cache
def groupings() -> Mapping[str, Grouping]:
    """Every named grouping by its identifier."""
    text = files("profiles.dictionary").joinpath("groupings.toml").read_text("utf-8")
    return {entry["identifier"]: Grouping(**entry) for entry in tomllib.loads(text)["grouping"]}


@cache
def find_grouping(identifier: int) -> Grouping | None:
    """The grouping of a DGI, None for an unknown one.

    A record without an entry of its own is one all the same: the first byte is the short identifier, the second the number.
    The files of the extended application have no grouping in JR/T 0025; theirs, capacity (2 bytes) ‖ longest record (1) ‖
    opening key (16), are assigned here.
    """
    digits = f"{identifier:04X}"
    named = groupings().get(digits)
    file, number = identifier >> 8, identifier & 0xFF
    if file == 0x81 and number in SECTOR_FILES:
        return Grouping(
            identifier=digits,
            zh=f"扩展应用文件 {number:02X} 和开通密钥",
            en=f"file {number:02X} of the extended application with its opening key",
            kind="sector file",
            enciphered=True,
            clause="no grouping in JR/T 0025.14",
            confidence="I",
        )
    if named or file not in RECORD_FILES or file in INTERNAL_FILES or not 0x01 <= number <= 0xFE:
        return named
    return Grouping(
        identifier=digits,
        zh=f"短文件标识符 {file:02X} 的记录 {number}",
        en=f"record {number} of SFI {file:02X}",
        kind="record",
        clause="JR/T 0025.10 §6.4",
        confidence="S",
    )
