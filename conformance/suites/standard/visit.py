"""Going to a file of the standard with chosen rights, and what one reads and writes there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.bench import Bench
from conformance.dialogue import apdu, authenticate, environment_of, select, select_identifier, verify
from conformance.failures import Inconclusive, NotApplicable, NotRun
from conformance.suites.standard.files import StandardElement, StandardFile
from conformance.suites.standard.values import is_unwritten
from emulator.iso7816 import SW, Response
from profiles.access import AccessCondition
from profiles.model import Profile

LAST_RECORD = 254
LONGEST_FILE = 0x8000
LONGEST_DATA = 255
BY_NUMBER, TO_LAST, FROM_LAST = 4, 5, 6
FIRST_WITH_TAG, LAST_WITH_TAG, NEXT_WITH_TAG, PREVIOUS_WITH_TAG = 0, 1, 2, 3
CHILD_FILE = 0x02
NOT_IN_THIS_STYLE = frozenset(
    (SW.INCORRECT_P1_P2, SW.WRONG_P1_P2, SW.INCOMPATIBLE_WITH_FILE_STRUCTURE, SW.FUNCTION_NOT_SUPPORTED)
)
"""Answers by which a card may say that it knows another way of adding a cyclic record."""


# Rights


def holder(profile: Profile, name: str) -> str | None:
    """The directory that holds a PIN or key, None when the profile has none of this name."""
    for directory, described in profile.directory.items():
        if name in described.pin or name in described.key:
            return directory
    return None


def is_pin(profile: Profile, name: str) -> bool:
    """Whether a name is that of a PIN."""
    return any(name in directory.pin for directory in profile.directory.values())


def present(bench: Bench, name: str) -> Response:
    """VERIFY or EXTERNAL AUTHENTICATE, whatever the card answers."""
    if holder(bench.profile, name) is None:
        raise Inconclusive(f"卡片声明中没有 {name}", f"the declared card has no {name}")
    return verify(bench) if is_pin(bench.profile, name) else authenticate(bench, name)


def credentials(bench: Bench, directory: str) -> tuple[str, ...]:
    """All PINs and authentication keys that commands can name inside a directory: the environment's and its own.

    Master keys are among them only where the card can be renewed: an issued card may have others than its profile says.
    """
    if directory not in bench.profile.directory:
        return ()
    uses = {"external authentication", "master"} if bench.target.renewable else {"external authentication"}
    names: list[str] = []
    for place in dict.fromkeys((environment_of(bench, directory), directory)):
        described = bench.profile.directory[place]
        names += described.pin
        names += [name for name, key in described.key.items() if key.use in uses and key.kid]
    return tuple(names)


def enter(bench: Bench, directory: str, names: Iterable[str] = ()) -> frozenset[str]:
    """Select the environment and the directory, and show PINs and keys where they live, in the given order.

    Those of the environment are shown before the directory is selected. Answers the names that the card accepted.
    """
    _need_directory(bench, directory)
    environment = environment_of(bench, directory)
    accepted: set[str] = set()
    wanted = list(names)
    bench.need(select(bench, environment), f"选择 {environment}", f"SELECT {environment}")
    here = [name for name in wanted if holder(bench.profile, name) == environment]
    there = [name for name in wanted if name not in here]
    accepted.update(name for name in here if present(bench, name).sw == SW.SUCCESS)
    if directory != environment:
        bench.need(select(bench, directory), f"选择 {directory}", f"SELECT {directory}")
    accepted.update(name for name in there if present(bench, name).sw == SW.SUCCESS)
    return frozenset(accepted)


def _need_directory(bench: Bench, directory: str) -> None:
    if directory not in bench.profile.directory:
        raise NotApplicable(f"卡片声明中没有 {directory}", f"the declared card has no {directory}")


def start(bench: Bench, directory: str, names: Iterable[str] = ()) -> frozenset[str]:
    """A new session after a reset; otherwise :func:`enter`."""
    bench.reset()
    return enter(bench, directory, names)


def open_for(bench: Bench, directory: str, condition: AccessCondition) -> None:
    """A new session in which a condition is met, by its first alternative that the card accepts."""
    _need_directory(bench, directory)
    if condition.is_never:
        raise NotApplicable("该操作永不允许", "nothing opens this access")
    tried = []
    for alternative in condition.alternatives:
        if all(holder(bench.profile, name) for name in alternative):
            if start(bench, directory, sorted(alternative)) == alternative:
                return
            tried.append(" + ".join(sorted(alternative)))
    if not tried:
        raise Inconclusive(
            f"卡片声明中没有所需的密码或密钥：{condition}", f"the declared card lacks the PIN or key: {condition}"
        )
    raise Inconclusive(
        f"前提未满足：{', '.join(tried)} 未通过", f"preamble: the card did not accept {', '.join(tried)}"
    )


# Commands


def p2_of(file: StandardFile, mode: int, *, current: bool = False) -> int:
    """P2 of a record command: short file identifier, or 0 for the current file, and mode."""
    return mode if current else file.short_identifier << 3 | mode


def record(bench: Bench, file: StandardFile, number: int, mode: int = BY_NUMBER) -> Response:
    """READ RECORD with the short file identifier and Le 00; ``number`` is a tag in the tag modes."""
    return bench.send(apdu(0x00, 0xB2, number, p2_of(file, mode), ne=256))


def select_file(bench: Bench, file: StandardFile) -> Response:
    """SELECT the file in the current directory by its identifier."""
    return bench.send(select_identifier(file.fid, CHILD_FILE))


def read_first(bench: Bench, file: StandardFile) -> Response:
    """Record 1, or the first byte of a transparent file."""
    if file.structure == "transparent":
        return bench.send(apdu(0x00, 0xB0, 0x80 | file.short_identifier, 0, ne=1))
    return record(bench, file, 1)


def update_record(bench: Bench, file: StandardFile, number: int, data: bytes) -> Response:
    """UPDATE RECORD by number, or UPDATE BINARY from the beginning; a cyclic file takes a new record."""
    if file.structure == "transparent":
        return _update(bench, 0xD6, 0x80 | file.short_identifier, 0, data)
    if file.structure == "cyclic":
        return add_record(bench, file, data)
    return _update(bench, 0xDC, number, p2_of(file, BY_NUMBER), data)


def add_record(bench: Bench, file: StandardFile, data: bytes) -> Response:
    """Put a new record into a cyclic file, in the first of the two styles in use that the card knows.

    They are ``P1=00`` with mode *previous*, and record number 1 (reconstructed specification §3.1).
    """
    answer = _update(bench, 0xDC, 0x00, p2_of(file, PREVIOUS_WITH_TAG), data)
    if answer.sw not in NOT_IN_THIS_STYLE:
        return answer
    return _update(bench, 0xDC, 0x01, p2_of(file, BY_NUMBER), data)


def _update(bench: Bench, ins: int, p1: int, p2: int, data: bytes) -> Response:
    if not 0 < len(data) <= LONGEST_DATA:
        raise Inconclusive(f"无法写回 {len(data)} 字节", f"{len(data)} bytes cannot be written back")
    return bench.send(apdu(0x00, ins, p1, p2, data))


def need_restorable(bench: Bench, file: StandardFile, records: Sequence[bytes]) -> None:
    """Go on only where the content of a file can be put back after writing, or need not be."""
    if file.structure != "cyclic" or bench.target.renewable or bench.destructive:
        return
    described = bench.profile.directory[file.directory].file.get(file.fid.hex().upper())
    if described is None or described.records != len(records):
        raise NotRun("写入后无法恢复未满的循环文件", "a cyclic file that is not full cannot be restored after writing")


# Contents


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file gave."""

    records: tuple[bytes, ...]
    """Records by number; of a transparent file a single one, its bytes."""
    end: int
    """Status word of the first command that gave nothing more."""


def contents(bench: Bench, file: StandardFile) -> Contents:
    """Everything in a file, read in a new session after meeting its read condition."""
    open_for(bench, file.directory, file.read.condition)
    found = read_all(bench, file)
    if file.read.stricter and holder(bench.profile, file.read.stricter) and _withheld(file, found):
        present(bench, file.read.stricter)
        found = read_all(bench, file)
    return found


def _withheld(file: StandardFile, found: Contents) -> bool:
    """Whether a card keeps back, or shows empty, what it may keep back without a key."""
    empty = any(
        element.tag in file.read.stricter_tags and is_unwritten(raw[2:])
        for element, raw in elements_of(file, found.records)
    )
    return empty or (bool(found.records) and found.end == SW.SECURITY_STATUS_NOT_SATISFIED)


def readable(bench: Bench, file: StandardFile) -> Contents:
    """As :func:`contents`, but inconclusive when the card gives nothing and refuses."""
    found = contents(bench, file)
    if not found.records and not (file.structure == "cyclic" and found.end == SW.RECORD_NOT_FOUND):
        raise Inconclusive(f"无法读取 {file.path}（{found.end:04X}）", f"{file.path} cannot be read: {found.end:04X}")
    return found


def read_all(bench: Bench, file: StandardFile) -> Contents:
    """Everything in a file of the current directory, with the rights at hand."""
    if file.structure == "transparent":
        return _bytes(bench, file)
    found: list[bytes] = []
    while len(found) < LAST_RECORD:
        answer = record(bench, file, len(found) + 1)
        if answer.sw != SW.SUCCESS:
            return Contents(tuple(found), answer.sw)
        found.append(answer.data)
    return Contents(tuple(found), SW.SUCCESS)


def _bytes(bench: Bench, file: StandardFile) -> Contents:
    data = b""
    answer = bench.send(apdu(0x00, 0xB0, 0x80 | file.short_identifier, 0, ne=256))
    while answer.sw == SW.SUCCESS and answer.data and len(data) + len(answer.data) < LONGEST_FILE:
        data += answer.data
        answer = bench.send(apdu(0x00, 0xB0, len(data) >> 8, len(data) & 0xFF, ne=256))
    return Contents((data,) if data else (), answer.sw)


def elements_of(file: StandardFile, records: Sequence[bytes]) -> list[tuple[StandardElement, bytes]]:
    """The standard's elements with the records in which they really stand, matched by tag and occurrence."""
    waiting = list(records)
    found = []
    for element in file.records:
        match = next((raw for raw in waiting if raw[:1] == bytes([element.tag])), None)
        if match is not None:
            waiting.remove(match)
            found.append((element, match))
    return found


def other_value(element: StandardElement, old: bytes, variant: int = 0) -> bytes:
    """A well-formed value of an element that differs from ``old``; other variants differ from each other."""
    if element.format == "template":
        inner = [element.children[0].record(other_value(element.children[0], old[2:3], variant))]
        return b"".join(inner + [child.record(child.initial_fill) for child in element.children[1:]])
    pattern = 0x11 if element.format == "cn" else 0x31
    first = pattern + variant % 8 * (0x11 if element.format == "cn" else 1)
    value = bytes([first]) * element.length
    return value if value != old else bytes([pattern + 8 * (0x11 if element.format == "cn" else 1)]) * element.length


def other_record(file: StandardFile, element: StandardElement | None, old: bytes, variant: int = 0) -> bytes:
    """A well-formed record, or first byte of a transparent file, that differs from ``old``."""
    if element is not None:
        return element.record(other_value(element, old[2:], variant))
    if file.structure == "transparent":
        return bytes([(old[0] if old else 0) ^ (0x5A + variant)])
    position, pieces = 0, []
    for field in file.fields:
        pieces.append(other_value(field, old[position : position + field.length], variant))
        position += field.length
    return b"".join(pieces)
