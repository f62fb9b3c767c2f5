"""Segmented charge 分段扣费: what it spends, lends and pays back; the proof of a transaction."""

import pytest

from .antenna import AAC, ARQC, BALANCE, ONLINE_CAPABLE, TC
from .sector import (
    COMPLETION,
    PARKING,
    PRE,
    SEGMENTED,
    on_contacts,
    sector,
)


def test_zero_amount_is_approved(sectors):
    sectors.poke("9F79", "000000000000")
    assert sectors.charge(0).kind == TC


@pytest.mark.parametrize(
    ("balance", "amount", "left", "deducted"), [(500, 800, 0, 300), (500, 500, 0, 0), (0, 1999, 0, 1999)]
)
def test_deduction(sectors, balance, amount, left, deducted):
    """Rows PAY-CAP-017 and 018; the first line is the example of the text: 5, limit 20, 8 leave 3 deducted."""
    sectors.poke("9F79", f"{balance:012d}")
    assert sectors.charge(amount).kind == TC
    assert (sectors.data("9F79"), sectors.data("DF63")) == (f"{left:012d}", f"{deducted:012d}")


def test_what_is_available_after_a_deduction(sectors):
    """The example of the text goes on: 17 are available."""
    sectors.poke("9F79", "000000000500")
    sectors.charge(800)
    assert sectors.begin(SEGMENTED, 1701).kind == AAC
    assert sectors.charge(1699).kind == TC
    assert sectors.data("DF63") == "000000001999"


@pytest.mark.parametrize(("reaches", "kind"), [(False, AAC), (True, TC)])
def test_deducting_up_to_the_limit(reaches, kind):
    sectors = sector(payment={"settings": {"extended_deduction_reaches_limit": reaches}})
    sectors.poke("9F79", "000000000500")
    assert sectors.charge(2500).kind == kind
    assert sectors.data("DF63") == ("000000002000" if reaches else "000000000000")


def test_an_online_terminal_keeps_the_threshold(sectors):
    sectors.poke("9F79", "000000000500")
    assert sectors.begin(SEGMENTED, 1500, ttq=ONLINE_CAPABLE).kind == TC
    assert sectors.begin(SEGMENTED, 1501, ttq=ONLINE_CAPABLE).kind == ARQC


def test_no_deduction_in_an_ordinary_transaction(sectors):
    sectors.poke("9F79", "000000000500")
    assert sectors.begin(0, 501).kind == AAC


def test_no_deduction_without_limit():
    sectors = sector(data={"DF62": None, "DF63": None})
    sectors.poke("9F79", "000000000500")
    assert sectors.begin(SEGMENTED, 501).kind == AAC
    assert sectors.charge(500).kind == TC


def test_a_prepaid_card_keeps_to_its_balance():
    sectors = sector(data={"9F68": "8190D000"})
    sectors.poke("9F79", "000000000500")
    assert sectors.begin(SEGMENTED, 501).kind == AAC


def test_another_currency_lends_nothing(sectors):
    sectors.poke("DF79", "000000000500")
    assert sectors.begin(SEGMENTED, 501, currency="0344").kind == AAC
    tap = sectors.begin(SEGMENTED, 500, currency="0344")
    assert sectors.last(tap) == "9000"
    assert sectors.card.memory.cells["data:DEBIT:DF79"] == bytes(6)


@pytest.mark.parametrize("option", ["4110D000", "2110D000"])
def test_other_offline_checks(option):
    sectors = sector(data={"9F68": option, "9F5C": "000000100000"})
    assert sectors.charge(300).kind == TC
    assert sectors.data("9F79") == f"{BALANCE - 300:012d}"


@pytest.mark.parametrize(("given", "left", "deducted"), [(500, 200, 0), (300, 0, 0), (100, 0, 200), (0, 0, 300)])
def test_a_load_first_pays_the_deduction(sectors, given, left, deducted):
    """Row PAY-CAP-019."""
    sectors.poke("9F79", "000000000000")
    sectors.poke("DF63", "000000000300")
    contacts = on_contacts(sectors)
    assert contacts.script("04DA9F79", f"{given:012d}") == "9000"
    assert (contacts.data("9F79"), contacts.data("DF63")) == (f"{left:012d}", f"{deducted:012d}")
    assert contacts.send("00B2016400").startswith(f"9F79000000000000{left:012d}")


def test_a_load_on_a_balance_pays_nothing(sectors):
    sectors.poke("9F79", "000000000001")
    sectors.poke("DF63", "000000000300")
    contacts = on_contacts(sectors)
    assert contacts.script("04DA9F79", "000000000500") == "9000"
    assert (contacts.data("9F79"), contacts.data("DF63")) == ("000000000500", "000000000300")


@pytest.mark.parametrize(("limit", "answer"), [(299, "6A80"), (300, "9000"), (5000, "9000")])
def test_deduction_limit(sectors, limit, answer):
    """Row PAY-CAP-020."""
    sectors.poke("DF63", "000000000300")
    assert on_contacts(sectors).script("04DADF62", f"{limit:012d}") == answer


def test_deducted_amount_is_not_to_be_set(sectors):
    """Row PAY-CAP-020."""
    contacts = on_contacts(sectors)
    assert contacts.script("04DADF63", "000000000001") == "6A88"
    assert contacts.data("DF63") == "000000000000"


def test_the_issuer_changes_what_is_offered(sectors):
    contacts = on_contacts(sectors)
    assert contacts.script("04DADF61", "01") == "9000"
    assert "DF610101" in contacts.select()
    contacts.power_off()
    contacts.card.power_off()
    sectors.card.reset()
    assert "DF610101" in sectors.select()
    assert sectors.begin(PRE).sw == "6985"
    assert sectors.begin(SEGMENTED).kind == TC


@pytest.mark.parametrize(("offered", "refused"), [("01", {PRE, COMPLETION}), ("81", {PRE, COMPLETION}), ("02", set())])
def test_kinds_that_are_offered(offered, refused):
    """Row PAY-CAP-002."""
    sectors = sector(data={"DF61": offered})
    for indicator in (SEGMENTED, PRE, COMPLETION):
        sectors.capp(PARKING)
        answer = sectors.begin(indicator, 100).sw
        expected = "6985" if indicator in refused else {COMPLETION: "6973"}.get(indicator, "9000")
        assert answer == expected


@pytest.mark.parametrize("indicator", [4, 99])
def test_kinds_that_nobody_knows(sectors, indicator):
    assert sectors.begin(indicator).sw == "6985"


@pytest.mark.parametrize(
    ("setting", "indicator", "last"), [("extended", 1, "82"), ("extended", 0, "00"), ("always", 0, "82")]
)
def test_signed_identifier(setting, indicator, last):
    sectors = sector(payment={"settings": {"extended_indicator_signed": setting}})
    tap = sectors.begin(indicator, 100)
    objects = sectors.read(tap)
    assert objects[0x9F69].hex().upper()[-2:] == last


def test_proof(sectors):
    """Row PAY-CAP-029."""
    assert sectors.prove() == "9406"
    tap = sectors.charge(300)
    assert sectors.prove() == tap.value(0x9F26) + "9000"
    assert sectors.prove("0000") == "9406"
    sectors.leave()
    assert sectors.prove() == tap.value(0x9F26) + "9000"
    other = sectors.begin(SEGMENTED, 100)
    assert sectors.prove() == "9406"
    sectors.last(other)
    assert sectors.prove() == other.value(0x9F26) + "9000"
    assert sectors.prove(f"{int(sectors.counter.hex(), 16) - 1:04X}") == "9406"


def test_no_proof_of_an_ordinary_transaction(sectors):
    sectors.pay(300)
    assert sectors.prove() == "9406"


@pytest.mark.parametrize(("command", "answer"), [("805A000101000108", "6A86"), ("805A0000010108", "6700")])
def test_refusals_of_the_proof(sectors, command, answer):
    if command == "805A000101000108":
        command = "805A000102000108"
    assert sectors.send(command) == answer


@pytest.mark.parametrize("asked", ["00", "01"])
def test_a_card_of_two_algorithm_sets_keeps_its_sector_keys(asked):
    """DF69 chooses the cryptogram; MACs of the sector stay those of the first set."""
    both = sector("debit-dual")
    tap = both.charge(300, sm=asked)
    assert tap.objects[0x9F10][7] == {"00": 0x01, "01": 0x04}[asked]
    assert both.stored()[0][12:14] == "01"
    assert both.prove() == tap.value(0x9F26) + "9000"
