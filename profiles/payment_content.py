"""What a payment application holds after personalisation: records of template 70, data objects, file control information."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from profiles.dictionary import PaymentElement, ValueFormatError, payment_elements
from profiles.model import Directory, Profile
from profiles.payment_model import TransactionPath

COMPUTED = "computed"
"""Value of a certificate or signature that is made when the card is built."""
COMPUTED_SM = "computed SM"
"""The same of the SM set of an application that has two algorithm sets."""
COMPUTED_BY = (COMPUTED, COMPUTED_SM)
COMPUTED_TAGS = ("8F", "90", "92", "9F32", "93", "9F46", "9F47", "9F48")
RECORD_TEMPLATE = "70"
TEMPLATE_FILES = range(1, 11)
"""Short identifiers of files of templates."""
AIP_ONLY = b"\x82"
"""The one value of 9F4A."""
FCI_OBJECTS = ("50", "87", "9F38", "5F2D", "9F11", "9F12")
"""Objects of tag A5 in the answer of SELECT, in order (JR/T 0025.5 table B.21)."""
DISCRETIONARY_OBJECTS = ("9F4D", "DF4D", "DF61", "9F5A", "5F50")

Computed = Mapping[str, Mapping[str, bytes]]
"""What stands for :data:`COMPUTED` and for :data:`COMPUTED_SM`, by tag."""
Fault = tuple[str, str]
"""Place inside the content, and a sentence."""


def data_object(tag: str, value: bytes) -> bytes:
    """Tag, length and value (BER-TLV)."""
    length = bytes((len(value),))
    if len(value) > 0x7F:
        length = b"\x81" + length if len(value) <= 0xFF else b"\x82" + len(value).to_bytes(2, "big")
    return bytes.fromhex(tag) + length + value


def element(tag: str) -> PaymentElement:
    """The data object of a tag; raises :class:`~profiles.dictionary.values.ValueFormatError` for an unknown one."""
    found = payment_elements().get(tag)
    if found is None:
        raise ValueFormatError(f"the dictionary has no payment data object {tag}")
    return found


def data_objects(directory: Directory) -> dict[str, bytes]:
    """The bytes of the data objects of a directory by tag; raises ValueFormatError."""
    return dict(_encoded(tuple(directory.data.items())))


@lru_cache(maxsize=64)
def _encoded(data: tuple[tuple[str, str], ...]) -> Mapping[str, bytes]:
    """Bytes by tag; test cases ask for those of the same card over and over."""
    return {tag: element(tag).encode(value) for tag, value in data}


def given_records(profile: Profile, directory: str, file: str) -> list[Mapping[str, Any]]:
    """The records of a file of templates as the profile writes them."""
    records = profile.content.get(directory, {}).get(file, {}).get("records", [])
    return records if isinstance(records, list) else []


def encode_records(profile: Profile, directory: str, file: str, computed: Computed | None = None) -> tuple[bytes, ...]:
    """The records of a file of templates; ``computed`` has the certificates and signatures.

    An empty computed value is left out: a remainder that does not exist. Without ``computed`` they are left out all.
    A record without objects is no record, and empty. Raises :class:`~profiles.dictionary.values.ValueFormatError`.
    """
    known = computed or {}
    return tuple(_record(record, known) for record in given_records(profile, directory, file))


def _record(record: Mapping[str, Any], computed: Computed) -> bytes:
    if not record:
        return b""
    parts = []
    for tag, value in record.items():
        made = value in COMPUTED_BY
        raw = computed.get(value, {}).get(tag, b"") if made else element(tag).encode(value)
        if raw:
            parts.append(data_object(tag, raw))
    return data_object(RECORD_TEMPLATE, b"".join(parts))


def faults(profile: Profile, directory: str, file: str) -> Iterator[Fault]:
    """Everything that keeps the records of a file of templates from being encoded."""
    content = profile.content.get(directory, {}).get(file, {})
    for name in content:
        if name != "records":
            yield name, "is not known here; this file takes 'records'"
    given = content.get("records", [])
    if not isinstance(given, list) or not all(isinstance(record, Mapping) for record in given):
        yield "records", "a list of tables of data objects by tag is needed"
        return
    for number, record in enumerate(given, 1):
        for tag, value in record.items():
            where = f"records.{number}.{tag}"
            if value in COMPUTED_BY:
                if tag not in COMPUTED_TAGS:
                    yield where, f"cannot be computed; {', '.join(COMPUTED_TAGS)} can"
                continue
            try:
                element(tag).encode(value)
            except ValueFormatError as error:
                yield where, str(error)


def record_values(profile: Profile, directory: str) -> dict[str, bytes]:
    """Every data object of all records of a directory by tag, computed ones excepted; raises ValueFormatError."""
    return {
        tag: element(tag).encode(value)
        for file_name, file in profile.directory[directory].file.items()
        if file.templates
        for record in given_records(profile, directory, file_name)
        for tag, value in record.items()
        if value not in COMPUTED_BY
    }


def sm_objects(directory: Directory, *, contactless: bool = False) -> dict[str, bytes]:
    """The bytes of the data objects that the SM set of a dual-algorithm application has of its own; raises ValueFormatError."""
    described = directory.payment.sm if directory.payment else None
    place = described.contactless if described and contactless else described
    return {tag: element(tag).encode(value) for tag, value in place.data.items()} if place else {}


def static_data(profile: Profile, directory: str, path: TransactionPath) -> bytes:
    """What the static signatures cover: the signed records of the AFL, then the AIP where 9F4A asks for it.

    Of records in files of templates the content of the template alone is signed. Raises ValueFormatError.
    """
    files = {file.short_identifier: name for name, file in profile.directory[directory].file.items()}
    signed = b""
    for start in range(0, len(path.afl), 4):
        identifier, first, _, count = path.afl[start : start + 4]
        records = encode_records(profile, directory, files[identifier >> 3])[first - 1 : first - 1 + count]
        for record in records:
            signed += record[2 if record[1] < 0x80 else 3 :] if identifier >> 3 in TEMPLATE_FILES else record
    return signed + (path.aip if record_values(profile, directory).get("9F4A") == AIP_ONLY else b"")


def contactless_objects(directory: Directory) -> dict[str, bytes]:
    """The bytes of the data objects for the contactless interface by tag, none without one; raises ValueFormatError."""
    described = directory.payment.contactless if directory.payment else None
    return {tag: element(tag).encode(value) for tag, value in described.data.items()} if described else {}


def proximity_environment(profile: Profile, name: str) -> bytes:
    """Answer of SELECT of PPSE: ``6F{84, A5{BF0C{61{4F, 50, 87}…}}}``, an entry for each contactless application.

    JR/T 0025.12 §6.4; raises ValueFormatError.
    """
    entries = b""
    for directory in profile.directory.values():
        pays = directory.payment is not None and directory.payment.contactless is not None
        if not pays and directory.personalisation is None:
            continue
        entry = data_object("4F", directory.aid or b"")
        if directory.label:
            entry += data_object("50", directory.label.encode("gbk"))
        if "87" in directory.data:
            entry += data_object("87", element("87").encode(directory.data["87"]))
        entries += data_object("61", entry)
    own = data_object("84", profile.directory[name].aid or b"")
    return data_object("6F", own + data_object("A5", data_object("BF0C", entries)))


def file_control_information(directory: Directory, *, contactless: bool = False) -> bytes:
    """Answer of SELECT: ``6F{84, A5{50, 87, 9F38, 5F2D, 9F11, 9F12, BF0C{…}}}`` (JR/T 0025.5 §6, B.13)."""
    objects = data_objects(directory)
    if contactless:
        objects.update(contactless_objects(directory))
    if directory.label:
        objects["50"] = directory.label.encode("gbk")
    discretionary = b"".join(data_object(tag, objects[tag]) for tag in DISCRETIONARY_OBJECTS if tag in objects)
    proprietary = b"".join(data_object(tag, objects[tag]) for tag in FCI_OBJECTS if tag in objects)
    if discretionary:
        proprietary += data_object("BF0C", discretionary)
    return data_object("6F", data_object("84", directory.aid or b"") + data_object("A5", proprietary))


def lengths(dol: bytes) -> list[tuple[str, int]]:
    """Tags and lengths of a data object list; raises ValueFormatError where it is none."""
    found, position = [], 0
    while position < len(dol):
        start = position
        position += 1
        if dol[start] & 0x1F == 0x1F:
            while position < len(dol) and dol[position] & 0x80:
                position += 1
            position += 1
        if position >= len(dol):
            raise ValueFormatError("not a list of tags and lengths")
        found.append((dol[start:position].hex().upper(), dol[position]))
        position += 1
    return found
