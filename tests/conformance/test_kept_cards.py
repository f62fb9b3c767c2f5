"""One card that stays in the bench and may be given up: its cases leave each other what a card can bear."""

import subprocess
import sys

import pytest

from conformance.actors.bank.scripts import block_application, block_card
from conformance.bench import GOOD, NoRedaction
from conformance.cases import PAYMENT, Case, Kind, Loss, Suite
from conformance.declared import traits_of
from conformance.engine import Engine, Plan, cases_of
from conformance.events import Exchange, Step
from conformance.failures import BenchError, Inconclusive
from conformance.payment_dialogue import Visit
from conformance.payment_judging import exhaust_pin, put_back, verify
from conformance.suites import all_suites, blocking
from conformance.suites.payment import initiation, script_blocking, selection
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Conformity, Verdict
from emulator import load_card
from emulator.iso7816 import SW
from profiles.loader import available
from profiles.model import Profile, Text
from tests.conformance.test_foreign_cards import run
from tests.suites.broken import Kept, answers, good_card, is_command, product
from tests.suites.broken import run as run_suite

OPEN = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)
NEEDS_ANOTHER = {
    "PAY-GPO/counter-end/BO": "blocked for good already: needs another card",
    "PAY-QPB/counter-end/BO": "blocked for good already: needs another card",
    "SEQ/certificates/BO": "needs a fresh card",
}
"""Destructive cases that one card cannot bear beside the others, and the reason that is told."""


def destructive(profile: Profile) -> list[Case]:
    """Every destructive case for a product at the quick level, in its turn."""
    chosen = cases_of(Plan(profile=profile), all_suites(), traits_of(profile))
    return [case for _, case in chosen if case.destructive]


def judged(name: str, only: tuple[str, ...] = ()) -> Engine:
    """Run the cases on one good card and see that each has its verdict, or says which card it needs."""
    engine, outcomes, _ = run(Kept(good_card(name)), profile=product(name), destructive=True, only=only)
    assert [(o.case.identifier, o.reason) for o in outcomes if o.verdict in OPEN] == []
    missing = {
        o.case.identifier: o.reason
        for o in outcomes
        if o.verdict is Verdict.NOT_RUN and o.case.destructive and not o.case.needs_tearing
    }
    assert missing.keys() <= NEEDS_ANOTHER.keys()
    assert all(NEEDS_ANOTHER[case] in reason for case, reason in missing.items())
    return engine


@pytest.mark.slow
@pytest.mark.parametrize("name", ["debit", "ssc3-sm4"])
def test_one_card_bears_all_cases(name: str) -> None:
    assert judged(name).conformity is Conformity.INCOMPLETE  # nobody cut its supply


@pytest.mark.parametrize("name", available())
def test_one_card_bears_its_destructive_cases(name: str) -> None:
    only = tuple(case.identifier for case in destructive(product(name)))
    if only:
        judged(name, only)


def test_a_destructive_payment_case_puts_back_or_takes_for_ever() -> None:
    for name in available():
        for case in destructive(product(name)):
            if case.identifier.startswith(PAYMENT):
                assert (case.restore is None) <= (case.loss is not Loss.NOTHING), case.identifier


def test_nothing_but_a_destructive_case_takes_anything_for_ever() -> None:
    cases = cases_of(Plan(profile=product("ssc3-sm4")), all_suites(), traits_of(product("ssc3-sm4")))
    assert {case.identifier for _, case in cases if case.loss and not case.destructive} == {
        "LIFE/card-block-without-BK/BO"  # its MAC is wrong, so that a bad card alone is lost
    }


TRACES = ("9F36", "9F13", "LOG", "counter:", "proof:")
"""Numbers and logs of transactions, which go on."""


def test_what_an_issuer_can_give_back_is_as_before() -> None:
    """Of the payment application, behind every destructive case that takes nothing for ever."""
    target = good_card("debit")
    before = dict(target.card.memory.cells)
    judged("debit", tuple(case.identifier for case in destructive(product("debit")) if not case.loss))
    after = dict(target.card.memory.cells)
    changed = {cell for cell in before | after if before.get(cell) != after.get(cell)}
    assert {cell for cell in changed if not any(trace in cell for trace in TRACES)} == set()


# What comes back, and when


def made(name: str, body, **more) -> Case:
    """A destructive case of nobody's."""
    said = Text(zh=name, en=name)
    return Case(
        identifier=f"PAY-SEL/{name}/BV",
        title=said,
        requirements=("PAY-SEL-001",),
        kind=Kind.VALID,
        expected=said,
        body=body,
        destructive=True,
        **more,
    )


def suite_of(*cases: Case) -> Suite:
    suite = Suite("own", "own", "own")
    suite.cases_from(lambda profile: cases)
    return suite


def use_up(bench) -> None:
    """Block the application and use the PIN up, and fail."""
    visit = Visit(bench).ordered(block_application())
    visit.send_select()
    visit.begin()
    exhaust_pin(bench)
    bench.expect(visit.send_select(), GOOD, "选择", "SELECT", requirement="PAY-SEL-001")


def is_usable(bench) -> None:
    Visit(bench).open().begin()
    bench.expect(verify(bench, "123456"), GOOD, "PIN", "PIN", requirement="PAY-SEL-001")


def verdicts_of(*cases: Case, kept: bool = True, **plan) -> tuple[list[Verdict], list]:
    target, log = good_card("debit"), []
    engine = Engine(
        Plan(profile=product("debit"), **{"destructive": True, **plan}),
        Kept(target) if kept else target,
        [suite_of(*cases)],
        log.append,
        NoRedaction(),
    )
    return [outcome.verdict for outcome in engine.run()], log


def test_a_case_that_fails_leaves_the_card_as_usable_as_before() -> None:
    first, second = made("first", use_up, restore=put_back), made("second", is_usable)
    assert verdicts_of(first, second)[0] == [Verdict.FAIL, Verdict.PASS]
    assert verdicts_of(made("first", use_up), second)[0] == [Verdict.FAIL, Verdict.INCONCLUSIVE]


def test_what_shows_a_failure_ends_with_it() -> None:
    _, log = verdicts_of(made("first", use_up, restore=put_back))
    [finished] = [event for event in log if hasattr(event, "counterexample")]
    assert finished.counterexample[-1]["command"].startswith("00A4")
    assert finished.counterexample[-1]["response"].endswith(f"{SW.SELECTED_FILE_DEACTIVATED:04X}")
    assert [event for event in log if isinstance(event, Exchange)][-1].number > len(finished.counterexample)


def test_putting_back_judges_nothing_and_says_when_it_is_not_done() -> None:
    def refuse(bench) -> None:
        raise Inconclusive("不行", "it does not go")

    given, log = verdicts_of(made("first", lambda bench: None, restore=refuse))
    assert given == [Verdict.PASS]
    assert "could not be put back: it does not go" in [event.text["en"] for event in log if isinstance(event, Step)]


@pytest.mark.parametrize(
    ("case", "plan"),
    [
        ({"loss": Loss.CARD}, {}),
        ({}, {"kept": False}),
        ({}, {"destructive": False}),
    ],
    ids=["taken for ever", "a fresh card comes", "not allowed"],
)
def test_nothing_is_put_back(case: dict, plan: dict) -> None:
    done = []
    verdicts_of(made("first", lambda bench: None, restore=done.append, **case), **plan)
    assert done == []


def test_what_is_taken_for_ever_comes_last() -> None:
    for name in available():
        losses = [
            case.loss for _, case in cases_of(Plan(profile=product(name)), all_suites(), traits_of(product(name)))
        ]
        assert losses == sorted(losses)


def test_nothing_is_sent_to_a_card_that_the_bench_lost() -> None:
    def lose(bench) -> None:
        raise BenchError("the card is gone")

    done: list = []
    assert verdicts_of(made("first", lose, restore=done.append))[0] == [Verdict.ERROR]
    assert done == []


# A card that is gone already


def test_a_card_that_was_blocked_before_says_so() -> None:
    target = InProcessTarget(load_card(product("debit")))
    log: list = []
    suites = [initiation.SUITE, script_blocking.SUITE, selection.SUITE]
    only = ("PAY-GPO/counter-end", "PAY-SCR/card-block", "PAY-SEL/card-blocked")
    for expected in (Verdict.PASS, Verdict.NOT_RUN):
        engine = Engine(
            Plan(profile=product("debit"), destructive=True, only=only), Kept(target), suites, log.append, NoRedaction()
        )
        assert {outcome.case.identifier: outcome.verdict for outcome in engine.run()} == {
            "PAY-SCR/card-block/BV": expected,
            "PAY-SEL/card-blocked/BO": Verdict.PASS,  # the block is there to be judged
            "PAY-GPO/counter-end/BO": Verdict.NOT_RUN,
        }


def test_a_card_whose_block_lets_an_environment_be_selected_fails_though_it_was_blocked_before() -> None:
    def block(bench) -> None:
        Visit(bench).ordered(block_card())

    environment = answers(
        lambda command, answer: b"\x90\x00" if is_command(command, ins=0xA4) and b"2PAY" in command else answer
    )
    suite = suite_of(made("block", block, loss=Loss.APPLICATION))
    card = good_card("debit")
    run_suite(suite, "debit", card=card, kept=True)
    result = run_suite(selection.SUITE, "debit", environment, card=card, kept=True, only="PAY-SEL/card-blocked")
    assert result.failed == {"PAY-SEL-014"}


def test_an_application_that_was_blocked_for_good_before_says_so() -> None:
    card = good_card("ssc3-sm4")
    only = ("LIFE/block/DF03", "LIFE/block-for-good/DF03")
    assert set(run_suite(blocking.SUITE, "ssc3-sm4", card=card, kept=True, only=only).verdicts.values()) == {
        Verdict.PASS
    }
    again = run_suite(blocking.SUITE, "ssc3-sm4", card=card, kept=True, only=only)
    assert set(again.verdicts.values()) == {Verdict.NOT_RUN}
    assert all("needs another card" in reason for reason in again.described(Verdict.NOT_RUN))


def test_two_ways_to_block_for_good_need_two_cards() -> None:
    """A card that lets an application be unblocked is blocked for good by a command, and by unblocks that fail."""
    usual = product("ssc3-sm4")
    profile = usual.model_copy(update={"settings": usual.settings.model_copy(update={"application_unblock": True})})
    card = InProcessTarget(load_card(profile))
    result = run_suite(blocking.SUITE, "ssc3-sm4", profile=profile, card=card, kept=True)
    open_cases = {case for case, verdict in result.verdicts.items() if verdict is not Verdict.PASS}
    assert open_cases == {"LIFE/failed-unblocks/DF03/BI", "LIFE/failed-unblocks/DF04/BI"}
    assert len(result.described(Verdict.NOT_RUN)) == len(open_cases)


def test_pytest_takes_the_cases_in_the_order_of_the_run() -> None:
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", "--pyargs", "conformance.suites"]
    done = subprocess.run(
        [sys.executable, *words, "--sscard-in-process", "--sscard-profile", "debit"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = [line.rsplit("::", 1)[1] for line in done.stdout.splitlines() if "::" in line]
    profile = product("debit")
    assert told == [case.identifier for _, case in cases_of(Plan(profile=profile), all_suites(), traits_of(profile))]
