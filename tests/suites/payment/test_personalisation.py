"""The suites of personalisation: chips before issue, good and with named faults, and what other vendors declare."""

from __future__ import annotations

import pytest

from conformance.faults.payment import personalisation as faults
from conformance.suites.payment import personalisation, personalised_data, personalised_records
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles import model
from tests.payment.terminal import profile
from tests.suites.broken import HOSTILE, assert_good, assert_judged, product, run
from tests.suites.deviating import run_vendor

from .cards import failed_by, without

CHIPS = ("debit-blank", "debit-sm-blank")
FAULTS = {fault.name: fault for fault in faults.FAULTS.faults}
SUITE = personalisation.SUITE


@pytest.mark.parametrize("seed", [0, 1, 20260101])
@pytest.mark.parametrize("chip", CHIPS)
def test_good_chip_passes(chip: str, seed: int) -> None:
    result = run(SUITE, chip, seed=seed)
    assert_good(result)
    assert set(result.verdicts.values()) == {Verdict.PASS}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_chip_fails_cleanly(hostile: str) -> None:
    assert_judged(run(SUITE, "debit-blank", HOSTILE[hostile]()))


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", FAULTS)
def test_named_fault_breaks_its_requirement_alone(name: str, chip: str) -> None:
    assert failed_by([SUITE], FAULTS[name], chip) == set(FAULTS[name].requirements)


def test_a_chip_that_must_survive_stays_open() -> None:
    result = run(SUITE, "debit-blank", kept=True, destructive=False)
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    not_run = {name for name, verdict in result.verdicts.items() if verdict is Verdict.NOT_RUN}
    assert not_run == {
        f"PAY-PER/{name}"
        for name in ("sequence/BV", "last-block/BV", "torn-last-block/BV", "records/BV", "internal/BI")
    }


def test_a_chip_without_product_is_not_stored_into() -> None:
    of = product("debit-blank")
    directory = of.directory["DEBIT"]
    assert directory.personalisation is not None
    bare = directory.personalisation.model_copy(update={"product": None})
    changed = directory.model_copy(update={"personalisation": bare})
    declared = of.model_copy(update={"directory": {**of.directory, "DEBIT": changed}})
    verdicts = run_vendor(SUITE, declared, "PAY-PER/records").verdicts
    assert set(verdicts.values()) == {Verdict.NOT_APPLICABLE}


def special(**data: str) -> model.Profile:
    return profile(data=data, payment={"settings": {"special_device": True}})


@pytest.mark.parametrize(
    ("data", "failed"),
    [
        ({}, set()),
        ({"9F68": "C110D000"}, {"PAY-PER-027"}),
        ({"9F51": "0978"}, {"PAY-PER-013"}),
        ({"9F57": "0276"}, {"PAY-PER-014"}),
    ],
)
def test_special_device(data: dict[str, str], failed: set[str]) -> None:
    """What only a device of the issuer reads is compared directly."""
    only = ("PAY-PER/processing", "PAY-PER/currency", "PAY-PER/country")
    assert run_vendor(personalised_data.SUITE, special(**data), only).failed == failed


def test_a_card_without_additional_processes() -> None:
    without = profile(data={"9F68": None}, payment={"settings": {"special_device": True}})
    assert run_vendor(personalised_data.SUITE, without, "PAY-PER/processing").failed == {"PAY-PER-026"}


@pytest.mark.parametrize("limits", [True, False])
def test_readable_limits(limits: bool) -> None:
    """Where 9F77 can be read, the balance is compared with it."""
    of = profile(
        data={"9F79": "000000100001" if limits else "000000100000"},
        payment={"settings": {"e_cash_limits_readable": True}},
    )
    assert run_vendor(personalised_data.SUITE, of, "PAY-PER/balance").failed == ({"PAY-PER-028"} if limits else set())


def shows_document() -> model.Profile:
    """A card whose holder may be verified by an identity document (method 20)."""
    signed = product("debit").content["DEBIT"]["SFI03"]["records"]
    return profile(content={"SFI03": [{**signed[0], "8E": "0000000000000000 6000 1F03"}, *signed[1:]]})


@pytest.mark.parametrize("missing", [0x9F61, 0x9F62])
def test_a_document_that_is_shown_needs_number_and_kind(missing: int) -> None:
    declared, only = shows_document(), "PAY-PER/verification-list"
    assert run_vendor(personalised_records.SUITE, declared, only).failed == set()
    card = InProcessTarget(load_card(declared))
    broken = without(missing, ins=0xB2)
    assert run(personalised_records.SUITE, "debit", broken, profile=declared, card=card, only=only).failed == {
        "PAY-PER-022"
    }
