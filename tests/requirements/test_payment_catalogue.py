"""The catalogue of payment applications is complete and says what its source says.

The totals below were counted from the source catalogue (464 rows, its "Areas" line and table columns) with awk, not with
the loader and not with the program that tidied the rows.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from conformance.requirements import CardTraits, Coverage, Level, Requirement, UnknownNameError, load_catalogue

# fmt: off
AREA_TOTALS = {
    "SEL": 23, "GPO": 14, "RDR": 11, "GDT": 11, "ODA": 20, "PIN": 14, "GAC": 40, "EXA": 11, "GA2": 28, "SCR": 32,
    "LOG": 18, "ECC": 22, "DUA": 12, "QPB": 52, "TEA": 8, "FDD": 8, "SMA": 18, "KEY": 10, "PER": 31, "CAP": 31,
    "TRM": 44, "INV": 6,
}
SHOULD_TOTALS = {  # column "lvl" S; M, C and D are MUST
    "GPO": 2, "RDR": 2, "ODA": 1, "PIN": 1, "GAC": 2, "EXA": 1, "ECC": 1, "QPB": 1, "PER": 3,
}
# Column "conf": H is S, M is I, L is "?". H without any clause (source "derived") is "S I"; the one row that published
# examples fix is P+.
CONFIDENCE_TOTALS = {
    "SEL": {"S": 21, "I": 2}, "GPO": {"S": 10, "I": 4}, "RDR": {"S": 9, "I": 2}, "GDT": {"S": 9, "I": 2},
    "ODA": {"S": 19, "I": 1}, "PIN": {"S": 11, "I": 3}, "GAC": {"S": 33, "I": 7}, "EXA": {"S": 9, "I": 2},
    "GA2": {"S": 27, "I": 1}, "SCR": {"S": 27, "I": 5}, "LOG": {"S": 16, "I": 2}, "ECC": {"S": 21, "I": 1},
    "DUA": {"S": 12}, "QPB": {"S": 51, "I": 1}, "TEA": {"S": 5, "I": 3}, "FDD": {"S": 8}, "SMA": {"S": 16, "I": 2},
    "KEY": {"S": 7, "S I": 1, "I": 1, "P+": 1}, "PER": {"S": 17, "I": 14}, "CAP": {"S": 27, "I": 3, "?": 1},
    "TRM": {"S": 44}, "INV": {"S": 2, "S I": 2, "I": 2},
}
HARD_TOTALS = {  # level M, C or D, confidence H, and a clause or a published example behind it
    "SEL": 21, "GPO": 10, "RDR": 9, "GDT": 9, "ODA": 18, "PIN": 11, "GAC": 33, "EXA": 9, "GA2": 27, "SCR": 27,
    "LOG": 16, "ECC": 20, "DUA": 12, "QPB": 50, "TEA": 5, "FDD": 8, "SMA": 16, "KEY": 8, "PER": 17, "CAP": 27,
    "TRM": 44, "INV": 2,
}
SOURCE_TOTALS = {  # rows that name the document in the column "source"
    "JR/T 0025.5": 190, "JR/T 0025.6": 31, "JR/T 0025.7": 15, "JR/T 0025.10": 18, "JR/T 0025.12": 81,
    "JR/T 0025.13": 41, "JR/T 0025.14": 33, "JR/T 0025.15": 11, "JR/T 0025.17": 21, "EMV practice": 13,
    "test laboratory advice": 2, "derived": 17, "published worked examples": 1,
}
# The column "family" by item. Names and numbers of JR/T 0045.1-2014 §7 stand in its public table of contents.
JRT_0045_1 = {
    "7.1": ("标准联机交易", 12), "7.2": ("SDML", 2), "7.3": ("YYSD", 8), "7.4": ("DQSJ", 5), "7.5": ("HQSJ", 7),
    "7.6": ("YYXZ", 10), "7.7": ("JSML", 2), "7.8": ("YYJS", 3), "7.9": ("KSML", 1), "7.10": ("KPSD", 2),
    "7.11": ("LJPZ", 11), "7.12": ("FHDT", 7), "7.13": ("JBSB", 7), "7.14": ("FXGL", 33), "7.15": ("SHJC", 3),
    "7.16": ("LJTJ", 2), "7.17": ("ZFML", 5), "7.18": ("DDCS", 6), "7.19": ("GXSJ", 22), "7.20": ("WBRZ", 9),
    "7.21": ("RZSB", 16), "7.22": ("LJSB", 10),
}
JRT_0045_3 = {
    "ATR": 0, "SJDQ": 15, "CTSJ": 1, "YYXZ": 5, "YYCS": 5, "JTSJ": 9, "DTSJ": 8, "FHSJ": 1, "CKRZ": 6, "FXGL": 2,
    "JYMX": 22, "KXSJ": 12, "密钥": 7,
}
# fmt: on
WITHOUT_FAMILY = 159 + 44
"""Rows with a dash in the column "family", and those of terminals, whose tests are in a part that is not public."""

CATALOGUE = load_catalogue("payment")
REQUIREMENTS = list(CATALOGUE.requirements.values())
AREAS = pytest.mark.parametrize("code", AREA_TOTALS)


def test_464_requirements_in_the_areas_of_the_source() -> None:
    assert len(REQUIREMENTS) == 464
    assert {area.code: len(area.requirements) for area in CATALOGUE.areas} == {
        f"PAY-{c}": n for c, n in AREA_TOTALS.items()
    }
    assert [area.code for area in CATALOGUE.areas] == [f"PAY-{code}" for code in AREA_TOTALS]


def test_no_id_is_in_both_catalogues() -> None:
    assert CATALOGUE.requirements.keys().isdisjoint(load_catalogue().requirements)


@AREAS
def test_ids_are_contiguous(code: str) -> None:
    area = CATALOGUE.area(f"PAY-{code}")
    assert [entry.id for entry in area.requirements] == [f"PAY-{code}-{n:03}" for n in range(1, AREA_TOTALS[code] + 1)]
    assert {entry.area for entry in area.requirements} == {f"PAY-{code}"}


@AREAS
def test_levels_are_those_of_the_source(code: str) -> None:
    found = Counter(entry.level for entry in CATALOGUE.area(f"PAY-{code}").requirements)
    should = SHOULD_TOTALS.get(code, 0)
    assert found == {Level.MUST: AREA_TOTALS[code] - should, **({Level.SHOULD: should} if should else {})}


@AREAS
def test_confidence_is_that_of_the_source(code: str) -> None:
    assert (
        Counter(str(entry.confidence) for entry in CATALOGUE.area(f"PAY-{code}").requirements)
        == CONFIDENCE_TOTALS[code]
    )


@AREAS
def test_only_what_a_clause_or_an_example_states_is_hard(code: str) -> None:
    assert sum(entry.is_hard for entry in CATALOGUE.area(f"PAY-{code}").requirements) == HARD_TOTALS[code]


def test_sources_are_those_of_the_source() -> None:
    named = Counter(name for entry in REQUIREMENTS for name in {source.document.name for source in entry.sources})
    assert named == SOURCE_TOTALS


def test_every_standard_is_cited_with_a_clause() -> None:
    for entry in REQUIREMENTS:
        for source in entry.sources:
            pattern = r"(?:§\d|[A-E]\.\d|table |appendix [A-E])" if source.document.name.startswith("JR/T") else "$"
            assert re.match(pattern, source.clause), source


def test_coverage_of_areas() -> None:
    """Terminals are shown by tests of the terminal, not by a run on a card."""
    others = {area.code: area.coverage for area in CATALOGUE.areas if area.coverage is not Coverage.COVERED}
    assert others == {"PAY-TRM": Coverage.SYSTEMS}


def test_official_items_of_the_card_test() -> None:
    items = {item.number: item for item in CATALOGUE.official_items.values() if item.standard == "JR/T 0045.1"}
    found = {n: (item.name, len(CATALOGUE.assigned_to(item))) for n, item in items.items() if n and n[0] == "7"}
    assert found == JRT_0045_1
    electrical = {n: item for n, item in items.items() if n not in JRT_0045_1}
    assert {n: item.name for n, item in electrical.items()} == {
        "6.2": "TPSB",
        "6.3": "TPSC",
        "6.4": "TPSE",
        "6.5": "TPSF",
        "6.6": "TPSG",
    }
    for item in electrical.values():
        assert item.coverage is Coverage.NOT_TESTABLE
        assert item.reason is not None
        assert not CATALOGUE.assigned_to(item)


def test_official_items_of_the_personalisation_test() -> None:
    items = [item for item in CATALOGUE.official_items.values() if item.standard == "JR/T 0045.3"]
    assert {item.name: len(CATALOGUE.assigned_to(item)) for item in items} == JRT_0045_3


def test_requirements_without_an_official_item() -> None:
    free = [entry for entry in REQUIREMENTS if not entry.official]
    assert len(free) == WITHOUT_FAMILY
    assert {entry.id for entry in CATALOGUE.area("PAY-TRM").requirements} <= {entry.id for entry in free}


def test_every_payment_feature_is_used_and_cards_and_terminals_are_told_apart() -> None:
    for entry in REQUIREMENTS:
        first = {"PAY-TRM": ("terminal kernel",), "PAY-PER": ("financial", "personalisation")}
        named = entry.condition.features + entry.condition.any_feature
        assert named[0].name in first.get(entry.area, ("financial",))
        assert not entry.condition.versions
    conditions = [entry.condition for entry in REQUIREMENTS]
    used = {feature.name for condition in conditions for feature in condition.features + condition.any_feature}
    shared = load_catalogue().features.keys()
    assert used - shared == CATALOGUE.features.keys() - shared
    assert used & shared == {"financial", "contactless"}


@pytest.mark.parametrize(
    ("name", "every", "one_of"),
    [  # the column "applies when", read in the source by eye
        ("PAY-SEL-001", "", ""),
        ("PAY-SEL-003", "partial selection", ""),
        ("PAY-SEL-017", "qPBOC, several applications", ""),
        ("PAY-GPO-002", "without PDOL", ""),
        ("PAY-GPO-007", "conditions of use", ""),
        ("PAY-RDR-008", "e-cash", ""),
        ("PAY-ODA-009", "DDA", ""),
        ("PAY-ODA-018", "without CDA", ""),
        ("PAY-PIN-010", "offline PIN, ADA 2.b8", ""),
        ("PAY-GAC-001", "", ""),  # "no CDA" is said of the request here, of the card in ODA-018
        ("PAY-GAC-012", "", "issuer authentication, issuer scripts"),
        ("PAY-GAC-016", "issuer authentication, ADA 1.b8=0", ""),
        ("PAY-GAC-024", "data:9F54", ""),
        ("PAY-GAC-026", "data:9F75, data:9F76, data:9F73", ""),
        ("PAY-GAC-035", "", "data:9F53, data:9F72"),
        ("PAY-GA2-008", "issuer authentication, issuer authentication mandatory", ""),
        ("PAY-LOG-006", "transaction log", ""),
        ("PAY-ECC-008", "e-cash, offline PIN", ""),
        ("PAY-DUA-012", "second currency, qPBOC, CAP 1.b8", ""),  # DUA-010: with 1.b7 or 1.b6 there is none in qPBOC
        ("PAY-QPB-019", "qPBOC, CAP 3.b8, CAP 3.b5", ""),
        ("PAY-QPB-032", "qPBOC", "CAP 1.b7, CAP 1.b6"),
        ("PAY-QPB-048", "qPBOC, qPBOC offline, RSA 1024", ""),
        ("PAY-FDD-002", "qPBOC, fDDA 01", ""),
        ("PAY-SMA-003", "contact, SM alone", ""),
        ("PAY-SMA-006", "SM, SDA", ""),
        ("PAY-KEY-003", "3DES", ""),
        ("PAY-PER-001", "", ""),  # a chip before its personalisation has no financial application yet
        ("PAY-CAP-005", "extended application, R-MAC", ""),
        ("PAY-CAP-022", "extended application, pre-authorisation", ""),
        ("PAY-TRM-031", "terminal:e-cash", ""),
        ("PAY-INV-001", "", "e-cash, qPBOC"),
    ],
)
def test_conditions(name: str, every: str, one_of: str) -> None:
    condition = CATALOGUE.requirements[name].condition
    assert ", ".join(feature.name for feature in condition.features[1:]) == every
    assert ", ".join(feature.name for feature in condition.any_feature) == one_of


@pytest.mark.parametrize("entry", REQUIREMENTS, ids=[entry.id for entry in REQUIREMENTS])
def test_wording(entry: Requirement) -> None:
    """No row is cut, terse or in the short forms of the source."""
    texts = [entry.title.zh, entry.title.en, entry.statement, entry.expected, *map(str, entry.sources)]
    assert entry.sources
    assert entry.statement.endswith(".")
    assert not entry.statement.endswith("..")
    assert len(entry.statement.split()) >= 5
    assert entry.statement[0].isupper()
    assert entry.title.en[0].isupper() or entry.title.en.startswith(("fDDA", "qPBOC"))
    assert re.search(r"[一-鿿]", entry.title.zh)
    assert not re.search(r"[一-鿿]", entry.title.en + entry.statement)
    assert not re.search(r"\bGPO\b|\bGAC\d?\b|\bEC\b|\bAUTH\b|⇒|→|≠", entry.statement)
    for text in texts:
        assert text == text.strip()
        assert not re.search(r"  |\btxn\b|\bext\b|\bApp\.|\bcond\.|\bTODO\b|/(?:work|home|tmp)/", text)
        assert text.count("`") % 2 == 0
        for opening, closing in ("()", "“”", "（）", "《》", "〔〕", "{}"):
            assert text.count(opening) == text.count(closing)


def test_statements_and_titles_of_an_area_differ() -> None:
    assert len({entry.statement for entry in REQUIREMENTS}) == 464
    for area in CATALOGUE.areas:
        assert len({entry.title.en for entry in area.requirements}) == len(area.requirements)
        assert len({entry.title.zh for entry in area.requirements}) == len(area.requirements)


@pytest.mark.parametrize("everything", [True, False])
def test_every_condition_evaluates(everything: bool) -> None:
    features = frozenset(CATALOGUE.features) if everything else frozenset()
    traits = CardTraits("3.00", "SM4", features)
    assert [entry.id for entry in CATALOGUE.applicable(traits)] == list(CATALOGUE.requirements if everything else ())
    for entry in REQUIREMENTS:
        judged = entry.applicability(traits)
        assert judged.applies is everything
        assert judged.hard is (everything and entry.is_hard)
        assert judged.reason.zh
        assert judged.reason.en


def test_a_social_security_card_without_payment_has_no_requirement_here() -> None:
    traits = CardTraits("3.00", "SM4", frozenset({"environment", "contactless", "medical"}))
    assert CATALOGUE.applicable(traits) == []


def test_features_of_a_payment_card_mean_nothing_to_the_other_catalogue() -> None:
    with pytest.raises(UnknownNameError, match="features e-cash are unknown"):
        load_catalogue().applicable(CardTraits("3.00", "SM4", frozenset({"e-cash"})))


def test_one_requirement_in_full() -> None:
    """One row read in the source, to see that every column lands in its field."""
    entry = CATALOGUE.requirements["PAY-GA2-006"]
    assert entry.title == ("认证失败", "Failed authentication at completion")
    assert [str(source) for source in entry.sources] == ["JR/T 0025.5 §16.6.2"]
    assert entry.sources[0].document.title.zh.endswith("第5部分：借记/贷记应用卡片规范（JR/T 0025.5-2013）")
    assert entry.level is Level.MUST
    assert str(entry.condition) == "a financial application; issuer authentication"
    assert [check.expected for check in entry.checks] == ["TC if ADA 1.b7 is 0, AAC if it is 1"]
    assert [str(item) for item in entry.official] == ["JR/T 0045.1 7.21 RZSB"]
    assert entry.is_hard
