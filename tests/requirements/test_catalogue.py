"""The catalogue of the social security card is complete and says what its source says.

The totals below were counted from the source catalogue (467 rows, "Totals" line and table columns) with awk, not with
the loader and not with the program that tidied the rows.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from conformance.requirements import (
    CardTraits,
    Catalogue,
    Confidence,
    Coverage,
    Level,
    Requirement,
    UnknownNameError,
    load_catalogue,
)

# fmt: off
AREA_TOTALS = {
    "ATR": 11, "SEL": 21, "REC": 66, "FMT": 26, "CODE": 27, "ACC": 77, "KEY": 19, "PIN": 23, "AUT": 19, "SM": 9,
    "PAY": 29, "LOG": 9, "TEAR": 10, "FW": 13, "LIFE": 15, "CMD": 12, "CERT": 15, "SAM": 18, "ISS": 15, "TERM": 21,
    "CTR": 12,
}
COVERED = {"ATR", "SEL", "REC", "FMT", "CODE", "ACC", "KEY", "PIN", "AUT", "SM", "FW", "TEAR", "CMD", "LIFE", "CERT", "PAY", "LOG", "SAM"}
LEVEL_TOTALS = {  # MUST, SHOULD, MAY
    "ATR": (6, 5, 0), "SEL": (15, 5, 1), "REC": (35, 26, 5), "FMT": (20, 6, 0), "CODE": (6, 21, 0),
    "ACC": (57, 12, 8), "KEY": (15, 4, 0), "PIN": (18, 5, 0), "AUT": (16, 3, 0), "SM": (5, 2, 2), "PAY": (18, 8, 3),
    "LOG": (9, 0, 0), "TEAR": (10, 0, 0), "FW": (12, 1, 0), "LIFE": (9, 4, 2), "CMD": (5, 7, 0), "CERT": (11, 1, 3),
    "SAM": (15, 3, 0), "ISS": (13, 2, 0), "TERM": (17, 4, 0), "CTR": (7, 5, 0),
}
# Cells of two marks keep both, in the source's order: "S (kid P+)" is "S P+", "S scope, A-V detail" is "S A-V".
# "S names" is "S I", because the source explains that only the names of these tests are official, the rest inferred.
CONFIDENCE_TOTALS = {
    "ATR": {"P+": 4, "A-V": 3, "I": 3, "T": 1},
    "SEL": {"S": 7, "T": 5, "P+": 3, "A-V": 3, "P1": 2, "I": 1},
    "REC": {"S": 40, "P1": 17, "P+": 6, "A-V": 2, "T": 1},
    "FMT": {"S": 21, "P+": 3, "I": 2},
    "CODE": {"S": 27},
    "ACC": {"S": 38, "S P+": 29 + 1, "S ?": 6, "P1": 2, "I": 1},
    "KEY": {"A-V": 5, "I": 4, "P+": 3, "P1": 3, "S I": 3, "A-V P+": 1},
    "PIN": {"A-V": 8, "I": 5, "P+": 4, "P1": 3, "T": 1, "T I": 1, "S P+": 1},
    "AUT": {"P+": 6, "A-V": 5, "I": 3, "A-HC": 2, "P1": 2, "P1 A-HC": 1},
    "SM": {"A-V": 3, "A-HC": 2, "P+": 2, "I": 1, "P1": 1},
    "PAY": {"S": 11, "I": 6, "A-V": 4, "P+": 3, "P1": 3, "S I": 2},
    "LOG": {"S": 7, "P+": 1, "P1": 1},
    "TEAR": {"S I": 10},
    "FW": {"S A-V": 13},
    "LIFE": {"A-HC": 6, "A-V": 5, "P1": 3, "T": 1},
    "CMD": {"A-V P1": 12},
    "CERT": {"P+": 8, "I": 4, "?": 3},
    "SAM": {"A-V": 9, "P1": 4, "P+": 2, "P+ A-V": 2, "P1 A-V": 1},
    "ISS": {"P+": 13, "S": 2},
    "TERM": {"S": 17, "P1": 4},
    "CTR": {"S": 7, "P1": 5},
}
HARD_TOTALS = {  # level MUST, cell S, P+, "S (kid P+)", "S, 3.0 P+" or "S name, P+"
    "ATR": 4, "SEL": 9, "REC": 32, "FMT": 20, "CODE": 6, "ACC": 56, "KEY": 3, "PIN": 5, "AUT": 5, "SM": 2, "PAY": 14,
    "LOG": 8, "CERT": 7, "SAM": 2, "ISS": 13, "TERM": 17, "CTR": 7,
}
# fmt: on
# Clauses 6 to 10 of LD/T 6001.3-2023, from its public table of contents.
LDT_6001_3 = {
    "6.1": "CHANGE PIN命令",
    "6.2": "复位应答",
    **{f"7.{n}": f"{df}_RECORD" for n, df in enumerate(("SSSE", "DF01", "DF02", "DF03", "DF04", "DF05", "DF07"), 1)},
    **{f"8.{n}": f"{df}_SAFETY" for n, df in enumerate(("SSSE", "DF01", "DF02", "DF03", "DF04", "DF05", "DF07"), 1)},
    "9.1": "KEY_VER1",
    "9.2": "KEY_VER2",
    "9.3": "KEY_VER3",
    "10.1": "ACSE_RECORD",
    "10.2": "ACSE_SAFETY",
    "10.3": "CHECK_CERT",
}

CATALOGUE = load_catalogue()
REQUIREMENTS = list(CATALOGUE.requirements.values())
AREAS = pytest.mark.parametrize("code", AREA_TOTALS)


@pytest.fixture
def catalogue() -> Catalogue:
    return CATALOGUE


def test_467_requirements_in_the_areas_of_the_source(catalogue: Catalogue) -> None:
    assert len(catalogue.requirements) == 467
    assert {area.code: len(area.requirements) for area in catalogue.areas} == AREA_TOTALS
    assert [area.code for area in catalogue.areas] == list(AREA_TOTALS)


@AREAS
def test_ids_are_contiguous(catalogue: Catalogue, code: str) -> None:
    area = catalogue.area(code)
    assert [entry.id for entry in area.requirements] == [f"SSC-{code}-{n:03}" for n in range(1, AREA_TOTALS[code] + 1)]
    assert {entry.area for entry in area.requirements} == {code}


@AREAS
def test_levels_are_those_of_the_source(catalogue: Catalogue, code: str) -> None:
    found = Counter(entry.level for entry in catalogue.area(code).requirements)
    assert tuple(found[level] for level in Level) == LEVEL_TOTALS[code]


@AREAS
def test_confidence_is_that_of_the_source(catalogue: Catalogue, code: str) -> None:
    assert Counter(str(entry.confidence) for entry in catalogue.area(code).requirements) == CONFIDENCE_TOTALS[code]


@AREAS
def test_only_official_or_widely_seen_musts_are_hard(catalogue: Catalogue, code: str) -> None:
    assert sum(entry.is_hard for entry in catalogue.area(code).requirements) == HARD_TOTALS.get(code, 0)


@pytest.mark.parametrize(
    ("name", "level", "confidence", "hard"),
    [  # one of each kind of cell, read in the source by eye
        ("SSC-SEL-001", "MUST", "S", True),
        ("SSC-ATR-001", "MUST", "P+", True),
        ("SSC-ACC-002", "MUST", "S P+", True),
        ("SSC-ACC-003", "MUST", "S P+", True),
        ("SSC-PIN-010", "MUST", "S P+", True),
        ("SSC-ACC-062", "SHOULD", "S ?", False),
        ("SSC-FW-001", "MUST", "S A-V", False),
        ("SSC-TEAR-001", "MUST", "S I", False),
        ("SSC-KEY-002", "MUST", "S I", False),
        ("SSC-KEY-012", "MUST", "A-V P+", False),
        ("SSC-SAM-004", "MUST", "P+ A-V", False),
        ("SSC-PIN-001", "MUST", "T", False),
        ("SSC-CERT-013", "MAY", "?", False),
        ("SSC-REC-003", "SHOULD", "S", False),
    ],
)
def test_gate(catalogue: Catalogue, name: str, level: str, confidence: str, hard: bool) -> None:
    entry = catalogue.requirements[name]
    assert (entry.level.value, str(entry.confidence), entry.is_hard) == (level, confidence, hard)


def test_confidence_is_ordered_from_the_surest() -> None:
    marks = [Confidence(mark) for mark in ("S", "P+", "P1", "T", "A-HC", "A-V", "I", "?")]
    assert sorted(Confidence, reverse=True) == marks
    assert Confidence.OFFICIAL > Confidence.SEVERAL_PROGRAMS >= Confidence.SEVERAL_PROGRAMS > Confidence.UNKNOWN
    assert not Confidence.OFFICIAL <= Confidence.INFERRED


def test_coverage_of_areas(catalogue: Catalogue) -> None:
    assert {area.code for area in catalogue.areas if area.coverage is Coverage.COVERED} == COVERED
    others = {area.coverage for area in catalogue.areas if area.code not in COVERED}
    assert others == {Coverage.SYSTEMS}


def test_official_items_of_ldt_6001_3(catalogue: Catalogue) -> None:
    items = {item.number: item for item in catalogue.official_items.values() if item.standard == "LD/T 6001.3"}
    assert {number: item.name for number, item in items.items()} == LDT_6001_3
    untestable = {number for number, item in items.items() if item.coverage is Coverage.NOT_TESTABLE}
    assert untestable == {"10.1", "10.2", "10.3"}
    assert {number for number, item in items.items() if item.reason is not None} == untestable
    assert catalogue.official_items["LD/T 6001.3 7.1"] is items["7.1"]
    assert str(items["7.1"]) == "LD/T 6001.3 7.1 SSSE_RECORD"


def test_official_groups_of_ldt_6001_2(catalogue: Catalogue) -> None:
    groups = {item.name: item.coverage for item in catalogue.official_items.values() if item.standard == "LD/T 6001.2"}
    assert {name for name, coverage in groups.items() if coverage is Coverage.COVERED} == {
        "命令功能",
        "命令参数",
        "防火墙",
        "防拔",
        "兼容性",
        "数字证书",
    }
    assert groups["医疗消费交易"] is Coverage.NOT_YET_COVERED
    assert len(groups) == 7


def test_every_official_item_of_6001_2_and_6001_3_has_requirements(catalogue: Catalogue) -> None:
    empty = [
        item.key
        for item in catalogue.official_items.values()
        if item.standard in ("LD/T 6001.2", "LD/T 6001.3") and not catalogue.assigned_to(item)
    ]
    assert empty == []


def test_requirements_without_an_official_item_are_those_of_local_files_and_df06(catalogue: Catalogue) -> None:
    # The rows whose column "official item" holds a dash in the source.
    free = {entry.id for entry in REQUIREMENTS if not entry.official}
    assert free == {f"SSC-REC-0{n}" for n in (35, 36, 64, 65)} | {f"SSC-ACC-0{n}" for n in (69, 70, 71, 72, 76)}


def test_every_feature_is_used(catalogue: Catalogue) -> None:
    conditions = [entry.condition for entry in REQUIREMENTS]
    used = {feature.name for condition in conditions for feature in condition.features + condition.any_feature}
    used |= {condition.relaxed.without.name for condition in conditions if condition.relaxed is not None}
    assert used == set(catalogue.features)


@pytest.mark.parametrize("entry", REQUIREMENTS, ids=[entry.id for entry in REQUIREMENTS])
def test_wording(entry: Requirement) -> None:
    """No row is cut, terse or in the short names of the source."""
    texts = [entry.title.zh, entry.title.en, entry.statement, entry.expected, *map(str, entry.sources)]
    assert entry.sources
    assert entry.statement.endswith(".")
    assert len(entry.statement.split()) >= 5
    assert not entry.statement[0].islower() or entry.statement.startswith(("an ", "cn "))
    assert not re.search(r"[一-鿿]", entry.title.en)
    for text in texts:
        assert text == text.strip()
        assert not re.search(r"  |\bV1\b|\bext §|37号文|38号文|\bkid\b|\bTODO\b|/(?:work|home|tmp)/", text)
        assert text.count("`") % 2 == 0
        for opening, closing in ("()", "“”", "（）", "《》", "〔〕", "{}"):
            assert text.count(opening) == text.count(closing)


@pytest.mark.parametrize("version", ["1.00", "2.00", "2.01", "3.00"])
@pytest.mark.parametrize("algorithm", ["3DES", "SM4"])
@pytest.mark.parametrize("everything", [True, False])
def test_every_condition_evaluates(catalogue: Catalogue, version: str, algorithm: str, everything: bool) -> None:
    features = frozenset(catalogue.features) if everything else frozenset()
    traits = CardTraits(version, algorithm, features)  # type: ignore[arg-type]  # parametrize knows no Literal
    applicable = {entry.id for entry in catalogue.applicable(traits)}
    for entry in REQUIREMENTS:
        judged = entry.applicability(traits)
        assert judged.applies is (entry.id in applicable)
        assert judged.reason.zh
        assert judged.reason.en
        assert not judged.hard or (entry.is_hard and judged.applies)
        assert str(entry.condition)


def test_a_full_card_of_the_third_generation(catalogue: Catalogue) -> None:
    traits = CardTraits("3.00", "SM4", frozenset(catalogue.features))
    missing = {entry.id for entry in REQUIREMENTS} - {entry.id for entry in catalogue.applicable(traits)}
    # Only what the source reserves for version 1.0 and for 3DES.
    assert missing == {f"SSC-REC-0{n}" for n in range(37, 52)} | {
        "SSC-FMT-026",
        "SSC-PIN-018",
        "SSC-AUT-004",
        "SSC-AUT-015",
        "SSC-SM-001",
    }


def test_unknown_names_are_refused(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownNameError, match="features medial are unknown; known are environment, application:DF01"):
        catalogue.applicable(CardTraits("3.00", "SM4", frozenset({"medial", "mode 1"})))
    with pytest.raises(UnknownNameError, match="area 'ATX' is unknown; known are ATR"):
        catalogue.area("ATX")


def test_features_follow_from_directories_and_files(catalogue: Catalogue) -> None:
    found = catalogue.features_of(["MF", "SSSE", "DF01", "DF04", "DF05", "DF04/TF", "SSSE/EF0C", "SSSE/EF05"])
    assert found == {"environment", "application:DF01", "application:DF04", "option:DF05", "medical", "local:EF0C"}


def test_the_catalogue_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_one_requirement_in_full(catalogue: Catalogue) -> None:
    """One row copied from the source by hand, to see that every column lands in its field."""
    entry = catalogue.requirements["SSC-ACC-009"]
    assert entry.title == ("DF01/EF05 读", "Reading DF01/EF05 household registration")
    assert [str(source) for source in entry.sources] == [
        "人社信息函〔2012〕37号 §5, tables 3–8",
        "reconstructed specification §2.2",
    ]
    assert entry.sources[0].document.title.zh == "社会保障卡文件结构和数据项（V2.0）"
    assert entry.condition.versions == ("2.0", "3.0")
    assert entry.condition.assumed == ("1.0",)
    assert entry.checks[2].stimulus.endswith("EXTERNAL AUTHENTICATION `00820088…` alone")
    assert [check.expected for check in entry.checks] == ["6982", "9000", "9000", "6982"]
    assert [item.name for item in entry.official] == ["DF01_SAFETY"]
