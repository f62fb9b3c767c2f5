"""The suite of EXTERNAL AUTHENTICATE: each way to be wrong fails the requirement that it breaks."""

from __future__ import annotations

import pytest

from conformance.faults import FAULTS
from conformance.suites.payment.issuer_authentication import SUITE
from tests.suites.broken import changed, failed

from .cards import failed_by


@pytest.mark.parametrize(
    ("fault", "requirements"),
    [
        ("exa.any-proof", {"PAY-EXA-002", "PAY-EXA-003", "PAY-EXA-006", "PAY-EXA-007", "PAY-EXA-008", "PAY-EXA-011"}),
        ("exa.first-half-compared", {"PAY-EXA-002"}),
        ("exa.code-not-covered", {"PAY-EXA-003"}),
        ("exa.second-accepted", {"PAY-EXA-004"}),
        ("exa.second-unnoticed", {"PAY-EXA-005"}),
        ("exa.failure-not-shown", {"PAY-EXA-006"}),
        ("exa.failure-volatile", {"PAY-EXA-007"}),
        ("exa.failure-cleared-first", {"PAY-EXA-007"}),
        ("exa.failure-stays", {"PAY-EXA-008"}),
        ("exa.without-request", {"PAY-EXA-009"}),
        ("exa.any-length", {"PAY-EXA-010"}),
        ("exa.replay-accepted", {"PAY-EXA-011"}),
    ],
)
def test_a_fault_fails_what_it_breaks(fault: str, requirements: set[str]) -> None:
    assert failed_by([SUITE], FAULTS[fault]) == requirements


def test_a_right_cryptogram_that_is_refused() -> None:
    assert failed(SUITE, "debit-sm", changed(0x9000, 0x6300, ins=0x82), only="PAY-EXA/right") == {"PAY-EXA-001"}
