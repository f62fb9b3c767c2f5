"""What is left of a profile when its wrongly typed parts are taken out, so that the rest can be checked all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from profiles import model
from profiles.sources import Table

Place = Sequence[str | int]

PARTS = ("file", "key", "pin")
_TITLE = {"zh": "-", "en": "-"}
_STAND_INS: Mapping[str, Any] = {
    "format": 1,
    "name": "stand-in",
    "title": _TITLE,
    "specification": "2.00",
    "algorithm": "3DES",
    "life_cycle": "personalised",
    "chip": {"historical": "00" * 13},
    "issuer": {"city_code": "000000"},
}
"""Values for parts that a profile must have; chosen so that none causes an error of its own."""
_DIRECTORY_STAND_INS: Mapping[str, Any] = {"fid": "FFFF", "title": _TITLE, "application": "-"}


APPLICATIONS = ("payment", "certificates", "sam", "personalisation", "data")
"""Tables of a directory on which most of what is checked of it, and of its content, rests."""


class NothingSoundError(Exception):
    """A fault so deep that nothing can be said about the rest."""


def sound_part(table: Table, places: Iterable[Place]) -> tuple[Table, frozenset[str]]:
    """The table without the smallest whole parts that hold the faults at ``places``, and the names of those parts.

    A directory is among the names where an application was taken out of it: what is then found of it means nothing.
    Raises :class:`NothingSoundError` where nothing whole can be taken out.
    """
    sound = deepcopy(table)
    taken_out: set[str] = set()
    for place in places:
        if place[0] == "directory":
            taken_out |= _mend_directory(sound, [str(step) for step in place[1:]])
        elif place[0] in _STAND_INS:
            sound[str(place[0])] = _STAND_INS[str(place[0])]
        elif place[0] == "content" and len(place) > 1:
            sound["content"].pop(place[1], None)
        else:
            sound.pop(str(place[0]), None)
    return sound, frozenset(taken_out)


def _mend_directory(table: Table, place: list[str]) -> set[str]:
    directory = table["directory"].get(place[0]) if place and isinstance(table.get("directory"), dict) else None
    if not isinstance(directory, dict) or len(place) < 2:
        raise NothingSoundError
    field = place[1]
    if field in PARTS:
        parts = directory.get(field)
        if len(place) < 3 or not isinstance(parts, dict):
            raise NothingSoundError
        parts.pop(place[2], None)
        return {place[2]}
    if field in _DIRECTORY_STAND_INS:
        directory[field] = _DIRECTORY_STAND_INS[field]
    elif field in model.Directory.model_fields and model.Directory.model_fields[field].is_required():
        raise NothingSoundError
    else:
        directory.pop(field, None)
    return {place[0]} if field in APPLICATIONS else set()
