"""Command and response APDUs (ISO/IEC 7816-4 §5.1, encodings of ISO/IEC 7816-3 §12.1).

A command has a header of four bytes, then optionally Lc with data and optionally Le. Seven encodings exist:

| case | bytes | data | answer wanted |
|---|---|---|---|
| 1  | header | no | no |
| 2S | header Le | no | 1 to 256 bytes (Le 00) |
| 3S | header Lc data | 1 to 255 bytes | no |
| 4S | header Lc data Le | 1 to 255 bytes | 1 to 256 bytes |
| 2E | header 00 LeLe | no | 1 to 65536 bytes (Le 0000) |
| 3E | header 00 LcLc data | 1 to 65535 bytes | no |
| 4E | header 00 LcLc data LeLe | 1 to 65535 bytes | 1 to 65536 bytes |
"""

from typing import NamedTuple, Self

MAX_SHORT_DATA = 255
MAX_SHORT_NE = 256
MAX_EXTENDED_DATA = 65535
MAX_EXTENDED_NE = 65536

_new = tuple.__new__


class ApduError(ValueError):
    """Bytes that are no APDU, or an APDU that no bytes can express.

    Attributes:
        offset: Offset of the first byte at fault; the length of the input when bytes are missing.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(f"{message} (offset {offset})")
        self.offset = offset


class Command(NamedTuple):
    """A command APDU.

    Attributes:
        cla: Class byte.
        ins: Instruction byte.
        p1: First parameter byte.
        p2: Second parameter byte.
        data: Command data field, Nc bytes.
        ne: Greatest number of answer bytes wanted: 0 without Le field, 256 for a short Le of 00, 65536 for an extended 0000.
        extended: Whether Lc and Le are written in their extended form. Without data and Le no extended form exists.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int = 0
    extended: bool = False

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a command APDU.

        Raises:
            ApduError: The bytes are none of the seven encodings.
        """
        length = len(raw)
        if length > 5:
            cla, ins, p1, p2, lc = raw[:5]
            if lc:
                rest = length - lc
                if rest == 6:
                    return _new(cls, (cla, ins, p1, p2, raw[5:-1], raw[-1] or 256, False))
                if rest == 5:
                    return _new(cls, (cla, ins, p1, p2, raw[5:], 0, False))
                raise _length_error(length, 5 + lc, 1)
            return _new(cls, (cla, ins, p1, p2, *_extended_body(raw), True))
        if length == 5:
            cla, ins, p1, p2, le = raw
            return _new(cls, (cla, ins, p1, p2, b"", le or 256, False))
        if length == 4:
            cla, ins, p1, p2 = raw
            return _new(cls, (cla, ins, p1, p2, b"", 0, False))
        raise ApduError(f"a command APDU has at least 4 bytes, here are {length}", length)

    def to_bytes(self) -> bytes:
        """Write the command in the encoding of its case.

        Raises:
            ApduError: A field has no room in the encoding; `offset` tells where that field would stand.
        """
        return self.header + (self._extended_fields() if self.extended else self._short_fields())

    @property
    def case(self) -> str:
        """The encoding: "1", "2S", "3S", "4S", "2E", "3E" or "4E"."""
        if not self.data and not self.ne:
            return "1"
        number = "4" if self.data and self.ne else "3" if self.data else "2"
        return number + ("E" if self.extended else "S")

    @property
    def header(self) -> bytes:
        """CLA, INS, P1 and P2: 4 bytes.

        Raises:
            ApduError: One of them is no byte.
        """
        try:
            return bytes(self[:4])
        except ValueError:
            fields = zip(self._fields, self[:4], strict=False)
            offset, (name, value) = next(item for item in enumerate(fields) if not 0 <= item[1][1] <= 0xFF)
            raise ApduError(f"{name.upper()} is {value}, a byte is needed", offset) from None

    def _short_fields(self) -> bytes:
        nc = len(self.data)
        if nc > MAX_SHORT_DATA:
            raise ApduError(f"{nc} data bytes need an extended APDU, a short one carries 255", 4)
        if not 0 <= self.ne <= MAX_SHORT_NE:
            raise ApduError(
                f"Ne {self.ne} needs an extended APDU, a short one asks for 0 to 256 bytes", 4 + (nc and nc + 1)
            )
        body = bytes((nc,)) + self.data if nc else b""
        return body + bytes((self.ne & 0xFF,)) if self.ne else body

    def _extended_fields(self) -> bytes:
        nc = len(self.data)
        if nc > MAX_EXTENDED_DATA:
            raise ApduError(f"{nc} data bytes, an extended APDU carries 65535", 4)
        if not 0 <= self.ne <= MAX_EXTENDED_NE:
            raise ApduError(f"Ne {self.ne}, an extended APDU asks for 0 to 65536 bytes", 4 + (nc and nc + 3))
        if not nc and not self.ne:
            return b""
        body = b"\0" + (nc.to_bytes(2) + self.data if nc else b"")
        return body + (self.ne & 0xFFFF).to_bytes(2) if self.ne else body


def _extended_body(raw: bytes) -> tuple[bytes, int]:
    """Data and Ne of a command of at least six bytes whose fifth byte is 00."""
    length = len(raw)
    if length < 7:
        raise ApduError("the extended length field 00 has only one byte after it, two are needed", length)
    field = raw[5] << 8 | raw[6]
    if length == 7:
        return b"", field or 65536
    if not field:
        raise ApduError("the extended Lc is 0000 although data follow", 5)
    end = 7 + field
    if length == end:
        return raw[7:], 0
    if length == end + 2:
        return raw[7:end], (raw[end] << 8 | raw[end + 1]) or 65536
    raise _length_error(length, end, 2)


def _length_error(length: int, end: int, le_size: int) -> ApduError:
    """Tell what is wrong when the command neither ends with its data nor with Le after them."""
    if length < end:
        return ApduError(f"Lc announces data up to byte {end}, the command ends after {length}", length)
    if length < end + le_size:
        return ApduError("Le has one byte after an extended Lc, two are needed", length)
    return ApduError(f"{length - end - le_size} bytes follow where the command should have ended", end + le_size)


class Response(NamedTuple):
    """A response APDU.

    Attributes:
        data: Response data field, possibly empty.
        sw: Status word, SW1 in the high byte.
    """

    data: bytes
    sw: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a response APDU.

        Raises:
            ApduError: Fewer than two bytes.
        """
        if len(raw) < 2:
            raise ApduError(f"a response APDU has at least 2 bytes, here are {len(raw)}", len(raw))
        return _new(cls, (raw[:-2], raw[-2] << 8 | raw[-1]))

    def to_bytes(self) -> bytes:
        """Write the data field followed by SW1 and SW2.

        Raises:
            ApduError: The status word has not two bytes.
        """
        try:
            return self.data + self.sw.to_bytes(2)
        except OverflowError:
            raise ApduError(f"the status word is {self.sw:X}, two bytes are needed", len(self.data)) from None

    @property
    def sw1(self) -> int:
        """First status byte."""
        return self.sw >> 8

    @property
    def sw2(self) -> int:
        """Second status byte."""
        return self.sw & 0xFF
