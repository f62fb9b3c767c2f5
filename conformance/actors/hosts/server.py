"""A host: serves one actor over HTTP on a Unix socket or the loopback interface.

Connections have threads of their own; the actor works in one thread, one request after the other, because its books are one
connection to SQLite.
"""

from __future__ import annotations

import hmac
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from conformance.actors.hosts.address import LOOPBACK, SCHEME, Address, AddressError, Token
from conformance.actors.hosts.service import Answer, Service, error, place_of

LARGEST_REQUEST = 1 << 18
"""Bytes of a request; the largest of an honest client has a few thousand."""
MOST_CONNECTIONS = 64
PATIENCE = 10.0
"""Seconds that a caller may be silent in the middle of a request."""
LAST_ANSWERS = 2.0
"""Seconds for which an ending host waits until its last answers are sent."""


class Host:
    """Serves an actor from :meth:`start` to :meth:`stop`.

    Args:
        make: Makes the actor, in the thread in which it will work.
        address: Where to listen.
        token: What callers must show; a socket's file mode keeps others out as well, a port needs a token.
    """

    def __init__(self, make: Callable[[], Service], address: Address, token: Token | None = None) -> None:
        if address.path is None and token is None:
            raise AddressError("a port can be reached by every user of the machine; give a token, or a socket")
        self._worker = ThreadPoolExecutor(1, "actor")
        try:
            self._service = self._worker.submit(make).result()
            self._server = self._bound(address, token)
        except BaseException:
            self._end_work()
            raise
        port = 0 if address.path is not None else int(self._server.server_address[1])
        self.address = Address(address.path, port)
        """Where it listens, with the port that was free."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="host", daemon=True)

    def _bound(self, address: Address, token: Token | None) -> _Server:
        address.make_free()
        try:
            return (
                _Server(address, token, self._answer)
                if address.path is None
                else _SocketServer(address, token, self._answer)
            )
        except OSError as problem:
            raise AddressError(f"{address}: cannot listen there ({problem.strerror})") from None

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what has arrived, then end; nothing of the host is left."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        if self.address.path is not None:
            self.address.path.unlink(missing_ok=True)
        self._end_work()
        self._server.drain()

    def _end_work(self) -> None:
        if hasattr(self, "_service"):
            self._worker.submit(self._service.close).result()
        self._worker.shutdown()

    def _answer(self, path: str, body: bytes) -> Answer:
        try:
            return self._worker.submit(self._service.answer, path, body).result()
        except RuntimeError:
            return error(HTTPStatus.SERVICE_UNAVAILABLE, "the host is ending")


class _Server(ThreadingHTTPServer):
    """On a port of the loopback interface."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: Address, token: Token | None, answer: Callable[[str, bytes], Answer]) -> None:
        self.token = token
        self.answer = answer
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(self._place(address), _Handler)

    @staticmethod
    def _place(address: Address) -> Any:
        return LOOPBACK, address.port

    def server_bind(self) -> None:
        """Bind without asking for the machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for a connection, as long as there is room; otherwise it is closed."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def drain(self) -> None:
        """Wait until every connection is over, or its caller is too slow."""
        until = time.monotonic() + LAST_ANSWERS
        for _ in range(MOST_CONNECTIONS):
            self._room.acquire(timeout=max(0.0, until - time.monotonic()))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no matter; anything else is a mistake, told by its kind alone."""
        problem = sys.exception()
        if problem is not None and not isinstance(problem, OSError):
            print(f"connection: {type(problem).__name__} in {place_of(problem)}", file=sys.stderr)


class _SocketServer(_Server):
    """On a Unix socket that its owner alone may open."""

    address_family = socket.AF_UNIX

    @staticmethod
    def _place(address: Address) -> Any:
        return str(address.path)

    def server_bind(self) -> None:
        """Bind with file mode 600 from the beginning."""
        before = os.umask(0o177)
        try:
            self.socket.bind(self.server_address)
        finally:
            os.umask(before)


class _Handler(BaseHTTPRequestHandler):
    """One request of a connection; the next one has its own."""

    server: _Server
    server_version = "sscard"
    sys_version = ""
    timeout = PATIENCE

    def do_POST(self) -> None:
        """Check caller and size, then ask the actor."""
        self.close_connection = True
        answer = self._refusal() or self._asked()
        self._send(answer)

    def _refusal(self) -> Answer | None:
        token = self.server.token
        shown = self.headers.get("Authorization", "")
        if token is not None and not hmac.compare_digest(shown.encode(), (SCHEME + token.value).encode()):
            return error(HTTPStatus.UNAUTHORIZED, "the token is missing or another one")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or len(length) > 9:
            return error(HTTPStatus.LENGTH_REQUIRED, "the request has no length")
        if int(length) > LARGEST_REQUEST:
            return error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {LARGEST_REQUEST} bytes")
        return None

    def _asked(self) -> Answer:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) != length:
            return error(HTTPStatus.BAD_REQUEST, "the request breaks off")
        return self.server.answer(self.path, body)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses, in the form of all answers."""
        self.close_connection = True
        self.request_version = self.protocol_version  # also for a request that names none
        self._send(error(HTTPStatus(code), HTTPStatus(code).phrase))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing of a request is logged."""

    def address_string(self) -> str:
        """A socket has no caller's address."""
        return "local"
