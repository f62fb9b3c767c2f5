"""What a card's files hold after personalisation: raw records and bytes from the values of the profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from profiles.dictionary import ValueFormatError, element, layout
from profiles.model import Directory, File, Profile

AuthenticationCode = Callable[[bytes], bytes]
"""From city ‖ D156000005 ‖ serial (12 bytes) to the four bytes of the card authentication code 卡的认证码."""

PROVIDER = bytes.fromhex("D156000005")
"""Registered identifier of the social security application provider."""


class ContentError(ValueError):
    """Content that does not fit its file; ``path`` is the dotted place inside the file's content."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}" if path else message)


def encode_file(
    profile: Profile, directory: str, file: str, authentication_code: AuthenticationCode | None = None
) -> tuple[bytes, ...] | bytes:
    """The bytes of a file.

    variable and fixed: the raw records ``tag ‖ length ‖ value`` in order, initial fill where the profile says nothing.
    cyclic: the written records, newest first; the rest of the file is empty. The directory file: one template 70 for
    each ADF of the directory. transparent and internal: as many bytes as the file has.

    ``authentication_code`` makes the card authentication code of a computed card identification code; without it the
    code is FFFFFFFF, as on a card that was not issued. Raises :class:`ContentError`.
    """
    entry = profile.directory[directory].file[file]
    content = profile.content.get(directory, {}).get(file, {})
    if entry.is_directory:
        return tuple(_directory_records(profile, directory))
    match entry.structure:
        case "variable" | "fixed":
            return tuple(_records(profile, entry, content, authentication_code))
        case "cyclic":
            return _cyclic(entry, content)
        case "transparent" | "internal":
            return _transparent(entry, content)


def identification_code(city_code: str, serial: bytes, authentication_code: AuthenticationCode | None) -> bytes:
    """卡的识别码 (16 bytes): city (3) ‖ D156000005 ‖ serial (4) ‖ authentication code (4)."""
    data = bytes.fromhex(city_code) + PROVIDER + serial
    return data + (authentication_code(data) if authentication_code else b"\xff" * 4)


def values(tag: str, content: Mapping[str, Any]) -> list[Any]:
    """The values given for a tag: a list where it repeats, otherwise one."""
    given = content.get(tag, [])
    return given if isinstance(given, list) else [given]


def _records(
    profile: Profile, file: File, content: Mapping[str, Any], authentication_code: AuthenticationCode | None
) -> Iterator[bytes]:
    for tag in content:
        room = file.elements.count(tag)
        if not room:
            raise ContentError(tag, f"the file has no such tag; it has {', '.join(dict.fromkeys(file.elements))}")
        if len(values(tag, content)) > room:
            raise ContentError(tag, f"{len(values(tag, content))} values for {room} record{'s' * (room > 1)}")
    seen: dict[str, int] = {}
    for tag in file.elements:
        position = seen.get(tag, 0)
        seen[tag] = position + 1
        given = values(tag, content)
        entry = element(tag)
        if position >= len(given):
            yield entry.record(entry.initial_fill)
            continue
        value = given[position]
        if isinstance(value, Mapping) and "computed" in value:
            value = _computed(profile, tag, value, authentication_code)
        try:
            yield entry.record(entry.encode(value))
        except ValueFormatError as error:
            where = f"{tag}.{position + 1}" if file.elements.count(tag) > 1 else tag
            raise ContentError(where, f"{entry.zh} {entry.en}: {error}") from None


def _computed(
    profile: Profile, tag: str, value: Mapping[str, Any], authentication_code: AuthenticationCode | None
) -> bytes:
    if value.get("computed") != "card identification code" or not set(value) <= {"computed", "serial"}:
        raise ContentError(tag, 'only { computed = "card identification code", serial = "…" } is known')
    try:
        serial = bytes.fromhex(value.get("serial", ""))
    except (TypeError, ValueError):
        serial = b""
    if len(serial) != 4:
        raise ContentError(f"{tag}.serial", "eight hexadecimal digits are needed, between quotation marks")
    return identification_code(profile.issuer.city_code, serial, authentication_code)


def _cyclic(file: File, content: Mapping[str, Any]) -> tuple[bytes, ...]:
    given = _only(content, "records", [])
    if not isinstance(given, list):
        raise ContentError("records", "a list of records, newest first, is needed")
    if len(given) > (file.records or 0):
        raise ContentError("records", f"{len(given)} records given, the file keeps {file.records}")
    return tuple(_layout_record(file, value, f"records.{number}") for number, value in enumerate(given, 1))


def _layout_record(file: File, value: Any, where: str) -> bytes:
    try:
        return layout(file.layout or "").encode(value)
    except ValueFormatError as error:
        raise ContentError(where, str(error)) from None


def _transparent(file: File, content: Mapping[str, Any]) -> bytes:
    size = file.size or 0
    if "fields" in content and file.layout:
        return _layout_record(file, _only(content, "fields", {}), "fields").ljust(size, b"\x00")
    given = _only(content, "data", "")
    try:
        data = bytes.fromhex(given)
    except (TypeError, ValueError):
        raise ContentError("data", "an even number of hexadecimal digits is needed") from None
    if len(data) > size:
        raise ContentError("data", f"{len(data)} bytes given, the file has {size}")
    return data.ljust(size, b"\x00")


def _only(content: Mapping[str, Any], name: str, default: Any) -> Any:
    for other in content:
        if other != name:
            raise ContentError(other, f"is not known here; this file takes {name!r}")
    return content.get(name, default)


def _directory_records(profile: Profile, parent: str) -> Iterator[bytes]:
    for directory in profile.directory.values():
        if directory.parent == parent and directory.kind == "ADF" and (directory.aid or directory.label):
            yield _application_template(directory)


def _application_template(directory: Directory) -> bytes:
    """70{61{4F AID, 50 label}} (ISO/IEC 7816-4 application template); an ADF without AID has its label alone."""
    inner = b""
    if directory.aid:
        inner += b"\x4f" + bytes((len(directory.aid),)) + directory.aid
    if directory.label:
        label = directory.label.encode("gbk")
        inner += b"\x50" + bytes((len(label),)) + label
    application = b"\x61" + bytes((len(inner),)) + inner
    return b"\x70" + bytes((len(application),)) + application
