"""A good card passes: every product, three seeds, nothing failed, nothing left open that the bench can settle."""

import pytest

from conformance.cases import Case
from conformance.declared import areas_of, catalogue_of, traits_of
from conformance.engine import Plan, cases_of
from conformance.requirements import PAYMENT, SOCIAL_SECURITY, Coverage, load_catalogue
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Conformity, Verdict
from emulator import load_card
from profiles import load
from profiles.loader import available
from tests.conformance.test_foreign_cards import run

PRODUCTS = (
    *("ssc3-sm4", "ssc2-3des", "blank", "blank-3des", "debit", "debit-sm", "debit-dual"),
    *("psam-3des", "psam-sm4", "debit-blank", "debit-sm-blank", "ssc3-blank", "ssc2-blank"),
)
VARIANTS = ("debit-total", "debit-either", "debit-prepaid", "debit-plain")
"""Debit cards with other additional processes."""


@pytest.mark.parametrize(
    ("product", "seed"),
    [*((name, seed) for name in PRODUCTS for seed in (0, 1, 20260101)), *((name, 0) for name in VARIANTS)],
)
def test_a_good_card_is_conformant(product, seed):
    profile = load(product)
    engine, outcomes, _ = run(InProcessTarget(load_card(profile)), profile=profile, seed=seed, destructive=True)
    bad = [(o.case.identifier, o.reason) for o in outcomes if o.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)]
    assert bad == []
    assert engine.conformity is Conformity.CONFORMANT


def test_no_product_is_left_out():
    assert sorted((*PRODUCTS, *VARIANTS)) == sorted(available())


def all_cases(product: str) -> list[Case]:
    """Every case for a product at the quick level."""
    profile = load(product)
    return [case for _, case in cases_of(Plan(profile=profile), all_suites(), traits_of(profile))]


@pytest.mark.parametrize("product", PRODUCTS)
def test_identifiers_are_unique_and_name_their_area(product):
    cases = all_cases(product)
    assert len({case.identifier for case in cases}) == len(cases)
    areas = {area.code for area in catalogue_of(load(product)).areas} | {"SEQ"}  # generated sequences cross the areas
    for case in cases:
        area, *subject, kind = case.identifier.split("/")
        assert area in areas
        assert all(subject)
        assert kind == case.kind.value


def test_an_official_item_is_covered_when_each_of_its_requirements_has_a_case():
    """A report must not say of an item with results that nothing tests it, nor promise one that nothing tests.

    Some rows of social security are for cards of versions that no product has, so that a covered item may hold such.
    """
    made = (case for product in PRODUCTS for suite in all_suites() for case in suite.cases(load(product)))
    judged = {name for case in made for name in case.requirements}
    for name in (SOCIAL_SECURITY, PAYMENT):
        catalogue = load_catalogue(name)
        for item in catalogue.official_items.values():
            assigned = {requirement.id for requirement in catalogue.assigned_to(item)}
            if item.coverage is Coverage.NOT_YET_COVERED:
                assert not assigned or not assigned <= judged, item.key
            elif item.coverage is Coverage.COVERED:
                assert assigned & judged, item.key
                assert name == SOCIAL_SECURITY or assigned <= judged, item.key


@pytest.mark.parametrize("product", [*PRODUCTS, *VARIANTS])
def test_every_must_of_the_covered_areas_has_a_case(product):
    catalogue, traits = catalogue_of(load(product)), traits_of(load(product))
    judged = {name for case in all_cases(product) for name in case.requirements}
    assert judged <= catalogue.requirements.keys()
    missing = [
        requirement.id
        for area in catalogue.areas
        if area.coverage is Coverage.COVERED and area.code in (areas_of(load(product)) or [area.code])
        for requirement in area.requirements
        if requirement.applicability(traits).applies
        and requirement.applicability(traits).level.name == "MUST"
        and requirement.id not in judged
    ]
    assert missing == []
