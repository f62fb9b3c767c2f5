"""The dual-algorithm card: DF69 chooses a set for one transaction, nothing of the two is mixed, everything else is shared.

Rows PAY-SMA-001 to 004 and 018. Keys and cryptograms are computed by second libraries (`issuer`).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.apps.payment.application import Counter
from emulator.crypto import payment as crypto
from emulator.iso7816 import tlv
from profiles import load
from profiles.keys import root_key

from . import issuer
from .antenna import AAC, ARQC, TC, Antenna, antenna
from .issuer import DES3, SM4
from .terminal import ARQC as REQUEST
from .terminal import QUIET, SELECT, Terminal, profile
from .terminal import TC as CERTIFICATE

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of pyemv

PRODUCTS = pytest.mark.parametrize("product", ["debit-dual", "ssc3-sm4"])
SETS = pytest.mark.parametrize("algorithm", [DES3, SM4])
IDENTIFIER = {DES3: 0x01, SM4: 0x04}
AFL = {DES3: "0801010008030300100105001801020120010100", SM4: "0801010008030300300103001801020120010100"}
TERMINAL_VALUES = 29
"""Bytes of CDOL1 that a cryptogram of version 01 covers."""


def dual(product: str = "debit-dual", **more) -> Terminal:
    card = Terminal(profile(product, data=QUIET, **more))
    card.poke("9F13", "0001")
    card.select()
    return card


def key_of(card: Terminal, algorithm: str, name: str, counter: bytes) -> bytes:
    root = root_key(card.profile, f"DEBIT{name}{'SM' if algorithm == SM4 else ''}", 1)
    return issuer.session_key(algorithm, root, card.pan, card.psn, counter)


def other(algorithm: str) -> str:
    return DES3 if algorithm == SM4 else SM4


def covered(card: Terminal, answer, **values) -> bytes:
    return bytes.fromhex(card.cdol(**values))[:TERMINAL_VALUES] + b"\x7d\0" + answer.atc + answer.issuer_data[3:7]


@PRODUCTS
@SETS
def test_everything_of_a_transaction_is_of_the_chosen_set(product, algorithm):
    """List of files, algorithm identifier, cryptogram, ARPC, MAC of issuer data and of a script."""
    card = dual(product)
    assert card.start(sm=algorithm == SM4) == f"80167D00{AFL[algorithm]}9000"
    answer = card.first(REQUEST)
    assert answer.issuer_data[7] == IDENTIFIER[algorithm]
    key = key_of(card, algorithm, "AC", answer.atc)
    assert answer.ac == issuer.cryptogram(algorithm, key, covered(card, answer))
    balance, mac_key = answer.issuer_data[10:15], key_of(card, algorithm, "MAC", answer.atc)
    assert answer.issuer_data[15:] == issuer.mac(algorithm, mac_key, answer.atc + balance + b"\0")
    arpc = issuer.response_cryptogram(algorithm, key, answer.ac, b"00")
    assert card.send(f"008200000A{arpc.hex()}3030") == "9000"
    assert card.second().kind == CERTIFICATE
    head = bytes.fromhex("04DA9F790A")
    value = bytes.fromhex("000000050000")
    mac = issuer.mac(algorithm, mac_key, head + answer.atc + answer.ac + value)
    assert card.send((head + value + mac).hex()) == "9000"
    assert card.data("9F79") == "000000050000"


@SETS
def test_nothing_of_the_other_set_is_taken(algorithm):
    card = dual()
    card.start(sm=algorithm == SM4)
    answer = card.first(REQUEST)
    wrong = other(algorithm)
    arpc = issuer.response_cryptogram(wrong, key_of(card, wrong, "AC", answer.atc), answer.ac, b"00")
    before = card.card.snapshot()
    assert card.send(f"008200000A{arpc.hex()}3030") == "6300"
    card.card.memory.restore(before)
    card.start(sm=algorithm == SM4)
    answer = card.first(REQUEST)
    head = bytes.fromhex("841E000004")
    mac = issuer.mac(wrong, key_of(card, wrong, "MAC", answer.atc), head + answer.atc + answer.ac)
    assert card.send((head + mac).hex()) == "6988"


@SETS
def test_pin_change_and_load_log_are_of_the_chosen_set(algorithm):
    card = dual()
    card.start(sm=algorithm == SM4)
    answer = card.first(REQUEST)
    assert card.change_pin("888888") == "9000"
    assert card.verify("888888") == "9000"
    assert card.script("04DA9F79", "000000050000") == "9000"
    log = bytes.fromhex(card.send("00B2006400"))[:-2]
    assert log[2] == 1
    assert log[-4:] == issuer.mac(algorithm, key_of(card, algorithm, "MAC", answer.atc), log[:-4])


def test_a_wrongly_filled_indicator_is_that_of_a_terminal_without_sm():
    card = dual()
    answer = card.send("80A800000C830A0000000000010001560200")
    assert answer == f"80167D00{AFL[DES3]}9000"


def test_the_choice_ends_with_the_transaction():
    """SELECT and reset bring the set without SM back, as the MAC of the load log shows; the next options choose anew."""
    card = dual()
    for sm in (True, False, True):
        card.start(sm=sm)
        assert card.first(CERTIFICATE).issuer_data[7] == (4 if sm else 1)
    for end in (lambda: card.send(SELECT), card.power_off):
        card.start(sm=True)
        counter = bytes.fromhex(card.data("9F36"))
        end()
        log = bytes.fromhex(card.send("00B2006400"))[:-2]
        assert log[-4:] == issuer.mac(DES3, key_of(card, DES3, "MAC", counter), log[:-4])


@pytest.mark.parametrize("algorithm", [DES3, SM4])
def test_what_works_before_a_choice_is_a_setting(algorithm):
    """The text does not say with which set the whole load log is authenticated before DF69 came."""
    card = dual(payment={"settings": {"algorithms_before_start": algorithm}})
    card.start(sm=True)
    counter = bytes.fromhex(card.data("9F36"))
    card.power_off()
    log = bytes.fromhex(card.send("00B2006400"))[:-2]
    assert log[-4:] == issuer.mac(algorithm, key_of(card, algorithm, "MAC", counter), log[:-4])
    card.start()
    assert card.first(REQUEST).issuer_data[7] == 1


# Shared state


def test_counters_and_limits_are_shared():
    """Row PAY-SMA-018: transaction counter, cumulative amount, tries and issuer authentication of both sets are one."""
    card = dual()
    for number, sm in enumerate((False, True, True, False), 1):
        card.start(sm=sm)
        assert int.from_bytes(card.first(CERTIFICATE, amount=100).atc) == number
        assert card.peek(Counter.CUMULATIVE_AMOUNT) == number * 100
    card.start(sm=True)
    assert card.verify("999999") == "63C2"
    card.start()
    assert card.verify("999999") == "63C1"
    card.start(sm=True)
    card.first(REQUEST)
    assert card.authenticate(wrong=True) == "6300"
    card.start()
    assert card.first(REQUEST).cvr == "03A08800"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9000)), min_size=1, max_size=6))
def test_e_cash_of_both_sets_is_one_balance(payments):
    card = dual(payment={})
    balance = int(card.data("9F79"))
    for sm, amount in payments:
        card.start(amount, e_cash=True, sm=sm)
        spent = card.first(CERTIFICATE, amount=amount)
        if amount <= balance:
            balance -= amount
            assert spent.kind == CERTIFICATE
            assert int(spent.issuer_data[10:15].hex()) == balance
        assert int(card.data("9F79")) == balance


# Contactless


@SETS
def test_quick_transaction_of_the_chosen_set(algorithm):
    card = antenna("debit-dual")
    asked = f"{int(algorithm == SM4):02d}"
    for amount, ttq, kind in ((100, "27000080", TC), (100, "27800080", ARQC), (30000, "2F000080", AAC)):
        tap = card.tap(amount, ttq=ttq, sm=asked)
        assert tap.kind == kind
        data = tap.objects[0x9F10]
        assert data[7] == IDENTIFIER[algorithm]
        counter, number = tap.objects[0x9F36], card.sent["9F37"]
        key = key_of(card, algorithm, "AC", counter)
        input_17 = card.sent["9F02"] + number + counter + data[4:5]
        assert tap.objects[0x9F26] == issuer.cryptogram(algorithm, key, input_17)
        if kind == TC:
            assert (0x9F4B in tap.objects) is (algorithm == SM4)
            found = {**tap.objects, **card.read(tap)}
            assert len(found[0x9F4B]) == (69 if algorithm == SM4 else 144)
            assert found[0x8F] == (b"\xc1" if algorithm == SM4 else b"\xc2")


def test_quick_debits_of_both_sets_are_one_balance():
    card = antenna("debit-dual")
    for number, asked in enumerate(("00", "01", "00"), 1):
        tap = card.tap(1000, sm=asked)
        assert tap.kind == TC
        found = {**tap.objects, **card.read(tap)}
        assert found[0x9F5D].hex() == f"{20000 - 1000 * number:012d}"
        card.leave()
    tap = card.tap(1000, sm="01")
    card.read(tap, but_last=True)
    card.leave()
    card.tap(0, ttq="27800080", sm="00")
    assert card.data("9F79") == "000000017000"


def test_card_with_sm_alone():
    """Rows PAY-SMA-003 and 004: on the contacts DF69 is ignored, a quick transaction without SM is refused."""
    card = Terminal(profile("debit-sm", data=QUIET))
    card.poke("9F13", "0001")
    for asked in ("00", "01"):
        card.select()
        card.send(f"80A800000C830A000000000001000156{asked}00")
        assert card.first(REQUEST).issuer_data[7] == 4
    tapped = Antenna(card)
    assert tapped.tap(sm="00").sw == "6985"
    assert tapped.tap(sm="01").kind == TC


def test_enciphered_pin_is_for_rsa_alone():
    """The standard gives SM2 no way to encipher a PIN: refused in a transaction with it, and no try is spent."""
    card = dual("ssc3-sm4")
    card.start(sm=True)
    card.send("0084000008")
    assert card.send("0020008880" + "00" * 128) == "6985"
    assert card.data("9F17") == "03"
    card.start()
    card.send("0084000008")
    assert card.send("0020008880" + "00" * 128) == "63C2"


def test_both_sets_are_on_one_card():
    """The records of both sets, each with its own authority."""
    card = dual()
    found = {}
    for sm in (False, True):
        afl = bytes.fromhex(card.start(sm=sm))[4:-2]
        tags = set()
        for start in range(0, len(afl), 4):
            sfi, first, last, _ = afl[start : start + 4]
            for number in range(first, last + 1):
                record = bytes.fromhex(card.send(f"00B2{number:02X}{sfi | 4:02X}00"))[:-2]
                children = tlv.parse(record)[0].children
                assert not tags & {item.tag for item in children}
                tags |= {item.tag for item in children}
                found.update({(sm, item.tag): item.value for item in children})
        assert ({0x92, 0x9F32, 0x9F47, 0x9F48} & tags == set()) is sm
    assert found[False, 0x8F] != found[True, 0x8F]
    for shared in (0x57, 0x5A, 0x8C, 0x8D, 0x9F49, 0x9F4A):
        assert found[False, shared] == found[True, shared]


def test_keys_of_the_two_sets_differ():
    of = load("debit-dual")
    names = [name for name, key in of.directory["DEBIT"].key.items() if key.use.startswith("payment")]
    assert len({root_key(of, name, 1) for name in names}) == 6
    derived = crypto.card_key(crypto.Algorithm.DES3, root_key(of, "DEBITAC", 1), "6214988660100000304", "01")
    assert derived != crypto.card_key(crypto.Algorithm.SM4, root_key(of, "DEBITAC", 1), "6214988660100000304", "01")
