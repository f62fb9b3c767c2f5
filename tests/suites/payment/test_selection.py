"""The suites of application selection: what other vendors declare, and each way to be wrong by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.suites.payment import selection, selection_data
from conformance.verdict import Verdict
from profiles.model import Profile
from tests.payment.terminal import profile, several
from tests.suites.broken import (
    OK,
    Alteration,
    Transmit,
    answers,
    assert_good,
    is_command,
    run,
    word,
)
from tests.suites.deviating import run_vendor

from .cards import declaring, objects_changed, without

SUITES = {suite.name: suite for suite in (selection.SUITE, selection_data.SUITE)}
SELECT, READ_RECORD, APPLICATION_BLOCK = 0xA4, 0xB2, 0x1E
PSE = b"1PAY.SYS.DDF01"


# What other vendors declare


def without_environment() -> Profile:
    """A card whose application lies in the MF."""
    whole = profile()
    others = {name: each for name, each in whole.directory.items() if name != "PSE"}
    others["DEBIT"] = others["DEBIT"].model_copy(update={"parent": "MF"})
    return whole.model_copy(update={"directory": others})


VENDORS: dict[str, Callable[[], Profile]] = {
    "partial selection": lambda: declaring(profile(), "partial selection"),
    "several applications": lambda: declaring(several(), "partial selection"),
    "without PSE": without_environment,
    "preferred name": lambda: profile(data={"9F12": "JIEJI", "9F11": "01"}),
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("name", SUITES)
def test_good_card_of_another_vendor_passes(name: str, vendor: str) -> None:
    assert_good(run_vendor(SUITES[name], VENDORS[vendor]()))


class BlockedEnvironment(Alteration):
    """Lets its PSE be blocked, and then selects it as ``answer`` says."""

    def __init__(self, answer: int) -> None:
        self.answer = word(answer)
        self.blocked = self.inside = False

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=SELECT):
            self.inside = is_command(command, ins=SELECT, data=PSE)
        if is_command(command, ins=APPLICATION_BLOCK) and self.inside:
            self.blocked = True
            return OK
        answer = card(command)
        return self.answer if self.inside and self.blocked else answer


def test_blocked_environment_is_judged() -> None:
    result = run(selection_data.SUITE, "debit", BlockedEnvironment(0x6283), only="PAY-SEL/environment-blocked")
    assert set(result.verdicts.values()) == {Verdict.PASS}
    result = run(selection_data.SUITE, "debit", BlockedEnvironment(0x9000), only="PAY-SEL/environment-blocked")
    assert result.failed == {"PAY-SEL-013"}


def test_card_whose_environment_cannot_be_blocked_is_not_judged() -> None:
    result = run(selection_data.SUITE, "debit", only="PAY-SEL/environment-blocked")
    assert set(result.verdicts.values()) == {Verdict.NOT_APPLICABLE}


def select_answers(alter: Callable[[bytes, bytes], bytes]) -> Alteration:
    return answers(lambda command, answer: alter(command, answer) if is_command(command, ins=SELECT) else answer)


class AlwaysTheFirst(Alteration):
    """The next occurrence is the first one again."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        first = is_command(command, ins=SELECT, p2=2)
        return card(command[:3] + b"\0" + command[4:] if first else command)


class SkipsOne(Alteration):
    """The next occurrence leaves one out."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        if is_command(command, ins=SELECT, p2=2):
            card(command)
        return card(command)


BROKEN: dict[str, tuple[str, Callable[[], Alteration]]] = {
    "PAY-SEL-003": (
        "partial selection",
        lambda: select_answers(lambda command, answer: word(0x6A82) if command[4] < 8 else answer),
    ),
    "PAY-SEL-004 repeats": ("several applications", AlwaysTheFirst),
    "PAY-SEL-004 skips": ("several applications", SkipsOne),
    "PAY-SEL-004 end": (
        "several applications",
        lambda: select_answers(
            lambda command, answer: word(0x6A83) if command[3] == 2 and answer == word(0x6A82) else answer
        ),
    ),
    "PAY-SEL-006": (
        "without PSE",
        lambda: select_answers(lambda command, answer: word(0x6A81) if command[5:].startswith(PSE) else answer),
    ),
    "PAY-SEL-011": ("several applications", lambda: without(0x87, ins=SELECT)),
    "PAY-SEL-011 directory": ("several applications", lambda: without(0x87, ins=READ_RECORD)),
    "PAY-SEL-019": ("preferred name", lambda: without(0x9F11, ins=SELECT)),
    "PAY-SEL-019 table": (
        "preferred name",
        lambda: objects_changed(lambda tag, value: b"\x0a" if tag == 0x9F11 else value, SELECT),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_card_is_found(case: str) -> None:
    vendor, alteration = BROKEN[case]
    failed = set().union(*(run_vendor(suite, VENDORS[vendor](), (), alteration()).failed for suite in SUITES.values()))
    assert failed == {case.split()[0]}


@pytest.mark.parametrize("name", ["debit-sm", "debit-dual", "ssc3-sm4"])
def test_sm_card_that_does_not_ask_for_the_algorithms_is_found(name: str) -> None:
    shorter = objects_changed(lambda tag, value: value[:-3] if tag == 0x9F38 else value, SELECT)
    assert run(selection_data.SUITE, name, shorter, only="PAY-SEL/sm-list").failed == {"PAY-SEL-022"}
