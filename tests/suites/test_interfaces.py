"""The suite of both interfaces: a good card passes, and each difference between contacts and antenna is found."""

from __future__ import annotations

import pytest

from conformance.faults import FAULTS, with_fault
from conformance.suites import interfaces
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card

from .broken import HOSTILE, assert_good, assert_judged, assert_left_as_it_was, good_card, product, run

SUITE, CARD = interfaces.SUITE, "ssc3-sm4"
ANTENNA_FAULTS = [name for name in FAULTS if name.startswith("atr.antenna-")]


def test_good_card_passes() -> None:
    result = run(SUITE, CARD)
    assert_good(result)
    assert {requirement for outcome in result.outcomes for requirement in outcome.case.requirements} == {
        "SSC-ATR-010",
        "SSC-ATR-011",
    }


def test_a_card_of_the_contacts_alone_has_no_case() -> None:
    assert run(SUITE, "ssc2-3des").outcomes == []


def test_a_bench_without_a_contactless_reader_says_so() -> None:
    """A vendor's chip has no antenna, or the bench has none for it."""
    profile = product(CARD)
    target = InProcessTarget(load_card(profile.model_copy(update={"features": ("mode 1", "financial")})))
    result = run(SUITE, CARD, card=target)
    assert set(result.verdicts.values()) == {Verdict.NOT_RUN}
    assert all("--contactless-reader" in outcome.reason for outcome in result.outcomes)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_card_fails_cleanly(name: str) -> None:
    assert_judged(run(SUITE, CARD, HOSTILE[name]()))


def test_card_that_must_survive_is_left_as_it_was() -> None:
    assert_left_as_it_was(SUITE, CARD)
    assert good_card(CARD).interface is Interface.CONTACT


@pytest.mark.parametrize("name", ANTENNA_FAULTS)
def test_fault_of_the_antenna_is_found_by_this_suite_alone(name: str) -> None:
    """The contacts are good: whoever looks there alone sees nothing."""
    card = InProcessTarget(with_fault(load_card(CARD), name))
    assert run(SUITE, CARD, card=card).failed == set(FAULTS[name].requirements)


@pytest.mark.parametrize("name", ["acc.and-as-or", "pin.no-decrement", "cmd.any-class"])
def test_fault_of_both_sides_is_no_difference(name: str) -> None:
    card = InProcessTarget(with_fault(load_card(CARD), name))
    assert "SSC-ATR-010" not in run(SUITE, CARD, card=card, only="ATR/antenna-history").failed
    assert run(SUITE, CARD, card=card, only="ATR/both-contents").failed == set()
