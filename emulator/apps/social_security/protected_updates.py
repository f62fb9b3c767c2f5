"""UPDATE RECORD and UPDATE BINARY with a MAC, for files that are created with line protection 线路保护.

CLA ``04``; the data field ends with four MAC bytes under the STK of the directory (vol. 2 §3.8, after the sibling
resident health card). Wrong MACs in a row block the application until it is unblocked.
"""

from __future__ import annotations

from emulator.apps.social_security.maintenance import MAC_LENGTH, check_protected, session_key_of_maintenance
from emulator.cos.binaries import addressed_bytes, update_binary
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import Value, number_in
from emulator.cos.records import addressed_file, update_record
from emulator.cos.structure import DirectoryState, File
from emulator.iso7816 import SW, Command, StatusError

COMMANDS = CommandSet()


@COMMANDS.command("UPDATE RECORD with MAC")
def update_record_with_mac(card: Card, command: Command) -> bytes:
    """UPDATE RECORD of a protected file."""
    plain = _without_mac(card, command, addressed_file(card, command.p2 >> 3))
    return update_record(card, plain, mac_was_right=True)


@COMMANDS.command("UPDATE BINARY with MAC")
def update_binary_with_mac(card: Card, command: Command) -> bytes:
    """UPDATE BINARY of a protected file."""
    file, _ = addressed_bytes(card, command.p1, command.p2)
    return update_binary(card, _without_mac(card, command, file), mac_was_right=True)


def _without_mac(card: Card, command: Command, file: File) -> Command:
    """Check the MAC and take it away; ``6A81`` for a file whose updates are plain."""
    if not file.protected:
        raise StatusError(SW.FUNCTION_NOT_SUPPORTED)
    if len(command.data) <= MAC_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    card.session.require(file.update)
    node = card.session.node
    key = session_key_of_maintenance(card, node)
    errors_cell = "MAC errors:" + node.directory.name
    errors = number_in(card.memory.cells.get(errors_cell, 0))
    try:
        check_protected(card, command, key)
    except StatusError:
        changes: dict[str, Value] = {errors_cell: errors + 1}
        if errors + 1 >= card.settings.mac_error_limit and not node.is_environment:
            changes = {errors_cell: 0, node.state_cell: DirectoryState.BLOCKED}
        card.memory.commit(changes)
        raise
    if errors:
        card.memory.commit({errors_cell: 0})
    return command._replace(data=command.data[:-MAC_LENGTH])
