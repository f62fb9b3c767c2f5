"""EXTERNAL AUTHENTICATE and completion: rows EXA and GA2 of the requirements."""

import pytest

from emulator.apps.payment.application import Counter
from emulator.crypto import payment as crypto

from .terminal import AAC, ARQC, TC

MANDATORY, OPTIONAL = {"9F56": "80"}, {"9F56": "00"}
FLAGS = {
    Counter.ONLINE_REQUESTED: 1,
    Counter.STATIC_FAILED: 1,
    Counter.DYNAMIC_FAILED: 1,
    Counter.SCRIPTS: 3,
    Counter.SCRIPT_FAILED: 1,
}
TOTALS = {
    Counter.CUMULATIVE_AMOUNT: 500,
    Counter.CUMULATIVE_AMOUNT_DUAL: 600,
    Counter.FOREIGN_CURRENCY: 2,
    Counter.FOREIGN_COUNTRY: 3,
}


def online(card, arc="00", wrong=False):
    """A transaction up to the issuer's answer."""
    card.start()
    card.first(ARQC)
    return card.authenticate(arc, wrong)


def fill(card):
    for counter, value in {**FLAGS, **TOTALS}.items():
        card.set_counter(counter, value)


def kept(card, counters):
    return all(card.peek(counter) == value for counter, value in counters.items())


def cleared(card, counters):
    return not any(card.peek(counter) for counter in counters)


# EXTERNAL AUTHENTICATE


def test_right_and_wrong_answers_of_the_issuer(card):
    assert online(card) == "9000"
    assert online(card, wrong=True) == "6300"
    assert card.second().cvr == "03688000"
    assert card.offline(TC).cvr == "03A08800"


def test_altered_response_code(card):
    card.start()
    made = card.first(ARQC)
    arpc = crypto.response_cryptogram(card.algorithm, card.session_key("AC"), made.ac, b"00")
    assert card.send(f"008200000A{arpc.hex()}3035") == "6300"


def test_a_second_one_is_refused_and_counts_as_failure(card):
    assert online(card) == "9000"
    assert card.authenticate() == "6985"
    assert card.peek(Counter.AUTHENTICATION_FAILED) == 1
    card.power_off()
    assert card.offline(TC).cvr[4:6] == "88"


def test_failure_survives_power_and_success_clears_it(card):
    online(card, wrong=True)
    card.power_off()
    assert card.offline(ARQC).cvr == "03A08800"
    assert card.authenticate() == "9000"
    assert card.second().kind == TC
    assert card.offline(TC).cvr == "03900000"


def test_without_a_request_it_is_refused(card):
    card.start()
    assert card.send("008200000A" + "00" * 10) == "6985"
    card.first(TC)
    assert card.send("008200000A" + "00" * 10) == "6985"
    assert card.peek(Counter.AUTHENTICATION_FAILED) == 0


@pytest.mark.parametrize(("length", "sw"), [(7, "6700"), (17, "6700"), (8, "6A80"), (16, "6300")])
def test_length_of_the_issuers_answer(card, length, sw):
    card.start()
    card.first(ARQC)
    assert card.send(f"00820000{length:02X}" + "00" * length) == sw


def test_an_earlier_answer_is_worth_nothing(card):
    card.start()
    card.first(ARQC)
    arpc = crypto.response_cryptogram(card.algorithm, card.session_key("AC"), card.first_ac, b"00").hex()
    assert card.send(f"008200000A{arpc}3030") == "9000"
    card.start()
    card.first(ARQC)
    assert card.send(f"008200000A{arpc}3030") == "6300"


def test_not_offered_without_the_bit_of_the_aip(make):
    card = make(payment={"path": {"ordinary": {"aip": "7900"}}})
    assert online(card) == "6985"
    assert card.second(TC).cvr == "03600000"


# Answer of the issuer


@pytest.mark.parametrize("arc", ["00", "10", "11", "01", "02"])
def test_approvals_and_referrals(card, arc):
    online(card, arc)
    made = card.second(TC, arc)
    assert (made.kind, made.cvr) == (TC, "03600000")


@pytest.mark.parametrize(("arc", "kind"), [("05", TC), ("51", TC), ("00", AAC), ("00", ARQC)])
def test_declined_by_the_issuer_or_the_terminal(card, arc, kind):
    fill(card)
    online(card, arc)
    made = card.second(kind, arc)
    assert (made.kind, made.cvr[:4]) == (AAC, "0320")
    assert cleared(card, FLAGS)
    assert kept(card, TOTALS)
    assert card.data("9F13") == "0001"


def test_good_approval_clears_everything(card):
    fill(card)
    online(card)
    assert card.second(TC).cvr == "0360813C"
    assert cleared(card, {**FLAGS, **TOTALS})
    assert card.data("9F13") == card.data("9F36") == "0001"


def test_optional_and_not_performed(make):
    card = make(OPTIONAL)
    fill(card)
    card.start()
    card.first(ARQC)
    made = card.second(TC)
    assert (made.kind, made.cvr[:6]) == (TC, "036085")
    assert cleared(card, {**FLAGS, **TOTALS})


@pytest.mark.parametrize(("action", "kind", "cid"), [("0000", TC, 0x40), ("4000", AAC, 0x03), ("4400", AAC, 0x0B)])
def test_failed(make, action, kind, cid):
    card = make({**OPTIONAL, "9F52": action})
    fill(card)
    online(card, wrong=True)
    made = card.second(TC)
    assert (made.kind, made.cid) == (kind, cid)
    assert kept(card, TOTALS)
    assert card.peek(Counter.ONLINE_REQUESTED) == 1
    assert card.data("9F13") == "0001"


@pytest.mark.parametrize(("action", "kind"), [("0000", TC), ("2000", AAC)])
def test_mandatory_and_not_performed(make, action, kind):
    card = make({**MANDATORY, "9F52": action})
    fill(card)
    card.start()
    card.first(ARQC)
    made = card.second(TC)
    assert made.kind == kind
    assert made.cvr[4:6] == "85"
    assert kept(card, TOTALS)
    assert card.peek(Counter.AUTHENTICATION_FAILED) == 1


def test_declined_after_failure_clears_nothing(card):
    fill(card)
    online(card, wrong=True)
    assert card.second(AAC).kind == AAC
    assert kept(card, {**FLAGS, **TOTALS})


def test_mandatory_not_performed_and_declined(make):
    card = make(MANDATORY)
    fill(card)
    card.start()
    card.first(ARQC)
    assert card.second(AAC).cvr[4:6] == "85"
    assert kept(card, {**FLAGS, **TOTALS})
    assert card.peek(Counter.AUTHENTICATION_FAILED) == 1


def test_second_cryptogram_covers_new_values(card):
    online(card)
    made = card.second(TC, amount=777)
    values = bytes.fromhex(card.cdol(amount=777))[:29]
    data = values + bytes.fromhex("7D00") + made.atc + made.issuer_data[3:7]
    assert made.ac == crypto.application_cryptogram(card.algorithm, card.session_key("AC"), data)


# Unable to go online


def unable(card, kind=TC, **values):
    card.start()
    card.first(ARQC, **values)
    return card.second(kind, "Y3" if kind == TC else "Z3", **values)


def test_unable_to_go_online(card):
    made = unable(card)
    assert (made.kind, made.cvr) == (TC, "03610000")
    made = unable(card, AAC)
    assert (made.kind, made.cvr) == (AAC, "03218000")
    assert card.offline(TC).kind == ARQC
    assert card.data("9F13") == "0001"


def test_upper_consecutive_limit(make):
    card = make({"9F59": "02"})
    kinds = [unable(card) for _ in range(4)]
    assert [made.kind for made in kinds] == [TC, TC, TC, AAC]
    assert kinds[-1].cvr == "0321A000"


def test_upper_amount(make):
    card = make({"9F5C": "000000001000"})
    assert unable(card, amount=600).kind == TC
    assert unable(card, amount=401).cvr == "0321A000"
    assert unable(card, amount=5000, currency="0840").kind == TC
    assert unable(card, amount=400).kind == TC
    assert card.peek(Counter.CUMULATIVE_AMOUNT) == 1000


def test_upper_amount_in_two_currencies(make):
    card = make({"9F5C": "000000001000", "9F76": "0344", "9F73": "00000002"})
    assert unable(card, amount=500, currency="0344").kind == TC
    assert unable(card, amount=1).cvr == "0321A000"


@pytest.mark.parametrize(("action", "kind"), [("0000", TC), ("0100", AAC)])
def test_new_card_unable_to_go_online(make, action, kind):
    made = unable(make({"9F52": action}, new=True))
    assert (made.kind, made.cvr[4]) == (kind, "1")


@pytest.mark.parametrize(("action", "kind", "results"), [("0000", TC, "40"), ("0010", AAC, "40")])
def test_pin_exceeded_unable_to_go_online(make, action, kind, results):
    card = make({"9F52": action})
    card.lose_pin_tries()
    made = unable(card)
    assert (made.kind, made.cvr[4:6]) == (kind, results)


def test_all_checks_run_although_declined(make):
    card = make({"9F59": "00"})
    unable(card)
    assert unable(card, AAC).cvr == "0321A000"


def test_declined_unable_to_go_online_counts(make):
    card = make({"9F52": "1000"})
    made = unable(card, AAC, currency="0840", country="0840", tvr="4800000000")
    assert made.cid == 0x08
    assert [card.peek(counter) for counter in TOTALS] == [0, 0, 1, 1]
    assert card.peek(Counter.STATIC_FAILED) == card.peek(Counter.DYNAMIC_FAILED) == 1
