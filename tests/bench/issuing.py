"""How many cards a station issues in a minute, from a table of people to chips in files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.batch.people import person, with_account, write
from tests.bench.measure import Row, sscard


def rows(people: int) -> Iterator[Row]:
    """Batches by the command line, their start included, on the disk: of cards without and with the bank's application."""
    for what, bank in (("issue --batch", False), ("issue --batch --bank", True)):
        yield Row(f"{what}, {people:,} people", _cards_per_minute(people, bank=bank), "/min")


def _cards_per_minute(people: int, *, bank: bool) -> float:
    fields = with_account if bank else person
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write(folder / "people.csv", (fields(index) for index in range(1, people + 1)))
        place = ["--out", folder / "out", "--journal", folder / "station.db", "--books", folder / "centre.db"]
        if bank:
            place += ["--bank", folder / "bank.db"]
        begin = time.perf_counter()
        sscard("issue", "--batch", str(table), *map(str, place))
        return people / (time.perf_counter() - begin) * 60
