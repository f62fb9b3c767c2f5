"""Status words: values from ISO/IEC 7816-4 table 6 and the list of the card (reconstructed specification §3.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iso7816 import SW, StatusError
from emulator.iso7816.status import (
    count_of,
    describe,
    is_more_available,
    is_success,
    is_warning,
    is_wrong_le,
    more_available,
    tries_left,
    tries_of,
    wrong_le,
)

# Reconstructed specification §3.4, details §4.1 to §5.10 and §7.7; last line: extended payment application, PBOC 3.0 part 14
USED = """
    9000 6281 6283 6300 6400 6581 6700 6701 6702 6703 6881 6882 6900 6901 6981 6982 6983 6984 6985 6986 6987 6988
    6A80 6A81 6A82 6A83 6A84 6A85 6A86 6A87 6A88 6A89 6B00 6D00 6E00 6F00 9302 9303 9401 9402 9403 9406
    6971 6972 6973 6974 9407
"""


@pytest.mark.parametrize("word", USED.split())
def test_every_word_of_the_specification_has_a_name(word: str) -> None:
    assert describe(int(word, 16)).startswith(word + " ")


def test_no_word_has_two_names() -> None:
    values = [value for value in vars(SW).values() if isinstance(value, int)]
    assert len(values) == len(set(values))


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (more_available(0x18), 0x6118),
        (more_available(256), 0x6100),
        (more_available(3000), 0x6100),
        (wrong_le(5), 0x6C05),
        (wrong_le(256), 0x6C00),
        (tries_left(3), 0x63C3),
        (tries_left(0), 0x63C0),
        (tries_left(20), 0x63CF),
    ],
)
def test_words_with_a_parameter(made: int, word: int) -> None:
    assert made == word


@given(st.integers(1, 256))
def test_counts_come_back(count: int) -> None:
    assert count_of(more_available(count)) == count_of(wrong_le(count)) == count
    assert is_more_available(more_available(count))
    assert is_success(more_available(count))
    assert is_wrong_le(wrong_le(count))
    assert not is_success(wrong_le(count))


@given(st.integers(0, 15))
def test_tries_come_back(tries: int) -> None:
    assert tries_of(tries_left(tries)) == tries
    assert is_warning(tries_left(tries))


@pytest.mark.parametrize("word", [0x9000, 0x6300, 0x6983, 0x6200])
def test_words_without_a_parameter(word: int) -> None:
    assert count_of(word) is None
    assert tries_of(word) is None


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x6982, "6982 SECURITY_STATUS_NOT_SATISFIED"),
        (0x63C2, "63C2 TRIES_LEFT(2)"),
        (0x6118, "6118 MORE_AVAILABLE(24)"),
        (0x6C00, "6C00 WRONG_LE(256)"),
        (0x6F42, "6F42"),
    ],
)
def test_an_error_says_its_word_and_name(word: int, text: str) -> None:
    error = StatusError(word)
    assert error.sw == word
    assert str(error) == text
