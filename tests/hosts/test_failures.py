"""Whatever befalls a line, an amount is booked once, or not at all, and the caller hears the truth or that nothing was heard."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.actors.bank import HostUnreachable, Reversal
from conformance.actors.bank.codes import Code
from conformance.actors.hosts import Address, Failure, FaultyLine, FaultyWire, Patience, RemoteLine
from conformance.actors.hosts.bank import BANK, BankHost, bank_line
from conformance.actors.hosts.centre import CentreHost, centre_service
from conformance.actors.hosts.client import request_numbers
from conformance.actors.hosts.operation import Line
from conformance.actors.hosts.service import Service
from conformance.actors.medical.messages import Mode
from profiles import load
from tests.bank import table
from tests.bank.crashing import Chip

from .world import hosted

ALL = list(Failure)
PATIENCE = Patience(0.4, 2)
"""A client that gives up before a slow answer, which is late by :data:`LATE` seconds."""
LATE = 0.8
LOST = [each for each in ALL if not each.answered]


class Bank:
    """A bank in this process or behind a wire, over a line that fails by a plan, and its balance."""

    def __init__(self, line: Line, balance: Callable[[], int], flush: Callable[[], None]) -> None:
        self.host = BankHost(line)
        self.balance = balance
        self.flush = flush

    def spent(self) -> int:
        return table.START - self.balance()


@contextmanager
def in_process(plan: dict[int, Failure], directory: Path) -> Iterator[Bank]:
    bank = table.bank()
    line = FaultyLine(bank_line(bank), plan)
    yield Bank(line, lambda: bank.account(table.PAN, "01").balance, line.flush)


@contextmanager
def over_the_wire(plan: dict[int, Failure], directory: Path) -> Iterator[Bank]:
    """The client asks once; a request that comes again has another number of the wire than a repetition."""
    with _wire(plan, directory, Patience(PATIENCE.seconds, 1)) as bank:
        yield bank


@contextmanager
def _wire(plan: dict[int, Failure], directory: Path, patience: Patience) -> Iterator[Bank]:
    def make() -> Service:
        bank = table.bank()
        return Service(BANK, bank_line(bank), bank.ledger)

    with (
        hosted(make, Address.of_path(directory / "bank")) as host,
        FaultyWire(host.address, Address.of_path(directory / "line"), plan, delay=LATE) as wire,
    ):
        direct = BankHost(RemoteLine("bank", host.address))
        line = RemoteLine("bank", wire.address, patience=patience)
        yield Bank(line, lambda: direct.account(table.PAN, "01").balance, wire.flush)


PLACES = [in_process, over_the_wire]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("failure", ALL)
def test_a_request_that_fails_is_booked_as_the_failure_says(place, failure: Failure, tmp_path: Path) -> None:
    asked = Chip("01", table.E_CASH).purchase("A1", 700)
    with place({1: failure}, tmp_path) as bank:
        if failure.answered:
            assert bank.host.authorise(asked).code == Code.APPROVED
        else:
            with pytest.raises(HostUnreachable):
                bank.host.authorise(asked)
        assert bank.spent() == (700 if failure.arrives else 0)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("failure", ALL)
def test_the_same_request_again_is_booked_once(place, failure: Failure, tmp_path: Path) -> None:
    asked = Chip("01", table.E_CASH).purchase("A1", 700)
    with place({1: failure}, tmp_path) as bank:
        answers = []
        for _ in range(3):
            try:
                answers.append(bank.host.authorise(asked))
            except HostUnreachable:
                continue
        bank.flush()
        assert len(answers) == (3 if failure.answered else 2)
        assert set(answers) == {answers[0]}
        assert bank.spent() == 700


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("failure", LOST)
def test_a_reversal_wins_over_its_request_however_late_that_comes(place, failure: Failure, tmp_path: Path) -> None:
    """What a terminal does without answer: it takes back what it asked, and tries again under another number."""
    chip = Chip("01", table.E_CASH)
    with place({1: failure}, tmp_path) as bank:
        with pytest.raises(HostUnreachable):
            bank.host.authorise(chip.purchase("A1", 700))
        bank.host.reverse(Reversal("A1", "no answer"))
        bank.flush()
        assert bank.spent() == 0
        assert bank.host.authorise(chip.purchase("A2", 700)).code == Code.APPROVED
        assert bank.spent() == 700


@pytest.mark.parametrize("failure", LOST)
def test_a_client_asks_again_under_the_same_number(failure: Failure, tmp_path: Path) -> None:
    """The second attempt gets the answer, also of an operation that the actor would not do twice."""
    with _wire({1: failure}, tmp_path, PATIENCE) as bank:
        bank.host.agreements.agree("P-2", table.ACCOUNT, table.AgreementKind.PAYROLL, "School")
        bank.flush()
        assert [each.number for each in bank.host.agreements.of_account(table.ACCOUNT)].count("P-2") == 1


def test_a_no_stays_a_no(tmp_path: Path) -> None:
    """A late repetition of a refused request does nothing although it would be possible by then."""
    with (
        hosted(lambda: centre_service(load("ssc3-sm4")), Address.of_path(tmp_path / "centre")) as host,
        FaultyWire(host.address, Address.of_path(tmp_path / "line"), {1: Failure.AGAIN}, later=2) as wire,
    ):
        centre = CentreHost(RemoteLine("centre", wire.address), Mode.ONLINE)
        with pytest.raises(ValueError, match="cannot be registered"):
            centre.register("50" * 16, "1", bytes(13))
        centre.insure("1", "余")
        wire.flush()
        assert centre.cards_of("1") == ()


def test_plans_are_told_by_the_number_of_the_request() -> None:
    bank = table.bank()
    line = FaultyLine(bank_line(bank), {2: Failure.UNREACHABLE, 3: Failure.LATE}, later=2)
    host = BankHost(line)
    assert host.cards.in_use(table.PAN) is not None
    for _ in range(2):
        with pytest.raises(HostUnreachable):
            host.cards.report_lost("L1", table.PAN)
    assert host.account(table.PAN, "01").state.name == "ACTIVE"
    assert host.account(table.PAN, "01").state.name == "ACTIVE"
    assert host.account(table.PAN, "01").state.name == "BLOCKED"
    assert line.paths == ["cards.in_use", "cards.report_lost", "cards.report_lost", "account", "account", "account"]


def test_two_clients_race_for_the_last_money(tmp_path: Path) -> None:
    """Twenty debits of a tenth of the balance from two clients at once: ten are booked, and nobody hears anything else."""
    with _wire({}, tmp_path, Patience(10, 1)) as bank:
        heard: list[str] = []

        def debit(client: str) -> None:
            host = BankHost(RemoteLine("bank", Address.of_path(tmp_path / "bank")))
            for number in range(10):
                answer = host.agreements.debit(f"{client}{number}", "GAS-1", table.PAN, table.START // 10)
                heard.append(answer.name)

        threads = [threading.Thread(target=debit, args=(client,)) for client in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(heard) == ["BOOKED"] * 10 + ["UNCOVERED"] * 10
        assert bank.balance() == 0


def test_two_clients_race_with_the_same_request(tmp_path: Path) -> None:
    """Four threads send one request at once; one booking, four equal answers."""
    asked = Chip("01", table.E_CASH).purchase("A1", 700)
    with _wire({}, tmp_path, Patience(10, 1)) as bank:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(bank.host.authorise(asked))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 4
        assert len(set(answers)) == 1
        assert bank.spent() == 700


def test_another_request_under_a_number_that_was_used_is_refused(tmp_path: Path) -> None:
    def make() -> Service:
        bank = table.bank()
        return Service(BANK, bank_line(bank), bank.ledger)

    with hosted(make, Address.of_path(tmp_path / "bank")) as host:
        agreements = BankHost(RemoteLine("bank", host.address, numbers=lambda: "1")).agreements
        agreements.credit("1", "PAY-1", table.PAN, 5)
        with pytest.raises(HostUnreachable, match="another request came under this number"):
            agreements.credit("2", "PAY-1", table.PAN, 6)


def test_numbers_of_clients_never_meet() -> None:
    one, other = request_numbers(), request_numbers()
    assert len({one() for _ in range(50)} | {other() for _ in range(50)}) == 100
