"""The contactless suite: what other vendors declare, and each way to be wrong by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.suites.payment import offline_pin_form
from conformance.suites.payment.contactless import SUITE
from conformance.verdict import Verdict
from profiles.model import Profile
from tests.payment.terminal import profile, several
from tests.suites.broken import OK, Alteration, answers, assert_good, is_command, run, word
from tests.suites.deviating import run_vendor

from .cards import objects_changed, without

SELECT, GET_DATA = 0xA4, 0xCA
PPSE = b"2PAY.SYS.DDF01"

VENDORS: dict[str, Callable[[], Profile]] = {
    "usual": profile,
    "several applications": lambda: several(""),
    "no amount": lambda: profile(data={"9F5D": None}),
    "amount not shown": lambda: profile(data={"9F5D": "00"}),
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_good_card_of_another_vendor_passes(vendor: str) -> None:
    result = run_vendor(SUITE, VENDORS[vendor]())
    assert_good(result)
    assert ("PAY-SEL-017" in result.judged) is (vendor == "several applications")


def environment(alter: Callable[[bytes], bytes]) -> Alteration:
    """Another answer of SELECT PPSE."""
    return answers(lambda command, answer: alter(answer) if is_command(command, ins=SELECT, data=PPSE) else answer)


BROKEN: dict[str, tuple[str, Callable[[], Alteration]]] = {
    "PAY-SEL-015 refused": ("usual", lambda: environment(lambda answer: word(0x6A82))),
    "PAY-SEL-015 nameless": ("usual", lambda: without(0x4F, ins=SELECT)),
    "PAY-SEL-016 long": (
        "usual",
        lambda: objects_changed(lambda tag, value: value + b"\x01" if tag == 0x4F else value, SELECT),
    ),
    "PAY-SEL-016 unknown": (
        "usual",
        lambda: objects_changed(lambda tag, value: value[:-1] + b"\x77" if tag == 0x4F else value, SELECT),
    ),
    "PAY-SEL-017": ("several applications", lambda: environment(lambda answer: without_priorities(answer))),
    "PAY-SEL-017 confirmation": (
        "several applications",
        lambda: objects_changed(lambda tag, value: b"\x81" if tag == 0x87 else value, SELECT),
    ),
    "PAY-SEL-018": (
        "usual",
        lambda: objects_changed(lambda tag, value: value.replace(b"\x9f\x66\x04", b"\x9f\x66\x02"), SELECT),
    ),
    "PAY-GDT-008 shown": (
        "amount not shown",
        lambda: answers(
            lambda command, answer: (
                b"\x9f\x5d\x06" + bytes(6) + OK if is_command(command, ins=GET_DATA, p1=0x9F, p2=0x5D) else answer
            )
        ),
    ),
    "PAY-GDT-008 length": (
        "usual",
        lambda: objects_changed(lambda tag, value: value[1:] if tag == 0x9F5D else value, GET_DATA),
    ),
}


def without_priorities(answer: bytes) -> bytes:
    return without(0x87, ins=SELECT).transmit(bytes.fromhex("00A4040000"), lambda command: answer)


@pytest.mark.parametrize("case", BROKEN)
def test_broken_card_is_found(case: str) -> None:
    vendor, alteration = BROKEN[case]
    failed = run_vendor(SUITE, VENDORS[vendor](), (), alteration()).failed
    assert case.split()[0] in failed
    assert failed <= {case.split()[0], "PAY-SEL-016"}


def test_shared_counter_is_given_back_to_a_card_that_stays() -> None:
    result = run(offline_pin_form.SUITE, "debit", only="PAY-PIN/one-counter", kept=True, destructive=False)
    assert set(result.verdicts.values()) == {Verdict.PASS}
    left = run(offline_pin_form.SUITE, "debit", only="PAY-PIN/personalised", kept=True, destructive=False)
    assert_good(left)
