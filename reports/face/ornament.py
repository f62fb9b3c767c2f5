"""The drawn parts of the face: line pattern of the ground and contact plate. All of it is invented for this project."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

WIDTH, HEIGHT, RADIUS = 85.60, 53.98, 3.18
"""An ID-1 card in millimetres (ISO/IEC 7810)."""
STEP = 1.6


class Contact(NamedTuple):
    """A contact in millimetres from the left and the upper edge of the card."""

    x: float
    y: float
    width: float
    height: float


CONTACTS = tuple(Contact(x, 19.23 + 2.54 * row, 2.0, 1.7) for x in (10.25, 17.87) for row in range(4))
"""The least contact areas C1 to C8 of ISO/IEC 7816-2."""


def ground() -> Iterator[str]:
    """Path data of the lines of the ground: two families of waves that cross."""
    for row in range(19):
        base = row * 3.0
        yield _wave(base, 2.3, 31.0, 0.5 * row)
        yield _wave(base, 1.7, 23.0, math.pi + 0.37 * row)


def _wave(base: float, height: float, length: float, phase: float) -> str:
    points = []
    at = -STEP
    while at <= WIDTH + STEP:
        y = base + height * math.sin(2 * math.pi * at / length + phase)
        points.append(f"{at:.2f} {y:.2f}")
        at += STEP
    return "M" + "L".join(points)
