"""Data groupings of STORE DATA taken apart, also those that go on from one block to the next.

Keys, PINs and whatever is enciphered stay hidden, and so does a piece of a grouping that began in another block.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from profiles.dictionary import Grouping, find_grouping
from reports.trace import contents
from reports.trace.octets import Octets
from reports.trace.parts import Field, Name

CHANNEL: Final = "EXTERNAL AUTHENTICATE with MAC"
STORE: Final = frozenset({"STORE DATA", "STORE DATA with MAC"})
MAC_SIZE: Final = 8
ENCIPHERED_BLOCK: Final = 0x03
"""Level of a channel that enciphers whole commands."""

_LONG_LENGTH: Final = 0xFF
_ENCIPHERMENT: Final = 0x60
_MAC: Final = Name("校验码", "MAC")
_BLOCK: Final = Name("加密的数据分组", "enciphered data groupings")
_CONTINUED: Final = Name("上一条数据分组的后续", "continuation of the grouping before")
_HEAD: Final = Name("数据分组的开头", "beginning of a grouping")
_UNKNOWN: Final = Name("未定义的数据分组", "unknown data grouping")
_UNREADABLE: Final = Name("无法解析的字节", "bytes that cannot be read")
_TEMPLATES: Final = frozenset({"record", "objects", "selection", "options"})
_CHECK_VALUES: Final = tuple((Name(f"{zh}校验值", f"check value of the {en} key"), 3) for zh, en in (
    ("应用密文密钥", "cryptogram"), ("认证密钥", "MAC"), ("加密密钥", "encryption"),
))  # fmt: skip
_TRIES: Final = ((Name("剩余次数", "tries left"), 1), (Name("次数上限", "limit"), 1))


class Open(NamedTuple):
    """What the next block goes on with: the first bytes of a DGI and its length, or so many bytes of a value."""

    head: bytes = b""
    rest: int = 0


NOTHING_OPEN: Final = Open()


def fields(cla: int, p1: int, data: Octets, base: int, level: int, before: Open) -> tuple[tuple[Field, ...], Open]:
    """The fields of a STORE DATA, and what stays open; ``level`` is that of the channel, ``before`` what was open."""
    mac = MAC_SIZE if cla & 0x04 and len(data) >= MAC_SIZE else 0
    end = len(data) - mac
    signed = (contents.opaque(_MAC, data.cut(end), base + end),) if mac else ()
    if level == ENCIPHERED_BLOCK:
        return (contents.opaque(_BLOCK, data.cut(0, end), base, secret=True), *signed), NOTHING_OPEN
    found, after = _groupings(data.cut(0, end), base, before, hidden=bool(p1 & _ENCIPHERMENT))
    return (*found, *signed), after


def _groupings(data: Octets, base: int, before: Open, *, hidden: bool) -> tuple[list[Field], Open]:
    found: list[Field] = []
    position = min(before.rest, len(data))
    if position:
        found.append(contents.opaque(_CONTINUED, data.cut(0, position), base, secret=True))
    if before.rest > position:
        return found, Open(rest=before.rest - position)
    earlier = before.head
    while position < len(data):
        start = position
        stream = Octets(earlier) + data.cut(position, position + 5)
        size = 3 if len(stream) < 3 or stream.value[2] != _LONG_LENGTH else 5
        if any(offset in stream.unknown for offset in range(min(size, len(stream)))):
            return [*found, contents.opaque(_UNREADABLE, data.cut(start), base + start, secret=True)], NOTHING_OPEN
        if len(stream) < size:
            found.append(contents.opaque(_HEAD, data.cut(start), base + start))
            return found, Open(head=stream.value)
        length = stream.value[2] if size == 3 else int.from_bytes(stream.value[3:5])
        begin = start + size - len(earlier)
        earlier = b""
        value = data.cut(begin, begin + length)
        found.append(_grouping(stream.value[:2], value, base + begin, length, hidden=hidden))
        position = begin + length
        if position > len(data):
            return found, Open(rest=position - len(data))
    return found, NOTHING_OPEN


def _grouping(identifier: bytes, value: Octets, start: int, length: int, *, hidden: bool) -> Field:
    """A grouping with its objects; one that is cut off, unknown or enciphered stays hidden."""
    known = find_grouping(int.from_bytes(identifier))
    name = Name(known.zh, known.en) if known else _UNKNOWN
    cut = len(value) < length
    secret = hidden or known is None or known.enciphered or cut
    children = () if secret or known is None else _inside(known, value, start)
    return Field(
        name,
        start,
        start + len(value),
        value.hex(),
        tag=f"DGI {identifier.hex().upper()}",
        secret=secret,
        children=children,
    )


def _inside(grouping: Grouping, value: Octets, start: int) -> tuple[Field, ...]:
    if grouping.kind in _TEMPLATES:
        return contents.template(value, start)
    if grouping.kind == "check values":
        return contents.named(_CHECK_VALUES, value, start)
    return contents.named(_TRIES, value, start) if grouping.kind == "PIN tries" else ()
