"""Bytes that may be unknown."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.trace.octets import Octets, OctetsError

octets = st.builds(
    lambda pairs: Octets(
        bytes(0 if hidden else value for value, hidden in pairs),
        frozenset(i for i, (_, hidden) in enumerate(pairs) if hidden),
    ),
    st.lists(st.tuples(st.integers(0, 255), st.booleans())),
)


@given(octets)
def test_writing_and_reading_again_gives_the_same(data: Octets) -> None:
    assert Octets.of(data.hex()) == data


@given(st.text())
def test_any_text_is_read_or_refused_with_the_documented_error(text: str) -> None:
    with contextlib.suppress(OctetsError):
        Octets.of(text)


@given(octets, st.integers(0, 20), st.integers(0, 20))
def test_two_cuts_joined_are_one_cut(data: Octets, first: int, second: int) -> None:
    start, stop = sorted((first, second))
    assert data.cut(0, start) + data.cut(start, stop) + data.cut(stop) == data


@pytest.mark.parametrize("text", ["0", "0G", "XX0", "X", "00 1"])
def test_half_bytes_and_other_letters_are_refused(text: str) -> None:
    with pytest.raises(OctetsError):
        Octets.of(text)


def test_blanks_and_colons_between_bytes_do_not_matter() -> None:
    assert Octets.of("3b 6D:00\n00") == Octets(b"\x3b\x6d\x00\x00")


def test_hidden_ranges_are_written_as_unknown_bytes() -> None:
    assert Octets(b"\x01\x02\x03\x04").hex([(1, 3), (9, 12)]) == "01XXXX04"
