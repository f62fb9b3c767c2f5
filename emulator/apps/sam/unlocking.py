"""APPLICATION UNBLOCK of a secure access module, which wrong MAC2s locked (vol. 2 §7.6)."""

from __future__ import annotations

from emulator.apps.social_security.maintenance import MAC_LENGTH, check_protected, session_key_of_maintenance
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import DirectoryState
from emulator.iso7816 import SW, Command, StatusError

COMMANDS = CommandSet()


@COMMANDS.command("APPLICATION UNBLOCK")
def application_unblock(card: Card, command: Command) -> bytes:
    """APPLICATION UNBLOCK: MAC 4 under the maintenance key of the application, over a challenge of this session."""
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    if card.memory.cells[node.state_cell] != DirectoryState.BLOCKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    check_protected(card, command, session_key_of_maintenance(card, node))
    card.memory.commit({node.state_cell: DirectoryState.OPERATIONAL})
    return b""
