"""Values of any type that goes over the wire."""

from __future__ import annotations

import collections.abc
import types
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from hypothesis import strategies as st

BITS_64 = st.integers(-(2**63) + 1, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: BITS_64,
    str: TEXT,
    bytes: st.binary(max_size=20),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.sampled_from([None, UTC])),
    type(None): st.none(),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint."""
    if hint in SCALARS:
        return SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values(each) for each in arguments))
    if origin is tuple and arguments[1:] != (Ellipsis,):
        return st.tuples(*(values(each) for each in arguments))
    if origin in (tuple, list, collections.abc.Sequence):
        rows = st.lists(values(arguments[0]), max_size=3)
        return rows if origin is list else rows.map(tuple)
    if origin in (dict, collections.abc.Mapping):
        return st.dictionaries(TEXT, values(arguments[1]), max_size=3)
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    hints = typing.get_type_hints(hint)
    names = [each.name for each in fields(hint)] if is_dataclass(hint) else hint._fields
    return st.builds(hint, **{name: values(hints[name]) for name in names})
