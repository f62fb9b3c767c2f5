"""A chip: memory, session, and the order in which a command is judged."""

from __future__ import annotations

from typing import ClassVar

from emulator.cos.dispatch import CommandTable, WarnedAnswer, answer, answer_with_warning, get_response, no_handler
from emulator.cos.memory import Memory, PowerLoss, Snapshot, octets_in
from emulator.cos.session import Session
from emulator.cos.structure import (
    CARD_STATE_CELL,
    CONTACT,
    CONTACTLESS,
    STRUCTURE_CELL,
    CardState,
    DirectoryState,
    Structure,
)
from emulator.cos.tree import Node, grow
from emulator.iso7816 import SW, ApduError, Atr, Command, StatusError
from emulator.iso7816.status import is_wrong_le

GET_RESPONSE = 0x00C0
STATUS_LENGTH = 2
_BLOCKED = SW.FUNCTION_NOT_SUPPORTED.to_bytes(2, "big")
_SELECT = 0x00A4


class Card:
    """A card that answers commands; a link carries them.

    ``tables`` has the commands of each application by name, ``contactless_tables`` the same for the other interface;
    ``served_when_blocked`` the codes of those that a blocked application still accepts.
    """

    interface = CONTACT
    antenna: ClassVar[type[ContactlessCard]]
    """What :meth:`contactless` hands out."""

    def __init__(
        self,
        memory: Memory,
        tables: dict[str, CommandTable],
        served_when_blocked: frozenset[int],
        contactless_tables: dict[str, CommandTable] | None = None,
    ) -> None:
        self.memory = memory
        self.tables = tables
        self.served_when_blocked = served_when_blocked
        self.contactless_tables = tables if contactless_tables is None else contactless_tables
        self.powered = False
        """Whether the contacts have power: then the contactless interface is silent (JR/T 0025.12 §6.1.4)."""
        self._other_side: ContactlessCard | None = None
        self._structure_source: object = None
        self._written: tuple[bytes, Structure | None] = (b"", None)
        self._load_structure()
        self.session = self.new_session()

    def contactless(self) -> ContactlessCard:
        """The same chip through its antenna."""
        if self._other_side is None:
            self._other_side = self.antenna(self)
        return self._other_side

    def new_session(self) -> Session:
        """The session that a reset begins."""
        return Session(self.master_file)

    def read_structure(self, source: bytes) -> Structure:
        """The description of the chip as its memory holds it; one that was just written need not be read."""
        written, structure = self._written
        return structure if structure is not None and source is written else Structure.from_json(source)

    def _load_structure(self) -> None:
        source = self.memory.cells[STRUCTURE_CELL]
        if source is self._structure_source:
            return
        self._structure_source = octets_in(source)
        self.structure = self.read_structure(self._structure_source)
        self.settings = self.structure.settings
        self.algorithm = self.structure.algorithm
        self.block_protocol = self.structure.protocol == "T=1"
        self.master_file: Node = grow(self.structure, self.tables, self.interface)

    def change_structure(self, structure: Structure, changes: dict[str, int | bytes | tuple[bytes, ...]]) -> None:
        """Commit a new description of the chip together with the cells that it needs; the selection is kept."""
        current = self.session.node.directory.name
        self._written = (structure.to_json(), structure)
        self.memory.commit({**changes, STRUCTURE_CELL: self._written[0]})
        self._load_structure()
        nodes = {node.directory.name: node for node in self.master_file.walk()}
        self.session.node = nodes.get(current, self.master_file)
        self.session.file = None

    # What a link calls

    def reset(self, cold: bool = True) -> bytes:
        """Begin anew and answer the ATR. Contact cards of this family answer cold and warm resets alike."""
        self._load_structure()
        self.session = self.new_session()
        self.powered = True
        if self._other_side is not None:
            self._other_side.power_off()
        return self.structure.atr

    def power_off(self) -> None:
        """Forget the session."""
        self.powered = False
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
        if self._other_side is not None:
            self._other_side.power_off()

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
        if cells[node.state_cell] not in DirectoryState.USABLE:
            self._refuse_when_blocked(node, code)
        if handler is None:
            raise StatusError(no_handler(self.tables, node.commands, code))
        return answer(self, command, handler(self, command))

    def _refuse_when_blocked(self, node: Node, code: int) -> None:
        """Raise the status word of a blocked directory, unless the command is one that it still serves."""
        state = self.memory.cells[node.state_cell]
        if state == DirectoryState.TERMINATED:
            if code != _SELECT:
                raise StatusError(SW.FUNCTION_NOT_SUPPORTED)
        elif code in node.commands and code not in self.served_when_blocked and not node.directory.blocked_answer:
            if state == DirectoryState.BLOCKED_FOR_GOOD:
                raise StatusError(SW.APPLICATION_PERMANENTLY_BLOCKED)
            raise StatusError(int(self.settings.blocked_command_answer, 16))

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


class ContactlessCard(Card):
    """A chip through its antenna: same memory, a session of its own, T=CL instead of T=0 and T=1.

    The block protocol (ISO/IEC 14443-4) carries every answer at once, so that neither ``61xx`` nor ``6Cxx`` appears; an
    Le that is too short cuts the answer. While the contacts have power, :meth:`reset` and :meth:`transmit` raise
    :class:`PowerLoss`: the field gets no answer.
    """

    interface = CONTACTLESS

    def __init__(self, contacts: Card) -> None:
        self._contacts = contacts
        super().__init__(contacts.memory, contacts.contactless_tables, contacts.served_when_blocked)

    def _load_structure(self) -> None:
        super()._load_structure()
        self.block_protocol = True

    def contactless(self) -> ContactlessCard:
        """This very side."""
        return self

    def reset(self, cold: bool = True) -> bytes:
        """Begin anew and answer what a reader makes up for such a card (PC/SC part 3 §3.1.3.2.3)."""
        self._require_field()
        super().reset(cold)
        return Atr.contactless(self.structure.historical).to_bytes()

    def transmit(self, raw: bytes) -> bytes:
        """Answer a command APDU at once, whatever the bytes."""
        self._require_field()
        answered = super().transmit(raw)
        if len(answered) != STATUS_LENGTH or not is_wrong_le(int.from_bytes(answered, "big")):
            return answered
        command = Command.parse(raw)
        whole = super().transmit(command._replace(ne=answered[1] or 256).to_bytes())
        return whole[:-STATUS_LENGTH][: command.ne] + whole[-STATUS_LENGTH:]

    @property
    def is_reachable(self) -> bool:
        """Whether a field would get an answer: a card between powered contacts is not in it (JR/T 0025.12 §6.1.4)."""
        return not self._contacts.powered

    def _require_field(self) -> None:
        if not self.is_reachable:
            raise PowerLoss("the contacts have power; take them away first")


Card.antenna = ContactlessCard
