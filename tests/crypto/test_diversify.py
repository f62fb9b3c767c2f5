"""Key diversification: pyemv's EMV option A as a second opinion on the two-half method, factors, wrong inputs.

The vectors of the card are in `test_card_vectors`.
"""

import pyemv.kd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto import (
    Algorithm,
    CryptoError,
    card_factor,
    city_factor,
    derive,
    diversify,
    encrypt_block,
    province_factor,
)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # pyemv uses 16-byte keys
@given(st.binary(min_size=16, max_size=16), st.text("0123456789", min_size=16, max_size=16))
def test_two_halves_as_in_emv_option_a(key: bytes, digits: str) -> None:
    # pyemv sets odd parity, the card does not: compare without the parity bits
    theirs = pyemv.kd.derive_icc_mk_a(key, digits[:14], digits[14:])
    ours = diversify(Algorithm.DES3, key, bytes.fromhex(digits))
    assert [byte & 0xFE for byte in ours] == [byte & 0xFE for byte in theirs]


def test_factors() -> None:
    # Reconstructed specification §4.2 (city 519900, province 43) and §5.2 (serial of a Hunan card)
    assert city_factor("519900") == bytes.fromhex("353139393030") + b"sx"
    assert province_factor("430299") == bytes.fromhex("343330303030") + b"sh"
    assert card_factor(bytes.fromhex("00813147318650430200000013")) == bytes.fromhex("8650430200000013")


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
def test_assumption_sm4_encrypts_the_factor_and_its_complement(key: bytes, factor: bytes) -> None:
    # Working assumption of the specification (details §2.3, §9A sm4.diversify): the SM4 form is not published
    complement = bytes(0xFF - byte for byte in factor)
    assert diversify(Algorithm.SM4, key, factor) == encrypt_block(Algorithm.SM4, key, factor + complement)


@pytest.mark.parametrize("code", ["", "50000", "5000000", "50000A", "５０００００"])
def test_a_city_code_has_six_digits(code: str) -> None:
    for factor in (city_factor, province_factor):
        with pytest.raises(CryptoError, match="six digits"):
            factor(code)


def test_wrong_inputs() -> None:
    with pytest.raises(CryptoError, match="at least 8"):
        card_factor(bytes(7))
    for algorithm in Algorithm:
        with pytest.raises(CryptoError, match="factor has 9 bytes"):
            derive(algorithm, bytes(16), [bytes(8), bytes(9)])
        with pytest.raises(CryptoError, match="key has 15 bytes"):
            diversify(algorithm, bytes(15), bytes(8))
    with pytest.raises(CryptoError, match="SM4 key has 8 bytes"):
        diversify(Algorithm.SM4, bytes(8), bytes(8))


def test_no_factor_leaves_the_key() -> None:
    assert derive(Algorithm.SM4, b"k" * 16, []) == b"k" * 16
