"""pcsc-lite's configuration files and sockets."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.links import pcsclite
from emulator.links.pcsclite import PcscError, ProcessSocket, ReaderEntry, parse_configuration, to_configuration

# /etc/reader.conf.d/vpcd of Debian's vsmartcard-vpcd 3.3+dfsg-2, whole.
DEBIAN = """FRIENDLYNAME "Virtual PCD"
DEVICENAME   /dev/null:0x8C7B
LIBPATH      /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    0x8C7B
"""
# /etc/reader.conf.d/libccidtwin of Debian's libccid: a real serial reader, with its comment marks taken away.
SERIAL = """# Gemalto reader with serial communication
# example: /dev/ttyS0:GemPCPinPad
DEVICENAME        /dev/ttyS0:GemPCTwin
FRIENDLYNAME      "GemPCTwin serial"
LIBPATH           /usr/lib/pcsc/drivers/serial/libccidtwin.so
CHANNELID         0
"""


def test_debians_configuration_is_read() -> None:
    assert parse_configuration(SERIAL + DEBIAN) == [ReaderEntry("Virtual PCD", 35963, pcsclite.VPCD_DRIVER)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        SERIAL,
        DEBIAN.replace("FRIENDLYNAME", "#FRIENDLYNAME"),
        DEBIAN.replace("/dev/null:0x8C7B", "192.0.2.1:35963"),  # the reversed mode: nothing listens
        DEBIAN.replace("/dev/null:0x8C7B", "/dev/null:port"),
    ],
)
def test_other_readers_are_left_out(text: str) -> None:
    assert parse_configuration(text) == []


def test_port_may_be_left_out() -> None:
    assert parse_configuration(DEBIAN.replace("/dev/null:0x8C7B", "/dev/null"))[0].port == 35963


NAMES = st.text(st.characters(codec="ascii", exclude_characters='"', exclude_categories=["Cc"]), min_size=1)


@given(st.lists(st.builds(ReaderEntry, NAMES, st.integers(1, 65534), st.just(pcsclite.VPCD_DRIVER))))
def test_what_is_written_is_read(entries: list[ReaderEntry]) -> None:
    assert parse_configuration(to_configuration(entries)) == entries


@given(st.text())
def test_any_text_is_read_without_complaint(text: str) -> None:
    parse_configuration(text)


def test_folder_of_configurations(tmp_path: Path) -> None:
    assert pcsclite.configured_readers(tmp_path / "missing") == []
    (tmp_path / "b").write_text(DEBIAN.replace("Virtual PCD", "Second"))
    (tmp_path / "a").write_text(DEBIAN)
    (tmp_path / "folder").mkdir()
    assert [entry.name for entry in pcsclite.configured_readers(tmp_path)] == ["Virtual PCD", "Second"]


def test_slots_have_pcscds_names_and_neighbouring_ports() -> None:
    entry = ReaderEntry("Reader", 40000)
    assert entry.slot_names == ("Reader 00 00", "Reader 00 01")
    assert entry.ports == (40000, 40001)


def test_answers_only_where_something_listens(tmp_path: Path) -> None:
    path = tmp_path / "pcscd.comm"
    assert not pcsclite.answers(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        assert pcsclite.answers(path)
    assert not pcsclite.answers(path)


def test_missing_library_is_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcsclite, "LIBRARY", "libpcsclite-that-is-not-there.so")
    with pytest.raises(PcscError, match="install the package libpcsclite1"):
        pcsclite.list_readers()


def listening(path: Path, answer: bytes) -> socket.socket:
    """Return a server on this path that tells its answer to the first client."""
    path.parent.mkdir(parents=True, exist_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()
    threading.Thread(target=lambda: server.accept()[0].send(answer), daemon=True).start()
    return server


def heard(path: str) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(path)
        return client.recv(10)


def test_one_path_leads_to_one_socket_after_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(pcsclite.SOCKET_VARIABLE, raising=False)
    switch = ProcessSocket()
    paths = set()
    for name in ("one", "two", "three"):
        target = tmp_path / name / "pcscd.comm"
        with listening(target, name.encode()):
            switch.turn_to(target)
            paths.add(path := os.environ[pcsclite.SOCKET_VARIABLE])
            assert heard(path) == name.encode()
            child = f"import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ['{pcsclite.SOCKET_VARIABLE}'])"
            subprocess.run([sys.executable, "-c", child], check=True)
        target.unlink()
        with listening(target, b"again"):  # a pcscd that was started again
            assert heard(path) == b"again"
        assert switch.points_to(target)
    assert len(paths) == 1
    switch.turn_to(tmp_path / "missing" / "pcscd.comm")
    with pytest.raises(FileNotFoundError):
        heard(path)


def test_process_that_stays_with_its_own_socket_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pcsclite.SOCKET_VARIABLE, "/somewhere/else.socket")
    switch = ProcessSocket()
    switch.turn_to(switch.system)
    assert os.environ[pcsclite.SOCKET_VARIABLE] == "/somewhere/else.socket"
    switch.turn_to(pcsclite.SOCKET)
    with pytest.raises(PcscError, match=r"finds no /somewhere/else\.socket: only a socket called pcscd\.comm"):
        switch.turn_to(switch.system)
    monkeypatch.delenv(pcsclite.SOCKET_VARIABLE)
    assert ProcessSocket().system == Path("/run/pcscd/pcscd.comm")
