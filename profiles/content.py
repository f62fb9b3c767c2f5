"""What a card's files hold after personalisation: raw records and bytes from the values of the profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from profiles import extended_content, payment_content
from profiles.dictionary import Element, ValueFormatError, element, layout
from profiles.dictionary.values import encode
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
    profile: Profile,
    directory: str,
    file: str,
    authentication_code: AuthenticationCode | None = None,
    computed: payment_content.Computed | None = None,
) -> tuple[bytes, ...] | bytes:
    """The bytes of a file.

    variable and fixed: the raw records ``tag ‖ length ‖ value`` in order, initial fill where the profile says nothing.
    cyclic: the written records, newest first; the rest of the file is empty. The directory file: one template 70 for
    each ADF of the directory. transparent and internal: as many bytes as the file has.

    ``authentication_code`` makes the card authentication code of a computed card identification code; without it the
    code is FFFFFFFF, as on a card that was not issued. ``computed`` has the certificates and signatures of a payment
    application by algorithm set and tag. Raises :class:`ContentError`.
    """
    return _Encoder(profile, authentication_code, computed=computed).file(directory, file)


def faults(profile: Profile, directory: str, file: str) -> list[ContentError]:
    """Everything that keeps a file's content from being encoded."""
    encoder = _Encoder(profile, None, faults=[])
    encoder.file(directory, file)
    return encoder.faults or []


def identification_code(city_code: str, serial: bytes, authentication_code: AuthenticationCode | None) -> bytes:
    """卡的识别码 (16 bytes): city (3) ‖ D156000005 ‖ serial (4) ‖ authentication code (4)."""
    data = bytes.fromhex(city_code) + PROVIDER + serial
    return data + (authentication_code(data) if authentication_code else b"\xff" * 4)


def values(tag: str, content: Mapping[str, Any]) -> list[Any]:
    """The values given for a tag: a list where it repeats, otherwise one."""
    given = content.get(tag, [])
    return given if isinstance(given, list) else [given]


class _Encoder:
    """Encodes files; raises the first fault, or collects all of them where a list is given."""

    def __init__(
        self,
        profile: Profile,
        authentication_code: AuthenticationCode | None,
        faults: list[ContentError] | None = None,
        computed: payment_content.Computed | None = None,
    ) -> None:
        self.profile = profile
        self.computed = computed
        self.authentication_code = authentication_code
        self.faults = faults

    def file(self, directory: str, name: str) -> tuple[bytes, ...] | bytes:
        """The records or bytes of a file."""
        file = self.profile.directory[directory].file[name]
        content = self.profile.content.get(directory, {}).get(name, {})
        if file.templates:
            return self._templates(directory, name)
        if file.extended:
            return self._extended(file, content)
        if file.is_directory:
            self._only(content, "")
            return tuple(_directory_records(self.profile, directory))
        match file.structure:
            case "variable" | "fixed":
                return tuple(self._records(file, content))
            case "cyclic":
                return self._cyclic(file, content)
            case "transparent" | "internal":
                return self._bytes(file, content)

    def _templates(self, directory: str, name: str) -> tuple[bytes, ...]:
        for path, message in payment_content.faults(self.profile, directory, name):
            self._fault(path, message)
        if self.faults:
            return ()
        return payment_content.encode_records(self.profile, directory, name, self.computed)

    def _extended(self, file: File, content: Mapping[str, Any]) -> tuple[bytes, ...]:
        for path, message in extended_content.faults(file, content):
            self._fault(path, message)
        return () if self.faults else extended_content.encode_records(content)

    def _fault(self, path: str, message: str) -> None:
        error = ContentError(path, message)
        if self.faults is None:
            raise error
        self.faults.append(error)

    def _records(self, file: File, content: Mapping[str, Any]) -> Iterator[bytes]:
        for tag in content:
            room, given = file.elements.count(tag), len(values(tag, content))
            if not room:
                self._fault(tag, f"the file has no such tag; it has {', '.join(dict.fromkeys(file.elements))}")
            elif given > room:
                self._fault(tag, f"{given} values for {room} record{'s' * (room > 1)}")
        seen: Counter[str] = Counter()
        for tag in file.elements:
            given_values = values(tag, content)
            position = seen[tag]
            seen[tag] += 1
            entry = element(tag)
            if position >= len(given_values):
                yield entry.record(entry.initial_fill)
            else:
                where = f"{tag}.{position + 1}" if file.elements.count(tag) > 1 else tag
                yield entry.record(self._value(where, entry, given_values[position]))

    def _value(self, where: str, entry: Element, value: Any) -> bytes:
        try:
            if isinstance(value, Mapping) and "computed" in value:
                return self._computed(where, value)
            return entry.encode(value)
        except ValueFormatError as error:
            self._fault(where, f"{entry.zh} {entry.en}: {error}")
            return entry.initial_fill

    def _computed(self, where: str, value: Mapping[str, Any]) -> bytes:
        if value["computed"] != "card identification code" or set(value) != {"computed", "serial"}:
            raise ValueFormatError('write { computed = "card identification code", serial = "…" }')
        serial = encode("b", 4, value["serial"])
        if len(str(value["serial"]).replace(" ", "")) != 8:
            raise ValueFormatError("the serial has eight hexadecimal digits, between quotation marks")
        return identification_code(self.profile.issuer.city_code, serial, self.authentication_code)

    def _cyclic(self, file: File, content: Mapping[str, Any]) -> tuple[bytes, ...]:
        self._only(content, "" if file.log_format else "records")
        given = content.get("records", [])
        if not isinstance(given, list):
            self._fault("records", "a list of records, newest first, is needed")
            return ()
        if len(given) > (file.records or 0):
            self._fault("records", f"{len(given)} records given, the file keeps {file.records}")
        return tuple(self._laid_out(file, value, f"records.{number}") for number, value in enumerate(given, 1))

    def _laid_out(self, file: File, value: Any, where: str) -> bytes:
        described = layout(file.layout or "")
        try:
            return described.encode(value)
        except ValueFormatError as error:
            self._fault(where, str(error))
            return described.initial_fill

    def _bytes(self, file: File, content: Mapping[str, Any]) -> bytes:
        size = file.size or 0
        if file.layout and "fields" in content:
            self._only(content, "fields")
            return self._laid_out(file, content["fields"], "fields").ljust(size, b"\x00")
        self._only(content, "data")
        try:
            return encode("b", size, content.get("data", ""))
        except ValueFormatError as error:
            self._fault("data", str(error))
            return bytes(size)

    def _only(self, content: Mapping[str, Any], name: str) -> None:
        for other in content:
            if other != name:
                takes = (
                    f"this file takes {name!r}"
                    if name
                    else "the records of this file follow from the profile or the use"
                )
                self._fault(other, f"is not known here; {takes}")


def _directory_records(profile: Profile, parent: str) -> Iterator[bytes]:
    for directory in profile.directory.values():
        if directory.parent == parent and directory.kind == "ADF" and (directory.aid or directory.label):
            yield _application_template(directory)


def _application_template(directory: Directory) -> bytes:
    """70{61{4F AID, 50 label}} (ISO/IEC 7816-4 application template); an ADF without AID has its label alone.

    A payment application adds its preferred name 9F12 and its priority 87 (JR/T 0025.5 §6).
    """
    inner = b""
    if directory.aid:
        inner += b"\x4f" + bytes((len(directory.aid),)) + directory.aid
    if directory.label:
        label = directory.label.encode("gbk")
        inner += b"\x50" + bytes((len(label),)) + label
    for tag in ("9F12", "87"):
        if tag in directory.data:
            inner += payment_content.data_object(tag, payment_content.element(tag).encode(directory.data[tag]))
    application = b"\x61" + bytes((len(inner),)) + inner
    return b"\x70" + bytes((len(application),)) + application
