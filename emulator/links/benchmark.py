"""How fast commands go through pcscd and vpcd: `python -m emulator.links.benchmark`.

Any card is measured against one that does nothing, and the link against one that leaves the acknowledgements to the
operating system, as vsmartcard's own vicc does. Needs pyscard.
"""

import socket
import time
from functools import partial
from typing import Any

from emulator.links.card import CardDevice, NullCard
from emulator.links.stack import Stack, open_stack
from emulator.links.vpcd import Connector, VpcdLink

READ_RECORD = bytes.fromhex("00B2010C00")


class UnhurriedSocket(socket.socket):
    """A connection without the options that make the link fast."""

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        """Leave out all options of TCP."""
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, option, *value)


def unhurried_socket(connect: Connector) -> socket.socket:
    """Make a connection, and take the haste from it."""
    return UnhurriedSocket(fileno=connect().detach())


def exchanges_per_second(
    stack: Stack,
    card: CardDevice | None = None,
    command: bytes = READ_RECORD,
    seconds: float = 1.0,
    slot: int = 0,
    hurried: bool = True,
) -> float:
    """Measure a card in a slot of a running stack.

    Args:
        stack: the stack that this process's PC/SC calls go to.
        card: the card; one that does nothing when not given.
        command: what is sent over and over.
        seconds: how long to measure, at least.
        slot: index of the slot, which must be empty.
        hurried: false to measure without the link's TCP options.

    Raises:
        RuntimeError: a PC/SC call failed.
    """
    from smartcard import scard

    connect = stack.connector(slot)
    unhurried = partial(unhurried_socket, connect)
    with VpcdLink(card or NullCard(), connect if hurried else unhurried) as link:
        link.wait_until_powered()
        _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        name = stack.reader_names[slot]
        state = 0
        while not state & scard.SCARD_STATE_PRESENT:
            _, ((_, state, _),) = scard.SCardGetStatusChange(context, 1000, [(name, state)])
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        status, handle, protocol = scard.SCardConnect(context, name, scard.SCARD_SHARE_EXCLUSIVE, protocols)
        sent, spent, words = 0, 0.0, list(command)
        begin = time.perf_counter()
        while status == scard.SCARD_S_SUCCESS and spent < seconds:
            status, _ = scard.SCardTransmit(handle, protocol, words)
            sent += 1
            spent = time.perf_counter() - begin
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(context)
    if status != scard.SCARD_S_SUCCESS:
        raise RuntimeError(f"PC/SC error: {scard.SCardGetErrorMessage(status)}")
    return sent / spent


def main() -> None:
    """Print both rates of a card that does nothing."""
    with open_stack() as stack:
        print(f"link:             {exchanges_per_second(stack):8.0f} commands a second")
        print(f"without its haste:{exchanges_per_second(stack, slot=1, hurried=False):8.0f} commands a second")


if __name__ == "__main__":
    main()
