"""The soak: a city of processes under kills, and that its checks find what is planted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.actors.bank import Bank, IssuerKeys, Ledger
from conformance.actors.medical.centre import Centre
from conformance.campaign.soak.city import City
from conformance.campaign.soak.orders import Orders, Request
from conformance.campaign.soak.outside import CityWorld
from conformance.campaign.soak.people import citizens
from conformance.campaign.soak.visits import Terminals
from profiles.numbers import is_card_number, is_citizen_number
from reports.log import read_log


def test_no_two_citizens_have_anything_in_common() -> None:
    everyone = citizens(8)
    for said in ("pan", "account", "pin", "bank_pin", "number"):
        assert len({getattr(each, said) for each in everyone}) == 8
    people = [each.person for each in everyone]
    assert len({each.identity for each in people}) == len({each.name for each in people}) == 8
    assert all(is_citizen_number(each.identity) for each in people)
    assert all(is_card_number(each.fields("X")["card number"]) for each in everyone)
    assert len({each.agreements for each in everyone if each.has_agreements}) == 6


# What a quiet moment finds, in a city without processes


@pytest.fixture
def quiet(tmp_path: Path) -> CityWorld:
    """A debit card, a social security card, a person without card; nothing has happened yet."""
    city = City(tmp_path, 1, 3)
    city.found()
    return CityWorld(city, Orders(city), Terminals(city))


def bank_of(world: CityWorld) -> Bank:
    return Bank(*IssuerKeys.of_profile(world.city.product), ledger=Ledger(world.city.books("bank")))


def rules(world: CityWorld) -> set[int]:
    return {each.rule for each in world.judged()}


@pytest.mark.slow
def test_a_city_in_which_nothing_happened_keeps_every_rule(quiet: CityWorld) -> None:
    assert rules(quiet) == set()
    assert rules(quiet) == set()


@pytest.mark.slow
def test_a_wage_that_the_bank_booked_and_nobody_sent(quiet: CityWorld) -> None:
    citizen, bank = quiet.city.citizens[0], bank_of(quiet)
    bank.agreements.credit("WAGE-1", citizen.agreements[0][0], citizen.pan, 100)
    bank.ledger.close()
    assert rules(quiet) == {2}


@pytest.mark.slow
def test_a_wage_that_the_bank_answered_and_lost(quiet: CityWorld) -> None:
    quiet.city.booked["WAGE-1"] = 100
    assert rules(quiet) == {2}


@pytest.mark.slow
def test_a_card_that_the_journals_say_was_replaced_and_that_still_works(quiet: CityWorld) -> None:
    quiet.city.citizens[1].chip.replaced = True  # type: ignore[union-attr]  # has one from the beginning
    assert rules(quiet) == {8}


@pytest.mark.slow
def test_a_card_that_was_switched_off_without_another_one(quiet: CityWorld) -> None:
    citizen, bank = quiet.city.citizens[1], bank_of(quiet)
    bank.cards.report_lost("L", citizen.pan)
    bank.ledger.close()
    assert rules(quiet) == {1, 3}
    citizen.off = True
    assert rules(quiet) == set()


@pytest.mark.slow
def test_a_chip_that_was_handed_out_blank(quiet: CityWorld) -> None:
    citizen = quiet.city.citizens[2]
    made = quiet.city.blank_chip(citizen)
    made.issued = True
    request = Request("S-1", "issue", citizen, made, None, "present", False, state="completed")
    quiet.orders.done.append(request)
    found = quiet.judged()
    assert {4, 7} <= {each.rule for each in found}
    assert "order S-1 completed, its card does not work" in [each.en for each in found]


@pytest.mark.slow
def test_a_chip_whose_order_ended_in_the_middle_and_whose_card_stayed_registered(quiet: CityWorld) -> None:
    """The register cancels the card of a chip that is given up."""
    whole = quiet.city.citizens[1]
    assert whole.chip is not None
    request = Request("S-1", "issue", whole, whole.chip, None, "present", False, state="destroyed")
    quiet.orders.done.append(request)
    assert rules(quiet) == {4}


@pytest.mark.slow
def test_money_that_moved_at_the_centre_and_nobody_declared(quiet: CityWorld) -> None:
    city = quiet.city
    centre = Centre(city.product, city.books("centre"), year=city.year)
    for book, amount in (("hospitals", 5), ("fund", -5)):
        centre.books.run("INSERT INTO movement (book, amount, settlement, reason) VALUES (?, ?, '', 'x')", book, amount)
    centre.books.close()
    assert {2, 5} <= rules(quiet)


# The whole of it


def soaked(out: Path, *options: str) -> tuple[int, dict[str, object], str]:
    words = [sys.executable, "-m", "sscard", "campaign", "--out", str(out), "--json", *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    return done.returncode, json.loads(done.stdout), done.stdout + done.stderr


@pytest.mark.slow
def test_a_short_soak_loses_nothing(tmp_path: Path) -> None:
    code, table, said = soaked(tmp_path, "--soak", "0.25", "--seed", "7", "--citizens", "3")
    assert (code, table["broken"], table["trouble"]) == (0, [], None), table
    kills, outcomes = table["kills"], table["outcomes"]
    assert isinstance(kills, dict)
    assert isinstance(outcomes, dict)
    assert sum(kills.values()) > 0
    assert outcomes.keys() <= {"completed", "as before", "destroyed"}
    assert sum(outcomes.values()) > 0
    log = (tmp_path / "run.ndjson").read_text("utf-8")
    kinds = [type(event).__name__ for event in read_log(tmp_path / "run.ndjson").events]
    assert {"FlowStarted", "FlowBooks", "FlowTrials", "FlowFinished", "RunFinished"} <= set(kinds)
    for citizen in citizens(3):
        for secret in (*citizen.person.secrets, citizen.pin, citizen.bank_pin):
            assert secret not in log
            assert secret not in said
    assert "浸泡" in Path(str(table["report"])).read_text("utf-8")
    assert not (tmp_path / "city").exists()


@pytest.mark.slow
def test_wages_that_come_again_under_another_number_are_found(tmp_path: Path) -> None:
    code, table, _ = soaked(tmp_path, "--soak", "0.1", "--seed", "3", "--citizens", "3", "--fault", "wages-again")
    assert code == 1
    broken = table["broken"]
    assert isinstance(broken, list)
    assert {each["rule"] for each in broken} == {2}
    assert any("WAGE" in each["en"] for each in broken)
    assert (tmp_path / "city" / "bank.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_soak_that_is_broken_off_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C is reported; whatever ends the soak, no host, station or card outlives it."""
    words = [sys.executable, "-m", "sscard", "campaign", "--soak", "5", "--citizens", "3", "--out", str(tmp_path)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    left: dict[Path, str] = {}
    try:
        while not {"emulate", "serve"} <= set(left.values()):
            left |= children(process.pid)
            assert process.poll() is None
        process.send_signal(number)
        output, _ = process.communicate(timeout=200)
    finally:
        process.kill()
    if number is signal.SIGINT:
        assert process.returncode == 2, output
        assert "已中断" in output
        assert "Traceback" not in output
        assert (tmp_path / "report.html").exists()
    deadline = time.monotonic() + 60
    while any(command_of(each) for each in left) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert {each: command_of(each) for each in left if command_of(each)} == {}


def children(parent: int) -> dict[Path, str]:
    """The children of a process that run sscard, by their place in /proc, with their subcommand."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text("utf-8").rpartition(")")[2].split()[1]) == parent and command_of(status.parent):
                found[status.parent] = command_of(status.parent)
        except (OSError, ValueError):
            continue
    return found


def command_of(place: Path) -> str:
    """The subcommand of sscard that a process runs; nothing where it runs none, or is gone."""
    try:
        words = (place / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    return words[words.index("sscard") + 1] if "sscard" in words else ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--soak", "1", "--flow", "issue"), "--soak runs everything at once"),
        (("--soak", "1", "--fault", "nothing"), "none of a soak"),
        (("--soak", "0"), "--soak"),
    ],
)
def test_wrong_use_is_told(options: tuple[str, ...], sentence: str) -> None:
    from typer.testing import CliRunner

    from sscard import app

    result = CliRunner().invoke(app, ["campaign", *options])
    assert result.exit_code == 2
    assert sentence in result.stderr
