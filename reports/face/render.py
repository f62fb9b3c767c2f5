"""Both sides of a card as SVG in millimetres, everything inside.

What stands on the face follows public descriptions of cards of the third generation: the name of the card over a ground of
blue lines, photograph, name, social security number, card number and date of issue, and no longer sex, ethnic group or
date of expiry; a sign that the card can be read without contacts in the lower right corner; the bank card number and
the service telephone. Where each of it stands is a layout of this project, as are emblem and signs: the official artwork
(state emblem, seal, marks of bank and scheme) is not public for use and is nowhere drawn.
"""

from __future__ import annotations

from base64 import b64encode
from enum import Enum
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from profiles.face import Face, province
from reports.face.lines import Fitted, fit
from reports.face.ornament import CONTACTS, HEIGHT, RADIUS, WIDTH, ground
from reports.trace.parts import printable

ROOM, SIZE, LEAST = 37.5, 3.0, 2.1
"""Room for a value beside the photograph, the size of its type and the least one, in millimetres."""
ACCOUNT_ROOM, ACCOUNT_SIZE = 74.0, 4.6
TYPES = {b"\xff\xd8\xff": "image/jpeg", b"BM": "image/bmp"}


class Side(Enum):
    """A side of the card."""

    FRONT = "front"
    BACK = "back"


def render(face: Face, side: Side) -> str:
    """One side as an SVG document of 85.60 × 53.98 mm."""
    return _environment().get_template(f"face-{side.value}.svg").render(
        face=face,
        width=WIDTH,
        height=HEIGHT,
        radius=RADIUS,
        ground=tuple(ground()),
        contacts=CONTACTS,
        area=province(face.area),
        values=_values(face),
        photo=_photo(face.photo),
        account=fit(grouped(printable(face.account)), ACCOUNT_ROOM, ACCOUNT_SIZE, LEAST),
    )  # fmt: skip


def _values(face: Face) -> tuple[tuple[str, str, Fitted], ...]:
    texts = (
        ("姓名", "name", face.name),
        ("社会保障号码", "person", face.person),
        ("社会保障卡卡号", "card_number", face.card_number),
        ("发卡日期", "issued", day(face.issued)),
    )
    return tuple((label, field, fit(printable(text), ROOM, SIZE, LEAST)) for label, field, text in texts)


def day(digits: str) -> str:
    """``2026年1月5日`` for ``20260105``; anything else stays as it is."""
    if len(digits) != 8 or not digits.isdecimal():
        return digits
    return f"{int(digits[:4])}年{int(digits[4:6])}月{int(digits[6:])}日"


def grouped(digits: str) -> str:
    """A bank card number in fours, as it is printed."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _photo(raw: bytes) -> str:
    """The photograph as a data URI; empty for a card that has none."""
    found = next((kind for head, kind in TYPES.items() if raw.startswith(head)), None)
    return f"data:{found};base64,{b64encode(raw).decode()}" if found else ""


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
