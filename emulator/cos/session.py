"""What a card forgets at reset: selection, security status, challenge, an answer not yet fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emulator.iso7816 import SW, StatusError

if TYPE_CHECKING:
    from emulator.cos.structure import AccessRule, File
    from emulator.cos.tree import Node


class Transaction(Protocol):
    """Something begun by one command that only one other command may go on with."""

    @property
    def next_command(self) -> int:
        """CLA·256 + INS of the command that may follow."""


class Session:
    """Logical state between two resets.

    Two security words (vol. 2 §3.4): the global one belongs to the current MF or DDF, called the environment, the
    local one to the current ADF.
    """

    __slots__ = (
        "application",
        "challenge",
        "file",
        "finishing",
        "global_word",
        "local_word",
        "node",
        "pending",
        "previous_challenge",
        "record",
        "transaction",
        "transport_code_shown",
    )

    def __init__(self, master_file: Node) -> None:
        self.node = master_file
        self.file: File | None = None
        self.record = 0
        self.global_word = 0
        self.local_word = 0
        self.challenge: bytes | None = None
        self.previous_challenge: bytes | None = None
        self.pending = b""
        self.transaction: Transaction | None = None
        self.transport_code_shown = False
        self.application: object = None
        """What the current application keeps from one command to the next; gone when a directory is entered."""
        self.finishing = False
        """Whether the current application may finish although the card was blocked for good meanwhile."""

    def require(self, rule: AccessRule) -> None:
        """Raise ``6982`` unless one alternative of the rule is satisfied."""
        for needed_globally, needed_locally in rule:
            if needed_globally & ~self.global_word == 0 and needed_locally & ~self.local_word == 0:
                return
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Make a directory current and drop the rights that do not survive the move (vol. 2 §3.4)."""
        environment = self.node.environment
        if node.environment is not environment:
            self.global_word = 0
            self.challenge = self.previous_challenge = None
        elif node is environment and reselecting_clears:
            self.global_word = 0
        self.local_word = 0
        self.application = None
        self.node = node
        self.file = None
        self.record = 0

    def make_current(self, file: File) -> None:
        """Make an elementary file current; the record pointer starts anew in another file."""
        if file is not self.file:
            self.file = file
            self.record = 0

    def grant(self, bit: int, *, locally: bool) -> None:
        """Note that a key or PIN was proven."""
        if locally:
            self.local_word |= bit
        else:
            self.global_word |= bit

    def revoke(self, bit: int, *, locally: bool) -> None:
        """Forget that a key or PIN was proven."""
        if locally:
            self.local_word &= ~bit
        else:
            self.global_word &= ~bit

    def has(self, bit: int, *, locally: bool) -> bool:
        """Whether a key or PIN was proven."""
        return bool((self.local_word if locally else self.global_word) & bit)

    def remember_challenge(self, challenge: bytes) -> None:
        """Keep a challenge for one later use, extended with zeros to 8 bytes (vol. 2 §4.2)."""
        self.previous_challenge = self.challenge
        self.challenge = challenge.ljust(8, b"\0")

    def take_challenge(self) -> bytes:
        """Use up the challenge; raise ``6984`` when there is none."""
        challenge = self.challenge
        if challenge is None:
            raise StatusError(SW.REFERENCE_DATA_NOT_USABLE)
        self.challenge = self.previous_challenge = None
        return challenge
