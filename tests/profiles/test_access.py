"""Access conditions: parsing, meaning, and the way back to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.access import AccessCondition

NAMES = st.sampled_from(["PIN", "RK1DF01", "UK2DF04", "RKSSSE"])
CONDITIONS = st.lists(st.frozensets(NAMES, min_size=1), min_size=1, max_size=3).map(
    lambda alternatives: AccessCondition(tuple(alternatives))
)


@pytest.mark.parametrize(
    ("text", "held", "opens"),
    [
        ("free", "", True),
        ("never", "PIN RK1DF01", False),
        ("PIN or RK1DF01", "RK1DF01", True),
        ("PIN or RK1DF01", "UK1DF01", False),
        ("PIN and RK1DF04", "PIN", False),
        ("PIN and RK1DF04", "PIN RK1DF04", True),
        ("UK or PIN and RK", "RK", False),
        ("UK or PIN and RK", "UK", True),
    ],
)
def test_a_condition_opens_as_the_tables_mean(text: str, held: str, opens: bool) -> None:
    assert AccessCondition.parse(text).satisfied_by(frozenset(held.split())) is opens


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "incomplete"),
        ("PIN or", "incomplete"),
        ("or PIN", "'or' stands"),
        ("PIN RK1DF01", "'RK1DF01' stands"),
        ("free or PIN", "'free' stands"),
        ("PIN xor RK", "'xor' stands"),
        ("PIN or 12", "'12' stands"),
    ],
)
def test_a_wrong_condition_is_refused_with_the_word(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AccessCondition.parse(text)


@given(condition=CONDITIONS)
def test_text_and_condition_say_the_same(condition: AccessCondition) -> None:
    assert AccessCondition.parse(str(condition)) == condition


@pytest.mark.parametrize("text", ["free", "never"])
def test_free_and_never_survive(text: str) -> None:
    assert str(AccessCondition.parse(text)) == text
    assert AccessCondition.parse(text).names == frozenset()


@given(
    text=st.text(max_size=30)
    | st.lists(st.sampled_from(["PIN", "or", "and", "free", "never"]), max_size=5).map(" ".join)
)
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    try:
        condition = AccessCondition.parse(text)
    except ValueError:
        return
    assert AccessCondition.parse(str(condition)) == condition
