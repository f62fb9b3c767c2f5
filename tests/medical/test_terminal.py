"""Settlements end to end: card, terminal with PSAM or HSM, centre; in three modes, with everything that can fail failing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from conformance.actors.medical.books import HOSPITALS, account_of
from conformance.actors.medical.messages import CardState, Category, Mode, Refusal
from conformance.actors.medical.visit import OfflineLimits, Outcome, Result
from tests.medical.hospital import MODULES, PIN, SCHEME, Hospital

INITIALIZE, DEBIT, PROOF = 0x28, 0x2C, 0x32
PRODUCTS = pytest.mark.parametrize("product", MODULES)


def agree(hospital: Hospital, *results: Result) -> None:
    """After delivery card, terminal and centre agree: sums of the year, numbers, log; the books sum to zero."""
    assert hospital.terminal.undelivered == []
    settled = [result for result in results if result.outcome.good]
    amounts, before = hospital.amounts(), hospital.before
    assert amounts.offline_number == before.offline_number + len(settled)
    assert amounts.own_payments == before.own_payments + sum(result.visit.total for result in settled)
    part = sum(result.quote.account + result.quote.fund for result in settled if result.quote)
    assert amounts.pooled_payments == before.pooled_payments + part
    books = hospital.centre.books
    assert sum(books.balances().values()) == 0
    assert books.balance(HOSPITALS) == part
    cleared = [one for one in books.settlements_of(hospital.person) if one.state == "cleared"]
    assert sorted(one.number for one in cleared) == sorted(result.visit.number for result in settled)


@PRODUCTS
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "HSM"])
def test_settlement_on_line(product: str, with_sam: bool) -> None:
    hospital = Hospital(product, with_sam=with_sam)
    first = hospital.settle("1", 20_000)
    second = hospital.settle("2", 3_333, eligible=1_000)
    assert (first.outcome, second.outcome) == (Outcome.SETTLED, Outcome.SETTLED)
    assert (first.quote.account, first.quote.own, first.quote.fund) == (12_000, 0, 8_000)
    assert first.person == hospital.person
    assert (first.area, len(first.card_number)) == ("500103", 9)
    agree(hospital, first, second)
    newest, older = hospital.log()[:2]
    for record, result in ((newest, second), (older, first)):
        assert record[2:3] == b"2"
        assert record[3:9] == hospital.keys.terminal
        assert record[9:16].hex() == "20261126120000"
        assert record[16:] == result.quote.card_amounts


@PRODUCTS
def test_a_special_settlement_is_noted_on_the_card(product: str) -> None:
    hospital = Hospital(product)
    result = hospital.settle(category=Category.MATERNITY)
    assert (result.outcome, result.written_back) == (Outcome.SETTLED, True)
    special = hospital.card.memory.cells["file:DF04/EF15"]
    assert special[0] == hospital.log()[0][:2] + b"2"
    agree(hospital, result)


@PRODUCTS
def test_a_settled_number_is_neither_settled_again_nor_taken_back(product: str) -> None:
    hospital = Hospital(product)
    first = hospital.settle("1")
    again = hospital.settle("1")
    assert (again.outcome, again.refusal) == (Outcome.REFUSED, Refusal.REPEATED)
    assert len(hospital.sent(DEBIT)) == 1
    assert hospital.centre.books.settlement("1").state == "cleared"
    agree(hospital, first)


@pytest.mark.parametrize(
    ("mode", "lost", "outcome"),
    [
        (Mode.ONLINE, "settle", Outcome.WAITING),
        (Mode.ONLINE_WITH_OFFLINE, "pre_settle settle upload reverse", Outcome.SETTLED_OFFLINE),
        (Mode.OFFLINE, "upload", Outcome.SETTLED_OFFLINE),
    ],
)
def test_a_number_of_which_the_centre_has_not_heard_is_not_settled_again(
    mode: Mode, lost: str, outcome: Outcome
) -> None:
    """The terminal knows what the centre cannot say: the card pays once, and what waits for the line stays."""
    hospital = Hospital(mode=mode, limits=OfflineLimits())
    hospital.lost = lambda message: "sent" if message in lost.split() else ""
    first = hospital.settle("1", 5_000)
    assert first.outcome is outcome
    again = hospital.settle("1", 5_000)
    assert (again.outcome, again.refusal) == (Outcome.REFUSED, Refusal.REPEATED)
    assert len(hospital.sent(DEBIT)) == 1
    hospital.lost = lambda message: ""
    assert [answer.refusal for answer in hospital.terminal.deliver()] == [None]
    agree(hospital, first)
    assert hospital.settle("1", 5_000).refusal is Refusal.REPEATED
    assert len(hospital.sent(DEBIT)) == 1


@pytest.mark.parametrize("mode", [Mode.ONLINE_WITH_OFFLINE, Mode.OFFLINE])
@pytest.mark.parametrize("total", [0, -1, 0x1_0000_0000])
def test_an_amount_that_the_centre_would_refuse_is_not_settled_off_line(mode: Mode, total: int) -> None:
    hospital = Hospital(mode=mode, limits=OfflineLimits())
    hospital.lost = lambda message: "sent"
    result = hospital.settle("1", total)
    assert (result.outcome, result.refusal) == (Outcome.REFUSED, Refusal.WRONG_AMOUNT)
    assert hospital.sent(DEBIT) == []
    assert hospital.terminal.undelivered == []


@PRODUCTS
def test_mode_2_reads_and_writes_the_offline_data(product: str) -> None:
    hospital = Hospital(product, Mode.ONLINE_WITH_OFFLINE)
    hospital.terminal.reader.begin()
    hospital.terminal.reader.write("DF04/EF06", "92", "00001234")
    hospital.slot.commands.clear()
    result = hospital.settle()
    assert (result.outcome, result.written_back) == (Outcome.SETTLED, True)
    reader = hospital.terminal.reader
    assert [reader.text("DF04/EF06", tag) for tag in ("90", "92", "93")] == ["1", "00000000", "00"]
    agree(hospital, result)


@PRODUCTS
def test_temporarily_off_line(product: str) -> None:
    """Up to the limits, strictly; then the line comes back and everything is uploaded once."""
    hospital = Hospital(product, Mode.ONLINE_WITH_OFFLINE, limits=OfflineLimits(amount=50_000, count=4))
    hospital.lost = lambda message: "sent"
    results = [hospital.settle(str(number), 15_000) for number in (1, 2, 3)]
    assert [result.outcome for result in results] == [Outcome.SETTLED_OFFLINE] * 3
    beyond = hospital.settle("4", 5_000)
    assert (beyond.outcome, beyond.refusal) == (Outcome.REFUSED, Refusal.NO_OFFLINE)
    reader = hospital.terminal.reader
    assert [reader.text("DF04/EF06", tag) for tag in ("90", "92", "93")] == ["1", "00045000", "03"]
    hospital.lost = lambda message: ""
    assert [answer.refusal for answer in hospital.terminal.deliver()] == [None] * 3
    agree(hospital, *results)
    last = hospital.settle("5", 1_000)
    assert [reader.text("DF04/EF06", tag) for tag in ("92", "93")] == ["00000000", "00"]
    agree(hospital, *results, last)


@pytest.mark.parametrize(
    ("amount", "limit", "good"), [(9_999, 10_000, True), (10_000, 10_000, False), (10_001, 10_000, False)]
)
def test_offline_limits_are_strict(amount: int, limit: int, good: bool) -> None:
    hospital = Hospital(mode=Mode.ONLINE_WITH_OFFLINE, limits=OfflineLimits(amount=limit, count=9))
    hospital.lost = lambda message: "sent"
    assert hospital.settle(total=amount).outcome.good is good


@pytest.mark.parametrize("case", ["mode", "licence", "area", "special", "account", "card"])
def test_no_offline_settlement(case: str) -> None:
    mode = Mode.ONLINE if case == "mode" else Mode.ONLINE_WITH_OFFLINE
    hospital = Hospital(mode=mode, limits=None if case == "licence" else OfflineLimits())
    if case == "area":
        hospital.terminal.area = "510100"
    if case == "card":
        hospital.terminal.reader.begin()
        hospital.terminal.reader.write("DF04/EF06", "90", "0")
        hospital.slot.commands.clear()
    hospital.lost = lambda message: "sent"
    category = Category.WORK_INJURY if case == "special" else Category.ORDINARY
    result = hospital.settle(total=100, category=category, use_account=case != "account")
    assert result.outcome is Outcome.REFUSED
    assert hospital.sent(DEBIT) == []


# Refusals


@pytest.mark.parametrize("state", [CardState.TEMPORARILY_LOST, CardState.FORMALLY_LOST, CardState.LOCKED])
def test_no_purchase_without_pre_settlement(state: CardState) -> None:
    hospital = Hospital()
    hospital.centre.change_card(hospital.identification, state)
    result = hospital.settle()
    assert (result.outcome, result.refusal) == (Outcome.REFUSED, Refusal.CARD_STATE)
    assert hospital.sent(INITIALIZE) == hospital.sent(DEBIT) == []
    agree(hospital, result)


@pytest.mark.parametrize(("pin", "sw"), [("000000", 0x63C5), (None, 0x6982)])
def test_pin(pin: str | None, sw: int) -> None:
    hospital = Hospital()
    hospital.pin = pin
    result = hospital.settle()
    assert result.outcome is Outcome.REFUSED
    assert result.sw in (sw, 0)
    hospital.pin = PIN
    agree(hospital, result, hospital.settle("2"))


def test_the_cards_of_another_product_are_refused_with_a_sentence() -> None:
    hospital = Hospital("ssc3-sm4")
    other = Hospital("ssc2-3des")
    hospital.slot.target = other.slot.target
    result = hospital.settle()
    assert result.outcome is Outcome.REFUSED
    assert result.zh
    assert result.en


@pytest.mark.parametrize(("ins", "sw"), [(INITIALIZE, "9403"), (DEBIT, "9302"), (INITIALIZE, "6985"), (DEBIT, "6581")])
def test_refused_purchases_are_reported(ins: int, sw: str) -> None:
    hospital = Hospital()
    good = hospital.slot.target.transmit

    def refusing(command: bytes) -> bytes:
        return bytes.fromhex(sw) if command[1] == ins and command[0] == 0xB0 else good(command)

    hospital.slot.target.transmit = refusing  # type: ignore[method-assign]
    result = hospital.settle()
    assert (result.outcome, result.sw) == (Outcome.REFUSED, int(sw, 16))
    assert hospital.centre.books.settlement("1").state == "reversed"


def test_a_wrong_mac2_is_never_a_success() -> None:
    hospital = Hospital()
    good = hospital.slot.target.transmit

    def altering(command: bytes) -> bytes:
        answer = good(command)
        return answer[:4] + bytes(4) + answer[8:] if command[1] == DEBIT else answer

    hospital.slot.target.transmit = altering  # type: ignore[method-assign]
    result = hospital.settle()
    assert result.outcome is Outcome.REFUSED
    assert "MAC2" in result.en
    assert hospital.centre.books.balance(HOSPITALS) == 0


def test_a_wrong_tac_is_refused_by_the_centre() -> None:
    hospital = Hospital()
    good = hospital.slot.target.transmit

    def altering(command: bytes) -> bytes:
        answer = good(command)
        return bytes(4) + answer[4:] if command[1] == DEBIT else answer

    hospital.slot.target.transmit = altering  # type: ignore[method-assign]
    result = hospital.settle()
    assert (result.outcome, result.refusal) == (Outcome.REFUSED, Refusal.WRONG_TAC)


# What is lost on the way


@PRODUCTS
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_contact_is_lost_at_every_command(product: str, after: bool) -> None:
    """Card out before or just after each command in turn: afterwards the same bill settles, once, and all agree."""
    for at in itertools.count(1):
        hospital = Hospital(product)
        hospital.slot.fail_at, hospital.slot.after = {at}, after
        first = hospital.settle("1")
        if hospital.slot.fail_at:
            break
        results = [first] if first.outcome.good else [first, hospital.settle("2")]
        assert results[-1].outcome is Outcome.SETTLED, (at, results)
        agree(hospital, *results)
    assert at > 10


def test_a_lost_answer_is_asked_for_and_nothing_is_repeated() -> None:
    hospital = Hospital()
    plain = Hospital()
    plain.settle()
    at = next(number for number, command in enumerate(plain.slot.commands, 1) if command[1] == DEBIT)
    hospital.slot.fail_at, hospital.slot.after = {at}, True
    result = hospital.settle()
    assert result.outcome is Outcome.SETTLED
    assert (len(hospital.sent(DEBIT)), len(hospital.sent(PROOF))) == (1, 1)
    agree(hospital, result)


@PRODUCTS
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("again", range(1, 5))
def test_the_card_is_pulled_out_for_good_and_comes_back(product: str, after: bool, again: int) -> None:
    """Nobody knows whether the card settled until it is asked at the next visit; then all agree."""
    plain = Hospital(product)
    plain.settle()
    at = next(number for number, command in enumerate(plain.slot.commands, 1) if command[1] == DEBIT)
    hospital = Hospital(product)
    hospital.slot.fail_at, hospital.slot.after = {at, at + again}, after
    first = hospital.settle("1")
    second = hospital.settle("2", 1_000)
    assert second.outcome is Outcome.SETTLED
    assert again > 1 or first.outcome is Outcome.UNKNOWN
    if first.outcome is Outcome.UNKNOWN:
        assert hospital.terminal.unresolved == {}
        settled = hospital.centre.books.settlement("1").state == "cleared"
        assert settled is after
        first = replace(first, outcome=Outcome.SETTLED if settled else Outcome.REFUSED)
    agree(hospital, first, second)


@pytest.mark.parametrize("message", ["settle", "reverse", "pre_settle"])
@pytest.mark.parametrize("fate", ["sent", "answered"])
def test_messages_are_lost(message: str, fate: str) -> None:
    """Before they arrive, or their answers: delivered later, booked once."""
    hospital = Hospital()
    hospital.lost = lambda sent: fate if sent == message else ""
    if message == "reverse":
        hospital.pin = "000000"
    first = hospital.settle("1")
    expected = {"settle": Outcome.WAITING, "reverse": Outcome.REFUSED, "pre_settle": Outcome.REFUSED}
    assert first.outcome is expected[message]
    hospital.pin, hospital.lost = PIN, lambda sent: ""
    hospital.terminal.deliver()
    second = hospital.settle("2", 1_000)
    assert second.outcome is Outcome.SETTLED
    agree(hospital, first, second)


def test_a_card_that_is_swapped_while_its_answer_is_missing() -> None:
    hospital, plain, other = Hospital(), Hospital(), Hospital()
    plain.settle()
    at = next(number for number, command in enumerate(plain.slot.commands, 1) if command[1] == DEBIT)
    changed = dict(other.card.memory.cells)
    records = changed["file:SSSE/EF05"]
    assert isinstance(records, tuple)
    changed["file:SSSE/EF05"] = (records[0][:-1] + b"\x00", *records[1:])
    other.card.memory.restore(changed)
    hospital.slot.fail_at, hospital.slot.after = {at}, True
    first = hospital.slot.target

    def swapped(cold: bool = True) -> bytes:
        hospital.slot.target = other.slot.target if len(hospital.slot.commands) >= at else first
        return hospital.slot.target.reset(cold)

    hospital.slot.reset = swapped  # type: ignore[method-assign]
    result = hospital.settle()
    assert result.outcome is Outcome.UNKNOWN
    assert len(other.log()) == len(Hospital().log())
    assert list(hospital.terminal.unresolved) == [bytes.fromhex(hospital.identification)]


def test_account_and_year_follow() -> None:
    hospital = Hospital()
    hospital.settle("1", 20_000)
    found = hospital.centre.inquire(hospital.person)
    assert (found.balance, found.own_year, found.fund_year) == (SCHEME.yearly_credit - 12_000, 12_000, 8_000)
    assert hospital.centre.books.balance(account_of(hospital.person)) == found.balance


@PRODUCTS
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("answer", ["6F00", "9000", "01029000", "90"])
def test_a_card_that_does_not_say_what_it_did_is_asked_again(product: str, after: bool, answer: str) -> None:
    """Only 9406 says that it did not settle: nothing is taken back, or counted as settled, before it has said so."""
    plain, hospital = Hospital(product), Hospital(product)
    plain.settle()
    at = next(number for number, command in enumerate(plain.slot.commands, 1) if command[1] == DEBIT)
    hospital.slot.fail_at, hospital.slot.after = {at}, after
    hospital.spoil(PROOF, answer, acts=False)
    first = hospital.settle("1")
    assert first.outcome is Outcome.UNKNOWN
    assert str(hospital.centre.books.settlement("1").state) == "quoted"  # type: ignore[union-attr]
    second = hospital.settle("2", 1_000)
    assert second.outcome is Outcome.SETTLED
    assert hospital.terminal.unresolved == {}
    agree(hospital, replace(first, outcome=Outcome.SETTLED if after else Outcome.REFUSED), second)


@pytest.mark.parametrize("answer", ["9000", "0102039000", "90"])
def test_a_good_answer_without_codes_is_asked_for_again(answer: str) -> None:
    """The card says that it settled, and the proof has what the answer lacks."""
    hospital = Hospital()
    hospital.spoil(DEBIT, answer, acts=True)
    result = hospital.settle()
    assert result.outcome is Outcome.SETTLED
    agree(hospital, result)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_card_without_proofs_is_believed_by_its_log(after: bool) -> None:
    """6D00 twice: at once nothing is known; when the card comes back its log says whether people must decide."""
    plain, hospital = Hospital(), Hospital()
    plain.settle()
    at = next(number for number, command in enumerate(plain.slot.commands, 1) if command[1] == DEBIT)
    hospital.slot.fail_at, hospital.slot.after = {at}, after
    hospital.spoil(PROOF, "6D00", acts=False)
    assert hospital.settle("1").outcome is Outcome.UNKNOWN
    hospital.spoil(PROOF, "6D00", acts=False)
    assert hospital.settle("2", 1_000).outcome is Outcome.SETTLED
    assert [each.visit.number for each in hospital.terminal.disputed] == ["1"] * after
    state = hospital.centre.books.settlement("1").state  # type: ignore[union-attr]
    assert str(state) == ("quoted" if after else "reversed")
