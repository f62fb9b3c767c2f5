"""The answer to reset (ISO/IEC 7816-3:2006 §8.2, PC/SC part 3 §3.1.3.2.3 for contactless cards).

TS, T0, interface bytes, historical bytes, TCK: at most 32 bytes after TS. TDi names a protocol T and tells which interface bytes come
next, so the interface bytes form groups: the first (TA1 TB1 TC1) is global, each later one belongs to the T named before it.
TCK is there unless T=0 is the only protocol named, by a TD or by default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final, Self

DIRECT: Final = 0x3B
INVERSE: Final = 0x3F
MAX_HISTORICAL = 15
MAX_SIZE = 33

# ISO/IEC 7816-3 tables 7 and 8: clock rate conversion integer Fi with the greatest frequency, baud rate adjustment integer Di
_FI: Final = {0: 372, 1: 372, 2: 558, 3: 744, 4: 1116, 5: 1488, 6: 1860, 9: 512, 10: 768, 11: 1024, 12: 1536, 13: 2048}
_DI: Final = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20}

_STORAGE_CARD_AID: Final = bytes.fromhex("A000000306")
_STORAGE_STANDARDS: Final = {
    0x00: "no information",
    0x01: "ISO/IEC 14443 A part 1",
    0x02: "ISO/IEC 14443 A part 2",
    0x03: "ISO/IEC 14443 A part 3",
    0x05: "ISO/IEC 14443 B part 1",
    0x06: "ISO/IEC 14443 B part 2",
    0x07: "ISO/IEC 14443 B part 3",
    0x09: "ISO/IEC 15693 part 1",
    0x0A: "ISO/IEC 15693 part 2",
    0x0B: "ISO/IEC 15693 part 3",
    0x0C: "ISO/IEC 15693 part 4",
    0x0D: "ISO/IEC 7816-10, I2C",
    0x0E: "ISO/IEC 7816-10, extended I2C",
    0x0F: "ISO/IEC 7816-10, 2-wire",
    0x10: "ISO/IEC 7816-10, 3-wire",
    0x11: "FeliCa",
}


class AtrError(ValueError):
    """Bytes that are no answer to reset, or values that no answer to reset can express.

    Attributes:
        offset: Offset of the first byte at fault, TS being 0; the length of the input when bytes are missing.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(f"{message} (offset {offset})")
        self.offset = offset


@dataclass(frozen=True)
class InterfaceBytes:
    """One group of interface bytes.

    Attributes:
        ta: TAi, or None when absent.
        tb: TBi, or None when absent.
        tc: TCi, or None when absent.
        protocol: T (0 to 15) that the TD before this group names; 0 in the first group, which no TD announces.
    """

    ta: int | None = None
    tb: int | None = None
    tc: int | None = None
    protocol: int = 0

    @property
    def present(self) -> tuple[int, ...]:
        """The bytes that are there, in order."""
        return tuple(byte for byte in (self.ta, self.tb, self.tc) if byte is not None)

    @property
    def presence(self) -> int:
        """Bits 1 to 3 of the nibble Y that announces these bytes."""
        return sum(1 << bit for bit, byte in enumerate((self.ta, self.tb, self.tc)) if byte is not None)


@dataclass(frozen=True)
class ContactlessIdentity:
    """What the answer to reset that a PC/SC reader makes up for a contactless card tells.

    Attributes:
        kind: "ISO/IEC 14443-4" for a card with APDUs, "storage card" for a memory card.
        historical: Card with APDUs: historical bytes of the ATS (type A) or the 8 bytes of application data, protocol information and
            MBLI (type B); both look alike.
        standard: Storage card: the standard named by byte SS, empty otherwise.
        card_name: Storage card: the number NN NN of the card name in the PC/SC register, None otherwise.
    """

    kind: str
    historical: bytes = b""
    standard: str = ""
    card_name: int | None = None


@dataclass(frozen=True)
class Atr:
    """An answer to reset.

    Attributes:
        historical: 0 to 15 historical bytes.
        interface: Groups of interface bytes, the first one always there, perhaps empty. The default is TB1 = TC1 = 00: no
            programming voltage, no extra guard time, T=0, which is also what EMV and the social security card want.
        ts: 3B direct or 3F inverse convention.
    """

    historical: bytes = b""
    interface: tuple[InterfaceBytes, ...] = (InterfaceBytes(tb=0, tc=0),)
    ts: int = DIRECT

    def __post_init__(self) -> None:
        if self.ts not in (DIRECT, INVERSE):
            raise AtrError(f"TS is {self.ts:02X}, it must be 3B or 3F", 0)
        if len(self.historical) > MAX_HISTORICAL:
            raise AtrError(f"{len(self.historical)} historical bytes, at most 15 fit", 1)
        if not self.interface or self.interface[0].protocol:
            raise AtrError("the first group of interface bytes is global and names no protocol", 1)
        offset = 1
        for index, group in enumerate(self.interface):
            if any(not 0 <= byte <= 0xFF for byte in group.present):
                raise AtrError(f"an interface byte of group {index + 1} is no byte", offset + 1)
            if not 0 <= group.protocol <= 15 or (index == 1 and group.protocol == 15):
                raise AtrError(f"TD{index} names T={group.protocol}, which is not allowed there", offset)
            offset += len(group.present) + 1
        if self.size > MAX_SIZE:
            raise AtrError(f"{self.size} bytes, an answer to reset has at most 33", MAX_SIZE)

    @classmethod
    def build(
        cls,
        historical: bytes,
        interface: Sequence[InterfaceBytes] = (InterfaceBytes(tb=0, tc=0),),
        ts: int = DIRECT,
    ) -> bytes:
        """Write an answer to reset with its TCK.

        Raises:
            AtrError: The values do not fit into one.
        """
        return cls(historical, tuple(interface), ts).to_bytes()

    @classmethod
    def contactless(cls, historical: bytes) -> Self:
        """The answer to reset 3B 8N 80 01 … TCK that a PC/SC reader makes up for a contactless card with APDUs.

        Args:
            historical: Historical bytes of the ATS (type A), or application data, protocol information and MBLI (type B).
        """
        return cls(historical, (InterfaceBytes(), InterfaceBytes(), InterfaceBytes(protocol=1)))

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read an answer to reset.

        Raises:
            AtrError: A byte is wrong, missing or too many.
        """
        if not raw:
            raise AtrError("the answer to reset is empty, TS is missing", 0)
        if raw[0] not in (DIRECT, INVERSE):
            raise AtrError(f"TS is {raw[0]:02X}, it must be 3B or 3F", 0)
        if len(raw) > MAX_SIZE:
            raise AtrError(f"{len(raw)} bytes, an answer to reset has at most 33", MAX_SIZE)
        interface, position = _parse_interface(raw)
        end = position + (raw[1] & 0x0F)
        if end > len(raw):
            raise AtrError(f"T0 announces {raw[1] & 0x0F} historical bytes, {len(raw) - position} are there", len(raw))
        atr = cls(raw[position:end], interface, raw[0])
        _check_end(raw, end, atr.has_tck)
        return atr

    def to_bytes(self) -> bytes:
        """Write the answer to reset, with TCK when it must be there."""
        out = bytearray()
        for index, group in enumerate(self.interface):
            more = 0x80 if index + 1 < len(self.interface) else 0
            out.append(more | group.presence << 4 | (group.protocol if index else len(self.historical)))
            out += bytes(group.present)
        out += self.historical
        if self.has_tck:
            out.append(reduce(xor, out))
        return bytes((self.ts,)) + bytes(out)

    @property
    def size(self) -> int:
        """Number of bytes, TS and TCK included."""
        groups = sum(1 + len(group.present) for group in self.interface)
        return 1 + groups + len(self.historical) + self.has_tck

    @property
    def protocols(self) -> tuple[int, ...]:
        """The transmission protocols offered, first offer first; (0,) when no TD names one. T=15 is no protocol."""
        named = [group.protocol for group in self.interface[1:] if group.protocol != 15]
        return tuple(dict.fromkeys(named)) or (0,)

    @property
    def has_tck(self) -> bool:
        """Whether TCK must be there: some TD names another T than 0 (ISO/IEC 7816-3 §8.2.5)."""
        return any(group.protocol for group in self.interface)

    @property
    def tck(self) -> int | None:
        """The check byte: exclusive-or of T0 to TCK is 00. None when it must be absent."""
        return self.to_bytes()[-1] if self.has_tck else None

    @property
    def clock_rate_conversion(self) -> int | None:
        """Fi from TA1 (372 by default), None for a reserved value."""
        return _FI.get(self._ta1 >> 4)

    @property
    def baud_rate_adjustment(self) -> int | None:
        """Di from TA1 (1 by default), None for a reserved value."""
        return _DI.get(self._ta1 & 0x0F)

    @property
    def extra_guard_time(self) -> int:
        """N from TC1, in elementary time units; 255 means the least that the protocol allows."""
        return self.interface[0].tc or 0

    @property
    def specific_mode(self) -> int | None:
        """The protocol of the specific mode (TA2 present), None in negotiable mode."""
        ta2 = self.interface[1].ta if len(self.interface) > 1 else None
        return None if ta2 is None else ta2 & 0x0F

    @property
    def waiting_time_integer(self) -> int:
        """WI of T=0 from TC2, 10 by default."""
        tc2 = self.interface[1].tc if len(self.interface) > 1 else None
        return 10 if tc2 is None else tc2

    @property
    def information_field_size(self) -> int:
        """IFSC of T=1, the longest block that the card takes, 32 bytes by default (ISO/IEC 7816-3 §11.4.2)."""
        return self._specific(1).ta or 32

    @property
    def waiting_integers(self) -> tuple[int, int]:
        """BWI and CWI of T=1, 4 and 13 by default (ISO/IEC 7816-3 §11.4.3)."""
        tb = self._specific(1).tb
        return (4, 13) if tb is None else (tb >> 4, tb & 0x0F)

    @property
    def error_detection(self) -> str:
        """The error detection code of T=1 blocks: "LRC", the default, or "CRC" (ISO/IEC 7816-3 §11.4.4)."""
        return "CRC" if (self._specific(1).tc or 0) & 1 else "LRC"

    @property
    def supply_classes(self) -> str:
        """Supply voltages, from "A" (5 V, the default), "B" (3 V) and "C" (1.8 V) (ISO/IEC 7816-3 §8.3, T=15)."""
        ta = self._specific(15).ta
        return "A" if ta is None else "".join(name for bit, name in enumerate("ABC") if ta & 1 << bit)

    @property
    def contactless_identity(self) -> ContactlessIdentity | None:
        """What a made-up contactless answer tells, None for the answer of a contact card."""
        if self.ts != DIRECT or self.interface != Atr.contactless(b"").interface:
            return None
        data = self.historical
        if data[:3] == b"\x80\x4f\x0c" and data[3:8] == _STORAGE_CARD_AID and len(data) == MAX_HISTORICAL:
            standard = _STORAGE_STANDARDS.get(data[8], f"reserved {data[8]:02X}")
            return ContactlessIdentity("storage card", standard=standard, card_name=int.from_bytes(data[9:11]))
        return ContactlessIdentity("ISO/IEC 14443-4", historical=data)

    def _specific(self, protocol: int) -> InterfaceBytes:
        """The first group after TD2 that belongs to a protocol, an empty one when there is none."""
        return next((group for group in self.interface[2:] if group.protocol == protocol), InterfaceBytes())

    @property
    def _ta1(self) -> int:
        ta1 = self.interface[0].ta
        return 0x11 if ta1 is None else ta1


def _parse_interface(raw: bytes) -> tuple[tuple[InterfaceBytes, ...], int]:
    """The groups of interface bytes from T0 on, and the offset after the last one."""
    groups: list[InterfaceBytes] = []
    position = 1
    announced: int | None = 1
    while announced is not None:
        announcing = _byte(raw, announced, "T0" if announced == 1 else f"TD{len(groups)}")
        protocol = announcing & 0x0F if groups else 0
        if len(groups) == 1 and protocol == 15:
            raise AtrError("TD1 names T=15, which is no protocol", announced)
        number = len(groups) + 1
        position = announced + 1
        values: dict[str, int] = {}
        for bit, name in enumerate(("ta", "tb", "tc")):
            if announcing & 0x10 << bit:
                values[name] = _byte(raw, position, f"{name.upper()}{number}")
                position += 1
        groups.append(InterfaceBytes(**values, protocol=protocol))
        announced = position if announcing & 0x80 else None
    return tuple(groups), position


def _byte(raw: bytes, position: int, name: str) -> int:
    if position >= len(raw):
        raise AtrError(f"{name} is announced but missing", len(raw))
    return raw[position]


def _check_end(raw: bytes, end: int, has_tck: bool) -> None:
    """Check TCK and that nothing follows."""
    if not has_tck:
        if end < len(raw):
            raise AtrError("bytes follow the historical bytes although T=0 alone has no TCK", end)
        return
    if end == len(raw):
        raise AtrError("TCK is missing, it must be there when another protocol than T=0 is named", end)
    if end + 1 < len(raw):
        raise AtrError("bytes follow TCK", end + 1)
    wanted = reduce(xor, raw[1:end])
    if raw[end] != wanted:
        raise AtrError(f"TCK is {raw[end]:02X}, it must be {wanted:02X}", end)
