"""The suites of the firewall: a good card passes, and each way to be wrong is found and named.

Rights that live too long or too short are put into the virtual card itself, because no alteration of answers brings
them about.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance import events
from conformance.cases import Suite
from conformance.suites import firewall, firewall_sequences, firewall_states
from conformance.verdict import Verdict
from emulator.cos.session import Session
from emulator.cos.tree import Node

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Transmit,
    answers,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    is_command,
    run,
    word,
)

SUITES = (firewall.SUITE, firewall_sequences.SUITE, firewall_states.SUITE)
SELECT, READ_RECORD = 0xA4, 0xB2


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_good_card_passes(suite: Suite, name: str) -> None:
    assert_good(run(suite, name))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_hostile_card_fails_cleanly(suite: Suite, name: str) -> None:
    assert_judged(run(suite, "ssc3-sm4", HOSTILE[name]()))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_nothing_passes_on_a_card_that_only_says_9000(suite: Suite) -> None:
    assert Verdict.PASS not in run(suite, "ssc3-sm4", HOSTILE["always 9000"]()).verdicts.values()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_card_that_must_survive_is_left_as_it_was(suite: Suite) -> None:
    assert_left_as_it_was(suite, "ssc3-sm4")


def test_every_requirement_between_the_directories_is_judged() -> None:
    judged = run(firewall.SUITE, "ssc3-sm4").judged | run(firewall_states.SUITE, "ssc3-sm4").judged
    assert {f"SSC-FW-{number:03}" for number in (1, 2, 3, 4, 5, 9, 10, 12, 13)} <= judged


# Rights that live too long or too short

Enter = Callable[..., None]
good_enter: Enter = Session.enter


def keeping_local_rights(self: Session, node: Node, *, reselecting_clears: bool) -> None:
    """Rights of a DF survive every SELECT."""
    local = self.local_word
    good_enter(self, node, reselecting_clears=reselecting_clears)
    self.local_word = local


def keeping_when_selected_again(self: Session, node: Node, *, reselecting_clears: bool) -> None:
    """Rights of a DF survive the SELECT of the same DF."""
    local, same = self.local_word, node is self.node
    good_enter(self, node, reselecting_clears=reselecting_clears)
    self.local_word = local if same else 0


class Remembering:
    """Rights of a DF come back when it is selected again."""

    def __init__(self) -> None:
        self.rights: dict[str, int] = {}

    def enter(self, session: Session, node: Node, reselecting_clears: bool) -> None:
        if session.local_word:
            self.rights[session.node.directory.name] = session.local_word
        good_enter(session, node, reselecting_clears=reselecting_clears)
        session.local_word = self.rights.pop(node.directory.name, 0)


def remembering_rights() -> Enter:
    memory = Remembering()

    def enter(self: Session, node: Node, *, reselecting_clears: bool) -> None:
        memory.enter(self, node, reselecting_clears)

    return enter


def mixing_the_words(self: Session, node: Node, *, reselecting_clears: bool) -> None:
    """Global and local rights are one word that only another environment clears."""
    together = self.global_word | self.local_word
    same = self.node.environment is node.environment
    good_enter(self, node, reselecting_clears=reselecting_clears)
    if same:
        self.global_word = self.local_word = together


def dropping_the_pin(self: Session, node: Node, *, reselecting_clears: bool) -> None:
    """Every SELECT drops every right."""
    good_enter(self, node, reselecting_clears=reselecting_clears)
    self.global_word = 0


FAULTY_RIGHTS: dict[str, tuple[str, Callable[[], Enter], str]] = {
    "another DF opened": ("FW/DF01-keys-elsewhere", lambda: keeping_local_rights, "SSC-FW-001"),
    "rights come back": ("FW/DF01-leaving", remembering_rights, "SSC-FW-002"),
    "rights kept on the way": ("FW/DF03-leaving", lambda: keeping_local_rights, "SSC-FW-002"),
    "rights survive the same": ("FW/DF01-again", lambda: keeping_when_selected_again, "SSC-FW-003"),
    "keys of SSSE open a DF": ("FW/DF01-environment-keys", lambda: mixing_the_words, "SSC-FW-004"),
    "keys of a DF open SSSE": ("FW/DF01-environment-shut", lambda: mixing_the_words, "SSC-FW-005"),
    "PIN lost": ("FW/global-PIN", lambda: dropping_the_pin, "SSC-FW-009"),
}


@pytest.mark.parametrize("name", FAULTY_RIGHTS)
def test_faulty_rights_are_found_and_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only, fault, requirement = FAULTY_RIGHTS[name]
    monkeypatch.setattr(Session, "enter", fault())
    assert run(firewall.SUITE, "ssc3-sm4", only=only).failed == {requirement}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("fault", "requirements"),
    [
        (keeping_local_rights, {"SSC-FW-001", "SSC-FW-002", "SSC-FW-003"}),
        (mixing_the_words, {"SSC-FW-001", "SSC-FW-002", "SSC-FW-003", "SSC-FW-004", "SSC-FW-005"}),
        (dropping_the_pin, {"SSC-FW-009"}),
    ],
)
def test_sequences_find_faulty_rights_on_every_seed(
    fault: Enter, requirements: set[str], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "enter", fault)
    result = run(firewall_sequences.SUITE, "ssc3-sm4", seed=seed)
    assert result.failed
    assert result.failed <= requirements


def test_sequence_that_is_shown_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "enter", dropping_the_pin)
    result = run(firewall_sequences.SUITE, "ssc3-sm4")
    (finished,) = (event for event in result.log if isinstance(event, events.CaseFinished))
    assert finished.counterexample[-1]["response"] == "6982"
    assert len(finished.counterexample) <= 10


# Files and states


class FindsFilesOfOthers(Alteration):
    """A file that the current DF lacks is looked for in DF01."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        return OK if is_command(command, ins=SELECT, data=b"\xef") and answer == word(0x6A82) else answer


def test_file_of_another_directory_is_found_out() -> None:
    assert run(firewall.SUITE, "ssc3-sm4", FindsFilesOfOthers(), only="FW/DF02-files").failed == {"SSC-FW-010"}


def test_file_reached_by_the_short_identifier_of_another_directory_is_found_out() -> None:
    found = answers(lambda c, a: OK if is_command(c, ins=READ_RECORD) and a == word(0x6A82) else a)
    assert run(firewall.SUITE, "ssc3-sm4", found, only="FW/DF02-files").failed == {"SSC-FW-010"}


class TransactionSurvives(Alteration):
    """DEBIT is taken whatever came between."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        return word(0x9302) if is_command(command, cla=0xB0, ins=0x2C) else card(command)


def test_transaction_that_survives_select_is_found() -> None:
    assert run(firewall_states.SUITE, "ssc3-sm4", TransactionSurvives(), only="FW/transaction").failed == {"SSC-FW-012"}


class BlocksEverything(Alteration):
    """APPLICATION BLOCK of one application blocks DF04, too."""

    blocked = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        self.blocked = self.blocked or (is_command(command, ins=0x1E) and answer == OK)
        hit = is_command(command, ins=SELECT, data=bytes.fromhex("D15600000503"))
        return word(0x6A81) if self.blocked and hit else answer


def test_block_that_reaches_further_is_found() -> None:
    assert run(firewall_states.SUITE, "ssc3-sm4", BlocksEverything(), only="FW/blocked").failed == {"SSC-FW-013"}
