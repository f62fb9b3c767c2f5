"""MACs: ISO/IEC 9797-1:1999 annex B, pyemv as a second opinion, gmalg for the chain of SM4."""

import pyemv.mac
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto import Algorithm, CryptoError, mac, mac_blocks, mac_des, mac_sm4, pad_mac
from emulator.crypto.mac import Fold, fold_words

from . import oracle

KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
TEXT_1 = b"Now is the time for all "
TEXT_2 = b"Now is the time for it"
KEYS = st.binary(min_size=16, max_size=16)


# ISO/IEC 9797-1:1999 annex B: strings 1 and 2, keys K and K', padding methods 1 (zeros) and 2 (80 00 …)
@pytest.mark.parametrize(
    ("key", "text", "method", "expected"),
    [
        (KEY[:8], TEXT_1, 1, "70A30640"),
        (KEY[:8], TEXT_1, 2, "10E1F0F1"),
        (KEY[:8], TEXT_2, 1, "E45B3AD2"),
        (KEY[:8], TEXT_2, 2, "A924C721"),
        (KEY, TEXT_1, 1, "A1C72E74EA3FA9B6"),
        (KEY, TEXT_1, 2, "E9086230CA3BE796"),
        (KEY, TEXT_2, 1, "2E2B1428CC78254F"),
        (KEY, TEXT_2, 2, "5A692CE64F404145"),
    ],
)
def test_published_macs(key: bytes, text: bytes, method: int, expected: str) -> None:
    result = bytes.fromhex(expected)
    if method == 1:
        assert mac_blocks(Algorithm.DES3, key, text + bytes(-len(text) % 8)).startswith(result)
    else:
        assert mac_des(key, text, length=len(result)) == result


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # pyemv uses 8-byte keys
@given(KEYS, st.binary(max_size=60), st.integers(4, 8))
def test_algorithm_3_agrees_with_pyemv(key: bytes, data: bytes, length: int) -> None:
    assert mac_des(key, data, length=length) == pyemv.mac.mac_iso9797_3(key[:8], key[8:], data, 2, length)


@given(KEYS, st.binary(max_size=60))
def test_the_chain_of_sm4_agrees_with_gmalg(key: bytes, data: bytes) -> None:
    padded, state = pad_mac(data, 16), bytes(16)
    for start in range(0, len(padded), 16):
        state = oracle.sm4_encrypt(key, bytes(a ^ b for a, b in zip(padded[start : start + 16], state, strict=True)))
    assert mac_sm4(key, data, fold="left", length=16) == state
    assert mac_sm4(key, data, fold="left") == state[:4]


def test_folding_is_exclusive_or_of_the_words() -> None:
    block = bytes.fromhex("00000001000000200000030000004000")
    assert fold_words(block, 4) == bytes.fromhex("00004321")
    assert fold_words(block, 8) == bytes.fromhex("0000030100004020")
    assert fold_words(block, 16) == block


@given(KEYS, st.binary(max_size=60), st.sampled_from([4, 8]))
def test_assumption_the_sm4_mac_is_the_folded_last_block(key: bytes, data: bytes, length: int) -> None:
    # Working assumption 5 of the specification, details §9A sm4.mac.fold: no published SM4 MAC of this card exists
    whole = mac_sm4(key, data, fold="left", length=16)
    assert mac_sm4(key, data, length=length) == fold_words(whole, length)


@given(KEYS, st.binary(max_size=60), st.binary(min_size=16, max_size=16))
def test_the_initial_vector_enters_the_first_block(key: bytes, data: bytes, iv: bytes) -> None:
    for algorithm in Algorithm:
        size = algorithm.block_size
        padded = pad_mac(data, size)
        joined = bytes(a ^ b for a, b in zip(padded[:size], iv, strict=False)) + padded[size:]
        expected = mac_blocks(algorithm, key, joined)
        assert mac_blocks(algorithm, key, padded, iv[:size]) == expected
        assert mac(algorithm, key, data, iv[:size], fold="left") == expected[:4]


@given(KEYS, st.binary(max_size=40))
def test_one_name_for_both(key: bytes, data: bytes) -> None:
    assert mac(Algorithm.DES3, key, data) == mac_des(key, data)
    assert mac(Algorithm.SM4, key, data) == mac_sm4(key, data)


@pytest.mark.parametrize("length", [0, 3, 9])
def test_wrong_length_of_a_des_mac(length: int) -> None:
    with pytest.raises(CryptoError, match="4 to 8 bytes"):
        mac_des(KEY, b"", length=length)


@pytest.mark.parametrize(("length", "fold"), [(5, "xor"), (3, "left"), (17, "left")])
def test_wrong_length_of_an_sm4_mac(length: int, fold: Fold) -> None:
    with pytest.raises(CryptoError, match="4, 8 or 16 bytes"):
        mac_sm4(KEY, b"", fold=fold, length=length)


@pytest.mark.parametrize(
    ("algorithm", "key", "blocks", "iv"),
    [
        (Algorithm.DES3, 16, 0, 8),
        (Algorithm.DES3, 16, 7, 8),
        (Algorithm.DES3, 9, 8, 8),
        (Algorithm.DES3, 24, 16, 8),
        (Algorithm.DES3, 16, 8, 4),
        (Algorithm.DES3, 16, 16, 4),
        (Algorithm.DES3, 16, 8, 0),
        (Algorithm.SM4, 8, 16, 16),
        (Algorithm.SM4, 16, 16, 8),
    ],
)
def test_wrong_inputs(algorithm: Algorithm, key: int, blocks: int, iv: int) -> None:
    with pytest.raises(CryptoError):
        mac_blocks(algorithm, bytes(key), bytes(blocks), bytes(iv))
