"""The section of a flow: what it says, what it leaves out, and that no log can break it."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.events import FlowBooks, FlowFinished, FlowRequirements, FlowStarted, FlowTimed, FlowTrials
from conformance.flow_judging import FLOW_RULES
from conformance.requirements import Text, load_catalogue
from reports.flows import flow_reports
from reports.html import render, timeline_picture
from reports.model import build
from tests.reports.building import Run
from tests.reports.flow_logs import FAILURES, STEPS, Flow, table, upgrade, words
from tests.reports.page import Element, parse
from tests.reports.test_html import HOSTILE, failing
from tests.reports.test_judge import complete

BREACHES = ((1, "apdu 17, write 2"), (2, "bank answer 3"), (2, "bank answer 9"))
OF_CASES = ("official", "requirements", "cases", "statistics", "declaration")
"""Sections that speak of test cases."""


def source(run: Run) -> str:
    with tempfile.TemporaryDirectory() as directory:
        return render(build(run.log(Path(directory)), load_catalogue(), None))


def page(run: Run) -> Element:
    return parse(source(run))


def sections(root: Element) -> list[str]:
    return [element.attributes.get("id", "") for element in root.all("section")]


def broken() -> Run:
    return upgrade(Run(), *BREACHES).end().end(conformity=1)


def good() -> Run:
    return upgrade(Run()).end().end()


def test_a_run_of_flows_alone_says_nothing_of_cases() -> None:
    root = page(good())
    assert sections(root) == ["statement", "findings", "flow-1", "item", "parameters", "integrity"]
    assert root.all("h1")[0].text.startswith("发卡、换卡与结算流程检测报告")
    statement = root.by_id("statement")
    assert "MUST" not in statement.text
    assert "八条规则在每一次试验中都成立" in statement.text
    for link in root.all("nav")[0].all("a"):
        root.by_id(link.attributes["href"][1:])


def test_a_run_of_cases_alone_says_nothing_of_flows() -> None:
    root = page(failing())
    assert "flow-1" not in sections(root)
    assert "八条规则" not in root.by_id("statement").text


def test_a_run_of_both_has_all_sections_and_both_rules() -> None:
    root = page(upgrade(complete()).end().end())
    assert set(sections(root)) >= {"flow-1", *OF_CASES}
    text = root.by_id("statement").text
    assert "符合 conformant" in root.by_id("statement").all("h2")[0].text
    assert "MUST" in text
    assert "八条规则在每一次试验中都成立" in text


def test_of_cases_and_flows_the_graver_statement_counts() -> None:
    root = page(upgrade(complete(), *BREACHES).end().end(conformity=1))
    assert "不符合" in root.by_id("statement").all("h2")[0].text
    root = page(upgrade(failing_before_the_end()).end().end(conformity=1))
    assert "不符合" in root.by_id("statement").all("h2")[0].text
    assert "八条规则全部成立" in root.by_id("statement").text


def failing_before_the_end() -> Run:
    run = failing()
    run.events.pop()
    return run


def test_the_headline_tells_interruptions_and_breaches() -> None:
    run = broken()
    (outcome,) = flow_reports(run.events)
    line = page(run).by_id("flow-1").all("div", "headline")[0].text
    assert line.startswith("不符合 not conformant")
    assert f"中断 {outcome.outcome.interruptions:,} 次" in line
    assert "3 次违反规则" in line
    assert "3 trials broke a rule" in line
    assert "4:49 / 8:00" in line


def test_the_eight_rules_stand_with_what_became_of_them() -> None:
    rules = page(broken()).by_id("flow-1").all("ol", "rules")[0].all("li")
    assert [rule.all("b")[0].text for rule in rules] == list("12345678")
    assert [rule.all("span", "v")[0].text for rule in rules] == [
        "违反 broken ×1",
        "违反 broken ×2",
        *["成立 held"] * 6,
    ]
    for rule, text in zip(rules, FLOW_RULES.values(), strict=True):
        assert text.zh in rule.text
        assert text.en in rule.text


def test_the_rules_of_a_flow_that_was_cut_off_are_open() -> None:
    root = page(upgrade(Run()).run)
    assert "流程未做完" in root.by_id("flow-1").all("div", "headline")[0].text
    marks = {rule.all("span", "v")[0].text for rule in root.by_id("flow-1").all("ol", "rules")[0].all("li")}
    assert marks == {"未定 open"}


def test_every_breach_has_its_sentence_its_place_and_how_to_see_it_again() -> None:
    root = page(broken())
    found = root.by_id("flow-1").all("article", "finding")
    assert len(found) == 3
    for article, (rule, place) in zip(found, BREACHES, strict=True):
        assert article.all("h4")[0].text == "银行切换 switch at the bank × 应答丢失 answer lost"
        assert [entry.text for entry in article.all("li")] == [
            f"规则 rule {rule} 两张卡同时可联机 two cards can transact on line"
        ]
        assert [code.text for code in article.all("code")] == [
            place,
            f"sscard campaign upgrade --only switch/answer-lost --place '{place}'",
        ]
    assert "规则 rule 1 ×1" in root.by_id("findings").text


def test_many_breaches_are_counted_not_all_shown() -> None:
    run = upgrade(Run(), *((2, f"answer {number}") for number in range(300))).end().end(conformity=1)
    section = page(run).by_id("flow-1")
    assert len(section.all("article", "finding")) == 40
    assert "另有 260 次" in section.text


def test_the_matrix_has_a_cell_for_every_step_and_failure() -> None:
    matrix = page(broken()).by_id("flow-1").all("table", "trials")[0]
    head, *rows = matrix.all("tr")
    assert len(head.all("th")) == len(STEPS) + 1
    assert [len(row.all("td")) for row in rows] == [len(STEPS)] * (len(FAILURES) + 1)
    marked = [title.text for title in head.all("th") if title.all("span", "once")]
    assert len(marked) == sum(once for *_, once in STEPS)
    assert all("不可逆 irreversible" in text for text in marked)


def test_a_cell_tells_endings_by_sign_word_and_number() -> None:
    run = Flow(Run()).trials(
        "switch", "killed", (1, "a"), completed=12, as_before=3, destroyed=2, half_made=1
    ).end().end()  # fmt: skip
    matrix = page(run).by_id("flow-1").all("table", "trials")[0]
    (cell,) = [cell for cell in matrix.all("tbody")[0].all("td") if "–" not in cell.text]
    assert [entry.text for entry in cell.all("li")] == [
        "✕ 违反 1",
        "✓ 完成 12",
        "↺ 复原 3",
        "⊘ 作废 2",
        "◇ half made 1",
    ]


def test_the_books_stand_side_by_side_with_their_changes_marked() -> None:
    section = page(good()).by_id("flow-1")
    cards, money, agreements, register = section.all("table", "books")
    assert [mark.text for mark in cards.all("mark")] == ["01", "2027-05", "02", "2036-11"]
    assert [row.all("th")[0].text for row in cards.all("tbody")[0].all("tr")] == ["≠ 更改 changed", "= 不变 unchanged"]
    assert [mark.text for mark in money.all("mark")] == ["12,000.00", "12,086.50", "86.50", "0.00"]
    assert agreements.all("mark") == []
    assert [row.all("th")[0].text for row in register.all("tbody")[0].all("tr")] == ["+ 新增 added"]


def test_the_rows_of_the_books_are_as_wide_as_their_heads() -> None:
    for found in page(good()).by_id("flow-1").all("table", "books"):
        widths = set()
        for row in found.all("tr"):
            cells = [e for e in row.children if isinstance(e, Element)]
            widths.add(sum(int(cell.attributes.get("colspan", "1")) for cell in cells))
        assert len(widths) == 1


def test_books_that_were_read_once_say_so() -> None:
    section = page(Flow(Run()).books("before").run).by_id("flow-1")
    assert "They were read only once, before the flow." in section.text
    assert section.all("mark") == []


def pictures(root: Element) -> list[Element]:
    return [svg for svg in root.all("svg") if "timeline-picture" in svg.classes]


def test_the_picture_tells_itself_in_words() -> None:
    root = page(good())
    whole, close = pictures(root.by_id("flow-1"))
    for svg in (whole, close):
        assert svg.attributes["role"] == "img"
        title, description = (root.by_id(name) for name in svg.attributes["aria-labelledby"].split())
        assert (title.name, description.name) == ("title", "desc")
    assert "1. 核验身份证件与人脸 identity document and face：人员，60.0 s，预算 budget" in whole.all("desc")[0].text
    assert "守住 kept" in whole.all("desc")[0].text


def test_measured_and_budget_differ_by_pattern() -> None:
    """A budget is filled with a pattern and has a broken edge; what was measured is neither."""
    whole = pictures(page(good()))[0]
    budgets = [bar for bar in whole.all("rect") if bar.attributes.get("fill", "").startswith("url(#")]
    assert len(budgets) == 6
    assert all("stroke-dasharray" in bar.attributes for bar in budgets)
    identifiers = {pattern.attributes["id"] for pattern in whole.all("pattern")}
    assert {bar.attributes["fill"][5:-1] for bar in budgets} <= identifiers


@pytest.mark.parametrize(("slower", "words"), [(0.0, "合计 total 4:49 ✓"), (300.0, "合计 total 9:49 ✕")])
def test_the_total_stands_at_the_promise(slower: float, words: str) -> None:
    whole = pictures(page(upgrade(Run(), slower=slower).end().end()))[0]
    texts = [text.text for text in whole.all("text")]
    assert "承诺 promised 8:00" in texts
    assert words in texts


def test_a_flow_without_a_promise_has_no_line_for_it() -> None:
    text = page(upgrade(Run(), promised=None).end().end()).by_id("flow-1").all("figure", "picture")[0].text
    assert "承诺" not in text


def test_the_picture_is_a_file_of_its_own_too() -> None:
    line = flow_reports(good().events)[0].timeline
    assert line is not None
    root = ElementTree.fromstring(timeline_picture(line, Text("制卡<", "issue & go")))  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "制卡< issue & go"


def test_all_ids_are_different_and_every_link_has_its_goal() -> None:
    run = upgrade(complete(), *BREACHES).end()
    Flow(run, "issue", 1).timed().books("before").trials("close", "killed", completed=1).end()
    root = page(run.end(conformity=1))
    identifiers = [e.attributes["id"] for e in root.walk() if "id" in e.attributes]
    assert len(identifiers) == len(set(identifiers))
    for element in root.walk():
        assert not {"src", "style", "onclick", "onload"} & element.attributes.keys()
        href = element.attributes.get("href", "#")
        assert href.startswith("#")
        if len(href) > 1:
            root.by_id(href[1:])


def test_the_section_is_accessible() -> None:
    root = page(broken())
    for header in root.all("th"):
        assert header.attributes.get("scope") in {"col", "row", "colgroup"}
    level = 1
    for heading in (e for e in root.walk() if re.fullmatch("h[1-6]", e.name)):
        assert int(heading.name[1]) <= level + 1
        level = int(heading.name[1])


def hostile() -> Run:
    text = words(HOSTILE, HOSTILE)
    step = {"step": HOSTILE, **text, "irreversible": True}
    flow = Flow(Run(), HOSTILE, 1, title=text, steps=[step])
    tables = [table((HOSTILE, HOSTILE), [(HOSTILE, HOSTILE)], [[HOSTILE], [HOSTILE]])]
    flow.books("before", tables).books(HOSTILE, tables).books("after", tables)
    flow.timed(entries=[(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 9.0, 1.0, 1, True), (HOSTILE,) * 4 + (9.0, 0.0, 1, False)])
    flow.run.add(
        FlowTrials, flow=HOSTILE, step=HOSTILE, failure=HOSTILE, failure_title=text, trials=1, outcomes={HOSTILE: 1},
        broken=[{"rule": 1, **text, "place": HOSTILE, "reproduce": HOSTILE}],
    )  # fmt: skip
    flow.trials(HOSTILE, HOSTILE + "+" + HOSTILE, completed=1)
    return flow.end().end(conformity=1)


def test_nothing_that_a_log_says_of_a_flow_becomes_markup() -> None:
    html = source(hostile())
    root = parse(html)
    assert html.count("<script>") == 1
    assert len(root.all("script")) == 1
    assert {c for c in html if unicodedata.category(c)[0] == "C"} - {"\n", "�"} == set()
    assert "<script>alert(1)</script>" in root.by_id("flow-1").all("h2")[0].text


@pytest.mark.parametrize("kept", range(1, 12))
def test_a_log_may_be_cut_off_after_any_event(kept: int) -> None:
    run = broken()
    run.events = run.events[:kept]
    text = page(run).by_id("statement").all("h2")[0].text
    assert "不完整 incomplete" in text


# Any events at all

short = st.text(max_size=6)
texts = st.fixed_dictionaries({"zh": short, "en": short})
names = st.sampled_from(["a", "b", "", "a+b"])
seconds = st.floats() | st.integers()
steps = st.builds(lambda text, step, once: {**text, "step": step, "irreversible": once}, texts, names, st.booleans())
entries = st.builds(
    lambda text, step, kind, spent, chip, commands, measured: {
        **text, "step": step, "kind": kind, "seconds": spent, "chip_seconds": chip, "commands": commands,
        "measured": measured,
    },
    texts, names, st.sampled_from(["chip", "station", "human", "machine", "x"]), seconds, seconds, st.integers(), st.booleans(),
)  # fmt: skip
tables = st.builds(
    lambda text, columns, rows: {**text, "columns": columns, "rows": rows},
    texts,
    st.lists(texts, max_size=3),
    st.lists(st.lists(short, max_size=4), max_size=3),
)
breaches = st.builds(
    lambda text, rule, place: {**text, "rule": rule, "place": place, "reproduce": place}, texts, st.integers(), short
)
flow_events = st.one_of(
    st.tuples(st.just(FlowStarted), st.fixed_dictionaries({"number": st.integers(), "title": texts, "steps": st.lists(steps, max_size=3)})),
    st.tuples(st.just(FlowBooks), st.fixed_dictionaries({"moment": st.sampled_from(["before", "after", "x"]), "tables": st.lists(tables, max_size=2)})),
    st.tuples(st.just(FlowTimed), st.fixed_dictionaries(
        {"entries": st.lists(entries, max_size=4), "total": seconds, "promised": st.none() | seconds, "kept": st.booleans()})),
    st.tuples(st.just(FlowTrials), st.fixed_dictionaries(
        {"step": names, "failure": names, "failure_title": texts, "trials": st.integers(),
         "outcomes": st.dictionaries(st.sampled_from(["completed", "as before", "x"]), st.integers(), max_size=2),
         "broken": st.lists(breaches, max_size=2)})),
    st.tuples(st.just(FlowRequirements), st.fixed_dictionaries({"requirements": st.lists(st.fixed_dictionaries(
        {"requirement": st.sampled_from(["SSC-ISS-001", "SSC-CTR-012"]) | short, "tried": st.integers(),
         "broken": st.lists(st.builds(lambda text, place: {**text, "place": place, "reproduce": place}, texts, short), max_size=2)}), max_size=3)})),
    st.tuples(st.just(FlowFinished), st.fixed_dictionaries(
        {"trials": st.integers(), "interruptions": st.integers(), "broken": st.integers(), "seconds": seconds})),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), flow_events), max_size=8), st.booleans())
def test_any_events_of_flows_make_a_whole_page(
    events: list[tuple[str, tuple[Any, dict[str, Any]]]], ended: bool
) -> None:
    run = Run()
    for flow, (kind, fields) in events:
        run.add(kind, flow=flow, **fields)
    html = source(run.end() if ended else run)
    root = parse(html)
    assert len([name for name in sections(root) if name.startswith("flow-")]) == len({flow for flow, _ in events})
    for svg in re.findall(r"<svg xmlns.*?</svg>", html, re.DOTALL):
        ElementTree.fromstring(svg)  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("target", "said"), [(None, True), ("virtual card in a PC/SC reader", True), ("card in a PC/SC reader", False)]
)
def test_times_of_virtual_chips_are_named_as_such(target: str | None, said: bool) -> None:
    run = Run().target(target=target) if target else Run()
    caption = page(upgrade(run).end().end()).by_id("flow-1").all("figcaption")[0].text
    assert ("says nothing of a physical chip" in caption) is said


@pytest.mark.parametrize(("level", "words"), [("official", "every command, every write"), ("quick", "the level quick")])
def test_the_matrix_says_how_many_places_were_tried(level: str, words: str) -> None:
    assert words in page(upgrade(Run(level=level)).end().end()).by_id("flow-1").text


def test_the_matrix_of_a_soak_names_no_level() -> None:
    """It has none: processes are killed at random."""
    run = Run(level="quick")
    Flow(run, "soak", 8).trials("close", "killed", completed=7).end()
    said = page(run.end()).by_id("flow-1").text
    assert "strike at random moments" in said
    assert "the level" not in said
