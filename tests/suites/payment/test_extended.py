"""The suites of the extended application: what other vendors declare, and answers that no named fault gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.requirements import PAYMENT, load_catalogue
from conformance.suites.payment import extended_charging, extended_freezing, extended_reading, extended_updates
from conformance.verdict import Verdict
from profiles import load
from profiles.model import Profile
from tests.payment.terminal import profile
from tests.suites.broken import answers, run
from tests.suites.deviating import run_vendor

SUITES = {
    suite.name: suite
    for suite in (extended_reading.SUITE, extended_updates.SUITE, extended_charging.SUITE, extended_freezing.SUITE)
}
SELECT = 0xA4


def settings(product: str = "debit", **values: object) -> Callable[[], Profile]:
    return lambda: profile(product, payment={"settings": values})


VENDORS: dict[str, Callable[[], Profile]] = {
    "segmented alone": lambda: profile(data={"DF61": "01"}),
    "segmented alone with R-MAC": lambda: profile("debit-sm", data={"DF61": "81"}),
    "without R-MAC": lambda: profile(data={"DF61": "02"}),
    "without deduction": lambda: profile(data={"DF62": None, "DF63": None}),
    "deduction up to the limit": settings(extended_deduction_reaches_limit=True),
    "another word for locked records": settings(extended_forbidden_answer="6985"),
    "newest record replaced": settings(extended_cyclic_update="replaced"),
    "zeros right": settings("debit-sm", extended_sm4_vector="zeros right"),
    "DF61 always signed": settings(extended_indicator_signed="always"),
    "another word for the limit": settings(put_data_limit_answer="6985"),
    "undone at the next start": settings(torn_debit_undone="next start"),
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("name", SUITES)
def test_good_card_of_another_vendor_passes(name: str, vendor: str) -> None:
    result = run_vendor(SUITES[name], VENDORS[vendor]())
    assert result.failed == set()
    assert result.described(Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN) == []


@pytest.mark.parametrize(
    ("vendor", "requirement"),
    [
        ("another word for locked records", "PAY-CAP-031"),
        ("another word for the limit", "PAY-CAP-027"),
    ],
)
def test_what_the_profile_declares_is_expected(vendor: str, requirement: str) -> None:
    """The usual card under the declaration of another vendor's."""
    other = VENDORS[vendor]()
    failed = {each for suite in SUITES.values() for each in run(suite, "debit", profile=other).failed}
    assert requirement in failed


def replaced(old: str, new: str) -> Callable[[bytes, bytes], bytes]:
    """Answers of SELECT with other bytes in them."""
    before, after = bytes.fromhex(old), bytes.fromhex(new)
    return lambda command, answer: answer.replace(before, after) if command[1] == SELECT else answer


@pytest.mark.parametrize(
    ("old", "new", "requirement"),
    [
        ("DF6001", "DF6E01", "PAY-CAP-001"),
        ("DF610182", "DF610183", "PAY-CAP-002"),
        ("DF610182", "DF610180", "PAY-CAP-002"),
        ("DF610182", "DF6E0182", "PAY-CAP-002"),
    ],
)
def test_what_the_card_announces(old: str, new: str, requirement: str) -> None:
    found = run(extended_reading.SUITE, "debit", answers(replaced(old, new)), only="PAY-CAP/announced")
    assert found.failed == {requirement}


def test_a_card_that_offers_less_than_it_says() -> None:
    found = run(extended_reading.SUITE, "debit", answers(replaced("DF610182", "DF610181")), only="PAY-CAP/offered")
    assert found.failed == {"PAY-CAP-002"}


def test_every_requirement_of_the_area_has_a_case() -> None:
    area = next(area for area in load_catalogue(PAYMENT).areas if area.code == "PAY-CAP")
    judged = {
        requirement
        for suite in SUITES.values()
        for case in suite.cases(load("debit"))
        for requirement in case.requirements
    }
    assert judged == {requirement.id for requirement in area.requirements}
