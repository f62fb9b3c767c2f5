"""Numbers with a check character: the card number 卡号 and the citizen identification number 公民身份号码."""

from __future__ import annotations

import re
from datetime import date

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CARD_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECK = "10X98765432"


def card_number_check(body: str) -> str:
    """Check character of a card number's eight body characters (37号文 annex A: weights 3 7 9 10 5 8 4 2, modulus 11).

    Raises :class:`ValueError` when the body is not eight characters 0 to 9 and A to Z.
    """
    if not re.fullmatch("[0-9A-Z]{8}", body):
        raise ValueError(f"{body!r} is not the body of a card number: eight characters 0 to 9 and A to Z")
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(body, _CARD_WEIGHTS, strict=True))
    return "0X987654321"[total % 11]


def card_number(body: str) -> str:
    """The nine characters of a card number from its eight body characters."""
    return body + card_number_check(body)


def is_card_number(text: str) -> bool:
    """Whether ``text`` is a card number with its right check character.

    Cards in the field break this rule: a reader must not refuse a card because of it.
    """
    return bool(re.fullmatch("[0-9A-Z]{8}[0-9X]", text)) and card_number_check(text[:8]) == text[8]


def citizen_number_check(body: str) -> str:
    """Check character of a citizen number's 17 body digits (GB 11643-1999, ISO 7064 MOD 11-2).

    Raises :class:`ValueError` when the body is not 17 digits.
    """
    if not re.fullmatch("[0-9]{17}", body):
        raise ValueError(f"{body!r} is not the body of a citizen number: 17 digits")
    total = sum(int(digit) * weight for digit, weight in zip(body, _CITIZEN_WEIGHTS, strict=True))
    return _CITIZEN_CHECK[total % 11]


def citizen_number(area: str, birth: str, sequence: str) -> str:
    """The 18 characters of a citizen number: area (6 digits), day of birth (YYYYMMDD), sequence (3 digits, odd = male)."""
    body = area + birth + sequence
    return body + citizen_number_check(body)


def is_citizen_number(text: str) -> bool:
    """Whether ``text`` is a citizen number: an area code, a date that exists, the right check character."""
    if not re.fullmatch("[1-9][0-9]{16}[0-9X]", text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return citizen_number_check(text[:17]) == text[17]
