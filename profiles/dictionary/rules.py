"""Rules of content that no code list can say: dates, administrative codes, check characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal

from profiles import numbers

Rule = Literal[
    "amount",
    "card number",
    "citizen number",
    "country",
    "date",
    "date and time",
    "digits",
    "identification code",
    "initialisation institution",
    "region",
    "version",
]


def problem(rule: Rule, value: str) -> str | None:
    """Why ``value`` breaks the rule, or None when it keeps it."""
    return _RULES[rule](value)


def _pattern(expression: str, wanted: str) -> Callable[[str], str | None]:
    compiled = re.compile(expression)
    return lambda value: None if compiled.fullmatch(value) else f"{value!r} is not {wanted}"


def _date(value: str) -> str | None:
    wanted = f"{value!r} is not a date YYYYMMDD"
    if not re.fullmatch("[0-9]{8}", value):
        return wanted
    try:
        date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return wanted
    return None


def _date_and_time(value: str) -> str | None:
    clock = re.fullmatch("[0-9]{8}([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]", value)
    return None if clock and not _date(value[:8]) else f"{value!r} is not a time YYYYMMDDhhmmss"


def _citizen_number(value: str) -> str | None:
    if numbers.is_citizen_number(value):
        return None
    return f"{value!r} is not a citizen identification number 公民身份号码 with its right check character (GB 11643)"


def _card_number(value: str) -> str | None:
    if numbers.is_card_number(value):
        return None
    return f"{value!r} is not a card number 卡号 with its right check character (annex A)"


_RULES: Mapping[Rule, Callable[[str], str | None]] = {
    "amount": _pattern("[0-9]{8}", "an amount of eight digits in fen 分"),
    "card number": _card_number,
    "citizen number": _citizen_number,
    "country": _pattern("[A-Z]{3}", "a country code of three letters (ISO 3166-1)"),
    "date": _date,
    "date and time": _date_and_time,
    "digits": _pattern("[0-9]+", "made of digits alone"),
    "identification code": _pattern(
        "[0-9]{6}D156000005[0-9A-F]{8,16}", "a card identification code: city, D156000005, serial, authentication code"
    ),
    "initialisation institution": _pattern(
        "9156000002[0-9]{12}[0-9A-F]{2}", "an institution number: 9156000002, issuing area, area, sequence number"
    ),
    "region": _pattern("[1-9][0-9]{5}", "an administrative division code of six digits (GB/T 2260)"),
    "version": _pattern(r"1\.00|2\.00|2\.01|3\.00", "a specification version: 1.00, 2.00, 2.01 or 3.00"),
}
