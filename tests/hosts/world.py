"""Hosts for tests: in threads of this process, on sockets in a directory of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.actors.hosts import Address, Host, Patience, RemoteLine, Token
from conformance.actors.hosts.authority import AUTHORITY
from conformance.actors.hosts.bank import BANK
from conformance.actors.hosts.centre import CENTRE
from conformance.actors.hosts.keys import KEYS
from conformance.actors.hosts.service import Service

KINDS = (BANK, CENTRE, KEYS, AUTHORITY)
TOKEN = Token("a-token-for-these-tests")
QUICK = Patience(0.3, 2)
"""Of a client that gives up soon."""


@contextmanager
def hosted(make: Callable[[], Service], address: Address, token: Token | None = None) -> Iterator[Host]:
    """A host that ends with the block."""
    host = Host(make, address, token)
    host.start()
    try:
        yield host
    finally:
        host.stop()


@contextmanager
def line_to(make: Callable[[], Service], directory: Path) -> Iterator[RemoteLine]:
    """A line to an actor behind a socket."""
    made: list[Service] = []

    def kept() -> Service:
        made.append(make())
        return made[0]

    with hosted(kept, Address.of_path(directory / "host")) as host:
        yield RemoteLine(made[0].kind.name, host.address)
