"""The suites of GET DATA: what other vendors declare, and each way to be wrong by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance import events
from conformance.faults.payment.data_objects import FAULTS
from conformance.suites.payment import data_objects, secret_data
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles.model import Profile
from tests.payment.terminal import Terminal, profile
from tests.suites.broken import (
    OK,
    Alteration,
    answers,
    assert_good,
    is_command,
    run,
)
from tests.suites.deviating import run_vendor

from .cards import objects_changed, with_pin

SUITES = {suite.name: suite for suite in (data_objects.SUITE, secret_data.SUITE)}
GET_DATA, GENERATE_AC = 0xCA, 0xAE


# What other vendors declare


def settings(**values: object) -> Callable[[], Profile]:
    return lambda: profile(payment={"settings": values})


VENDORS: dict[str, Callable[[], Profile]] = {
    "special device": settings(special_device=True),
    "withheld": settings(last_online_atc_readable=False, pin_tries_readable=False),
    "no default action": lambda: profile(data={"9F52": None}),
    "PIN blocks": lambda: profile(data={"9F52": "E2A8"}),
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("name", SUITES)
def test_good_card_of_another_vendor_passes(name: str, vendor: str) -> None:
    assert_good(run_vendor(SUITES[name], VENDORS[vendor]()))


def test_what_the_profile_declares_is_expected() -> None:
    """The usual card under another declaration fails."""
    suite = data_objects.SUITE
    assert run(suite, "debit", profile=VENDORS["special device"]()).failed == {"PAY-GDT-004"}
    assert run(suite, "debit", profile=VENDORS["withheld"]()).failed == {"PAY-GDT-003"}


def test_exhausted_counter_that_is_withheld_is_not_judged() -> None:
    result = run_vendor(data_objects.SUITE, VENDORS["withheld"](), "PAY-GDT/exhausted-pin")
    assert set(result.verdicts.values()) == {Verdict.NOT_APPLICABLE}


def without_results(command: bytes, answer: bytes) -> bytes:
    """Byte 3 of the card verification results is zero."""
    if not is_command(command, ins=GENERATE_AC) or answer[-2:] != OK:
        return answer
    at = 2 + 11 + 5
    return answer[:at] + b"\0" + answer[at + 1 :]


BROKEN: dict[str, tuple[Callable[[], Alteration], str]] = {
    "PAY-GDT-001 length": (
        lambda: answers(
            lambda command, answer: (
                answer[:2] + b"\x02" + answer[3:] if is_command(command, ins=GET_DATA, p1=0x9F, p2=0x17) else answer
            )
        ),
        "PAY-GDT/form",
    ),
    "PAY-GDT-003 data": (
        lambda: answers(
            lambda command, answer: (
                b"\x9f\x7e\x00" + OK if is_command(command, ins=GET_DATA, p1=0x9F, p2=0x7E) else answer
            )
        ),
        "PAY-GDT/unavailable",
    ),
    "PAY-GDT-006 digits": (
        lambda: objects_changed(lambda tag, value: b"\xff" + value[1:] if tag == 0x9F79 else value, GET_DATA),
        "PAY-GDT/e-cash",
    ),
    "PAY-GDT-007 list": (
        lambda: objects_changed(lambda tag, value: value[:-1] if tag == 0xDF4F else value, GET_DATA),
        "PAY-GDT/load-log",
    ),
    "PAY-GDT-009": (lambda: answers(without_results), "PAY-GDT/exhausted-pin"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_card_is_found(case: str) -> None:
    alteration, only = BROKEN[case]
    assert run(data_objects.SUITE, "debit", alteration(), only=only).failed == {case.split()[0]}


@pytest.mark.parametrize("pin", ["0003", "0156", "000000020000"])
def test_pin_that_is_a_number_of_the_card_is_no_leak(pin: str) -> None:
    """As its counter after three transactions, its currency, its balance."""
    assert run_vendor(secret_data.SUITE, with_pin(pin)).failed == set()


def test_leaked_secret_is_named_and_not_repeated() -> None:
    """Neither the finding nor the log holds the key that the card gave away."""
    fault = next(each for each in FAULTS.faults if each.name == "gdt.key-readable")
    result = run(secret_data.SUITE, "debit", card=InProcessTarget(fault.apply(load_card("debit"))))
    assert result.failed == {"PAY-GDT-005"}
    key = Terminal(profile()).card_key("AC").hex().upper()
    written = "\n".join(events.to_line(event) for event in result.log)
    assert "DF30: 3DES key AC" in written
    assert key[:16] not in written.upper()
