"""Invented people as rows of a table, and the folder where a batch runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.station.world import FIELDS

CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CARD_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def citizen(body: str) -> str:
    """GB 11643, written down from the standard once more."""
    total = sum(int(digit) * weight for digit, weight in zip(body, CITIZEN_WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def card_number(body: str) -> str:
    """37号文 annex A, written down once more."""
    rest = 11 - sum(int(each, 36) * weight for each, weight in zip(body, CARD_WEIGHTS, strict=True)) % 11
    return body + {10: "X", 11: "0"}.get(rest, str(rest))


def person(index: int, **changes: str) -> dict[str, str]:
    """The fields of a good row; every index is another person."""
    day, sequence = 1 + index // 500, 2 * index % 1000
    fields = {
        **{name: str(value) for name, value in FIELDS.items()},
        "number": f"CQ-{index:06}",
        "card number": card_number(f"A{index:07}"),
        "social security number": citizen(f"500103199001{day:02}{sequence:03}"),
        "date of birth": f"199001{day:02}",
    }
    return {**fields, **{name.replace("_", " "): value for name, value in changes.items()}}


def account(index: int) -> str:
    """Account number of a person; every index has another one."""
    return f"62149886601{index:08}"


def with_account(index: int, **changes: str) -> dict[str, str]:
    """The fields of a good row for a whole card."""
    return person(index, **{"account_number": account(index), **changes})


def text_of(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows as CSV."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write(path: Path, rows: Iterable[Mapping[str, str]], encoding: str = "utf-8") -> Path:
    """The rows as a file."""
    path.write_bytes(text_of(rows).encode(encoding))
    return path
