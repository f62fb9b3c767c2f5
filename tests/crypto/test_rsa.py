"""Raw RSA: OpenSSL's PKCS #1 signatures as a second opinion, textbook numbers, wrong inputs."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.crypto import CryptoError
from emulator.crypto.rsa import RsaCrtKey, RsaPrivateKey, RsaPublicKey, generate

# DER of DigestInfo for SHA-1, RFC 8017 §9.2 note 1
SHA1_INFO = bytes.fromhex("3021300906052B0E03021A05000414")

OPENSSL_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SIZE = 256
NUMBERS = OPENSSL_KEY.private_numbers()
PUBLIC = RsaPublicKey(NUMBERS.public_numbers.n, NUMBERS.public_numbers.e)
PRIVATE = RsaPrivateKey(PUBLIC.n, NUMBERS.d)
CRT = RsaCrtKey(NUMBERS.p, NUMBERS.q, NUMBERS.dmp1, NUMBERS.dmq1, NUMBERS.iqmp)


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=50))
def test_openssl_makes_the_same_signature(message: bytes) -> None:
    hashed = SHA1_INFO + hashlib.sha1(message, usedforsecurity=False).digest()
    block = b"\x00\x01" + b"\xff" * (SIZE - 3 - len(hashed)) + b"\x00" + hashed
    theirs = OPENSSL_KEY.sign(message, padding.PKCS1v15(), SHA1())  # noqa: S303 - EMV signs SHA-1
    assert PRIVATE.sign(block) == theirs
    assert CRT.sign(block) == theirs
    assert PUBLIC.recover(theirs) == block


def test_textbook_numbers() -> None:
    # Menezes, van Oorschot, Vanstone, Handbook of Applied Cryptography, example 8.4
    p, q, e, d, message, cipher = 2357, 2551, 3674911, 422191, 5234673, 3650502
    public = RsaPublicKey(p * q, e)
    assert public.size == 3
    assert public.recover(message.to_bytes(3)) == cipher.to_bytes(3)
    assert RsaPrivateKey(p * q, d).sign(cipher.to_bytes(3)) == message.to_bytes(3)
    assert RsaCrtKey.of(p, q, e).sign(cipher.to_bytes(3)) == message.to_bytes(3)


def test_the_parts_of_the_remainder_theorem_are_openssls() -> None:
    assert RsaCrtKey.of(NUMBERS.p, NUMBERS.q, 65537) == CRT
    assert (CRT.n, CRT.size, PRIVATE.size) == (PUBLIC.n, SIZE, SIZE)


@pytest.mark.parametrize(("bits", "e"), [(1024, 3), (1152, 65537), (1408, 3)])
def test_generated_keys(bits: int, e: int) -> None:
    private, public = generate(bits, e)
    assert (public.n.bit_length(), public.e, public.size) == (bits, e, bits // 8)
    block = b"\x6a" + bytes(bits // 8 - 2) + b"\xbc"
    assert public.recover(private.sign(block)) == block


@pytest.mark.parametrize("key", [PRIVATE, CRT])
def test_the_secret_is_not_shown(key: RsaPrivateKey | RsaCrtKey) -> None:
    assert str(NUMBERS.d) not in repr(key)
    assert str(NUMBERS.p) not in repr(key)


@pytest.mark.parametrize("block", [b"", bytes(SIZE - 1), bytes(SIZE + 1)])
def test_a_block_is_as_long_as_the_modulus(block: bytes) -> None:
    for function in (PUBLIC.recover, PRIVATE.sign, CRT.sign):
        with pytest.raises(CryptoError, match="RSA block has"):
            function(block)


def test_a_block_is_less_than_the_modulus() -> None:
    for function in (PUBLIC.recover, PRIVATE.sign, CRT.sign):
        with pytest.raises(CryptoError, match="not less than the modulus"):
            function(PUBLIC.n.to_bytes(SIZE))


def test_keys_that_cannot_be() -> None:
    with pytest.raises(CryptoError, match="no RSA key of 512 bits"):
        generate(512)
    with pytest.raises(CryptoError, match="exponent 5"):
        generate(1024, 5)
    with pytest.raises(CryptoError, match="no inverse"):
        RsaCrtKey.of(7, 13, 3)
