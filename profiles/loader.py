"""Load a card product: one call, one typed profile, or every fault at once."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from profiles import model, partial, sources
from profiles.checks import check
from profiles.problems import Problem, ProfileError
from profiles.settings import Settings


def available() -> list[str]:
    """Names of the products that come along."""
    return list(sources.products())


def load(name_or_path: str | Path) -> model.Profile:
    """The profile of a product name or of a TOML file.

    Raises :class:`~profiles.problems.ProfileError`, which holds all faults, when it cannot be used.
    """
    path = sources.locate(name_or_path)
    return from_table(sources.read(path), source=str(name_or_path))


def from_table(table: Mapping[str, Any], source: str = "profile") -> model.Profile:
    """The profile of an already merged table; raises :class:`~profiles.problems.ProfileError`."""
    table = sources.drop_absent(dict(table))
    try:
        profile = model.Profile.model_validate(table)
    except ValidationError as error:
        problems = [_problem(entry) for entry in error.errors(include_url=False)]
        raise ProfileError(source, _unique([*problems, *_checks_of_the_sound_part(table, error)])) from None
    problems = [problem for problem in check(profile) if problem.level == "error"]
    if problems:
        raise ProfileError(source, problems)
    return profile


def profile_sha256(profile: model.Profile) -> str:
    """SHA-256 (hexadecimal) of what a profile says, however its files say it.

    The same for a profile and for one that reaches the same values by ``extends``; paths of key files don't count.
    """
    document = profile.model_dump(mode="json")
    for name, value in document["test_keys"]["value"].items():
        if value.startswith("file:"):
            document["test_keys"]["value"][name] = "file:"
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


_NEEDED: Mapping[str, str] = {
    "string_type": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "bytes_type": "a string of hexadecimal digits",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dataclass_exact_type": "an access condition",
}


_LENGTHS: Mapping[str, tuple[str, str]] = {
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
}
"""Of bytes: nothing else has a length of its own."""


def _problem(error: Any) -> Problem:
    path = ".".join(str(step) for step in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        message = "is missing"
    elif error["type"] in _NEEDED:
        message = f"{_NEEDED[error['type']]} is needed"
    elif error["type"] == "string_pattern_mismatch":
        message = f"is not of the form {error['ctx']['pattern']}"
    elif error["type"] in _LENGTHS:
        words, name = _LENGTHS[error["type"]]
        limit = error["ctx"][name]
        needed = "1 byte is" if limit == 1 else f"{limit} bytes are"
        message = f"{words} {needed} needed, not {error['ctx']['actual_length']}"
    elif error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        close = difflib.get_close_matches(name, _names(error["loc"]), n=1)
        message = f"is not known here{f'; did you mean {close[0]!r}?' if close else ''}"
    return Problem(path, message.replace("Input should be", "must be"))


_TABLES: Mapping[str, type[BaseModel]] = {"file": model.File, "key": model.Key, "pin": model.Pin}
_TOP: Mapping[str, type[BaseModel]] = {
    "chip": model.Chip,
    "issuer": model.Issuer,
    "settings": Settings,
    "test_keys": model.TestKeys,
}


def _names(path: Sequence[str | int]) -> list[str]:
    """Names that the table at ``path`` knows."""
    table: type[BaseModel] = model.Profile
    if len(path) > 1 and path[0] in _TOP:
        table = _TOP[str(path[0])]
    elif len(path) > 1 and path[0] == "directory":
        table = model.Directory if len(path) <= 3 else _TABLES.get(str(path[2]), model.Directory)
    return list(table.model_fields)


def _checks_of_the_sound_part(table: sources.Table, error: ValidationError) -> list[Problem]:
    """Faults beyond types in what is left when the wrongly typed parts are taken out."""
    places = [entry["loc"] for entry in error.errors(include_url=False)]
    try:
        sound, taken_out = partial.sound_part(table, places)
        profile = model.Profile.model_validate(sound)
    except (partial.NothingSoundError, ValidationError):
        return []
    unsaid = tuple(f"{what}.{name}." for name in taken_out for what in ("directory", "content"))
    found = (problem for problem in check(profile, taken_out) if problem.level == "error")
    return [problem for problem in found if not f"{problem.path}.".startswith(unsaid)]


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
