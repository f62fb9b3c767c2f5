"""The suites of the offline PIN: what other vendors declare, and each way to be wrong by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.suites.payment import offline_pin, offline_pin_form
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles.model import Profile
from tests.payment.terminal import profile
from tests.suites.broken import (
    OK,
    Alteration,
    Tear,
    Transmit,
    answers,
    is_command,
    run,
    word,
)
from tests.suites.deviating import run_vendor

from .cards import with_pin

SUITES = {suite.name: suite for suite in (offline_pin.SUITE, offline_pin_form.SUITE)}
SELECT, VERIFY, GENERATE_AC, GET_DATA = 0xA4, 0x20, 0xAE, 0xCA
BLOCKING = "E2A8"
"""The default action of the product, and blocking of the application when the PIN is exhausted (ADA 2.b8)."""


# What other vendors declare


VENDORS: dict[str, Callable[[], Profile]] = {
    "PIN blocks": lambda: profile(data={"9F52": BLOCKING}),
    "PIN declines and blocks": lambda: profile(data={"9F52": "0044"}),
    "tries withheld": lambda: profile(payment={"settings": {"pin_tries_readable": False}}),
    "malformed counts": lambda: profile(payment={"settings": {"malformed_pin_counts": True}}),
    "fifteen tries": lambda: with_pin(limit=15),
    "two tries": lambda: with_pin(limit=2),
    "one try": lambda: with_pin(limit=1),
    "four digits": lambda: with_pin("1234"),
    "five digits": lambda: with_pin("98765"),
    "twelve digits": lambda: with_pin("123456789012"),
}
CONTRADICTORY = {"tries withheld": {"PAY-PIN-014"}}
"""A verification list that asks for a PIN whose counter is private breaks JR/T 0025.10 §6.5."""


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("name", SUITES)
def test_good_card_of_another_vendor_passes(name: str, vendor: str) -> None:
    result = run_vendor(SUITES[name], VENDORS[vendor]())
    assert result.failed <= CONTRADICTORY.get(vendor, set())
    assert result.described(Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN) == []
    assert Verdict.PASS in result.verdicts.values()


def test_what_the_profile_declares_is_expected() -> None:
    """The usual card under another declaration fails."""
    assert run(offline_pin.SUITE, "debit", profile=with_pin(limit=5)).failed >= {"PAY-PIN-001", "PAY-PIN-002"}


# Cards that are broken besides


def blocked_bit_missing(command: bytes, answer: bytes) -> bytes:
    """Byte 3 of the card verification results is zero."""
    if not is_command(command, ins=GENERATE_AC) or answer[-2:] != OK:
        return answer
    at = 2 + 11 + 5
    return answer[:at] + b"\0" + answer[at + 1 :]


class Stays(Alteration):
    """An exhausted PIN blocks nothing."""

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        return OK if is_command(command, ins=SELECT) and answer[-2:] == word(0x6283) else answer


def ended(command: bytes, answer: bytes) -> bytes:
    return word(0x6985) if is_command(command, ins=GENERATE_AC) else answer


BLOCKS: dict[str, Callable[[], Alteration]] = {
    "bit": lambda: answers(blocked_bit_missing),
    "selected": Stays,
    "ends": lambda: answers(ended),
}


@pytest.mark.parametrize("broken", BLOCKS)
def test_exhausted_pin_that_does_not_block_is_found(broken: str) -> None:
    result = run_vendor(offline_pin.SUITE, VENDORS["PIN blocks"](), "PAY-PIN/blocks", BLOCKS[broken]())
    assert result.failed == {"PAY-PIN-010"}


class GainsByTearing(Alteration):
    """A cut gives a try back."""

    def __init__(self) -> None:
        self.torn = False

    def reset(self, atr: bytes) -> bytes:
        return atr

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        answer = card(command, write)
        self.torn = answer is None
        return answer

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=GET_DATA, p1=0x9F, p2=0x17) and self.torn:
            self.torn = False
            return answer[:3] + bytes((answer[3] + 2,)) + OK
        return answer


def test_try_gained_by_tearing_is_found() -> None:
    assert run(offline_pin_form.SUITE, "debit", GainsByTearing(), only="PAY-PIN/torn").failed == {"PAY-PIN-011"}


@pytest.mark.parametrize(
    "accepted",
    [
        "16123456FFFFFFFF",
        "2D123456FFFFFFFF",
        "26123456FFFFFF00",
        "27123456FFFFFFFF",
        "26A23456FFFFFFFF",
        "26123456FFFFFF",
    ],
)
def test_malformed_block_that_is_accepted_is_found(accepted: str) -> None:
    taken = bytes.fromhex(accepted)
    alteration = answers(
        lambda command, answer: OK if is_command(command, ins=VERIFY) and command[5:] == taken else answer
    )
    assert run(offline_pin_form.SUITE, "debit", alteration, only="PAY-PIN/malformed").failed == {"PAY-PIN-012"}


def test_malformed_block_that_costs_a_try_against_the_declaration_is_found() -> None:
    counting = InProcessTarget(load_card(profile(payment={"settings": {"malformed_pin_counts": True}})))
    result = run(offline_pin_form.SUITE, "debit", only="PAY-PIN/malformed", card=counting)
    assert result.failed == {"PAY-PIN-012"}
