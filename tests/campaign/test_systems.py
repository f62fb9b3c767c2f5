"""Requirements on systems that flows show: every row is tried and held, and breaks where a fault is planted or a fact is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign import trial
from conformance.campaign.campaign import Campaign, Order, spec_of
from conformance.campaign.flows import MODULES
from conformance.campaign.planted import PLANTED
from conformance.campaign.rules import Case
from conformance.campaign.systems import rows_of, show
from conformance.campaign.systems.rows import CHECKS
from conformance.campaign.trial import Spec
from conformance.campaign.workers import known_flow
from conformance.events import Event, FlowRequirements, ShownRequirement
from conformance.requirements import SOCIAL_SECURITY, Coverage, Level, load_catalogue
from conformance.verdict import Conformity

CATALOGUE = load_catalogue(SOCIAL_SECURITY)
SEEN_UNDISTURBED = {
    "issue": {"SSC-CTR-012"},
    "upgrade": {"SSC-CTR-012"},
    "replace": set(),
    "medical": {"SSC-TERM-002", "SSC-CTR-007"},
    "medical-temporary": {"SSC-CTR-007"},
    "medical-offline": {"SSC-CTR-007"},
    "visit": {"SSC-TERM-002", "SSC-CTR-007"},
    "life": {"SSC-CTR-012"},
}
"""Rows that a flow tries only where something fails, which is tested with the flows."""
SHOWN_BY = {
    "terminal.guesses-quotes": ("unreachable",),
    "terminal.forgets-settlements": ("unreachable",),
    "centre.books-twice": ("sent-twice",),
}
"""The failures that show a fault; a run that nothing disturbs, where it is not named."""


def ran(order: Order) -> tuple[Campaign, dict[str, ShownRequirement]]:
    """A campaign that was run to its end, and the rows of its only flow."""
    found: list[Event] = []
    campaign = Campaign(order, found.append)
    for _ in campaign.run():
        pass
    rows = [row for event in found if isinstance(event, FlowRequirements) for row in event.requirements]
    return campaign, {row["requirement"]: row for row in rows}


def test_rows_are_those_of_the_catalogue_on_systems() -> None:
    areas = {area.code for area in CATALOGUE.areas if area.coverage is Coverage.SYSTEMS}
    assert {CATALOGUE.requirements[row].area for row in CHECKS} <= areas
    assert {row for flow in MODULES for row in rows_of(known_flow(flow, ""))} == set(CHECKS)


@pytest.mark.parametrize("flow", SEEN_UNDISTURBED)
def test_a_flow_that_nothing_disturbs_tries_its_rows(flow: str) -> None:
    _, rows = ran(Order((flow,), only=Spec(flow)))
    assert list(rows) == list(rows_of(known_flow(flow, "")))
    assert {row for row, shown in rows.items() if not shown["tried"]} == SEEN_UNDISTURBED[flow]
    assert all(shown["tried"] <= 1 and not shown["broken"] for shown in rows.values())


@pytest.mark.parametrize("name", sorted(name for name, planted in PLANTED.items() if planted.rows))
def test_a_planted_fault_breaks_its_rows(name: str) -> None:
    """And the trial that a breach names shows it again. A broken SHOULD alone does not decide."""
    planted = PLANTED[name]
    chosen = SHOWN_BY.get(name, ())
    campaign, rows = ran(
        Order((planted.flow,), failures=chosen, fault=name, only=None if chosen else Spec(planted.flow))
    )
    assert {row for row, shown in rows.items() if shown["broken"]} >= set(planted.rows)
    decides = any(CATALOGUE.requirements[row].level is Level.MUST for row in planted.rows) or campaign.broken
    assert campaign.conformity is (Conformity.NON_CONFORMANT if decides else Conformity.CONFORMANT)
    for row in planted.rows:
        breach = rows[row]["broken"][-1]
        words = breach["reproduce"].split()
        _, again = ran(Order((planted.flow,), fault=name, only=spec_of(words[words.index("--only") + 1])))
        assert (breach["zh"], breach["en"]) in [(each["zh"], each["en"]) for each in again[row]["broken"]]


# Facts that are other ones


def judged(flow: str, folder: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Case], Case]) -> set[str]:
    """The rows that break when an undisturbed trial had shown something else."""
    found: list[Any] = []

    def altered(of: Any, case: Case) -> Any:
        found.append(show(of, change(case)))
        return ()

    monkeypatch.setattr(trial, "show", altered)
    trial.run_trial(known_flow(flow, ""), Spec(flow), folder)
    return {each.row for each in found[0] if each.breaches}


def with_chip(name: str, **facts: Any) -> Callable[[Case], Case]:
    """A chip shows something else in the end."""

    def change(case: Case) -> Case:
        chips = {**case.after.chips, name: replace(case.after.chips[name], **facts)}
        return replace(case, after=replace(case.after, chips=chips))

    return change


def without(*instructions: int, step: str) -> Callable[[Case], Case]:
    """Commands of a step never passed."""

    def change(case: Case) -> Case:
        case.world.seams.passed = [
            each
            for each in case.world.seams.passed
            if each.step != step or not isinstance(each.sent, bytes) or each.sent[1] not in instructions
        ]
        return case

    return change


def other_number(**shown: str) -> Callable[[Case], Case]:
    def change(case: Case) -> Case:
        financial = case.after.chips["chip 1"].financial
        assert financial is not None
        return with_chip("chip 1", financial=replace(financial, **shown))(case)

    return change


def known_identification(case: Case) -> Case:
    return with_chip("chip 1", identification=case.before.chips["card B"].identification)(case)


def empty_item(case: Case) -> Case:
    """The address is gone from the chip."""
    cells = case.world.chips["chip 1"].target.card.memory.cells
    name = next(name for name in cells if name.endswith("/EF06") and name.startswith("file:") and "DDF1" in name)
    records = cells[name]
    assert isinstance(records, tuple)
    cells[name] = tuple(record[:2] + bytes(len(record) - 2) if record[:1] == b"\x0b" else record for record in records)
    return case


def other_settlements(change: Callable[[Any], Iterator[Any]]) -> Callable[[Case], Case]:
    """The centre has other settlements in the end."""

    def alter(case: Case) -> Case:
        centre = case.after.centre
        assert centre is not None
        settlements = tuple(each for one in centre.settlements for each in change(one))
        return replace(case, after=replace(case.after, centre=replace(centre, settlements=settlements)))

    return alter


def dearer(one: Any) -> Iterator[Any]:
    yield replace(one, own=one.own + 1)


def without_code(one: Any) -> Iterator[Any]:
    yield replace(one, tac="")


def missing(one: Any) -> Iterator[Any]:
    yield from ()


@pytest.mark.parametrize(
    ("flow", "change", "row"),
    [
        ("issue", known_identification, "SSC-ISS-001"),
        ("issue", without(0x82, step="PERSONALISE"), "SSC-ISS-002"),
        ("issue", without(0xB2, step="READ_BACK"), "SSC-ISS-003"),
        ("issue", empty_item, "SSC-ISS-004"),
        ("upgrade", other_number(pan="6214980000000009999"), "SSC-ISS-008"),
        ("upgrade", other_number(sequence="01"), "SSC-ISS-008"),
        ("replace", known_identification, "SSC-ISS-008"),
        ("medical", other_settlements(dearer), "SSC-TERM-003"),
        ("medical", other_settlements(without_code), "SSC-TERM-006"),
        ("medical-temporary", other_settlements(missing), "SSC-TERM-015"),
        ("medical-offline", other_settlements(without_code), "SSC-TERM-015"),
    ],
)
def test_a_row_breaks_where_the_outside_shows_something_else(
    flow: str, change: Callable[[Case], Case], row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert row in judged(flow, tmp_path, monkeypatch, change)


def test_facts_as_they_are_break_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged("replace", tmp_path, monkeypatch, lambda case: case) == set()
