"""What the invented operators write into their records: 39 bytes, the same for metro, bus and car park.

status 1 (00 outside, 01 inside) ‖ city 2 ‖ operator 2 ‖ entry 11 ‖ exit 11 ‖ fare 3 ‖ held back 3 ‖ number of the trip 2 ‖ code 4.
A stop is date and time 7 (YYYYMMDDhhmmss) ‖ line 1 ‖ station 2 ‖ gate 1, all packed digits; zeros where there was none.
JR/T 0025.14 annex E names such fields and leaves their form to the sector.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from conformance.actors.named import Named

LENGTH, CODE_SIZE = 39, 4
_TIME = "%Y%m%d%H%M%S"
NOWHERE = bytes(11)
LARGEST_AMOUNT, LARGEST_NUMBER = 999_999, 0xFFFF


class TripError(ValueError):
    """The data of a record are no trip."""


class Passage(Named):
    """What a gate does."""

    ENTRY = "进站", "ENTRY"
    EXIT = "出站", "EXIT"
    PARK = "停车预授权", "PARKING, AMOUNT HELD"
    LEAVE = "停车结算", "PARKING, SETTLED"

    @property
    def begins(self) -> bool:
        """Whether it begins a stay inside."""
        return self in (Passage.ENTRY, Passage.PARK)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and when a gate was passed: line 0 to 99, station 0 to 9999, gate 0 to 99."""

    when: datetime
    line: int
    station: int
    gate: int

    def to_bytes(self) -> bytes:
        """Eleven bytes of packed digits."""
        return bytes.fromhex(f"{self.when:%Y%m%d%H%M%S}{self.line:02d}{self.station:04d}{self.gate:02d}")

    @classmethod
    def parse(cls, raw: bytes) -> Stop | None:
        """A stop, None of eleven zeros.

        Raises:
            TripError: No date and time, or something other than digits.
        """
        if raw == NOWHERE:
            return None
        digits = raw.hex()
        try:
            when = datetime.strptime(digits[:14], _TIME)
            return cls(when, *(_decimal(part) for part in (digits[14:16], digits[16:20], digits[20:])))
        except ValueError as error:
            raise TripError(f"{digits.upper()} is no stop: {error}") from error


@dataclass(frozen=True, slots=True)
class Trip:
    """A stay in the metro, bus or car park: from the entry on, and after the exit until the next.

    Attributes:
        inside: Whether the exit is still to come.
        city, operator: Four digits each.
        fare: What the last exit cost, in the smallest unit.
        held: What a pre-authorisation holds back.
        number: Number of the trip on this card, from 1.
        code: MAC of the operator over the bytes before, four bytes.
    """

    inside: bool
    city: str
    operator: str
    entry: Stop | None = None
    exit: Stop | None = None
    fare: int = 0
    held: int = 0
    number: int = 0
    code: bytes = field(default=bytes(CODE_SIZE), repr=False)

    def signed_bytes(self) -> bytes:
        """What the code covers.

        Raises:
            TripError: An amount or the number is too great.
        """
        if max(self.fare, self.held) > LARGEST_AMOUNT or self.number > LARGEST_NUMBER:
            raise TripError("the record has no room for such an amount or number")
        stops = b"".join(stop.to_bytes() if stop else NOWHERE for stop in (self.entry, self.exit))
        amounts = bytes.fromhex(f"{self.fare:06d}{self.held:06d}")
        return (
            bytes((self.inside,)) + bytes.fromhex(self.city + self.operator) + stops + amounts + self.number.to_bytes(2)
        )

    def to_bytes(self) -> bytes:
        """39 bytes; raises :class:`TripError` as :meth:`signed_bytes` does."""
        return self.signed_bytes() + self.code

    def with_code(self, code: bytes) -> Trip:
        """The same trip with the operator's code."""
        return replace(self, code=code)

    @classmethod
    def parse(cls, raw: bytes) -> Trip:
        """Take the data of a record apart.

        Raises:
            TripError: They are no trip.
        """
        if len(raw) != LENGTH or raw[0] > 1:
            raise TripError(f"{len(raw)} bytes are no trip of {LENGTH}")
        fare, held = raw[27:30].hex(), raw[30:33].hex()
        try:
            city, operator = (f"{_decimal(raw[start : start + 2].hex()):04d}" for start in (1, 3))
            amounts = _decimal(fare), _decimal(held)
        except ValueError as error:
            raise TripError(str(error)) from error
        entry, left = Stop.parse(raw[5:16]), Stop.parse(raw[16:27])
        return cls(raw[0] == 1, city, operator, entry, left, *amounts, int.from_bytes(raw[33:35]), raw[35:])


@dataclass(frozen=True, slots=True)
class SectorOutcome:
    """What a passage left: the trip as it stands on the card, and what segmented charges have lent so far (DF63)."""

    passage: Passage
    trip: Trip
    deducted: int | None
    """None where the card does not tell."""


def _decimal(digits: str) -> int:
    if not digits.isdecimal():
        raise ValueError(f"{digits} holds more than digits")
    return int(digits)
