"""The suite of the secure access module: good modules pass, cards that make no sense fail cleanly."""

from __future__ import annotations

import pytest

from conformance.suites import secure_access_module
from conformance.verdict import Verdict
from tests.suites.broken import HOSTILE, assert_good, assert_judged, good_card, run

SUITE = secure_access_module.SUITE
MODULES = ("psam-3des", "psam-sm4")


@pytest.mark.parametrize("name", MODULES)
def test_good_module_passes(name: str) -> None:
    assert_good(run(SUITE, name))


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_module_fails_cleanly(name: str, hostile: str) -> None:
    result = run(SUITE, name, HOSTILE[hostile]())
    assert_judged(result)
    assert "reset answer" in hostile or result.described(Verdict.FAIL, Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("name", MODULES)
def test_module_that_must_survive_is_left_as_it_was(name: str) -> None:
    before = dict(good_card(name).card.memory.cells)
    result = run(SUITE, name, kept=True, destructive=False)
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    target = good_card(name)
    assert dict(target.card.memory.cells) == before


def test_cards_of_persons_are_no_modules() -> None:
    assert run(SUITE, "ssc3-sm4").outcomes == []
