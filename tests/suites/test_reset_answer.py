"""The suite of the reset answer: a good card passes, and each way to be wrong is found and named."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from conformance.suites import reset_answer
from conformance.verdict import Verdict
from emulator.cos.card import Card
from emulator.cos.session import Session
from emulator.cos.tree import Node
from emulator.iso7816 import Atr

from .broken import (
    HOSTILE,
    PRODUCTS,
    Alteration,
    Transmit,
    answers,
    assert_judged,
    assert_left_as_it_was,
    failed,
    is_command,
    resets,
    run,
    word,
)

SUITE = reset_answer.SUITE
NOT_SHOWN_BY_APDUS = {"ATR/no-negotiation/BV": Verdict.NOT_RUN}
"""Half of it: that a malformed PPS request stays unanswered needs a bench at the contacts."""


@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str) -> None:
    verdicts = run(SUITE, name).verdicts
    others = {case: verdict for case, verdict in verdicts.items() if verdict is not Verdict.PASS}
    assert others == NOT_SHOWN_BY_APDUS
    assert verdicts


def test_contactless_rows_are_those_of_another_suite() -> None:
    named = {requirement for outcome in run(SUITE, "ssc3-sm4").outcomes for requirement in outcome.case.requirements}
    assert named == {f"SSC-ATR-{number:03}" for number in range(1, 10)}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_card_fails_cleanly(name: str) -> None:
    assert_judged(run(SUITE, "ssc3-sm4", HOSTILE[name]()))


def test_card_that_must_survive_is_left_as_it_was() -> None:
    assert_left_as_it_was(SUITE, "ssc3-sm4")


def patched(offset: int, value: str) -> Callable[[], Alteration]:
    """A reset answer with other bytes at an offset."""
    new = bytes.fromhex(value)
    return lambda: resets(lambda atr: atr[:offset] + new + atr[offset + len(new) :])


def changing() -> Alteration:
    """A reset answer that counts."""
    numbers = count()
    return resets(lambda atr: atr[:-1] + bytes([next(numbers) & 0xFF]))


class WaitsForNegotiation(Alteration):
    """A card that takes no command before one was wasted."""

    def __init__(self) -> None:
        self.waiting = True

    def reset(self, atr: bytes) -> bytes:
        self.waiting = True
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        waiting, self.waiting = self.waiting, False
        return word(0x6F00) if waiting else card(command)


FAULTS: dict[str, tuple[str, Callable[[], Alteration], str]] = {
    "inverse convention": ("ATR/form", patched(0, "3F"), "SSC-ATR-001"),
    "TB1 not zero": ("ATR/form", patched(2, "25"), "SSC-ATR-001"),
    "cut": ("ATR/form", lambda: resets(lambda atr: atr[:-1]), "SSC-ATR-001"),
    "chip maker": ("ATR/makers", patched(4, "1234"), "SSC-ATR-003"),
    "card maker": ("ATR/makers", patched(9, "87"), "SSC-ATR-004"),
    "city": ("ATR/city", patched(11, "4403"), "SSC-ATR-005"),
    "serial of another card": ("ATR/card-factor", patched(13, "11111111"), "SSC-ATR-006"),
    "changing": ("ATR/repeated", changing, "SSC-ATR-007"),
    "waits for PPS": ("ATR/no-negotiation", WaitsForNegotiation, "SSC-ATR-008"),
    "no command after reset": (
        "ATR/no-negotiation",
        lambda: answers(lambda c, a: word(0x6E00) if is_command(c, ins=0xA4) else a),
        "SSC-ATR-008",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_named(name: str) -> None:
    only, fault, requirement = FAULTS[name]
    assert requirement in failed(SUITE, "ssc3-sm4", fault(), only=only)


def test_wrong_number_of_historical_bytes_is_found() -> None:
    shorter = resets(lambda atr: bytes([atr[0], 0x6C]) + atr[2:4] + atr[5:])
    assert "SSC-ATR-002" in failed(SUITE, "ssc3-sm4", shorter, only="ATR/form")


def test_contact_rows_do_not_judge_a_contactless_interface() -> None:
    contactless = resets(lambda atr: Atr.contactless(Atr.parse(atr).historical).to_bytes())
    assert run(SUITE, "ssc3-sm4", contactless, only="ATR/form").verdicts == {"ATR/form/BV": Verdict.NOT_APPLICABLE}


def test_rights_that_survive_a_reset_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    reset = Card.reset

    def remembering(self: Card, cold: bool = True) -> bytes:
        rights = self.session.global_word, self.session.local_word
        atr = reset(self, cold)
        self.session.global_word, self.session.local_word = rights
        return atr

    def entering(self: Session, node: Node, *, reselecting_clears: bool) -> None:
        self.node, self.file = node, None

    monkeypatch.setattr(Card, "reset", remembering)
    monkeypatch.setattr(Session, "enter", entering)
    assert run(SUITE, "ssc3-sm4", only="ATR/forgets").failed == {"SSC-ATR-009"}


def test_directory_that_survives_a_reset_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    reset = Card.reset

    def remembering(self: Card, cold: bool = True) -> bytes:
        node = self.session.node
        atr = reset(self, cold)
        self.session.node = node
        return atr

    monkeypatch.setattr(Card, "reset", remembering)
    assert run(SUITE, "ssc3-sm4", only="ATR/master-file").failed == {"SSC-ATR-009"}
