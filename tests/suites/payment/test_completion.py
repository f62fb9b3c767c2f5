"""The suites of completion: each way to be wrong fails the requirement that it breaks."""

from __future__ import annotations

import pytest

from conformance.faults import FAULTS
from conformance.faults.catalogue import Deviation
from conformance.faults.payment.means import never, on, shifted, without_action
from conformance.suites.payment import completion, completion_resets, unable_to_go_online
from emulator.apps.payment import completion as card_completion
from emulator.apps.payment import risk
from emulator.apps.payment.application import Tag
from emulator.apps.payment.transaction import Cvr

from .altered import deviating, run_declared, with_other
from .cards import failed_by
from .test_cryptograms import DUAL

SUITES = (completion.SUITE, completion_resets.SUITE, unable_to_go_online.SUITE)
WITHOUT_AUTHENTICATION = {"path": {kind: {"aip": "7900"} for kind in ("ordinary", "e-cash", "qPBOC")}}


def ga2(*numbers: int) -> set[str]:
    """Requirements of the area."""
    return {f"PAY-GA2-{number:03d}" for number in numbers}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "requirements"),
    [
        ("ga2.refusal-approved", ga2(1, 28)),
        ("ga2.issuer-ignored", ga2(2)),
        ("ga2.referral-declined", ga2(3)),
        ("ga2.failure-approved", ga2(6)),
        ("ga2.omission-approved", ga2(7)),
        ("ga2.omission-not-shown", ga2(7)),
        ("ga2.omission-forgotten", ga2(8, 12)),
        ("ga2.indicator-not-reset", ga2(10, 13)),
        ("ga2.script-count-not-reset", ga2(10, 12, 13, 14)),
        ("ga2.static-flag-not-reset", ga2(10, 13)),
        ("ga2.total-not-reset", ga2(10, 19, 24)),
        ("ga2.foreign-counter-not-reset", ga2(10)),
        ("ga2.last-online-kept", ga2(10, 11, 18, 23)),
        ("ga2.failure-resets", ga2(12)),
        ("ga2.decline-resets-totals", ga2(13)),
        ("ga2.decline-keeps-flags", ga2(13)),
        ("ga2.bad-decline-clears", ga2(14)),
        ("ga2.reset-early", ga2(10)),
        ("ga2.first-kind-lost", ga2(1, 15)),
        ("ga2.first-values-kept", ga2(16)),
        ("ga2.changed-amount-refused", ga2(16, 27)),
        ("ga2.signature-without-first-values", ga2(28)),
        ("ga2.upper-limit-too-low", ga2(18, 23)),
        ("ga2.upper-limit-too-high", ga2(18, 23)),
        ("ga2.upper-total-too-low", ga2(19, 23)),
        ("ga2.upper-total-too-high", ga2(19, 23)),
        ("ga2.unable-not-shown", ga2(17)),
        ("ga2.checks-left-out", ga2(23)),
        ("ga2.unable-approval-not-counted", ga2(10, 12, 13, 14, 24)),
        ("ga2.unable-counted-in-two-writes", ga2(24)),
        ("ga2.unable-decline-sets-no-flag", ga2(25)),
        ("ga2.unable-completes", ga2(26)),
    ],
)
def test_a_fault_fails_what_it_breaks(fault: str, requirements: set[str]) -> None:
    assert failed_by(SUITES, FAULTS[fault]) == requirements


def failed(deviation: Deviation, **declared) -> set[str | None]:
    """The requirements that the suites find broken on a card that is declared so and deviates."""
    return {
        requirement for suite in SUITES for requirement in run_declared(suite, deviation=deviation, **declared).failed
    }


DECLINES = risk.DefaultAction


@pytest.mark.parametrize(
    ("declared", "deviation", "requirements"),
    [
        # a card without issuer authentication that acts as if it had one
        (
            {"payment": WITHOUT_AUTHENTICATION},
            with_other(card_completion, "Aip", type("Aip", (), {"ISSUER_AUTHENTICATION": 0x40})),
            ga2(3, 4, 27, 28),
        ),
        # an optional one that is treated as mandatory, and one that does not show
        (
            {"data": {"9F56": "01", "9F52": "0000"}},
            with_other(card_completion, "MANDATORY", 0x01),
            ga2(5, 10, 11),
        ),
        ({"data": {"9F56": "00"}}, with_other(Cvr, "AUTHENTICATION_NOT_PERFORMED", 0), ga2(5)),
        # advice
        ({"data": {"9F52": "6400"}}, with_other(DECLINES, "DECLINED_BY_AUTHENTICATION_ADVICE", 0), ga2(9)),
        ({"data": {"9F52": "6400"}}, with_other(card_completion, "REASON_AUTHENTICATION", 0), ga2(9)),
        # the upper limit in two currencies
        (
            {"data": DUAL},
            deviating("cumulative amount, dual currency, upper limit", shifted(Tag.AMOUNT_UPPER_LIMIT, 1), first=False),
            ga2(20),
        ),
        (
            {"data": DUAL},
            deviating(
                "cumulative amount, dual currency, upper limit", shifted(Tag.AMOUNT_UPPER_LIMIT, -1), first=False
            ),
            ga2(19, 20, 23),
        ),
        # a new card and an exhausted PIN
        ({"data": {"9F52": "0100"}}, deviating("new card", without_action, first=False), ga2(21)),
        ({"data": {"9F52": "0100"}}, deviating("new card", on(never), first=False), ga2(21)),
        ({"data": {"9F52": "0010"}}, deviating("PIN exceeded earlier", on(never), first=False), ga2(22)),
    ],
)
def test_what_a_vendor_may_declare(declared, deviation: Deviation, requirements: set[str]) -> None:
    assert failed(deviation, **declared) == requirements
