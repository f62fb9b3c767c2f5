"""The rules that hold at every moment, whatever fails: requests in any order, twice and late, programs that die anywhere."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from conformance.actors.bank import ChangeKind, Completion, Outcome, Reversal

from .crashing import Chip, Crash, open_bank
from .model import PAYROLL, UTILITY, WEALTH, Model
from .table import ACCOUNT, E_CASH, NEW_EXPIRY, PAN, START, welcome

pytestmark = pytest.mark.slow

KINDS = st.sampled_from([ChangeKind.UPGRADE, ChangeKind.REPLACEMENT])
CHANGES = st.sampled_from([f"C{number}" for number in range(1, 9)])
NUMBERS = st.integers(1, 60).map("R{}".format)
BOOKINGS = st.integers(1, 12).map("B{}".format)
AMOUNTS = st.integers(1, START)
CRASHES = st.one_of(st.none(), st.integers(0, 30))


def customer(path):
    """A bank on a file with a customer, a card and three agreements."""
    made = open_bank(path)
    welcome(made)
    return made


class Desk:
    """A bank on a file that is closed and opened again whenever its program dies."""

    def __init__(self, path):
        self.path = path
        self.bank = customer(path)
        self.agreed = self.bank.agreements.of_account(ACCOUNT)

    def reopen(self):
        self.bank.ledger.close()
        self.bank = open_bank(self.path)

    def state(self):
        """All that the tables hold."""
        ledger = self.bank.ledger
        names = [row["name"] for row in ledger.all("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        queries = {name: f"SELECT * FROM {name}" for name in names}  # noqa: S608 - names of the tables themselves
        return {name: [tuple(row) for row in ledger.all(query)] for name, query in queries.items()}

    def ask(self, step, crash):
        """A step; where the program dies in it all of it or nothing is left, and it is asked again."""
        if crash is None:
            return step(self.bank)
        before = self.state()
        self.bank.ledger.left = crash
        try:
            answer = step(self.bank)
        except Crash:
            self.reopen()
            left = self.state()
            answer = step(self.bank)
            assert left in (before, self.state())
            return answer
        self.bank.ledger.left = None
        return answer


class Upgrades(RuleBasedStateMachine):
    """A number with its cards and its money, against the model."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name) / "books.sqlite")
        self.model = Model()
        self.chips = {"01": Chip("01", E_CASH)}
        self.asked = []
        self.spent = []
        self.probes = 0

    def teardown(self):
        self.desk.bank.ledger.close()
        self.folder.cleanup()

    def expect(self, step, crash, expected):
        """Ask the bank, compare, and keep the step: it may come again at any time."""
        answer = self.desk.ask(step, crash)
        name = getattr(answer, "outcome", answer).name
        assert name == expected()
        self.asked.append((step, expected))

    # Changes of the card

    @rule(number=CHANGES, kind=KINDS, lost=st.booleans(), present=st.booleans(), crash=CRASHES)
    def freeze(self, number, kind, lost, present, crash):
        self.expect(
            lambda bank: bank.cards.freeze(number, PAN, kind, lost=lost, card_present=present),
            crash,
            lambda: self.model.freeze(number, kind, lost, present),
        )

    @rule(number=CHANGES, data=st.data(), crash=CRASHES)
    def verify(self, number, data, crash):
        """A chip that is not blocked shows its holder's PIN on line."""
        chip = self.chips[data.draw(st.sampled_from(sorted(self.chips)))]
        if not chip.blocked:
            self.probes += 1
            request = chip.inquiry(f"V{self.probes}", number)
            answer = self.desk.ask(lambda bank: bank.authorise(request), crash)
            assert answer.code == self.model.verify(number, chip.sequence)

    @rule(number=NUMBERS, change=CHANGES, crash=CRASHES)
    def order(self, number, change, crash):
        self.expect(
            lambda bank: bank.cards.order(number, change, NEW_EXPIRY), crash, lambda: self.model.order(number, change)
        )
        for sequence in self.model.cards:
            self.chips.setdefault(sequence, Chip(sequence, 0))

    @rule(number=NUMBERS, change=CHANGES, crash=CRASHES)
    def switch(self, number, change, crash):
        self.expect(lambda bank: bank.cards.switch(number, change), crash, lambda: self.model.switch(number, change))

    @rule(number=NUMBERS, change=st.sampled_from(["C1", "C2", "C9"]), crash=CRASHES)
    def undo(self, number, change, crash):
        self.expect(lambda bank: bank.cards.undo(number, change), crash, lambda: self.model.undo(number, change))

    @rule(number=NUMBERS, undo=st.booleans(), crash=CRASHES)
    @precondition(lambda self: self.model.frozen())
    def go_on(self, number, undo, crash):
        """The next step of the open change, or its undo, which chance alone seldom finds."""
        change = next(name for name, each in self.model.changes.items() if each.state in ("frozen", "ordered"))
        next_step = self.order if self.model.changes[change].state == "frozen" else self.switch
        (self.undo if undo else next_step)(number=number, change=change, crash=crash)

    @rule(number=NUMBERS, sequence=st.sampled_from(["01", "02", "03"]), without=st.booleans(), crash=CRASHES)
    def give_back(self, number, sequence, without, crash):
        self.expect(
            lambda bank: bank.cards.return_e_cash(number, PAN, sequence, without_chip=without),
            crash,
            lambda: self.model.give_back(number, sequence, without),
        )

    @rule(number=NUMBERS, found=st.booleans(), crash=CRASHES)
    def lose(self, number, found, crash):
        self.expect(
            lambda bank: bank.cards.found(number, PAN) if found else bank.cards.report_lost(number, PAN),
            crash,
            lambda: self.model.lose(number, found),
        )

    # Money

    @rule(
        number=BOOKINGS,
        side=st.sampled_from(["credit", "debit"]),
        agreement=st.sampled_from([PAYROLL, UTILITY, WEALTH]),
        amount=AMOUNTS,
        crash=CRASHES,
    )
    def book(self, number, side, agreement, amount, crash):
        self.expect(
            lambda bank: getattr(bank.agreements, side)(number, agreement, PAN, amount),
            crash,
            lambda: self.model.book(number, side, agreement, amount),
        )

    @rule(data=st.data(), amount=AMOUNTS, crash=CRASHES, twice=st.booleans(), reached=st.booleans())
    def purchase(self, data, amount, crash, twice, reached):
        """An old chip that the answer reaches executes the block and shows up no more."""
        sequence = data.draw(st.sampled_from(sorted(self.chips)))
        chip = self.chips[sequence]
        if chip.blocked:
            return
        number = f"A{len(self.model.paid)}"
        request = chip.purchase(number, amount)
        answer = self.desk.ask(lambda bank: bank.authorise(request), crash)
        assert answer.code == self.model.purchase(number, sequence, amount)
        if twice:
            assert self.desk.bank.authorise(request) == answer
        off = self.model.cards[sequence] in ("switched off", "cancelled")
        assert bool(answer.scripts) is off
        if off and reached:
            chip.blocked, self.model.blocked[sequence] = True, chip.e_cash
            end = Completion(number, False, b"", (bytes.fromhex("2000000000"),))
            self.desk.ask(lambda bank: bank.complete(end), crash)

    @rule(data=st.data(), crash=CRASHES)
    @precondition(lambda self: self.model.paid)
    def reverse(self, data, crash):
        """Early or late, whatever became of the card since."""
        number = data.draw(st.sampled_from(sorted(self.model.paid)))
        self.desk.ask(lambda bank: bank.reverse(Reversal(number, "test")), crash)
        self.model.reverse(number)

    @rule(data=st.data(), amount=st.integers(1, E_CASH // 3))
    def spend(self, data, amount):
        """The chip pays off line as long as nobody blocked it."""
        sequence = data.draw(st.sampled_from(sorted(self.chips)))
        chip = self.chips[sequence]
        if not chip.blocked and amount <= chip.e_cash:
            self.spent.append(chip.spend(f"E{chip.counter}", amount))

    @rule(data=st.data(), crash=CRASHES)
    @precondition(lambda self: self.spent)
    def clear(self, data, crash):
        record = self.spent.pop(data.draw(st.integers(0, len(self.spent) - 1)))
        settled = self.desk.ask(lambda bank: bank.clear(record), crash)
        assert settled.name == self.model.clear(record.sequence, record.amount)
        assert self.desk.bank.clear(record).name == ("REPEATED" if settled.name == "SETTLED" else settled.name)

    # Late, and after the program died

    @rule(data=st.data())
    @precondition(lambda self: self.asked)
    def repeat(self, data):
        step, expected = data.draw(st.sampled_from(self.asked))
        answer = step(self.desk.bank)
        assert getattr(answer, "outcome", answer).name == expected()

    @rule()
    def reopen(self):
        self.desk.reopen()

    # What must hold at every moment

    @invariant()
    def at_most_one_card_can_pay_on_line(self):
        """Rules 1, 3 and 8, asked by a purchase of nothing with every chip; none can while the card in use is lost."""
        approved = []
        for sequence, chip in self.chips.items():
            self.probes += 1
            if self.desk.bank.authorise(chip.purchase(f"P{self.probes}", 0)).code == "00":
                approved.append(sequence)
        assert approved == [sequence for sequence, state in self.model.cards.items() if state == "active"]
        assert len(approved) <= 1
        assert approved or "blocked" in self.model.cards.values()

    @invariant()
    def agreements_are_as_before_and_no_fen_is_lost(self):
        """Rule 2, by the model's own sums."""
        bank = self.desk.bank
        assert bank.agreements.of_account(ACCOUNT) == self.desk.agreed
        books = bank.ledger.balances()
        assert sum(books.values()) == 0
        assert books[f"account {ACCOUNT}"] == self.model.balance
        assert books[f"agreement {WEALTH}"] == self.model.invested
        assert {sequence: books[f"e-cash {PAN} {sequence}"] for sequence in self.model.e_cash} == self.model.e_cash
        for sequence in self.model.cards:
            assert bank.account(PAN, sequence).balance == self.model.balance


TestUpgrades = Upgrades.TestCase
TestUpgrades.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


# The program dies before every statement of every step


def story():
    """An upgrade with everything that comes in its middle; requests of chips are made once and sent again as they are."""
    old, new = Chip("01", E_CASH), Chip("02", 0)
    verified = old.inquiry("V1", "F")
    spent = old.spend("E1", 300)
    before, shown, after = old.purchase("A1", 1000), old.purchase("A2", 1000), new.purchase("A3", 1000)
    executed = Completion("A2", False, b"", (bytes.fromhex("2000000000"),))
    return [
        lambda bank: bank.authorise(verified),
        lambda bank: bank.cards.freeze("F", PAN, ChangeKind.UPGRADE),
        lambda bank: bank.agreements.credit("B1", PAYROLL, PAN, 800_000),
        lambda bank: bank.authorise(before),
        lambda bank: bank.cards.order("O", "F", NEW_EXPIRY),
        lambda bank: bank.agreements.debit("B2", UTILITY, PAN, 12_345),
        lambda bank: bank.cards.switch("S", "F"),
        lambda bank: bank.reverse(Reversal("A1", "late")),
        lambda bank: bank.authorise(shown),
        lambda bank: bank.complete(executed),
        lambda bank: bank.cards.return_e_cash("R", PAN, "01"),
        lambda bank: bank.agreements.credit("B1", PAYROLL, PAN, 800_000),
        lambda bank: bank.clear(spent),
        lambda bank: bank.authorise(after),
        lambda bank: bank.cards.undo("U", "F"),
    ]


def approved(path, scratch):
    """Sequence numbers that can pay on line, asked of a copy."""
    shutil.copy(path, scratch)
    bank = open_bank(scratch)
    chips = [Chip(card.sequence, 0, counter=100) for card in bank.ledger.cards(PAN)]
    can = [chip.sequence for chip in chips if bank.authorise(chip.purchase(f"P{chip.sequence}", 0)).code == "00"]
    bank.ledger.close()
    return can


def books(path):
    bank = open_bank(path)
    kept = bank.ledger.balances()
    bank.ledger.close()
    return kept


@pytest.mark.parametrize("at", range(len(story())))
def test_program_dies_before_every_statement_of_every_step(tmp_path, at):
    """Rules 1 to 4: after each death exactly one card can pay, and the step asked again ends as if nothing had happened."""
    steps = story()
    snapshot, path, scratch = (tmp_path / name for name in ("snapshot", "books", "scratch"))
    desk = Desk(snapshot)
    for step in steps[:at]:
        step(desk.bank)
    before = desk.state()
    desk.bank.ledger.close()
    shutil.copy(snapshot, path)
    desk.path = path
    desk.reopen()
    steps[at](desk.bank)
    after = desk.state()
    desk.bank.ledger.close()
    for statement in count():
        shutil.copy(snapshot, path)
        desk.reopen()
        desk.bank.ledger.left = statement
        try:
            steps[at](desk.bank)
        except Crash:
            desk.reopen()
            left = desk.state()
            assert left in (before, after)
            assert approved(path, scratch) == [_of(left)]
            steps[at](desk.bank)
            assert desk.state() == after
            continue
        break
    assert statement >= 2
    for step in steps[at + 1 :]:
        desk.bank.ledger.left = None
        step(desk.bank)
    desk.bank.ledger.close()
    assert approved(path, scratch) == ["02"]
    assert books(path)[f"account {ACCOUNT}"] == START + 800_000 - 12_345 + E_CASH - 300 - 1000
    assert (books(path)[f"e-cash {PAN} 01"], sum(books(path).values())) == (0, 0)


def _of(state):
    """The card that can pay in a state of the tables: the new one from the switch on."""
    return "02" if any("switched" in row for row in state["change"]) else "01"


# Two stations at once


def test_of_many_stations_that_begin_at_once_one_does(tmp_path):
    path = tmp_path / "books.sqlite"
    customer(path).ledger.close()

    def begin(station):
        bank = open_bank(path)
        answer = bank.cards.freeze(f"F{station}", PAN, ChangeKind.REPLACEMENT, card_present=False)
        bank.ledger.close()
        return answer.outcome

    with ThreadPoolExecutor(4) as stations:
        outcomes = list(stations.map(begin, range(12)))
    assert (outcomes.count(Outcome.DONE), outcomes.count(Outcome.FROZEN)) == (1, 11)


def test_the_same_wages_sent_by_many_at_once_are_booked_once(tmp_path):
    path = tmp_path / "books.sqlite"
    customer(path).ledger.close()

    def pay(_):
        bank = open_bank(path)
        answer = bank.agreements.credit("B1", PAYROLL, PAN, 1000)
        bank.ledger.close()
        return answer.name

    with ThreadPoolExecutor(4) as employers:
        assert set(employers.map(pay, range(12))) == {"BOOKED"}
    assert books(path)[f"account {ACCOUNT}"] == START + 1000
