"""Data fields taken apart: records, data objects, layouts. Every function takes any bytes and loses none of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from profiles.dictionary import Element, Layout, elements, payment_elements
from profiles.dictionary import Field as Plain
from reports.trace import objects, values
from reports.trace.interindustry import INTERINDUSTRY, Entry
from reports.trace.objects import Found
from reports.trace.octets import Octets
from reports.trace.parts import NOTHING, Field, Name, printable

_MAX_DEPTH = 8
_INITIAL_FILL = Name("初始填充", "initial fill")
_UNKNOWN_ELEMENT = Name("未定义的数据元", "unknown data element")
_REST = Name("无法解析的字节", "bytes that cannot be read")


def opaque(name: Name, data: Octets, base: int = 0, *, secret: bool = False, text: str = "") -> Field:
    """All the bytes as one field."""
    return Field(name, base, base + len(data), data.hex(), text=text, secret=secret)


def records(data: Octets, base: int = 0, *, private: bool, expected: Collection[str] = ()) -> tuple[Field, ...]:
    """Records in SIMPLE-TLV form, as many as there are.

    ``expected`` are the tags that may stand here, all when empty. ``private``: from the first record that is not as the dictionary
    prescribes everything may be personal data and counts as secret.
    """
    found, end = objects.simple(data)
    fields: list[Field] = []
    sound = True
    for item in found:
        sound = sound and _as_prescribed(item, expected)
        fields.append(_record(item, data, base, private, hidden=private and not sound))
    return (*fields, *_rest(data, end, base, private))


def template(data: Octets, base: int = 0, depth: int = 0) -> tuple[Field, ...]:
    """BER-TLV objects with their inner objects."""
    found, end = objects.ber(data)
    fields = [_object(item, data, base, depth) for item in found]
    return (*fields, *_rest(data, end, base, private=False))


def is_template(data: Octets, tag: int) -> bool:
    """Whether the bytes are one whole BER-TLV object with this tag, well-formed one level down."""
    found, end = objects.ber(data)
    if len(found) != 1 or end != len(data) or found[0].tag != tag or found[0].missing:
        return False
    inner, inner_end = objects.ber(data.cut(found[0].value_start, found[0].stop))
    return inner_end == found[0].stop - found[0].value_start and not any(item.missing for item in inner)


def laid_out(layout: Layout, data: Octets, base: int = 0) -> tuple[Field, ...]:
    """One or more records without tags, field by field."""
    if len(data) > layout.size and len(data) % layout.size == 0:
        starts = range(0, len(data), layout.size)
        return tuple(
            Field(
                Name(f"{layout.zh} {number}", f"{layout.en} {number}"),
                base + start,
                base + start + layout.size,
                data.cut(start, start + layout.size).hex(),
                children=pieces(layout.field, data.cut(start, start + layout.size), base + start, private=True),
            )
            for number, start in enumerate(starts, 1)
        )
    return pieces(layout.field, data, base, private=True)


def pieces(contents: Iterable[Element | Plain], data: Octets, base: int = 0, *, private: bool) -> tuple[Field, ...]:
    """Fields of fixed lengths one after the other; what is left over becomes a field of its own."""
    fields = []
    position = 0
    for content in contents:
        if position >= len(data):
            break
        piece = data.cut(position, position + content.length)
        fields.append(_value(content, piece, base + position, tag=""))
        position += content.length
    return (*fields, *_rest(data, position, base, private))


def named(
    parts: Sequence[tuple[Name, int]], data: Octets, base: int = 0, secret: Iterable[int] = ()
) -> tuple[Field, ...]:
    """Named byte strings of fixed lengths; the indices in ``secret`` are hidden; what is left over follows."""
    hidden = set(secret)
    fields = []
    position = 0
    for index, (name, length) in enumerate(parts):
        if position >= len(data):
            break
        piece = data.cut(position, position + length)
        problem = "" if len(piece) == length else _length_problem(len(piece), length)
        fields.append(
            Field(
                name,
                base + position,
                base + position + len(piece),
                piece.hex(),
                text=values.binary(name.zh, piece.value) if piece.known else "",
                secret=index in hidden,
                problem=problem,
            )
        )
        position += length
    return (*fields, *_rest(data, position, base, bool(hidden)))


def _as_prescribed(item: Found, expected: Collection[str]) -> bool:
    element = elements().get(item.tag_text)
    if element is None or (expected and item.tag_text not in expected):
        return False
    return not item.missing and item.stop - item.value_start == element.length


def _record(item: Found, data: Octets, base: int, private: bool, hidden: bool) -> Field:
    element = elements().get(item.tag_text)
    value = data.cut(item.value_start, item.stop)
    start = base + item.value_start
    if element is None:
        end = base + item.stop
        return Field(_UNKNOWN_ELEMENT, start, end, value.hex(), tag=item.tag_text, secret=hidden, problem=_cut(item))
    field = _value(element, value, start, tag=item.tag_text, missing=item.missing)
    if hidden:
        return replace(field, secret=True)
    if element.children and not field.meaning:
        return replace(field, children=records(value, start, private=private, expected=element.children))
    return field


def _value(content: Element | Plain, value: Octets, start: int, *, tag: str, missing: int = 0) -> Field:
    """A value that the dictionary knows."""
    text, meaning, problem = "", NOTHING, ""
    if value.known and value.value and not missing:
        if value.value == content.initial_fill and content.format != "b":
            meaning = _INITIAL_FILL
        elif not (isinstance(content, Element) and content.children):
            decoded = content.decode(value.value)
            text = printable(_in_words(content, decoded, value.value))
            known = content.meaning(decoded)
            meaning = Name(printable(known.zh), printable(known.en)) if known else NOTHING
            problem = printable(content.problem(decoded) or "")
    if missing:
        problem = f"{missing} 字节缺失 bytes missing"
    elif len(value) != content.length:
        problem = _length_problem(len(value), content.length)
    return Field(
        Name(content.zh, content.en), start, start + len(value), value.hex(),
        text=text, tag=tag, meaning=meaning, secret=content.secret, problem=problem,
    )  # fmt: skip


def _in_words(content: Element | Plain, decoded: str, value: bytes) -> str:
    if content.format == "b":
        return values.binary(content.zh, value) or decoded
    return values.moment(decoded) or decoded if content.rule in ("date", "date and time") else decoded


def _object(item: Found, data: Octets, base: int, depth: int) -> Field:
    entry = INTERINDUSTRY.get(item.tag_text) or _of_payment(item.tag_text)
    value = data.cut(item.value_start, item.stop)
    start = base + item.value_start
    children: tuple[Field, ...] = ()
    text, meaning = "", NOTHING
    if depth < _MAX_DEPTH and (item.constructed or (entry and entry.objects)):
        children = template(value, start, depth + 1)
    elif entry and value.known:
        text, meaning = entry.read(value.value)
    return Field(
        entry.name if entry else _UNKNOWN_ELEMENT, start, start + len(value), value.hex(),
        text=printable(text), tag=item.tag_text, meaning=meaning, secret=bool(entry and entry.secret),
        problem=_cut(item), children=children,
    )  # fmt: skip


def _of_payment(tag: str) -> Entry | None:
    """The entry of a data object of a payment application."""
    found = payment_elements().get(tag)
    return Entry(Name(found.zh, found.en), lambda value: ("", NOTHING), secret=found.secret) if found else None


def _rest(data: Octets, start: int, base: int, private: bool) -> Iterator[Field]:
    if start < len(data):
        rest = data.cut(start)
        padding = rest.known and set(rest.value) in ({0x00}, {0xFF})
        name = Name("填充", "padding") if padding else _REST
        yield Field(name, base + start, base + len(data), rest.hex(), secret=private and not padding)


def _cut(item: Found) -> str:
    return f"{item.missing} 字节缺失 bytes missing" if item.missing else ""


def _length_problem(length: int, wanted: int) -> str:
    return f"长度 length {length}，应为 expected {wanted}"
