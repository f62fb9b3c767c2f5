"""Whole flows in which every host is a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.actors.bank import HostUnreachable
from conformance.actors.certificates.station import CertificateIssue, IssueError
from conformance.actors.hosts import Address, HostProcess, Patience
from conformance.actors.hosts.authority import AuthorityHost
from conformance.actors.hosts.bank import BankHost
from conformance.actors.hosts.centre import CentreHost
from conformance.actors.hosts.keys import RemoteKeys
from conformance.actors.medical.books import HOSPITALS
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys, KeysRefused
from conformance.actors.medical.messages import CardState, Mode
from conformance.actors.medical.reader import CardReader
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Outcome, Visit
from conformance.actors.medical.visit_payment import OwnPart, VisitDesk
from conformance.actors.station import Ending, Equipment, Station, Told
from conformance.actors.terminal import PreparedHolder, Reason
from conformance.pay_cli import BANK_BALANCE, account_of, bank_of
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from tests.actors import issuing
from tests.bank import table
from tests.medical.hospital import NOON, PIN, SCHEME, product_of
from tests.station.world import NEW, World

PRODUCT = "ssc3-sm4"
TERMINAL = bytes.fromhex("500000000009")
SOON = Patience(1.0, 1)


@contextmanager
def process(kind: str, directory: Path, *options: str | Path) -> Iterator[HostProcess]:
    with HostProcess(kind, Address.of_path(directory / kind), options) as host:
        yield host


@dataclass
class Hospital:
    """A card in a terminal whose centre, security module and bank are processes."""

    directory: Path
    stack: ExitStack

    def __post_init__(self) -> None:
        product, books = product_of(PRODUCT), self.directory / "centre.db"
        self.target = InProcessTarget(load_card(PRODUCT))
        plain = CardReader(self.target, product, HsmKeys(product, TERMINAL))
        plain.begin()
        self.person, self.card = plain.text("SSSE/EF06", "08"), plain.identification.hex().upper()
        prepared = Centre(product, books, scheme=SCHEME)
        prepared.insure(self.person, "余")
        prepared.register(self.card, self.person, product.chip.historical, CardState.NORMAL)
        prepared.books.close()
        start, directory = self.stack.enter_context, self.directory
        self.centre_process = start(process("centre", directory, "--books", books))
        self.keys_process = start(process("keys", directory, "--profile", PRODUCT))
        self.bank_process = start(process("bank", directory, "--profile", PRODUCT, "--books", directory / "bank.db"))
        self.centre = CentreHost(self.centre_process.line(SOON))
        self.bank = BankHost(self.bank_process.line(SOON))
        keys = HsmKeys(product, TERMINAL, service=RemoteKeys.behind(self.keys_process.line(SOON)))
        reader = CardReader(self.target, product, keys, pin=lambda: PIN)
        reader.begin()
        self.terminal = HospitalTerminal(reader, self.centre)

    def visit(self, number: str) -> Visit:
        return Visit(number, 20_000, when=NOON, use_account=False)

    def account(self) -> int:
        """The balance of the account of the card's financial application."""
        known = account_of(bank_of(product_of(PRODUCT)), product_of(PRODUCT))
        return self.bank.account(known.pan, known.sequence).balance

    def settled(self) -> list[tuple[str, str]]:
        """Numbers and states of the centre's settlements; the process is stopped for it."""
        self.centre_process.stop()
        books = Centre(product_of(PRODUCT), self.directory / "centre.db").books
        found = [(each.number, str(each.state)) for each in books.settlements_of(self.person)]
        assert sum(books.balances().values()) == 0
        assert books.balance(HOSPITALS) == sum(
            each.account + each.fund for each in books.settlements_of(self.person) if each.state == "cleared"
        )
        books.close()
        return found


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    with ExitStack() as stack:
        yield Hospital(tmp_path, stack)


def test_a_medical_settlement(hospital: Hospital) -> None:
    result = hospital.terminal.settle(hospital.visit("V1"))
    assert (result.outcome, len(result.tac)) == (Outcome.SETTLED, 4)
    account = hospital.centre.inquire(hospital.person)
    assert account is not None
    assert (account.own_year, account.fund_year) == (12_000, 8_000)
    assert hospital.settled() == [("V1", "cleared")]


def test_a_mixed_visit(hospital: Hospital) -> None:
    desk = VisitDesk(
        hospital.terminal,
        hospital.bank,
        holder=lambda: PreparedHolder((PIN,)),
        now=lambda: NOON,
        cash=lambda fen: False,
    )
    result = desk.settle(hospital.visit("V1"))
    assert (result.own, result.due) == (OwnPart.CARD, 12_000)
    assert BANK_BALANCE - hospital.account() == 12_000
    assert hospital.settled() == [("V1", "cleared")]


def test_a_bank_that_was_killed_leaves_the_own_part_owed(hospital: Hospital) -> None:
    """The medical part stays, the holder owes the rest, and the bank, when it is back, has taken nothing."""
    desk = VisitDesk(
        hospital.terminal,
        hospital.bank,
        holder=lambda: PreparedHolder((PIN,)),
        now=lambda: NOON,
        cash=lambda fen: False,
    )
    hospital.bank_process.kill()
    result = desk.settle(hospital.visit("V1"))
    assert (result.medical.outcome, result.own) == (Outcome.SETTLED, OwnPart.OWED)
    hospital.bank_process.start()
    desk.deliver()
    assert (desk.bank_reversals, hospital.account()) == ([], BANK_BALANCE)


def test_a_centre_that_was_killed_after_the_quote_gets_the_settlement_later(hospital: Hospital) -> None:
    """The card settles while the centre is dead; its TAC waits at the terminal and is booked once."""
    told = hospital.terminal.centre.pre_settle

    def quote_and_die(request: object) -> object:
        quote = told(request)  # type: ignore[arg-type]  # as it came
        hospital.centre_process.kill()
        return quote

    hospital.centre.pre_settle = quote_and_die  # type: ignore[method-assign,assignment]
    assert hospital.terminal.settle(hospital.visit("V1")).outcome.good
    assert len(hospital.terminal.undelivered) == 1
    hospital.centre_process.start()
    assert [each.refusal for each in hospital.terminal.deliver()] == [None]
    assert hospital.settled() == [("V1", "cleared")]


def test_a_security_module_that_is_gone_settles_nothing(hospital: Hospital) -> None:
    hospital.keys_process.kill()
    result = hospital.terminal.settle(hospital.visit("V1"))
    assert not result.outcome.good
    assert "cannot be reached" in result.en
    assert hospital.settled() in ([("V1", "reversed")], [])
    with pytest.raises(KeysRefused, match="cannot be reached"):
        hospital.terminal.reader.keys.external_authentication(
            "RKSSSE", hospital.terminal.reader.card, bytes(8), bytes(8)
        )  # type: ignore[union-attr]


def test_a_payment(tmp_path: Path) -> None:
    """On line with ARQC, ARPC and PIN; then with a bank that was killed; then it is back."""
    table.bank(path=tmp_path / "bank.db").ledger.close()
    card = table.chip("debit", table.old_card())
    with process("bank", tmp_path, "--books", tmp_path / "bank.db", "--no-account") as host:
        bank = BankHost(host.line(SOON))
        till = table.Till(table.bank())
        assert till.pay(card, 1_000, host=bank, force_online=True).reason is Reason.APPROVED_ONLINE
        host.kill()
        assert till.pay(card, 1_000, host=bank, force_online=True).reason is not Reason.APPROVED_ONLINE
        with pytest.raises(HostUnreachable):
            bank.account(table.PAN, "01")
        host.start()
        assert till.pay(card, 2_000, host=bank, force_online=True).reason is Reason.APPROVED_ONLINE
        assert table.START - bank.account(table.PAN, "01").balance == 3_000


class Issuing(World):
    """A station whose centre and key service are processes."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(load(PRODUCT))
        start = stack.enter_context
        self.centre_process = start(process("centre", directory, "--books", directory / "centre.db"))
        keys = "--profile", PRODUCT, "--profile", self.blank.name
        self.keys_process = start(process("keys", directory, *keys))
        self.register = CentreHost(self.centre_process.line(SOON), Mode.ONLINE)
        self.remote = RemoteKeys.behind(self.keys_process.line(SOON))

    def station(self, listener=lambda told: None, journal=None) -> Station:
        equipment = Equipment(*(self.product, self.blank, self.register, self.journal, self.printer), keys=self.remote)
        return Station(equipment, listener)

    def active(self) -> list[str]:
        return [card.card for card in self.register.cards_of(self.order.person) if card.state is CardState.NORMAL]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Issuing]:
    with ExitStack() as stack:
        yield Issuing(tmp_path, stack)


def test_an_issuance(world: Issuing) -> None:
    world.settled(world.issue())


@pytest.mark.slow
@pytest.mark.parametrize("which", ["centre_process", "keys_process"])
def test_an_issuance_whose_host_is_killed_at_each_step(world: Issuing, which: str) -> None:
    """The station stops where it needs the host, and goes on with the same chip when that is back; the chip is not to blame."""
    killed: set[str] = set()
    host: HostProcess = getattr(world, which)

    def kill_once(told: Told) -> None:
        if not told.done and told.step.name not in killed:
            killed.add(told.step.name)
            if host.running:
                host.kill()

    outcome = world.station(kill_once).issue(world.order, world.target, NEW)
    interruptions = 0
    while outcome.ending is Ending.INTERRUPTED:
        interruptions += 1
        assert interruptions < 20, outcome
        if not host.running:
            host.start()
        outcome = world.station(kill_once).resume(world.order, world.target, NEW)
    if not host.running:
        host.start()
    assert interruptions > 0
    world.settled(outcome)


def test_certificates(tmp_path: Path) -> None:
    card = InProcessTarget(load_card(issuing.unissued()))
    with process("authority", tmp_path, "--books", tmp_path / "authority.db") as host:
        authority = AuthorityHost(host.line(SOON))
        issued = CertificateIssue(card, authority, issuing.order()).run()
        assert authority.trusts(issued.signature)
        assert issuing.authority().trusts(issued.encryption)
        host.kill()
        again = InProcessTarget(load_card(issuing.unissued()))
        with pytest.raises(IssueError, match="the authority cannot be reached"):
            CertificateIssue(again, authority, issuing.order()).run()
