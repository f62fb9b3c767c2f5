"""Each rule breaks where a fault is planted that must break it, and the trial that shows it shows it again."""

from __future__ import annotations

import pytest

from conformance.campaign.campaign import Campaign, Order, only_of, spec_of
from conformance.campaign.planted import PLANTED, plant
from conformance.campaign.rules import RULES
from conformance.campaign.trial import Spec, Tried
from conformance.campaign.workers import known_flow
from conformance.cases import Level
from conformance.verdict import Conformity

SHOWN_BY = {
    "bank.leaves-the-old-card-on": ("killed-after",),
    "bank.switches-off-early": ("killed-after",),
    "bank.books-wages-twice": ("meanwhile",),
    "station.completes-on-resume": ("killed-after",),
    "terminal.forgets-settlements": ("unreachable",),
    "terminal.no-entry-before-debit": ("killed-after-chip",),
    "till.no-entry-before-authorisation": ("killed-after-host",),
    "desk.no-entry-before-payment": ("killed-after-host",),
    "centre.books-twice": ("sent-twice",),
    "bank.blocks-on-repetition": ("sent-twice",),
    "terminal.never-reverses": ("answer-lost",),
}
"""The failure that shows a fault; a run that nothing disturbs, where it is not named."""
EVERYWHERE = ("terminal.no-entry-before-debit",)
"""Faults that few places show."""


def broken(campaign: Campaign) -> list[Tried]:
    return [tried for cell in campaign.tallies[0].cells.values() for tried in cell if tried.findings]


def run(order: Order) -> Campaign:
    campaign = Campaign(order, lambda event: None)
    for _ in campaign.run():
        pass
    return campaign


@pytest.mark.parametrize("name", sorted(name for name, planted in PLANTED.items() if planted.rules))
def test_a_planted_fault_breaks_its_rules(name: str) -> None:
    planted = PLANTED[name]
    level = Level.OFFICIAL if name in EVERYWHERE else Level.QUICK
    chosen = SHOWN_BY.get(name, ())
    single = None if chosen else Spec(planted.flow)
    campaign = run(Order((planted.flow,), failures=chosen, level=level, fault=name, only=single))
    found = {finding.rule for tried in broken(campaign) for finding in tried.findings}
    assert found >= set(planted.rules)
    assert campaign.conformity is Conformity.NON_CONFORMANT
    shown = broken(campaign)[-1]
    again = run(Order((planted.flow,), fault=name, only=spec_of(only_of(shown))))
    assert {finding for tried in broken(again) for finding in tried.findings} >= set(shown.findings)


def test_every_rule_has_a_fault_that_breaks_it() -> None:
    assert {rule for planted in PLANTED.values() for rule in planted.rules} == set(RULES)


def test_a_fault_is_planted_into_its_own_flow_alone() -> None:
    with pytest.raises(ValueError, match="of the flow issue"):
        plant(known_flow("visit", ""), "station.mixes-orders")
    with pytest.raises(KeyError):
        plant(known_flow("visit", ""), "none")
