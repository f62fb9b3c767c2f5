"""The suite of both interfaces: a good card passes, and each difference between contacts and antenna is found."""

from __future__ import annotations

import pytest

from conformance.cases import Suite
from conformance.faults import FAULTS, with_fault
from conformance.suites import interfaces, interfaces_one_chip, interfaces_sequences
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card

from .broken import (
    HOSTILE,
    Alteration,
    Transmit,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    good_card,
    is_command,
    product,
    run,
    word,
)

SUITES, CARD = (interfaces.SUITE, interfaces_one_chip.SUITE, interfaces_sequences.SUITE), "ssc3-sm4"
ANTENNA_FAULTS = [name for name in FAULTS if name.startswith("atr.antenna-")]

each_suite = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)


@each_suite
def test_good_card_passes(suite: Suite) -> None:
    assert_good(run(suite, CARD))


def test_both_requirements_have_cases() -> None:
    result = run(interfaces.SUITE, CARD)
    assert {requirement for outcome in result.outcomes for requirement in outcome.case.requirements} == {
        "SSC-ATR-010",
        "SSC-ATR-011",
    }


@each_suite
def test_a_card_of_the_contacts_alone_has_no_case(suite: Suite) -> None:
    assert run(suite, "ssc2-3des").outcomes == []


@each_suite
def test_a_bench_without_a_contactless_reader_says_so(suite: Suite) -> None:
    """A vendor's chip has no antenna, or the bench has none for it."""
    profile = product(CARD)
    target = InProcessTarget(load_card(profile.model_copy(update={"features": ("mode 1", "financial")})))
    result = run(suite, CARD, card=target)
    assert set(result.verdicts.values()) == {Verdict.NOT_RUN}
    assert all("--contactless-reader" in outcome.reason for outcome in result.outcomes)


@each_suite
def test_a_card_whose_antenna_is_not_reached_is_left_as_it_was(suite: Suite) -> None:
    target = InProcessTarget(load_card(CARD))
    target.interfaces = (Interface.CONTACT,)
    before = target.snapshot()
    result = run(suite, CARD, card=target, kept=True)
    assert set(result.verdicts.values()) == {Verdict.NOT_RUN}
    assert target.snapshot() == before


@each_suite
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_card_fails_cleanly(suite: Suite, name: str) -> None:
    assert_judged(run(suite, CARD, HOSTILE[name]()))


@each_suite
def test_card_that_must_survive_is_left_as_it_was(suite: Suite) -> None:
    assert_left_as_it_was(suite, CARD)
    assert good_card(CARD).interface is Interface.CONTACT


@pytest.mark.parametrize("name", ANTENNA_FAULTS)
def test_fault_of_the_antenna_is_found_by_these_suites(name: str) -> None:
    """The contacts are good: whoever looks there alone sees nothing."""
    found: set[str] = set()
    for suite in SUITES:
        found |= run(suite, CARD, card=InProcessTarget(with_fault(load_card(CARD), name))).failed
    assert found == set(FAULTS[name].requirements)


@pytest.mark.parametrize("name", ["acc.and-as-or", "pin.no-decrement", "cmd.any-class"])
def test_fault_of_both_sides_is_no_difference(name: str) -> None:
    card = InProcessTarget(with_fault(load_card(CARD), name))
    assert "SSC-ATR-010" not in run(interfaces.SUITE, CARD, card=card, only="ATR/antenna-history").failed
    assert run(interfaces.SUITE, CARD, card=card, only="ATR/both-contents").failed == set()


class OtherMemory(Alteration):
    """Records read through the antenna are others, and none can be updated there."""

    antenna = False

    def reset(self, atr: bytes) -> bytes:
        self.antenna = atr.startswith(b"\x3b\x8d")
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if self.antenna and is_command(command, ins=0xDC):
            return word(0x6581)
        answer = card(command)
        other = self.antenna and is_command(command, ins=0xB2) and len(answer) > 4
        return answer[:2] + bytes((answer[2] ^ 1,)) + answer[3:] if other else answer


def test_a_record_that_cannot_be_put_back_through_the_antenna_is_put_back_through_the_contacts() -> None:
    """And the case fails all the same."""
    target = InProcessTarget(load_card(CARD))
    before = target.snapshot()
    result = run(interfaces_one_chip.SUITE, CARD, OtherMemory(), card=target, only="ATR/one-memory")
    assert result.failed == {"SSC-ATR-011"}
    after = target.snapshot()
    assert {name for name, value in before.items() if after[name] != value and name.startswith("file:")} == set()
