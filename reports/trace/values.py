"""Values as a person writes them: dates with hyphens, amounts in yuan, counters in decimal."""

from __future__ import annotations

import re

_AMOUNT = re.compile("金额|余额|累计$|自付")
_COUNTER = re.compile("序号$|计数器$")
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})\Z", re.ASCII)
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})\Z", re.ASCII)


def binary(name: str, value: bytes) -> str:
    """What the bytes of a field with this Chinese name say, or an empty text where only the digits say it.

    Amounts are four bytes in fen 分, times seven bytes of packed digits (人社信息函〔2012〕37号 §7, 38号 §2).
    """
    if len(value) == 4 and _AMOUNT.search(name):
        fen = int.from_bytes(value)
        return f"{fen // 100}.{fen % 100:02d} 元"
    if len(value) in (2, 4) and _COUNTER.search(name):
        return str(int.from_bytes(value))
    return moment(value.hex()) if len(value) == 7 and name.endswith("时间") else ""


def moment(digits: str) -> str:
    """Digits of a date or of a date with a time in the form of ISO 8601, or an empty text for any others."""
    if found := _DATE.match(digits):
        return "-".join(found.groups())
    if found := _TIME.match(digits):
        year, month, day, hour, minute, second = found.groups()
        return f"{year}-{month}-{day} {hour}:{minute}:{second}"
    return ""
