"""Code lists and rules of content: the valid values of 人社信息函〔2012〕37号 §8, typed a second time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.dictionary import code_lists, element, elements, layout
from profiles.dictionary.rules import _RULES, problem, wanted

VALID = {
    "02": "1 2 3 4",
    "0A": "1 2 9",
    "0B": " ".join([f"{number:02}" for number in range(1, 57)] + ["99"]),
    "20": "10 11 12 20 21 22 30 31 32 33 34 40 41 42 50 51 52",
    "29": "1 2 3 4 5 6 7 8",
    "2B": "1 2 3 4 9",
    "32": "11 12 13 17 21 24 27 31 37 51 54 70 80 90",
    "38": "01 02 03 04 05 06 07 08 09 10 11 12 13",
    "2A": "11 14 21 31 41 44 47 61 71 81 90",
    "41": "410 411 412 420 430 434 435 499",
    "33": " ".join(sorted([str(n) for n in range(100, 501, 10)] + [str(n) for n in range(121, 129)] + ["321", "322"])),
    "10": "010 020 030 040 050 060 070 990",
    "46": "10 20 30 40 50 60 70 80 90",
    "13": "10 20 30 40 50 60 70 80 90",
    "47": "01 02 03 04 05 06 07 08 09 10 11",
    "48": "1 2 3 4",
    "49": "0 1",
    "14": "0 1",
    "5F": "0 1",
    "70": "110 120 150 160 170",
    "74": "110 120 150 160 170 410",
    "18": "110 120 150 160 170 210 310 380 390 391 410 510",
    "3D": "1 2 3 4",
    "76": "1 2 4 5 6 7",
    "8C": "11 21 22 31 32 33 34 91",
    "8F": "1 2",
    "90": "0 1",
    "F0": " ".join(f"{number:02}" for number in range(1, 57) if number != 12),
    "F1": "0 1 3 5 6 7 8",
    "F3": "901 902 911 912 913 914 915 916 920 921 922",
    "F5": (
        "100 110 120 121 122 123 124 130 140 150 160 170 180 190 200 210 290 300 310 390 400 410 490 500 510 520 530 540 550 "
        "900 910 920 930 990"
    ),
    "F9": "1 2 3 9",
}


@pytest.mark.parametrize("tag", VALID)
def test_code_list_agrees_with_the_standard(tag: str) -> None:
    assert list(element(tag).codes) == VALID[tag].split()
    assert element(tag).problem("~") is not None
    assert all(element(tag).problem(code) is None for code in element(tag).codes)


def test_no_element_has_a_code_list_that_the_standard_lacks() -> None:
    assert {tag for tag, entry in elements().items() if entry.list} == set(VALID)


@pytest.mark.parametrize("tag", VALID)
def test_every_code_fits_its_element(tag: str) -> None:
    entry = element(tag)
    for code in entry.codes:
        assert entry.decode(entry.encode(code)) == code


@pytest.mark.parametrize(
    ("name", "field", "codes"),
    [
        ("medical transaction", "transaction type", "1 2"),
        ("special medical settlement", "settlement category", "1 2 3 9"),
        ("employment policy", "kind of policy", "010 020 030 040 050 060 061 062 070 080 990"),
    ],
)
def test_code_lists_of_cyclic_records(name: str, field: str, codes: str) -> None:
    described = next(entry for entry in layout(name).field if entry.en == field)
    assert list(described.codes) == codes.split()


@pytest.mark.parametrize(
    ("tag", "value", "wrong"),
    [
        ("81", "31001000", None),
        ("81", "32001000", "险种类型"),
        ("81", "31002000", "门诊统筹"),
        ("81", "3100100", "优抚"),
        ("4B", "10010", None),
        ("4B", "30010", "类型"),
        ("4F", "102000", None),
        ("4F", "200010", None),
        ("4F", "202080", "注销原因"),
        ("05", "20240229", None),
        ("05", "20230229", "YYYYMMDD"),
        ("05", "2023", "YYYYMMDD"),
        ("0C", "500103", None),
        ("0C", "050103", "GB/T 2260"),
        ("08", "11010519491231002X", None),
        ("08", "110105194912310020", "GB 11643"),
        ("07", "D2143569X", None),
        ("07", "D21435690", "annex A"),
        ("03", "3.00", None),
        ("03", "2.0", "specification version"),
        ("01", "430299D156000005000000133A05F2E3", None),
        ("01", "330300D15600000599110145", None),
        ("01", "330300D15600000699110145FFFFFFFF", "D156000005"),
        ("04", "9156000002430200430100D5", None),
        ("04", "915600000211000011000002", None),
        ("04", "9156000003430200430100D5", "9156000002"),
        ("37", "USA", None),
        ("37", "US", "three letters"),
        ("92", "00012850", None),
        ("92", "12850", "fen"),
    ],
)
def test_content_rules(tag: str, value: str, wrong: str | None) -> None:
    problem = element(tag).problem(value)
    assert problem is None if wrong is None else problem is not None and wrong in problem


def test_a_meaning_is_told_in_both_languages_where_it_is_known() -> None:
    adult = element("02").meaning("3")
    assert adult is not None
    assert (adult.zh, adult.en) == ("成年人", "adult")
    kind = element("81").meaning("31001000")
    assert kind is not None
    assert kind.zh.startswith("险种类型：职工基本医疗保险；异地：否；门诊统筹：是")
    assert element("32").meaning("27") is None
    assert element("02").meaning("7") is None
    assert element("81").meaning("99977777") is None


def test_every_named_list_and_rule_is_used() -> None:
    described = [*elements().values()]
    fields = [
        field
        for name in ("employment record", "employment policy", "medical transaction")
        for field in layout(name).field
    ]
    fields += layout("special medical settlement").field
    lists = {entry.list for entry in (*described, *fields)} | {part.list for entry in described for part in entry.parts}
    assert set(code_lists()) == lists - {None}
    assert {entry.rule for entry in (*described, *fields)} - {None} == set(_RULES)


@given(text=st.text(max_size=40))
def test_no_text_makes_a_rule_fail(text: str) -> None:
    for rule in _RULES:
        found = problem(rule, text)
        assert found is None or wanted(rule) in found
