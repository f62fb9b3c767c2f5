"""A chip: memory, session, and the order in which a command is judged."""

from __future__ import annotations

from emulator.cos.dispatch import CommandTable, WarnedAnswer, answer, answer_with_warning, get_response, no_handler
from emulator.cos.memory import Memory, PowerLoss, Snapshot
from emulator.cos.session import Session
from emulator.cos.structure import CARD_STATE_CELL, STRUCTURE_CELL, CardState, DirectoryState, Structure
from emulator.cos.tree import Node, grow
from emulator.iso7816 import SW, ApduError, Command, StatusError

GET_RESPONSE = 0x00C0
_BLOCKED = SW.FUNCTION_NOT_SUPPORTED.to_bytes(2, "big")


class Card:
    """A card that answers commands; a link carries them.

    ``tables`` has the commands of each application by name; ``served_when_blocked`` the codes of those that a blocked
    application still accepts.
    """

    def __init__(self, memory: Memory, tables: dict[str, CommandTable], served_when_blocked: frozenset[int]) -> None:
        self.memory = memory
        self.tables = tables
        self.served_when_blocked = served_when_blocked
        self._structure_source: object = None
        self._load_structure()
        self.session = self.new_session()

    def new_session(self) -> Session:
        """The session that a reset begins."""
        return Session(self.master_file)

    def read_structure(self, source: bytes) -> Structure:
        """The description of the chip as its memory holds it."""
        return Structure.from_json(source)

    def _load_structure(self) -> None:
        source = self.memory.cells[STRUCTURE_CELL]
        if source is self._structure_source:
            return
        assert isinstance(source, bytes)  # noqa: S101 - written by us as bytes
        self._structure_source = source
        self.structure = self.read_structure(source)
        self.settings = self.structure.settings
        self.algorithm = self.structure.algorithm
        self.block_protocol = self.structure.protocol == "T=1"
        self.master_file: Node = grow(self.structure, self.tables)

    def change_structure(self, structure: Structure, changes: dict[str, int | bytes | tuple[bytes, ...]]) -> None:
        """Commit a new description of the chip together with the cells that it needs; the selection is kept."""
        current = self.session.node.directory.name
        self.memory.commit({**changes, STRUCTURE_CELL: structure.to_json()})
        self._load_structure()
        nodes = {node.directory.name: node for node in self.master_file.walk()}
        self.session.node = nodes.get(current, self.master_file)
        self.session.file = None

    # What a link calls

    def reset(self, cold: bool = True) -> bytes:
        """Begin anew and answer the ATR. Contact cards of this family answer cold and warm resets alike."""
        self._load_structure()
        self.session = self.new_session()
        return self.structure.atr

    def power_off(self) -> None:
        """Forget the session."""
        self.session = self.new_session()

    def transmit(self, raw: bytes) -> bytes:
        """Answer a command APDU with a response APDU, whatever the bytes; only :class:`PowerLoss` escapes."""
        try:
            command = Command.parse(raw)
        except ApduError:
            return SW.WRONG_LENGTH.to_bytes(2, "big")
        try:
            return self._perform(command)
        except WarnedAnswer as warned:
            return answer_with_warning(self, command, warned)
        except StatusError as refusal:
            return refusal.sw.to_bytes(2, "big")
        except PowerLoss:
            self.power_off()
            raise

    def snapshot(self) -> Snapshot:
        """The whole memory, to come back to with :meth:`restore`."""
        return self.memory.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Bring back a snapshot; the session ends as if the supply had been cut."""
        self.memory.restore(snapshot)
        self._load_structure()
        self.session = self.new_session()

    # The order of checks (reconstructed specification, vol. 2 §4.1)

    def _perform(self, command: Command) -> bytes:
        code = command[0] << 8 | command[1]
        if code == GET_RESPONSE and not self.block_protocol:
            return get_response(self, command)
        session = self.session
        session.pending = b""
        if session.transaction is not None and code != session.transaction.next_command:
            session.transaction = None
        cells = self.memory.cells
        if cells[CARD_STATE_CELL] == CardState.TERMINATED and not session.finishing:
            return _BLOCKED
        node = session.node
        handler = node.commands.get(code)
        if handler is None:
            raise StatusError(no_handler(self.tables, code))
        state = cells[node.state_cell]
        if (
            state in (DirectoryState.BLOCKED, DirectoryState.BLOCKED_FOR_GOOD)
            and code not in self.served_when_blocked
            and not node.directory.blocked_answer
        ):
            raise StatusError(self._blocked_answer(state == DirectoryState.BLOCKED_FOR_GOOD))
        return answer(self, command, handler(self, command))

    def _blocked_answer(self, for_good: bool) -> int:
        if for_good:
            return SW.APPLICATION_PERMANENTLY_BLOCKED
        return int(self.settings.blocked_command_answer, 16)

    # What handlers use

    def node_of_reference(self, reference: int) -> tuple[Node, bool]:
        """The directory that a key or PIN reference speaks of, and whether its rights are local (vol. 2 §3.5).

        The top bit set means the current ADF, otherwise the current MF or DDF.
        """
        node = self.session.node
        if reference & 0x80:
            if node.is_environment:
                raise StatusError(int(self.settings.unknown_key_answer, 16))
            return node, True
        return node.environment, False
