"""The page says what the report says, harms nobody, and needs nothing but itself."""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from conformance.requirements import load_catalogue
from profiles import load
from reports.html import render
from reports.model import Particulars, build
from tests.reports.building import ATR, SELECT_SSSE, Run
from tests.reports.page import Element, parse
from tests.reports.test_judge import HARD, ONE, OPTIONAL, TWO, complete

COUNTEREXAMPLE = [
    {"command": "NEW CARD", "response": ATR},
    {"command": SELECT_SSSE, "response": "611E"},
    {"command": "00B2083400", "response": "6A82", "note": "record 8 does not exist"},
]


def failing() -> Run:
    """One non-conformity with everything that a failure can carry, and one deviation."""
    run = complete(ONE)
    run.begin("REC/1/BI", ONE, TWO, title={"zh": "不存在的记录", "en": "absent record"})
    run.send("REC/1/BI", "NEW CARD", ATR).step("REC/1/BI", "选择环境", "select the environment")
    run.send("REC/1/BI", SELECT_SSSE, "6118")
    run.send("REC/1/BI", "00C0000018", "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E9000")
    run.check("REC/1/BI", TWO, True).check("REC/1/BI", ONE, False, "6A83", "6A82")
    run.finish(
        "REC/1/BI",
        "fail",
        ONE,
        reason={"zh": "应返回 6A83", "en": "must answer 6A83"},
        expected="6A83",
        received="6A82",
        counterexample=COUNTEREXAMPLE,
        reproduce="sscard certify --only REC/1/BI",
        exchanges=3,
    )
    return run.case("X/1/BV", OPTIONAL, verdict="fail", fails=OPTIONAL).end(conformity=1)


def page(run: Run, directory: Path, **options: Any) -> Element:
    return parse(render(build(run.log(directory), load_catalogue(), load("ssc3-sm4"), **options)))


def test_the_statement_and_its_rule(tmp_path: Path) -> None:
    statement = page(failing(), tmp_path).by_id("statement")
    assert "不符合 not conformant" in statement.all("h2")[0].text
    assert "判定规则" in statement.text
    assert "Decision rule" in statement.text
    assert "结果仅对被测件有效" in statement.text
    assert [dd.text for dd in statement.all("dd")][:3] == ["1", "1", "0"]


def test_the_heading_names_the_kind_of_card(tmp_path: Path) -> None:
    known = Run().start.profile
    for catalogues, heading in (
        (None, "社会保障卡一致性检测报告 Conformance test report of a social security card"),
        (["social-security", "payment"], "社会保障卡一致性检测报告 Conformance test report of a social security card"),
        (["payment"], "金融IC卡一致性检测报告 Conformance test report of a payment card"),
    ):
        told = known if catalogues is None else {**known, "catalogues": catalogues}
        run = Run(profile={**told, "features": []}).target().end()
        source = render(build(run.log(tmp_path), load_catalogue(*(catalogues or ["social-security"])), None))
        assert parse(source).all("h1")[0].text == heading
        assert f'@top-left {{ content: "{heading.split()[0]}";' in source


def test_a_suite_is_named_in_both_languages(tmp_path: Path) -> None:
    """By the name that the log has, where a log has no title."""
    run = complete().case("Z/1/BV", ONE)
    run.begin("Y/1/BV", ONE, suite="logs", suite_title={"zh": "日志", "en": "Logs"}).finish("Y/1/BV")
    titles = [heading.text for heading in page(run.end(), tmp_path).by_id("cases").all("h3")]
    assert titles[-2:] == ["Z 1", "日志 Logs 1"]


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (complete().end(), "符合 conformant"),
        (complete(ONE).end(), "不完整 incomplete"),
        (complete().end(interrupted=True, conformity=3, reason="the card went away"), "测试台错误 bench error"),
    ],
)
def test_every_statement_has_its_words(run: Run, word: str, tmp_path: Path) -> None:
    statement = page(run, tmp_path).by_id("statement")
    assert statement.all("h2")[0].text.endswith(word)


def test_findings_come_before_anything_else_and_separate_deviations(tmp_path: Path) -> None:
    root = page(failing(), tmp_path)
    sections = [e.attributes.get("id") for e in root.all("section")]
    assert sections[:2] == ["statement", "findings"]
    (nonconformity,) = root.by_id("findings").all("article", "nonconformity")
    (deviation,) = root.by_id("findings").all("article", "deviation")
    assert ONE in nonconformity.text
    assert OPTIONAL in deviation.text
    assert "应返回 6A83 must answer 6A83" in nonconformity.text


def test_a_failed_case_shows_expected_and_received_apart(tmp_path: Path) -> None:
    (case,) = page(failing(), tmp_path).all("details", "v-fail")[:1]
    pair = case.all("dl", "pair")[0]
    assert [dt.text for dt in pair.all("dt")] == ["期望 expected", "实际 received"]
    assert [dd.text for dd in pair.all("dd")] == ["6A83", "6A82"]


def test_a_failed_case_shows_its_shortest_counterexample_and_how_to_see_it_again(tmp_path: Path) -> None:
    case = page(failing(), tmp_path).all("details", "v-fail")[0]
    moves = [e for e in case.all("ol", "moves")[0].children if isinstance(e, Element)]
    assert [move.all("b")[0].text for move in moves] == ["NEW CARD", "SELECT", "READ RECORD"]
    assert "SSSE/EF06" in moves[2].text
    assert "record 8 does not exist" in moves[2].text
    assert "sscard certify --only REC/1/BI" in case.text


def test_exchanges_are_decoded(tmp_path: Path) -> None:
    case = page(failing(), tmp_path).all("details", "v-fail")[0]
    timeline = case.all("ol", "timeline")[0].text
    for words in ("GET RESPONSE", "sx1.sh.社会保障", "文件控制信息", "正常完成", "select the environment"):
        assert words in timeline


def test_every_requirement_and_official_item_of_the_catalogue_stands(tmp_path: Path) -> None:
    root = page(failing(), tmp_path)
    catalogue = load_catalogue()
    for name in catalogue.requirements:
        assert root.by_id(name).name == "tr"
    official = root.by_id("official").text
    for item in catalogue.official_items.values():
        assert item.name in official
    assert official.count("无公开资料，无法检测") == 3


def test_areas_that_no_suite_covers_are_named(tmp_path: Path) -> None:
    text = page(failing(), tmp_path).by_id("integrity").text
    for area in load_catalogue().areas:
        if area.coverage.value != "covered":
            assert area.title.zh in text


def test_declaration_and_its_mismatch(tmp_path: Path) -> None:
    run = Run().target(observed={"version": "2.00", "algorithm": "SM4", "DF07": "6A82"}).end()
    rows = page(run, tmp_path).by_id("declaration").all("tr", "worse")
    assert [row.all("td")[1].text for row in rows] == ["2.00", "6A82"]


def test_keys_are_named_and_never_shown(tmp_path: Path) -> None:
    text = page(failing(), tmp_path).by_id("parameters").text
    assert "UKSSSE" in text
    assert "A1B2C3" in text


def test_the_digest_of_the_log_stands_in_the_report(tmp_path: Path) -> None:
    run = failing()
    digest = sha256(run.write(tmp_path).read_bytes()).hexdigest()
    assert digest in page(run, tmp_path).by_id("integrity").text


def test_particulars_are_shown(tmp_path: Path) -> None:
    root = page(failing(), tmp_path, particulars=Particulars(laboratory="某检测中心", approver="王工"))
    assert "某检测中心" in root.by_id("item").text
    assert "王工" in root.by_id("integrity").text


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    html = render(build(failing().log(tmp_path), load_catalogue(), None))
    root = parse(html)
    for element in root.walk():
        assert not {"src", "srcset", "action", "style", "onclick", "onload"} & element.attributes.keys()
        href = element.attributes.get("href", "#")
        assert href.startswith("#")
        if len(href) > 1:
            root.by_id(href[1:])
    assert not re.search(r"url\(|@import|https?://", root.all("style")[0].text)


def test_the_policy_allows_only_the_page_s_own_style_and_script(tmp_path: Path) -> None:
    html = render(build(failing().log(tmp_path), load_catalogue(), None))
    root = parse(html)
    (policy,) = [e.attributes["content"] for e in root.all("meta") if "http-equiv" in e.attributes]
    assert policy.startswith("default-src 'none'")
    for name in ("style", "script"):
        (body,) = re.findall(rf"<{name}>(.*?)</{name}>", html, re.DOTALL)
        assert f"'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'" in policy


def test_the_page_is_accessible(tmp_path: Path) -> None:
    root = page(failing(), tmp_path)
    assert root.all("html")[0].attributes["lang"] == "zh-CN"
    assert len(root.all("main")) == 1
    assert len(root.all("h1")) == 1
    assert root.all("a", "skip")[0].attributes["href"] == "#statement"
    for header in root.all("th"):
        assert header.attributes.get("scope") in {"col", "row"}
    for section in root.all("section"):
        assert root.by_id(section.attributes["aria-labelledby"]).name == "h2"
    level = 1
    for heading in (e for e in root.walk() if re.fullmatch("h[1-6]", e.name)):
        assert int(heading.name[1]) <= level + 1
        level = int(heading.name[1])


HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e\x00"


def test_nothing_that_a_card_or_a_log_says_becomes_markup(tmp_path: Path) -> None:
    run = Run(
        run=f"R{HOSTILE}",
        command_line=[HOSTILE],
        environment={HOSTILE: HOSTILE},
        keys=[{"name": HOSTILE, "version": HOSTILE, "check_value": HOSTILE}],
        assumptions=[{"zh": HOSTILE, "en": HOSTILE, "value": HOSTILE, "basis": HOSTILE, "confidence": HOSTILE}],
    )
    run.target(reader=HOSTILE, atr=HOSTILE, identification=HOSTILE, observed={"version": HOSTILE})
    text = {"zh": HOSTILE, "en": HOSTILE}
    run.begin(HOSTILE, ONE, HOSTILE, title=text, kind=HOSTILE, item=HOSTILE, expected=text, suite=HOSTILE)
    run.step(HOSTILE, HOSTILE, HOSTILE).check(HOSTILE, HOSTILE, False, HOSTILE, HOSTILE)
    run.send(HOSTILE, "00B2010400", "0912" + b"<script>alert(1)</".hex() + "9000")
    run.send(HOSTILE, HOSTILE, HOSTILE).send(HOSTILE, "00B2010400", "0904FFFE81809000")
    run.finish(
        HOSTILE, "fail", HOSTILE, reason=text, expected=HOSTILE, received=HOSTILE, reproduce=HOSTILE,
        counterexample=[{"command": HOSTILE, "response": HOSTILE, "note": HOSTILE}],
    )  # fmt: skip
    html = render(build(run.end(reason=HOSTILE).log(tmp_path), load_catalogue(), load("ssc3-sm4")))
    root = parse(html)
    assert len(root.all("script")) == 1
    assert html.count("<script>") == 1
    assert "alert(1)" not in root.all("style")[0].text
    controls = {c for c in html if unicodedata.category(c)[0] == "C"} - {"\n", "\ufffd"}
    assert controls == set()


def test_a_masked_run_shows_no_secret_even_when_its_log_does(tmp_path: Path) -> None:
    run = Run(masked=True).begin("A/1/BV", ONE).send("A/1/BV", "RESET", ATR).send("A/1/BV", SELECT_SSSE, "9000")
    run.send("A/1/BV", "0020000003987654", "9000").finish("A/1/BV", "fail", ONE)
    html = render(build(run.end().log(tmp_path), load_catalogue(), load("ssc3-sm4")))
    assert "987654" not in html
    assert "0020000003XXXXXX" in html


def test_an_unmasked_run_tells_why(tmp_path: Path) -> None:
    run = Run(masked=False, unmask_reason="按委托方要求").end()
    assert "按委托方要求" in page(run, tmp_path).by_id("statement").text


def test_a_long_passing_case_keeps_its_beginning_and_end_and_counts_the_rest(tmp_path: Path) -> None:
    run = Run().begin("A/1/BV", ONE).send("A/1/BV", "RESET", ATR)
    for _ in range(200):
        run.send("A/1/BV", "0084000008", "11223344556677889000")
    case = page(run.finish("A/1/BV").end(), tmp_path).all("details", "case")[0]
    assert [e.text for e in case.all("span", "n")] == ["1", "2", "3", "201"]
    assert "略去 197 次交互" in case.text


@pytest.mark.parametrize("failing", [24, 60])
def test_a_usual_run_whose_long_cases_fail_stays_small(tmp_path: Path, failing: int) -> None:
    """It once had 7 MB: passing cases were decoded, too, as soon as enough others did not pass."""
    run = Run().target()
    for number in range(1500):
        name, fails = f"REC/a-case-with-a-name-of-usual-length-{number}/BV", number < failing
        run.begin(name, HARD[number % len(HARD)], title={"zh": "一个长度通常的用例标题", "en": "a title as they are"})
        run.send(name, "NEW CARD", ATR).send(name, SELECT_SSSE, "9000")
        for _ in range(80 if fails else 4):
            run.send(name, "00B2023420", "091E" + "XX" * 30 + "9000")
        run.finish(name, "fail" if fails else "pass", HARD[number % len(HARD)] if fails else None)
    html = render(build(run.end().log(tmp_path), load_catalogue(), load("ssc3-sm4")))
    assert len(html.encode()) < 5_000_000


def test_three_thousand_cases_stay_small(tmp_path: Path) -> None:
    run = Run().target()
    for number in range(3000):
        name = f"REC/a-case-with-a-name-of-usual-length-{number}/BV"
        run.begin(name, HARD[number % len(HARD)], title={"zh": "一个长度通常的用例标题", "en": "a title as they are"})
        run.send(name, "NEW CARD", ATR)
        for _ in range(8):
            run.send(name, "00B2023420", "091E" + "XX" * 30 + "9000")
        run.finish(name, "fail" if number % 30 == 0 else "pass", HARD[number % len(HARD)] if number % 30 == 0 else None)
    html = render(build(run.end().log(tmp_path), load_catalogue(), load("ssc3-sm4")))
    assert len(html.encode()) < 5_000_000
    assert html.count('<details class="case ') == 3000
