"""``sscard campaign`` as a person types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from conformance.campaign.campaign import Campaign, Order
from conformance.campaign.failures import FAILURES
from conformance.campaign.flows import MODULES
from conformance.campaign.planted import PLANTED
from conformance.campaign.trial import Spec
from conformance.campaign_cli import run_logged
from conformance.cases import Level
from sscard import app


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["campaign", *arguments])


@pytest.mark.parametrize(
    ("option", "known"),
    [("--flow", MODULES), ("--failure", FAILURES), ("--fault", PLANTED)],
    ids=["flows", "failures", "faults"],
)
def test_what_there_is_is_listed(option: str, known: dict[str, object]) -> None:
    result = run(option, "list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == (
        sorted(known) if option == "--fault" else list(known)
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--flow", "none"), "--flow 'none' is unknown; give issue"),
        (("--failure", "none"), "--failure 'none' is unknown; give power-cut-before"),
        (("--fault", "none"), "--fault 'none' is unknown; see: sscard campaign --fault list"),
        (("--only", "visit"), "names no trial"),
        (("--only", "visit/PIN/none/x"), "names no trial"),
        (("--only", "visit/PIN/late+killed/1"), "names no trial"),
        (("--only", "visit/PIN/killed/x"), "has no place 'x'"),
        (("--only", "none/PIN/killed/1"), "begins with no flow"),
        (("--fault", "terminal.says-numbers", "--flow", "issue"), "is planted into the flow visit"),
        (("--jobs", "0"), "--jobs"),
    ],
)
def test_wrong_use_gets_a_sentence_and_leaves_nothing(arguments: tuple[str, ...], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output
    assert list(Path().iterdir()) == []


def test_a_single_trial_leaves_a_report() -> None:
    result = run("--only", "visit/READING/none", "--out", "r", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["flows"]["visit"]["outcomes"] == {"completed": 1}
    assert told["broken"] == []
    assert {path.name for path in Path("r").iterdir()} >= {"run.ndjson", "report.html", "report.json", "junit.xml"}


def test_a_trial_whose_failure_finds_nothing_to_strike_proves_nothing() -> None:
    result = run("--only", "visit/READING/answer-lost/9999", "--out", "r")
    assert result.exit_code == 2
    assert "found nothing to strike" in result.stderr
    assert "every rule held" not in result.stdout


def test_a_breach_stays_one_when_the_bench_fails_afterwards() -> None:
    """Of a requirement too: the command ends as its report says."""
    order = Order(("issue",), fault="bank.keeps-another-version", only=Spec("issue"))

    def conduct(work: Campaign) -> None:
        list(work.run())
        work.complete = False
        raise RuntimeError("the bench broke")

    work, ran = run_logged(lambda emit: Campaign(order, emit), conduct, Path("r"), Level.QUICK, 0)
    assert work.broken == 0
    assert [name for name, _ in work.breaches] == ["SSC-ISS-006"]
    assert ran.conformity == json.loads(Path("r/report.json").read_text("utf-8"))["exit_code"] == 1
    assert ran.trouble == "RuntimeError: the bench broke"


def test_a_planted_fault_ends_with_1_and_the_line_that_shows_it_again() -> None:
    first = run("--fault", "terminal.says-numbers", "--failure", "answer-lost", "--jobs", "1", "--out", "r")
    assert first.exit_code == 1
    line = next(line for line in first.stdout.splitlines() if "sscard campaign --only" in line)
    again = run(*line.split()[2:], "--out", "again")
    assert again.exit_code == 1
    assert line.strip() in again.stdout


def test_a_folder_that_cannot_be_written_is_told() -> None:
    Path("file").write_text("", "utf-8")
    result = run("--only", "visit/READING/none", "--out", "file/r")
    assert result.exit_code == 2
    assert "cannot be written there" in result.stderr


def test_a_full_disk_is_no_verdict_on_the_systems() -> None:
    Path("r").mkdir()
    Path("r/run.ndjson").symlink_to("/dev/full")
    result = run("--only", "visit/READING/none", "--out", "r")
    assert result.exit_code == 3
    assert "sscard campaign: r: the report could not be written to its end (No space left on device)\n" in result.stderr


@pytest.mark.slow
def test_ctrl_c_ends_it_early_with_a_report() -> None:
    words = [sys.executable, "-m", "sscard", "campaign", "--flow", "issue", "--level", "official", "--out", "r"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        log, deadline = Path("r/run.ndjson"), time.monotonic() + 120
        while not (log.exists() and "FlowTimed" in log.read_text("utf-8")) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(3)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=120)
    assert program.returncode == 2, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert "报告 report:" in out
    assert Path("r/report.html").exists()
