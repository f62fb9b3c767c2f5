"""Data objects in bytes that may be anything; the strict parsers of ISO 7816 are the second opinion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iso7816 import SimpleTlv, TlvError, tlv
from reports.trace import objects
from reports.trace.octets import Octets


@given(st.binary(max_size=64))
def test_simple_objects_agree_with_the_strict_parser_where_that_accepts(data: bytes) -> None:
    found, end = objects.simple(Octets(data))
    try:
        strict = SimpleTlv.parse(data)
    except TlvError:
        assert end < len(data) or any(item.missing for item in found) or not data
        return
    assert end == len(data)
    assert [(item.tag, data[item.value_start : item.stop], item.start) for item in found] == [tuple(x) for x in strict]


@given(st.binary(max_size=64))
def test_ber_objects_agree_with_the_strict_parser_where_that_accepts(data: bytes) -> None:
    found, end = objects.ber(Octets(data))
    try:
        strict = tlv.parse(data)
    except TlvError:
        return
    read = [(item.tag, data[item.value_start : item.stop], item.start, item.value_start) for item in found]
    assert end == len(data)
    assert read == [tuple(item) for item in strict]


@given(st.binary(max_size=64))
def test_no_byte_is_lost_or_used_twice(data: bytes) -> None:
    for read in (objects.simple, objects.ber):
        found, end = read(Octets(data))
        position = 0
        for item in found:
            assert position <= item.start < item.value_start <= item.stop <= len(data)
            position = item.stop
        assert position <= end <= len(data)


@pytest.mark.parametrize("hidden", [0, 1])
def test_an_object_whose_tag_or_length_is_unknown_ends_the_reading(hidden: int) -> None:
    data = Octets(bytes.fromhex("0102AABB"), frozenset({hidden}))
    assert objects.simple(data) == ([], 0)


def test_a_value_that_is_cut_off_says_how_much_is_missing() -> None:
    found, end = objects.simple(Octets(bytes.fromhex("0904AABB")))
    assert (found[0].missing, end) == (2, 4)
