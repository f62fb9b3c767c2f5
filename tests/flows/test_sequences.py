"""Any sequence of requests, interruptions, losses and payments, judged from the outside by the eight rules.

The model knows of a person which chip is the card in use, which chips were cards before, whether a request is open and whether its
cards were switched, and what was booked. It shares nothing with bank, centre and station.
"""

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from conformance.actors.bank import Booking, Outcome
from conformance.actors.station import Ending, Kind, Step
from conformance.actors.station.steps import plan
from conformance.demo import scene
from conformance.targets.in_process import chip_of
from tests.flows.world import PAN, Killed, World, blank_snapshot, kill_at

pytestmark = pytest.mark.slow

STEPS = plan(scene.order("CQ-1", Kind.UPGRADE), World().station().equipment)
TOLD = 2 * len(STEPS)
CREATE_FILE = bytes.fromhex("80E00100100000000010EF1DC4001D000000000000")
REFUSALS = {b"\x69\x82", b"\x69\x85", b"\x6d\x00", b"\x6a\x88", b"\x6a\x81"}


class Life(RuleBasedStateMachine):
    """The life of one person's cards."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(folder=Path(self.folder.name))
        self.serials = itertools.count(0x300)
        self.requests = itertools.count(1)
        self.booked = {}
        self.spent = 0
        self.current, self.former = self.world.old, []
        self.made = []
        """Chips that were handed out."""
        self.open, self.switched, self.lost = False, False, False
        self.insured = False
        """Whether the person has a social security card, perhaps a lost one."""

    def teardown(self):
        self.world.bank.ledger.close()
        self.world.centre.books.close()
        self.world.journal.close()
        self.folder.cleanup()

    # Requests

    @rule(at=st.integers(1, TOLD + 4))
    @precondition(lambda self: not self.open and not (self.lost and not self.insured))
    def begin(self, at):
        """A request with a new blank chip; the station is killed at some telling, or not at all."""
        world, kind = self.world, Kind.REPLACEMENT if self.insured else Kind.UPGRADE
        world.old, world.old_product = self.current, world.product if self.insured else None
        world.new = chip_of(blank_snapshot(f"{next(self.serials):08X}", scene.BLANK))
        more = {"old_card": "lost"} if self.lost else {}
        world.order = scene.order(f"CQ-{next(self.requests)}", kind, **more)
        self.steps = plan(world.order, world.station().equipment)
        switched, told = 2 * self.steps.index(Step.SWITCH) + 2, 2 * len(self.steps)
        try:
            outcome = world.issue(world.station(kill_at(at)))
        except Killed:
            self.open = at < told
            self.switch() if at >= switched else None
            if not self.open:
                self.completed()
            return
        assert outcome.ending is Ending.COMPLETED, outcome
        self.switch()
        self.completed()

    def switch(self):
        if not self.switched:
            self.switched, self.insured, self.lost = True, True, False
            self.former.append(self.current)
            self.current = self.world.new

    def completed(self):
        self.open, self.switched = False, False
        self.made.append(self.world.new)

    @rule(at=st.integers(1, TOLD))
    @precondition(lambda self: self.open)
    def go_on(self, at):
        """The request again, which may be killed again."""
        before = self.world.journal.entries(self.world.order.number)
        told = []

        def listen(step):
            told.append(step)
            if len(told) == at:
                raise Killed

        try:
            outcome = self.world.resume(self.world.station(listen))
        except Killed:
            if any(step.step is Step.SWITCH and step.done for step in told):
                self.switch()
            if told[-1].step is Step.RETURN and told[-1].done:
                self.completed()
            return
        if outcome.ending is Ending.DESTROYED:  # the fourth run over a chip that no switch had reached
            assert not self.switched
            assert len(before) > 3
            self.open = False
            return
        assert outcome.ending is Ending.COMPLETED, outcome
        self.switch()
        self.completed()

    @rule()
    @precondition(lambda self: self.open)
    def give_up(self):
        """Until the switch all is as before; after it the new card is off, as a lost one is."""
        outcome = self.world.station().destroy(self.world.order.number, "the chip broke")
        assert outcome.ending is Ending.DESTROYED
        self.open = False
        if self.switched:
            self.switched, self.lost = False, True

    # What comes in between

    @rule(number=st.integers(1, 6), amount=st.integers(1, 50_000), credit=st.booleans())
    def book(self, number, amount, credit):
        """Wages and bills, each number once; the number of the account is the one that it always had."""
        name = f"{'W' if credit else 'B'}{number}"
        agreements = self.world.bank.agreements
        act, agreement = (agreements.credit, "PAY-1") if credit else (agreements.debit, "GAS-1")
        answer = act(name, agreement, PAN, amount)
        if name in self.booked:
            same = self.booked[name][0] == amount
            assert answer is (self.booked[name][1] if same else Booking.DUPLICATE)
            return
        self.booked[name] = amount, answer

    @rule(amount=st.integers(1, 500))
    def pay(self, amount):
        """The card in use pays, unless it is lost; no other chip does."""
        paid = self.world.pay(self.current, amount)
        assert paid.approved is not self.lost, paid.reason
        self.spent += amount if paid.approved else 0

    @rule(found=st.booleans())
    @precondition(lambda self: not self.open and not self.current_is_dead())
    def lose(self, found):
        desk = self.world.bank.cards
        answer = (desk.found if found else desk.report_lost)(f"L-{next(self.requests)}", PAN)
        assert answer.outcome in (Outcome.DONE, Outcome.DONE_BEFORE)
        self.lost = not found

    def current_is_dead(self):
        """Whether the card in use is a chip that was given up after its switch: nobody finds that one."""
        return self.insured and self.current not in self.made

    # The rules

    @invariant()
    def one_chip_pays_on_line_and_it_is_the_card_in_use(self):
        """Rules 1, 3 and 8."""
        chips = [self.current, *self.former]
        able = [chip for chip in chips if self.world.pay(chip, 0).approved]
        assert able == ([] if self.lost else [self.current])

    @invariant()
    def agreements_stand_and_no_fen_is_lost(self):
        """Rule 2: what the account and the e-cash books hold together changes by what was booked and paid alone."""
        bank = self.world.bank
        assert bank.agreements.of_account(scene.ACCOUNT) == self.world.agreements
        books = bank.ledger.balances()
        assert sum(books.values()) == 0
        wages = sum(amount for name, (amount, answer) in self.booked.items() if name[0] == "W" and answer == "booked")
        bills = sum(amount for name, (amount, answer) in self.booked.items() if name[0] == "B" and answer == "booked")
        held = books[f"account {scene.ACCOUNT}"] + sum(
            held for name, held in books.items() if name.startswith("e-cash")
        )
        assert held == scene.BALANCE + scene.E_CASH + wages - bills - self.spent

    @invariant()
    def the_register_has_one_card_of_the_person_in_use(self):
        """Rules 5 and 6, as far as the register goes: nobody else's cards are there."""
        states = self.world.register()
        assert states.count("NORMAL") <= 1
        if self.insured and not self.open:
            assert states.count("NORMAL") + states.count("TEMPORARILY_LOST") == 1
            assert states.count("NORMAL") == (0 if self.current_is_dead() else 1)

    @invariant()
    def what_was_handed_out_is_whole_and_closed(self):
        """Rules 4 and 7: an issued card has no pre-issue command left, and the bank knows its chip."""
        for chip in self.made[-1:]:
            chip.reset()
            assert chip.transmit(CREATE_FILE) in REFUSALS
            if chip is self.current:
                sequence = self.world.bank.cards.in_use(PAN).sequence
                back = self.world.bank.cards.chip(PAN, sequence)
                assert back is not None
                assert back.atr == chip.reset().hex().upper()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
