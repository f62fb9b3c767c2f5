"""The slip: narrow, complete, and never a whole account number."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.bank import TransactionKind
from conformance.actors.slip import WIDTH, Language
from conformance.actors.terminal import PreparedHolder, Reason, receipt
from conformance.actors.terminal.receipt import amount_text

from .bench import PAN, bench

PAID = bench().pay(1234)
SPENT = bench().pay(1234, e_cash=True)


def columns(line):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def words(result, language=Language.ZH):
    return {
        line.split()[0]: line.split()[-1] for line in receipt(result, language).splitlines() if len(line.split()) > 1
    }


def test_slip_in_chinese():
    found = words(PAID)
    assert found["卡号"] == "621498*********0304"
    assert found["金额"] == "12.34"
    assert found["交易类型"] == "消费"
    assert found["TC"] == PAID.cryptogram.value.hex().upper()
    assert found["TVR"] == "0008000000"
    assert "联机批准" in receipt(PAID)


def test_a_card_that_told_no_number_has_no_sequence_number_either():
    nameless = words(replace(PAID, account_number="", sequence_number="00"))
    assert {"卡号", "卡序列号"}.isdisjoint(nameless)
    assert words(PAID)["卡序列号"] == PAID.sequence_number


def test_slip_in_english():
    assert words(PAID, Language.EN)["TYPE"] == "SALE"
    assert "approved online" in receipt(PAID, Language.EN)


def test_slip_of_e_cash_tells_the_balance():
    assert words(SPENT)["电子现金余额"] == "187.66"
    assert words(SPENT)["交易类型"] == "电子现金消费"


def test_slip_with_a_line_to_sign():
    signed = bench().pay(1234, holder=PreparedHolder())
    assert "持卡人签名" in receipt(signed)
    assert "持卡人签名" not in receipt(PAID)


@given(
    language=st.sampled_from(Language),
    changes=st.fixed_dictionaries(
        {
            "reason": st.sampled_from(Reason),
            "kind": st.sampled_from(TransactionKind),
            "amount": st.integers(0, 999_999_999_999),
            "currency": st.from_regex("[0-9]{4}", fullmatch=True),
            "label": st.text(max_size=40),
            "merchant_name": st.text(max_size=60),
            "account_number": st.from_regex("[0-9]{0,20}", fullmatch=True),
            "balance": st.none() | st.integers(0, 999_999_999_999),
            "signature_wanted": st.booleans(),
        }
    ),
)
def test_every_slip_fits_the_paper_and_hides_the_account(language, changes):
    result = replace(PAID, **changes)
    text = receipt(result, language)
    assert all(columns(line) <= WIDTH for line in text.splitlines())
    assert amount_text(changes["amount"], changes["currency"]) in text
    assert changes["reason"].value[0 if language is Language.ZH else 1] in text
    hidden = changes["account_number"]
    if len(hidden) > 10:
        assert hidden not in text.replace(changes["label"], "").replace(changes["merchant_name"], "")
        assert result.masked_account_number in text


@given(st.integers(0, 999_999_999_999))
def test_amounts_are_written_exactly(amount):
    assert int(amount_text(amount, "0156").removeprefix("CNY ").replace(".", "")) == amount


@pytest.mark.parametrize(("number", "shown"), [("", ""), ("1234567890", "**********"), (PAN, "621498*********0304")])
def test_masked_account_number(number, shown):
    assert replace(PAID, account_number=number).masked_account_number == shown
