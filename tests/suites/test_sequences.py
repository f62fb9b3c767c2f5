"""The suite of sequences: a good card does what the model predicts; a fault is found, named, and shown by few commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from conformance import events
from conformance.cases import Level
from conformance.suites import sequences
from conformance.verdict import Verdict
from tests.repeatable import examples_of_the_seed_alone

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Run,
    Transmit,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    changed,
    is_command,
    product,
    run,
    word,
)
from .deviating import run_vendor

__all__ = ["examples_of_the_seed_alone"]

SUITE = sequences.SUITE
CHALLENGE, EXTERNAL, VERIFY, CHANGE, SELECT, READ_RECORD, UPDATE_RECORD = 0x84, 0x82, 0x20, 0x5E, 0xA4, 0xB2, 0xDC


@pytest.fixture
def few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer examples than any certification runs: whole certifications of good cards stand elsewhere."""
    monkeypatch.setattr(Level, "examples", 3)


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str) -> None:
    assert_good(run(SUITE, name, seed=3))


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_card_fails_cleanly(hostile: str) -> None:
    assert_judged(run(SUITE, "ssc3-sm4", HOSTILE[hostile](), only="SEQ/files"))


@pytest.mark.usefixtures("few_examples")
def test_card_that_must_survive_is_left_as_it_was() -> None:
    assert_left_as_it_was(SUITE, "ssc3-sm4")


def test_card_without_environment_has_no_sequences() -> None:
    assert set(run(SUITE, "blank").verdicts.values()) <= {Verdict.NOT_APPLICABLE}


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize(
    "settings",
    [
        {"wrong_pin_clears_state": True, "changed_pin_is_verified": True, "partial_name": "refused"},
        {"challenge_used": "last or last but one", "unknown_key_answer": "9403", "select_ef_answer": "template"},
        {"internal_authentication_needs_challenge": True, "authentication_without_challenge": "63Cx"},
        {
            "reselecting_environment_clears_global_state": False,
            "default_key_version": 2,
            "update_length_answer": "6A80",
        },
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_the_model_follows_the_profile(settings: dict[str, object]) -> None:
    usual = product("ssc3-sm4")
    declared = usual.model_copy(update={"settings": usual.settings.model_copy(update=settings)})
    assert run_vendor(SUITE, declared).failed == set()


class Remembers(Alteration):
    """SELECT of an application brings its rights back: a refused update is done when it was allowed once."""

    _allowed = False

    def reset(self, atr: bytes) -> bytes:
        self._allowed = False
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=UPDATE_RECORD):
            self._allowed = self._allowed or answer == OK
            return OK if self._allowed and answer == word(0x6982) else answer
        return answer


class ForgetsUpdates(Alteration):
    """The second update of a session is answered and not done."""

    _done = 0

    def reset(self, atr: bytes) -> bytes:
        self._done = 0
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=UPDATE_RECORD):
            self._done += 1
            if self._done == 2:
                answer = card(command[:4])
                return OK if answer == word(0x6700) else answer
        return card(command)


class StaleChallenge(Alteration):
    """The last but one challenge is taken as well: a wrong cryptogram after two challenges is right."""

    _taken = 0

    def reset(self, atr: bytes) -> bytes:
        self._taken = 0
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=CHALLENGE):
            self._taken += 1
        elif is_command(command, ins=EXTERNAL):
            stale, self._taken = self._taken > 1, 0
            return OK if stale and answer[:1] == b"\x63" else answer
        return answer


class SelectLosesPlace(Alteration):
    """A SELECT of an unknown file leaves the card in the MF."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=SELECT) and answer == word(0x6A82):
            card(bytes.fromhex("00A40000023F00"))
        return answer


class ChangeRestores(Alteration):
    """A wrong CHANGE PIN does not count."""

    _lost = 0

    def reset(self, atr: bytes) -> bytes:
        self._lost = 0
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=CHANGE) and answer[:1] == b"\x63":
            self._lost += 1
            return word(0x63C0 | min(15, (answer[1] & 15) + self._lost))
        return answer


BROKEN: dict[str, tuple[str, set[str], Callable[[], Alteration]]] = {
    "a right outlives its application": ("SEQ/files", {"SSC-ACC-"}, Remembers),
    "an update is not done": ("SEQ/files", {"SSC-ACC-"}, ForgetsUpdates),
    "an old challenge is taken": ("SEQ/keys", {"SSC-AUT-008", "SSC-AUT-011", "SSC-KEY-007"}, StaleChallenge),
    "a failed SELECT moves": ("SEQ/product", {"SSC-"}, SelectLosesPlace),
    "CHANGE PIN is free": ("SEQ/PIN", {"SSC-PIN-011"}, ChangeRestores),
    "wrong PINs are right": ("SEQ/PIN", {"SSC-PIN-011"}, partial(changed, 0x63C5, 0x9000, CHANGE)),
    "unknown keys are accepted": ("SEQ/keys", {"SSC-KEY-008"}, partial(changed, 0x6A88, 0x9000, EXTERNAL)),
    "no challenge is needed": ("SEQ/keys", {"SSC-AUT-010"}, partial(changed, 0x6984, 0x9000, EXTERNAL)),
    "what is missing is found": ("SEQ/files", {"SSC-SEL-", "SSC-FW-010"}, partial(changed, 0x6A82, 0x9000, SELECT)),
}


def counterexample(result: Run) -> list[dict[str, str]]:
    """The exchanges of the only failed case."""
    (found,) = [e for e in result.log if isinstance(e, events.CaseFinished) and e.verdict == Verdict.FAIL.value]
    return found.counterexample


@pytest.mark.slow
@pytest.mark.usefixtures("examples_of_the_seed_alone")
@pytest.mark.parametrize("fault", BROKEN)
def test_fault_is_found_and_shown_by_few_commands(fault: str) -> None:
    """Sequences alone, without a directed case, may need another seed."""
    only, requirements, alteration = BROKEN[fault]
    results = (run(SUITE, "ssc3-sm4", alteration(), only=only, seed=seed) for seed in range(3))
    assert any(
        len(result.failed) == 1
        and str(*result.failed).startswith(tuple(requirements))
        and len(counterexample(result)) <= 12
        for result in results
    )


class TwoFaults(Alteration):
    """VERIFY with nine bytes and an unknown class are both answered with success."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        either = is_command(command, cla=0xF0) or (is_command(command, ins=VERIFY) and len(command) == 14)
        return OK if either and answer != word(0x6D00) else answer


@pytest.mark.parametrize("seed", range(4))
def test_shrinking_stays_with_the_fault_that_was_found(seed: int) -> None:
    """The last exchange that is shown is the one that the verdict speaks of."""
    result = run(SUITE, "ssc3-sm4", TwoFaults(), only="SEQ/PIN", seed=seed)
    last = counterexample(result)[-1]
    wanted = {"SSC-CMD-001": "F0", "SSC-PIN-009": "0020"}
    (requirement,) = result.failed
    assert last["command"].startswith(wanted[str(requirement)])
