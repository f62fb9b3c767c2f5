"""Every named fault is found by the suites, by the requirement that it breaks, and a good card has none."""

from __future__ import annotations

import pytest

from conformance.bench import NoRedaction
from conformance.cases import Case
from conformance.engine import Engine, Plan
from conformance.faults import FAULTS
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from tests.faults.hunting import (
    AREAS,
    ISSUED,
    SHIPPED,
    area_of,
    cases,
    good_card,
    hunt,
    is_broad,
    judging,
    places,
    product,
    suite_of,
)

pytestmark = pytest.mark.slow

SEEDS = (0, 1)
GOOD = {Verdict.PASS, Verdict.NOT_APPLICABLE}


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


def _assert_good(name: str, chosen: list[Case]) -> None:
    target = InProcessTarget(good_card(name))
    plan = Plan(profile=product(name), destructive=True)
    outcomes = list(Engine(plan, target, [suite_of(chosen)], lambda event: None, NoRedaction()).run())
    assert [(o.case.identifier, o.verdict.value) for o in outcomes if o.verdict not in GOOD] == []


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("area", AREAS)
def test_good_card_has_no_fault(area: str, name: str) -> None:
    """The cases that find the faults of an area find nothing on a card without a fault."""
    requirements = {
        requirement
        for fault in FAULTS.values()
        if fault.applies_to(product(name))
        for requirement in fault.requirements
        if area_of(requirement) == area
    }
    chosen = [case for case in judging(name, requirements) if not is_broad(case)]
    if chosen:
        _assert_good(name, chosen)
    else:
        assert not requirements


@pytest.mark.parametrize("name", ISSUED)
def test_good_card_has_no_fault_in_sequences(name: str) -> None:
    """The generated sequences over the whole card find nothing on a card without a fault."""
    _assert_good(name, [case for case in cases(name) if is_broad(case)])
