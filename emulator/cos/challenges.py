"""GET CHALLENGE."""

from __future__ import annotations

import os

from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.iso7816 import SW, Command, StatusError

LENGTHS = frozenset({4, 8, 16})
POOL_BYTES = 4096

COMMANDS = CommandSet()


class _Pool:
    """Random bytes of the operating system, fetched a block at a time because a call costs more than a command."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        self._bytes = b""
        self._used = 0

    def take(self, count: int) -> bytes:
        start = self._used
        self._used = start + count
        if self._used > len(self._bytes):
            self._bytes = os.urandom(POOL_BYTES)
            start, self._used = 0, count
        return self._bytes[start : start + count]


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.empty)  # a child must not repeat its parent's bytes


@COMMANDS.command("GET CHALLENGE")
def get_challenge(card: Card, command: Command) -> bytes:
    """GET CHALLENGE: 4, 8 or 16 random bytes as Le asks; another Le is ``6700`` (reconstructed specification §3.1)."""
    _, _, p1, p2, data, ne, _ = command
    if p1 or p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if data or ne not in LENGTHS:
        raise StatusError(SW.WRONG_LENGTH)
    challenge = _pool.take(ne)
    card.session.remember_challenge(challenge)
    return challenge
