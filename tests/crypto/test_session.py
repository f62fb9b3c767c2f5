"""Session keys and cryptograms: the rules spelled out with a second library, wrong inputs. Vectors are in `test_card_vectors`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto import (
    Algorithm,
    CryptoError,
    authentication_cryptogram,
    card_authentication_code,
    load_session_key,
    mac_sm4,
    purchase_session_key,
    session_key,
    transaction_authentication_code,
    xor_halves,
)

from . import oracle

SM4 = Algorithm.SM4
KEY = st.binary(min_size=16, max_size=16)
EIGHT = st.binary(min_size=8, max_size=8)


@given(KEY, EIGHT, EIGHT)
def test_assumption_the_sm4_cryptogram_is_the_fold_of_two_encryptions(
    key: bytes, challenge: bytes, source: bytes
) -> None:
    # Details §5.1 row 3: seen in a personalisation tool and in a sibling card's standard, not in this card's own text
    process_key = oracle.sm4_encrypt(key, challenge + bytes(8))
    result = oracle.sm4_encrypt(process_key, source + bytes(8))
    assert session_key(SM4, key, challenge) == process_key
    folded = bytes(left ^ right for left, right in zip(result[:8], result[8:], strict=True))
    assert authentication_cryptogram(SM4, key, challenge, source) == folded


@given(KEY, st.binary(min_size=4, max_size=4), st.binary(min_size=2, max_size=2), st.binary(min_size=4, max_size=4))
def test_assumption_sm4_transaction_keys_fill_up_with_zeros(
    key: bytes, random: bytes, sequence: bytes, terminal_sequence: bytes
) -> None:
    # Details §6.2: SM4 purchase and load are not published
    purchase_input = random + sequence + terminal_sequence[2:] + bytes(8)
    assert purchase_session_key(SM4, key, random, sequence, terminal_sequence) == oracle.sm4_encrypt(
        key, purchase_input
    )
    load_input = random + sequence + b"\x80\x00" + bytes(8)
    assert load_session_key(SM4, key, random, sequence) == oracle.sm4_encrypt(key, load_input)


@given(KEY, st.binary(max_size=40))
def test_assumption_sm4_transaction_codes_use_the_whole_key(key: bytes, data: bytes) -> None:
    # Details §6.2
    for form in ("xor", "mac"):
        assert transaction_authentication_code(SM4, key, data, form, fold="left") == mac_sm4(key, data, fold="left")


@given(KEY, st.binary(min_size=12, max_size=12))
def test_assumption_the_sm4_card_authentication_code_is_a_folded_mac(key: bytes, data: bytes) -> None:
    assert card_authentication_code(SM4, key, data) == mac_sm4(key, data)


def test_the_halves_of_a_key() -> None:
    assert xor_halves(bytes.fromhex("00FF00FF00FF00FF0F0F0F0F0F0F0F0F")) == bytes.fromhex("0FF00FF00FF00FF0")


@pytest.mark.parametrize("algorithm", Algorithm)
def test_wrong_inputs(algorithm: Algorithm) -> None:
    key = bytes(16)
    with pytest.raises(CryptoError, match="challenge has 4 bytes"):
        session_key(algorithm, key, bytes(4))
    with pytest.raises(CryptoError, match="challenge has 16 bytes"):
        authentication_cryptogram(algorithm, key, bytes(16), bytes(8))
    with pytest.raises(CryptoError, match="original information has 7 bytes"):
        authentication_cryptogram(algorithm, key, bytes(8), bytes(7))
    with pytest.raises(CryptoError, match="card identification has 16 bytes"):
        card_authentication_code(algorithm, key, bytes(16))
    with pytest.raises(CryptoError, match="random number has 8 bytes"):
        load_session_key(algorithm, key, bytes(8), bytes(2))
    with pytest.raises(CryptoError, match="transaction sequence number has 4 bytes"):
        load_session_key(algorithm, key, bytes(4), bytes(4))
    with pytest.raises(CryptoError, match="terminal transaction sequence number has 2 bytes"):
        purchase_session_key(algorithm, key, bytes(4), bytes(2), bytes(2))
    with pytest.raises(CryptoError, match="DTK has 8 bytes"):
        transaction_authentication_code(algorithm, bytes(8), b"")
    with pytest.raises(CryptoError, match="key has 8 bytes"):
        xor_halves(bytes(8))
