"""Malformed catalogue data are refused with every problem at once, and a further catalogue needs no code."""

from __future__ import annotations

import contextlib
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.requirements import Catalogue, CatalogueError, load_catalogue, load_directory
from conformance.requirements.loader import DATA

VOCABULARY = """
catalogue = "all"
[[feature]]
name = "dual"
title = { zh = "双", en = "two interfaces" }
[[document]]
name = "Book"
title = { zh = "书", en = "a book" }
[[document]]
name = "Book 2"
title = { zh = "书二", en = "another book" }
"""
HEAD = """
catalogue = "toy"
title = { zh = "玩具", en = "toy" }
[[official_item]]
standard = "STD"
number = "1"
name = "first"
title = { zh = "一", en = "one" }
coverage = "covered"
"""
AREA = """
catalogue = "toy"
[area]
code = "ONE"
order = 1
title = { zh = "一", en = "one" }
coverage = "covered"
"""
GOOD = """
[[requirement]]
id = "TOY-ONE-001"
title = { zh = "甲", en = "first" }
statement = "The toy moves when it is pushed."
sources = ["Book 2 §1"]
level = "MUST"
applies = { versions = ["1.0"], features = ["dual"] }
checks = ["push → it moves"]
official = ["STD 1"]
confidence = ["S"]
"""


def load(directory: Path, **files: str) -> Catalogue:
    for name, text in {"vocabulary": VOCABULARY, "head": HEAD, **files}.items():
        (directory / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_directory(directory, "toy")


def problems_of(directory: Path, **files: str) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        load(directory, **files)
    return list(caught.value.problems)


def test_a_further_catalogue_is_only_data(tmp_path: Path) -> None:
    catalogue = load(tmp_path, one=AREA + GOOD, other='catalogue = "another"\nnot read further')
    assert catalogue.title.en == "toy"
    (entry,) = catalogue.area("ONE").requirements
    assert (entry.sources[0].document.name, entry.sources[0].clause) == ("Book 2", "§1")
    assert entry.expected == "push → it moves"
    assert entry.condition.features == (catalogue.features["dual"],)


def test_files_may_lie_in_folders(tmp_path: Path) -> None:
    (tmp_path / "below" / "deep").mkdir(parents=True)
    (tmp_path / "below" / "deep" / "one.toml").write_text(AREA + GOOD, encoding="utf-8")
    assert list(load(tmp_path).requirements) == ["TOY-ONE-001"]
    assert "below/two.toml: area: order must be an integer" in problems_of(
        tmp_path, **{"below/two": AREA.replace("ONE", "TWO").replace("order = 1", "order = true")}
    )


def test_the_product_catalogue_takes_further_areas_from_further_files(tmp_path: Path) -> None:
    for path in DATA.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    area = AREA.replace('"toy"', '"social-security"').replace("order = 1", "order = 99")
    good = GOOD.replace("Book 2", "ISO/IEC 7816-4").replace("dual", "contactless").replace("STD 1", "LD/T 6001.3 6.2")
    (tmp_path / "later.toml").write_text(area + good, encoding="utf-8")
    catalogue = load_directory(tmp_path)
    assert len(catalogue.requirements) == 468
    assert catalogue.areas[-1].code == "ONE"


def test_all_problems_at_once_with_file_and_id(tmp_path: Path) -> None:
    bad = """
[[requirement]]
id = "TOY-TWO-001"
title = { zh = "乙" }
statement = " "
sources = ["Bible §1"]
level = "MIGHT"
applies = { versions = ["4.0"], algorithm = "AES", features = ["triple"], relaxed = { without = "x", level = "NO" } }
checks = ["push it"]
official = ["STD 9"]
confidence = ["S", "Z"]
colour = "red"
"""
    two = AREA.replace("ONE", "TWO").replace('coverage = "covered"', 'coverage = "perhaps"')
    worse = two.replace("TWO", "SIX") + GOOD + '[[requirement]]\nid = "TOY-SIX-002"\n'
    found = problems_of(tmp_path, one=AREA + GOOD + bad, two=two, six=worse, broken="catalogue = ", headless="x = 1")
    for expected in (
        'broken.toml: a line catalogue = "…" must say to which catalogue the file belongs',
        'headless.toml: a line catalogue = "…" must say to which catalogue the file belongs',
        "one.toml: TOY-TWO-001: id 'TOY-TWO-001' must be a prefix, the area ONE and three digits, joined by hyphens",
        "one.toml: TOY-TWO-001: title: en must be a text that is not empty",
        "one.toml: TOY-TWO-001: statement must be a text that is not empty",
        "one.toml: TOY-TWO-001: source 'Bible §1' begins with none of Book, Book 2",
        "one.toml: TOY-TWO-001: level 'MIGHT' is not one of MUST, SHOULD, MAY",
        "one.toml: TOY-TWO-001: applies: versions '4.0' is not one of 1.0, 2.0, 3.0",
        "one.toml: TOY-TWO-001: applies: algorithm 'AES' is not one of 3DES, SM4",
        "one.toml: TOY-TWO-001: applies: features 'triple' is not one of dual",
        "one.toml: TOY-TWO-001: applies: relaxed: without 'x' is not one of dual",
        "one.toml: TOY-TWO-001: applies: relaxed: level 'NO' is not one of MUST, SHOULD, MAY",
        "one.toml: TOY-TWO-001: check 'push it' must be a stimulus, ' → ' and what is expected",
        "one.toml: TOY-TWO-001: official 'STD 9' is not one of STD 1",
        "one.toml: TOY-TWO-001: confidence 'Z' is not one of S, P+, P1, T, A-HC, A-V, I, ?",
        "one.toml: TOY-TWO-001: colour is not known here",
        "two.toml: area: coverage 'perhaps' is not one of covered, not yet covered, systems, not testable",
        "six.toml: TOY-SIX-002: statement must be a text that is not empty",
        "catalogue 'toy': several areas have the code or order 1",
    ):
        assert expected in found
    assert any(line.startswith(("one.toml", "six.toml")) and "the id is used twice" in line for line in found)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"one": AREA + GOOD.replace('["S"]', '["S", "I"]')}, "confidence_note must say which mark supports what"),
        ({"one": AREA + GOOD.replace('["S"]', "[]")}, "confidence must hold at least one mark"),
        ({"one": AREA + GOOD.replace('["push → it moves"]', "[]")}, "checks must hold at least one check"),
        ({"one": AREA + GOOD.replace('"MUST"', "[1]")}, "level [1] is not one of MUST, SHOULD, MAY"),
        ({"one": AREA + GOOD + GOOD}, "one.toml: TOY-ONE-001: the id is used twice"),
        ({"one": 'catalogue = "toy"\n' + GOOD}, "one.toml: has requirements and no [area]"),
        ({"one": AREA + "[requirement]\n"}, "one.toml: requirement must be an array of tables"),
        ({"one": AREA.replace("order = 1", "order = true")}, "one.toml: area: order must be an integer"),
        ({"one": 'catalogue = "toy"\narea = 1'}, "one.toml: area must be a table"),
        ({"one": 'catalogue = "toy"\n[[feature]]\nname = "dual"\n'}, "vocabulary.toml: dual: is defined twice"),
        ({"head": 'catalogue = "toy"'}, "catalogue 'toy': 0 files give its title, exactly one must"),
        ({"one": 'catalogue = "toy"\nx = '}, "one.toml: not a TOML file: Invalid value"),
    ],
)
def test_each_problem_is_named(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    assert any(problem in line for line in problems_of(tmp_path, **files))


def test_a_missing_directory_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="0 files give its title"):
        load_directory(tmp_path / "nowhere")


def test_the_digest_follows_the_content_only(tmp_path: Path) -> None:
    first = load(tmp_path, one=AREA + GOOD).sha256
    (tmp_path / "one.toml").unlink()
    assert load(tmp_path, renamed="# a comment\n" + AREA + GOOD.replace("\nlevel", "\n\nlevel")).sha256 == first
    assert load(tmp_path, renamed=AREA + GOOD.replace("pushed", "pulled")).sha256 != first
    assert len(load_catalogue().sha256) == 64


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIELDS = [*tomllib.loads(GOOD)["requirement"][0], "confidence_note", "name", "other"]
VALUES = st.recursive(
    st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.just("S"), st.just("dual")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["zh", "en", "a", "level"]), inner),
    max_leaves=6,
)


def toml(value: object) -> str:
    """A value in TOML; JSON strings are TOML strings once DEL is escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def load_or_refuse(directory: Path, content: bytes) -> None:
    (directory / "vocabulary.toml").write_text(VOCABULARY, encoding="utf-8")
    (directory / "head.toml").write_text(HEAD, encoding="utf-8")
    (directory / "fuzz.toml").write_bytes(content)
    with contextlib.suppress(CatalogueError):
        load_directory(directory, "toy")


@FUZZ
@given(content=st.binary())
@example(content=b'catalogue = "toy"\nx = ' + b"[" * 5000)
@example(content=b'catalogue = "toy"\n\xff')
def test_any_bytes_load_or_are_refused(tmp_path: Path, content: bytes) -> None:
    load_or_refuse(tmp_path, content)


@FUZZ
@given(
    fields=st.dictionaries(st.sampled_from(FIELDS), VALUES),
    table=st.sampled_from(["requirement", "feature", "document", "official_item"]),
    area=st.booleans(),
)
def test_any_fields_load_or_are_refused(tmp_path: Path, fields: dict[str, object], table: str, area: bool) -> None:
    lines = [f"[[{table}]]", *(f"{key} = {toml(value)}" for key, value in fields.items())]
    text = (AREA if area else 'catalogue = "toy"\n') + "\n".join(lines)
    load_or_refuse(tmp_path, text.encode("utf-8", "surrogatepass"))
