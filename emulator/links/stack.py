"""Real PC/SC stacks: pcscd with vpcd, private to us or shared with the machine.

Three kinds, in order of preference:

- `PrivateStack`: a pcscd of our own in namespaces of its own. Nobody else sees the reader, nothing of ours disturbs the
  machine's readers, and any number of stacks live side by side. Root may always do this, other users where the
  kernel grants them user namespaces.
- `SystemStack`: the pcscd that runs on this machine anyway.
- `StartedStack`: a pcscd of our own in the open, for root without namespaces. vpcd listens on all interfaces of the machine
  then: whoever reaches the port can insert a card or see one.

All are context managers, and alike in use:

    with PrivateStack() as stack, stack.insert(card):
        ...  # PC/SC clients in this process, and child processes with `stack.environment()`, see the card
"""

import socket
import time
from pathlib import Path
from typing import Self

from emulator.links import pcsclite, supervisor
from emulator.links.kept import KeptStack, PrivateStack, StartedStack
from emulator.links.pcsclite import ReaderEntry, process_socket
from emulator.links.stackbase import Stack, StackError, StackOffer

__all__ = [
    "KeptStack",
    "PrivateStack",
    "Stack",
    "StackError",
    "StackOffer",
    "StartedStack",
    "SystemStack",
    "available_stacks",
    "open_stack",
]

WAKE_SECONDS = 2.0
"""How long a pcscd that our question has just started may take to load vpcd."""


class SystemStack(Stack):
    """The pcscd that runs on this machine, with vpcd on its usual port."""

    kind = "running pcscd"

    def __init__(self) -> None:
        super().__init__(pcsclite.configured_readers() or [ReaderEntry()])
        self._presence: socket.socket | None = None

    @property
    def socket_path(self) -> Path:
        """The machine's own socket."""
        return process_socket.system

    def start(self) -> Self:
        """See that pcscd and vpcd listen. A connection is held open, so that a pcscd that ends when idle stays."""
        presence = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            presence.connect(str(self.socket_path))
        except OSError as error:
            presence.close()
            raise StackError(f"No pcscd answers on {self.socket_path} ({error}): start it with `pcscd`.") from error
        self._presence = presence
        try:
            self.activate()
        except StackError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Leave pcscd as it is."""
        super().stop()
        if self._presence:
            self._presence.close()
            self._presence = None

    @classmethod
    def offer(cls) -> StackOffer:
        """Ask pcscd, and see whether vpcd listens."""
        if not pcsclite.answers(process_socket.system):
            return StackOffer(cls.kind, False, f"No pcscd answers on {process_socket.system}: start it with `pcscd`.")
        readers = pcsclite.configured_readers()
        if not readers:
            return StackOffer(cls.kind, False, "pcscd has no virtual reader: apt-get install vsmartcard-vpcd")
        port = readers[0].port
        deadline = time.monotonic() + WAKE_SECONDS
        while port not in supervisor.listening_ports():
            if time.monotonic() > deadline:
                return StackOffer(
                    cls.kind, False, f"pcscd runs, but vpcd does not listen on port {port}: restart pcscd."
                )
            time.sleep(0.05)
        return StackOffer(cls.kind, True, f"vpcd listens on port {port}")


def available_stacks() -> list[StackOffer]:
    """Try which kinds of stack this machine and user can have, best first."""
    return [PrivateStack.offer(), SystemStack.offer(), StartedStack.offer()]


def open_stack(readers: int = 1) -> Stack:
    """Return the best stack that can be had here, not yet started.

    Args:
        readers: how many readers, of two slots each, are wanted. A running pcscd has those that it has.

    Raises:
        StackError: none can be had; the message says why for each kind.
    """
    offers = available_stacks()
    private, system, started = offers
    if private.usable:
        return PrivateStack(readers)
    if system.usable:
        return SystemStack()
    if started.usable:
        return StartedStack(readers)
    raise StackError("No PC/SC stack can be had. " + " ".join(f"{name}: {why}" for name, _, why in offers))
