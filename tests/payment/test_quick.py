"""qPBOC decisions: rows QPB of the requirements, worked from the tables of JR/T 0025.12 §7.7."""

import pytest

from emulator.apps.payment.application import Counter
from emulator.crypto import payment as crypto
from emulator.iso7816 import tlv

from .antenna import (
    AAC,
    ARQC,
    BALANCE,
    CVM_LIMIT,
    LOW,
    LOW_AND_TOTAL,
    LOW_OR_TOTAL,
    NONE,
    OFFLINE_ONLY,
    TC,
    Antenna,
    antenna,
)  # fmt: skip
from .test_vectors import published
from .vectors import WORKED

HKD, USD = "0344", "0840"
ONLINE_WANTED = "27800080"


def capability(value: str) -> dict[str, str]:
    return {"9F68": value}


# Worked values


@pytest.mark.parametrize("algorithm", ["3des", "sm4"])
@pytest.mark.parametrize("case", range(3))
def test_worked_cryptograms(algorithm, case):
    """Values worked by the author of the reconstructed specification with code of his own: weaker evidence."""
    keys, worked = WORKED[f"symmetric_{algorithm}"], WORKED[f"transcript_{algorithm}"]["qpboc_cvn17"]
    item = worked["items"][case]
    vector = {"PAN": keys["pan"], "PSN": keys["psn"], "ATC": worked["ATC"], **keys["IMK"]}
    balance = "000000049000" if case == 0 else f"00{item['9F10'][-18:-8]}"
    product = "debit" if algorithm == "3des" else "debit-sm"
    issuer_data = "07 01 01 03000000 01 0A01"
    terminal = published(product, vector, issuer_data, "7C00", {"9F79": balance, "9F78": "000000050000"})
    terminal.poke("9F6B", "999999999999")
    tap = Antenna(terminal).tap(int(item["amount"]), ttq=OFFLINE_ONLY if case == 2 else "27000080")
    assert tap.value(0x9F26) == item["9F26"]
    assert tap.value(0x9F10) == item["9F10"]
    assert tap.cvr == item["CVR"]


def test_cryptogram_of_version_01():
    """Row PAY-QPB-010: the values of the options in the order of version 01, TVR as received."""
    card = antenna(contactless={"9F10": "07 01 01 03000000 01 0A01"})
    tap = card.tap(100, tvr="0000008000")
    sent = b"".join(card.sent[tag] for tag in ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37"))
    covered = sent + tap.objects[0x82] + tap.objects[0x9F36] + bytes.fromhex("03900000")
    assert tap.objects[0x9F26] == crypto.application_cryptogram(card.algorithm, card.session_key("AC"), covered)


# Answers


def test_answer_of_an_approval():
    card = antenna()
    tap = card.tap()
    assert set(tap.objects) == {0x82, 0x94, 0x9F36, 0x9F26, 0x9F10, 0x57, 0x9F6C, 0x9F4B, 0x9F5D}
    assert tap.value(0x9F36) == card.data("9F36") == "0001"
    assert tap.cvr == "03900000"
    assert len(tap.raw) <= 256
    assert len(tap.objects[0x94]) // 4 <= 4
    assert tap.objects[0x82][0] & 0x20


@pytest.mark.parametrize(("ttq", "amount", "kind", "cvr"), [
    (ONLINE_WANTED, 100, ARQC, "03A00000"),
    (OFFLINE_ONLY, BALANCE + 1, AAC, "03802000"),
])  # fmt: skip
def test_answer_of_the_others(ttq, amount, kind, cvr):
    tap = antenna().tap(amount, ttq=ttq)
    assert (tap.kind, tap.cvr) == (kind, cvr)
    assert set(tap.objects) == {0x82, 0x9F36, 0x57, 0x9F10, 0x9F26, 0x5F34, 0x9F6C, 0x9F5D}


def test_optional_objects_only_where_personalised():
    more = {"9F63": "00" * 8 + "10" + "00" * 7, "5F20": "YU XIAOYANG"}
    tap = antenna(contactless=more).tap(ttq=ONLINE_WANTED)
    assert tap.objects[0x9F63][8] == 0x10
    assert tap.objects[0x5F20] == b"YU XIAOYANG"
    card = antenna(data={"9F5D": None})
    card.card.memory.cells.pop("contactless:DEBIT:9F6C")
    assert not {0x9F5D, 0x9F6C} & set(card.tap(ttq=ONLINE_WANTED).objects)


def test_no_object_comes_twice():
    """Row PAY-QPB-044."""
    card = antenna()
    tap = card.tap()
    read = card.read(tap)
    assert not set(read) & set(tap.objects)
    assert {0x5A, 0x5F24, 0x5F34, 0x8F, 0x90, 0x9F46, 0x9F4A, 0x9F74} <= set(read)


def test_last_record():
    """Rows PAY-QPB-045 to 047."""
    card = antenna()
    record = card.record(card.tap().places[-1])
    assert len(tlv.parse(record)[0].value) <= 32
    assert {item.tag for item in tlv.parse(record)[0].children} == {0x9F74, 0x9F69}
    record = card.record(card.tap(ttq="27000000").places[-1])
    assert {item.tag for item in tlv.parse(record)[0].children} == {0x9F74}


@pytest.mark.parametrize("identifier", range(1, 6))
@pytest.mark.parametrize("kind", [TC, ARQC, AAC])
def test_discretionary_data(identifier, kind):
    """Row PAY-QPB-042; values as the decision leaves them."""
    length = "0F" if identifier in (3, 4) else "0A"
    second = dict.fromkeys(("DF71", "DF72", "DF76", "DF77", "DF78", "DF79"))
    limits = {"9F54": "000000050000", **capability(LOW_AND_TOTAL), **second}
    card = antenna(data=limits, contactless={"9F10": f"07 01 17 03000000 01 {length}{identifier:02X}"})
    card.set_counter(Counter.CUMULATIVE_AMOUNT, 700)
    ttq = {TC: "27000080", ARQC: ONLINE_WANTED, AAC: OFFLINE_ONLY}[kind]
    tap = card.tap(25000 if kind == AAC else 300, ttq=ttq)
    assert tap.kind == kind
    balance, total = (19700, 1000) if kind == TC else (20000, 700)
    shown = {1: [balance], 2: [total], 3: [balance, total], 4: [total, 50000], 5: [50000 - total]}[identifier]
    values = b"".join(bytes.fromhex(f"{value:010d}") for value in shown)
    mac = crypto.issuer_data_mac(card.algorithm, card.session_key("MAC"), tap.objects[0x9F36], values)
    assert tap.objects[0x9F10][8:] == bytes.fromhex(f"{length}{identifier:02X}") + values + mac


# Currency, offline-only terminals, cardholder verification


def test_other_currency_forbidden():
    tap = antenna(data=capability("8150D000")).tap(currency=USD)
    assert (tap.kind, tap.cvr) == (AAC, "03800000")


@pytest.mark.parametrize(("new", "kind"), [(True, AAC), (False, TC)])
def test_offline_only_and_new_card(new, kind):
    assert antenna(data=capability("8130D000"), new=new).tap(ttq=OFFLINE_ONLY).kind == kind


@pytest.mark.parametrize(("ttq", "kind", "cvr"), [(OFFLINE_ONLY, AAC, "03804000"), ("27000080", ARQC, "03A04000")])
def test_pin_exceeded(ttq, kind, cvr):
    card = antenna(data=capability("8910D000"))
    assert card.tap(ttq=ttq).kind == TC
    card.lose_pin_tries()
    tap = card.tap(ttq=ttq)
    assert (tap.kind, tap.cvr) == (kind, cvr)
    card = antenna(data=capability(LOW))
    card.lose_pin_tries()
    assert card.tap(ttq=ttq).kind == TC


@pytest.mark.parametrize(("ttq", "kind", "qualifiers"), [
    ("2F400080", TC, "4000"),
    ("2D400080", "6985", None),
    ("29400080", "6985", None),
    ("27400080", ARQC, "8000"),
    ("23400080", TC, "4000"),
    ("25400080", ARQC, "8000"),
    ("21400080", "6985", None),
])  # fmt: skip
def test_cardholder_verification_that_the_terminal_wants(ttq, kind, qualifiers):
    """Rows PAY-QPB-014, 015 and 018 to 020: one method at most, online PIN first."""
    tap = antenna().tap(ttq=ttq)
    assert (tap.kind, tap.value(0x9F6C)) == (kind, qualifiers)


@pytest.mark.parametrize(("support", "kind"), [("81100000", "6985"), ("81108000", ARQC), ("81101000", TC)])
def test_cardholder_verification_that_the_card_can(support, kind):
    assert antenna(data=capability(support)).tap(ttq="27400080").kind == kind


def test_card_limit_of_cardholder_verification():
    """Row PAY-QPB-016: the limit itself needs none."""
    card = antenna(data={"9F79": "000000090000"})
    assert card.tap(CVM_LIMIT).value(0x9F6C) == "0000"
    tap = card.tap(CVM_LIMIT + 1)
    assert (tap.kind, tap.value(0x9F6C)) == (ARQC, "8000")
    assert card.tap(CVM_LIMIT + 1, ttq=OFFLINE_ONLY).value(0x9F6C) == "4000"
    assert antenna(data={"9F79": "000000090000", "9F6B": None}).tap(CVM_LIMIT + 1).kind == TC


@pytest.mark.parametrize(
    ("value", "kind", "qualifiers"),
    [("8510C000", TC, "0000"), ("8510E000", ARQC, "8000"), ("8510A000", "6985", None), ("8510B000", TC, "4000")],
)
def test_cardholder_verification_in_another_currency(value, kind, qualifiers):
    """Row PAY-QPB-017: byte 3 bit 6 asks for it, whatever the limit; bit 7 offers online PIN, bit 5 signature."""
    tap = antenna(data={**capability(value), "9F53": "05"}).tap(CVM_LIMIT + 1, currency=USD)
    assert (tap.kind, tap.value(0x9F6C)) == (kind, qualifiers)


# Online


def test_online_conditions():
    """Rows PAY-QPB-021 to 024."""
    assert antenna().tap(ttq=ONLINE_WANTED).cvr == "03A00000"
    assert antenna().tap(currency=USD).cvr == "03A00000"
    new = antenna(data=capability("9110D000"), new=True)
    assert new.tap().cvr == "03A01000"
    new.poke("9F13", "0001")
    assert new.tap().kind == TC


def test_no_spend_option():
    card = antenna(data=capability(NONE))
    assert card.tap().cvr == "03A00000"
    tap = card.tap(ttq=OFFLINE_ONLY)
    assert (tap.cvr, tap.value(0x9F5D)) == ("03800000", "000000000000")


def test_a_card_that_cannot_sign_approves_nothing_offline():
    card = antenna()
    card.card.memory.cells.pop("private key:DEBIT")
    assert (card.tap().kind, card.tap(ttq=OFFLINE_ONLY).kind) == (ARQC, AAC)


def test_preferred_contact():
    """Row PAY-QPB-037."""
    card = antenna(data=capability("8310D000"))
    assert card.tap(ttq="37800080").kind == "6985"
    assert card.tap(ttq=ONLINE_WANTED).kind == ARQC
    assert card.tap(ttq="37000080").kind == TC


# Spend checks


@pytest.mark.parametrize(("limits", "amount", "ttq", "kind"), [
    ({}, BALANCE - 1000, "27000080", TC),
    ({}, BALANCE - 999, "27000080", ARQC),
    ({"9F6D": None}, BALANCE, "27000080", TC),
    ({"9F78": "000000000500"}, 500, "27000080", TC),
    ({"9F78": "000000000500"}, 501, "27000080", ARQC),
    ({"9F78": None}, 501, "27000080", TC),
    ({}, BALANCE, OFFLINE_ONLY, TC),
    ({}, BALANCE + 1, OFFLINE_ONLY, AAC),
    ({"9F78": "000000000500"}, 501, OFFLINE_ONLY, AAC),
    ({}, 0, "27000080", TC),
])  # fmt: skip
@pytest.mark.parametrize("option", [LOW, None])
def test_low_value(limits, amount, ttq, kind, option):
    """Rows PAY-QPB-026 to 029 and 043: a card without 9F68 has the same check, but shows no 9F5D."""
    card = antenna(data={"9F6B": None, "9F68": option, **limits})
    tap = card.pay(amount, ttq=ttq)
    left = BALANCE - amount if kind == TC else BALANCE
    assert (tap.kind, tap.cvr[4]) == (kind, "0" if kind == TC else "2")
    assert card.data("9F79") == f"{left:012d}"
    assert tap.value(0x9F5D) == (f"{left:012d}" if option else None)


@pytest.mark.parametrize("limit", ["9F5C", "9F54"])
@pytest.mark.parametrize(("ttq", "refused"), [("27000080", ARQC), (OFFLINE_ONLY, AAC)])
def test_low_value_and_total(limit, ttq, refused):
    """Rows PAY-QPB-030 to 032: 9F5C is the limit, 9F54 where that is absent."""
    limits = {"9F54": "000000001000"} if limit == "9F54" else {"9F5C": "000000001000", "9F54": "000000000001"}
    card = antenna(data={**capability(LOW_AND_TOTAL), **limits})
    tap = card.pay(600, ttq=ttq)
    assert (tap.kind, tap.value(0x9F5D)) == (TC, "000000000400")
    tap = card.pay(401, ttq=ttq)
    assert (tap.kind, tap.cvr[4], tap.value(0x9F5D)) == (refused, "2", "000000000400")
    assert card.pay(400, ttq=ttq).kind == TC
    assert (card.data("9F79"), card.peek(Counter.CUMULATIVE_AMOUNT)) == ("000000019000", 1000)


@pytest.mark.parametrize(("ttq", "refused"), [("27000080", ARQC), (OFFLINE_ONLY, AAC)])
def test_low_value_or_total(ttq, refused):
    """Rows PAY-QPB-033 and 034: the balance first, whatever the threshold; then the total."""
    card = antenna(
        data={**capability(LOW_OR_TOTAL), "9F79": "000000000500", "9F5C": "000000001000", "9F78": "000000000900"}
    )
    tap = card.pay(450, ttq=ttq)
    assert (tap.kind, tap.value(0x9F5D)) == (TC, "000000001050")
    assert (card.data("9F79"), card.peek(Counter.CUMULATIVE_AMOUNT)) == ("000000000050", 0)
    tap = card.pay(700, ttq=ttq)
    assert (tap.kind, tap.value(0x9F5D)) == (TC, "000000000350")
    assert (card.data("9F79"), card.peek(Counter.CUMULATIVE_AMOUNT)) == ("000000000050", 700)
    assert card.pay(301, ttq=ttq).kind == refused
    assert card.pay(50, ttq=ttq).kind == TC
    assert card.pay(300, ttq=ttq).kind == TC
    tap = card.pay(901, ttq=ttq)
    assert (tap.kind, tap.cvr[4]) == (refused, "2")
    assert (card.data("9F79"), card.peek(Counter.CUMULATIVE_AMOUNT)) == ("000000000000", 1000)


@pytest.mark.parametrize(("ttq", "refused"), [("27000080", ARQC), (OFFLINE_ONLY, AAC)])
def test_other_currency_offline(ttq, refused):
    """Rows PAY-QPB-035 and 036: no balance, only a number of transactions."""
    card = antenna(data={**capability("8510D000"), "9F53": "02"})
    taps = [card.pay(100, currency=USD, ttq=ttq) for _ in range(3)]
    assert [tap.kind for tap in taps] == [TC, TC, refused]
    assert taps[-1].cvr[4] == "2"
    assert 0x9F5D not in taps[0].objects
    assert (card.data("9F79"), card.peek(Counter.FOREIGN_CURRENCY)) == (f"{BALANCE:012d}", 2)


@pytest.mark.parametrize("shown", [True, False])
def test_available_amount_in_another_currency(shown):
    card = antenna(data=capability("8150D000"), payment={"settings": {"declined_foreign_amount_shown": shown}})
    assert (0x9F5D in card.tap(currency=USD).objects) == shown
    assert 0x9F5D not in antenna().tap(currency=USD).objects


@pytest.mark.parametrize("option", [LOW_AND_TOTAL, LOW_OR_TOTAL, NONE])
def test_second_currency_is_switched_off_without_the_low_value_check_alone(option):
    """Row PAY-DUA-010: it is then a currency that does not match."""
    card = antenna(data={"9F54": "000000050000", **capability(option)})
    foreign, second = (card.tap(1, currency=currency) for currency in (USD, HKD))
    assert (second.kind, second.cvr) == (foreign.kind, foreign.cvr)
    assert card.data("9F79") == f"{BALANCE:012d}"
    assert card.data("DF79") == "000000010000"


def test_second_currency():
    card = antenna()
    tap = card.pay(9000, currency=HKD)
    assert (tap.kind, tap.value(0x9F5D)) == (TC, "000000001000")
    assert tap.objects[0x9F10][10:15].hex() == "0000001000"
    card.leave()
    assert (card.data("9F79"), card.data("DF79")) == (f"{BALANCE:012d}", "000000001000")
    assert card.tap(1, currency=HKD).cvr == "03A02000"


@pytest.mark.parametrize(("value", "total"), [("8190D000", False), ("4190D000", True)])
def test_prepaid(value, total):
    """Row PAY-QPB-038: an online transaction debits at once, and no later record can undo it."""
    card = antenna(data={**capability(value), "9F5C": "000000019000"})
    tap = card.tap(1500, ttq=ONLINE_WANTED)
    assert (tap.kind, tap.value(0x9F5D)) == (ARQC, "000000017500" if total else "000000018500")
    card.leave()
    assert card.data("9F79") == "000000018500"
    assert card.peek(Counter.CUMULATIVE_AMOUNT) == (1500 if total else 0)
    assert card.tap(0, ttq=ONLINE_WANTED).kind == AAC
    assert card.tap(18501, ttq=ONLINE_WANTED).kind == AAC
    assert card.data("9F79") == "000000018500"
    assert card.tap(17501, ttq=ONLINE_WANTED).kind == (AAC if total else ARQC)


def test_indicators_of_debit_and_credit_stay():
    """Row PAY-QPB-050."""
    card = antenna()
    flags = (Counter.ONLINE_REQUESTED, Counter.AUTHENTICATION_FAILED, Counter.SCRIPT_FAILED, Counter.STATIC_FAILED)
    for flag in flags:
        card.set_counter(flag, 1)
    card.set_counter(Counter.SCRIPTS, 5)
    kept = {cell: value for cell, value in card.card.memory.cells.items() if cell.startswith("counter:")}
    for ttq, kind in (("27000080", TC), (ONLINE_WANTED, ARQC)):
        tap = card.pay(100, ttq=ttq)
        assert (tap.kind, tap.cvr[4:]) == (kind, "0000")
    assert card.pay(BALANCE, ttq=OFFLINE_ONLY).kind == AAC
    assert card.data("9F13") == "0001"
    assert {cell: value for cell, value in card.card.memory.cells.items() if cell.startswith("counter:")} == kept
