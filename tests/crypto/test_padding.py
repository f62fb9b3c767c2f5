"""The two paddings (details §2.2; ISO/IEC 9797-1 padding method 2)."""

import pyemv.mac
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.crypto import CryptoError, pad_length_prefixed, pad_mac, unpad_length_prefixed, unpad_mac

SIZE = st.sampled_from([8, 16])


@pytest.mark.parametrize(
    ("data", "padded"),
    [
        ("", "8000000000000000"),
        ("8424000004", "8424000004800000"),
        ("1122334455667788", "11223344556677888000000000000000"),
    ],
)
def test_mac_padding_always_appends(data: str, padded: str) -> None:
    assert pad_mac(bytes.fromhex(data), 8) == bytes.fromhex(padded)


@pytest.mark.parametrize(
    ("data", "padded"),
    [
        ("123456", "0312345680000000"),  # the PIN block of the reconstructed specification §4.4
        ("11223344556677", "0711223344556677"),  # LD and data fill the block
        ("1122334455667788", "08112233445566778880000000000000"),
        ("", "0080000000000000"),
    ],
)
def test_encryption_padding_appends_only_when_needed(data: str, padded: str) -> None:
    assert pad_length_prefixed(bytes.fromhex(data), 8) == bytes.fromhex(padded)


@given(st.binary(max_size=300), SIZE)
def test_mac_padding_agrees_with_pyemv_and_comes_off(data: bytes, size: int) -> None:
    padded = pad_mac(data, size)
    assert padded == pyemv.mac.pad_iso9797_2(data, size)
    assert unpad_mac(padded, size) == data


@given(st.binary(max_size=255), SIZE)
def test_encryption_padding_comes_off(data: bytes, size: int) -> None:
    padded = pad_length_prefixed(data, size)
    assert len(padded) % size == 0
    assert len(padded) - len(data) <= size
    assert unpad_length_prefixed(padded, size) == data


@pytest.mark.parametrize("data", ["", "00" * 8, "11" * 8, "8000", "80" + "00" * 8, "80" + "00" * 15])
def test_no_mac_padding(data: str) -> None:
    with pytest.raises(CryptoError, match="80 00"):
        unpad_mac(bytes.fromhex(data), 8)


@pytest.mark.parametrize(
    "data",
    ["", "0312345600000000", "0912345680000000", "0312345680000001", "03123456", "03123456800000000000000000000000"],
)
def test_no_encryption_padding(data: str) -> None:
    with pytest.raises(CryptoError, match="LD"):
        unpad_length_prefixed(bytes.fromhex(data), 8)


@given(st.binary(max_size=40), SIZE)
def test_taking_padding_off_is_total(data: bytes, size: int) -> None:
    for unpad, pad in ((unpad_mac, pad_mac), (unpad_length_prefixed, pad_length_prefixed)):
        try:
            body = unpad(data, size)
        except CryptoError:
            continue
        assert pad(body, size) == data


def test_a_length_byte_holds_255() -> None:
    with pytest.raises(CryptoError, match="255 is the limit"):
        pad_length_prefixed(bytes(256), 8)
