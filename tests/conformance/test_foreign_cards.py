"""Whatever is in the reader, a run ends with a verdict and a log that can be read: never with a traceback."""

import pytest

from conformance import events
from conformance.bench import NoRedaction
from conformance.cases import Kind, Suite
from conformance.engine import Engine, Plan
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Conformity, Verdict
from emulator import load_card
from profiles import load
from tests.conformance.foreign import ConstantCard, PulledCard, RandomCard

PROFILE = load("ssc3-sm4")
SCRIPT = b"<script>alert(1)</script>"


def run(target, *, profile=PROFILE, **plan):
    """Run all suites; hand out the engine, the outcomes and the events."""
    log: list[events.Event] = []
    engine = Engine(Plan(profile=profile, **plan), target, all_suites(), log.append, NoRedaction())
    outcomes = list(engine.run())
    return engine, outcomes, log


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(RandomCard(1), id="random answers 1"),
        pytest.param(RandomCard(2), id="random answers 2"),
        pytest.param(ConstantCard("9000"), id="always success"),
        pytest.param(ConstantCard("6D00"), id="knows no command"),
        pytest.param(ConstantCard(""), id="mute"),
        pytest.param(ConstantCard("61FF"), id="always promises more"),
        pytest.param(ConstantCard("6C01"), id="always another Le"),
        pytest.param(ConstantCard("6F" + "FF" * 255 + "9000"), id="endless template"),
        pytest.param(ConstantCard(SCRIPT.hex() + "9000"), id="script tag"),
        pytest.param(ConstantCard("9000", atr="3B"), id="broken ATR"),
        pytest.param(InProcessTarget(load_card("blank")), id="plain ISO 7816 card"),
    ],
)
def test_a_foreign_card_fails_cleanly(target):
    engine, outcomes, log = run(target, destructive=True)
    assert engine.trouble is None
    assert engine.complete
    assert engine.conformity is Conformity.NON_CONFORMANT
    assert any(outcome.verdict is Verdict.FAIL for outcome in outcomes)
    assert not any(outcome.verdict is Verdict.ERROR for outcome in outcomes)
    assert [events.from_line(events.to_line(event)) for event in log] == log


@pytest.mark.parametrize("exchanges", [0, 3, 12])
def test_a_pulled_card_is_an_error_of_the_bench(exchanges):
    """Before anything failed, the run tells nothing about the card."""
    engine, outcomes, log = run(PulledCard(exchanges), only=("ATR/form/BV", "ATR/repeated/BV", "SEL/"))
    assert "Card was removed" in (engine.trouble or "")
    assert not engine.complete
    assert not any(outcome.verdict is Verdict.FAIL for outcome in outcomes)
    assert engine.conformity is Conformity.BENCH_ERROR
    last = log[-1]
    assert isinstance(last, events.RunFinished)
    assert last.conformity == Conformity.BENCH_ERROR.value


def test_another_card_than_the_expected_one_is_left_alone():
    target = InProcessTarget(load_card("ssc3-sm4"))
    before = target.card.snapshot()
    engine, outcomes, _ = run(target, expected_card="110000")
    assert engine.conformity is Conformity.BENCH_ERROR
    assert outcomes == []
    assert target.card.snapshot() == before


def test_an_interrupted_run_is_incomplete_and_its_log_has_an_end():
    log: list[events.Event] = []
    target = InProcessTarget(load_card("ssc3-sm4"))
    engine = Engine(Plan(profile=PROFILE), target, all_suites(), log.append, NoRedaction())
    steps = engine.run()
    next(steps)
    steps.close()
    assert engine.conformity is Conformity.INCOMPLETE
    assert isinstance(log[-1], events.RunFinished)
    assert log[-1].interrupted


def test_a_case_that_breaks_is_an_error_of_the_bench_and_ends_nothing_else():
    suite = Suite("broken", "坏用例", "Broken case")

    def broken(bench):
        raise KeyError("nobody thought of this")

    def good(bench):
        bench.check(True, "好", "good", expected=1, received=1, requirement="SSC-ATR-001")

    for name, body in (("ATR/broken/BV", broken), ("ATR/good/BV", good)):
        words = {"requirements": ["SSC-ATR-001"], "kind": Kind.VALID, "expected": ("", "")}
        suite.case(name, "用例", "a case", **words)(body)
    log: list[events.Event] = []
    target = InProcessTarget(load_card("ssc3-sm4"))
    engine = Engine(Plan(profile=PROFILE), target, [suite], log.append, NoRedaction())
    outcomes = list(engine.run())
    assert [outcome.verdict for outcome in outcomes] == [Verdict.ERROR, Verdict.PASS]
    assert "KeyError" in outcomes[0].reason
    assert "test_foreign_cards.py" in outcomes[0].reason
    assert engine.conformity is Conformity.BENCH_ERROR
