"""BER-TLV data objects (ISO/IEC 7816-4 §5.2.2, encodings of ISO/IEC 8825-1).

Strict reading takes what a card should send: definite lengths in their shortest form, nothing between objects. Lenient
reading also takes longer length forms and skips the padding bytes 00 and FF before, between and after objects, so it cannot
see a tag that begins with FF. Tag numbers below 31 may take two bytes in both, as EMV writes them (9F02).
Offsets count from the start of the bytes that were given to `parse`, also in nested objects.

Records of the social security card are SIMPLE-TLV, whose tags 1F, 3F and 5F are single bytes: see `simple_tlv`.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_DEPTH = 16
MAX_TAG_SIZE = 4
MAX_LENGTH_SIZE = 4


class TlvError(ValueError):
    """Bytes that are no sequence of data objects.

    Attributes:
        offset: Offset of the first byte at fault; the length of the input when bytes are missing.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(f"{message} (offset {offset})")
        self.offset = offset


class Tlv(NamedTuple):
    """A data object.

    Attributes:
        tag: Tag field as a big-endian number, such as 0x84, 0x9F38, 0xBF0C.
        value: Value field.
        offset: Where the tag begins in the bytes that were parsed, 0 for an object made by hand.
        value_offset: Where the value begins in the bytes that were parsed, 0 for an object made by hand.
    """

    tag: int
    value: bytes
    offset: int = 0
    value_offset: int = 0

    @staticmethod
    def parse(data: bytes, strict: bool = True) -> "tuple[Tlv, ...]":
        """Read data objects until the end of `data`.

        Raises:
            TlvError: The bytes are no sequence of data objects.
        """
        return tuple(_objects(data, 0, strict))

    def parse_value(self, strict: bool = True) -> "tuple[Tlv, ...]":
        """Read the value as a sequence of data objects.

        Raises:
            TlvError: The value is no such sequence.
        """
        return tuple(_objects(self.value, self.value_offset, strict))

    @property
    def constructed(self) -> bool:
        """Whether the tag says that the value holds data objects (bit 6 of its first byte)."""
        return is_constructed(self.tag)

    @property
    def children(self) -> "tuple[Tlv, ...]":
        """The objects inside a constructed one, read strictly; none in a primitive one.

        Raises:
            TlvError: The value of the constructed object is malformed.
        """
        return self.parse_value() if self.constructed else ()

    def find(self, *path: int) -> "Tlv | None":
        """The first object that the tags of `path` lead to, one level for each tag, or None.

        Raises:
            TlvError: An object on the path is malformed.
        """
        return find(self.children, *path)

    def to_bytes(self) -> bytes:
        """Write the object with the shortest length field."""
        return build(self.tag, self.value)


parse = Tlv.parse


def find(objects: Iterable[Tlv], *path: int) -> Tlv | None:
    """The first object that the tags of `path` lead to, one level for each tag, or None.

    Raises:
        TlvError: An object on the path is malformed.
    """
    for candidate in objects:
        if path and candidate.tag == path[0]:
            found = candidate if len(path) == 1 else find(candidate.children, *path[1:])
            if found is not None:
                return found
    return None


def walk(objects: Iterable[Tlv], strict: bool = True, max_depth: int = MAX_DEPTH) -> Iterator[tuple[int, Tlv]]:
    """Every object with its depth, outer objects before inner ones; depth 0 is the given level.

    Raises:
        TlvError: A constructed value is malformed, or objects are nested deeper than `max_depth` levels.
    """
    pending = [(0, item) for item in objects][::-1]
    while pending:
        depth, item = pending.pop()
        yield depth, item
        if item.constructed:
            if depth + 1 >= max_depth and item.value:
                raise TlvError(f"data objects are nested deeper than {max_depth} levels", item.value_offset)
            pending += [(depth + 1, child) for child in item.parse_value(strict)][::-1]


def build(tag: int, *parts: bytes) -> bytes:
    """Write a data object whose value is the joined `parts`, with the shortest length field.

    Raises:
        TlvError: The number is no BER tag, or the value is longer than 4 GiB.
    """
    value = b"".join(parts)
    return encode_tag(tag) + encode_length(len(value)) + value


def is_constructed(tag: int) -> bool:
    """Whether bit 6 of the first byte of the tag is set."""
    return bool(tag >> (max(tag.bit_length() - 1, 0) // 8 * 8) & 0x20)


def encode_tag(tag: int) -> bytes:
    """Write a tag field of 1 to 4 bytes.

    Raises:
        TlvError: The number is no BER tag field.
    """
    if tag >= 0:
        raw = tag.to_bytes(max(1, (tag.bit_length() + 7) // 8))
        try:
            if _tag_at(raw, 0, 0, strict=True)[1] == len(raw):
                return raw
        except TlvError:
            pass
    raise TlvError(f"{tag:X} is no BER tag of 1 to {MAX_TAG_SIZE} bytes")


def encode_length(length: int) -> bytes:
    """Write a length field in its shortest form: one byte up to 127, then 81 to 84 with 1 to 4 bytes.

    Raises:
        TlvError: The length has no such form.
    """
    if 0 <= length < 0x80:
        return bytes((length,))
    size = (length.bit_length() + 7) // 8
    if length < 0 or size > MAX_LENGTH_SIZE:
        raise TlvError(f"a value of {length} bytes has no length field of 1 to {MAX_LENGTH_SIZE + 1} bytes")
    return bytes((0x80 | size,)) + length.to_bytes(size)


@lru_cache(maxsize=256)
def parse_tags_and_lengths(data: bytes) -> tuple[tuple[int, int], ...]:
    """Read a data object list, DOL: tags each followed by a length, no values (EMV Book 3 §5.4).

    The lists of a card are read again in every transaction: the latest ones are kept.

    Raises:
        TlvError: The bytes are no such list.
    """
    entries = []
    position = 0
    while position < len(data):
        tag, position = _tag_at(data, position, 0, strict=True)
        length, position = _length_at(data, position, 0, strict=True)
        entries.append((tag, length))
    return tuple(entries)


def _objects(data: bytes, base: int, strict: bool) -> Iterator[Tlv]:
    position = 0
    end = len(data)
    while position < end:
        if not strict and data[position] in (0x00, 0xFF):
            position += 1
            continue
        start = position
        tag, position = _tag_at(data, start, base, strict)
        length, value_start = _length_at(data, position, base, strict)
        position = value_start + length
        if position > end:
            raise TlvError(f"tag {tag:X} announces {length} bytes, {end - value_start} are left", base + end)
        yield Tlv(tag, data[value_start:position], base + start, base + value_start)


def _tag_at(data: bytes, position: int, base: int, strict: bool) -> tuple[int, int]:
    """The tag at a position and the position after it."""
    first = data[position]
    if first == 0 and strict:
        raise TlvError("00 is no tag", base + position)
    if first & 0x1F != 0x1F:
        return first, position + 1
    tag = first
    for index in range(position + 1, position + MAX_TAG_SIZE):
        if index >= len(data):
            raise TlvError(f"tag {tag:X} is cut off", base + len(data))
        byte = data[index]
        tag = tag << 8 | byte
        if strict and index == position + 1 and byte & 0x7F == 0:
            raise TlvError(f"tag {tag:X} writes its number with leading zeros", base + index)
        if byte < 0x80:
            return tag, index + 1
    raise TlvError(f"tag {tag:X}… is longer than {MAX_TAG_SIZE} bytes", base + position + MAX_TAG_SIZE - 1)


def _length_at(data: bytes, position: int, base: int, strict: bool) -> tuple[int, int]:
    """The length at a position and the position after it."""
    if position >= len(data):
        raise TlvError("the length field is missing", base + position)
    first = data[position]
    if first < 0x80:
        return first, position + 1
    size = first & 0x7F
    if size == 0:
        raise TlvError("indefinite length 80 is not allowed on cards", base + position)
    if size > MAX_LENGTH_SIZE:
        raise TlvError(f"length field {first:02X} is longer than {MAX_LENGTH_SIZE + 1} bytes", base + position)
    end = position + 1 + size
    if end > len(data):
        raise TlvError(f"length field {first:02X} is cut off", base + len(data))
    length = int.from_bytes(data[position + 1 : end])
    if strict and (length < 0x80 or length >> 8 * (size - 1) == 0):
        raise TlvError(f"length {length} is not written in its shortest form", base + position)
    return length, end
