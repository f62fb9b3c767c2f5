"""What actors tell each other as JSON: forms of values, made from type hints.

Bytes are upper-case hexadecimal digits, members of enumerations their names, dates and times ISO 8601, dataclasses and named
tuples objects with exactly their fields. Whole numbers have at most 64 bits, as in the books. Reading is total: a value or a
:class:`WireError`, which names the place and never repeats a value.

pydantic, which reads the profiles, takes enumerations by their values, here often pairs of names that JSON has no form for.
"""

from __future__ import annotations

import collections.abc
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, NoReturn, Protocol, TypeAlias

VERSION = 1
"""Version of the format; the path of every request begins with it."""
Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
LARGEST = (1 << 63) - 1
DIGITS = re.compile("(?:[0-9A-F]{2})*")


class WireError(ValueError):
    """A message that makes no sense; the text says where and what was expected."""


class Form(Protocol):
    """How values of one type are written and read."""

    def write(self, value: Any, place: str) -> Json:
        """The value as JSON has it; raises :class:`WireError` for a value of another type."""

    def read(self, raw: object, place: str) -> Any:
        """The value back."""


def parse(body: bytes) -> object:
    """The JSON value of a message, in which no object has a name twice and no number a fraction."""
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_float=_no_number, parse_constant=_no_number
        )
    except WireError:
        raise
    except (ValueError, RecursionError):
        raise WireError("the message is no JSON text") from None


def format_message(value: Json) -> bytes:
    """A message as bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def members(raw: object, place: str, *names: str) -> list[object]:
    """The members of an object that has exactly these."""
    if not isinstance(raw, dict) or raw.keys() != set(names):
        raise WireError(f"{place or 'the message'} is no object with {', '.join(names) or 'no member'}")
    return [raw[name] for name in names]


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireError("an object has a name twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise WireError("a number is not whole")


@cache
def form_of(hint: Any) -> Form:
    """The form of a type hint; TypeError for one that has none, which is a mistake of the program."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        others = [each for each in arguments if each is not types.NoneType]
        if len(others) == 1:
            return _Optional(form_of(others[0]))
    elif origin is tuple and arguments[1:] != (Ellipsis,):
        return _Row(tuple(form_of(each) for each in arguments))
    elif origin in (tuple, list, collections.abc.Sequence):
        return _Many(form_of(arguments[0]), list if origin is list else tuple)
    elif origin in (dict, collections.abc.Mapping) and arguments[0] is str:
        return _Table(form_of(arguments[1]))
    elif isinstance(hint, type) and issubclass(hint, Enum):
        return _Member(hint)
    elif is_dataclass(hint) and isinstance(hint, type):
        return _Record(hint, tuple(each.name for each in fields(hint)))
    elif isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _Record(hint, hint._fields)
    raise TypeError(f"{hint} has no form on the wire")


@dataclass(frozen=True, slots=True)
class _Plain:
    """JSON's own values."""

    kind: type
    name: str

    def write(self, value: Any, place: str) -> Json:
        plain = self.kind(value) if isinstance(value, Enum) and isinstance(value, self.kind) else value
        return typing.cast("Json", self.read(plain, place))

    def read(self, raw: object, place: str) -> Any:
        if type(raw) is not self.kind:
            raise WireError(f"{place} is no {self.name}")
        if isinstance(raw, int) and not -LARGEST <= raw <= LARGEST:
            raise WireError(f"{place} has more than 64 bits")
        if isinstance(raw, str) and any("\ud800" <= character <= "\udfff" for character in raw):
            raise WireError(f"{place} is no text")
        return raw


class _Octets:
    """Bytes."""

    def write(self, value: Any, place: str) -> Json:
        if not isinstance(value, bytes):
            raise WireError(f"{place} is not bytes")
        return value.hex().upper()

    def read(self, raw: object, place: str) -> bytes:
        if not isinstance(raw, str) or not DIGITS.fullmatch(raw):
            raise WireError(f"{place} is not an even number of upper-case hexadecimal digits")
        return bytes.fromhex(raw)


@dataclass(frozen=True, slots=True)
class _Time:
    """Dates and times."""

    kind: type[date]

    def write(self, value: Any, place: str) -> Json:
        if type(value) is not self.kind:
            raise WireError(f"{place} is no {self.kind.__name__}")
        return str(value.isoformat())

    def read(self, raw: object, place: str) -> date:
        try:
            if isinstance(raw, str) and (value := self.kind.fromisoformat(raw)).isoformat() == raw:
                return value
        except ValueError:
            pass
        raise WireError(f"{place} is no {self.kind.__name__} of ISO 8601")


@dataclass(frozen=True, slots=True)
class _Member:
    """Members of an enumeration."""

    kind: type[Enum]

    def write(self, value: Any, place: str) -> Json:
        if not isinstance(value, self.kind):
            raise WireError(f"{place} is no {self.kind.__name__}")
        return value.name

    def read(self, raw: object, place: str) -> Enum:
        if not isinstance(raw, str) or raw not in self.kind.__members__:
            raise WireError(f"{place} is no {self.kind.__name__}")
        return self.kind[raw]


@dataclass(frozen=True, slots=True)
class _Optional:
    """A value or none."""

    inner: Form

    def write(self, value: Any, place: str) -> Json:
        return None if value is None else self.inner.write(value, place)

    def read(self, raw: object, place: str) -> Any:
        return None if raw is None else self.inner.read(raw, place)


@dataclass(frozen=True, slots=True)
class _Many:
    """Any number of values of one form."""

    inner: Form
    kind: type

    def write(self, value: Any, place: str) -> Json:
        if not isinstance(value, (list, tuple)):
            raise WireError(f"{place} is no row of values")
        return [self.inner.write(each, f"{place}[{at}]") for at, each in enumerate(value)]

    def read(self, raw: object, place: str) -> Any:
        if not isinstance(raw, list):
            raise WireError(f"{place} is no array")
        return self.kind(self.inner.read(each, f"{place}[{at}]") for at, each in enumerate(raw))


@dataclass(frozen=True, slots=True)
class _Row:
    """A tuple whose places have forms of their own."""

    inner: tuple[Form, ...]

    def write(self, value: Any, place: str) -> Json:
        row = enumerate(zip(self.inner, self._of_length(value, tuple, place), strict=True))
        return [form.write(each, f"{place}[{at}]") for at, (form, each) in row]

    def read(self, raw: object, place: str) -> tuple[Any, ...]:
        row = enumerate(zip(self.inner, self._of_length(raw, list, place), strict=True))
        return tuple(form.read(each, f"{place}[{at}]") for at, (form, each) in row)

    def _of_length(self, value: Any, kind: type[list[Any]] | type[tuple[Any, ...]], place: str) -> Any:
        if not isinstance(value, kind) or len(value) != len(self.inner):
            raise WireError(f"{place} is no row of {len(self.inner)} values")
        return value


@dataclass(frozen=True, slots=True)
class _Table:
    """Values by names."""

    inner: Form

    def write(self, value: Any, place: str) -> Json:
        if not isinstance(value, Mapping):
            raise WireError(f"{place} is no table")
        return {_TEXT.read(name, place): self.inner.write(each, f"{place} entry") for name, each in value.items()}

    def read(self, raw: object, place: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise WireError(f"{place} is no object")
        return {_TEXT.read(name, place): self.inner.read(each, f"{place} entry") for name, each in raw.items()}


@dataclass(frozen=True, slots=True)
class _Record:
    """A dataclass or a named tuple."""

    kind: type
    names: tuple[str, ...]

    def _forms(self) -> dict[str, Form]:
        return _record_forms(self.kind, self.names)

    def write(self, value: Any, place: str) -> Json:
        if type(value) is not self.kind:
            raise WireError(f"{place} is no {self.kind.__name__}")
        return {name: form.write(getattr(value, name), f"{place}.{name}") for name, form in self._forms().items()}

    def read(self, raw: object, place: str) -> Any:
        values = zip(self._forms().items(), members(raw, place, *self.names), strict=True)
        try:
            return self.kind(**{name: form.read(each, f"{place}.{name}") for (name, form), each in values})
        except WireError:
            raise
        except ValueError:
            raise WireError(f"{place} is no {self.kind.__name__}") from None


@cache
def _record_forms(kind: type, names: tuple[str, ...]) -> dict[str, Form]:
    hints = typing.get_type_hints(kind)
    return {name: form_of(hints[name]) for name in names}


_TEXT = _Plain(str, "text")
_SCALARS: dict[Any, Form] = {
    bool: _Plain(bool, "truth value"),
    int: _Plain(int, "whole number"),
    str: _TEXT,
    bytes: _Octets(),
    date: _Time(date),
    datetime: _Time(datetime),
    type(None): _Plain(type(None), "null"),
}
