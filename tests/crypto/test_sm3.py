"""SM3: GM/T 0004-2012 appendix A, and gmalg as a second opinion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto.sm3 import kdf, sm3

from . import oracle


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0"),
        (b"abcd" * 16, "DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C5732"),
    ],
)
def test_published_digests(message: bytes, digest: str) -> None:
    assert sm3(message) == bytes.fromhex(digest)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_agrees_with_gmalg_however_the_message_is_cut(message: bytes, cut: int) -> None:
    assert sm3(message[:cut], message[cut:]) == oracle.sm3(message)


@given(st.binary(max_size=100), st.integers(0, 100))
def test_key_derivation_counts_from_one(shared: bytes, length: int) -> None:
    stream = b"".join(oracle.sm3(shared + counter.to_bytes(4)) for counter in range(1, 5))
    assert kdf(shared, length) == stream[:length]
