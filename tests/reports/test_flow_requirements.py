"""Requirements on systems in a report of flows: held, broken, not tried; in every form, and in the statement."""

import json
from pathlib import Path

import junitparser
import pytest

from conformance.flow_judging import flows_conformity
from conformance.verdict import Conformity
from reports import json_report, junit, markdown
from reports.flows import flow_reports
from tests.reports.building import Run
from tests.reports.flow_logs import Flow
from tests.reports.test_flow_forms import built
from tests.reports.test_flow_html import page

HELD, BROKEN, SHOULD, UNTRIED, UNKNOWN = "SSC-ISS-003", "SSC-ISS-009", "SSC-ISS-015", "SSC-CTR-012", "SSC-ISS-999"


def log(*rows: tuple[str, int, int]) -> Run:
    return Flow(Run()).trials("close", "killed", completed=3).requirements(*rows).end().end()


ALL = ((HELD, 4, 0), (BROKEN, 4, 2), (SHOULD, 4, 1), (UNTRIED, 0, 0))


def test_the_table_has_title_clause_and_what_became_of_each_row() -> None:
    (table,) = page(log(*ALL)).by_id("flow-1").all("table", "systems")
    rows = [row for row in table.all("tr") if row.all("code") and row.all("span", "v")]
    assert [row.all("code")[0].text for row in rows] == [HELD, BROKEN, SHOULD, UNTRIED]
    results = ["成立 held", "违反 broken ×2", "违反 broken ×1", "未试 not tried"]
    assert [row.all("span", "v")[0].text for row in rows] == results
    assert "旧卡注销" in rows[1].text
    assert "§7.5" in rows[1].text
    assert table.text.count("the old code is in use") == 3
    assert "sscard campaign --only x" in table.text


def test_a_flow_without_such_rows_has_no_table() -> None:
    assert page(log()).by_id("flow-1").all("table", "systems") == []


def test_a_row_that_the_catalogue_does_not_know_is_shown_as_such() -> None:
    assert "目录中没有" in page(log((UNKNOWN, 1, 0))).by_id("flow-1").all("table", "systems")[0].text


@pytest.mark.parametrize(
    ("rows", "conformity"),
    [
        (((HELD, 4, 0), (UNTRIED, 0, 0)), Conformity.CONFORMANT),
        (((BROKEN, 4, 1),), Conformity.NON_CONFORMANT),
        (((SHOULD, 4, 1),), Conformity.CONFORMANT),
        (((UNKNOWN, 4, 1),), Conformity.NON_CONFORMANT),
    ],
)
def test_a_broken_must_decides_and_a_should_does_not(
    rows: tuple[tuple[str, int, int], ...], conformity: Conformity
) -> None:
    run = log(*rows)
    assert flows_conformity(run.events) is conformity
    (flow,) = flow_reports(run.events)
    assert flow.conformity is conformity


def test_other_forms_tell_the_same(tmp_path: Path) -> None:
    report = built(log(*ALL), tmp_path)
    (flow,) = json.loads(json_report.render(report))["flows"]
    told = [(each["requirement"], each["verdict"], each["tried"], len(each["broken"])) for each in flow["requirements"]]
    assert told == [(HELD, "pass", 4, 0), (BROKEN, "fail", 4, 2), (SHOULD, "fail", 4, 1), (UNTRIED, "not run", 0, 0)]
    path = tmp_path / "junit.xml"
    path.write_text(junit.render(report), "utf-8")
    xml = junitparser.JUnitXml.fromfile(str(path))
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (5, 1, 0, 1)
    text = markdown.render(report)
    assert f"**{BROKEN}** ×2" in text
    assert HELD not in text


def test_a_requirement_alone_is_what_the_statement_speaks_of() -> None:
    """No rule broke: the statement, the findings and the headline name the requirement, and no trial that broke a rule."""
    root = page(log(*ALL))
    assert "不满足对系统的要求 1 条" in root.by_id("statement").text
    assert "1 of 1 flow did not meet 1 requirement on systems." in root.by_id("statement").text
    findings = root.by_id("findings").text
    assert BROKEN in findings
    assert SHOULD not in findings
    assert "not listed" not in findings
    headline = root.by_id("flow-1").all("div", "headline")[0].text
    assert "1 条对系统的要求不满足" in headline
    assert "no rule was broken, 1 requirement on systems not met." in headline
