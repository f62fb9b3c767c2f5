"""A reader that is this program itself, and cards that are processes of their own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.failures import BenchError
from conformance.targets.base import Interface
from conformance.targets.in_process import virtual_target
from conformance.targets.slot import SlotTarget, open_reader
from profiles import load

SELECT_MASTER_FILE = bytes.fromhex("00A40000023F00")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    virtual_target(load("ssc3-blank"), tmp_path / "card.sscard").close()
    return tmp_path / "card.sscard"


def card(image: Path, port: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "sscard", "emulate", "--image", str(image), "--port", str(port), "--quiet"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_card_that_is_killed_is_gone_until_it_is_put_back(image: Path) -> None:
    slot = SlotTarget(0)
    process = card(image, slot.port)
    try:
        atr = slot.connect()
        direct = virtual_target(load("ssc3-blank"))
        assert atr == direct.connect()
        assert slot.transmit(SELECT_MASTER_FILE) == direct.transmit(SELECT_MASTER_FILE)
        process.kill()
        process.wait()
        with pytest.raises(BenchError, match="is gone"):
            slot.transmit(SELECT_MASTER_FILE)
        process = card(image, slot.port)
        assert slot.reset() == atr
        slot.power_off()
        assert slot.switch(Interface.CONTACT) == atr
    finally:
        process.kill()
        process.wait()
        slot.close()


def test_an_empty_slot_says_how_a_card_comes_into_it() -> None:
    slot = SlotTarget(0, coming=0.05)
    try:
        with pytest.raises(BenchError, match=f"sscard emulate --port {slot.port}"):
            slot.connect()
        with pytest.raises(BenchError, match="is gone"):
            slot.transmit(SELECT_MASTER_FILE)
    finally:
        slot.close()


def test_a_card_that_breaks_off_in_the_middle_of_an_answer_is_gone() -> None:
    slot = SlotTarget(0, coming=1.0)
    line = socket.create_connection(("127.0.0.1", slot.port))
    line.sendall(b"\x00\x02\x3b\x00")
    try:
        assert slot.reset() == b"\x3b\x00"
        line.sendall(b"\x00\x02\x90")
        line.close()
        with pytest.raises(BenchError, match="is gone"):
            slot.transmit(SELECT_MASTER_FILE)
    finally:
        slot.close()


def test_a_port_that_is_taken_or_none() -> None:
    slot = SlotTarget(0)
    try:
        with pytest.raises(BenchError, match="no slot"):
            open_reader(f"127.0.0.1:{slot.port}")
        with pytest.raises(BenchError, match="no slot"):
            open_reader("127.0.0.1:99999")
    finally:
        slot.close()


def test_any_other_name_is_a_reader_of_pcsc(monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.targets import slot

    monkeypatch.setattr(slot, "list_readers", lambda: ["Virtual PCD 00 00", "Another Reader"])
    monkeypatch.setattr(slot, "PcscTarget", lambda name: name)
    assert open_reader("PCD") == "Virtual PCD 00 00"
