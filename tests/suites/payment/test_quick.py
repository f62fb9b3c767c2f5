"""The suites of qPBOC, fDDA and tear protection: every requirement is judged, bad cards fail cleanly, good ones are left as they were.

That the products pass shows `tests/conformance/test_clean.py`, that each named fault is found `tests/faults`.
"""

from __future__ import annotations

import pytest

from conformance.cases import Case, Suite
from conformance.declared import traits_of
from conformance.requirements import PAYMENT, load_catalogue
from conformance.suites.payment import (
    quick_answers,
    quick_authentication,
    quick_decisions,
    quick_power_loss,
    quick_records,
    quick_spending,
    quick_tearing,
    quick_verification,
)
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from tests.payment.terminal import profile
from tests.suites.broken import HOSTILE, assert_judged, good_card, product, run

from .altered import run_declared
from .cards import changed_cells

SUITES = {
    suite.name: suite
    for suite in (
        quick_answers.SUITE,
        quick_authentication.SUITE,
        quick_decisions.SUITE,
        quick_power_loss.SUITE,
        quick_records.SUITE,
        quick_spending.SUITE,
        quick_tearing.SUITE,
        quick_verification.SUITE,
    )
}
ORDINARY = ("debit", "debit-sm", "debit-dual", "ssc3-sm4")
OTHERS = ("debit-total", "debit-either", "debit-prepaid", "debit-plain")
"""Cards with other additional processes 9F68."""
AREAS = ("PAY-QPB", "PAY-FDD", "PAY-TEA")
LONG = "PAY-QPB/counter-end"


ONLINE_ALONE = profile(data={"9F68": "0110D000"})
"""A card whose additional processes choose no offline check; no product declares that."""


def online_alone() -> InProcessTarget:
    """A good card of that kind."""
    return InProcessTarget(load_card(ONLINE_ALONE))


@pytest.mark.parametrize("suite", ["qPBOC decisions", "qPBOC answers", "qPBOC spending", "qPBOC verification"])
def test_a_good_card_without_offline_checks_passes(suite: str) -> None:
    result = run(SUITES[suite], "debit", profile=ONLINE_ALONE, card=online_alone())
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN) == []


def asked(suite: Suite, name: str) -> tuple[str, ...]:
    """The cases of a suite for a product but the one of 65,000 commands."""
    cases: list[Case] = list(suite.cases(product(name)))
    return tuple(case.identifier for case in cases if not case.identifier.startswith(LONG))


@pytest.mark.slow
def test_every_requirement_is_judged_on_a_product() -> None:
    """With the checks that a good card passed, not with what cases promise."""
    judged = set(run(quick_decisions.SUITE, "debit", only=LONG).judged)
    for name in (*ORDINARY, *OTHERS):
        for suite in SUITES.values():
            judged |= run(suite, name, only=asked(suite, name)).judged
    judged |= run(quick_decisions.SUITE, "debit", profile=ONLINE_ALONE, card=online_alone()).judged
    catalogue = load_catalogue(PAYMENT)
    assert {r.id for area in AREAS for r in catalogue.area(area).requirements} <= judged


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("suite", SUITES)
def test_hostile_card_fails_cleanly(suite: str, hostile: str) -> None:
    assert_judged(run(SUITES[suite], "debit", HOSTILE[hostile](), only=asked(SUITES[suite], "debit")))


@pytest.mark.parametrize("name", ["debit", "debit-either"])
@pytest.mark.parametrize("suite", SUITES)
def test_card_that_must_survive_is_left_as_it_was(suite: str, name: str) -> None:
    """But for counters and the log, which every transaction changes."""
    assert changed_cells(SUITES[suite], name) - {"backup:DEBIT", "proof:DEBIT", "file:DEBIT/LOADLOG"} == set()
    assert good_card(name).interface is Interface.CONTACT


@pytest.mark.parametrize("name", [*ORDINARY, *OTHERS])
def test_a_bench_without_the_field_runs_none_of_them(name: str) -> None:
    """Features without an antenna are those of a bench that has no contactless reader: the card cannot be reached there."""
    dual = product(name)
    contacts = dual.model_copy(update={"features": tuple(f for f in dual.features if f != "contactless")})
    result = run(quick_spending.SUITE, name, card=InProcessTarget(load_card(contacts)))
    assert set(result.verdicts.values()) <= {Verdict.NOT_RUN}
    assert traits_of(contacts).features <= traits_of(dual).features


@pytest.mark.parametrize("name", SUITES)
def test_a_card_without_e_cash_is_loaded_first(name: str) -> None:
    """As cards come from their issue; a balance that is declared is given back at the end."""
    result = run_declared(SUITES[name], data={"9F79": "000000000000"})
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    assert Verdict.PASS in result.verdicts.values()
