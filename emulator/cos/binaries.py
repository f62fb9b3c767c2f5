"""READ and UPDATE BINARY on transparent files, with and without a short file identifier."""

from __future__ import annotations

from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, exact_length
from emulator.cos.memory import octets_in
from emulator.cos.records import addressed_file, require_update
from emulator.cos.structure import File, FileStructure
from emulator.iso7816 import SW, Command, StatusError

COMMANDS = CommandSet()


def addressed_bytes(card: Card, p1: int, p2: int) -> tuple[File, int]:
    """The file and offset of P1-P2: ``100 SFI`` and an 8-bit offset, or a 15-bit offset into the current file."""
    if p1 & 0x80:
        if p1 & 0x60 or p1 == 0x80:
            raise StatusError(SW.INCORRECT_P1_P2)
        file, offset = addressed_file(card, p1 & 0x1F), p2
    else:
        file, offset = addressed_file(card, 0), p1 << 8 | p2
    if file.structure is not FileStructure.TRANSPARENT:
        raise StatusError(SW.INCOMPATIBLE_WITH_FILE_STRUCTURE)
    return file, offset


def _contents(card: Card, file: File) -> bytes:
    return octets_in(card.memory.cells[file.cell])


@COMMANDS.command("READ BINARY")
def read_binary(card: Card, command: Command) -> bytes:
    """READ BINARY (ISO/IEC 7816-4 §11.3.3): ``6B00`` beyond the end, ``6Cxx`` for more than there is."""
    _, _, p1, p2, data, ne, _ = command
    if data:
        raise StatusError(SW.WRONG_LENGTH)
    file, offset = addressed_bytes(card, p1, p2)
    card.session.require(file.read)
    contents = _contents(card, file)
    if offset >= len(contents):
        raise StatusError(SW.WRONG_P1_P2)
    rest = contents[offset:]
    if ne in (0, 256, 65536):
        rest = rest[: ne or 256]
    elif ne > len(rest):
        exact_length(command, len(rest))
    else:
        rest = rest[:ne]
    card.session.make_current(file)
    return rest


@COMMANDS.command("UPDATE BINARY")
def update_binary(card: Card, command: Command, *, mac_was_right: bool = False) -> bytes:
    """UPDATE BINARY (ISO/IEC 7816-4 §11.3.5): ``6B00`` beyond the end, ``6A84`` for data that do not fit."""
    _, _, p1, p2, data, _, _ = command
    if not data:
        raise StatusError(SW.WRONG_LENGTH)
    file, offset = addressed_bytes(card, p1, p2)
    require_update(card, file, mac_was_right)
    contents = _contents(card, file)
    if offset >= len(contents):
        raise StatusError(SW.WRONG_P1_P2)
    if offset + len(data) > len(contents):
        raise StatusError(SW.NOT_ENOUGH_MEMORY)
    card.memory.commit({file.cell: contents[:offset] + data + contents[offset + len(data) :]})
    card.session.make_current(file)
    return b""
