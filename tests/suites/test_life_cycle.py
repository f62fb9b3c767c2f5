"""The suites of life cycle and blocking: a good card passes, and each way to be wrong is found by its requirement."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from conformance.cases import Loss
from conformance.declared import traits_of
from conformance.engine import Plan, cases_of
from conformance.suites import all_suites, blocking, life_cycle, termination
from conformance.verdict import Verdict
from profiles.model import Profile

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
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

SUITES = {suite.name: suite for suite in (life_cycle.SUITE, blocking.SUITE, termination.SUITE)}
SELECT, READ_RECORD, BLOCK, UNBLOCK, CARD_BLOCK, CREATE = 0xA4, 0xB2, 0x1E, 0x18, 0x16, 0xE0


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES)
def test_good_card_passes(suite: str, name: str) -> None:
    assert_good(run(SUITES[suite], name))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("suite", SUITES)
def test_hostile_card_fails_cleanly(suite: str, hostile: str) -> None:
    assert_judged(run(SUITES[suite], "ssc3-sm4", HOSTILE[hostile]()))


@pytest.mark.parametrize("suite", SUITES)
def test_card_that_must_survive_is_left_as_it_was(suite: str) -> None:
    assert_left_as_it_was(SUITES[suite], "ssc3-sm4")


def declared(**settings: object) -> Profile:
    usual = product("ssc3-sm4")
    return usual.model_copy(update={"settings": usual.settings.model_copy(update=settings)})


UNBLOCKING = declared(application_unblock=True)


def test_unblocking_is_judged_where_the_card_offers_it() -> None:
    verdicts = run_vendor(blocking.SUITE, UNBLOCKING).verdicts
    assert set(verdicts.values()) == {Verdict.PASS}
    assert {case for case in verdicts if "/unblock/" in case or "failed-unblocks" in case} == {
        f"LIFE/{subject}" for d in ("DF03", "DF04") for subject in (f"unblock/{d}/BV", f"failed-unblocks/{d}/BI")
    }


@pytest.mark.parametrize(("setting", "value"), [("blocked_select_answer", "6283"), ("blocked_command_answer", "6A81")])
def test_what_the_profile_declares_is_expected(setting: str, value: str) -> None:
    profile = declared(**{setting: value})
    assert run_vendor(blocking.SUITE, profile).failed == set()
    assert run(blocking.SUITE, "ssc3-sm4", profile=profile).failed != set()


@pytest.mark.parametrize("name", PRODUCTS)
def test_nothing_comes_after_the_end_of_the_card(name: str) -> None:
    assert all_suites()[-1] is termination.SUITE
    profile = product(name)
    cases = cases_of(Plan(profile), all_suites(), traits_of(profile))
    first = next(number for number, (suite, _) in enumerate(cases) if suite is termination.SUITE)
    behind = [case.loss for suite, case in cases[first:] if suite is not termination.SUITE]
    assert set(behind) == {Loss.CARD, Loss.COUNTER}  # the bank's application goes on until it is ended, too


def test_a_test_card_shows_every_block_one_after_the_other() -> None:
    """A card that cannot be renewed and may be given up is blocked for a time, for good, and altogether."""
    for suite in (blocking.SUITE, termination.SUITE):
        verdicts = run(suite, "ssc3-sm4", kept=True).verdicts
        assert {case: verdict for case, verdict in verdicts.items() if verdict is not Verdict.PASS} == {}


def test_blank_card_is_judged() -> None:
    verdicts = run(life_cycle.SUITE, "blank").verdicts
    assert verdicts["LIFE/transport-code/BO"] is Verdict.PASS
    assert set(verdicts.values()) <= {Verdict.PASS, Verdict.NOT_APPLICABLE}


def pre_made() -> Profile:
    """A card that waits for its holder."""
    usual = product("ssc3-sm4")
    content = {directory: dict(files) for directory, files in usual.content.items()}
    for file in ("EF05", "EF06"):
        content["SSSE"][file] = {
            tag: value for tag, value in content["SSSE"][file].items() if tag in ("01", "02", "03", "04", "05", "06")
        }
    return usual.model_copy(update={"life_cycle": "pre-made", "content": content})


def test_pre_made_card_is_judged() -> None:
    assert run_vendor(life_cycle.SUITE, pre_made(), "LIFE/pre-made").verdicts == {"LIFE/pre-made/BV": Verdict.PASS}
    personalised = product("ssc3-sm4").model_copy(update={"life_cycle": "pre-made"})
    assert run_vendor(life_cycle.SUITE, personalised, "LIFE/pre-made").failed == {"SSC-LIFE-013"}


def without_answer(ins: int) -> Callable[[], Alteration]:
    """A card that answers a command with success and does nothing."""

    class Idle(Alteration):
        def transmit(self, command: bytes, card: Transmit) -> bytes:
            return OK if is_command(command, ins=ins) else card(command)

    return Idle


class Blocks(Alteration):
    """A command blocks although it is refused."""

    def __init__(self, refusal: int) -> None:
        self._refusal = word(refusal)
        self._blocked = False

    def reset(self, atr: bytes) -> bytes:
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=BLOCK) and answer == self._refusal:
            self._blocked = True
        return word(0x6A81) if self._blocked and is_command(command, ins=SELECT) else answer


class SecondUpdateRefused(Alteration):
    """A record that was written is closed."""

    _written = 0

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=0xDC):
            self._written += 1
            if self._written % 2 == 0:
                return word(0x6982)
        return card(command)


class Locked(Alteration):
    """The card is blocked, and one command goes on all the same."""

    def __init__(self, ins: int) -> None:
        self._ins = ins

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        return OK if is_command(command, ins=self._ins) and answer == word(0x6A81) else answer


BROKEN: dict[str, tuple[str, str, Callable[[], Alteration]]] = {
    "SSC-LIFE-001": ("blocking", "LIFE/block/DF03", partial(changed, 0x9000, 0x6988, BLOCK)),
    "SSC-LIFE-001 idle": ("blocking", "LIFE/block/DF03", without_answer(BLOCK)),
    "SSC-LIFE-002": ("blocking", "LIFE/block-without-LK/DF03", partial(changed, 0x6982, 0x6988, BLOCK)),
    "SSC-LIFE-002 right MAC": ("blocking", "LIFE/block-without-LK-right-MAC/DF04", partial(Blocks, 0x6982)),
    "SSC-LIFE-003": ("blocking", "LIFE/block-MAC/DF03", partial(changed, 0x6988, 0x9000, BLOCK)),
    "SSC-LIFE-003 blocks": ("blocking", "LIFE/block-MAC/DF04", partial(Blocks, 0x6988)),
    "SSC-LIFE-004": ("blocking", "LIFE/block/DF04", partial(changed, 0x6A81, 0x9000, SELECT)),
    "SSC-LIFE-006": ("blocking", "LIFE/block-for-good/DF03", partial(changed, 0x9303, 0x9000, SELECT)),
    "SSC-LIFE-006 idle": ("blocking", "LIFE/block-for-good/DF04", without_answer(BLOCK)),
    "SSC-LIFE-006 unblocked": ("blocking", "LIFE/block-for-good/DF04", without_answer(UNBLOCK)),
    "SSC-LIFE-008": ("termination", "LIFE/card-block/", partial(Locked, READ_RECORD)),
    "SSC-LIFE-008 idle": ("termination", "LIFE/card-block/", without_answer(CARD_BLOCK)),
    "SSC-LIFE-009": ("termination", "LIFE/card-block-without-BK/", partial(changed, 0x6982, 0x6988, CARD_BLOCK)),
    "SSC-LIFE-009 right MAC": (
        "termination",
        "LIFE/card-block-without-BK-right-MAC/",
        partial(changed, 0x6982, 0x9000, CARD_BLOCK),
    ),
    "SSC-LIFE-011": ("life cycle", "LIFE/closed", partial(changed, 0x6985, 0x9000, CREATE)),
    "SSC-LIFE-011 key": ("life cycle", "LIFE/closed", partial(changed, 0x6985, 0x9000, 0xD4)),
    "SSC-LIFE-011 erased": ("life cycle", "LIFE/closed", partial(changed, 0x6985, 0x9000, 0xE1)),
    "SSC-LIFE-014": ("life cycle", "LIFE/rewrite", SecondUpdateRefused),
    "SSC-LIFE-014 idle": ("life cycle", "LIFE/rewrite", without_answer(0xDC)),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_card_is_found(fault: str) -> None:
    suite, only, alteration = BROKEN[fault]
    assert run(SUITES[suite], "ssc3-sm4", alteration(), only=only).failed == {fault.split()[0]}


def test_blank_card_without_transport_code_is_found() -> None:
    opened = changed(0x6982, 0x9000, CREATE)
    assert run(life_cycle.SUITE, "blank", opened, only="LIFE/transport").failed == {"SSC-LIFE-012"}


@pytest.mark.parametrize(
    ("requirement", "only", "alteration"),
    [
        ("SSC-LIFE-005", "LIFE/unblock/DF03", without_answer(UNBLOCK)),
        ("SSC-LIFE-005", "LIFE/unblock/DF03", partial(changed, 0x9000, 0x6988, UNBLOCK)),
        ("SSC-LIFE-007", "LIFE/failed-unblocks/DF03", partial(changed, 0x9303, 0x9000, UNBLOCK)),
        ("SSC-LIFE-006", "LIFE/block-for-good/DF03", partial(changed, 0x9303, 0x9000, UNBLOCK)),
    ],
)
def test_broken_unblocking_is_found(requirement: str, only: str, alteration: Callable[[], Alteration]) -> None:
    assert run_vendor(blocking.SUITE, UNBLOCKING, only, alteration()).failed == {requirement}


BANK = bytes.fromhex("A000000333010101")


class WithBank(Alteration):
    """A card with a bank application, which goes or stays when the card is blocked."""

    def __init__(self, *, survives: bool) -> None:
        self._survives = survives
        self._blocked = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=CARD_BLOCK) and answer == OK:
            self._blocked = True
        if is_command(command, ins=SELECT, data=BANK):
            return OK if self._survives or not self._blocked else word(0x6A81)
        return answer


@pytest.mark.parametrize("survives", [True, False])
def test_bank_application_is_judged(survives: bool) -> None:
    profile = product("ssc3-sm4").model_copy(update={"features": ("financial",)})
    result = run_vendor(termination.SUITE, profile, "LIFE/card-block-bank", WithBank(survives=survives))
    assert result.failed == (set() if survives else {"SSC-LIFE-010"})
