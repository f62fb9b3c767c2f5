"""The forms for machines, and the command that writes them all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import junitparser
import pytest
from typer import Typer
from typer.testing import CliRunner

from conformance.requirements import load_catalogue
from profiles import load
from reports import json_report, junit, markdown, write
from reports.cli import report
from reports.model import Report, build
from tests.reports.building import Run
from tests.reports.test_html import HOSTILE, failing
from tests.reports.test_judge import HARD, ONE, OPTIONAL, complete

app = Typer()
app.command()(report)


def built(run: Run, directory: Path, **options: Any) -> Report:
    return build(run.log(directory), load_catalogue(), load("ssc3-sm4"), **options)


def test_json_says_the_statement_and_every_requirement(tmp_path: Path) -> None:
    content = json.loads(json_report.render(built(failing(), tmp_path)))
    assert (content["format"], content["conformity"], content["exit_code"]) == (1, "not conformant", 1)
    by_id = {entry["id"]: entry for entry in content["requirements"]}
    assert by_id.keys() == load_catalogue().requirements.keys()
    assert by_id[ONE]["nonconformity"]
    assert by_id[OPTIONAL]["deviation"]
    assert not by_id[OPTIONAL]["deciding"]


def test_an_earlier_report_tells_what_changed(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json_report.render(built(complete().end(), tmp_path)), "utf-8")
    found = built(failing(), tmp_path, earlier=json_report.read(earlier))
    assert [(change.row.requirement.id, change.before, change.after) for change in found.changes if change.worse] == [
        (ONE, "pass", "fail"),
        (OPTIONAL, "not run", "fail"),
    ] or {change.row.requirement.id for change in found.changes if change.worse} == {ONE, OPTIONAL}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "run": "x", "requirements": [1]}'])
def test_other_files_are_no_earlier_report(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(json_report.JsonReportError, match=r"give the report\.json"):
        json_report.read(path)


def junit_of(run: Run, directory: Path, **options: Any) -> junitparser.JUnitXml:
    path = directory / "junit.xml"
    path.write_text(junit.render(built(run, directory, **options)), "utf-8")
    return junitparser.JUnitXml.fromfile(str(path))


def outcomes(xml: junitparser.JUnitXml) -> dict[str, str]:
    return {case.name: type(case.result[0]).__name__ if case.result else "passed" for suite in xml for case in suite}


def test_junit_tells_failures_from_deviations_and_the_rest(tmp_path: Path) -> None:
    run = complete(ONE)
    run.case("A/fail/BV", ONE, verdict="fail", fails=ONE).case("A/deviation/BV", OPTIONAL, verdict="fail")
    for verdict in ("error", "inconclusive", "not run", "not applicable"):
        run.case(f"A/{verdict}/BV", ONE, verdict=verdict)
    xml = junit_of(run.end(), tmp_path)
    found = {name: result for name, result in outcomes(xml).items() if name.startswith("A/")}
    assert found == {
        "A/fail/BV": "Failure",
        "A/deviation/BV": "passed",
        "A/error/BV": "Error",
        "A/inconclusive/BV": "Error",
        "A/not run/BV": "Skipped",
        "A/not applicable/BV": "Skipped",
    }
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (len(HARD) - 1 + 6, 1, 2, 2)


def test_junit_carries_what_a_developer_needs(tmp_path: Path) -> None:
    (text,) = [case.result[0].text for suite in junit_of(failing(), tmp_path) for case in suite if case.result]
    for words in ("expected: 6A83", "received: 6A82", "3. 00B2083400 -> 6A82", "reproduce: sscard certify"):
        assert words in text


def test_every_form_takes_hostile_texts(tmp_path: Path) -> None:
    bad = HOSTILE + "`|*\ud800"
    run = Run(run=bad).target(identification=bad).begin("A/1/BV", ONE, title={"zh": bad, "en": bad})
    run.finish("A/1/BV", "fail", ONE, reason={"zh": bad, "en": bad}, expected=bad, received=bad)
    directory = tmp_path / "out"
    path = run.end().write(tmp_path)
    written = write.write_all(path, directory)
    assert outcomes(junitparser.JUnitXml.fromfile(str(written.junit))) == {"A/1/BV": "Failure"}
    assert json.loads(written.json.read_text("utf-8"))["exit_code"] == 1
    assert "\x1b" not in written.markdown.read_text("utf-8")


def test_markdown_is_short_and_says_the_findings(tmp_path: Path) -> None:
    text = markdown.render(built(failing(), tmp_path))
    assert text.startswith("## ❌ 不符合 not conformant")
    assert ONE in text
    assert OPTIONAL in text
    assert len(text.splitlines()) < 120


def test_all_forms_are_written_and_nothing_else(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "out"
    written = write.write_all(failing().write(tmp_path), directory)
    assert {path.name for path in directory.iterdir()} == {"report.html", "report.json", "junit.xml", "summary.md"}
    assert {written.html, written.json, written.junit, written.markdown} == set(directory.iterdir())


def test_a_report_that_cannot_be_written_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = failing().write(tmp_path)
    directory = tmp_path / "out"
    write.write_all(path, directory)
    before = (directory / "report.html").read_bytes()

    def refuse(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("profiles.files.os.replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write.write_all(path, directory)
    assert (directory / "report.html").read_bytes() == before
    assert len(list(directory.iterdir())) == 4


def test_the_named_profile_is_used_only_while_it_is_the_same(tmp_path: Path) -> None:
    written = write.write_all(failing().write(tmp_path), tmp_path / "out")
    assert any("找不到卡片配置" in note.zh for note in written.report.notes)


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(failing().write(tmp_path)), "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["conformity"] == "not conformant"
    assert Path(told["html"]).exists()


def test_the_command_tells_a_worse_report_by_its_exit_code(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json_report.render(built(complete().end(), tmp_path)), "utf-8")
    words = ["--out", str(tmp_path / "out"), "--compare", str(earlier)]
    same = complete().end().write(tmp_path, "same.ndjson")
    assert CliRunner().invoke(app, [str(same), *words]).exit_code == 0
    worse = failing().write(tmp_path, "worse.ndjson")
    assert CliRunner().invoke(app, [str(worse), *words]).exit_code == 1


@pytest.mark.parametrize(
    "words", [["/nowhere/run.ndjson"], ["RUN", "--profile", "no-such-card"], ["RUN", "--compare", "/nowhere.json"]]
)
def test_the_command_refuses_bad_input_in_one_sentence(tmp_path: Path, words: list[str]) -> None:
    run = str(failing().write(tmp_path))
    given = [run if word == "RUN" else word for word in words]
    result = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr.startswith("sscard report: ")
    assert not (tmp_path / "out").exists()


def test_the_command_takes_no_other_profile_than_that_of_the_run(tmp_path: Path) -> None:
    run = str(failing().write(tmp_path))
    result = CliRunner().invoke(app, [run, "--profile", "debit", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr.startswith("sscard report: profile debit is not the profile ")
    assert not (tmp_path / "out").exists()


def test_the_command_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    result = CliRunner().invoke(app, [str(failing().write(tmp_path)), "--out", str(tmp_path / "taken")])
    assert result.exit_code == 2
    assert result.stderr == f"sscard report: {tmp_path / 'taken'}: the report cannot be written there (File exists)\n"
