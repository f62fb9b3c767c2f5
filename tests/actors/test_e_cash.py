"""E-cash: spent off line, out of its own account, and loaded from the account of the card."""

import pytest

from conformance.actors.bank import Settlement
from conformance.actors.terminal import PreparedHolder, Reason

from .bench import E_CASH_START, PAN, START

NO_PIN = PreparedHolder()


def test_e_cash_is_spent_without_pin_and_settled_from_its_account(new):
    result = new.pay(1234, e_cash=True, holder=NO_PIN)
    assert result.reason is Reason.APPROVED_OFFLINE
    assert (result.tvr.hex(), result.tsi.hex(), result.cvm_results.hex()) == ("0000000000", "a800", "3f0000")
    assert result.cryptogram.issuer_data[3:7].hex() == "03900002"
    assert result.balance == E_CASH_START - 1234
    assert new.card_data(0x9F79).hex() == f"{E_CASH_START - 1234:012d}"
    assert result.clearing.authorisation_code == "ECC001"
    assert new.bank.clear(result.clearing) is Settlement.SETTLED
    assert (new.account.e_cash, new.account.balance) == (E_CASH_START - 1234, START)


@pytest.mark.requirement("PAY-TRM-032")
def test_e_cash_below_its_threshold_goes_online_with_online_pin(new):
    """Balance 200.00, threshold 10.00."""
    result = new.pay(19_001, e_cash=True)
    assert result.reason is Reason.APPROVED_ONLINE
    assert (result.tvr.hex(), result.cvm_results.hex()) == ("0000040000", "020000")
    assert result.balance == E_CASH_START
    assert (new.account.e_cash, new.account.balance) == (E_CASH_START, START - 19_001)


def test_e_cash_down_to_the_last_cent_at_an_offline_terminal(new):
    offline = {"terminal_type": 0x23}
    assert new.pay(19_999, e_cash=True, configuration=offline).balance == 1
    assert new.pay(1, e_cash=True, configuration=offline).balance == 0


@pytest.mark.parametrize("purchase", [{"amount": 20_001, "e_cash": True}, {"amount": 100, "e_cash": False}])
def test_without_e_cash_offer_the_ordinary_path_is_taken(new, purchase):
    result = new.pay(**purchase)
    assert not result.e_cash
    assert result.balance is None


def test_e_cash_in_the_second_currency(new):
    """DF79 is 100.00 HKD, DF76 10.00."""
    result = new.pay(500, e_cash=True, currency="0344")
    assert (result.reason, result.balance) == (Reason.APPROVED_OFFLINE, 9_500)
    assert new.card_data(0x9F79).hex() == f"{E_CASH_START:012d}"


def test_load_moves_money_into_e_cash(new):
    result = new.load(10_000)
    assert result.reason is Reason.APPROVED_ONLINE
    assert result.balance == E_CASH_START + 10_000
    assert result.tsi.hex() == "fc00"
    assert [each[0] for each in result.script_results] == [0x20]
    assert (new.account.balance, new.account.e_cash) == (START - 10_000, E_CASH_START + 10_000)
    assert new.bank.ledger.scripts(PAN, "01") == [("PUT DATA", "executed")]


def test_load_starts_from_the_balance_of_the_card_not_of_the_books(new):
    new.pay(5_000, e_cash=True)
    assert new.load(10_000).balance == E_CASH_START - 5_000 + 10_000
    assert new.account.e_cash == E_CASH_START + 10_000


def test_load_over_the_limit_is_declined(new):
    result = new.load(80_001)
    assert (result.reason, result.response_code) == (Reason.DECLINED_BY_ISSUER, "61")
    assert new.account.balance == START
    assert new.load(80_000).balance == 100_000


def test_load_without_line_fails(new):
    result = new.load(100, host=None)
    assert (result.reason, result.response_code) == (Reason.DECLINED_UNABLE_ONLINE, "Z3")
    assert new.card_data(0x9F79).hex() == f"{E_CASH_START:012d}"
    assert result.balance == E_CASH_START
