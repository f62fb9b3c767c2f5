"""Proofs over a challenge: logged by an instant-issuing program while it personalised cards, so real cards took them.

Provenance: the comments beside the commands in a public printer driver of the third generation (short name EVO in the
reconstructed specification). PINs, challenges and keys there are those of test cards.
"""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto import CryptoError
from emulator.crypto.challenge import KEY_HEAD, challenge_proof, command_mac, pin_key, seal, unseal

from . import oracle

USER, ADMINISTRATOR = (
    bytes.fromhex(key) for key in ("3DE741F445DD357BEA4E6C3FE6437036", "4D59306C7397E06DE3CD82A14A926FBA")
)
MASTER = bytes.fromhex("D5E3BDADCAA1C9E7BBE1B1A3D5CFBFA8")
SIXTEEN = st.binary(min_size=16, max_size=16)


def test_the_key_of_a_pin_is_the_first_half_of_its_hash() -> None:
    assert pin_key(bytes.fromhex("123456")) == USER
    assert pin_key(bytes.fromhex("12345678")) == ADMINISTRATOR


@pytest.mark.parametrize(
    ("key", "challenge", "proof"),
    [
        (USER, "51780DDC9394E497EAE01B3D9CAB4A97", "C6CEE3CC430485E8676D2A6B10E52494"),
        (USER, "178CEDCF32C5D7990216632170C7CD37", "358B51056B9B9EB2C96B20E7DB7A6B8F"),
        (ADMINISTRATOR, "3D3ECC44607070F8935A64A15E8D95BA", "638C4E4E44182071BA0619F81D35C892"),
        (MASTER, "F3941220CAEE2ED9AA7875589C29099F", "6C6EFB23F835338120E09A2F3264181C"),
    ],
    ids=["user PIN", "user PIN again", "administrator PIN", "master key"],
)
def test_logged_proofs(key: bytes, challenge: str, proof: str) -> None:
    assert challenge_proof(key, bytes.fromhex(challenge)) == bytes.fromhex(proof)


def test_logged_change_of_the_administrator_pin() -> None:
    # 845E010014 91A41964F0736EB6F6003DD1934FFE11 E48CEFB3 under the challenge 84B7…EAF3, new PIN 72923074
    sealed = seal(ADMINISTRATOR, bytes.fromhex("72923074"))
    assert sealed == bytes.fromhex("91A41964F0736EB6F6003DD1934FFE11")
    challenge = bytes.fromhex("84B7B9199A29A245B2ADE3E80BE4EAF3")
    assert command_mac(ADMINISTRATOR, challenge, bytes.fromhex("845E010014") + sealed) == bytes.fromhex("E48CEFB3")


@given(SIXTEEN, st.binary(max_size=8))
def test_a_short_challenge_is_extended_with_zeros(key: bytes, challenge: bytes) -> None:
    assert challenge_proof(key, challenge) == oracle.sm4_encrypt(key, challenge.ljust(16, b"\0"))


@given(SIXTEEN, SIXTEEN)
def test_a_new_master_key_fills_two_blocks(old: bytes, new: bytes) -> None:
    block = bytes.fromhex("13000000") + new + b"\x80" + bytes(11)
    sealed = seal(old, KEY_HEAD + new)
    assert sealed == oracle.sm4_encrypt(old, block[:16]) + oracle.sm4_encrypt(old, block[16:])
    assert unseal(old, sealed) == KEY_HEAD + new


@given(SIXTEEN, st.binary(max_size=100))
def test_what_was_sealed_is_unsealed_and_nothing_else_escapes(key: bytes, content: bytes) -> None:
    assert unseal(key, seal(key, content)) == content
    with suppress(CryptoError):
        unseal(key, content)


def test_a_long_challenge_is_refused() -> None:
    with pytest.raises(CryptoError, match="the challenge has 17 bytes"):
        challenge_proof(USER, bytes(17))
