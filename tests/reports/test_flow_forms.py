"""Flows in the forms for machines, and the command that makes them again from the log."""

from __future__ import annotations

import json
from pathlib import Path

import junitparser
import pytest
from typer.testing import CliRunner

from conformance.requirements import load_catalogue
from conformance.verdict import Conformity
from reports import json_report, junit, markdown, write
from reports.model import Report, build
from tests.reports.building import Run
from tests.reports.flow_logs import FAILURES, STEPS, Flow, upgrade
from tests.reports.test_flow_html import BREACHES, broken, hostile
from tests.reports.test_forms import app
from tests.reports.test_judge import complete


def built(run: Run, directory: Path) -> Report:
    return build(run.log(directory), load_catalogue(), None)


def junit_of(run: Run, directory: Path) -> junitparser.JUnitXml:
    path = directory / "junit.xml"
    path.write_text(junit.render(built(run, directory)), "utf-8")
    return junitparser.JUnitXml.fromfile(str(path))


def test_junit_has_a_test_case_for_every_cell(tmp_path: Path) -> None:
    run = broken()
    cells = [event for event in run.events if type(event).__name__ == "FlowTrials"]
    xml = junit_of(run, tmp_path)
    (suite,) = list(xml)
    assert suite.name == "upgrade"
    assert {case.name for case in suite} == {f"{event.step}/{event.failure}" for event in cells}  # type: ignore[attr-defined]
    assert (xml.tests, xml.failures, xml.errors) == (len(cells), 1, 0)
    (failed,) = [case for case in suite if any(isinstance(found, junitparser.Failure) for found in case.result)]
    assert failed.name == "switch/answer-lost"
    for _, place in BREACHES:
        assert f"at {place}" in failed.result[0].text
    assert "reproduce: sscard campaign upgrade" in failed.result[0].text


def test_junit_shows_a_flow_that_was_cut_off_as_an_error(tmp_path: Path) -> None:
    xml = junit_of(Flow(Run()).trials("close", "killed", completed=3).run, tmp_path)
    assert (xml.tests, xml.failures, xml.errors) == (2, 0, 1)


def test_junit_counts_cases_and_cells_together(tmp_path: Path) -> None:
    cases = junit_of(complete().end(), tmp_path).tests
    run = complete()
    Flow(run).trials("close", "killed", completed=3).end()
    assert junit_of(run.end(), tmp_path).tests == cases + 1


def test_json_says_all_of_a_flow_and_nothing_of_cases_that_were_not(tmp_path: Path) -> None:
    content = json.loads(json_report.render(built(broken(), tmp_path)))
    assert (content["conformity"], content["exit_code"]) == ("not conformant", 1)
    assert (content["requirements"], content["official_items"], content["scope"]) == ([], [], [])
    (flow,) = content["flows"]
    assert (flow["flow"], flow["conformity"], flow["broken_trials"]) == ("upgrade", "not conformant", 3)
    assert [rule["broken"] for rule in flow["rules"]] == [1, 2, 0, 0, 0, 0, 0, 0]
    assert [step["step"] for step in flow["steps"]] == [name for name, *_ in STEPS]
    assert {entry["failure"] for entry in flow["failures"]} >= {name for name, *_ in FAILURES}
    assert sum(cell["trials"] for cell in flow["cells"]) == flow["trials"]
    assert (flow["timeline"]["promised"], flow["timeline"]["kept"]) == (480, True)
    cards = flow["books"][0]["rows"]
    assert [row["change"] for row in cards] == ["changed", "unchanged"]
    assert (cards[0]["before"][1], cards[0]["after"][1]) == ("01", "02")


def test_a_report_of_flows_alone_can_be_an_earlier_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json_report.render(built(broken(), tmp_path)), "utf-8")
    assert json_report.read(path)["requirements"] == []


def test_markdown_has_a_row_for_a_flow_and_its_breaches(tmp_path: Path) -> None:
    text = markdown.render(built(broken(), tmp_path))
    (row,) = [line for line in text.splitlines() if line.startswith("| 同号升级")]
    assert "❌ 不符合 not conformant" in row
    assert "| 3 | 4:49 / 8:00 | 4 |" in row
    assert "判定性要求" not in text
    assert sum(line.startswith("- **规则 rule") for line in text.splitlines()) == 3


def test_markdown_counts_the_breaches_that_it_does_not_show(tmp_path: Path) -> None:
    run = upgrade(Run(), *((2, f"answer {number}") for number in range(33))).end().end(conformity=1)
    lines = markdown.render(built(run, tmp_path)).splitlines()
    assert sum(line.startswith("- **规则 rule") for line in lines) == 20
    assert "- … 13" in lines


def test_a_breach_of_a_flow_stays_one_when_the_bench_failed_in_a_case(tmp_path: Path) -> None:
    report = built(upgrade(complete(), *BREACHES).end().end(interrupted=True, conformity=3), tmp_path)
    assert report.judgement.conformity is Conformity.BENCH_ERROR
    assert report.conformity is Conformity.NON_CONFORMANT


def test_every_form_takes_hostile_texts_of_flows(tmp_path: Path) -> None:
    written = write.write_all(hostile().write(tmp_path), tmp_path / "out")
    assert junitparser.JUnitXml.fromfile(str(written.junit)).failures == 1
    assert json.loads(written.json.read_text("utf-8"))["exit_code"] == 1
    text = written.markdown.read_text("utf-8")
    assert "\x1b" not in text
    assert all("`" in line for line in text.splitlines() if "<script>" in line)


def test_the_command_makes_the_report_again_from_the_log(tmp_path: Path) -> None:
    run = upgrade(Run(), *BREACHES).end().end(conformity=1)
    result = CliRunner().invoke(app, [str(run.write(tmp_path)), "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["conformity"] == "not conformant"
    assert 'id="flow-1"' in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_rule_that_held_and_holds_no_more_is_worse(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json_report.render(built(upgrade(Run()).end().end(), tmp_path)), "utf-8")
    words = ["--out", str(tmp_path / "out"), "--compare", str(earlier)]
    same = upgrade(Run()).end().end().write(tmp_path, "same.ndjson")
    assert CliRunner().invoke(app, [str(same), *words]).exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "No rule of a flow was judged differently." in page
    assert "No requirement was judged differently." not in page
    worse = broken().write(tmp_path, "worse.ndjson")
    assert CliRunner().invoke(app, [str(worse), *words]).exit_code == 1
    changes = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["flow_changes"]
    assert changes == [{"flow": "upgrade", "rule": rule, "before": "pass", "after": "fail"} for rule in (1, 2)]
    assert "2 变差 worse, 0 其他 other changes" in (tmp_path / "out" / "summary.md").read_text("utf-8")
    assert "Changes of flows" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    "flows", ["1", "[1]", '[{"flow": 1, "rules": []}]', '[{"flow": "x", "rules": [{"rule": "1"}]}]']
)
def test_flows_that_cannot_be_compared_are_refused(tmp_path: Path, flows: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(f'{{"format": 1, "run": "x", "requirements": [], "flows": {flows}}}')
    with pytest.raises(json_report.JsonReportError, match=r"give the report\.json"):
        json_report.read(path)
