"""Whole programs: a quick certification, the help of the command line, and a report of 3,000 cases."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from conformance.requirements import load_catalogue
from reports.write import write_all
from tests.bench.measure import Row, median_seconds, sscard
from tests.reports.building import Run

CASES = 3000
EXCHANGES = 10
"""Commands in a case of the made-up run."""

CONFORMANT, INCOMPLETE = 0, 2


def made_up_run(folder: Path) -> Path:
    """The log of a run in which every fiftieth case fails."""
    requirements = list(load_catalogue().requirements)
    run = Run().target()
    for number in range(CASES):
        case, requirement = f"MADE/{number}/BV", requirements[number % len(requirements)]
        run.begin(case, requirement)
        for _ in range(EXCHANGES):
            run.send(case, "00B2012C12", "0110500000D15600000500000013F9491F249000")
        good = number % 50 != 0
        run.check(case, requirement, good)
        run.finish(case, "pass" if good else "fail", None if good else requirement)
    return run.end(conformity=1).write(folder)


def rows() -> Iterator[Row]:
    """Seconds, milliseconds and megabytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = made_up_run(folder)
        spent = median_seconds(lambda: write_all(log, folder / "report"), 3)
        yield Row(f"report of {CASES:,} cases, time", spent, "s", 1, at_least=False)
        size = (folder / "report" / "report.html").stat().st_size / 1e6
        yield Row(f"report of {CASES:,} cases, size", size, "MB", 5, at_least=False)
        yield Row("sscard --help", 1000 * median_seconds(lambda: sscard("--help"), 9), "ms", 150, at_least=False)
    yield certification("quick certification in process", "--in-process")


def certification(what: str, *options: str) -> Row:
    """How long `sscard certify` takes from its start to its end, once."""
    with tempfile.TemporaryDirectory() as out:
        command = ("certify", "--json", "--out", out, *options)
        spent = median_seconds(lambda: sscard(*command, good=(CONFORMANT, INCOMPLETE)), 1)
    return Row(what, spent, "s", 60, at_least=False)
