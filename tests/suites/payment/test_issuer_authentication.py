"""The suite of EXTERNAL AUTHENTICATE: good cards pass, and each way to be wrong fails the requirement that it breaks."""

from __future__ import annotations

import pytest

from conformance.suites.payment.issuer_authentication import SUITE
from conformance.verdict import Verdict
from tests.suites.broken import HOSTILE, assert_good, assert_judged, changed, failed, run

from .altered import PRODUCTS, run_faulty

UNTOUCHED = {"no reset answer", "another reset answer", "some noise"}
"""Hostile cards on which payment cases may pass: no reset answer enters the keys, and noise may spare a case."""


@pytest.mark.parametrize("seed", [0, 1, 20260101])
@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str, seed: int) -> None:
    assert_good(run(SUITE, name, seed=seed))


def test_a_card_that_must_survive_passes() -> None:
    result = run(SUITE, "debit", kept=True, destructive=False)
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_card_fails_cleanly(hostile: str) -> None:
    result = run(SUITE, "debit", HOSTILE[hostile]())
    assert_judged(result)
    assert Verdict.PASS not in result.verdicts.values() or hostile in UNTOUCHED


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
    assert run_faulty(SUITE, fault).failed == requirements


def test_a_right_cryptogram_that_is_refused() -> None:
    assert failed(SUITE, "debit-sm", changed(0x9000, 0x6300, ins=0x82), only="PAY-EXA/right") == {"PAY-EXA-001"}
