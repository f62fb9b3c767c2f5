"""Counters of tries: lowered before the comparison, so that no power cut saves a try (vol. 2 §4.6, §5.1)."""

from __future__ import annotations

from emulator.cos.memory import Memory, number_in
from emulator.cos.structure import Secret
from emulator.iso7816 import SW, StatusError
from emulator.iso7816.status import tries_left


def refuse_when_blocked(memory: Memory, secret: Secret) -> None:
    """Raise ``6983`` when no try is left."""
    if secret.limit and memory.cells[secret.tries_cell] == 0:
        raise StatusError(SW.AUTHENTICATION_METHOD_BLOCKED)


def spend(memory: Memory, secret: Secret) -> int:
    """Take one try away for good before anything is compared, and answer how many remain."""
    if not secret.limit:
        return 0
    remaining = number_in(memory.cells[secret.tries_cell])
    memory.commit({secret.tries_cell: remaining - 1})
    return remaining - 1


def settle(memory: Memory, secret: Secret, good: bool, remaining: int) -> None:
    """Give all tries back after a right presentation; raise ``63Cx`` after a wrong one (``6300`` without a limit)."""
    if not good:
        raise StatusError(tries_left(remaining) if secret.limit else SW.AUTHENTICATION_FAILED)
    if secret.limit:
        memory.commit({secret.tries_cell: secret.limit})
