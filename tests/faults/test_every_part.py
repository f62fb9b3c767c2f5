"""Faults too many to be named: the same one in every file and application, found by the requirement of that very part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import lru_cache

import pytest

from conformance.declared import traits_of
from conformance.dialogue import file_places
from conformance.faults.catalogue import Fault, FaultSet
from conformance.faults.means import with_file
from conformance.requirements import load_catalogue
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value
from emulator.cos.structure import FREE, File, Structure
from emulator.iso7816 import SW, Command, StatusError
from tests.faults.hunting import ISSUED, hunt, product

RESERVED_FILES = {f"DF01/EF{name}" for name in ("16", "17", "18", "19", "1A")}
GENERATED = "DIR"
"""The directory file has requirements of its own form."""


def _files(name: str) -> list[str]:
    """Paths of the files of a social security card that commands can reach."""
    return [place.path for place in file_places(product(name).directory) if place.name != GENERATED]


@lru_cache
def _titles(name: str) -> Mapping[str, str]:
    """Requirements that apply to a product, by their English titles."""
    traits = traits_of(product(name))
    requirements = load_catalogue().requirements.values()
    return {r.title.en: r.id for r in requirements if r.applicability(traits).applies}


def _requirement(name: str, beginning: str, path: str) -> str:
    """The requirement whose title begins with these words and a file."""
    shown = "DF01/EF16–EF1A" if path in RESERVED_FILES else path
    return next(found for title, found in _titles(name).items() if title.startswith(f"{beginning}{shown} "))


def _assert_found(fault: Fault, name: str) -> None:
    result = hunt(fault, name, 0)
    assert result.failed >= set(fault.requirements), [(event.case, event.verdict) for event in result.finished]


def _without_read_rule(file: File) -> File:
    return dataclasses.replace(file, read=FREE)


def _without_update_rule(file: File) -> File:
    return dataclasses.replace(file, update=FREE)


def _rule_lost(path: str, requirement: str, change: Callable[[File], File]) -> Fault:
    faults = FaultSet()

    @faults.structure("acc.rule-lost", "访问规则丢失", "An access rule is lost", [requirement])
    def opened(structure: Structure) -> Structure:
        return with_file(structure, path, change)

    return faults.faults[0]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (name, path)
        for name in ISSUED
        for path in _files(name)
        if not product(name).directory[path[:4]].file[path[5:]].read.is_free
    ],
)
def test_lost_read_rule_is_found(name: str, path: str) -> None:
    _assert_found(_rule_lost(path, _requirement(name, "Reading ", path), _without_read_rule), name)


@pytest.mark.parametrize(("name", "path"), [(name, path) for name in ISSUED for path in _files(name)])
def test_lost_update_rule_is_found(name: str, path: str) -> None:
    _assert_found(_rule_lost(path, _requirement(name, "Updating ", path), _without_update_rule), name)


def _end_lost(value: Value) -> Value:
    """A transparent file without its last byte, another one without its last record."""
    assert not isinstance(value, int)
    return value[:-1]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (name, path)
        for name in ISSUED
        for path in _files(name)
        if product(name).directory[path[:4]].file[path[5:]].structure != "cyclic"
    ],
)
def test_lost_end_of_file_is_found(name: str, path: str) -> None:
    faults = FaultSet()
    cell = "file:" + path
    requirement = _requirement(name, "", path)

    def change(cells: Mapping[str, Value]) -> dict[str, Value]:
        return {cell: _end_lost(cells[cell])}

    faults.contents("rec.end-lost", "文件末尾丢失", "The end of a file is lost", [requirement], change)
    _assert_found(faults.faults[0], name)


@pytest.mark.parametrize(
    ("name", "directory"),
    [
        (name, d)
        for name in ISSUED
        for d, described in product(name).directory.items()
        if described.aid and described.application == "social security"
    ],
)
def test_missing_application_is_found(name: str, directory: str) -> None:
    faults = FaultSet()
    aid = product(name).directory[directory].aid

    @faults.command(
        "SELECT", "sel.missing", "应用不存在", "An application is missing", [_titles(name)[f"Selecting {directory}"]]
    )
    def missing(card: Card, command: Command, good: Handler) -> bytes:
        if command.data == aid:
            raise StatusError(SW.FILE_NOT_FOUND)
        return good(card, command)

    _assert_found(faults.faults[0], name)
