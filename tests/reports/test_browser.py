"""A report of a real run in headless Chromium: it shows, offline and without complaint, also without JavaScript."""

import json
import re
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

from conformance.bench import NoRedaction
from conformance.engine import Engine, Plan
from conformance.faults import with_fault
from conformance.log import EventLog
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from reports.write import write_all

pytestmark = pytest.mark.browser

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
CHROMIUM += ["--enable-logging=stderr", "--v=0", "--hide-scrollbars"]


NO_SCRIPTS = {"profile": {"default_content_setting_values": {"javascript": 2}}}
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["JavaScript", "none"])


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with a failed requirement."""
    folder = tmp_path_factory.mktemp("run")
    profile = load("ssc3-sm4")
    log = EventLog()
    log.open(folder / "run.ndjson")
    plan = Plan(profile=profile, destructive=True, only=("ATR/", "ACC/DF04"))
    card = with_fault(load_card(profile), "acc.and-as-or")
    with log:
        for _ in Engine(plan, InProcessTarget(card), all_suites(), log.write, NoRedaction()).run():
            pass
    return write_all(folder / "run.ndjson", folder, profile=profile).html


def chromium(report: Path, *words: str, scripts: bool = True) -> subprocess.CompletedProcess[str]:
    """Chromium shows a page. Without scripts as its settings have it: the switch of Blink for this silences --headless itself."""
    # A browser that finds another one, still ending, in its folder hands its page over and does nothing.
    own = Path(mkdtemp(prefix="browser-", dir=report.parent))
    if not scripts:
        (own / "Default").mkdir()
        (own / "Default" / "Preferences").write_text(json.dumps(NO_SCRIPTS), "utf-8")
    words = (*words, f"--user-data-dir={own}", report.as_uri())
    return subprocess.run([*CHROMIUM, *words], capture_output=True, text=True, timeout=90, check=True)


def test_the_page_shows_the_statement_and_the_finding(report: Path) -> None:
    shown = chromium(report, "--dump-dom")
    text = re.sub(r"<[^>]+>", " ", shown.stdout)
    for words in ("不符合", "not conformant", "SSC-ACC-055", "期望", "实际"):
        assert words in text
    console = [line for line in shown.stderr.splitlines() if "CONSOLE" in line]
    assert console == []


def test_without_scripts_the_page_lacks_only_the_form_that_needs_them(report: Path) -> None:
    shown = chromium(report, "--dump-dom", scripts=False).stdout
    assert re.findall(r"<[^>]+ hidden\b[^>]*>", shown) == ['<form class="filter" hidden="">']
    assert len(re.findall("<details ", shown)) == report.read_text("utf-8").count("<details ") > 20
    assert '<form class="filter">' in chromium(report, "--dump-dom").stdout


@SCRIPTS
def test_the_page_is_a_picture_and_prints(report: Path, tmp_path: Path, scripts: bool) -> None:
    picture, paper = tmp_path / "report.png", tmp_path / "report.pdf"
    chromium(report, f"--screenshot={picture}", "--window-size=1200,1600", scripts=scripts)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert picture.stat().st_size > 50_000
    chromium(report, f"--print-to-pdf={paper}", "--no-pdf-header-footer", scripts=scripts)
    assert paper.read_bytes()[:5] == b"%PDF-"


def test_the_rows_of_findings_stay_low_on_a_narrow_screen(report: Path) -> None:
    """A table of many columns is scrolled sideways there; squeezed, its names of cases would stand one below the other."""
    narrow = report.parent / "narrow.html"
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.read_text("utf-8"))
    rows = "[...document.querySelectorAll('#findings .scroll tbody tr')].map(row => row.offsetHeight)"
    narrow.write_text(f"{page}<script>document.title = {rows}.join(' ')</script>", "utf-8")
    shown = chromium(narrow, "--dump-dom", "--window-size=400,900").stdout
    title = re.search("<title>([^<]*)</title>", shown)
    assert title is not None
    heights = [int(height) for height in title[1].split()]
    assert len(heights) > 5
    assert max(heights) < 150  # pixels, some six lines
