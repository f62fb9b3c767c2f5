"""SM2: the examples of GM/T 0003.5-2012 on the recommended curve, and gmalg in both directions.

The published signature and ciphertext were made with a known random number, which no engine here takes. So the examples are
verified and decrypted by this code, and gmalg, given that number, shows that they are what the standard prints.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.crypto import CryptoError
from emulator.crypto.sm2 import (
    DEFAULT_IDENTITY,
    ENGINE,
    identity_hash,
    message_digest,
    public_key_of,
    sign,
    verify,
)
from emulator.crypto.sm2_curve import A, B, G, N, P, Point, encode_point, multiply, multiply_add

from . import oracle

hx = bytes.fromhex

# GM/T 0003.5-2012 appendix A (signature) and appendix C (encryption), which share the key pair and the random number
PRIVATE_KEY = hx("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC_KEY = hx(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21

MESSAGE = b"message digest"
Z_A = hx("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3")
DIGEST = hx("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
SIGNATURE = hx(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)

PLAINTEXT = b"encryption standard"
CIPHERTEXT = hx(
    "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
    "21886CA989CA9C7D58087307CA93092D651EFA"
)

SCALAR = st.integers(1, N - 2)
FEW = settings(max_examples=15, deadline=None)


def test_published_key_pair() -> None:
    assert public_key_of(PRIVATE_KEY) == PUBLIC_KEY


def test_published_signature() -> None:
    assert identity_hash(PUBLIC_KEY) == Z_A
    assert message_digest(PUBLIC_KEY, MESSAGE) == DIGEST
    assert verify(PUBLIC_KEY, MESSAGE, SIGNATURE)
    assert oracle.sm2_sign(PRIVATE_KEY, PUBLIC_KEY, MESSAGE, nonce=NONCE) == SIGNATURE


def test_published_ciphertext() -> None:
    assert ENGINE.decrypt(PRIVATE_KEY, CIPHERTEXT) == PLAINTEXT
    assert oracle.sm2_encrypt(PUBLIC_KEY, PLAINTEXT, nonce=NONCE) == CIPHERTEXT


@FEW
@given(st.binary(max_size=100), st.binary(min_size=1, max_size=40))
def test_signatures_verify_both_ways(message: bytes, identity: bytes) -> None:
    private_key, public_key = ENGINE.generate()
    signature = sign(private_key, message, identity)
    assert verify(public_key, message, signature, identity)
    assert oracle.sm2_verify(public_key, message, signature, identity)
    assert verify(public_key, message, oracle.sm2_sign(private_key, public_key, message, identity), identity)
    assert not verify(public_key, message + b"\0", signature, identity)
    assert not verify(public_key, message, signature, identity + b"\0")


@FEW
@given(st.binary(min_size=1, max_size=255))
def test_ciphertexts_open_both_ways(plaintext: bytes) -> None:
    private_key, public_key = ENGINE.generate()
    ciphertext = ENGINE.encrypt(public_key, plaintext)
    assert len(ciphertext) == 96 + len(plaintext)
    assert ENGINE.decrypt(private_key, ciphertext) == plaintext
    assert oracle.sm2_decrypt(private_key, public_key, ciphertext) == plaintext
    assert ENGINE.decrypt(private_key, oracle.sm2_encrypt(public_key, plaintext)) == plaintext


@FEW
@given(SCALAR)
def test_public_keys_agree_with_gmalg(scalar: int) -> None:
    assert public_key_of(scalar.to_bytes(32)) == oracle.sm2_public_key(scalar.to_bytes(32))


def test_both_halves_of_a_signature_keep_their_32_bytes() -> None:
    # one half in 256 begins with 00
    for _ in range(300):
        assert len(ENGINE.sign_digest(PRIVATE_KEY, DIGEST)) == 64


@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE[:-1] + bytes((SIGNATURE[-1] ^ 1,)),
        bytes(32) + SIGNATURE[32:],
        SIGNATURE[:32] + bytes(32),
        N.to_bytes(32) + SIGNATURE[32:],
        SIGNATURE[:32] + N.to_bytes(32),
        SIGNATURE[:32] + (N - int.from_bytes(SIGNATURE[:32])).to_bytes(32),  # r + s = n
    ],
)
def test_false_signatures_are_refused_in_silence(signature: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert not verify(PUBLIC_KEY, MESSAGE, signature)
    assert capfd.readouterr().err == ""


def test_a_signature_that_leads_to_infinity_is_refused() -> None:
    # t = 1 and s = -d give [s]G + [t]P = infinity
    s = N - int.from_bytes(PRIVATE_KEY)
    signature = ((1 - s) % N).to_bytes(32) + s.to_bytes(32)
    assert not ENGINE.verify_digest(PUBLIC_KEY, DIGEST, signature)
    with pytest.raises(CryptoError, match="infinity"):
        encode_point(multiply(N, G))


@pytest.mark.parametrize("position", [0, 63, 64, 95, 96, 114])
def test_altered_ciphertexts_are_refused_in_silence(position: int, capfd: pytest.CaptureFixture[str]) -> None:
    altered = bytearray(CIPHERTEXT)
    altered[position] ^= 1
    with pytest.raises(CryptoError):
        ENGINE.decrypt(PRIVATE_KEY, bytes(altered))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("private_key", [bytes(32), (N - 1).to_bytes(32), N.to_bytes(32), b"\xff" * 32, bytes(31)])
def test_false_private_keys(private_key: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    for call in (
        public_key_of,
        lambda key: ENGINE.sign_digest(key, DIGEST),
        lambda key: ENGINE.decrypt(key, CIPHERTEXT),
    ):
        with pytest.raises(CryptoError, match="private key"):
            call(private_key)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "public_key", [bytes(64), PUBLIC_KEY[:-1] + b"\0", b"\x04" + PUBLIC_KEY, b"", b"\xff" * 32 + PUBLIC_KEY[32:]]
)
def test_false_public_keys(public_key: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    for call in (
        lambda key: ENGINE.verify_digest(key, DIGEST, SIGNATURE),
        lambda key: ENGINE.encrypt(key, PLAINTEXT),
        identity_hash,
    ):
        with pytest.raises(CryptoError, match="public key"):
            call(public_key)
    assert capfd.readouterr().err == ""


def test_wrong_lengths() -> None:
    for length in (0, 256):
        with pytest.raises(CryptoError, match="1 to 255"):
            ENGINE.encrypt(PUBLIC_KEY, bytes(length))
    for digest in (b"", bytes(31)):
        with pytest.raises(CryptoError, match="digest"):
            ENGINE.sign_digest(PRIVATE_KEY, digest)
        with pytest.raises(CryptoError, match="digest"):
            ENGINE.verify_digest(PUBLIC_KEY, digest, SIGNATURE)
    with pytest.raises(CryptoError, match="signature has 63 bytes"):
        ENGINE.verify_digest(PUBLIC_KEY, DIGEST, SIGNATURE[:-1])
    with pytest.raises(CryptoError, match="at least 97"):
        ENGINE.decrypt(PRIVATE_KEY, CIPHERTEXT[:96])
    with pytest.raises(CryptoError, match="8191"):
        identity_hash(PUBLIC_KEY, bytes(8192))


def test_the_default_identity() -> None:
    assert DEFAULT_IDENTITY == b"1234567812345678"


# ---- the curve ---------------------------------------------------------------------------------------------------------


def test_the_generator_is_on_the_curve_and_has_order_n() -> None:
    x, y = G
    assert (y * y - (x**3 + A * x + B)) % P == 0
    assert multiply(N, G) is None
    assert multiply(N - 1, G) == (x, P - y)
    assert multiply(1, G) == G
    assert multiply(0, G) is None
    assert multiply(5, None) is None


@FEW
@given(SCALAR, SCALAR)
def test_multiplication_is_linear(u: int, v: int) -> None:
    point: Point = multiply(u, G)
    assert multiply_add(u, G, v, G) == multiply((u + v) % N, G)
    assert multiply(v, point) == multiply(u * v % N, G)
    assert multiply_add(v, point, N - v, point) is None


def test_doubling_inside_an_addition() -> None:
    assert multiply_add(1, G, 1, G) == multiply(2, G)
    assert multiply_add(3, G, 1, multiply(2, G)) == multiply(5, G)
    assert encode_point(G)[:4] == hx("32C4AE2C")
