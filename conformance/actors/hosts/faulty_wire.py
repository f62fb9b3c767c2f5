"""A line between client and host as bytes, on which requests fail by a plan: what a :class:`FaultyLine` tells, a host must bear.

It stands at an address of its own; every connection is one request, every repetition of a client another one.
"""

from __future__ import annotations

import re
import socket
import threading
from typing import Self

from conformance.actors.hosts.address import LOOPBACK, Address
from conformance.actors.hosts.failures import Failure, Plan

HEAD_END = b"\r\n\r\n"
ERROR_PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html><h1>502 Bad Gateway</h1></html>"
NONSENSE = bytes(range(256))
PATIENCE = 10.0
"""Seconds until client or host is taken for gone."""


class FaultyWire:
    """Passes requests on from one address to another.

    Args:
        host: Where the host listens.
        address: Where clients find it: a socket, or port 0.
        plan: Which connection fails, and how.
        delay: Seconds by which a slow answer is late; more than the client waits.
        later: After how many later requests a late one arrives, or one again.
    """

    def __init__(self, host: Address, address: Address, plan: Plan, *, delay: float = 1.0, later: int = 1) -> None:
        self._host = host
        self._plan = plan
        self._delay = delay
        self._later = later
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, bytes]] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.connections = 0
        """How many requests came."""
        family = socket.AF_INET if address.path is None else socket.AF_UNIX
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind((LOOPBACK, address.port) if address.path is None else str(address.path))
        self._socket.listen()
        self.address = address if address.path is not None else Address.of_port(self._socket.getsockname()[1])
        """Where clients find it."""
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in (self._acceptor, *self._threads):
            thread.join(PATIENCE)
        if self.address.path is not None:
            self.address.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with client:
            client.settimeout(PATIENCE)
            try:
                self._pass(client, number)
            except OSError:
                return  # client or host is gone: the client sees no answer
            finally:
                self._deliver(number)

    def _pass(self, client: socket.socket, number: int) -> None:
        failure = self._plan.get(number)
        request = read_request(client)
        if failure in (Failure.AGAIN, Failure.LATE):
            with self._lock:
                self._waiting.append((number + self._later, request))
        answer = self._forward(request) if failure is None or failure.arrives else b""
        if failure is Failure.TWICE:
            answer = self._forward(request)
        if failure is Failure.SLOW:
            self._over.wait(self._delay)
        elif failure is Failure.ERROR_PAGE:
            answer = ERROR_PAGE
        elif failure is Failure.NONSENSE:
            answer = NONSENSE
        elif failure is Failure.CUT:
            answer = answer[: len(answer) - 2]
        elif failure in (Failure.UNREACHABLE, Failure.LOST, Failure.LATE):
            return
        client.sendall(answer)

    def _forward(self, request: bytes) -> bytes:
        with self._host.connect(PATIENCE) as host:
            host.sendall(request)
            return b"".join(iter(lambda: host.recv(1 << 16), b""))

    def _deliver(self, number: int) -> None:
        with self._lock:
            due = [request for at, request in self._waiting if at <= number]
            self._waiting = [(at, request) for at, request in self._waiting if at > number]
        for request in due:
            try:
                self._forward(request)
            except OSError:
                continue

    def flush(self) -> None:
        """Let everything arrive that is late."""
        with self._lock:
            last = max((at for at, _ in self._waiting), default=0)
        self._deliver(last)


def read_request(client: socket.socket) -> bytes:
    """One request with its body; raises OSError where it breaks off."""
    request = b""
    while HEAD_END not in request:
        request += _more(client)
    head, _, body = request.partition(HEAD_END)
    length = re.search(rb"(?im)^content-length: *([0-9]{1,9})\r?$", head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0:
        piece = _more(client)
        request, missing = request + piece, missing - len(piece)
    return request


def _more(client: socket.socket) -> bytes:
    piece = client.recv(1 << 16)
    if not piece:
        raise ConnectionError("the request breaks off")
    return piece
