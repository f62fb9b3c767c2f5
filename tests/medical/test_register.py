"""The card register: states, who may change them, replacement as one act, and what the tables refuse whatever a program tries."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import CardState, Channel, Refusal
from profiles import load

CARDS = load("ssc3-sm4")
PERSON, OTHER = "500000199002280026", "500000198001010018"
OLD, NEW, THIRD = (f"500000D15600000500000001{number:08X}" for number in (1, 2, 3))
HISTORICAL = CARDS.chip.historical
SEALED, NORMAL, FORMAL, LOCKED, TEMPORARY, CANCELLED = (
    CardState.SEALED,
    CardState.NORMAL,
    CardState.FORMALLY_LOST,
    CardState.LOCKED,
    CardState.TEMPORARILY_LOST,
    CardState.CANCELLED,
)


def register(path=":memory:"):
    made = Centre(CARDS, path)
    made.insure(PERSON, "余晓阳")
    made.insure(OTHER, "陈")
    made.register(OLD, PERSON, HISTORICAL, NORMAL)
    return made


@pytest.fixture
def made():
    return register()


def states(made, person=PERSON):
    return {each.card: each.state for each in made.cards_of(person)}


# Replacement


@pytest.mark.requirement("SSC-ISS-009")
@pytest.mark.parametrize("before", [NORMAL, TEMPORARY, FORMAL, LOCKED])
def test_a_replacement_cancels_the_old_card_and_puts_the_new_one_into_use(made, before):
    if before is not NORMAL:
        made.change_card(OLD, before)
    made.register(NEW, PERSON, HISTORICAL)
    for _ in range(2):
        made.replace_card(NEW, OLD)
        assert states(made) == {OLD: CANCELLED, NEW: NORMAL}
    with pytest.raises(ValueError, match="cannot become normal"):
        made.change_card(OLD, NORMAL)


def test_a_replacement_that_cannot_be_leaves_both_cards_as_they_were(made):
    made.register(NEW, OTHER, HISTORICAL)
    with pytest.raises(ValueError, match="two persons"):
        made.replace_card(NEW, OLD)
    with pytest.raises(ValueError, match="not registered"):
        made.replace_card(THIRD, OLD)
    with pytest.raises(ValueError, match="cannot take the place"):
        made.replace_card(OLD, OLD)
    assert states(made) == {OLD: NORMAL}
    made.change_card(OLD, CANCELLED)
    made.register(THIRD, PERSON, HISTORICAL)
    with pytest.raises(ValueError, match="cancelled already"):
        made.replace_card(THIRD, OLD)
    assert states(made) == {OLD: CANCELLED, THIRD: SEALED}


def test_a_failure_between_the_two_acts_leaves_both_cards_as_they_were(made, monkeypatch):
    made.register(NEW, PERSON, HISTORICAL)
    enter = made.books.enter_act

    def fail(card, state, channel):
        if state is NORMAL:
            raise sqlite3.OperationalError("disk I/O error")
        enter(card, state, channel)

    monkeypatch.setattr(made.books, "enter_act", fail)
    with pytest.raises(sqlite3.OperationalError):
        made.replace_card(NEW, OLD)
    assert states(made) == {OLD: NORMAL, NEW: SEALED}


def test_of_two_cards_that_are_being_issued_for_a_person_the_second_is_refused(made):
    made.register(NEW, PERSON, HISTORICAL)
    with pytest.raises(ValueError, match="being issued"):
        made.register(THIRD, PERSON, HISTORICAL)
    with pytest.raises(ValueError, match="registered already"):
        made.register(NEW, OTHER, HISTORICAL)
    made.change_card(NEW, CANCELLED)
    made.register(THIRD, PERSON, HISTORICAL)


def test_of_many_stations_that_register_at_once_one_does(tmp_path):
    path = tmp_path / "centre.sqlite"
    register(path).books.close()

    def issue(number):
        centre = Centre(CARDS, path)
        try:
            centre.register(f"500000D156000005000000{number:010X}", PERSON, HISTORICAL)
        except ValueError:
            return False
        finally:
            centre.books.close()
        return True

    with ThreadPoolExecutor(4) as stations:
        assert list(stations.map(issue, range(8))).count(True) == 1


# Loss


@pytest.mark.parametrize(
    ("before", "after", "channel"),
    [
        ([], TEMPORARY, Channel.PHONE),
        ([], FORMAL, Channel.WINDOW),
        ([TEMPORARY], NORMAL, Channel.PHONE),
        ([TEMPORARY], NORMAL, Channel.WINDOW),
        ([TEMPORARY], FORMAL, Channel.WINDOW),
        ([FORMAL], NORMAL, Channel.WINDOW),
    ],
)
def test_who_may_report_and_lift_a_loss(made, before, after, channel):
    for state in before:
        made.change_card(OLD, state)
    made.change_card(OLD, after, channel)
    assert states(made) == {OLD: after}


@pytest.mark.parametrize(
    ("before", "after", "channel"),
    [
        ([], FORMAL, Channel.PHONE),
        ([], FORMAL, Channel.STATION),
        ([], CANCELLED, Channel.PHONE),
        ([TEMPORARY], FORMAL, Channel.PHONE),
        ([FORMAL], NORMAL, Channel.PHONE),
        ([FORMAL], NORMAL, Channel.STATION),
        ([LOCKED], NORMAL, Channel.PHONE),
    ],
)
def test_who_may_not(made, before, after, channel):
    for state in before:
        made.change_card(OLD, state)
    kept = states(made)
    with pytest.raises(ValueError, match="window"):
        made.change_card(OLD, after, channel)
    assert states(made) == kept


# Inquiry


def test_an_inquiry_needs_a_card_in_use(made):
    found = made.inquire_by_card(OLD.lower())
    assert found.refusal is None
    assert (found.account.person, found.account.balance) == (PERSON, made.scheme.yearly_credit)
    made.change_card(OLD, TEMPORARY)
    assert made.inquire_by_card(OLD).refusal is Refusal.CARD_STATE
    assert made.inquire_by_card(NEW).refusal is Refusal.UNKNOWN_CARD
    made.register(NEW, PERSON, HISTORICAL)
    assert made.inquire_by_card(NEW).refusal is Refusal.CARD_STATE
    made.replace_card(NEW, OLD)
    assert made.inquire_by_card(NEW).account.person == PERSON
    refused = made.inquire_by_card(OLD)
    assert (refused.refusal, refused.account) == (Refusal.CARD_STATE, None)


# What the tables refuse

REFUSED = [
    ("UPDATE card SET state = 9", "by an act alone"),
    ("INSERT INTO act VALUES (NULL, '{OLD}', 0, 1, 'station')", "another state"),
    ("INSERT INTO act VALUES (NULL, '{OLD}', 1, 0, 'window')", "states"),
    ("INSERT INTO act VALUES (NULL, '{OLD}', 1, 2, 'phone')", "phone|formal"),
    ("INSERT INTO act VALUES (NULL, '{OLD}', 1, 2, 'station')", "formal"),
    ("INSERT INTO act VALUES (NULL, '{OLD}', 1, 9, 'phone')", "phone"),
    ("INSERT INTO act VALUES (NULL, '{OLD}', 1, 9, 'nobody')", "channel"),
    ("INSERT INTO card VALUES ('X', '{PERSON}', '', 2)", "enters the register"),
    ("INSERT INTO card VALUES ('X', '{PERSON}', '', 1)", "UNIQUE"),
    ("INSERT INTO card VALUES ('{OLD}', '{OTHER}', '', 1)", "UNIQUE"),
    ("INSERT INTO card VALUES ('X', 'nobody', '', 1)", "FOREIGN KEY"),
    ("UPDATE card SET person = '{OTHER}'", "keeps its identification"),
    ("UPDATE card SET historical = ''", "keeps its identification"),
    ("DELETE FROM card", "stays in the register"),
]
GIVEN = {"OLD": OLD, "PERSON": PERSON, "OTHER": OTHER}


@pytest.mark.parametrize(("statement", "reason"), REFUSED)
def test_the_tables_refuse_what_breaks_a_rule(made, statement, reason):
    with pytest.raises(sqlite3.IntegrityError, match=reason), made.books.transaction():
        made.books.run(statement.format(**GIVEN))


def test_a_cancelled_card_never_comes_back_and_its_acts_stay(made):
    made.change_card(OLD, CANCELLED)
    for statement in (
        f"INSERT INTO act VALUES (NULL, '{OLD}', 9, 1, 'window')",  # noqa: S608
        "UPDATE card SET state = 1",
        "UPDATE act SET target = 4",
        "DELETE FROM act",
    ):
        with pytest.raises(sqlite3.IntegrityError), made.books.transaction():
            made.books.run(statement)
    assert states(made) == {OLD: CANCELLED}


# Any sequence

ALLOWED = {
    ("SEALED", "NORMAL"): "window station",
    ("SEALED", "CANCELLED"): "window station",
    ("NORMAL", "TEMPORARILY_LOST"): "phone window station",
    ("NORMAL", "FORMALLY_LOST"): "window",
    ("NORMAL", "LOCKED"): "window station",
    ("NORMAL", "CANCELLED"): "window station",
    ("TEMPORARILY_LOST", "NORMAL"): "phone window station",
    ("TEMPORARILY_LOST", "FORMALLY_LOST"): "window",
    ("TEMPORARILY_LOST", "CANCELLED"): "window station",
    ("FORMALLY_LOST", "NORMAL"): "window",
    ("FORMALLY_LOST", "CANCELLED"): "window station",
    ("LOCKED", "NORMAL"): "window station",
    ("LOCKED", "CANCELLED"): "window station",
}
"""The rules once more, as a person would write them down."""
IN_USE = ("NORMAL", "LOCKED", "TEMPORARILY_LOST")
IDENTIFICATIONS = st.sampled_from([f"{digit}" * 32 for digit in range(4)])
PERSONS = st.sampled_from([PERSON, OTHER])


class Registers(RuleBasedStateMachine):
    """Cards of two persons, registered, changed and replaced in any order."""

    def __init__(self):
        super().__init__()
        self.centre = Centre(CARDS)
        self.centre.insure(PERSON, "余晓阳")
        self.centre.insure(OTHER, "陈")
        self.cards = {}

    def teardown(self):
        self.centre.books.close()

    def judge(self, act, *, allowed):
        try:
            act()
        except ValueError:
            assert not allowed
        else:
            assert allowed

    def of(self, person, states, but=""):
        return [card for card, (who, state) in self.cards.items() if who == person and state in states and card != but]

    @rule(card=IDENTIFICATIONS, person=PERSONS, state=st.sampled_from([SEALED, NORMAL]))
    def enter(self, card, person, state):
        same = ("SEALED",) if state is SEALED else IN_USE
        allowed = card not in self.cards and not self.of(person, same)
        self.judge(lambda: self.centre.register(card, person, HISTORICAL, state), allowed=allowed)
        if allowed:
            self.cards[card] = person, state.name

    @rule(card=IDENTIFICATIONS, state=st.sampled_from(CardState), channel=st.sampled_from(Channel))
    def change(self, card, state, channel):
        person, now = self.cards.get(card, ("", ""))
        allowed = channel in ALLOWED.get((now, state.name), "").split()
        allowed = allowed and not (state.name in IN_USE and self.of(person, IN_USE, but=card))
        self.judge(lambda: self.centre.change_card(card, state, channel), allowed=allowed)
        if allowed:
            self.cards[card] = person, state.name

    @rule(new=IDENTIFICATIONS, old=IDENTIFICATIONS)
    def replace(self, new, old):
        (person, fresh), (owner, used) = self.cards.get(new, ("", "")), self.cards.get(old, ("", ""))
        known = person != "" and person == owner
        done = known and (fresh, used) == ("NORMAL", "CANCELLED")
        others = [card for card in self.of(person, IN_USE) if card != old]
        allowed = known and fresh == "SEALED" and used not in ("CANCELLED", "SEALED") and not others
        if known and (fresh, used) == ("SEALED", "SEALED"):
            allowed = False  # one card, for a person has one sealed card at most
        self.judge(lambda: self.centre.replace_card(new, old), allowed=allowed or done)
        if allowed:
            self.cards[new], self.cards[old] = (person, "NORMAL"), (person, "CANCELLED")

    @invariant()
    def the_register_says_the_same(self):
        found = {
            each.card: (each.person, each.state.name) for who in (PERSON, OTHER) for each in self.centre.cards_of(who)
        }
        assert found == self.cards
        for who in (PERSON, OTHER):
            assert len(self.of(who, IN_USE)) <= 1


TestRegisters = Registers.TestCase
