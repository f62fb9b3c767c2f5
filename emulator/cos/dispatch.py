"""From bytes to the handler of a command, and from its answer back to bytes under T=0 or T=1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import more_available, wrong_le
from profiles import dictionary

if TYPE_CHECKING:
    from emulator.cos.card import Card

Handler: TypeAlias = Callable[["Card", Command], bytes]
H = TypeVar("H", bound=Handler)
CommandTable: TypeAlias = dict[int, Handler]
"""Handlers by CLA·256 + INS."""

SUCCESS = b"\x90\x00"


class WarnedAnswer(StatusError):
    """An answer whose data come with a warning, e.g. the file control information of a blocked application."""

    def __init__(self, sw: int, data: bytes) -> None:
        super().__init__(sw)
        self.data = data


class CommandSet:
    """Commands that work inside an application, each bound to its entry of the dictionary."""

    def __init__(self, *included: CommandSet) -> None:
        self.table: CommandTable = {}
        for other in included:
            self.table.update(other.table)

    def command(self, name: str) -> Callable[[H], H]:
        """Decorate the handler of the dictionary's command ``name``."""
        entry = dictionary.command(name)

        def register(handler: H) -> H:
            self.table[entry.cla << 8 | entry.ins] = handler
            return handler

        return register


def exact_length(command: Command, length: int) -> None:
    """Refuse an Le that is neither ``00`` nor the length of the answer with ``6Cxx``."""
    if command.ne != length and command.ne not in (0, 256, 65536):
        raise StatusError(wrong_le(length))


def no_handler(tables: dict[str, CommandTable], here: CommandTable, code: int) -> int:
    """The status word for a command that the current application, whose table is ``here``, does not have.

    CLA is judged before INS (vol. 2 §4.1): ``6E00`` for a class that no command has, or for an instruction that is known,
    here or on the chip, under another class; ``6D00`` for an unknown instruction.
    """
    if code & 0xFF in {known & 0xFF for known in here}:
        return SW.CLASS_NOT_SUPPORTED
    codes = {known for table in tables.values() for known in table}
    if code >> 8 not in {known >> 8 for known in codes}:
        return SW.CLASS_NOT_SUPPORTED
    if code & 0xFF in {known & 0xFF for known in codes} and code not in codes:
        return SW.CLASS_NOT_SUPPORTED
    return SW.INSTRUCTION_NOT_SUPPORTED


def answer(card: Card, command: Command, data: bytes) -> bytes:
    """Format a successful answer.

    T=0 (reconstructed specification §1): without Le the data wait for GET RESPONSE behind ``61xx``; with an Le that is
    large enough they come at once; what does not fit stays behind ``61xx``. T=1 sends up to Ne bytes.
    """
    if not data:
        return SUCCESS
    ne = command.ne
    if ne >= len(data):
        return data + SUCCESS
    if card.block_protocol:
        return data[:ne] + SUCCESS
    if command.data or ne == 0:
        card.session.pending = data
        return more_available(len(data)).to_bytes(2, "big")
    card.session.pending = data[ne:]
    return data[:ne] + more_available(len(data) - ne).to_bytes(2, "big")


def answer_with_warning(card: Card, command: Command, warned: WarnedAnswer) -> bytes:
    """Format a warning: data that fit come with it, otherwise they wait for GET RESPONSE behind the warning."""
    status = warned.sw.to_bytes(2, "big")
    if command.ne >= len(warned.data):
        return warned.data + status
    if card.block_protocol:
        return warned.data[: command.ne] + status
    card.session.pending = warned.data
    return status


def get_response(card: Card, command: Command) -> bytes:
    """GET RESPONSE: hand over what waits; ``6985`` when nothing does, ``6Cxx`` for a wrong Le."""
    pending = card.session.pending
    if not pending:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if command.data:
        raise StatusError(SW.WRONG_LENGTH)
    ne = command.ne or 256
    if ne != 256 and ne != len(pending):
        raise StatusError(wrong_le(min(len(pending), 255)))
    card.session.pending = pending[ne:]
    if card.session.pending:
        return pending[:ne] + more_available(len(card.session.pending)).to_bytes(2, "big")
    return pending + SUCCESS
