"""Filling of data object lists (EMV Book 3 §5.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.terminal.dol import fill, tags_of
from emulator.iso7816 import TlvError, tlv


@pytest.mark.parametrize(
    ("dol", "value", "filled"),
    [
        ("9F0206", "000000001234", "000000001234"),
        ("9F0203", "000000001234", "001234"),
        ("9F0208", "000000001234", "0000000000001234"),
        ("9F3702", "A1B2C3D4", "A1B2"),
        ("9F3706", "A1B2C3D4", "A1B2C3D40000"),
        ("5A0A", "6214988660100000304F", "6214988660100000304F"),
        ("5A0C", "6214988660100000304F", "6214988660100000304FFFFF"),
        ("9F4E06", "41424344", "414243440000"),
        ("7002", "AABB", "0000"),
    ],
)
def test_one_object(dol, value, filled):
    """Numbers are cut and filled on the left, account numbers filled with F, all else cut and filled on the right."""
    tag = tlv.parse_tags_and_lengths(bytes.fromhex(dol))[0][0]
    assert fill(bytes.fromhex(dol), {tag: bytes.fromhex(value)}).hex().upper() == filled


def test_unknown_objects_are_zeros():
    assert (
        fill(bytes.fromhex("9F37049F6604DF690195059A03"), {0x95: b"\x80\0\0\0\1"}).hex()
        == "00" * 9 + "8000000001000000"
    )


@given(st.binary(max_size=30))
def test_any_bytes_are_a_list_or_told_not_to_be(raw):
    try:
        entries = tlv.parse_tags_and_lengths(raw)
    except TlvError:
        assert tags_of(raw) == frozenset()
        return
    if sum(length for _, length in entries) < 1 << 16:
        assert len(fill(raw, {})) == sum(length for _, length in entries)
