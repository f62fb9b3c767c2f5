"""The data fields of a command and of its answer.

Most commands have fixed forms, which the dictionary knows. Records, data objects and files read by what is selected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from profiles.dictionary import CommandEntry, DataForm, elements, layouts
from profiles.model import File
from reports.trace import contents, groupings
from reports.trace.octets import Octets
from reports.trace.parts import Field, Name, readable
from reports.trace.state import Session

SELECT: Final = 0xA4
BINARY: Final = frozenset({0xB0, 0xD6})
RECORD: Final = frozenset({0xB2, 0xDC, 0xE2})
VERIFY: Final = 0x20
AUTHENTICATE: Final = frozenset({0x82, 0x88})
EXTERNAL_AUTHENTICATE: Final = 0x82

_PRIVATE: Final = frozenset({0x20, 0x24, 0x5E, 0xD4, 0xC2, 0xC4, 0x4A}) | {0xD6, 0xDC, 0xE2}
"""VERIFY, PIN commands, WRITE KEY, key imports, HASH of a PIN, updates: their data stay hidden even when the command is malformed or undefined."""
_MAC_SIZE: Final = 4
_SECURE_MESSAGING: Final = 0x04

_DATA: Final = Name("数据", "data")
_MAC: Final = Name("校验码", "MAC")
_UNPARSED: Final = Name("无法解析的字节", "bytes that cannot be read")


@dataclass(frozen=True, slots=True)
class Head:
    """A command without its data: what decides how the data fields read.

    ``base`` is where the data begin, ``label`` the command's name.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    base: int
    entry: CommandEntry | None
    label: str

    @property
    def key(self) -> tuple[int, int, int]:
        """What names the command: CLA, INS, P1."""
        return self.cla, self.ins, self.p1

    @property
    def stores_groupings(self) -> bool:
        """Whether it is STORE DATA, which shares its instruction with APPEND RECORD."""
        return self.entry is not None and self.entry.name in groupings.STORE

    @property
    def opens_channel(self) -> bool:
        """Whether it is the EXTERNAL AUTHENTICATE of a personalisation."""
        return self.entry is not None and self.entry.name == groupings.CHANNEL


def unparsed(head: Head, data: Octets, _session: Session) -> tuple[Field, ...]:
    """The bytes after the header of a command whose lengths contradict each other."""
    return (contents.opaque(_UNPARSED, data, head.base, secret=head.ins in _PRIVATE),) if len(data) else ()


def command_fields(head: Head, data: Octets, session: Session) -> tuple[Field, ...]:
    """The data field of a command."""
    if not len(data):
        return ()
    if head.entry and head.ins == SELECT:
        return (_selector(head, data),)
    if head.stores_groupings:
        return groupings.fields(head.cla, head.p1, data, head.base, session.channel, session.open_grouping)[0]
    if head.entry and head.ins in RECORD | BINARY and not _has_forms_of_its_own(head.entry):
        protected = head.cla & _SECURE_MESSAGING and len(data) > _MAC_SIZE
        end = len(data) - _MAC_SIZE if protected else len(data)
        mac = (contents.opaque(_MAC, data.cut(end), head.base + end),) if protected else ()
        return (*_content(head.ins, data.cut(0, end), head.base, session), *mac)
    if head.entry:
        return _formed(head.entry.data, data, head.base)
    return (contents.opaque(_DATA, data, head.base, secret=head.ins in _PRIVATE),)


def _has_forms_of_its_own(entry: CommandEntry) -> bool:
    """Whether a command of records carries more than the content of the current file."""
    return entry.applies_to == "payment" and bool(entry.data)


def answer_fields(head: Head, data: Octets, session: Session) -> tuple[Field, ...]:
    """The data field of an answer, from its first byte."""
    if not len(data):
        return ()
    if head.ins == SELECT:
        return contents.template(data)
    if head.ins in RECORD | BINARY and not head.stores_groupings:
        return _content(head.ins, data, 0, session)
    if head.entry:
        return _formed(head.entry.answer, data, 0)
    return (contents.opaque(_DATA, data),)


def _selector(head: Head, data: Octets) -> Field:
    if head.p1 != 0x04:
        return contents.opaque(Name("文件标识符", "file identifier"), data, head.base)
    text = readable(data.value) if data.known else ""
    return contents.opaque(Name("DF 名称 AID", "DF name"), data, head.base, text=text)


def _content(ins: int, data: Octets, base: int, session: Session) -> tuple[Field, ...]:
    """Content of the current file."""
    file = session.current_file
    if ins in BINARY:
        name = Name(file.title.zh, file.title.en) if file else _DATA
        return (contents.opaque(name, data, base, secret=file is None or file.personal or not file.read.is_free),)
    if file and file.layout and file.layout in layouts():
        return contents.laid_out(layouts()[file.layout], data, base)
    if session.is_directory_file(session.file) or (not file and contents.is_template(data, 0x70)):
        return contents.template(data, base)
    return contents.records(data, base, private=_is_private(file), expected=file.elements if file else ())


def _is_private(file: File | None) -> bool:
    """Whether unknown bytes of a file may be personal data: always, unless the profile tells that it holds none."""
    if file is None or not file.elements:
        return True
    return any(tag not in elements() or elements()[tag].secret for tag in file.elements)


def _formed(forms: Iterable[DataForm], data: Octets, base: int) -> tuple[Field, ...]:
    """The bytes in the form that fits their number, or in the longest one; a secret of any form hides what fits none."""
    candidates = sorted(forms, key=lambda form: sum(field.length for field in form))
    for form in candidates:
        fixed = sum(field.length for field in form)
        if fixed == len(data) or (fixed < len(data) and any(field.length == 0 for field in form)):
            break
    else:
        secret = any(field.secret for form in candidates for field in form)
        return (contents.opaque(_DATA if candidates else _UNPARSED, data, base, secret=secret),)
    rest = len(data) - fixed
    parts = [(Name(field.zh, field.en), field.length or rest) for field in form]
    return contents.named(parts, data, base, [index for index, field in enumerate(form) if field.secret])
