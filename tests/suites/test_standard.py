"""The standard's own table in the suites, beside the catalogue's sentences, the dictionary and the products: four typings."""

from __future__ import annotations

import re

import pytest

from conformance.requirements import load_catalogue
from conformance.suites.standard import StandardFile, all_files, standard_files
from conformance.suites.standard.codes import CodeRule, code_rules
from profiles.dictionary import element, layout

from .broken import PRODUCTS, product

TIMES = {"twice": 2, "three times": 3, "four times": 4, "five times": 5}
CATALOGUE = load_catalogue().requirements
RECORD_FILES = [file for file in all_files() if file.records]


def tags_between(text: str) -> list[int]:
    """Tags of ``A0``, ``83, 86 and 89`` or ``AC to B7``."""
    found: list[int] = []
    for first, last in re.findall(r"([0-9A-F]{2})(?: to ([0-9A-F]{2}))?", text):
        found += range(int(first, 16), int(last or first, 16) + 1)
    return found


def stated_records(statement: str) -> list[tuple[int, int]]:
    """Tags and lengths from a sentence of the catalogue."""
    tag, lists = r"[0-9A-F]{2}", r"(?:, | and | to )"
    found: list[tuple[int, int]] = []
    pattern = rf"({tag}(?:{lists}{tag})*) \((?:(?:an|cn|b), )?(\d+)[^)]*\)(?: ({'|'.join(TIMES)}))?"
    for tags, length, times in re.findall(pattern, statement):
        found += [(one, int(length)) for one in tags_between(tags)] * TIMES.get(times, 1)
    for count, one, length in re.findall(
        rf"(one record|four records)[a-z ,]*? tag ({tag}) with a value of (\d+) byte", statement
    ):
        found += [(int(one, 16), int(length))] * (4 if count == "four records" else 1)
    return found


@pytest.mark.parametrize("file", RECORD_FILES, ids=lambda file: f"{file.path} {'/'.join(file.versions)}")
def test_records_are_those_of_the_catalogue(file: StandardFile) -> None:
    statement = CATALOGUE[file.requirements[-1]].statement
    stated = stated_records(statement)
    records = [(element.tag, element.length) for element in file.records]
    if len(stated) != len(records):  # a sentence that speaks of two files
        here = statement.index(file.path) if file.path in statement else statement.index(file.path.split("/")[1])
        after = statement.find(" and DF", here)
        stated = stated_records(statement[here : None if after < 0 else after])
    assert records == stated


@pytest.mark.parametrize("file", [file for file in RECORD_FILES if "2.0" in file.versions], ids=lambda file: file.path)
def test_records_are_those_of_the_dictionary(file: StandardFile) -> None:
    for wanted in file.records:
        known = element(f"{wanted.tag:02X}")
        assert (wanted.format, wanted.length) == (known.format, known.length)
        assert [f"{child.tag:02X}" for child in wanted.children] == list(known.children)
        for child in wanted.children:
            assert (child.format, child.length) == (
                element(f"{child.tag:02X}").format,
                element(f"{child.tag:02X}").length,
            )
        assert sum(child.length + 2 for child in wanted.children) in (0, wanted.length)
        assert wanted.initial_fill == known.initial_fill


@pytest.mark.parametrize("name", PRODUCTS)
def test_files_are_those_of_the_products(name: str) -> None:
    profile = product(name)
    for file in standard_files(profile):
        described = profile.directory[file.directory].file[file.fid.hex().upper()]
        assert described.structure == file.structure
        assert (described.read, described.update) == (file.read.condition, file.update.condition)
        assert described.short_identifier == file.short_identifier
        assert list(described.elements) == [
            f"{one.tag:02X}" for one in file.records if not one.either or f"{one.tag:02X}" in described.elements
        ]
        assert (described.size or 0) == file.size
        assert (described.records or 0) == file.minimum
        if described.layout:
            fields = [(field.format, field.length) for field in layout(described.layout).field]
            assert fields == [(field.format, field.length) for field in file.fields]


@pytest.mark.parametrize("file", all_files(), ids=lambda file: f"{file.path} {'/'.join(file.versions)}")
def test_rows_name_the_right_requirements(file: StandardFile) -> None:
    for requirement in file.requirements:
        assert requirement.startswith("SSC-REC-")
    for right in (file.read, file.update):
        statement = CATALOGUE[right.requirement].statement
        covered = file.path in statement or file.path in ("DF01/EF17", "DF01/EF18", "DF01/EF19")
        assert covered
        assert all(name in statement for name in right.condition.names)
        assert ("free" in statement) or not right.condition.is_free
        assert ("never" in statement) == right.condition.is_never


def stated_codes(statement: str) -> set[str]:
    """The codes of a sentence: ``10–12, 20–22``, ``1 to 8``, ``410, 411 and 499``."""
    _, _, listed = statement.partition("codes ")
    found: set[str] = set()
    for first, last in re.findall(r"(\d+)(?:(?:–| to )(\d+))?", re.sub(r"\([^)]*\)", "", listed)):
        width = len(first)
        found |= {f"{code:0{width}}" for code in range(int(first), int(last or first) + 1)}
    return found


@pytest.mark.parametrize("rule", code_rules(), ids=lambda rule: rule.requirement)
def test_codes_are_those_of_the_catalogue(rule: CodeRule) -> None:
    statement = CATALOGUE[rule.requirement].statement
    assert rule.path in statement
    if rule.requirement == "SSC-CODE-005":
        assert len(rule.codes) == 249  # officially assigned, as in the tz database's iso3166.tab
        assert all(re.fullmatch("[A-Z]{3}", code) for code in rule.codes)
    elif rule.requirement == "SSC-CODE-010":
        assert {code[:2] for code in rule.codes} == {"10", "20"}
        assert {code[2:4] for code in rule.codes if code[:2] == "10"} == {f"{reason}0" for reason in range(1, 10)}
        assert {code[4:] for code in rule.codes if code[:2] == "20"} == {
            f"{reason}0" for reason in (1, 2, 3, 4, 5, 6, 7, 9)
        }
        assert all(code[4:] == "00" if code[:2] == "10" else code[2:4] == "00" for code in rule.codes)
    elif rule.requirement in ("SSC-CODE-009", "SSC-CODE-022"):
        kinds = set(re.findall(r"\b\d{2,3}\b", statement.partition("holds")[2]))
        width = 2 if rule.requirement == "SSC-CODE-009" else 3
        assert {code[:width] for code in rule.codes} == {kind for kind in kinds if len(kind) == width}
    elif rule.requirement == "SSC-CODE-019":
        assert {code[-1] for code in rule.codes} == stated_codes(statement)
    else:
        assert rule.codes == stated_codes(statement)
