"""The host as a server: who is let in, what is too much, where it listens; and the client's one error for no answer."""

from __future__ import annotations

import re
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.actors.bank import HostUnreachable
from conformance.actors.hosts import Address, AddressError, Host, Patience, RemoteLine, Token, server
from conformance.actors.hosts.centre import CentreHost, centre_service
from conformance.actors.hosts.faulty_wire import read_request
from conformance.actors.hosts.service import Service
from conformance.actors.hosts.wire import format_message, members, parse
from conformance.actors.medical.messages import Mode, PersonAccount
from profiles import load

from .world import TOKEN, hosted

PRODUCT = load("ssc3-sm4")
OTHER_TOKEN = "another-token-than-that"  # noqa: S105 - of a test
ASKING = b'{"number":"1","arguments":{"person":"1"}}'


def make() -> Service:
    return centre_service(PRODUCT)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with hosted(make, Address.of_port(0), TOKEN) as made:
        yield made


def said(host: Host, request: bytes) -> tuple[int, object]:
    """Status and error of the answer to the bytes of a request."""
    with host.address.connect(5) as line:
        line.sendall(request)
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), members(parse(body), "", "error")[0]


def post(path: str = "/v1/centre/inquire", body: bytes = ASKING, token: str = TOKEN.value, **headers: str) -> bytes:
    lines = {"Authorization": f"Bearer {token}", "Content-Length": str(len(body)), **headers}
    return (
        f"POST {path} HTTP/1.1\r\n".encode()
        + "".join(f"{k}: {v}\r\n" for k, v in lines.items()).encode()
        + b"\r\n"
        + body
    )


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        (post(token=OTHER_TOKEN), 401, "the token is missing or another one"),
        (post().replace(b"Authorization", b"X-Other"), 401, "the token is missing or another one"),
        (post(path="/v1/bank/authorise"), 404, "this host has no such operation; it is a centre of version 1"),
        (post(path="/v2/centre/inquire"), 404, "this host has no such operation; it is a centre of version 1"),
        (post(path="/v1/centre/books.move"), 404, "this host has no such operation; it is a centre of version 1"),
        (post(body=b"{}"), 400, "the message is no object with number, arguments"),
        (post(body=b'{"number":"","arguments":{"person":"1"}}'), 400, "number does not have one to 64 characters"),
        (post(body=b'{"number":"1","arguments":{"person":1}}'), 400, "person is no text"),
        (post(**{"Content-Length": "262145"}), 413, "a request has at most 262144 bytes"),
        (post(**{"Content-Length": "-1"}), 411, "the request has no length"),
        (post().replace(b"POST", b"GET"), 501, "Not Implemented"),
        (b"nonsense\r\n\r\n", 400, "Bad Request"),
    ],
)
def test_what_is_refused(host: Host, request_: bytes, status: int, error: str) -> None:
    assert said(host, request_) == (status, error)


def test_only_the_loopback_interface_is_served(host: Host) -> None:
    assert host._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_port_needs_a_token() -> None:
    with pytest.raises(AddressError, match="give a token, or a socket"):
        Host(make, Address.of_port(0))


def test_a_wrong_token_is_one_clear_error(host: Host) -> None:
    line = RemoteLine("centre", host.address, Token(OTHER_TOKEN))
    with pytest.raises(
        HostUnreachable, match=r"^centre at 127.0.0.1:\d+: the token is missing or another one \(status 401\)$"
    ):
        CentreHost(line)


def test_the_host_of_another_actor_is_one_clear_error(host: Host) -> None:
    line = RemoteLine("bank", host.address, TOKEN)
    with pytest.raises(HostUnreachable, match="it is a centre of version 1"):
        CentreHost(line, Mode.ONLINE).inquire("1")


def test_a_socket_is_open_to_its_owner_alone_and_gone_after_the_end(tmp_path: Path) -> None:
    address = Address.of_path(tmp_path / "centre")
    with hosted(make, address):
        assert stat.S_IMODE((tmp_path / "centre").stat().st_mode) == 0o600
        with pytest.raises(AddressError, match="another host listens there"):
            Host(make, address)
        assert CentreHost(RemoteLine("centre", address)).inquire("1") is None
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_a_killed_host_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "centre"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with hosted(make, Address.of_path(path)) as host:
        assert CentreHost(RemoteLine("centre", host.address)).mode is Mode.ONLINE


def test_no_other_file_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(AddressError, match="is no socket"):
        Host(make, Address.of_path(path))
    assert path.read_text() == "mine"


def test_a_directory_that_is_missing_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="cannot listen there"):
        Host(make, Address.of_path(tmp_path / "none" / "centre"))


def test_a_path_too_long_for_a_socket() -> None:
    with pytest.raises(AddressError, match="too long for a socket"):
        Address.of_path(Path("/" + "x" * 200))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none(port: int) -> None:
    with pytest.raises(AddressError, match="give 1 to 65535"):
        Address.of_port(port)


def test_addresses_are_read_back(tmp_path: Path) -> None:
    for address in (Address.of_port(5), Address.of_path(tmp_path / "centre")):
        assert Address.parse(str(address)) == address


def test_token_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    made = Token.of_file(path, make=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Token.of_file(path) == Token.of_file(path, make=True) == made
    assert made.value not in repr(made)


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        ("a-token-for-these-tests", 0o640, "chmod 600"),
        ("short", 0o600, "holds no token of 16 to 256"),
        ("a token with spaces in it", 0o600, "holds no token of 16 to 256"),
        ("令牌", 0o600, "holds no token"),
    ],
)
def test_token_files_that_cannot_be_used(tmp_path: Path, content: str, mode: int, problem: str) -> None:
    path = tmp_path / "token"
    path.write_text(content, "utf-8")
    path.chmod(mode)
    with pytest.raises(AddressError, match=problem) as raised:
        Token.of_file(path, make=True)
    assert content not in str(raised.value)


def test_nobody_listens(tmp_path: Path) -> None:
    line = RemoteLine("centre", Address.of_path(tmp_path / "none"))
    with pytest.raises(HostUnreachable, match=r"^centre at .*/none: No such file or directory$"):
        CentreHost(line)


def test_an_actor_that_fails_takes_nobody_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake inside is told by its kind alone; nothing is booked, and the host goes on."""

    def faulty() -> Service:
        service = make()

        def fail(person: str, name: str, *, balance: int | None = None, insured: bool = True) -> None:
            service.store.run("INSERT INTO movement (book, amount, settlement, reason) VALUES ('fund', 5, '', '')")
            raise RuntimeError(f"secret of {name}")

        service.line.actors[""].insure = fail  # type: ignore[attr-defined]  # a centre
        return service

    with hosted(faulty, Address.of_path(tmp_path / "centre")) as host:
        centre = CentreHost(RemoteLine("centre", host.address))
        with pytest.raises(HostUnreachable, match=r"the host failed \(RuntimeError\) \(status 500\)"):
            centre.insure("1", "余")
        assert centre.inquire("1") is None
        service = host._service
        movements = host._worker.submit(lambda: len(service.store.all("SELECT * FROM movement"))).result()
    assert movements == 0
    (told,) = set(capsys.readouterr().err.splitlines())
    assert re.fullmatch(r"centre /v1/centre/insure: RuntimeError in test_host\.py:\d+", told)


@pytest.mark.parametrize("mistake", [IndexError, LookupError])
def test_a_mistake_inside_is_no_unknown_operation(mistake: type[Exception], tmp_path: Path) -> None:
    """Also one that has no text."""

    def faulty() -> Service:
        service = make()

        def fail(person: str) -> None:
            raise mistake

        service.line.actors[""].inquire = fail  # type: ignore[attr-defined]  # a centre
        return service

    with (
        hosted(faulty, Address.of_path(tmp_path / "centre")) as host,
        pytest.raises(HostUnreachable, match=rf"the host failed \({mistake.__name__}\) \(status 500\)"),
    ):
        CentreHost(RemoteLine("centre", host.address)).inquire("1")


def test_a_mistake_of_the_server_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a caller that went away is passed over in silence."""

    def fail(handler: server._Handler) -> None:
        raise OSError if handler.path.endswith("gone") else RuntimeError

    monkeypatch.setattr(server._Handler, "_asked", fail)
    with hosted(make, Address.of_path(tmp_path / "centre")) as host:
        for path in ("/gone", "/mistaken"):
            with host.address.connect(5) as line:
                line.sendall(post(path))
                assert line.recv(1) == b""
    assert re.fullmatch(r"connection: RuntimeError in test_host\.py:\d+\n", capsys.readouterr().err)


def test_what_has_arrived_is_answered_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly the last answer leaves, a host that has stopped has sent it."""
    asked, sending = threading.Event(), server._Handler._send

    def slowly(handler: server._Handler, answer: server.Answer) -> None:
        asked.set()
        time.sleep(0.3)
        sending(handler, answer)

    monkeypatch.setattr(server._Handler, "_send", slowly)
    host = Host(make, Address.of_path(tmp_path / "centre"))
    host.start()
    with host.address.connect(5) as line:
        line.sendall(post())
        asked.wait(5)
        host.stop()
        line.setblocking(False)
        assert line.recv(12) == b"HTTP/1.0 200"


@contextmanager
def answering(answer: Callable[[], bytes], path: Path) -> Iterator[Address]:
    """Somebody at an address who answers every request with these bytes."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                try:
                    read_request(client)
                    client.sendall(answer())
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Address.of_path(path)
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


GOOD = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Address, list[bytes]]]:
    answers = [b""]
    with answering(lambda: answers[0], tmp_path_factory.mktemp("stranger") / "host") as address:
        yield address, answers


@given(
    st.binary(max_size=300)
    | st.binary(max_size=100).map(lambda body: GOOD + body)
    | st.tuples(st.sampled_from([b"200", b"422", b"204", b"100", b"302", b"999", b"x"]), st.binary(max_size=60)).map(
        lambda parts: b"HTTP/1.1 " + parts[0] + b" \r\nTransfer-Encoding: chunked\r\n\r\n" + parts[1]
    )
)
@example(GOOD + format_message({"number": "1", "result": {"person": "1"}}))
@example(GOOD + format_message({"number": "2", "result": None}))
@example(b"HTTP/1.0 422 \r\n\r\n" + format_message({"number": "1", "refused": {"kind": "SystemExit", "text": ""}}))
@example(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n" + format_message({"number": "1", "result": None}))
@example(b"HTTP/1.0 401 \r\n\r\n\xff")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_answered_is_a_value_or_one_error(stranger: tuple[Address, list[bytes]], answer: bytes) -> None:
    address, answers = stranger
    answers[0] = answer
    line = RemoteLine("centre", address, patience=Patience(5, 1), numbers=lambda: "1")
    found: object = None
    with suppress(HostUnreachable):
        found = CentreHost(line, Mode.ONLINE).inquire("1")
    assert found is None or isinstance(found, PersonAccount)


def test_a_good_answer_of_the_stranger_is_taken(stranger: tuple[Address, list[bytes]]) -> None:
    address, answers = stranger
    answers[0] = GOOD + format_message({"number": "1", "result": None})
    line = RemoteLine("centre", address, numbers=lambda: "1")
    assert CentreHost(line, Mode.ONLINE).inquire("1") is None


def test_an_answer_without_end_is_not_kept(stranger: tuple[Address, list[bytes]]) -> None:
    address, answers = stranger
    answers[0] = GOOD + b" " * (1 << 22) + b" {}"
    line = RemoteLine("centre", address, numbers=lambda: "1")
    with pytest.raises(HostUnreachable, match="makes no sense"):
        CentreHost(line, Mode.ONLINE).inquire("1")
