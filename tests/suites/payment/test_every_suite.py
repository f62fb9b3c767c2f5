"""What each payment suite owes: hostile cards fail cleanly, good ones are left as they were, named faults break their requirement alone.

That good cards pass `tests/conformance/test_clean.py` shows.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from conformance.cases import Suite
from conformance.faults.catalogue import Fault, FaultSet
from conformance.faults.payment import application_selection as selection_faults
from conformance.faults.payment import contactless as contactless_faults
from conformance.faults.payment import data_objects as data_faults
from conformance.faults.payment import extended as extended_faults
from conformance.faults.payment import extended_money as extended_money_faults
from conformance.faults.payment import offline_pin as pin_faults
from conformance.faults.payment import personalised_data as personalised_faults
from conformance.faults.payment import reading as reading_faults
from conformance.suites.payment import (
    algorithms,
    certificates,
    combined_authentication,
    contactless,
    contactless_algorithms,
    contactless_limits,
    cryptograms,
    data_objects,
    disturbances,
    dynamic_authentication,
    e_cash,
    e_cash_choice,
    extended_charging,
    extended_freezing,
    extended_reading,
    extended_updates,
    invariants,
    load_log,
    offline_pin,
    offline_pin_form,
    personalised_data,
    personalised_records,
    quick_invariants,
    reading,
    script_blocking,
    script_data,
    script_limits,
    script_pins,
    script_records,
    scripts,
    second_currency,
    secret_data,
    selection,
    selection_data,
    sm2_certificates,
    transaction_log,
)
from tests.suites.broken import HOSTILE, assert_judged, run

from .cards import PRODUCTS, changed_cells, failed_by

pytestmark = pytest.mark.slow


class Area(NamedTuple):
    """Suites that judge an area together, and the faults of it."""

    suites: tuple[Suite, ...]
    faults: FaultSet


EXTENDED = (extended_reading.SUITE, extended_updates.SUITE, extended_charging.SUITE, extended_freezing.SUITE)
AREAS = (
    Area((selection.SUITE, selection_data.SUITE), selection_faults.FAULTS),
    Area((reading.SUITE,), reading_faults.FAULTS),
    Area((data_objects.SUITE, secret_data.SUITE), data_faults.FAULTS),
    Area((offline_pin.SUITE, offline_pin_form.SUITE), pin_faults.FAULTS),
    Area(EXTENDED, extended_faults.FAULTS),
    Area(EXTENDED, extended_money_faults.FAULTS),
    Area((contactless.SUITE, offline_pin_form.SUITE), contactless_faults.FAULTS),
    Area(
        (
            scripts.SUITE,
            script_blocking.SUITE,
            script_pins.SUITE,
            script_data.SUITE,
            script_records.SUITE,
            script_limits.SUITE,
        ),
        FaultSet(),  # a wrong MAC or log shows in many places: their faults have tests of their own
    ),
    Area((transaction_log.SUITE, load_log.SUITE), FaultSet()),
    Area((personalised_data.SUITE, personalised_records.SUITE), personalised_faults.FAULTS),
    Area((e_cash_choice.SUITE, e_cash.SUITE, second_currency.SUITE, contactless_limits.SUITE), FaultSet()),
)
CRYPTOGRAPHY = (
    certificates.SUITE,
    sm2_certificates.SUITE,
    dynamic_authentication.SUITE,
    combined_authentication.SUITE,
    cryptograms.SUITE,
    algorithms.SUITE,
    contactless_algorithms.SUITE,
    invariants.SUITE,
    disturbances.SUITE,
    quick_invariants.SUITE,
)
SUITES = {suite.name: suite for suites in (*(area.suites for area in AREAS), CRYPTOGRAPHY) for suite in suites}
WITHOUT_SM = frozenset({"debit", "ssc2-3des"})
LACKING = {
    sm2_certificates.SUITE.name: WITHOUT_SM,
    algorithms.SUITE.name: WITHOUT_SM,
    contactless_algorithms.SUITE.name: frozenset({"ssc2-3des"}),
    quick_invariants.SUITE.name: frozenset({"ssc2-3des"}),
    contactless.SUITE.name: frozenset({"ssc2-3des"}),
    contactless_limits.SUITE.name: frozenset({"ssc2-3des"}),
    **{suite.name: frozenset({"ssc2-3des"}) for suite in EXTENDED},
}
PLACES = [(name, product) for name in SUITES for product in PRODUCTS if product not in LACKING.get(name, ())]
"""Each suite on each product that it has cases for."""
FAULTS: dict[str, tuple[Area, Fault]] = {fault.name: (area, fault) for area in AREAS for fault in area.faults.faults}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", SUITES)
def test_hostile_card_fails_cleanly(name: str, hostile: str) -> None:
    home = next(product for suite, product in PLACES if suite == name)
    assert_judged(run(SUITES[name], home, HOSTILE[hostile]()))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "product"), PLACES)
def test_card_that_must_survive_is_left_as_it_was(name: str, product: str) -> None:
    """But for counters and the log, which every transaction changes."""
    assert changed_cells(SUITES[name], product) == set()


@pytest.mark.parametrize("name", FAULTS)
def test_named_fault_breaks_its_requirement_alone(name: str) -> None:
    area, fault = FAULTS[name]
    assert failed_by(area.suites, fault) == set(fault.requirements)
