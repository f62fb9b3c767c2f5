"""Check characters: the examples of the standards, and what must hold for every number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles import numbers

BODIES = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=8, max_size=8)


def test_card_number_of_annex_a() -> None:
    # 37号文 annex A: D2143569X, weighted sum 199.
    assert numbers.card_number_check("D2143569") == "X"
    assert numbers.is_card_number("D2143569X")


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_citizen_numbers_of_the_standard(number: str) -> None:
    # The two examples printed in GB 11643-1999.
    assert numbers.is_citizen_number(number)
    assert numbers.citizen_number(number[:6], number[6:14], number[14:17]) == number


@given(body=BODIES)
def test_card_number_has_exactly_one_check_character(body: str) -> None:
    assert [c for c in "0123456789X" if numbers.is_card_number(body + c)] == [numbers.card_number(body)[8]]


@given(body=BODIES, position=st.integers(0, 7), step=st.integers(1, 9))
def test_one_wrong_digit_of_a_card_number_is_found(body: str, position: int, step: int) -> None:
    if not body[position].isdigit():
        return
    other = body[:position] + str((int(body[position]) + step) % 10) + body[position + 1 :]
    assert not numbers.is_card_number(other + numbers.card_number_check(body))


@given(day=st.dates(), area=st.integers(110000, 999999), sequence=st.integers(0, 999))
def test_every_made_citizen_number_is_one(day: object, area: int, sequence: int) -> None:
    birth = str(day).replace("-", "")
    assert numbers.is_citizen_number(numbers.citizen_number(str(area), birth, f"{sequence:03}"))


@given(text=st.text(max_size=20))
def test_no_text_makes_the_checks_fail(text: str) -> None:
    numbers.is_card_number(text)
    numbers.is_citizen_number(text)


@pytest.mark.parametrize(
    "number",
    ["", "11010519491231002x", "110105194912310021", "110105194902310026", "01010519491231002X", "1101051949１231002"],
)
def test_what_is_no_citizen_number(number: str) -> None:
    assert not numbers.is_citizen_number(number)


@pytest.mark.parametrize("body", ["", "D214356", "d2143569", "D21435699"])
def test_a_wrong_card_number_body_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="eight characters"):
        numbers.card_number_check(body)
    assert not numbers.is_card_number(body + "0")


def test_a_wrong_citizen_number_body_is_refused() -> None:
    with pytest.raises(ValueError, match="17 digits"):
        numbers.citizen_number_check("1101051949123100")
