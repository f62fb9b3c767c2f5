"""The values of the elements that the official reader interface names, read from a card and written to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.actors.medical.addresses import INNER, FileAddress, mirrored_values
from conformance.actors.medical.codes import Code, Failed
from conformance.actors.medical.reader import IDENTIFICATION, CardReader
from profiles.dictionary import ValueFormatError, element, layout

Change = Callable[[], None]


def read_values(reader: CardReader, address: FileAddress) -> list[str]:
    """The values of a file's named elements, of its record, or of all of it; raises what the reader raises."""
    file = reader.file(address.path)
    if file.structure == "transparent":
        return [reader.read_binary(address.path).hex().upper()]
    if file.structure == "cyclic":
        form = layout(file.layout or "")
        one = address.record
        records = reader.read_cycle(address.path) if one is None else [reader.read_record(address.path, one)]
        return [INNER.join(text for _, text in form.decode_fields(record)) for record in records]
    wanted = [(each.tag, each.occurrence) for each in address.elements]
    if not wanted:
        wanted = [(tag, file.elements[:at].count(tag) + 1) for at, tag in enumerate(file.elements)]
    return [_text(reader, address.path, tag, occurrence) for tag, occurrence in wanted]


def changes(reader: CardReader, addresses: Sequence[FileAddress], data: str) -> list[Change]:
    """What pWriteData, which mirrors the addresses, would change; judged before anything is written.

    Raises:
        Failed: The values are not those of the addresses.
        ValueFormatError: A value does not fit, or is none that the dictionary allows.
        AddressError: The text is not of the grammar, or names other files.
        CardRefused: The product has no such file.
    """
    values = mirrored_values(addresses, data)
    return [_change(reader, address, given) for address, given in zip(addresses, values, strict=True)]


def _text(reader: CardReader, path: str, tag: str, occurrence: int) -> str:
    raw = reader.read(path, tag, occurrence)
    children = element(tag).decode_children(raw) if element(tag).children else None
    return element(tag).decode(raw) if children is None else INNER.join(children.values())


def _change(reader: CardReader, address: FileAddress, values: tuple[str, ...]) -> Change:
    file = reader.file(address.path)
    if file.structure == "cyclic":
        if len(values) != 1 or address.elements or address.record not in (None, 1):  # a new record is always record 1
            raise Failed(Code.WRONG_ARGUMENT)
        fields = values[0].split(INNER)
        layout(file.layout or "").encode(fields)
        return lambda: reader.append(address.path, fields)
    if file.structure not in ("variable", "fixed") or len(values) != len(address.elements):
        raise Failed(Code.WRONG_ARGUMENT)
    prepared = [(each, _value(each.tag, value)) for each, value in zip(address.elements, values, strict=True)]

    def write() -> None:
        for each, value in prepared:
            reader.write(address.path, each.tag, value, each.occurrence)

    return write


def _value(tag: str, text: str) -> object:
    """The value as the dictionary takes it; raises :class:`ValueFormatError` for one that does not fit or is not allowed.

    A card with a wrong 卡的识别码 would be one that no reader takes any more.
    """
    described = element(tag)
    value: object = text
    if described.children:
        parts = text.split(INNER)
        if len(parts) != len(described.children):
            raise ValueFormatError(f"{tag} has {len(described.children)} inner elements")
        value = dict(zip(described.children, parts, strict=True))
    described.encode(value)
    judged = bool(text) or tag == IDENTIFICATION  # any other element may be emptied
    if not described.children and judged and described.problem(text) is not None:
        raise ValueFormatError(
            f"{tag} {described.zh} is not a value that the dictionary allows: write {described.wanted}"
        )
    return value
