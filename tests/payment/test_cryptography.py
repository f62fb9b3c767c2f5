"""Keys and cryptograms against published examples; keys of triple DES also by pyemv, a second library."""

import pytest
from gmalg import SM4
from hypothesis import given
from hypothesis import strategies as st
from pyemv import ac, kd, sm

from emulator.crypto import Algorithm, CryptoError
from emulator.crypto import payment as crypto

from .vectors import PBOC_3DES, PBOC_SM4

DES3, SM4_ALGORITHM = Algorithm.DES3, Algorithm.SM4


def session(algorithm, vector, key):
    udk = crypto.card_key(algorithm, bytes.fromhex(vector[key]), vector["PAN"], vector["PSN"])
    return crypto.session_key(algorithm, udk, bytes.fromhex(vector["ATC"]))


def test_published_triple_des_example():
    key = session(DES3, PBOC_3DES, "AC")
    arqc = crypto.application_cryptogram(DES3, key, bytes.fromhex(PBOC_3DES["input"]))
    assert arqc.hex().upper() == PBOC_3DES["ARQC"]
    arpc = crypto.response_cryptogram(DES3, key, arqc, PBOC_3DES["ARC"].encode())
    assert arpc.hex().upper() == PBOC_3DES["ARPC"]
    iad = bytes.fromhex(PBOC_3DES["IAD"])
    made = crypto.issuer_data_mac(DES3, session(DES3, PBOC_3DES, "MAC"), bytes.fromhex(PBOC_3DES["ATC"]), iad[10:15])
    assert made == iad[15:]


def test_published_sm4_example():
    udk = crypto.card_key(SM4_ALGORITHM, bytes.fromhex(PBOC_SM4["AC"]), PBOC_SM4["PAN"], PBOC_SM4["PSN"])
    assert udk.hex().upper() == PBOC_SM4["UDK"]
    key = crypto.session_key(SM4_ALGORITHM, udk, bytes.fromhex(PBOC_SM4["ATC"]))
    assert key.hex().upper() == PBOC_SM4["SK"]
    arqc = crypto.application_cryptogram(SM4_ALGORITHM, key, bytes.fromhex(PBOC_SM4["input"]))
    assert arqc.hex().upper() == PBOC_SM4["ARQC"]
    # The example's block under a second library: there is no published result.
    expected = SM4(key).encrypt(bytes.fromhex(PBOC_SM4["ARPC_block"]))[:8]
    assert crypto.response_cryptogram(SM4_ALGORITHM, key, arqc, PBOC_SM4["ARC"].encode()) == expected


digits = st.text("0123456789", min_size=1, max_size=19)
keys = st.binary(min_size=16, max_size=16)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of pyemv
@given(key=keys, pan=digits.filter(lambda text: len(text) >= 12), psn=st.integers(0, 99), data=st.binary(max_size=80))
def test_triple_des_agrees_with_pyemv(key, pan, psn, data):
    def odd(raw):  # pyemv adjusts the parity, which encryption ignores
        return bytes(byte & 0xFE | (1 - bin(byte >> 1).count("1") % 2) for byte in raw)

    made = crypto.card_key(DES3, key, pan, f"{psn:02d}")
    assert odd(made) == kd.derive_icc_mk_a(key, pan, f"{psn:02d}")
    assert crypto.application_cryptogram(DES3, key, data) == ac.generate_ac(key, data, ac.PaddingType.EMV)
    assert crypto.payment_mac(DES3, key, data) == sm.generate_command_mac(key, data, 4)
    assert crypto.response_cryptogram(DES3, key, made[:8], b"00") == ac.generate_arpc_1(key, made[:8], b"00")


@pytest.mark.parametrize("algorithm", Algorithm)
@given(
    key=keys,
    card=keys,
    new=st.text("0123456789", min_size=4, max_size=12),
    old=st.none() | st.text("0123456789", min_size=4, max_size=12),
)
def test_pin_change_in_both_directions(algorithm, key, card, new, old):
    message = crypto.pin_change_message(algorithm, key, card, new, old)
    assert len(message) == 16
    assert crypto.pin_of_change_message(algorithm, key, card, message, old) == new
    assert crypto.pin_of_block(crypto.pin_block(new)) == new


# The formulas of §3.10 of the details on the keys of the published example, worked by the author of the specification.
def test_worked_pin_change():
    enc = crypto.card_key(DES3, bytes.fromhex(PBOC_3DES["ENC"]), PBOC_3DES["PAN"], PBOC_3DES["PSN"])
    key = session(DES3, PBOC_3DES, "ENC")
    assert crypto.pin_change_message(DES3, key, enc, "888888").hex().upper() == "2282F364D85BFFC4C48BAFEFD63D7B4E"


@given(st.binary(max_size=20), st.integers(0, 15))
def test_any_bytes_are_a_pin_block_or_refused(block, control):
    try:
        pin = crypto.pin_of_block(block, control)
    except CryptoError:
        return
    assert 4 <= len(pin) <= 12
    assert pin.isdigit()
