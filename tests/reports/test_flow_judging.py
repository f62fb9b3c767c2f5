"""The rule of judging flows, on logs that say only what matters."""

from __future__ import annotations

import pytest

from conformance.flow_judging import FLOW_RULES, flow_outcomes, flows_conformity
from conformance.verdict import Conformity
from tests.reports.building import Run
from tests.reports.flow_logs import Flow


def finished(run: Run, flow: str = "issue") -> Run:
    return Flow(run, flow).trials("close", "power-cut", completed=4, as_before=1).end()


def broken(run: Run, flow: str = "upgrade") -> Run:
    return Flow(run, flow).trials("switch", "answer-lost", (1, "a"), (2, "b"), (2, "c"), completed=3).end()


def statement(run: Run) -> Conformity | None:
    return flows_conformity(run.events)


def test_there_are_eight_rules_in_both_languages() -> None:
    assert list(FLOW_RULES) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(text.zh and text.en for text in FLOW_RULES.values())


def test_a_run_without_flows_has_no_statement_about_flows() -> None:
    assert statement(Run().end()) is None


def test_flows_whose_rules_held_are_conformant() -> None:
    assert statement(finished(finished(Run()), "upgrade").end()) is Conformity.CONFORMANT


def test_one_broken_rule_in_one_flow_is_not_conformant() -> None:
    run = broken(finished(Run())).end()
    assert statement(run) is Conformity.NON_CONFORMANT
    assert [outcome.conformity for outcome in flow_outcomes(run.events)] == [
        Conformity.CONFORMANT,
        Conformity.NON_CONFORMANT,
    ]
    assert flow_outcomes(run.events)[1].by_rule == {1: 1, 2: 2}


def test_a_breach_stays_one_whatever_happens_to_the_bench_or_the_rest_of_the_run() -> None:
    assert statement(broken(Run()).end(interrupted=True, conformity=3)) is Conformity.NON_CONFORMANT
    assert statement(broken(Run())) is Conformity.NON_CONFORMANT


@pytest.mark.parametrize(
    ("conformity", "expected"), [(2, Conformity.INCOMPLETE), (3, Conformity.BENCH_ERROR)], ids=["stopped", "bench"]
)
def test_an_interrupted_run_states_nothing(conformity: int, expected: Conformity) -> None:
    assert statement(finished(Run()).end(interrupted=True, conformity=conformity)) is expected


def test_a_flow_that_was_cut_off_is_incomplete() -> None:
    run = finished(Run())
    Flow(run, "upgrade").trials("close", "power-cut", completed=4)
    assert statement(run.end()) is Conformity.INCOMPLETE
    assert flow_outcomes(run.events)[1].trials == 4


def test_a_log_without_its_end_is_incomplete() -> None:
    assert statement(finished(Run())) is Conformity.INCOMPLETE


def test_a_flow_without_any_trial_proves_nothing() -> None:
    assert statement(Flow(Run()).timed().end().end()) is Conformity.INCOMPLETE


def test_failures_that_found_nothing_to_strike_prove_nothing() -> None:
    run = Flow(Run()).trials("close", "power-cut", completed=4).end(interruptions=0).end()
    assert statement(run) is Conformity.INCOMPLETE
    assert (
        statement(Flow(Run()).trials("close", "none", completed=1).end(interruptions=0).end()) is Conformity.CONFORMANT
    )


def test_breaches_that_are_counted_and_not_listed_count() -> None:
    run = Flow(Run()).trials("close", "power-cut", completed=4).end(broken=2).end()
    assert statement(run) is Conformity.NON_CONFORMANT
    assert flow_outcomes(run.events)[0].uncounted == 2
    run = Flow(Run()).trials("close", "power-cut", (1, "3"), (2, "3"), (1, "4"), completed=4).end(broken=5).end()
    assert flow_outcomes(run.events)[0].uncounted == 3


def test_a_promise_of_time_that_was_not_kept_does_not_decide() -> None:
    run = Flow(Run()).timed(slower=600).trials("close", "power-cut", completed=4).end().end()
    assert statement(run) is Conformity.CONFORMANT
