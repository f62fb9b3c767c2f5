"""The section of a flow in headless Chromium: on a desk, on a phone, on paper, without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.write import write_all
from tests.reports.building import Run
from tests.reports.flow_logs import Flow, upgrade
from tests.reports.test_browser import SCRIPTS, chromium
from tests.reports.test_flow_html import BREACHES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of three flows: one broke rules, one held them, one was cut off."""
    folder = tmp_path_factory.mktemp("run")
    run = upgrade(Run(), *BREACHES).end()
    Flow(run, "issue", 1).books("before").timed(slower=300).trials("close", "killed", completed=7).end()
    Flow(run, "medical", 4).trials("elsewhere", "killed", completed=2)
    return write_all(run.end(conformity=1).write(folder), folder).html


def test_the_page_shows_the_flows_and_the_browser_has_no_complaint(report: Path) -> None:
    shown = chromium(report, "--dump-dom")
    text = re.sub(r"<[^>]+>", " ", shown.stdout)
    for words in ("八条规则", "apdu 17, write 2", "承诺", "合计", "之前", "之后", "流程未做完"):
        assert words in text
    assert [line for line in shown.stderr.splitlines() if "CONSOLE" in line] == []


@pytest.mark.parametrize("width", [360, 800, 1200])
def test_the_page_is_never_wider_than_the_screen(report: Path, width: int) -> None:
    """Asked of the browser: wide tables scroll in themselves, the page does not. Dropping the scroll box makes it fail."""
    frame = report.parent / f"frame-{width}.html"
    frame.write_text(
        f"<iframe id=f width={width} height=800 style='border:0' src='{report.name}'></iframe><output></output><script>"
        "onload = () => { const root = f.contentDocument.documentElement;"
        " document.querySelector('output').textContent = 'needs ' + root.scrollWidth + ' of ' + root.clientWidth; }"
        "</script>",
        "utf-8",
    )
    shown = chromium(frame, "--dump-dom", "--allow-file-access-from-files", "--window-size=1400,900")
    found = re.search(r"needs (\d+) of (\d+)", shown.stdout)
    assert found is not None
    assert (int(found[1]), int(found[2])) == (width, width)


@pytest.mark.parametrize("width", [360, 1200])
def test_no_cell_of_a_matrix_reaches_into_the_next(tmp_path: Path, width: int) -> None:
    """A soak has eighteen steps, an exhaustive campaign hundreds of trials in a cell."""
    run, steps = Run(), [f"step-{number}" for number in range(18)]
    named = [{"step": step, "zh": "金融个人化", "en": "personalisation", "irreversible": True} for step in steps]
    flow = Flow(run, "soak", 8, steps=named)
    for step in steps:
        flow.trials(step, "killed", completed=1_234, as_before=99)
    flow.end()
    written = write_all(run.end().write(tmp_path), tmp_path).html
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"<iframe id=f width={width} height=800 style='border:0' src='{written.name}'></iframe><output></output><script>"
        "onload = () => { const cells = [...f.contentDocument.querySelectorAll('.trials th, .trials td')];"
        " const wide = cells.filter(cell => cell.scrollWidth > cell.clientWidth);"
        " document.querySelector('output').textContent = `wide ${wide.length} of ${cells.length}`; }</script>",
        "utf-8",
    )
    shown = chromium(frame, "--dump-dom", "--allow-file-access-from-files", "--window-size=1400,900")
    assert re.search(r"wide \d+ of \d+", shown.stdout)
    assert "wide 0 of 57" in shown.stdout


@SCRIPTS
def test_the_page_is_a_picture_and_prints(report: Path, tmp_path: Path, scripts: bool) -> None:
    paper = tmp_path / "report.pdf"
    for name, size in (("desk", "1200,3000"), ("phone", "390,3000")):
        picture = tmp_path / f"{name}.png"
        chromium(report, f"--screenshot={picture}", f"--window-size={size}", scripts=scripts)
        assert picture.stat().st_size > 50_000
    chromium(report, f"--print-to-pdf={paper}", "--no-pdf-header-footer", scripts=scripts)
    assert paper.read_bytes()[:5] == b"%PDF-"
