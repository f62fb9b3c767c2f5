"""The station's commands with hosts behind sockets: processes that are away, die, and come back; and two stations for one person."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.campaign.soak.city import City
from conformance.campaign.soak.orders import FIRST, UPGRADE, Desk, Request
from conformance.campaign.soak.people import Citizen
from sscard import app

pytestmark = pytest.mark.slow


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """Four hosts as processes, and three persons."""
    made = City(tmp_path, 0, 3)
    made.found()
    with made.running():
        yield made


def request_of(city: City, citizen: Citizen, number: str, kind: str) -> Request:
    return Request(number, kind, citizen, city.blank_chip(citizen), citizen.chip, "present", False)


def command(city: City, request: Request, station: int = 0, *, resume: bool = False) -> list[str]:
    desk = Desk(city, station)
    return [*desk._words(request, desk._write(request), 0, resume=resume)]


def start(city: City, words: list[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    whole = [sys.executable, "-m", "sscard", *words]
    return subprocess.Popen(whole, stdout=pipe, stderr=pipe, text=True, env=environment(city))


def environment(city: City) -> dict[str, str]:
    return {**os.environ, **city.environment}


def run(city: City, words: list[str]) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "sscard", *words]
    return subprocess.run(whole, capture_output=True, text=True, env=environment(city), timeout=300)


def cards(city: City, citizen: Citizen) -> dict[str, str]:
    rows = city.rows(city.books("bank"), "SELECT sequence, state FROM card WHERE pan = ?", citizen.pan)
    return {row["sequence"]: row["state"] for row in rows}


def in_use(city: City, citizen: Citizen) -> int:
    query = "SELECT count(*) AS n FROM card WHERE person = ? AND state = 1"
    return int(city.rows(city.books("centre"), query, citizen.person.identity)[0]["n"])


def test_an_upgrade_through_host_processes_of_which_each_is_killed(city: City) -> None:
    """Away before it begins, then killed in the middle: exit code 3, one sentence, and how it goes on."""
    citizen = city.citizens[0]
    request = request_of(city, citizen, "S-1", UPGRADE)
    city.hosts["authority"].kill()
    away = run(city, command(city, request))
    assert (away.returncode, away.stdout) == (3, "")
    assert "start the same command again" in away.stderr
    assert away.stderr.count("\n") == 1
    city.hosts["authority"].start()
    city.hosts["centre"].kill()
    refused = run(city, command(city, request))
    assert refused.returncode == 3
    assert "nothing has begun: start the same command again" in refused.stderr
    city.hosts["centre"].start()

    steps = {"bank": "个人化 personalisation", "keys": "初始化 initialisation", "authority": "核验持卡人与旧卡"}
    resume = False
    for kind, step in steps.items():
        process = start(city, command(city, request, resume=resume))
        assert process.stdout is not None
        for line in process.stdout:
            if f"… {step}" in line:
                city.hosts[kind].kill()
                break
        out, err = process.communicate(timeout=300)
        if not city.hosts[kind].running:
            city.hosts[kind].start()
        if process.returncode == 0:
            break
        assert process.returncode == 3, out + err
        assert "--resume" in err
        for secret in (citizen.pin, citizen.bank_pin, *citizen.person.secrets):
            assert secret not in err
        assert "Traceback" not in out + err
        resume = True
    else:
        done = run(city, command(city, request, resume=True))
        assert done.returncode == 0, done.stdout + done.stderr
    assert cards(city, citizen) == {"01": "switched off", "02": "active"}
    assert in_use(city, citizen) == 1


def held_at(process: subprocess.Popen[str], step: str) -> None:
    """Let a station go until it has told of a step, and hold it there."""
    assert process.stdout is not None
    for line in process.stdout:
        if step in line:
            process.send_signal(signal.SIGSTOP)
            return
    raise AssertionError(f"the station ended before {step}")


@pytest.mark.parametrize("held", ["… 空白卡检查", "✓ 银行受理"])
def test_of_two_stations_for_one_person_one_wins(city: City, held: str) -> None:
    """The first is held before it comes to the bank, and the second wins; or after it was there, and the first does."""
    citizen = city.citizens[2]
    first, second = (request_of(city, citizen, f"S-{number}", FIRST) for number in (1, 2))
    process = start(city, command(city, first, 0))
    held_at(process, held)
    other = run(city, command(city, second, 1))
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=300)
    codes = process.returncode, other.returncode
    assert codes == ((1, 0) if held.startswith("…") else (0, 1)), out + err + other.stdout
    loser = out if codes[0] else other.stdout
    assert "申请已撤销" in loser or "未开始" in loser or "设备正在办理" in loser
    assert list(cards(city, citizen).values()).count("active") == 1
    assert in_use(city, citizen) == 1


def test_options_of_hosts_that_do_not_fit(city: City, tmp_path: Path) -> None:
    request = request_of(city, city.citizens[2], "S-1", FIRST)
    words = command(city, request)
    key = words.index("--transport-key")
    for changed, sentence in (
        ([*words[:key], *words[key + 2 :]], "--transport-key alone"),
        ([*words, "--keys", str(tmp_path / "nothing")], "is no socket; start the host with: sscard serve keys"),
        ([*words, "--transport-key", "env:NO_SUCH_VARIABLE"], "is not set"),
        ([*words, "--transport-key", "00" * 16], "takes env:VARIABLE or file:PATH"),
        ([*words, "--books", f"socket:/{'x' * 200}"], "too long for a socket"),
    ):
        result = CliRunner().invoke(app, changed, env=city.environment)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert sentence in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_card_is_reported_lost_behind_sockets(city: City) -> None:
    """Told of, reported, and found again; a centre that was killed ends the command with exit code 3."""
    citizen = city.citizens[1]
    query = "SELECT card FROM card WHERE person = ?"
    card = str(city.rows(city.books("centre"), query, citizen.person.identity)[0]["card"])
    places = ("--books", city.socket("centre"), "--bank", city.socket("bank"))
    lost = CliRunner().invoke(app, ["card", "lose", card, *places])
    assert lost.exit_code == 0, lost.output
    assert "正式挂失" in lost.stdout
    assert cards(city, citizen) == {"01": "blocked"}
    assert CliRunner().invoke(app, ["card", "found", card, *places]).exit_code == 0
    assert cards(city, citizen) == {"01": "active"}
    city.hosts["bank"].kill()
    away = CliRunner().invoke(app, ["card", "lose", card, *places])
    assert away.exit_code == 3
    assert "give the same command again" in away.stderr
    city.hosts["bank"].start()
    assert CliRunner().invoke(app, ["card", "lose", card, *places]).exit_code == 0
    assert cards(city, citizen) == {"01": "blocked"}
