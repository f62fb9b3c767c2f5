"""READ, UPDATE and APPEND RECORD on variable, fixed and cyclic files, by number and by tag.

P2 is SFI·8 + mode (vol. 2 §4.4): 4 record P1, 5 from P1 to the last, 6 from the last to P1, 0 to 3 the first, last,
next or previous record with tag P1.
"""

from __future__ import annotations

from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, exact_length
from emulator.cos.structure import DirectoryState, File, FileStructure
from emulator.iso7816 import SW, Command, StatusError

FIRST, LAST, NEXT, PREVIOUS, BY_NUMBER, TO_LAST, FROM_LAST = range(7)

COMMANDS = CommandSet()


def addressed_file(card: Card, sfi: int) -> File:
    """The file of an SFI, or the current one for SFI 0; ``6A82`` or ``6986`` when there is none."""
    if sfi == 0:
        file = card.session.file
        if file is None:
            raise StatusError(SW.NO_CURRENT_EF)
        return file
    found = card.session.node.files_by_sfi.get(sfi)
    if found is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    return found


def _records(card: Card, file: File) -> tuple[bytes, ...]:
    contents = card.memory.cells[file.cell]
    if type(contents) is not tuple:
        raise StatusError(SW.INCOMPATIBLE_WITH_FILE_STRUCTURE)
    return contents


@COMMANDS.command("READ RECORD")
def read_record(card: Card, command: Command) -> bytes:
    """READ RECORD (ISO/IEC 7816-4 §11.4.3; reconstructed specification §3.1)."""
    _, _, p1, p2, data, _, _ = command
    mode = p2 & 7
    if mode == 7:
        raise StatusError(SW.INCORRECT_P1_P2)
    if data:
        raise StatusError(SW.WRONG_LENGTH)
    session = card.session
    file = addressed_file(card, p2 >> 3)
    records = _records(card, file)
    session.require(file.read)
    if mode in (TO_LAST, FROM_LAST):
        number = p1 or _current(card, file)
        if number > len(records) or number == 0:
            raise StatusError(SW.RECORD_NOT_FOUND)
        session.make_current(file)
        chosen = records[number - 1 :]
        return b"".join(chosen if mode == TO_LAST else reversed(chosen))
    number = _find(card, file, records, p1, mode)
    record = records[number - 1]
    exact_length(command, len(record))
    session.make_current(file)
    session.record = number
    return record


def _current(card: Card, file: File) -> int:
    """Number of the current record of a file, 0 when there is none."""
    return card.session.record if card.session.file is file else 0


def _find(card: Card, file: File, records: tuple[bytes, ...], p1: int, mode: int) -> int:
    """The number, counted from 1, of the record that P1 and the mode name; ``6A83`` when there is none."""
    if mode == BY_NUMBER:
        number = p1 or _current(card, file)
        if not 1 <= number <= len(records):
            raise StatusError(SW.RECORD_NOT_FOUND)
        return number
    current = _current(card, file)
    if mode == FIRST:
        order = range(1, len(records) + 1)
    elif mode == LAST:
        order = range(len(records), 0, -1)
    elif mode == NEXT:
        order = range(current + 1, len(records) + 1)
    else:
        order = range((current or len(records) + 1) - 1, 0, -1)
    tagged = file.structure is not FileStructure.CYCLIC
    for number in order:
        if p1 == 0 or (tagged and records[number - 1][:1] == bytes([p1])):
            return number
    raise StatusError(SW.RECORD_NOT_FOUND)


@COMMANDS.command("UPDATE RECORD")
def update_record(card: Card, command: Command, *, mac_was_right: bool = False) -> bytes:
    """UPDATE RECORD (ISO/IEC 7816-4 §11.4.5).

    A file whose updates are protected takes them only behind a right MAC, which the caller has then taken away.
    A cyclic file takes only new records, in both styles seen: ``P1=00`` with mode *previous*, and record number 1
    (reconstructed specification §3.1).
    """
    _, _, p1, p2, data, _, _ = command
    mode = p2 & 7
    if mode > BY_NUMBER:
        raise StatusError(SW.INCORRECT_P1_P2)
    if not data:
        raise StatusError(SW.WRONG_LENGTH)
    file = addressed_file(card, p2 >> 3)
    records = _records(card, file)
    require_update(card, file, mac_was_right)
    if file.structure is FileStructure.CYCLIC:
        if (p1, mode) not in ((0, PREVIOUS), (1, BY_NUMBER)):
            raise StatusError(SW.INCORRECT_P1_P2)
        _insert(card, file, records, data)
    else:
        number = _find(card, file, records, p1, mode)
        _check_same_shape(card, records[number - 1], data)
        card.memory.commit({file.cell: (*records[: number - 1], data, *records[number:])})
        card.session.make_current(file)
        card.session.record = number
    return b""


def require_update(card: Card, file: File, mac_was_right: bool) -> None:
    """Demand the update right and the protection of the file.

    A directory whose creation has not ended takes its initial contents freely.
    """
    if card.memory.cells[card.session.node.state_cell] == DirectoryState.CREATION:
        return
    card.session.require(file.update)
    if file.protected and not mac_was_right:
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)


def _check_same_shape(card: Card, old: bytes, new: bytes) -> None:
    """A record keeps its length, and a TLV record its tag and inner length."""
    if len(new) != len(old):
        raise StatusError(int(card.settings.update_length_answer, 16))
    if new[:2] != old[:2]:
        raise StatusError(SW.WRONG_DATA)


def _insert(card: Card, file: File, records: tuple[bytes, ...], record: bytes) -> None:
    """Put a new record 1 into a cyclic file; the oldest one goes when the file is full."""
    if len(record) != file.record_length:
        raise StatusError(int(card.settings.update_length_answer, 16))
    card.memory.commit({file.cell: (record, *records)[: file.capacity]})
    card.session.make_current(file)
    card.session.record = 1


@COMMANDS.command("APPEND RECORD")
def append_record(card: Card, command: Command) -> bytes:
    """APPEND RECORD, known only while a directory is being created (vol. 2 §4.7); afterwards ``6D00``."""
    _, _, p1, p2, data, _, _ = command
    if card.memory.cells[card.session.node.state_cell] != DirectoryState.CREATION:
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
    if p1 or p2 & 7:
        raise StatusError(SW.INCORRECT_P1_P2)
    if not data:
        raise StatusError(SW.WRONG_LENGTH)
    file = addressed_file(card, p2 >> 3)
    records = _records(card, file)
    if file.structure is FileStructure.CYCLIC:
        _insert(card, file, records, data)
        return b""
    if file.structure is FileStructure.VARIABLE and (len(data) < 2 or data[1] != len(data) - 2):
        raise StatusError(SW.LC_INCONSISTENT_WITH_TLV)
    if file.structure is FileStructure.FIXED and records and len(data) != len(records[0]):
        raise StatusError(SW.WRONG_LENGTH)
    if len(records) == 254 or sum(map(len, records)) + len(data) > file.capacity:
        raise StatusError(SW.NOT_ENOUGH_MEMORY)
    card.memory.commit({file.cell: (*records, data)})
    card.session.make_current(file)
    card.session.record = len(records) + 1
    return b""
