"""Which card a run takes: by its identification code, and by its reset answer where a product has no such code."""

import pytest

from conformance.bench import NoRedaction
from conformance.bring_up import WrongUse, open_target
from conformance.engine import Engine, Plan
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load


def run(product: str, expected: str, *only: str):
    target = InProcessTarget(load_card(product))
    plan = Plan(profile=load(product), expected_card=expected, only=only)
    engine = Engine(plan, target, all_suites(), lambda _: None, NoRedaction())
    return engine, list(engine.run())


@pytest.mark.parametrize("product", ["debit", "psam-sm4", "blank"])
def test_a_product_without_identification_code_is_known_by_its_reset_answer(product):
    atr = load_card(product).reset().hex()
    for expected in (atr, atr.upper()[:8]):
        engine, _ = run(product, expected, "LIFE/none")
        assert engine.trouble is None
    engine, _ = run(product, "3B99", "LIFE/none")
    assert engine.trouble is not None
    assert f"is {atr.upper()}, not 3B99: nothing was done to it" in engine.trouble


def test_a_reset_answer_names_no_card_that_has_a_code():
    atr = load_card("ssc3-sm4").reset().hex()
    engine, _ = run("ssc3-sm4", atr, "ATR/form")
    assert engine.trouble is not None
    assert "is 500000D1" in engine.trouble


def test_a_card_without_a_code_is_not_looked_for_at_the_antenna():
    """Its reset answer there is another one: nothing would tell whether it is the expected card."""
    with pytest.raises(WrongUse, match="a card of debit has no identification code"):
        open_target(
            load("debit"), reader="a", contactless_reader="b", in_process=False, fault=None, tell=lambda *_: None
        )
