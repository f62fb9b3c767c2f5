"""The insurance centre, row by row of the area CTR."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.actors.medical.books import HOSPITALS
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import CardState, Refusal
from conformance.actors.medical.visit import OfflineLimits, Outcome
from tests.medical.hospital import MODULES, Hospital, product_of
from tests.medical.watched import DEBIT, INITIALIZE, MODE_2, Watched

PRODUCTS = pytest.mark.parametrize("product", MODULES)


@pytest.mark.requirement("SSC-CTR-001")
def test_the_centre_says_who_is_not_eligible() -> None:
    """Not insured any more, or a person that nobody knows: no quote, no purchase, no money."""
    stopped = Watched()
    stopped.centre.books.run("UPDATE person SET insured = 0")
    assert stopped.settle().refusal is Refusal.NOT_INSURED
    unknown = Watched()
    unknown.centre = Centre(product_of(unknown.product))
    unknown.terminal.centre = unknown.centre
    assert unknown.settle().refusal is Refusal.UNKNOWN_PERSON
    for hospital in (stopped, unknown):
        assert hospital.commands(INITIALIZE) == []
        assert hospital.centre.books.balance(HOSPITALS) == 0


@pytest.mark.requirement("SSC-CTR-001")
@pytest.mark.parametrize(
    ("total", "eligible", "account", "own", "fund"),
    [
        (20_000, 20_000, 12_000, 0, 8_000),
        (20_000, 10_000, 20_000, 0, 0),
        (20_000, 0, 20_000, 0, 0),
        (33_333, 20_000, 25_333, 0, 8_000),
        (400_000, 10_000, 300_000, 100_000, 0),
    ],
)
def test_shares_by_hand(total: int, eligible: int, account: int, own: int, fund: int) -> None:
    """The scheme of the tests: 100.00 is the holder's own before the fund pays 80 % of the rest; the account has 3000.00."""
    quote = Hospital().settle(total=total, eligible=eligible).quote
    assert (quote.account, quote.own, quote.fund) == (account, own, fund)


@pytest.mark.requirement("SSC-CTR-001")
def test_shares_add_up_to_the_bill() -> None:
    for total, eligible in ((1, 0), (9_999, 9_999), (123_456, 100_000), (4_000_000, 0)):
        quote = Hospital().settle(total=total, eligible=eligible).quote
        assert quote.account + quote.own + quote.fund == total
        assert min(quote.account, quote.own, quote.fund) >= 0


@pytest.mark.requirement("SSC-CTR-002")
def test_what_the_card_spent_off_line_is_not_spent_again() -> None:
    """Sums on the card that the centre has not seen yet lessen what the account pays."""
    shares = []
    for gathered in ("00000000", "00100000"):
        hospital = Watched(mode=MODE_2)
        hospital.terminal.reader.begin()
        hospital.terminal.reader.write("DF04/EF06", "92", gathered)
        shares.append(hospital.settle(total=300_000, eligible=0).quote.account)
    assert shares == [300_000, 200_000]


@pytest.mark.requirement("SSC-CTR-003", "SSC-CTR-004")
@PRODUCTS
def test_only_a_right_tac_is_cleared(product: str) -> None:
    good = Watched(product)
    assert good.settle().outcome is Outcome.SETTLED
    assert good.centre.books.balance(HOSPITALS) == 20_000
    wrong = Watched(product)
    transmit = wrong.slot.target.transmit

    def altering(command: bytes) -> bytes:
        answer = transmit(command)
        return bytes([answer[0] ^ 1]) + answer[1:] if command[1] == DEBIT else answer

    wrong.slot.target.transmit = altering  # type: ignore[method-assign]
    result = wrong.settle()
    assert (result.outcome, result.refusal) == (Outcome.REFUSED, Refusal.WRONG_TAC)
    assert wrong.centre.books.balance(HOSPITALS) == 0


@pytest.mark.requirement("SSC-CTR-008")
def test_an_uploaded_settlement_with_a_wrong_tac_is_not_cleared() -> None:
    """The terminal cannot check a TAC, so it keeps what the card gave; the centre refuses it and books nothing."""
    hospital = Watched(mode=MODE_2, limits=OfflineLimits())
    hospital.go_offline()
    assert hospital.settle(total=1_000).outcome is Outcome.SETTLED_OFFLINE
    (waiting,) = hospital.terminal.outbox.settlements
    wrong = replace(waiting, tac=bytes([waiting.tac[0] ^ 1]) + waiting.tac[1:])
    assert hospital.centre.upload(wrong).refusal is Refusal.WRONG_TAC
    assert hospital.centre.books.balance(HOSPITALS) == 0
    hospital.lost = lambda message: ""
    assert [clearing.refusal for clearing in hospital.terminal.deliver()] == [None]
    assert hospital.centre.books.balance(HOSPITALS) == 1_000


@pytest.mark.requirement("SSC-CTR-007")
def test_a_settlement_is_cleared_once() -> None:
    hospital = Watched()
    hospital.settle()
    (message,) = hospital.messages("settle")
    assert hospital.centre.settle(message).refusal is None
    assert hospital.centre.books.balance(HOSPITALS) == 20_000


@pytest.mark.requirement("SSC-CTR-012")
@pytest.mark.parametrize(
    "state", [CardState.TEMPORARILY_LOST, CardState.FORMALLY_LOST, CardState.LOCKED, CardState.CANCELLED]
)
def test_lost_locked_and_cancelled_cards_do_not_settle(state: CardState) -> None:
    hospital = Watched()
    hospital.centre.change_card(hospital.identification, state)
    assert hospital.settle().refusal is Refusal.CARD_STATE
