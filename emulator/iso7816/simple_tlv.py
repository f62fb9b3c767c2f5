"""SIMPLE-TLV data objects (ISO/IEC 7816-4 §5.2.1), the form of the records of the social security card.

The tag is one byte from 01 to FE. The length is one byte from 00 to FE, or FF and two bytes. Tags such as 1F, 3F and 5F, which
would begin a longer tag in BER-TLV, stand alone here (reconstructed specification §2.3).
"""

from typing import NamedTuple, Self

from emulator.iso7816.tlv import TlvError


class SimpleTlv(NamedTuple):
    """A SIMPLE-TLV data object.

    Attributes:
        tag: Tag byte, 01 to FE.
        value: Value field, up to 65535 bytes.
        offset: Where the tag begins in the bytes that were parsed, 0 for an object made by hand.
    """

    tag: int
    value: bytes
    offset: int = 0

    @classmethod
    def parse(cls, data: bytes) -> tuple[Self, ...]:
        """Read data objects until the end of `data`.

        Raises:
            TlvError: The bytes are no sequence of SIMPLE-TLV data objects.
        """
        objects = []
        position = 0
        while position < len(data):
            item, position = cls._parse_at(data, position)
            objects.append(item)
        return tuple(objects)

    @classmethod
    def _parse_at(cls, data: bytes, start: int) -> tuple[Self, int]:
        tag = data[start]
        if tag in (0x00, 0xFF):
            raise TlvError(f"{tag:02X} is no SIMPLE-TLV tag", start)
        long = data[start + 1 : start + 2] == b"\xff"
        value_start = start + (4 if long else 2)
        if value_start > len(data):
            raise TlvError(f"the length field of tag {tag:02X} is cut off", len(data))
        length = int.from_bytes(data[start + 2 : start + 4]) if long else data[start + 1]
        end = value_start + length
        if end > len(data):
            raise TlvError(f"tag {tag:02X} announces {length} bytes, {len(data) - value_start} are left", len(data))
        return cls(tag, data[value_start:end], start), end

    def to_bytes(self) -> bytes:
        """Write the object with the shortest length field.

        Raises:
            TlvError: The tag is not 01 to FE, or the value is longer than 65535 bytes.
        """
        length = len(self.value)
        if not 0x01 <= self.tag <= 0xFE:
            raise TlvError(f"{self.tag:02X} is no SIMPLE-TLV tag, 01 to FE are")
        if length > 0xFFFF:
            raise TlvError(f"a value of {length} bytes is too long for SIMPLE-TLV, 65535 is the limit", 1)
        size = bytes((length,)) if length < 0xFF else b"\xff" + length.to_bytes(2)
        return bytes((self.tag,)) + size + self.value
