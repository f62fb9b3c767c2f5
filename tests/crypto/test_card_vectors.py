"""The vectors of the specification's second volume.

§9.1: results printed in vendors' manuals (TimeCOS/PSAM, MCOS) for purses and SAMs of the same family: outside evidence.
§9.2: vectors that the specification computed with self-made keys from its own rules: they show that this code and the specification
agree, not that a real card does. Everything about SM4 in them rests on assumptions, which the names of the tests repeat.
"""

import pytest

from emulator.crypto import (
    Algorithm,
    authentication_cryptogram,
    card_authentication_code,
    card_factor,
    city_factor,
    derive,
    encrypt_block,
    encrypt_ecb,
    load_session_key,
    mac,
    mac_des,
    pad_length_prefixed,
    province_factor,
    purchase_session_key,
    session_key,
    transaction_authentication_code,
    xor_halves,
)
from emulator.crypto.session import TacForm

DES3, SM4 = Algorithm.DES3, Algorithm.SM4
hx = bytes.fromhex

PURSE_KEY = hx("11223344556677888877665544332211")
PURSE_TIME = hx("20010910130222")
PURSE_TERMINAL = hx("000000000001")
ZERO_KEY = bytes(16)


# ---- §9.1, printed in vendors' manuals -------------------------------------------------------------------------------


def test_manual_load_session_key_and_mac2() -> None:
    key = load_session_key(DES3, PURSE_KEY, hx("72D5A089"), hx("0000"))
    assert key == hx("C40123A4297D7DBA")
    assert mac_des(key, hx("00001000") + hx("01") + PURSE_TERMINAL + PURSE_TIME) == hx("4E8B20D4")


def test_manual_purchase_session_key_and_mac1() -> None:
    key = purchase_session_key(DES3, PURSE_KEY, hx("E398ED60"), hx("0000"), hx("00000001"))
    # the manual's input E398ED6000000001 = random, sequence 0000, right two bytes of the terminal's number
    assert key == hx("E6874578AF758168")
    assert mac_des(key, hx("00000010") + hx("05") + PURSE_TERMINAL + PURSE_TIME) == hx("C7D12550")


def test_manual_pin_reload_mac() -> None:
    key = xor_halves(PURSE_KEY)
    assert key == hx("9955551111555599")
    assert mac_des(key, hx("1234")) == hx("D2AFFB82")


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("8F8D5AEA85880901", "82FE8A38C35A59DF"),  # EXTERNAL AUTHENTICATE with Lc 08
        ("1122334455667788", "CD72DFC6E6D040A4"),  # INTERNAL AUTHENTICATE with Lc 08
    ],
)
def test_manual_plain_authentication(block: str, expected: str) -> None:
    assert encrypt_block(DES3, ZERO_KEY, hx(block)) == hx(expected)


def test_manual_pin_unblock() -> None:
    enciphered = encrypt_ecb(DES3, ZERO_KEY, pad_length_prefixed(hx("0000"), 8))
    assert enciphered == hx("C5D6090EFE1729BC")
    assert mac_des(ZERO_KEY, hx("842400000C") + enciphered, _challenge_iv("72174890")) == hx("9BCF688B")


@pytest.mark.parametrize(
    ("challenge", "header", "expected"),
    [
        ("C2F02FFC", "8416000004", "00CE33E6"),  # CARD BLOCK
        ("B5B0C549", "841E000004", "34BE5E04"),  # APPLICATION BLOCK; the manual prints …0104 by mistake
    ],
)
def test_manual_block_commands(challenge: str, header: str, expected: str) -> None:
    assert mac_des(ZERO_KEY, hx(header), _challenge_iv(challenge)) == hx(expected)


def test_manual_encrypted_update_with_mac() -> None:
    key = hx("57415443484441544154696D65434F53")
    enciphered = encrypt_ecb(DES3, key, pad_length_prefixed(hx("1122334455667788"), 8))
    assert enciphered == hx("687E0F83F6A98580C4015CEB8D00F38B")
    assert mac_des(key, hx("04D6830014") + enciphered, _challenge_iv("464E84AF")) == hx("1CABE2B9")


def test_manual_sam_mac1_over_three_levels() -> None:
    factors = [hx("8877665544332211"), hx("1122334455667788"), hx("1998081700000030")]
    dpk = derive(DES3, hx("00112233445566778899AABBCCDDEEFF"), factors)
    key = purchase_session_key(DES3, dpk, hx("11223344"), hx("0000"), hx("00000000"))
    data = hx("00000001") + hx("06") + hx("010203040506") + hx("19990720") + hx("123059")
    assert mac_des(key, data) == hx("BA22E8D4")


def _challenge_iv(challenge: str) -> bytes:
    """The initial vector of the PBOC family: the 4-byte challenge and four 00."""
    return hx(challenge) + bytes(4)


# ---- §9.2, computed by the specification from its own rules with self-made keys ----------------------------------------

ROOT = bytes(range(16))
CHALLENGE = hx("1122334455667788")
SOURCE = hx("0102030405060708")
PROVINCE, CITY, CARD = province_factor("500000"), city_factor("500000"), card_factor(hx("8684500000000001"))

DES3_CARD_KEY = hx("571905A04D7151374CB9343D72EBBFFC")
SM4_CARD_KEY = hx("119D1C23275CF3098A0F33070EE0EEE6")


def test_self_made_factors() -> None:
    assert province_factor("500000") == hx("3530303030307368")
    assert city_factor("500000") == hx("3530303030307378")


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([PROVINCE], "57BB11B1723DA1517C97F9FFC2A25D83"),
        ([PROVINCE, CITY], "4702DD383CFF578534FD1A93FEE78784"),
        ([PROVINCE, CITY, CARD], "571905A04D7151374CB9343D72EBBFFC"),
    ],
)
def test_self_made_des3_levels(factors: list[bytes], expected: str) -> None:
    assert derive(DES3, ROOT, factors) == hx(expected)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([PROVINCE], "C5FE08C8AD908D91D7971FB2CBCF089E"),
        ([PROVINCE, CITY], "8A09356C293E3971BCF1C9FC58AA469D"),
        ([PROVINCE, CITY, CARD], "119D1C23275CF3098A0F33070EE0EEE6"),
        ([CITY, CARD], "AC7E8373BB7CD90F3632399C89375197"),
    ],
)
def test_self_made_sm4_levels_assuming_factor_and_complement(factors: list[bytes], expected: str) -> None:
    assert derive(SM4, ROOT, factors) == hx(expected)


def test_self_made_des3_authentication() -> None:
    assert session_key(DES3, DES3_CARD_KEY, CHALLENGE) == hx("AC944F32B1F5D31A")
    assert authentication_cryptogram(DES3, DES3_CARD_KEY, CHALLENGE, SOURCE) == hx("038B8D72DC34521F")


def test_self_made_sm4_authentication_assuming_zero_fill_and_fold() -> None:
    key = session_key(SM4, SM4_CARD_KEY, CHALLENGE)
    assert key == hx("59C9D55423F3B42A2F65596A48077002")
    assert encrypt_block(SM4, key, SOURCE + bytes(8)) == hx("CEACE069C28D0F6BB99D0FDC0226B1B7")
    assert authentication_cryptogram(SM4, SM4_CARD_KEY, CHALLENGE, SOURCE) == hx("7731EFB5C0ABBEDC")


def test_self_made_card_authentication_code() -> None:
    assert card_authentication_code(DES3, DES3_CARD_KEY, hx("500000D15600000500000001")) == hx("18E4772A")


def test_self_made_des_maintenance() -> None:
    stk = derive(DES3, hx("0F1E2D3C4B5A6978"), [CITY, CARD])
    assert stk == hx("A91D8AF671589EEE")
    key = session_key(DES3, stk, CHALLENGE)
    assert key == hx("35D7DDFBB870894B")
    enciphered = encrypt_ecb(DES3, key, pad_length_prefixed(hx("123456"), 8))
    assert enciphered == hx("72EDF45628BA3A59")
    assert mac(DES3, key, hx("842400010C") + enciphered) == hx("4332FFA2")
    assert mac(DES3, key, hx("8424000004")) == hx("89162014")


def test_self_made_sm4_maintenance_assuming_the_folded_mac() -> None:
    key = session_key(SM4, SM4_CARD_KEY, CHALLENGE)
    enciphered = encrypt_ecb(SM4, key, pad_length_prefixed(hx("123456"), 16))
    assert enciphered == hx("08964372D4298340442ECE435F04241A")
    assert mac(SM4, key, hx("8424000114") + enciphered) == hx("7C73500A")
    assert mac(SM4, key, hx("8424000004")) == hx("7E30FB74")


AMOUNTS = hx("000000000000271000001F40")
TERMINAL = hx("500000000001")
TERMINAL_SEQUENCE = hx("0000000B")
TIME = hx("20260101093000")


def test_self_made_purchase() -> None:
    key = purchase_session_key(DES3, DES3_CARD_KEY, hx("A1B2C3D4"), hx("0005"), TERMINAL_SEQUENCE)
    assert key == hx("46C4D0D828B0C772")
    assert mac(DES3, key, AMOUNTS + b"2" + TERMINAL + TIME) == hx("184B0127")
    assert mac(DES3, key, AMOUNTS) == hx("10B0D35C")


@pytest.mark.parametrize(("form", "expected"), [("xor", "52DDB90B"), ("mac", "9D7F54D4")])
def test_self_made_transaction_authentication_code(form: TacForm, expected: str) -> None:
    dtk = hx("101112131415161718191A1B1C1D1E1F")
    data = AMOUNTS + b"2" + TERMINAL + TERMINAL_SEQUENCE + TIME
    assert transaction_authentication_code(DES3, dtk, data, form) == hx(expected)
