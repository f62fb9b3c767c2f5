"""The timeline of an issuance: budgets among the steps, in the terminal's sum and as a picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.actors.station.outcome import Ending, Outcome, Step, Told
from conformance.actors.station.timeline import BUDGETS, OLD_CARD, Timeline, entries
from tests.station.test_cli import PLACE, desk, run

__all__ = ["desk"]
SVG = "{http://www.w3.org/2000/svg}"


def named(*steps: Step) -> list[str]:
    return [entry["step"] or entry["en"] for entry in entries([Told(step, True, 1.0, 0.5, 2) for step in steps])]


def test_budgets_stand_before_their_steps() -> None:
    assert named(Step.BLANK_CHECK, Step.READ_BACK, Step.PRINT, Step.REGISTER, Step.CHANGE_PIN, Step.RETURN) == [
        "identity document and face",
        "the holder confirms the data",
        "feeding and positioning the blank card",
        "BLANK_CHECK",
        "READ_BACK",
        "printing the card's face",
        "PRINT",
        "REGISTER",
        "entering the new PIN twice",
        "CHANGE_PIN",
        "RETURN",
        "signature and hand-over",
    ]


def test_a_budget_whose_step_was_not_taken_stands_before_the_next_one() -> None:
    assert named(Step.BLANK_CHECK, Step.READ_BACK, Step.REGISTER)[4:7] == [
        "READ_BACK",
        "printing the card's face",
        "REGISTER",
    ]


def test_no_budget_is_lost_or_counted_twice() -> None:
    for steps in ([], [Step.RETURN], list(Step)):
        told = [Told(step, True) for step in steps]
        declared = [entry for entry in entries(told) if not entry["measured"]]
        expected = [each for each in (*BUDGETS, OLD_CARD) if each is not OLD_CARD or Step.VERIFY_HOLDER in steps]
        assert sorted((entry["en"], entry["seconds"]) for entry in declared) == sorted(
            (e.en, e.seconds) for e in expected
        )
        assert Timeline.of(Outcome(Ending.COMPLETED, "", "", tuple(told))).budgets == sum(e.seconds for e in expected)


def test_the_holder_of_an_old_card_takes_time_too() -> None:
    assert named(Step.BLANK_CHECK, Step.VERIFY_HOLDER, Step.FREEZE)[3:7] == [
        "BLANK_CHECK",
        "the old card put in, its PIN entered",
        "VERIFY_HOLDER",
        "FREEZE",
    ]


def test_a_step_with_commands_is_the_chip_s() -> None:
    told = [Told(Step.READ_BACK, True, 2.0, 1.5, 9), Told(Step.ACTIVATE, True, 0.1)]
    chip, station = [entry for entry in entries(told) if entry["measured"]]
    assert (chip["kind"], chip["seconds"], chip["chip_seconds"], chip["commands"]) == ("chip", 2.0, 1.5, 9)
    assert station["kind"] == "station"


def test_the_timeline_is_drawn_into_a_file(desk: Path) -> None:
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--timeline", "line.svg")
    assert result.exit_code == 0, result.output
    assert "时间线 timeline: line.svg" in result.stdout
    root = ElementTree.parse(desk / "line.svg").getroot()  # noqa: S314 - a file of our own
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert "承诺 promised 8:00" in texts
    assert any(text.startswith("芯片 chip · ") for text in texts)
    description = root.findtext(f"{SVG}desc") or ""
    assert "初始化 initialisation" in description
    assert "签收领卡 signature and hand-over：人员，60.0 s，预算 budget" in description


@pytest.mark.parametrize(
    ("file", "sentence"), [("line.png", "ends in .svg"), ("nowhere/line.svg", "there is no such folder")]
)
def test_a_file_that_cannot_be_is_refused_before_the_chip_is_touched(desk: Path, file: str, sentence: str) -> None:
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--timeline", file)
    assert result.exit_code == 2
    assert result.stderr.strip().endswith(sentence)
    assert result.stdout == ""
    assert not (desk / "card.sscard").exists()
