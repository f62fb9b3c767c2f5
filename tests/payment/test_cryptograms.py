"""First GENERATE AC with card risk management: rows GAC of the requirements, and the offline PIN: rows PIN."""

import pytest

from emulator.apps.payment.application import Counter
from emulator.crypto import payment as crypto

from .terminal import AAC, ARQC, TC

FOREIGN, ABROAD = "0840", "0840"


# Form and order


def test_format_of_the_answer(card):
    made = card.offline(TC)
    assert (made.kind, made.cid, made.atc) == (TC, 0x40, b"\0\1")
    assert made.cvr == "03900000"
    data = made.issuer_data.hex().upper()
    assert data.startswith("070101" + made.cvr + "01" + "0A01" + "0000020000")
    assert len(made.issuer_data) == 19


@pytest.mark.parametrize(("kind", "cvr"), [(AAC, "03800000"), (TC, "03900000"), (ARQC, "03A00000")])
def test_results_follow_the_kind(card, kind, cvr):
    made = card.offline(kind)
    assert (made.kind, made.cvr) == (kind, cvr)


def test_cryptogram_covers_every_terminal_value(card):
    """The same card with one bit of each value changed (version 01)."""
    fresh = card.card.snapshot()
    values = bytes.fromhex(card.cdol())
    made = set()
    for position in (None, 0, 6, 12, 14, 19, 21, 24, 25):
        changed = bytearray(values)
        if position is not None:
            changed[position] ^= 1
        card.card.restore(fresh)
        card.select()
        card.start()
        answer = card.send(f"80AE8000{len(changed):02X}{changed.hex()}00")
        made.add(answer[10:26])
    assert len(made) == 9


@pytest.mark.parametrize("command", ["80AEC00000", "80AE200000", "80AE400100", "80AE410000"])
def test_parameters_that_are_reserved(card, command):
    card.start()
    assert card.send(command[:8] + f"34{card.cdol()}00") == "6A86"


def test_wrong_length_and_wrong_moment(card):
    assert card.first().sw == "6985"
    card.start()
    assert card.send(f"80AE800033{card.cdol()[2:]}00") == "6700"
    assert card.send(f"80AE800035{card.cdol()}0000") == "6700"
    assert card.first(TC).sw == "9000"
    assert card.first(TC).sw == "6985"


def test_a_third_one_is_refused(card):
    card.start()
    card.first(ARQC)
    assert card.second(TC).sw == "9000"
    assert card.second(TC).sw == "6985"
    assert card.first(TC).sw == "6985"


def test_values_given_later_win(make):
    card = make({"9F54": "000000000500"})
    card.start(amount=1)
    assert card.first(TC, amount=501).kind == ARQC
    card.start(amount=9999, currency=FOREIGN)
    card.set_counter(Counter.ONLINE_REQUESTED, 0)
    assert card.first(TC, amount=500).kind == TC


# Checks, each alone


def test_online_not_completed_stays_until_a_good_end(card):
    card.offline(ARQC)
    for _ in range(2):
        made = card.offline(TC)
        assert (made.kind, made.cvr) == (ARQC, "03A08000")
    card.power_off()
    assert card.offline(TC).kind == ARQC
    assert card.online().kind == TC
    assert card.offline(TC).cvr == "03900000"


@pytest.mark.parametrize(("action", "kind", "cvr"), [("0000", TC, "03900800"), ("8000", ARQC, "03A00800")])
def test_issuer_authentication_failed_last(make, action, kind, cvr):
    card = make({"9F52": action})
    card.set_counter(Counter.AUTHENTICATION_FAILED, 1)
    made = card.offline(TC)
    assert (made.kind, made.cvr) == (kind, cvr)


@pytest.mark.parametrize(
    ("tvr", "cvr"), [("4000000000", "03900100"), ("0800000000", "03900004"), ("0400000000", "03900004")]
)
def test_failed_data_authentication_shows_next_time(card, tvr, cvr):
    assert card.offline(AAC, tvr=tvr).cvr == "03800000"
    card.power_off()
    made = card.offline(TC)
    assert (made.kind, made.cvr) == (TC, cvr)


def test_lower_consecutive_limit(make):
    card = make({"9F58": "02"})
    assert card.offline(TC).kind == TC  # counter 1, last online 1
    assert [card.offline(TC).kind for _ in range(3)] == [TC, TC, ARQC]
    assert card.offline(TC).cvr == "03A0A000"


def test_foreign_currency(make):
    card = make({"9F53": "02"})
    kinds = [card.offline(TC, currency=FOREIGN) for _ in range(3)]
    assert [made.kind for made in kinds] == [TC, TC, ARQC]
    assert kinds[-1].cvr == "03A02000"
    card.set_counter(Counter.ONLINE_REQUESTED, 0)
    assert card.offline(TC).kind == TC
    assert card.offline(TC, currency="0000").kind == TC


def test_foreign_country(make):
    card = make({"9F72": "01"})
    assert [card.offline(TC, country=ABROAD).kind for _ in range(2)] == [TC, ARQC]
    card.set_counter(Counter.ONLINE_REQUESTED, 0)
    assert card.offline(TC, country="0000").kind == TC


def test_declined_transactions_count_as_foreign(make):
    card = make({"9F72": "01", "9F53": "01"})
    card.offline(AAC, country=ABROAD, currency=FOREIGN)
    assert card.peek(Counter.FOREIGN_COUNTRY) == card.peek(Counter.FOREIGN_CURRENCY) == 1
    assert card.offline(TC, country=ABROAD).kind == ARQC


def test_cumulative_amount(make):
    card = make({"9F54": "000000001000"})
    assert card.offline(TC, amount=600).kind == TC
    assert card.offline(TC, amount=5000, currency=FOREIGN).kind == TC
    assert card.offline(TC, amount=400).kind == TC
    assert card.peek(Counter.CUMULATIVE_AMOUNT) == 1000
    assert card.offline(TC, amount=1).cvr == "03A02000"
    assert card.peek(Counter.CUMULATIVE_AMOUNT) == 1000


@pytest.mark.parametrize(("rounding", "amount", "counted"), [("down", 101, 252), ("half up", 101, 253)])
def test_dual_currency(make, rounding, amount, counted):
    """Factor 2.5 is written 10000025."""
    data = {"9F76": "0344", "9F73": "10000025", "9F75": f"{counted:012d}"}
    card = make(data, payment={"settings": {"conversion_rounding": rounding}})
    assert card.offline(TC, amount=amount, currency="0344").kind == TC
    assert card.peek(Counter.CUMULATIVE_AMOUNT_DUAL) == counted
    assert card.peek(Counter.CUMULATIVE_AMOUNT) == 0
    assert card.offline(TC, amount=1).cvr == "03A02000"
    card.set_counter(Counter.ONLINE_REQUESTED, 0)
    assert card.offline(TC, amount=1, currency=FOREIGN).kind == TC


@pytest.mark.parametrize(("action", "kind"), [("0000", TC), ("0200", ARQC), (None, TC)])
def test_new_card(make, action, kind):
    card = make({"9F52": action}, new=True)
    made = card.offline(TC)
    assert made.kind == kind
    assert made.cvr[4] == "1"


@pytest.mark.parametrize(
    ("action", "kind", "cvr"),
    [
        ("0000", TC, "03904000"),
        ("0040", AAC, "03804000"),
        ("0020", ARQC, "03A04000"),
        ("0004", AAC, "03804200"),
    ],
)
def test_pin_exceeded_earlier(make, action, kind, cvr):
    card = make({"9F52": action})
    card.lose_pin_tries()
    made = card.offline(TC)
    assert (made.kind, made.cvr) == (kind, cvr)
    assert card.select().endswith("6283" if action == "0004" else "9000")


def test_pin_exceeded_earlier_needs_no_verification_now(make):
    card = make({"9F52": "0040"})
    card.lose_pin_tries()
    card.start()
    assert card.verify("123456") == "6984"
    made = card.first(TC)
    assert (made.kind, made.cvr) == (TC, "03964000")


def test_advice_of_declined_transactions(make):
    assert make({"9F52": "1000"}).offline(AAC).cid == 0x08
    assert make().offline(AAC).cid == 0x00
    card = make({"9F52": "0800"})
    card.start()
    for _ in range(3):
        card.verify("000000")
    assert card.first(AAC).cid == 0x0A


def test_online_request_changes_no_counter(make):
    card = make({"9F54": "000000000100"})
    card.offline(ARQC, amount=100, country=ABROAD, currency=FOREIGN)
    for counter in (Counter.CUMULATIVE_AMOUNT, Counter.FOREIGN_COUNTRY, Counter.FOREIGN_CURRENCY):
        assert card.peek(counter) == 0


@pytest.mark.parametrize("identifier", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_every_form_of_issuer_data(make, identifier, product):
    algorithm = "01" if product == "debit" else "04"
    length = {1: "0A", 2: "0A", 3: "0F", 4: "0F", 5: "0A"}[identifier]
    data = {
        "9F10": f"070101 03000000 {algorithm} {length}{identifier:02X}",
        "9F54": "000000050000",
        "9F79": "000000012345",
        **dict.fromkeys(("DF71", "DF72", "DF76", "DF77", "DF78", "DF79")),
    }
    card = make(data, product=product)
    made = card.offline(TC, amount=6789)
    balance, total, limit = "0000012345", "0000006789", "0000050000"
    expected = {1: balance, 2: total, 3: balance + total, 4: total + limit, 5: balance}[identifier]
    shown = made.issuer_data[10:]
    assert shown[:-4].hex() == expected
    assert len(shown) + 1 == int(length, 16)
    mac = crypto.issuer_data_mac(card.algorithm, card.session_key("MAC"), made.atc, bytes.fromhex(expected))
    assert shown[-4:] == mac


def test_static_issuer_data(make):
    card = make({"9F10": "070101 03000000 01 03AABBCC"})
    assert card.offline(TC).issuer_data.hex().upper() == "070101039000000103AABBCC"


# Offline PIN


def test_wrong_and_right_pins(card):
    card.start()
    assert card.verify("000000") == "63C2"
    assert card.data("9F17") == "02"
    assert card.verify("123456") == "9000"
    assert card.data("9F17") == "03"
    assert card.first().cvr == "03A40000"


def test_the_results_follow_the_last_pin(card):
    card.start()
    card.verify("123456")
    card.verify("1234")
    assert card.first().cvr == "03A60000"


def test_exhausted_tries(card):
    card.start()
    assert [card.verify("000000") for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    assert card.verify("123456") == "6983"
    assert card.first().cvr == "03A64000"
    card.power_off()
    card.start()
    assert card.verify("123456") == "6984"
    assert card.verify("123456") == "6983"


def test_exhausting_the_pin_blocks_the_application(make):
    card = make({"9F52": "0080"})
    card.start()
    for _ in range(3):
        card.verify("000000")
    made = card.first(TC)
    assert (made.kind, made.cvr) == (TC, "03964200")
    assert card.select().endswith("6283")
    assert card.offline(TC).kind == AAC


@pytest.mark.parametrize(
    ("block", "sw"),
    [
        ("26123456FFFFFF", "6700"),
        ("16123456FFFFFFFF", "6A80"),
        ("23123FFFFFFFFFFF", "6A80"),
        ("2D1234567890123F", "6A80"),
        ("26123456FFFFFFF0", "6A80"),
        ("2612A456FFFFFFFF", "6A80"),
    ],
)
def test_malformed_pin_blocks_cost_nothing(card, block, sw):
    card.start()
    assert card.send(f"00200080{len(block) // 2:02X}{block}") == sw
    assert card.data("9F17") == "03"
    assert card.first().cvr == "03A00000"


def test_malformed_pin_block_may_cost_a_try(make):
    card = make(payment={"settings": {"malformed_pin_counts": True}})
    card.start()
    assert card.send("002000800816123456FFFFFFFF") == "63C2"


def test_enciphered_pin_is_not_offered(card):
    assert card.send("0084000008") == "6D00"
    assert card.send("002000880826123456FFFFFFFF") == "6A86"
    assert card.send("002000000826123456FFFFFFFF") == "6A86"


def test_pin_try_is_spent_before_the_comparison(card):
    card.start()
    lost = []

    class Cut(Exception):
        pass

    def cut():
        lost.append(1)
        if len(lost) == 4:
            raise Cut

    card.card.memory.write_hook = cut
    with pytest.raises(Cut):
        card.verify("123456")
    card.card.memory.write_hook = None
    assert card.data("9F17") == "02"
