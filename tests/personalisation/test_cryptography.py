"""Keys, cryptograms and MACs of the secure channel: worked numbers, pyemv, and a second computation."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyemv.mac import mac_iso9797_3, pad_iso9797_2
from pyemv.tools import encrypt_tdes_cbc, key_check_digits

from emulator.crypto import Algorithm, CryptoError, encrypt_ecb
from emulator.crypto import personalisation as channel

from . import oracle

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of pyemv

WORKED = json.loads(files("tests.personalisation").joinpath("worked.json").read_text("utf-8"))
MASTER, KEY_DATA = bytes.fromhex(WORKED["KMC"]), bytes.fromhex(WORKED["KEYDATA"])
HOST, SEQUENCE, CARD = bytes.fromhex("A1A2A3A4A5A6A7A8"), bytes.fromhex("0001"), bytes.fromhex("B1B2B3B4B5B6")
ALGORITHMS = {"des3": Algorithm.DES3, "sm4": Algorithm.SM4}
BOTH = pytest.mark.parametrize("name", ALGORITHMS)
KEYS = st.binary(min_size=16, max_size=16)


def keys_of(name):
    algorithm = ALGORITHMS[name]
    own = channel.card_keys(algorithm, MASTER, KEY_DATA)
    return algorithm, own, channel.session_keys(algorithm, own, SEQUENCE)


@BOTH
def test_worked_numbers(name):
    worked, (algorithm, own, session) = WORKED[name], keys_of(name)
    assert [key.hex().upper() for key in own] == list(worked["K"].values())
    assert [key.hex().upper() for key in session] == list(worked["session"].values())
    card = channel.card_cryptogram(algorithm, session.enc, HOST, SEQUENCE, CARD)
    host = channel.host_cryptogram(algorithm, session.enc, HOST, SEQUENCE, CARD)
    assert (card.hex().upper(), host.hex().upper()) == (worked["card_cryptogram"], worked["host_cryptogram"])
    first, second = (bytes.fromhex(worked[step]["mac_input"]) for step in ("EXTERNAL_AUTHENTICATE", "STORE_DATA_next"))
    opened = channel.command_mac(algorithm, session.mac, first)
    stored = channel.command_mac(algorithm, session.mac, second, opened)
    assert opened[:8].hex().upper() == worked["EXTERNAL_AUTHENTICATE"]["C_MAC"]
    assert stored[:8].hex().upper() == worked["STORE_DATA_next"]["C_MAC"]
    values = worked["KCV_first3_of_encrypted_zero_block"]
    assert [channel.check_value(algorithm, key).hex().upper() for key in own] == list(values.values())
    assert channel.check_value(algorithm, MASTER).hex().upper() == worked["KMC_KCV"]
    wrapped = WORKED["dek_wrap_of_one_16_byte_key"]
    enciphered = encrypt_ecb(algorithm, session.dek, bytes.fromhex(wrapped["plain"])).hex().upper()
    assert enciphered == wrapped[f"under_SKUDEK_{'3DES' if name == 'des3' else 'SM4'}_ECB"]


@given(master=KEYS, data=st.binary(min_size=10, max_size=10), sequence=st.binary(min_size=2, max_size=2))
@pytest.mark.parametrize("algorithm", ["3DES", "SM4"])
def test_keys_by_another_hand(algorithm, master, data, sequence):
    own = channel.card_keys(Algorithm(algorithm), master, data)
    assert list(own) == oracle.card_keys(algorithm, master, data)
    session = channel.session_keys(Algorithm(algorithm), own, sequence)
    assert list(session) == oracle.session_keys(algorithm, list(own), sequence)
    assert channel.check_value(Algorithm(algorithm), own.enc) == oracle.check_value(algorithm, own.enc)


@given(key=KEYS, first=st.binary(max_size=60), second=st.binary(max_size=60))
@pytest.mark.parametrize("algorithm", ["3DES", "SM4"])
def test_macs_by_another_hand(algorithm, key, first, second):
    one = channel.command_mac(Algorithm(algorithm), key, first)
    assert one == oracle.mac(algorithm, key, first)
    assert channel.command_mac(Algorithm(algorithm), key, second, one) == oracle.mac(algorithm, key, second, one)


@given(key=KEYS, data=st.binary(max_size=60), sequence=st.binary(min_size=2, max_size=2))
def test_triple_des_against_pyemv(key, data, sequence):
    assert channel.command_mac(Algorithm.DES3, key, data) == mac_iso9797_3(key[:8], key[8:], data, 2)
    derived = channel.session_keys(Algorithm.DES3, channel.ChannelKeys(key, key, key), sequence)
    assert derived.enc == encrypt_tdes_cbc(key, bytes(8), b"\x01\x82" + sequence + bytes(12))
    challenges = HOST + sequence + CARD
    made = channel.card_cryptogram(Algorithm.DES3, key, HOST, sequence, CARD)
    assert made == encrypt_tdes_cbc(key, bytes(8), pad_iso9797_2(challenges, 8))[-8:]
    assert channel.check_value(Algorithm.DES3, key) == key_check_digits(key, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: channel.card_keys(Algorithm.DES3, bytes(8), KEY_DATA),
        lambda: channel.card_keys(Algorithm.DES3, MASTER, bytes(9)),
        lambda: channel.session_keys(Algorithm.DES3, channel.ChannelKeys(MASTER, MASTER, MASTER), bytes(3)),
        lambda: channel.card_cryptogram(Algorithm.SM4, MASTER, HOST, SEQUENCE, bytes(5)),
    ],
)
def test_wrong_lengths_are_named(call):
    with pytest.raises(CryptoError, match="bytes"):
        call()
