"""Checks of the content: that it fits its files (errors) and that it keeps the rules of the standard (warnings)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from profiles import content
from profiles.dictionary import Content, Element, Layout, elements, layouts
from profiles.model import File, Profile
from profiles.problems import Problem


def check(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    """Faults of the content; files named in ``ignored`` are passed over."""
    for name, files in profile.content.items():
        directory = profile.directory.get(name)
        if directory is None:
            if name not in ignored:
                yield Problem(f"content.{name}", "the profile has no such directory")
            continue
        for file_name, given in files.items():
            path = f"content.{name}.{file_name}"
            file = directory.file.get(file_name)
            if file is None:
                if file_name not in ignored:
                    yield Problem(path, f"{name} has no such file")
            elif _is_known(file):
                faults = content.faults(profile, name, file_name)
                yield from (Problem(f"{path}.{fault.path}" if fault.path else path, fault.message) for fault in faults)
                if not faults:
                    yield from _rules(path, file, given)
    yield from _holder(profile)


def _is_known(file: File) -> bool:
    """Whether the dictionary has what the file is made of; if not, that is said elsewhere."""
    return all(tag in elements() for tag in file.elements) and (file.layout is None or file.layout in layouts())


def _rules(path: str, file: File, given: Mapping[str, Any]) -> Iterator[Problem]:
    for tag in given if file.elements else ():
        for number, value in enumerate(content.values(tag, given), 1):
            where = f"{path}.{tag}.{number}" if file.elements.count(tag) > 1 else f"{path}.{tag}"
            yield from _element(where, elements()[tag], value)
    if file.layout and file.structure == "cyclic":
        for number, record in enumerate(given.get("records", []), 1):
            yield from _record(f"{path}.records.{number}", layouts()[file.layout], record)


def _element(path: str, element: Element, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield from _warning(path, element, element.decode(element.encode(value)))
    elif "computed" not in value:
        for tag, inner in value.items():
            yield from _element(f"{path}.{tag}", elements()[tag], inner)


def _record(path: str, layout: Layout, record: Any) -> Iterator[Problem]:
    for field, value in zip(layout.field, layout.arrange(record), strict=True):
        if value is not None:
            yield from _warning(f"{path}.{field.en}", field, field.decode(field.encode(value)))


def _warning(path: str, described: Content, text: str) -> Iterator[Problem]:
    if text and (problem := described.problem(text)):
        yield Problem(path, f"{described.zh} {described.en}: {problem}", "warning")


def _holder(profile: Profile) -> Iterator[Problem]:
    """Whether the social security number, the date of birth and the sex of SSSE/EF06 tell of one person (GB 11643)."""
    holder = profile.content.get("SSSE", {}).get("EF06", {})
    number, birth, sex = (holder.get(tag) for tag in ("08", "0D", "0A"))
    if not isinstance(number, str) or len(number) != 18 or not number[:17].isdigit():
        return
    if isinstance(birth, str) and birth != number[6:14]:
        yield Problem("content.SSSE.EF06.0D", f"{birth} is not the day of birth in tag 08, {number[6:14]}", "warning")
    if sex in ("1", "2") and int(sex) % 2 != int(number[16]) % 2:
        yield Problem(
            "content.SSSE.EF06.0A", f"{sex} does not fit the 17th digit of tag 08 (odd male, even female)", "warning"
        )
