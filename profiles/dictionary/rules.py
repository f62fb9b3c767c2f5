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
    keeps, wanted = _RULES[rule]
    return None if keeps(value) else f"{value!r} is not {wanted}"


def wanted(rule: Rule) -> str:
    """What the rule asks for, with an article."""
    return _RULES[rule][1]


def _pattern(expression: str) -> Callable[[str], bool]:
    compiled = re.compile(expression)
    return lambda value: compiled.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    if not re.fullmatch("[0-9]{8}", value):
        return False
    try:
        date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return False
    return True


def _is_date_and_time(value: str) -> bool:
    clock = re.fullmatch("[0-9]{8}([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]", value)
    return clock is not None and _is_date(value[:8])


_RULES: Mapping[Rule, tuple[Callable[[str], bool], str]] = {
    "amount": (_pattern("[0-9]{8}"), "an amount of eight digits in fen 分"),
    "card number": (
        numbers.is_card_number,
        "a card number 卡号: eight digits or capital letters, then their check character (annex A)",
    ),
    "citizen number": (
        numbers.is_citizen_number,
        "a citizen identification number 公民身份号码 with its right check character (GB 11643)",
    ),
    "country": (_pattern("[A-Z]{3}"), "a country code of three letters (ISO 3166-1)"),
    "date": (_is_date, "a date YYYYMMDD"),
    "date and time": (_is_date_and_time, "a time YYYYMMDDhhmmss"),
    "digits": (_pattern("[0-9]+"), "digits alone"),
    "identification code": (
        _pattern("[0-9]{6}D156000005[0-9A-F]{8,16}"),
        "a card identification code: city, D156000005, serial, authentication code",
    ),
    "initialisation institution": (
        _pattern("9156000002[0-9]{12}[0-9A-F]{2}"),
        "an institution number: 9156000002, issuing area, area, sequence number",
    ),
    "region": (_pattern("[1-9][0-9]{5}"), "an administrative division code of six digits (GB/T 2260)"),
    "version": (_pattern(r"1\.00|2\.00|2\.01|3\.00"), "a specification version: 1.00, 2.00, 2.01 or 3.00"),
}
