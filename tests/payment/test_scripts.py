"""Issuer scripts and logs: rows SCR and LOG of the requirements."""

import contextlib

import pytest

from emulator.apps.payment.application import Counter
from emulator.cos.memory import PowerLoss
from emulator.crypto import payment as crypto

from .terminal import AAC, ARQC, SELECT, TC, Terminal

BLOCK, UNBLOCK, CARD_BLOCK, PIN_UNBLOCK = "841E0000", "84180000", "84160000", "84240000"
BALANCE, LIMIT = "04DA9F79", "04DA9F58"
LOG, LOAD_LOG = "00B2{:02X}5C00", "00B2{:02X}6400"


@pytest.fixture
def after(card) -> Terminal:
    """After the second cryptogram of a good online transaction."""
    card.online()
    return card


def started(card):
    card.start()
    card.first(ARQC)
    return card


# What scripts have in common


def test_counter_and_flag_show_next_time(after):
    for _ in range(2):
        assert after.script(BALANCE, "000000030000") == "9000"
    assert after.script(BALANCE, "000000040000", wrong=True) == "6988"
    assert after.script(BALANCE, "000000040000") == "6985"
    assert after.data("9F79") == "000000030000"
    assert after.offline(TC).cvr == "03900048"


def test_failed_script_may_force_the_next_one_online(make):
    card = make({"9F52": "0008"})
    card.online()
    card.script(BALANCE, "000000030000", wrong=True)
    assert card.offline(TC).cvr == "03A00018"


def test_counter_saturates(after):
    for _ in range(17):
        after.script(PIN_UNBLOCK)
    assert after.offline(TC).cvr == "039000F0"


def test_scripts_before_the_second_cryptogram_are_not_counted(card):
    started(card)
    assert card.script(BALANCE, "000000030000") == "9000"
    assert card.script(BALANCE, "000000030000", wrong=True) == "6988"
    assert card.peek(Counter.SCRIPTS) == card.peek(Counter.SCRIPT_FAILED) == 0


def test_scripts_need_a_cryptogram(card):
    card.start()
    assert card.script(BLOCK) == "6985"
    assert card.select().endswith("9000")


def test_scripts_without_issuer_authentication_and_after_a_failed_one(card):
    started(card)
    card.second()
    assert card.script(BALANCE, "000000030000") == "9000"
    started(card)
    card.authenticate(wrong=True)
    card.second()
    assert card.script(BALANCE, "000000040000") == "6985"
    assert card.data("9F79") == "000000030000"


def test_missing_secure_messaging(after):
    assert after.send("04DA9F7902" + "0000") == "6987"
    assert after.send("00DC01240A70089F1401019F230102") == "6987"
    assert after.peek(Counter.SCRIPT_FAILED) == 1
    assert after.script(PIN_UNBLOCK) == "9000"


def test_other_failures_set_no_flag(after):
    assert after.send("00B2FF0C00") == "6A83"
    assert after.peek(Counter.SCRIPT_FAILED) == 0


def test_a_script_is_bound_to_its_transaction(after):
    after.script(PIN_UNBLOCK)
    mac = crypto.payment_mac(
        after.algorithm, after.session_key("MAC"), bytes.fromhex(PIN_UNBLOCK + "04" + "0001") + after.first_ac
    )
    assert after.send(f"{PIN_UNBLOCK}04{mac.hex()}") == "9000"
    after.online()
    assert after.send(f"{PIN_UNBLOCK}04{mac.hex()}") == "6988"


def test_length_in_the_mac_counts_the_mac(after):
    data = bytes.fromhex("000000030000")
    covered = bytes.fromhex(BALANCE + "06" + "0001") + after.first_ac + data
    mac = crypto.payment_mac(after.algorithm, after.session_key("MAC"), covered)
    assert after.send(f"{BALANCE}0A{data.hex()}{mac.hex()}") == "6988"


@pytest.mark.parametrize("length", [4, 5, 8])
def test_longer_macs_are_tolerated(after, length):
    assert after.script(BLOCK, length=length) == "9000"


# Blocking


def test_block_takes_effect_after_the_transaction(card):
    started(card)
    assert card.script(BLOCK) == "9000"
    assert card.script(BLOCK) == "9000"
    assert card.second(TC).kind == TC
    assert card.offline(TC).kind == AAC
    assert card.offline(ARQC).kind == AAC
    card.power_off()
    assert card.select().endswith("6283")


def test_unblocking(card):
    started(card)
    card.script(BLOCK)
    assert card.offline(AAC).kind == AAC
    assert card.script(UNBLOCK, wrong=True) == "6988"
    assert card.select().endswith("6283")
    assert card.offline(AAC).kind == AAC
    assert card.script(UNBLOCK) == "9000"
    assert card.script(UNBLOCK) == "9000"
    assert card.select().endswith("9000")
    assert card.offline(ARQC).kind == ARQC


def test_card_block_is_for_ever(card):
    started(card)
    assert card.script(CARD_BLOCK) == "9000"
    assert card.authenticate() == "9000"
    assert card.second(TC).kind == TC
    assert card.script(CARD_BLOCK) == "9000"
    assert card.start() == "6985"
    pse = "00A404000E315041592E5359532E444446303100"
    for _ in range(2):
        assert [card.send(name) for name in (SELECT, pse, pse.replace("31", "32", 1))] == ["6A81"] * 3
        card.power_off()
    assert card.send("00B2010C00") == "6A81"


@pytest.mark.parametrize("header", ["841E0001", "84180100", "84160001"])
def test_parameters_of_blocking_commands(after, header):
    assert after.script(header) == "6A86"
    assert after.select().endswith("9000")


# PIN


def test_unblocking_the_pin(after):
    after.lose_pin_tries()
    assert after.script(PIN_UNBLOCK) == "9000"
    assert after.data("9F17") == "03"
    after.start()
    assert after.verify("123456") == "9000"


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
@pytest.mark.parametrize(("new", "current"), [("8888", None), ("888888888888", None), ("0000", "123456")])
def test_new_pin(make, product, new, current):
    card = make(product=product)
    card.online()
    card.lose_pin_tries()
    assert card.change_pin(new, current) == "9000"
    card.start()
    assert card.verify("123456") == "63C2"
    assert card.verify(new) == "9000"


def test_wrong_current_pin(make):
    card = make()
    card.online()
    assert card.change_pin("0000", "9999") == "6A80"
    assert card.data("9F17") == "03"
    counting = make(payment={"settings": {"wrong_current_pin_counts": True}})
    counting.online()
    assert counting.change_pin("0000", "9999") == "6A80"
    assert counting.data("9F17") == "02"
    counting.start()
    assert counting.verify("123456") == "9000"


def test_malformed_pin_message(after):
    assert after.script("84240002", "00" * 16) == "6A80"
    assert after.script("84240003", "00" * 16) == "6A86"
    assert after.script("84240002", "00" * 8) == "6700"
    after.start()
    assert after.verify("123456") == "9000"


# Data


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("9F53", "07"), ("9F54", "000000123456"), ("9F58", "03"), ("9F59", "04"), ("9F5C", "000000654321"),
        ("9F72", "09"), ("9F73", "10000025"), ("9F75", "000000000001"), ("9F77", "000000200000"),
        ("9F78", "000000000777"), ("9F6D", "000000000888"), ("DF77", "000000000999"), ("DF78", "000000000111"),
        ("DF76", "000000000222"),
    ],
)  # fmt: skip
def test_values_that_a_script_may_set(make, tag, value):
    zero = "0" * len(value)
    data = {"9F76": "0344", tag: zero if tag[-2:] != "77" else "000000100000"}
    card = make(data, payment={"settings": {"special_device": True}})
    card.online()
    assert card.script(f"04DA{tag}", value) == "9000"
    assert card.data(tag) == value
    assert card.send(LOAD_LOG.format(1)) == "6A83"


@pytest.mark.parametrize(
    ("header", "data", "sw"),
    [
        ("04DA9F51", "0840", "6A88"),
        ("04DA9F36", "0000", "6A88"),
        ("04DA9F13", "0000", "6A88"),
        ("04DA9F75", "000000000001", "6A88"),
        ("04DA9F78", "0000000001", "6700"),
        ("04DA9F78", "00000000000A", "6A80"),
        ("04DA9F79", "000000100001", "6A80"),
    ],
)
def test_values_that_a_script_may_not_set(after, header, data, sw):
    assert after.script(header, data) == sw
    assert after.peek(Counter.SCRIPT_FAILED) == 1
    assert after.data("9F79") == "000000020000"
    assert after.send(LOAD_LOG.format(1)) == "6A83"


def test_update_record_replaces_one_record(after):
    record = "70089F1401019F230102"
    others = [after.send(f"00B2{number:02X}0C00") for number in (1, 2)]
    assert after.script("04DC0124", record) == "9000"
    assert after.send("00B2012400") == record + "9000"
    assert [after.send(f"00B2{number:02X}0C00") for number in (1, 2)] == others


@pytest.mark.parametrize(
    ("header", "data", "sw"),
    [
        ("04DC0224", "70089F1401019F230102", "6A83"),
        ("04DC014C", "70089F1401019F230102", "6A82"),
        ("04DC011C", "70089F1401019F230102", "6982"),
        ("04DC015C", "00" * 45, "6982"),
        ("04DC0124", "71089F1401019F230102", "6A80"),
        ("04DC0124", "70099F1401019F230102", "6A80"),
        ("04DC0124", "700C9F1401019F2301029F050101", "6A84"),
        ("04DC0125", "70089F1401019F230102", "6A86"),
    ],
)
def test_records_that_cannot_be_updated(after, header, data, sw):
    assert after.script(header, data) == sw
    assert after.peek(Counter.SCRIPT_FAILED) == 1


def test_scripts_are_whole_or_nothing_at_any_loss_of_power(after):
    """A load changes balance, log and script counter; cut at every write."""
    fresh = after.card.snapshot()
    session = after.card.session
    outcomes = set()
    for cut in range(1, 12):
        after.card.restore(fresh)
        after.card.session = session
        left = [cut]

        def hook(left=left):
            left[0] -= 1
            if not left[0]:
                raise PowerLoss

        after.card.memory.write_hook = hook
        with contextlib.suppress(PowerLoss):
            after.script(BALANCE, "000000030000")
        after.card.memory.write_hook = None
        logged = bool(after.card.memory.cells["file:DEBIT/LOADLOG"])
        after.card.reset()
        after.select()
        outcomes.add((after.data("9F79"), logged, after.peek(Counter.SCRIPTS)))
    assert outcomes == {("000000020000", False, 0), ("000000030000", True, 1)}


# Logs


def test_transaction_log(card):
    assert card.send(LOG.format(1)) == "6A83"
    card.offline(ARQC)
    card.offline(AAC)
    card.set_counter(Counter.ONLINE_REQUESTED, 0)
    assert card.send(LOG.format(1)) == "6A83"
    card.offline(TC, amount=123, other=45)
    card.online(amount=678)
    newest = "261123" + "143000" + f"{678:012d}" + "0" * 12 + "0156" + "0156"
    newest += b"TEST MERCHANT".ljust(20, b"\0").hex().upper() + "00" + "0004"
    assert card.send(LOG.format(1)) == newest + "9000"
    assert card.send(LOG.format(2))[12:36] == f"{123:012d}{45:012d}"
    assert card.send(LOG.format(3)) == "6A83"


def test_transaction_log_is_cyclic_and_readable_when_blocked(card):
    for number in range(1, 13):
        card.offline(TC, amount=number)
    card.card.memory.commit({"directory:DEBIT": 2})
    card.select()
    amounts = [int(card.send(LOG.format(number))[12:24]) for number in range(1, 11)]
    assert amounts == list(range(12, 2, -1))
    assert card.send(LOG.format(11)) == "6A83"


def test_load_log(after):
    assert after.script(BALANCE, "000000030000") == "9000"
    assert after.script("04DADF79", "000000040000") == "9000"
    first = "9F79" + "000000020000" + "000000030000" + "261123" + "143000" + "0156"
    first += b"TEST MERCHANT".ljust(20, b"\0").hex().upper() + "0001"
    assert after.send(LOAD_LOG.format(2)) == first + "9000"
    assert after.send(LOAD_LOG.format(1)).startswith("DF79" + "000000010000" + "000000040000")
    after.script(BALANCE, "000000050000", wrong=True)
    assert after.send(LOAD_LOG.format(3)) == "6A83"


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_whole_load_log(make, order):
    card = make(payment={"settings": {"full_load_log_order": order}})
    answer = bytes.fromhex(card.send("00B2006400"))[:-2]
    assert answer[:3] == b"\0\0\0"
    card.online()
    for number in range(1, 13):
        assert card.script(BALANCE, f"{number:012d}") == "9000"
    answer = bytes.fromhex(card.send("00B2006400"))[:-2]
    assert answer[:3] == b"\0\1\x0a"
    records = [answer[3 + 22 * number : 25 + 22 * number].hex().upper() for number in range(10)]
    balances = [int(record[16:28]) for record in records]
    assert balances == (list(range(12, 2, -1)) if order == "newest first" else list(range(3, 13)))
    assert all(record.endswith("2611231430000001") for record in records)
    assert answer[-4:] == crypto.payment_mac(card.algorithm, card.session_key("MAC"), answer[:-4])


def test_debit_and_log_are_whole_or_nothing_at_any_loss_of_power(make):
    card = make()
    fresh = card.card.snapshot()
    outcomes = set()
    for cut in range(1, 12):
        card.card.restore(fresh)
        card.select()
        card.start(e_cash=True)
        left = [cut]

        def hook(left=left):
            left[0] -= 1
            if not left[0]:
                raise PowerLoss

        card.card.memory.write_hook = hook
        with contextlib.suppress(PowerLoss):
            card.first(TC)
        card.card.memory.write_hook = None
        card.power_off()
        outcomes.add((card.data("9F79"), card.send(LOG.format(1))[12:24]))
    assert outcomes == {("000000020000", ""), ("000000019900", "000000000100")}
