"""E-cash on the contact interface, in one and in two currencies: rows ECC and DUA of the requirements."""

import pytest

from emulator.apps.payment.application import Counter

from .terminal import AAC, ARQC, TC, Terminal

HKD = "0344"


def is_e_cash(answer: str) -> bool:
    """Whether the list of files reaches the record with 9F74."""
    assert answer.endswith("9000")
    return "28010100" in answer[8:]


def spend(card: Terminal, amount: int = 100, kind: int = TC, currency: str = "0156", **values):
    assert is_e_cash(card.start(amount, currency, e_cash=True))
    return card.first(kind, amount=amount, currency=currency, **values)


def test_conditions(card):
    assert is_e_cash(card.start(20000, e_cash=True))
    assert not is_e_cash(card.start(20001, e_cash=True))
    assert not is_e_cash(card.start(20000, e_cash=False))
    assert not is_e_cash(card.start(100, "0840", e_cash=True))
    assert not is_e_cash(card.start(100, "0000", e_cash=True))


def test_single_limit(make):
    card = make({"9F78": "000000000500"})
    assert is_e_cash(card.start(500, e_cash=True))
    assert not is_e_cash(card.start(501, e_cash=True))
    assert is_e_cash(make({"9F78": None}).start(20000, e_cash=True))


@pytest.mark.parametrize("flag", [Counter.AUTHENTICATION_FAILED, Counter.SCRIPT_FAILED])
def test_flags_that_forbid_it(card, flag):
    card.set_counter(flag, 1)
    assert not is_e_cash(card.start(e_cash=True))


def test_exhausted_pin_forbids_it(card):
    card.lose_pin_tries()
    assert not is_e_cash(card.start(e_cash=True))


def test_a_card_without_e_cash(make):
    balance = dict.fromkeys(("9F79", "DF79"))
    assert not is_e_cash(make(balance).start(e_cash=True))


def test_debit(card):
    made = spend(card, 1234)
    assert (made.kind, made.cvr) == (TC, "03900000")
    assert made.issuer_data[8:15].hex() == "0a01" + "0000018766"
    assert card.data("9F79") == "000000018766"
    assert card.send("00B2015C00")[12:24] == "000000001234"
    card.power_off()
    assert card.data("9F79") == "000000018766"


@pytest.mark.parametrize("kind", [AAC, ARQC])
def test_without_debit(card, kind):
    made = spend(card, 100, kind)
    assert made.kind == kind
    assert made.issuer_data[10:15].hex() == "0000020000"
    assert card.data("9F79") == "000000020000"
    assert card.send("00B2015C00") == "6A83"


def test_values_given_twice_must_agree(card):
    card.start(100, e_cash=True)
    made = card.first(TC, amount=200)
    assert (made.kind, made.cvr) == (AAC, "03800000")
    assert card.data("9F79") == "000000020000"


def test_some_values_may_differ(make):
    card = make({"9F38": "9F7A01 9F0206 5F2A02 9F3704 9505"})
    card.send("80A80000148312" + "01" + "000000000100" + "0156" + "11111111" + "0000008000" + "00")
    assert card.first(TC).kind == TC


def test_checks_that_e_cash_passes_over(make):
    limits = {"9F58": "00", "9F59": "00", "9F54": "000000000001", "9F53": "00", "9F72": "00", "9F52": "FFFF"}
    card = make(limits, new=True)
    card.set_counter(Counter.ONLINE_REQUESTED, 1)
    card.set_counter(Counter.SCRIPTS, 5)
    card.set_counter(Counter.STATIC_FAILED, 1)
    card.set_counter(Counter.DYNAMIC_FAILED, 1)
    made = spend(card, 100, country="0840")
    assert (made.kind, made.cvr) == (TC, "03900104")
    totals = (Counter.CUMULATIVE_AMOUNT, Counter.FOREIGN_COUNTRY, Counter.CUMULATIVE_AMOUNT_DUAL)
    assert not any(card.peek(counter) for counter in totals)


def test_blocked_application_keeps_its_balance(card):
    card.card.memory.commit({"directory:DEBIT": 2})
    assert spend(card).kind == AAC
    assert card.data("9F79") == "000000020000"


@pytest.mark.parametrize(("way", "kind"), [("ordinary", TC), ("declined", AAC)])
def test_unable_to_go_online(make, way, kind):
    card = make(payment={"settings": {"e_cash_unable_to_go_online": way}})
    spend(card, 100, ARQC)
    assert card.second(TC, "Y3").kind == kind
    assert card.data("9F79") == "000000020000"
    assert card.peek(Counter.CUMULATIVE_AMOUNT) == (100 if kind == TC else 0)


def test_online_completion_of_an_e_cash_transaction(card):
    spend(card, 100, ARQC)
    assert card.authenticate() == "9000"
    assert card.second(TC).kind == TC
    assert card.script("04DA9F79", "000000099900") == "9000"
    assert spend(card, 99900).issuer_data[10:15].hex() == "0000000000"


# Two currencies


def test_second_currency(card):
    assert is_e_cash(card.start(10000, HKD, e_cash=True))
    assert not is_e_cash(card.start(10001, HKD, e_cash=True))
    made = spend(card, 2500, currency=HKD)
    assert made.issuer_data[10:15].hex() == "0000007500"
    assert card.data("DF79") == "000000007500"
    card.start()
    assert card.data("9F79") == "000000020000"


def test_data_of_the_second_currency_under_the_first_tags(make):
    card = make(payment={"settings": {"special_device": True}})
    tags = ("9F79", "9F6D", "9F77", "9F78")
    first = [card.data(tag) for tag in tags]
    assert first == ["000000020000", "000000001000", "000000100000", "000000100000"]
    card.start(currency=HKD)
    assert [card.data(tag) for tag in tags] == ["000000010000", "000000001000", "000000100000", "000000050000"]
    card.start(currency="0840")
    assert [card.data(tag) for tag in tags] == first
    card.start(currency=HKD)
    card.select()
    assert [card.data(tag) for tag in tags] == first


def test_single_limit_of_the_second_currency(make):
    card = make({"DF78": "000000000500"})
    assert is_e_cash(card.start(500, HKD, e_cash=True))
    assert not is_e_cash(card.start(501, HKD, e_cash=True))


def test_load_of_the_second_currency(card):
    card.start(currency=HKD)
    card.first(ARQC, currency=HKD)
    card.second(TC, currency=HKD)
    assert card.script("04DADF79", "000000077700") == "9000"
    assert card.data("DF79") == "000000077700"
    assert card.send("00B2016400").startswith("DF79" + "000000010000" + "000000077700")
    card.start()
    assert card.data("9F79") == "000000020000"
