"""Wages, bills and investments: booked once, whatever became of the card that they name."""

import sqlite3

import pytest

from conformance.actors.bank import AgreementKind, Booking, ChangeKind

from .table import ACCOUNT, NEW_EXPIRY, OTHER_PAN, PAN, START, bank


@pytest.fixture
def made():
    return bank()


def balance(made):
    return made.ledger.balances()[f"account {ACCOUNT}"]


def replace_by(made, pan=""):
    kind = ChangeKind.DIFFERENT_NUMBER if pan else ChangeKind.REPLACEMENT
    made.cards.freeze("F", PAN, kind, card_present=False)
    made.cards.order("O", "F", NEW_EXPIRY, pan=pan)
    made.cards.switch("S", "F")


def test_wages_and_bills_are_booked_once(made):
    for _ in range(3):
        assert made.agreements.credit("1", "PAY-1", PAN, 800_000) is Booking.BOOKED
        assert made.agreements.debit("2", "GAS-1", PAN, 12_345) is Booking.BOOKED
    assert balance(made) == START + 800_000 - 12_345
    assert made.ledger.balances()["agreement PAY-1"] == -800_000
    assert made.ledger.balances()["agreement GAS-1"] == 12_345
    assert sum(made.ledger.balances().values()) == 0


@pytest.mark.parametrize("pan", ["", OTHER_PAN], ids=["same number", "different number"])
def test_wages_that_name_the_old_number_arrive_after_the_switch(made, pan):
    before = made.agreements.of_account(ACCOUNT)
    made.agreements.credit("1", "PAY-1", PAN, 100)
    replace_by(made, pan)
    assert made.agreements.credit("1", "PAY-1", PAN, 100) is Booking.BOOKED
    assert made.agreements.credit("2", "PAY-1", PAN, 1000) is Booking.BOOKED
    assert made.agreements.debit("3", "GAS-1", pan or PAN, 10) is Booking.BOOKED
    assert balance(made) == START + 100 + 1000 - 10
    assert made.agreements.of_account(ACCOUNT) == before


def test_the_same_number_with_another_content_is_refused(made):
    made.agreements.credit("1", "PAY-1", PAN, 100)
    assert made.agreements.credit("1", "PAY-1", PAN, 101) is Booking.DUPLICATE
    assert made.agreements.debit("1", "GAS-1", PAN, 100) is Booking.DUPLICATE
    assert balance(made) == START + 100


def test_an_investment_gives_back_what_went_in_and_no_more(made):
    assert made.agreements.credit("1", "WEALTH-1", PAN, 1) is Booking.UNCOVERED
    assert made.agreements.debit("2", "WEALTH-1", PAN, 400_000) is Booking.BOOKED
    assert made.agreements.debit("3", "WEALTH-1", PAN, 100_001) is Booking.UNCOVERED
    made.agreements.end("WEALTH-1")
    assert made.agreements.debit("4", "WEALTH-1", PAN, 1) is Booking.ENDED
    assert made.agreements.credit("5", "WEALTH-1", PAN, 400_001) is Booking.UNCOVERED
    assert made.agreements.credit("6", "WEALTH-1", PAN, 400_000) is Booking.BOOKED
    assert balance(made) == START


def test_what_is_not_agreed_is_refused(made):
    made.open_account(OTHER_PAN, "00", balance=1000)
    assert made.agreements.debit("1", "PAY-1", PAN, 1) is Booking.NOT_AGREED
    assert made.agreements.credit("2", "GAS-1", PAN, 1) is Booking.NOT_AGREED
    assert made.agreements.credit("3", "PAY-2", PAN, 1) is Booking.NO_SUCH_AGREEMENT
    assert made.agreements.credit("4", "PAY-1", OTHER_PAN, 1) is Booking.NO_SUCH_AGREEMENT
    assert made.agreements.credit("5", "PAY-1", "6214980000000000000", 1) is Booking.NO_SUCH_AGREEMENT
    made.agreements.end("PAY-1")
    assert made.agreements.credit("6", "PAY-1", PAN, 1) is Booking.ENDED
    assert balance(made) == START


def test_a_blocked_account_takes_wages_and_pays_no_bill(made):
    with made.ledger.transaction():
        made.ledger.block(made.account(PAN, "01"))
    assert made.agreements.debit("1", "GAS-1", PAN, 1) is Booking.BLOCKED
    assert made.agreements.credit("2", "PAY-1", PAN, 1) is Booking.BOOKED


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_that_is_none_is_refused(made, amount):
    with pytest.raises(ValueError, match="above zero"):
        made.agreements.credit("1", "PAY-1", PAN, amount)
    assert made.agreements.credit("1", "PAY-1", PAN, 5) is Booking.BOOKED


def test_an_agreement_needs_an_account_and_a_number_of_its_own(made):
    for number, account in (("PAY-1", ACCOUNT), ("PAY-9", "no account")):
        with pytest.raises(sqlite3.IntegrityError):
            made.agreements.agree(number, account, AgreementKind.PAYROLL, "Chongqing Gas")
    assert [each.number for each in made.agreements.of_account(ACCOUNT)] == ["GAS-1", "PAY-1", "WEALTH-1"]
