"""Every named fault is found by the suites, by the requirement that it breaks.

That a good card has none `tests/conformance/test_clean.py` shows.
"""

from __future__ import annotations

import pytest

from conformance.faults import FAULTS
from tests.faults.hunting import hunt, places

pytestmark = pytest.mark.slow

SEEDS = (0, 1)


@pytest.mark.parametrize(("fault", "name"), places())
def test_fault_is_found(fault: str, name: str) -> None:
    for seed in SEEDS:
        result = hunt(FAULTS[fault], name, seed)
        assert result.trouble is None
        assert not result.failed.isdisjoint(FAULTS[fault].requirements), (
            f"{fault} on {name}, seed {seed}: none of {', '.join(FAULTS[fault].requirements)} failed; "
            f"failed: {sorted(result.failed)}; "
            f"cases: {[(event.case, event.verdict) for event in result.finished]}"
        )
