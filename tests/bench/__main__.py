"""`make bench`: measures speed and compares it with what is to be reached. Exit code: 0 all reached, 1 not, 3 not all could be measured."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict

from emulator.links.stackbase import StackError
from tests.bench import cards, issuing, programs, reader
from tests.bench.measure import Row

NOT_REACHED, NOT_MEASURED = 1, 3
PEOPLE = 60
"""Enough for a steady rate; with ``--people 1000`` the batch takes the longest part of an hour on a slow disk."""
BUSY = 1.0
"""Average number of running processes before the first measurement."""


def lines(row: Row) -> str:
    """A row of the table as text."""
    sign = "≥" if row.at_least else "<"
    target = "" if row.target is None else f"{sign} {row.target:,g} {row.unit}"
    measured = f"{row.measured:,.{2 if row.measured < 100 else 0}f} {row.unit}"
    return f"{row.what:42} {target:>14} {measured:>16}  {'' if row.reached is None else 'yes' if row.reached else 'NO'}"


def measure(people: int) -> Iterator[Row]:
    """All that is measured, what needs a reader last."""
    yield from cards.rows()
    yield from programs.rows()
    yield from issuing.rows(people)
    yield from reader.rows()


def main() -> int:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")
    parser.add_argument("--people", type=int, default=PEOPLE, help="people of the batch that is issued")
    arguments = parser.parse_args()
    as_json = arguments.json
    if (load := os.getloadavg()[0]) > BUSY:
        print(
            f"This machine is busy (load {load:.1f}): all but the ratios will be worse than they are.", file=sys.stderr
        )
    found: list[Row] = []
    code = 0
    if not as_json:
        print(f"{'':42} {'target':>14} {'measured':>16}  reached")
    try:
        for row in measure(arguments.people):
            found.append(row)
            if not as_json:
                print(lines(row), flush=True)
    except (StackError, ModuleNotFoundError, RuntimeError) as problem:
        print(f"The rest can't be measured here: {problem}", file=sys.stderr)
        code = NOT_MEASURED
    if as_json:
        print(json.dumps([{**asdict(row), "reached": row.reached} for row in found], ensure_ascii=False, indent=2))
    return NOT_REACHED if any(row.reached is False for row in found) else code


if __name__ == "__main__":
    sys.exit(main())
