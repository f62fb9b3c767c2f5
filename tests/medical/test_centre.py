"""The insurance centre: who pays what, TACs that settle once, books that always sum to zero."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from conformance.actors.key_service import KeyService, Settlement
from conformance.actors.medical.books import FUND, HOSPITALS, SHORTFALL, account_of
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import (
    CardState,
    Category,
    Confirmation,
    Mode,
    OfflineState,
    OfflineUpload,
    PreSettlement,
    Quote,
    Refusal,
)
from conformance.actors.medical.scheme import Scheme
from profiles import load

CARDS = load("ssc3-sm4")
PERSON, CARD = "500000199002280026", "500000D1560000050000000112345678"
OTHER, OTHER_CARD = "500000198001010018", "500000D1560000050000000287654321"
HISTORICAL, OTHER_HISTORICAL = CARDS.chip.historical, CARDS.chip.historical[:-1] + b"\x77"
TERMINAL = bytes.fromhex("500000000001")
SCHEME = Scheme(deductible=10_000, rate=800, fund_limit=100_000, yearly_credit=30_000)


def centre(mode: Mode = Mode.ONLINE, path: Path | str = ":memory:") -> Centre:
    made = Centre(CARDS, path, mode=mode, scheme=SCHEME)
    made.insure(PERSON, "余晓阳")
    made.register(CARD, PERSON, HISTORICAL, CardState.NORMAL)
    return made


def asked(number: str = "1", total: int = 20_000, eligible: int | None = None, **more: object) -> PreSettlement:
    request = PreSettlement(number, PERSON, CARD, TERMINAL.hex(), total, total if eligible is None else eligible)
    return replace(request, **more)  # type: ignore[arg-type]  # names of the request


def settlement(amounts: bytes, serial: int = 1, number: int = 1) -> Settlement:
    return Settlement(
        b"\x01\x02\x03\x04",
        number.to_bytes(2, "big"),
        amounts,
        TERMINAL,
        serial.to_bytes(4, "big"),
        bytes.fromhex("20260301093000"),
    )


def confirmed(quote: Quote, serial: int = 1, *, historical: bytes = HISTORICAL, card: str = CARD) -> Confirmation:
    made = settlement(quote.card_amounts, serial)
    return Confirmation(quote.number, card, made, KeyService(CARDS, historical).transaction_code("DTK", made))


def uploaded(number: str, amount: int, serial: int = 9) -> OfflineUpload:
    made = settlement(b"".join(value.to_bytes(4, "big") for value in (0, amount, amount)), serial)
    return OfflineUpload(number, PERSON, CARD, made, KeyService(CARDS, HISTORICAL).transaction_code("DTK", made))


# Who pays what


@pytest.mark.parametrize(
    ("total", "eligible", "account", "own", "fund"),
    [
        (20_000, 20_000, 12_000, 0, 8_000),  # 100.00 deductible, 80 % of the other 100.00; the account pays the rest
        (9_999, 9_999, 9_999, 0, 0),  # below the deductible
        (10_001, 10_001, 10_001, 0, 0),  # 80 % of a fen are none
        (60_000, 20_000, 30_000, 22_000, 8_000),  # the account is at its end
        (500_000, 500_000, 30_000, 370_000, 100_000),  # the limit of the fund
    ],
)
def test_shares(total: int, eligible: int, account: int, own: int, fund: int) -> None:
    quote = centre().pre_settle(asked(total=total, eligible=eligible))
    assert (quote.refusal, quote.account, quote.own, quote.fund) == (None, account, own, fund)
    assert quote.card_amounts == b"".join(value.to_bytes(4, "big") for value in (0, total, account + fund))


def test_special_categories_are_paid_in_full_and_take_no_deductible() -> None:
    made = centre()
    quote = made.pre_settle(asked(category=Category.WORK_INJURY))
    assert (quote.account, quote.own, quote.fund) == (0, 0, 20_000)
    assert made.pre_settle(asked("2")).fund == 8_000


def test_what_is_promised_is_not_promised_again() -> None:
    """Two visits at a time: account, fund and deductible count once."""
    made = centre()
    first, second = made.pre_settle(asked("1")), made.pre_settle(asked("2"))
    assert (first.account, second.account, second.fund) == (12_000, 4_000, 16_000)
    made.reverse("1")
    assert made.pre_settle(asked("3")).account == 12_000


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"person": "x"}, Refusal.UNKNOWN_PERSON),
        ({"card": "00" * 16}, Refusal.UNKNOWN_CARD),
        ({"card": OTHER_CARD}, Refusal.FOREIGN_CARD),
        ({"total": 0, "eligible": 0}, Refusal.WRONG_AMOUNT),
        ({"total": 1, "eligible": 2}, Refusal.WRONG_AMOUNT),
        ({"total": 1 << 32, "eligible": 0}, Refusal.WRONG_AMOUNT),
    ],
)
def test_refusals(change: dict[str, object], refusal: Refusal) -> None:
    made = centre()
    made.insure(OTHER, "陈")
    made.register(OTHER_CARD, OTHER, OTHER_HISTORICAL, CardState.NORMAL)
    assert made.pre_settle(asked(**change)).refusal is refusal  # type: ignore[arg-type]
    assert made.books.settlement("1") is None


@pytest.mark.parametrize("state", [state for state in CardState if state is not CardState.NORMAL])
def test_cards_in_other_states_do_not_settle(state: CardState) -> None:
    made = Centre(CARDS, scheme=SCHEME)
    made.insure(PERSON, "余晓阳")
    made.register(CARD, PERSON, HISTORICAL, CardState.SEALED if state is CardState.SEALED else CardState.NORMAL)
    if state is not CardState.SEALED:
        made.change_card(CARD, state)
    assert made.pre_settle(asked()).refusal is Refusal.CARD_STATE


def test_a_person_who_is_not_insured() -> None:
    made = Centre(CARDS, scheme=SCHEME)
    made.insure(PERSON, "余晓阳", insured=False)
    made.register(CARD, PERSON, HISTORICAL, CardState.NORMAL)
    assert made.pre_settle(asked()).refusal is Refusal.NOT_INSURED


# Clearing


def test_a_tac_settles_once() -> None:
    made = centre()
    first = confirmed(made.pre_settle(asked("1")))
    assert made.settle(first).refusal is None
    assert made.settle(first).refusal is None  # the same message again
    assert made.books.balances() == {
        account_of(PERSON): 30_000 - 12_000,
        FUND: -8_000,
        HOSPITALS: 20_000,
        "income": -30_000,
    }
    found = made.inquire(PERSON)
    assert found is not None
    assert (found.balance, found.own_year, found.fund_year) == (18_000, 12_000, 8_000)


def test_a_replayed_tac_under_another_card_number_settles_nothing() -> None:
    """The card's own number is not covered by the TAC: a terminal that lies about it gains nothing."""
    made = centre()
    quote = made.pre_settle(asked("1", use_account=False, eligible=0))
    first = confirmed(quote)
    assert made.settle(first).refusal is None
    made.pre_settle(asked("2", use_account=False, eligible=0))
    lied = replace(first, number="2", settlement=replace(first.settlement, number=b"\x77\x77"))
    assert made.settle(lied).refusal is Refusal.REPEATED


def test_wrong_tacs_and_amounts_book_nothing() -> None:
    made = centre()
    quote = made.pre_settle(asked())
    good = confirmed(quote)
    before = made.books.balances()
    wrong = replace(good, tac=bytes((good.tac[0] ^ 1,)) + good.tac[1:])
    assert made.settle(wrong).refusal is Refusal.WRONG_TAC
    assert made.settle(confirmed(replace(quote, fund=quote.fund + 1))).refusal is Refusal.WRONG_AMOUNT
    assert made.settle(confirmed(quote, historical=OTHER_HISTORICAL)).refusal is Refusal.WRONG_TAC
    assert made.settle(replace(good, number="9")).refusal is Refusal.UNKNOWN_SETTLEMENT
    assert made.settle(replace(good, card="00" * 16)).refusal is Refusal.UNKNOWN_CARD
    assert made.books.balances() == before
    assert made.settle(good).refusal is None


def test_reversal_moves_everything_back_and_the_tac_stays_used() -> None:
    made = centre()
    before = made.books.balances()
    message = confirmed(made.pre_settle(asked()))
    assert made.settle(message).refusal is None
    for _ in range(2):
        assert made.reverse("1").refusal is None
        assert {book: amount for book, amount in made.books.balances().items() if amount} == before
    found = made.inquire(PERSON)
    assert found is not None
    assert (found.own_year, found.fund_year) == (0, 0)
    assert made.settle(message).refusal is Refusal.REVERSED
    assert made.pre_settle(asked()).refusal is Refusal.REVERSED
    assert made.pre_settle(asked("2")).account == 12_000
    assert made.reverse("none").refusal is Refusal.UNKNOWN_SETTLEMENT


def test_offline_settlements_are_uploaded_once_and_the_card_starts_at_zero() -> None:
    made = centre(Mode.ONLINE_WITH_OFFLINE)
    assert made.upload(uploaded("a", 5_000)).refusal is None
    assert made.upload(uploaded("a", 5_000)).refusal is None
    assert made.upload(uploaded("b", 5_000)).refusal is Refusal.REPEATED
    assert made.books.balance(account_of(PERSON)) == 25_000
    pending = OfflineState(True, 9_000, 2)
    quote = made.pre_settle(asked("1", total=40_000, eligible=0, offline=pending))
    assert quote.account == 25_000 - 4_000  # 40.00 of the card's 90.00 are not uploaded yet
    assert made.settle(confirmed(quote)).offline == OfflineState(True, 0, 0)
    assert made.upload(uploaded("c", 5_000, 10)).refusal is None
    assert made.upload(uploaded("d", 5_000, 11)).refusal is None
    assert made.books.balance(account_of(PERSON)) == 0
    assert made.books.balance(SHORTFALL) == -6_000
    assert sum(made.books.balances().values()) == 0


def test_an_upload_that_was_reversed_comes_again_in_vain() -> None:
    """As :meth:`Centre.settle` answers: nothing is booked any more, and its TAC settles under no other number."""
    made = centre(mode=Mode.ONLINE_WITH_OFFLINE)
    assert made.upload(uploaded("a", 5_000)).refusal is None
    assert made.reverse("a").refusal is None
    balances = made.books.balances()
    assert made.upload(uploaded("a", 5_000)).refusal is Refusal.REVERSED
    assert made.upload(uploaded("b", 5_000)).refusal is Refusal.REPEATED
    assert made.reverse("a").refusal is None
    assert made.books.balances() == balances
    assert balances["hospitals"] == 0


def test_offline_uploads_are_judged() -> None:
    assert centre().upload(uploaded("a", 1)).refusal is Refusal.NO_OFFLINE
    made = centre(Mode.ONLINE_WITH_OFFLINE)
    good = uploaded("a", 100)
    assert made.upload(replace(good, tac=bytes(4))).refusal is Refusal.WRONG_TAC
    assert made.upload(replace(good, card="00" * 16)).refusal is Refusal.UNKNOWN_CARD
    assert made.upload(replace(good, person=OTHER)).refusal is Refusal.FOREIGN_CARD
    assert made.upload(uploaded("a", 0)).refusal is Refusal.WRONG_AMOUNT
    assert made.books.balance(HOSPITALS) == 0


# Register and years


def test_register_keeps_to_its_states() -> None:
    made = centre()
    made.change_card(CARD, CardState.TEMPORARILY_LOST)
    made.change_card(CARD, CardState.NORMAL)
    made.register(OTHER_CARD, PERSON, OTHER_HISTORICAL)
    with pytest.raises(ValueError, match="another one in use"):
        made.change_card(OTHER_CARD, CardState.NORMAL)
    made.change_card(CARD, CardState.CANCELLED)
    made.change_card(OTHER_CARD, CardState.NORMAL)
    with pytest.raises(ValueError, match="cannot become normal"):
        made.change_card(CARD, CardState.NORMAL)
    with pytest.raises(ValueError, match="is not registered"):
        made.change_card("00", CardState.NORMAL)
    with pytest.raises(ValueError, match="cannot be registered"):
        made.register(CARD, PERSON, HISTORICAL)
    with pytest.raises(ValueError, match="cannot be entered"):
        made.insure(PERSON, "again")


def test_a_new_year_begins_once() -> None:
    made = centre()
    late = made.pre_settle(asked("late"))
    assert made.settle(confirmed(made.pre_settle(asked("1")), 5)).refusal is None
    for _ in range(2):
        made.begin_year("2027")
        found = made.inquire(PERSON)
        assert found is not None
        assert (found.year, found.own_year, found.fund_year, found.balance) == ("2027", 0, 0, 30_000 - 4_000 + 30_000)
    assert made.settle(confirmed(late, 6)).refusal is None
    found = made.inquire(PERSON)
    assert found is not None
    assert (found.own_year, found.fund_year) == (0, 0)


def test_books_in_a_file_survive(tmp_path: Path) -> None:
    made = centre(path=tmp_path / "centre.db")
    message = confirmed(made.pre_settle(asked()))
    assert made.settle(message).refusal is None
    made.books.close()
    again = Centre(CARDS, tmp_path / "centre.db", scheme=SCHEME)
    assert again.settle(message).refusal is None
    assert again.books.balance(HOSPITALS) == 20_000


class Visits(RuleBasedStateMachine):
    """Any visits, repetitions and reversals; the model is a handful of sums."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = centre(Mode.ONLINE_WITH_OFFLINE)
        self.account, self.hospitals, self.shortfall = 30_000, 0, 0
        self.quotes: dict[str, Quote] = {}
        self.settled: dict[str, tuple[Confirmation, Quote]] = {}
        self.reversed: set[str] = set()
        self.serial = 100

    def next(self) -> int:
        self.serial += 1
        return self.serial

    @rule(total=st.integers(1, 60_000), share=st.integers(0, 100), special=st.booleans())
    def quote(self, total: int, share: int, special: bool) -> None:
        number = f"q{self.next()}"
        category = Category.MATERNITY if special else Category.ORDINARY
        quote = self.centre.pre_settle(asked(number, total, total * share // 100, category=category))
        assert quote.refusal is None
        assert quote.total == total
        assert (
            quote.account <= self.account - sum(other.account for other in self.quotes.values()) or quote.account == 0
        )
        self.quotes[number] = quote

    @precondition(lambda self: self.quotes)
    @rule(data=st.data(), wrong=st.booleans())
    def settle(self, data: st.DataObject, wrong: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.quotes)))
        message = confirmed(self.quotes[number], self.next())
        if wrong:
            message = replace(message, tac=bytes(4))
            assert self.centre.settle(message).refusal is Refusal.WRONG_TAC
            return
        assert self.centre.settle(message).refusal is None
        quote = self.quotes.pop(number)
        self.settled[number] = message, quote
        self.account -= quote.account
        self.hospitals += quote.account + quote.fund

    @precondition(lambda self: self.settled)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.settled)))
        refusal = self.centre.settle(self.settled[number][0]).refusal
        assert refusal is (Refusal.REVERSED if number in self.reversed else None)

    @precondition(lambda self: self.settled or self.quotes)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted([*self.settled, *self.quotes])))
        assert self.centre.reverse(number).refusal is None
        if self.quotes.pop(number, None) is None and number not in self.reversed:
            self.reversed.add(number)
            quote = self.settled[number][1]
            self.account += quote.account
            self.hospitals -= quote.account + quote.fund

    @rule(amount=st.integers(1, 20_000))
    def upload(self, amount: int) -> None:
        number = f"u{self.next()}"
        assert self.centre.upload(uploaded(number, amount, self.serial)).refusal is None
        promised = sum(quote.account for quote in self.quotes.values())
        paid = min(amount, max(self.account - promised, 0))
        self.account -= paid
        self.shortfall += amount - paid
        self.hospitals += amount

    @invariant()
    def books_agree(self) -> None:
        books = self.centre.books
        assert sum(books.balances().values()) == 0
        assert books.balance(account_of(PERSON)) == self.account >= 0
        assert books.balance(HOSPITALS) == self.hospitals
        assert books.balance(SHORTFALL) == -self.shortfall

    def teardown(self) -> None:
        self.centre.books.close()


TestVisits = Visits.TestCase
TestVisits.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
