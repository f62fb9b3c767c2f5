"""How many cards a station issues in a minute, from a table of people to chips in files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.batch.people import person, write
from tests.bench.measure import Row, sscard


def rows(people: int) -> Iterator[Row]:
    """A whole batch by the command line, its start included: every commit of every chip reaches the disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write(folder / "people.csv", (person(index) for index in range(1, people + 1)))
        place = ("--out", folder / "out", "--journal", folder / "station.db", "--books", folder / "centre.db")
        begin = time.perf_counter()
        sscard("issue", "--batch", str(table), *map(str, place))
        minutes = (time.perf_counter() - begin) / 60
    yield Row(f"issue --batch, {people:,} people", people / minutes, "/min")
