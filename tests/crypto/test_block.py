"""Block ciphers against published vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto import (
    Algorithm,
    CryptoError,
    decrypt_block,
    decrypt_cbc,
    decrypt_ecb,
    encrypt_block,
    encrypt_cbc,
    encrypt_ecb,
)

from . import oracle

DES3, SM4 = Algorithm.DES3, Algorithm.SM4
NOW_IS_THE_TIME = b"Now is the time for all ".hex()
NIST_TEXT = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51"
SM4_TEXT = "AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB"

ECB = [
    # NIST SP 800-17 appendix A: variable plaintext, variable key, permutation, substitution table
    (DES3, "0101010101010101", "8000000000000000", "95F8A5E5DD31D900"),
    (DES3, "0101010101010101", "4000000000000000", "DD7F121CA5015619"),
    (DES3, "0101010101010101", "2000000000000000", "2E8653104F3834EA"),
    (DES3, "0101010101010101", "0000000000000001", "166B40B44ABA4BD6"),
    (DES3, "8001010101010101", "0000000000000000", "95A8D72813DAA94D"),
    (DES3, "4001010101010101", "0000000000000000", "0EEC1487DD8C26D5"),
    (DES3, "1046913489980131", "0000000000000000", "88D55E54F54C97B4"),
    (DES3, "7CA110454A1A6E57", "01A1D6D039776742", "690F5B0D9A26939B"),
    (DES3, "0131D9619DC1376E", "5CD54CA83DEF57DA", "7A389D10354BD271"),
    # FIPS 81 table B1
    (DES3, "0123456789ABCDEF", NOW_IS_THE_TIME, "3FA40E8A984D48156A271787AB8883F9893D51EC4B563B53"),
    # NIST examples with intermediate values, TDES_ECB, two-key
    (
        DES3,
        "0123456789ABCDEF23456789ABCDEF01",
        NIST_TEXT,
        "06EDE3D82884090AFF322C19F0518486730576972A666E58B6C88CF107340D3D",
    ),
    # GM/T 0002-2012 (GB/T 32907-2016) appendix A, example 1
    (SM4, "0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEFFEDCBA9876543210", "681EDF34D206965E86B3E94F536E4246"),
    # draft-ribose-cfrg-sm4 §A.2.1
    (
        SM4,
        "0123456789ABCDEFFEDCBA9876543210",
        SM4_TEXT,
        "5EC8143DE509CFF7B5179F8F474B86192F1D305A7FB17DF985F81C8482192304",
    ),
    (
        SM4,
        "FEDCBA98765432100123456789ABCDEF",
        SM4_TEXT,
        "C5876897E4A59BBBA72A10C83872245B12DD90BC2D200692B529A4155AC9E600",
    ),
]

CBC = [
    # FIPS 81 table C1
    (
        DES3,
        "0123456789ABCDEF",
        "1234567890ABCDEF",
        NOW_IS_THE_TIME,
        "E5C7CDDE872BF27C43E934008C389C0F683788499A7C05F6",
    ),
    # NIST examples with intermediate values, TDES_CBC, two-key
    (
        DES3,
        "0123456789ABCDEF23456789ABCDEF01",
        "F69F2445DF4F9B17",
        NIST_TEXT,
        "7401CE1EAB6D003CAFF84BF47B36CC2154F0238F9FFECD8F6ACF118392B45581",
    ),
    # draft-ribose-cfrg-sm4 §A.2.2.1
    (
        SM4,
        "0123456789ABCDEFFEDCBA9876543210",
        "000102030405060708090A0B0C0D0E0F",
        SM4_TEXT,
        "78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D",
    ),
]


@pytest.mark.parametrize(("algorithm", "key", "plain", "cipher"), ECB)
def test_published_ecb(algorithm: Algorithm, key: str, plain: str, cipher: str) -> None:
    assert encrypt_ecb(algorithm, bytes.fromhex(key), bytes.fromhex(plain)) == bytes.fromhex(cipher)
    assert decrypt_ecb(algorithm, bytes.fromhex(key), bytes.fromhex(cipher)) == bytes.fromhex(plain)


@pytest.mark.parametrize(("algorithm", "key", "iv", "plain", "cipher"), CBC)
def test_published_cbc(algorithm: Algorithm, key: str, iv: str, plain: str, cipher: str) -> None:
    arguments = bytes.fromhex(key), bytes.fromhex(plain), bytes.fromhex(iv)
    assert encrypt_cbc(algorithm, *arguments) == bytes.fromhex(cipher)
    assert decrypt_cbc(algorithm, arguments[0], bytes.fromhex(cipher), arguments[2]) == arguments[1]


def test_sm4_a_million_times() -> None:
    # GM/T 0002-2012 appendix A, example 2: the block encrypted 1,000,000 times; CBC over zeros is that repetition
    block = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    repeated = encrypt_cbc(SM4, block, bytes(16 * 1_000_000), block)[-16:]
    assert repeated == bytes.fromhex("595298C7C6FD271F0402F804C33D3F66")


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_sm4_agrees_with_gmalg(key: bytes, block: bytes) -> None:
    assert encrypt_block(SM4, key, block) == oracle.sm4_encrypt(key, block)
    assert decrypt_block(SM4, key, block) == oracle.sm4_decrypt(key, block)


@pytest.mark.parametrize("algorithm", Algorithm)
@given(key=st.binary(min_size=16, max_size=16), blocks=st.binary(max_size=5), iv=st.binary(min_size=16, max_size=16))
def test_decryption_undoes_encryption(algorithm: Algorithm, key: bytes, blocks: bytes, iv: bytes) -> None:
    data, vector = blocks * algorithm.block_size, iv[: algorithm.block_size]
    assert decrypt_ecb(algorithm, key, encrypt_ecb(algorithm, key, data)) == data
    assert decrypt_cbc(algorithm, key, encrypt_cbc(algorithm, key, data, vector), vector) == data
    assert encrypt_cbc(algorithm, key, data) == encrypt_cbc(algorithm, key, data, bytes(algorithm.block_size))


def test_equal_halves_and_a_short_key_are_single_des() -> None:
    key, block = bytes.fromhex("0123456789ABCDEF"), bytes(8)
    assert encrypt_block(DES3, key * 2, block) == encrypt_block(DES3, key, block)


@pytest.mark.parametrize(
    ("algorithm", "key", "data", "words"),
    [
        (DES3, 7, 8, "DES key has 7 bytes, it must have 8 or 16"),
        (DES3, 24, 8, "DES key has 24 bytes"),
        (SM4, 8, 16, "SM4 key has 8 bytes, it must have 16"),
        (DES3, 16, 9, "9 bytes are no whole number of 3DES blocks of 8"),
        (SM4, 16, 24, "24 bytes are no whole number of SM4 blocks of 16"),
    ],
)
def test_wrong_lengths(algorithm: Algorithm, key: int, data: int, words: str) -> None:
    for function in (encrypt_ecb, decrypt_ecb, encrypt_cbc, decrypt_cbc):
        with pytest.raises(CryptoError, match=words):
            function(algorithm, bytes(key), bytes(data))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_one_block_is_one_block(algorithm: Algorithm) -> None:
    for function in (encrypt_block, decrypt_block):
        with pytest.raises(CryptoError, match="block has"):
            function(algorithm, bytes(16), bytes(algorithm.block_size * 2))
    with pytest.raises(CryptoError, match="initial vector"):
        encrypt_cbc(algorithm, bytes(16), bytes(16), bytes(4))
    assert algorithm.key_size == 16
