"""The end of the transaction counter at both interfaces: one way there for both cases, and a fault of either is found."""

from __future__ import annotations

import pytest

from conformance.bench import NoRedaction
from conformance.engine import Engine, Plan
from conformance.events import Event
from conformance.faults import with_fault
from conformance.judge import case_outcomes
from conformance.suites.payment import initiation, quick_decisions
from conformance.targets.base import Target
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator.apps.load import card_of
from emulator.apps.payment.application import Tag, data_cell
from emulator.cos.card import Card
from emulator.cos.memory import Memory
from tests.suites.broken import Kept, good_card, product

CONTACTS, ANTENNA = "PAY-GPO/counter-end/BO", "PAY-QPB/counter-end/BO"
REQUIREMENT = {CONTACTS: "PAY-GPO-005", ANTENNA: "PAY-QPB-051"}
FAULT = {CONTACTS: "gpo.counter-begins-again", ANTENNA: "qpb.counter-begins-again"}
NEAR, INITIATION = 0xFFF0, 0xA8
COUNTER = data_cell("DEBIT", Tag.ATC)


class Counting(InProcessTarget):
    """A card whose initiations are counted."""

    initiations = 0

    def transmit(self, command: bytes) -> bytes:
        self.initiations += command[1] == INITIATION
        return super().transmit(command)


def card_at(counter: int) -> Card:
    """A good card that has had so many transactions."""
    return card_of(Memory({**good_card("debit").snapshot(), COUNTER: counter.to_bytes(2)}))


def judged(target: Target, *only: str) -> tuple[dict[str, Verdict], set[str]]:
    """The verdict of each case, and the requirements that failed."""
    log: list[Event] = []
    plan = Plan(profile=product("debit"), destructive=True, only=only or (CONTACTS, ANTENNA))
    engine = Engine(plan, target, [initiation.SUITE, quick_decisions.SUITE], log.append, NoRedaction())
    verdicts = {outcome.case.identifier: outcome.verdict for outcome in engine.run()}
    given = [item for outcome in case_outcomes(log) for item in outcome.given.items()]
    return verdicts, {name for name, verdict in given if verdict is Verdict.FAIL}


def test_both_cases_pass_and_go_the_way_once() -> None:
    target = Counting(card_at(NEAR))
    assert judged(target) == ({CONTACTS: Verdict.PASS, ANTENNA: Verdict.PASS}, set())
    assert target.initiations == (0xFFFE - NEAR) + 2 + 2


@pytest.mark.parametrize("case", FAULT)
@pytest.mark.parametrize("alone", [False, True], ids=["both", "alone"])
def test_a_fault_of_one_interface_is_found_by_its_case(case: str, alone: bool) -> None:
    target = InProcessTarget(with_fault(card_at(NEAR), FAULT[case]))
    verdicts, failed = judged(target, *((case,) if alone else ()))
    assert failed == {REQUIREMENT[case]}
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.PASS} == (
        set() if alone else FAULT.keys() - {case}
    )


@pytest.mark.parametrize("counter", [0xFFFE, 0xFFFF])
def test_a_card_that_counts_on_from_its_end_fails(counter: int) -> None:
    card = card_at(counter)
    for fault in FAULT.values():
        card = with_fault(card, fault)
    assert judged(InProcessTarget(card))[1] == set(REQUIREMENT.values())


def test_a_card_one_before_the_end_goes_no_way() -> None:
    target = Counting(card_at(0xFFFE))
    assert judged(target) == ({CONTACTS: Verdict.PASS, ANTENNA: Verdict.PASS}, set())
    assert target.initiations == 2 + 2


def test_a_card_that_cannot_be_renewed_ends_once() -> None:
    """The other case needs another card, and says so."""
    assert judged(Kept(InProcessTarget(card_at(NEAR)))) == ({CONTACTS: Verdict.PASS, ANTENNA: Verdict.NOT_RUN}, set())
