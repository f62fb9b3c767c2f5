"""Whole flows in which every host is a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.actors.bank import CardState as BankCardState
from conformance.actors.bank import HostUnreachable
from conformance.actors.certificates.station import CertificateIssue
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
from conformance.actors.station import Ending, Equipment, Journal, Station, Told
from conformance.actors.terminal import PreparedHolder, Reason
from conformance.bank_option import BANK_BALANCE, account_of, bank_of
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from tests.actors import issuing
from tests.bank import table
from tests.medical.hospital import NOON, PIN, SCHEME, product_of
from tests.station.whole import BANK_PIN, PAN, WholeWorld
from tests.station.world import NEW, World

PRODUCT = "ssc3-sm4"
TERMINAL = bytes.fromhex("500000000009")
SOON = Patience(1.0, 1)
TRANSPORT_KEY = bytes(range(16))


def started(stack: ExitStack, *hosts: HostProcess) -> None:
    """Start hosts side by side; they end with the stack."""
    for host in hosts:
        stack.callback(lambda host=host: host.stop() if host.running else None)
    with ThreadPoolExecutor() as pool:
        list(pool.map(HostProcess.start, hosts))


def host(kind: str, directory: Path, *options: str | Path) -> HostProcess:
    return HostProcess(kind, Address.of_path(directory / kind), options)


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
        directory, card = self.directory, ("--profile", PRODUCT)
        self.centre_process = host("centre", directory, "--books", books)
        self.keys_process = host("keys", directory, *card)
        self.bank_process = host("bank", directory, *card, "--books", directory / "bank.db")
        started(self.stack, self.centre_process, self.keys_process, self.bank_process)
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
    with host("bank", tmp_path, "--books", tmp_path / "bank.db", "--no-account") as mortal:
        bank = BankHost(mortal.line(SOON))
        till = table.Till(table.bank())
        assert till.pay(card, 1_000, host=bank, force_online=True).reason is Reason.APPROVED_ONLINE
        mortal.kill()
        assert till.pay(card, 1_000, host=bank, force_online=True).reason is not Reason.APPROVED_ONLINE
        with pytest.raises(HostUnreachable):
            bank.account(table.PAN, "01")
        mortal.start()
        assert till.pay(card, 2_000, host=bank, force_online=True).reason is Reason.APPROVED_ONLINE
        assert table.START - bank.account(table.PAN, "01").balance == 3_000


class Issuing(World):
    """A station whose centre and key service are processes."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(load(PRODUCT))
        self.hosts = {
            "centre": host("centre", directory, "--books", directory / "centre.db"),
            "keys": host("keys", directory, "--profile", PRODUCT, "--profile", self.blank.name),
        }
        started(stack, *self.hosts.values())
        self.register = CentreHost(self.hosts["centre"].line(SOON), Mode.ONLINE)
        self.remote = RemoteKeys.behind(self.hosts["keys"].line(SOON))

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


def issued_in_spite(world: World, host: HostProcess, steps: set[str], **pins: str) -> None:
    """Issue a card while a host is killed before each of these steps; whenever the station stops it is started again."""
    waiting = set(steps)

    def kill_once(told: Told) -> None:
        if not told.done and told.step.name in waiting:
            waiting.remove(told.step.name)
            if host.running:
                host.kill()

    station = world.station(kill_once)
    outcome = station.issue(world.order, world.target, NEW, **pins)
    interruptions = 0
    while outcome.ending is Ending.INTERRUPTED:
        interruptions += 1
        assert interruptions < 20, outcome
        if not host.running:
            host.start()
        outcome = station.resume(world.order, world.target, NEW, **pins)
    if not host.running:
        host.start()
    assert not waiting
    assert interruptions > 0
    world.settled(outcome)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("centre", {"REGISTER", "ACTIVATE"}),
        ("keys", {"BLANK_CHECK", "INITIALISE", "CLOSE", "PERSONALISE", "READ_BACK"}),
    ],
)
def test_an_issuance_whose_host_is_killed(world: Issuing, kind: str, steps: set[str]) -> None:
    """The station stops where it needs the host, and goes on with the same chip when it is back; the chip is not to blame."""
    issued_in_spite(world, world.hosts[kind], steps)


def test_certificates(tmp_path: Path) -> None:
    card = InProcessTarget(load_card(issuing.unissued()))
    with host("authority", tmp_path, "--books", tmp_path / "authority.db") as mortal:
        authority = AuthorityHost(mortal.line(SOON))
        issued = CertificateIssue(card, authority, issuing.order()).run()
        assert authority.trusts(issued.signature)
        assert issuing.authority().trusts(issued.encryption)
        mortal.kill()
        again = InProcessTarget(load_card(issuing.unissued()))
        with pytest.raises(HostUnreachable, match="authority at"):
            CertificateIssue(again, authority, issuing.order()).run()


class WholeIssuing(WholeWorld):
    """A station that makes whole cards, and whose every host is a process."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(load(PRODUCT))
        key = {"SSCARD_TEST_TRANSPORT_KEY": TRANSPORT_KEY.hex()}
        product = "--profile", PRODUCT
        options: dict[str, tuple[str | Path, ...]] = {
            "bank": (*product, "--no-account", "--transport-key", "env:SSCARD_TEST_TRANSPORT_KEY"),
            "centre": product,
            "keys": (*product, "--profile", self.blank.name),
            "authority": (),
        }
        self.hosts = {
            kind: HostProcess(
                kind,
                Address.of_path(directory / kind),
                given if kind == "keys" else (*given, "--books", directory / f"{kind}.db"),
                environment=key,
            )
            for kind, given in options.items()
        }
        started(stack, *self.hosts.values())
        lines = {kind: each.line(SOON) for kind, each in self.hosts.items()}
        self.remote_bank = BankHost(lines["bank"], TRANSPORT_KEY)
        self.register = CentreHost(lines["centre"])
        self.equipment = Equipment(
            *(self.product, self.blank, self.register, self.journal, self.printer),
            bank=self.remote_bank,
            certificates=AuthorityHost(lines["authority"]),
            keys=RemoteKeys.behind(lines["keys"]),
        )

    def station(self, listener: Callable[[Told], None] = lambda told: None, journal: Journal | None = None) -> Station:
        return Station(self.equipment, listener)

    def active(self) -> list[str]:
        return [card.card for card in self.register.cards_of(self.order.person) if card.state is CardState.NORMAL]


@pytest.fixture
def whole_world(tmp_path: Path) -> Iterator[WholeIssuing]:
    with ExitStack() as stack:
        yield WholeIssuing(tmp_path, stack)


def test_a_whole_card(whole_world: WholeIssuing) -> None:
    """Social security, certificates and the bank's application on one chip, from four processes."""
    world = whole_world
    world.settled(world.issue())
    assert world.remote_bank.account(PAN, "01").state is BankCardState.ACTIVE
    returned = world.journal.request(world.order.number)
    assert returned is not None
    assert returned.card is not None
    assert world.remote_bank.cards.number_of(returned.card) == PAN


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "steps"),
    [("bank", {"FREEZE", "ORDER", "FINANCIAL", "SWITCH", "RETURN"}), ("authority", {"CERTIFICATES"})],
)
def test_a_whole_card_whose_host_is_killed(whole_world: WholeIssuing, kind: str, steps: set[str]) -> None:
    issued_in_spite(whole_world, whole_world.hosts[kind], steps, bank_pin=BANK_PIN)
