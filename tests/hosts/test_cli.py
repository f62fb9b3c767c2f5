"""``sscard serve`` as a program."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.actors.bank import HostUnreachable
from conformance.actors.hosts import Address, HostFailed, HostProcess, RemoteLine, Token
from conformance.actors.hosts.bank import BankHost
from conformance.actors.hosts.centre import CentreHost
from conformance.actors.medical.messages import Mode
from conformance.bank_option import BANK_BALANCE
from profiles import load
from profiles.applications import payment_directory
from profiles.payment_content import record_values

from .world import TOKEN

SERVE = [sys.executable, "-m", "sscard", "serve"]


def refused(*arguments: str | Path, **environment: str) -> str:
    """What a command says that exits with 2."""
    plain = {name: value for name, value in os.environ.items() if name != "SSCARD_HOST_TOKEN"}
    done = subprocess.run([*SERVE, *map(str, arguments)], capture_output=True, text=True, env={**plain, **environment})
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    assert "either --socket PATH or --port NUMBER" in refused("keys")
    assert "either --socket PATH or --port NUMBER" in refused("keys", "--port", "0", "--socket", tmp_path / "s")
    assert "give --token-file FILE" in refused("keys", "--port", "0")
    assert "holds no token" in refused("keys", "--port", "0", SSCARD_HOST_TOKEN="short")  # noqa: S106 - none
    assert "profile" in refused("centre", "--socket", tmp_path / "s", "--profile", "nothing")
    assert "has no payment application" in refused("bank", "--socket", tmp_path / "s", "--profile", "blank")
    assert "has no TAC key" in refused("centre", "--socket", tmp_path / "s", "--profile", "debit")
    assert "is not set" in refused("bank", "--socket", tmp_path / "s", "--transport-key", "env:NO_SUCH_VARIABLE")
    assert "takes env:VARIABLE or file:PATH" in refused(
        "bank", "--socket", tmp_path / "s", "--transport-key", "00" * 16
    )
    assert list(tmp_path.iterdir()) == []


def test_books_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "books").write_text("a letter")
    assert "the books cannot be used" in refused("bank", "--socket", tmp_path / "s", "--books", tmp_path / "books")
    assert (tmp_path / "books").read_text() == "a letter"
    assert "the books cannot be used" in refused(
        "bank", "--socket", tmp_path / "s", "--books", tmp_path / "no" / "books"
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly(end: signal.Signals, tmp_path: Path) -> None:
    path, token = tmp_path / "centre", tmp_path / "token"
    command = [*SERVE, "centre", "--socket", str(path), "--token-file", str(token), "--mode", "offline"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"centre {path}\n"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        line = RemoteLine("centre", Address.of_path(path), Token.of_file(token))
        assert CentreHost(line).mode is Mode.OFFLINE
        child.send_signal(end)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (0, "", "")
    assert not path.exists()


def test_a_port_that_is_free_is_told(tmp_path: Path) -> None:
    with HostProcess("keys", Address.of_port(0), token=TOKEN) as host:
        assert host.address.port > 0
        with pytest.raises(HostUnreachable, match="the token is missing"):
            CentreHost(RemoteLine("centre", host.address))


def test_json_line(tmp_path: Path) -> None:
    command = [*SERVE, "authority", "--socket", str(tmp_path / "s"), "--json", "--until-eof"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == {"host": "authority", "address": str(tmp_path / "s")}
        child.communicate(timeout=20)
    assert child.returncode == 0


def test_the_test_card_has_an_account_once(tmp_path: Path) -> None:
    product = load("debit")
    records = record_values(product, payment_directory(product) or "")
    pan, sequence = records["5A"].hex().upper().rstrip("F"), records["5F34"].hex()
    host = HostProcess("bank", Address.of_path(tmp_path / "bank"), ("--books", tmp_path / "books"))
    for _ in range(2):
        with host:
            assert BankHost(host.line()).account(pan, sequence).balance == BANK_BALANCE
    base = sqlite3.connect(tmp_path / "books")
    assert base.execute("SELECT count(*) FROM account").fetchone() == (1,)
    base.close()


def test_a_host_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match=r"^the centre did not start: sscard serve: profile debit has no TAC key"):
        HostProcess("centre", Address.of_path(tmp_path / "s"), ("--profile", "debit")).start()


def test_a_host_that_says_much_goes_on(tmp_path: Path) -> None:
    """More on the error output than a pipe holds: nobody reads it while the host works."""
    talkative = {"PYTHONVERBOSE": "2"}
    with HostProcess("authority", Address.of_path(tmp_path / "s"), environment=talkative) as host:
        assert host.running


def test_a_host_is_started_once_and_stopped_once(tmp_path: Path) -> None:
    host = HostProcess("authority", Address.of_path(tmp_path / "s"))
    with pytest.raises(HostFailed, match="is not running"):
        host.stop()
    with host:
        assert host.running
        with pytest.raises(HostFailed, match="running already"):
            host.start()
        host.kill()
        assert not host.running
        host.start()
    assert not host.running


def test_a_payment_with_a_bank_behind_a_socket(tmp_path: Path) -> None:
    """Approved while the bank is there; without it the terminal cannot go on line, and says so."""
    product = load("debit")
    records = record_values(product, payment_directory(product) or "")
    pan, sequence = records["5A"].hex().upper().rstrip("F"), records["5F34"].hex()
    path = tmp_path / "bank"
    pay = [sys.executable, "-m", "sscard", "pay", "--amount", "12.34", "--online", "--bank", str(path), "--json"]
    with HostProcess("bank", Address.of_path(path), ("--books", tmp_path / "books")) as host:
        done = subprocess.run(pay, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert BankHost(host.line()).account(pan, sequence).balance == BANK_BALANCE - 1234
        host.kill()
        done = subprocess.run(pay, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (1, "")
        assert "bank at" in done.stdout
        host.start()
        assert BankHost(host.line()).account(pan, sequence).balance == BANK_BALANCE - 1234
