"""The rule of judging. Requirements are taken from the catalogue by their properties, not by our own output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.judge import Judgement, case_outcomes, judge, traits_of
from conformance.requirements import Coverage, Level, load_catalogue
from conformance.verdict import Conformity, Verdict
from tests.reports.building import Run

CATALOGUE = load_catalogue()
TRAITS = traits_of(Run().start)
COVERED = {area.code for area in CATALOGUE.areas if area.coverage is Coverage.COVERED}
APPLICABLE = [row for row in CATALOGUE.requirements.values() if row.applicability(TRAITS).applies]
HARD = [row.id for row in APPLICABLE if row.applicability(TRAITS).hard and row.area in COVERED]
SOFT_MUST = next(
    row.id
    for row in APPLICABLE
    if row.applicability(TRAITS).level is Level.MUST and not row.applicability(TRAITS).hard and row.area in COVERED
)
OPTIONAL = next(row.id for row in APPLICABLE if row.level is Level.SHOULD and row.area in COVERED)
FOREIGN = next(row.id for row in CATALOGUE.requirements.values() if not row.applicability(TRAITS).applies)
ONE, TWO = HARD[:2]


def complete(*without: str) -> Run:
    """A run that passes every hard requirement but the named ones."""
    run = Run().target()
    for name in HARD:
        if name not in without:
            run.case(f"ALL/{name}/BV", name)
    return run


def judged(run: Run, strict: bool | None = None) -> Judgement:
    return judge(run.events, CATALOGUE, strict=strict)


def verdict_of(run: Run, requirement: str) -> Verdict:
    return judged(run).by_id[requirement].verdict


def test_every_hard_requirement_passed_is_conformant() -> None:
    assert judged(complete().end()).conformity is Conformity.CONFORMANT


def test_one_failed_hard_requirement_is_not_conformant() -> None:
    found = judged(complete(ONE).case("X/1/BI", ONE, verdict="fail", fails=ONE).end())
    assert found.conformity is Conformity.NON_CONFORMANT
    assert [row.requirement.id for row in found.nonconformities] == [ONE]


@pytest.mark.parametrize("verdict", ["not run", "inconclusive", "not applicable"])
def test_one_unsettled_hard_requirement_is_incomplete(verdict: str) -> None:
    found = judged(complete(ONE).case("X/1/BV", ONE, verdict=verdict).end())
    assert found.conformity is Conformity.INCOMPLETE
    assert [row.requirement.id for row in found.unsettled] == [ONE]


def test_a_hard_requirement_without_any_case_is_incomplete() -> None:
    found = judged(complete(ONE).end())
    assert (found.conformity, found.by_id[ONE].verdict) == (Conformity.INCOMPLETE, Verdict.NOT_RUN)


@pytest.mark.parametrize("requirement", [SOFT_MUST, OPTIONAL])
def test_other_failures_are_deviations(requirement: str) -> None:
    found = judged(complete().case("X/1/BV", requirement, verdict="fail", fails=requirement).end())
    assert found.conformity is Conformity.CONFORMANT
    assert [row.requirement.id for row in found.deviations] == [requirement]


def test_strict_lets_every_must_decide() -> None:
    run = complete().case("X/1/BV", SOFT_MUST, verdict="fail", fails=SOFT_MUST).end()
    assert judged(run, strict=True).conformity is Conformity.NON_CONFORMANT


def test_strict_never_lets_a_should_decide() -> None:
    run = complete().case("X/1/BV", OPTIONAL, verdict="fail", fails=OPTIONAL).end()
    assert OPTIONAL in [row.requirement.id for row in judged(run, strict=True).deviations]


def test_a_bench_error_says_nothing_of_the_card() -> None:
    assert judged(complete(ONE).case("X/1/BV", ONE, verdict="error").end()).conformity is Conformity.BENCH_ERROR


def test_a_run_that_its_bench_ended_is_a_bench_error() -> None:
    assert judged(complete().end(interrupted=True, conformity=3)).conformity is Conformity.BENCH_ERROR


def test_a_counterexample_outlives_a_bench_error() -> None:
    run = complete(ONE).case("X/1/BV", ONE, verdict="fail", fails=ONE).case("X/2/BV", ONE, verdict="error")
    assert judged(run.end(interrupted=True, conformity=3)).conformity is Conformity.NON_CONFORMANT


def test_an_interrupted_run_is_incomplete() -> None:
    assert judged(complete().end(interrupted=True, conformity=2)).conformity is Conformity.INCOMPLETE


def test_a_log_without_its_end_is_incomplete() -> None:
    assert judged(complete()).conformity is Conformity.INCOMPLETE


def test_a_case_without_its_end_is_inconclusive() -> None:
    run = complete(ONE).begin("X/1/BV", ONE)
    assert verdict_of(run, ONE) is Verdict.INCONCLUSIVE


def test_a_run_of_nothing_is_incomplete() -> None:
    assert judged(Run().end()).conformity is Conformity.INCOMPLETE


def test_a_requirement_for_other_cards_is_not_applicable() -> None:
    assert verdict_of(complete().end(), FOREIGN) is Verdict.NOT_APPLICABLE


def test_a_failed_case_without_a_known_requirement_is_never_conformant() -> None:
    found = judged(complete().case("X/1/BV", "SSC-NEW-999", verdict="fail").end())
    assert (found.conformity, found.orphans) == (Conformity.INCOMPLETE, ("X/1/BV",))


def test_the_scope_is_narrowed_by_the_run_and_failures_outside_it_count() -> None:
    area = CATALOGUE.requirements[ONE].area
    other = next(name for name in HARD if CATALOGUE.requirements[name].area != area)
    run = Run(areas=[area])
    for name in HARD:
        if CATALOGUE.requirements[name].area == area:
            run.case(f"ALL/{name}/BV", name)
    assert judged(run).scope == (area,)
    assert judge([*run.events, *Run().end().events[1:]], CATALOGUE).conformity is Conformity.CONFORMANT
    run.case("X/1/BV", other, verdict="fail", fails=other).end()
    assert judged(run).conformity is Conformity.NON_CONFORMANT


# What a case gives to its requirements


def given_by(run: Run) -> dict[str, Verdict]:
    (outcome,) = case_outcomes(run.events)
    return dict(outcome.given)


def test_a_failure_spares_what_its_own_checks_found_good() -> None:
    run = Run().begin("X/1/BV", ONE, TWO, SOFT_MUST)
    run.check("X/1/BV", TWO, True).check("X/1/BV", ONE, False).finish("X/1/BV", "fail", ONE)
    assert given_by(run) == {ONE: Verdict.FAIL, TWO: Verdict.PASS, SOFT_MUST: Verdict.INCONCLUSIVE}


def test_a_failure_of_nobody_is_one_of_everybody() -> None:
    run = Run().begin("X/1/BV", ONE, TWO).check("X/1/BV", TWO, True).finish("X/1/BV", "fail")
    assert given_by(run) == {ONE: Verdict.FAIL, TWO: Verdict.FAIL}


def test_a_bad_check_counts_even_where_the_case_says_pass() -> None:
    run = Run().begin("X/1/BV", ONE, TWO).check("X/1/BV", ONE, False).finish("X/1/BV", "pass")
    assert given_by(run) == {ONE: Verdict.FAIL, TWO: Verdict.PASS}


def test_a_bench_error_undoes_bad_checks() -> None:
    run = Run().begin("X/1/BV", ONE).check("X/1/BV", ONE, False).finish("X/1/BV", "error")
    assert given_by(run) == {ONE: Verdict.ERROR}


def test_a_requirement_that_only_the_failure_names_fails() -> None:
    run = Run().begin("X/1/BV", ONE).finish("X/1/BV", "fail", TWO)
    assert given_by(run) == {ONE: Verdict.INCONCLUSIVE, TWO: Verdict.FAIL}


def test_the_worst_case_decides() -> None:
    run = Run().case("X/1/BV", ONE).case("X/2/BV", ONE, verdict="inconclusive").case("X/3/BV", ONE)
    assert verdict_of(run, ONE) is Verdict.INCONCLUSIVE


@given(st.lists(st.tuples(st.sampled_from(HARD[:6]), st.sampled_from([v.value for v in Verdict])), max_size=12))
def test_more_cases_never_make_a_better_statement(cases: list[tuple[str, str]]) -> None:
    """Among finished runs of one card, a further case that is not a pass cannot lead to a milder exit code but 3 to 1."""
    run = complete()
    for number, (name, verdict) in enumerate(cases):
        run.case(f"X/{number}/BV", name, verdict=verdict, fails=name if verdict == "fail" else None)
    found = judged(run.end())
    verdicts = {verdict for _, verdict in cases}
    if "fail" in verdicts:
        assert found.conformity is Conformity.NON_CONFORMANT
    elif "error" in verdicts:
        assert found.conformity is Conformity.BENCH_ERROR
    elif verdicts & {"inconclusive", "not run"}:
        assert found.conformity is Conformity.INCOMPLETE
    else:
        assert found.conformity is Conformity.CONFORMANT


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"specification": "9.99"}, "9.99"),
        ({"algorithm": "SSF33"}, "SSF33"),
        ({"features": ["medcial"]}, "medcial"),
        ({"features": "medical"}, "no list"),
        ({"specification": None}, "names no"),
    ],
)
def test_a_log_that_does_not_say_what_card_it_was_is_refused(changed: dict[str, object], message: str) -> None:
    profile = {"specification": "3.00", "algorithm": "SM4", "features": [], **changed}
    with pytest.raises(ValueError, match=message):
        judged(Run(profile=profile).end())


def test_a_log_that_begins_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="RunStarted"):
        judge(Run().end().events[1:], CATALOGUE)
