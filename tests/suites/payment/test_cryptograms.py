"""The suites of GENERATE AC and EXTERNAL AUTHENTICATE: good cards pass, and each way to be wrong fails the requirement that it breaks."""

from __future__ import annotations

import pytest

from conformance.faults import FAULTS
from conformance.faults.catalogue import Deviation
from conformance.faults.payment.means import never, on, shifted
from conformance.suites.payment import (
    card_risk,
    card_risk_pin,
    completion,
    completion_resets,
    cryptogram_requests,
    cryptogram_tearing,
    first_cryptogram,
    issuer_authentication,
    unable_to_go_online,
    velocity,
    velocity_dual,
)
from conformance.verdict import Verdict
from emulator.apps.payment import risk
from emulator.apps.payment.application import Tag
from tests.suites.broken import HOSTILE, assert_good, assert_judged, good_card, run

from .altered import deviating, run_declared, with_other
from .cards import MOVING, PRODUCTS, changed_cells, failed_by

SUITES = {
    module.SUITE.name: module.SUITE
    for module in (
        first_cryptogram,
        cryptogram_requests,
        card_risk,
        card_risk_pin,
        velocity,
        velocity_dual,
        cryptogram_tearing,
        issuer_authentication,
        completion,
        completion_resets,
        unable_to_go_online,
    )
}
DUAL = {"9F75": "000000020000", "9F76": "0344", "9F73": "10000012"}
UNTOUCHED = {"no reset answer", "another reset answer", "some noise"}
"""Hostile cards on which payment cases may pass: no reset answer enters the keys, and noise may spare a case."""


def gac(*numbers: int) -> set[str]:
    """Requirements of the area."""
    return {f"PAY-GAC-{number:03d}" for number in numbers}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 20260101])
@pytest.mark.parametrize("name", PRODUCTS)
def test_good_cards_pass(name: str, seed: int) -> None:
    for suite in SUITES.values():
        if suite is not velocity_dual.SUITE:
            assert_good(run(suite, name, seed=seed))


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", SUITES)
def test_a_card_that_must_survive_keeps_its_limits(suite: str, name: str) -> None:
    changed = changed_cells(SUITES[suite], name)
    assert {cell for cell in changed if not cell.startswith(("counter:", "file:DEBIT/LOG"))} == set()


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_card_that_is_given_up_comes_back(name: str) -> None:
    """PIN tries, limits, and the application that was blocked; the cases follow each other on one card."""
    target = good_card(name)
    before = dict(target.card.memory.cells)
    for suite in SUITES.values():
        result = run(suite, name, kept=True, destructive=True, card=target)
        assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    after = target.card.memory.cells
    changed = {cell for cell in before if before[cell] != after[cell]} - set(MOVING)
    assert {cell for cell in changed if not cell.startswith(("counter:", "file:DEBIT/LOG"))} == set()


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("suite", SUITES)
def test_hostile_card_fails_cleanly(suite: str, hostile: str) -> None:
    result = run(SUITES[suite], "debit", HOSTILE[hostile]())
    if SUITES[suite] is velocity_dual.SUITE:
        return
    assert_judged(result)
    assert Verdict.PASS not in result.verdicts.values() or hostile in UNTOUCHED


# Named faults, on the card of triple DES


@pytest.mark.parametrize(
    ("suite", "fault", "requirements"),
    [
        (first_cryptogram, "gac.bare-answer", gac(1, 2, 3, 5, 39)),
        (first_cryptogram, "gac.foreign-key-index", gac(2)),
        (first_cryptogram, "gac.second-bits-clear", gac(3, 4)),
        (first_cryptogram, "gac.card-key", gac(4)),
        (first_cryptogram, "gac.other-amount-not-covered", gac(4, 5)),
        (first_cryptogram, "gac.last-byte-not-covered", gac(4, 5)),
        (first_cryptogram, "gac.discretionary-length", gac(4, 39)),
        (first_cryptogram, "gac.reserved-bit", gac(40)),
        (cryptogram_requests, "gac.approves-requests", gac(6)),
        (cryptogram_requests, "gac.first-values-kept", gac(7)),
        (cryptogram_requests, "gac.any-length", gac(8)),
        (cryptogram_requests, "gac.before-initiation", gac(9)),
        (cryptogram_requests, "gac.third-answered", gac(10)),
        (cryptogram_requests, "gac.after-the-end", gac(11)),
        (cryptogram_requests, "gac.blocked-approves", gac(38)),
        (card_risk, "gac.not-completed-forgotten", gac(12)),
        (card_risk, "gac.not-completed-once", gac(13)),
        (card_risk, "gac.failure-not-shown", gac(14)),
        (card_risk, "gac.failure-action-ignored", gac(15)),
        (card_risk, "gac.static-failure-not-shown", gac(17)),
        (card_risk, "gac.combined-failure-ignored", gac(18)),
        (card_risk, "gac.script-count-wraps", gac(19)),
        (card_risk, "gac.failed-script-forgotten", gac(20)),
        (card_risk, "gac.script-failure-not-shown", gac(20)),
        (card_risk, "gac.script-failure-action-ignored", gac(20)),
        (card_risk, "gac.new-card-not-shown", gac(28)),
        (card_risk, "gac.new-card-action-ignored", gac(28)),
        (card_risk_pin, "gac.exhausted-pin-action-ignored", gac(29)),
        (card_risk_pin, "gac.exhausted-pin-checked-twice", gac(30)),
        (velocity, "gac.lower-limit-too-low", gac(21)),
        (velocity, "gac.lower-limit-too-high", gac(21)),
        (velocity, "gac.foreign-currency-too-high", gac(22, 31, 35, 36)),
        (velocity, "gac.foreign-country-too-low", gac(23, 35, 36, 37)),
        (velocity, "gac.foreign-country-taken-for-currency", gac(23, 31, 35, 36)),
        (velocity, "gac.total-too-low", gac(24, 25, 31, 36, 37)),
        (velocity, "gac.total-too-high", gac(24, 25, 31, 36)),
        (velocity, "gac.any-currency-in-total", gac(25)),
        (velocity, "gac.zeros-are-foreign", gac(31)),
        (velocity, "gac.decline-not-counted", gac(35)),
        (velocity, "gac.amount-not-added", gac(24, 25, 31, 36)),
        (velocity, "gac.approval-not-counted", gac(22, 23, 35, 36)),
        (velocity, "gac.request-counts", gac(37)),
        (cryptogram_tearing, "gac.counted-in-two-writes", gac(36)),
        (cryptogram_tearing, "gac.indicator-rewritten", gac(13)),
    ],
)
def test_a_fault_fails_what_it_breaks(suite, fault: str, requirements: set[str]) -> None:
    assert failed_by([suite.SUITE], FAULTS[fault]) == requirements


# What a vendor may declare and no product does


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"data": DUAL},
        {"data": {**DUAL, "9F76": "0978", "9F57": "0380"}},
        {"data": DUAL, "payment": {"settings": {"conversion_rounding": "half up"}}},
        {"data": {"9F52": None}},
        {"data": {"9F52": "1D10"}},
        {"data": {"9F52": "0000"}},
        {"data": {"9F52": "0040"}},
        {"data": {"9F52": "0004"}},
        {"data": {"9F52": "0080"}},
        {"data": {"9F56": "00"}},
        {"data": {"9F56": "00", "9F52": "0000"}},
        {"data": {"9F52": "6500"}},
        {"data": {"9F52": "6400"}, "payment": {"settings": {"authentication_reason": False}}},
        {"data": dict.fromkeys(("9F53", "9F54", "9F58", "9F59", "9F5C", "9F72"))},
        {"data": {"9F10": "07010103000000010A02"}},
        {"payment": {"settings": {"last_online_atc_readable": False}}},
        {"payment": {"path": {kind: {"aip": "7900"} for kind in ("ordinary", "e-cash", "qPBOC")}}},
    ],
    ids=str,
)
def test_good_cards_of_vendors_pass(changed) -> None:
    for suite in SUITES.values():
        result = run_declared(suite, **changed)
        bad = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN)
        assert result.described(*bad) == []


def _without_decimals(application, transaction) -> int | None:
    own = risk.number(transaction.given(Tag.AMOUNT))
    factor = risk.number(application.value(Tag.CONVERSION_FACTOR)) % 10**7
    if risk.is_own_currency(application, transaction):
        return own
    second = transaction.given(Tag.TERMINAL_CURRENCY) == application.get(Tag.SECOND_CURRENCY)
    return own * factor if second else None


DUAL_CHECK = "cumulative amount, dual currency"


@pytest.mark.parametrize(
    ("deviation", "requirements"),
    [
        (deviating(DUAL_CHECK, shifted(Tag.AMOUNT_LIMIT_DUAL, 1)), gac(26, 27)),
        (deviating(DUAL_CHECK, shifted(Tag.AMOUNT_LIMIT_DUAL, -1)), gac(26, 27)),
        (deviating(DUAL_CHECK, on(never)), gac(26, 27)),
        (with_other(risk, "dual_amount", _without_decimals), gac(26, 27)),
    ],
)
def test_the_limit_in_two_currencies(deviation: Deviation, requirements: set[str]) -> None:
    assert run_declared(velocity_dual.SUITE, data=DUAL, deviation=deviation).failed == requirements


def test_another_rounding_than_the_declared_one() -> None:
    def rounded_up(application, transaction) -> int | None:
        asked = risk.number(transaction.given(Tag.AMOUNT))
        own = risk.is_own_currency(application, transaction)
        return asked if own else -(-_without_decimals(application, transaction) // 10)

    only = "PAY-GAC/dual-total"
    assert run_declared(
        velocity_dual.SUITE, only, data=DUAL, deviation=with_other(risk, "dual_amount", rounded_up)
    ).failed == gac(26)


def _always(check: risk.Check) -> risk.Check:
    """The check asks to go online whatever the default action says."""
    return risk.Check(check.name, check.condition, check.result, online=risk.ALWAYS)


LAST_FAILED, LAST_SCRIPT = "issuer authentication failed last", "script failed last"


@pytest.mark.parametrize(
    ("action", "deviation", "requirements"),
    [
        ("0000", deviating(LAST_FAILED, _always), gac(16)),
        (None, deviating(LAST_FAILED, _always), gac(16, 32)),
        (None, deviating(LAST_SCRIPT, _always), gac(20, 32)),
        ("1000", with_other(risk.DefaultAction, "DECLINED_ADVICE", 0), gac(33)),
        ("0800", with_other(risk, "REASON_PIN", 0), gac(34)),
        ("0800", with_other(risk.DefaultAction, "PIN_EXCEEDED_ADVICE", 0), gac(34)),
        (
            "0040",
            with_other(risk, "FIRST", tuple(c for c in risk.FIRST if c.name != "PIN exceeded earlier")),
            gac(29),
        ),
    ],
)
def test_default_actions(action: str | None, deviation: Deviation, requirements: set[str]) -> None:
    found = {
        requirement
        for suite in (card_risk.SUITE, card_risk_pin.SUITE)
        for requirement in run_declared(suite, data={"9F52": action}, deviation=deviation).failed
    }
    assert found == requirements
