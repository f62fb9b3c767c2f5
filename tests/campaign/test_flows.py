"""Every flow with every failure at every step, some places of each: no rule breaks, and the same seed gives the same outcomes."""

from __future__ import annotations

import pytest

from conformance.campaign.campaign import Campaign, Order
from conformance.campaign.failures import FAILURES, KILLING
from conformance.campaign.flows import MODULES
from conformance.campaign.systems import rows_of
from conformance.campaign.trial import Spec
from conformance.campaign.workers import known_flow
from conformance.cases import Level
from conformance.events import Event, FlowFinished, FlowRequirements, FlowStarted, FlowTimed, FlowTrials
from conformance.verdict import Conformity


def ran(order: Order) -> tuple[Campaign, list[Event]]:
    """A campaign that was run to its end, and its events."""
    found: list[Event] = []
    campaign = Campaign(order, found.append)
    for _ in campaign.run():
        pass
    return campaign, found


def tried(order: Order) -> list[tuple[str, str, dict[str, int], list[str]]]:
    """Cell by cell: what became of its trials, and the places that were struck."""
    campaign, events = ran(order)
    cells = campaign.tallies[0].cells
    return [
        (each.step, each.failure, each.outcomes, [trial.spec.place for trial in cells[each.step, each.failure]])
        for each in events
        if isinstance(each, FlowTrials)
    ]


AT_STATION = ("issue", "upgrade", "replace")
WITH_OUTBOX = ("medical", "medical-temporary", "medical-offline", "payment", "visit")
"""The flows whose terminals keep what they owe beyond their end."""
TELLING = ("power-cut-after", "unreachable", "answer-lost", "sent-twice", "killed-after", "rival")
"""The failures that are tried where there is little time."""


@pytest.mark.parametrize("flow", MODULES)
def test_no_rule_and_no_requirement_breaks(flow: str) -> None:
    """And these failures try every requirement on systems that the flow can show."""
    campaign, events = ran(Order((flow,), failures=TELLING))
    tally = campaign.tallies[0]
    found = [(each.rule, each.en) for cell in tally.cells.values() for tried in cell for each in tried.findings]
    assert found == []
    assert campaign.breaches == []
    rows = [row for event in events if isinstance(event, FlowRequirements) for row in event.requirements]
    assert [row["requirement"] for row in rows] == list(rows_of(known_flow(flow, "")))
    assert [row["requirement"] for row in rows if not row["tried"]] == []
    assert campaign.conformity is Conformity.CONFORMANT
    assert tally.interruptions == tally.trials > 10
    started, finished = events[0], events[-1]
    assert isinstance(started, FlowStarted)
    assert isinstance(finished, FlowFinished)
    struck = {each.step for each in events if isinstance(each, FlowTrials)}
    assert {step["step"] for step in started.steps if step["irreversible"]} <= struck
    assert struck <= {step["step"] for step in started.steps}


def test_the_same_seed_gives_the_same_outcomes_in_any_number_of_processes() -> None:
    one = tried(Order(("visit",), failures=("answer-lost", "power-cut-after"), seed=3))
    two = tried(Order(("visit",), failures=("answer-lost", "power-cut-after"), seed=3, jobs=2))
    assert one == two
    assert len(one) > 10


def test_another_seed_strikes_other_places() -> None:
    def places(seed: int) -> set[str]:
        campaign, _ = ran(Order(("visit",), failures=("power-cut-before",), seed=seed))
        return {tried.spec.place for cell in campaign.tallies[0].cells.values() for tried in cell}

    assert places(0) != places(1)


@pytest.mark.slow
@pytest.mark.parametrize("flow", AT_STATION)
def test_every_failure_at_every_step_of_the_station(flow: str) -> None:
    """But those of the test above, which are chosen alike."""
    campaign, _ = ran(Order((flow,), failures=tuple(name for name in FAILURES if name not in TELLING)))
    assert campaign.broken == 0
    assert campaign.tallies[0].interruptions == campaign.tallies[0].trials > 100


@pytest.mark.slow
def test_a_key_service_that_does_not_answer_costs_no_chip_when_a_request_goes_on() -> None:
    """It once did: what failed before the first open step was written against a step that was done, whatever the flow."""
    chosen = ("killed-after-host", "keys-unreachable")
    campaign, _ = ran(Order(("issue",), failures=chosen, level=Level.STANDARD))
    cells = campaign.tallies[0].cells.items()
    assert campaign.broken == 0
    assert {failure for (_, failure), _ in cells} == {*chosen, "+".join(chosen)}
    assert all(each.struck == 2 for (_, failure), cell in cells for each in cell if "+" in failure)


@pytest.mark.slow
@pytest.mark.parametrize("flow", [each for each in MODULES if each not in AT_STATION])
def test_many_places_of_a_flow_and_pairs_of_failures(flow: str) -> None:
    """Eight places of each step and failure, and pairs in the irreversible steps; terminals are killed below, at every place."""
    chosen = tuple(name for name in FAILURES if name not in KILLING or flow not in WITH_OUTBOX)
    campaign, _ = ran(Order((flow,), failures=chosen, level=Level.STANDARD))
    tally = campaign.tallies[0]
    assert campaign.broken == 0
    assert tally.interruptions > 150
    assert any(each.struck == 2 for (_, failure), cell in tally.cells.items() for each in cell if "+" in failure)


@pytest.mark.slow
def test_every_command_and_every_write_of_a_visit() -> None:
    cuts = ("power-cut-before", "power-cut-inside", "power-cut-after")
    campaign, _ = ran(Order(("visit",), failures=cuts, level=Level.OFFICIAL))
    assert campaign.broken == 0
    tally = campaign.tallies[0]
    assert tally.interruptions > 150
    assert [tried.spec for cell in tally.cells.values() for tried in cell if not tried.struck] == []


def test_a_flow_that_is_broken_off_has_no_end_and_is_incomplete() -> None:
    found: list[Event] = []
    campaign = Campaign(Order(("visit",)), found.append)
    work = campaign.run()
    next(work)
    work.close()
    assert any(isinstance(event, FlowTrials) for event in found)
    assert not any(isinstance(event, FlowFinished) for event in found)
    assert campaign.conformity is Conformity.INCOMPLETE


def test_a_campaign_whose_failures_find_nothing_to_strike_proves_nothing() -> None:
    campaign, _ = ran(Order(("issue",), failures=("meanwhile",)))
    assert campaign.tallies[0].trials == 0
    assert campaign.conformity is Conformity.INCOMPLETE


def test_the_undisturbed_run_alone_is_a_trial() -> None:
    campaign, _ = ran(Order(("visit",), only=Spec("visit")))
    assert (campaign.tallies[0].trials, campaign.tallies[0].interruptions) == (1, 0)
    assert campaign.conformity is Conformity.CONFORMANT


def test_the_times_of_an_issuance_have_budgets_among_their_steps() -> None:
    _, events = ran(Order(("issue",), only=Spec("issue")))
    (timed,) = [event for event in events if isinstance(event, FlowTimed)]
    kinds = [entry["measured"] for entry in timed.entries]
    assert not kinds[0]
    assert not kinds[-1]
    assert True in kinds
    assert timed.promised == 480
    assert timed.total == pytest.approx(sum(entry["seconds"] for entry in timed.entries))


@pytest.mark.slow
@pytest.mark.parametrize("flow", WITH_OUTBOX)
def test_a_terminal_killed_at_any_place_settles_everything_once(flow: str) -> None:
    campaign, _ = ran(Order((flow,), failures=tuple(sorted(KILLING)), level=Level.OFFICIAL))
    tally = campaign.tallies[0]
    assert {name for _, name in tally.cells if "+" not in name} == KILLING - {"killed", "killed-after"}
    assert [(tried.spec, tried.findings) for cell in tally.cells.values() for tried in cell if tried.findings] == []
    assert set(tally.outcomes) <= ({"completed", "as before"} if flow == "visit" else {"completed"})


@pytest.mark.slow
@pytest.mark.parametrize("flow", [each for each in WITH_OUTBOX if each != "payment"])  # which takes its time
def test_a_killed_terminal_that_finds_no_host_when_it_starts_again_settles_everything_once(flow: str) -> None:
    """What the card had done once waited for delivery, and was not reversed afterwards, or was loaded a second time."""
    killing, silent = ("killed-after-chip", "killed-after-host"), ("unreachable", "answer-lost")
    campaign, _ = ran(Order((flow,), failures=(*killing, *silent), level=Level.OFFICIAL))
    cells = campaign.tallies[0].cells
    assert {f"{first}+{second}" for first in killing for second in silent} <= {failure for _, failure in cells}
    assert [(tried.spec, tried.findings) for cell in cells.values() for tried in cell if tried.findings] == []
