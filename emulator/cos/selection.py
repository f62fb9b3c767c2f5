"""SELECT: by name whole or in part, by file identifier, child DF, EF of the current directory."""

from __future__ import annotations

from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, WarnedAnswer
from emulator.cos.structure import DirectoryState, File
from emulator.cos.tree import Node
from emulator.iso7816 import SW, Command, StatusError, tlv

MASTER_FILE = 0x3F00
BY_IDENTIFIER, CHILD_DIRECTORY, CHILD_FILE, BY_NAME = 0x00, 0x01, 0x02, 0x04
FIRST, NEXT, NO_ANSWER = 0x00, 0x02, 0x0C

COMMANDS = CommandSet()


@COMMANDS.command("SELECT")
def select(card: Card, command: Command) -> bytes:
    """SELECT (ISO/IEC 7816-4 §11.1.1; reconstructed specification §3.1, vol. 2 §4.3).

    A refused SELECT leaves the current directory, the current file and all rights as they were.
    """
    _, _, p1, p2, data, _, _ = command
    if p1 == BY_NAME and p2 in (FIRST, NEXT, NO_ANSWER):
        if not 1 <= len(data) <= 16:
            raise StatusError(SW.WRONG_LENGTH)
        return _enter(card, _by_name(card, data, p2 == NEXT), p2)
    if p1 > CHILD_FILE or p2 not in (FIRST, NO_ANSWER):
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(data) != 2:
        if p1 == BY_IDENTIFIER and not data:
            return _enter(card, card.master_file, p2)
        raise StatusError(SW.WRONG_LENGTH)
    fid = data[0] << 8 | data[1]
    node = card.session.node
    file = node.files_by_fid.get(fid) if p1 != CHILD_DIRECTORY else None
    if file is not None:
        if card.memory.cells[node.state_cell] == DirectoryState.TERMINATED:
            raise StatusError(SW.FUNCTION_NOT_SUPPORTED)
        return _make_current(card, file, p2)
    target = None
    if p1 == BY_IDENTIFIER:
        target = _by_identifier(card, node, fid)
    elif p1 == CHILD_DIRECTORY:
        target = node.child(fid)
    if target is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    return _enter(card, target, p2)


def _by_name(card: Card, name: bytes, following: bool) -> Node:
    """Find a DF by its name or, where the card allows it, by the left part of its name.

    The search runs from the MF downwards; *next* goes on behind the current DF.
    """
    nodes = card.master_file.walk()
    if not following:
        for node in nodes:
            if node.directory.aid == name:
                return node
        nodes = card.master_file.walk()
    partial = card.settings.partial_name == "left"
    matches = [n for n in nodes if n.directory.aid == name or (partial and n.directory.aid.startswith(name))]
    matches.sort(key=lambda node: node.directory.aid != name)
    if following:
        current = card.session.node
        if current not in matches:
            raise StatusError(SW.FILE_NOT_FOUND)
        matches = matches[matches.index(current) + 1 :]
    if not matches:
        raise StatusError(SW.FILE_NOT_FOUND)
    return matches[0]


def _by_identifier(card: Card, node: Node, fid: int) -> Node | None:
    """Find a directory among the children, the siblings and the ancestors of the current one."""
    if fid == MASTER_FILE:
        return card.master_file
    if node.directory.fid == fid:
        return node
    found = node.child(fid)
    ancestor = node.parent
    while found is None and ancestor is not None:
        found = ancestor.child(fid) if ancestor is node.parent else None
        if found is None and ancestor.directory.fid == fid:
            found = ancestor
        ancestor = ancestor.parent
    return found


def _enter(card: Card, node: Node, p2: int) -> bytes:
    session = card.session
    session.enter(node, reselecting_clears=card.settings.reselecting_environment_clears_global_state)
    if card.memory.cells[node.state_cell] not in DirectoryState.USABLE:
        _tell_that_blocked(card, node)
    return b"" if p2 == NO_ANSWER else node.answer


def _tell_that_blocked(card: Card, node: Node) -> None:
    """Raise what SELECT of a blocked directory answers; but for a terminated one GET RESPONSE then gives the template."""
    state = card.memory.cells[node.state_cell]
    if state == DirectoryState.TERMINATED:
        raise StatusError(SW.FUNCTION_NOT_SUPPORTED)
    if node.directory.blocked_answer:
        raise WarnedAnswer(node.directory.blocked_answer, node.answer)
    card.session.pending = node.answer
    if state == DirectoryState.BLOCKED_FOR_GOOD:
        raise StatusError(SW.APPLICATION_PERMANENTLY_BLOCKED)
    raise StatusError(int(card.settings.blocked_select_answer, 16))


def _make_current(card: Card, file: File, p2: int) -> bytes:
    card.session.file = file
    card.session.record = 0
    if card.settings.select_ef_answer == "none" or p2 == NO_ANSWER:
        return b""
    return tlv.build(0x6F, tlv.build(0x83, file.fid.to_bytes(2, "big")), tlv.build(0x88, bytes([file.sfi << 3])))
