"""Sequences of transactions: good cards do what the model predicts, a broken one is found by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.cases import Level
from conformance.faults.catalogue import Fault, FaultSet, paying
from conformance.suites.payment import life
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from emulator.apps.payment.application import Counter, counter_cell
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS
from tests.suites.broken import HOSTILE, assert_judged, product, run

SUITE = life.SUITE
CASE = "SEQ/payment-life/BO"
DIRECTORY = "DEBIT"
PRODUCTS = ("debit", "debit-sm", "debit-dual", "ssc3-sm4", "ssc2-3des")

FAULTS = FaultSet(PAYMENT_APPLICATIONS)


def cell(counter: Counter) -> str:
    return counter_cell(DIRECTORY, counter)


def lost(name: str, command: str, cells: tuple[str, ...], requirement: tuple[str, ...]) -> None:
    """A card on which a command leaves some cells as they were."""

    @FAULTS.command(command, name, name, name, requirement, paying)
    def deviation(card: Card, given: Command, good: Handler) -> bytes:
        before = {each: card.memory.cells[each] for each in cells if each in card.memory.cells}
        try:
            return good(card, given)
        finally:
            card.memory.commit(before)


def higher(name: str, tag: str, requirement: tuple[str, ...]) -> None:
    """A card whose limit lies one above the declared one."""

    def change(cells: Mapping[str, Value]) -> dict[str, Value]:
        key = f"data:{DIRECTORY}:{tag}"
        value = octets_in(cells[key])
        digits = f"{int(value.hex()) + 1:0{2 * len(value)}d}" if len(value) > 1 else f"{value[0] + 1:02X}"
        return {key: bytes.fromhex(digits)}

    FAULTS.contents(name, name, name, requirement, change, paying)


lost("x.balance", "GENERATE AC", (f"data:{DIRECTORY}:9F79",), ("PAY-ECC-011", "PAY-INV-001"))
lost("x.second-balance", "GENERATE AC", (f"data:{DIRECTORY}:DF79",), ("PAY-ECC-011", "PAY-INV-001"))
lost("x.last-online", "GENERATE AC", (f"data:{DIRECTORY}:9F13",), ("PAY-GA2-011", "PAY-GAC-028", "PAY-GAC-021"))
lost("x.failure", "EXTERNAL AUTHENTICATE", (cell(Counter.AUTHENTICATION_FAILED),), ("PAY-GAC-014", "PAY-ECC-004"))
lost("x.online", "GENERATE AC", (cell(Counter.ONLINE_REQUESTED),), ("PAY-GAC-012",))
lost("x.dynamic", "GENERATE AC", (cell(Counter.DYNAMIC_FAILED),), ("PAY-GAC-018",))
lost("x.static", "GENERATE AC", (cell(Counter.STATIC_FAILED),), ("PAY-GAC-017",))
lost("x.scripts", "UNBLOCK PIN", (cell(Counter.SCRIPTS),), ("PAY-GAC-019",))
lost("x.script-failed", "UNBLOCK PIN", (cell(Counter.SCRIPT_FAILED),), ("PAY-GAC-020", "PAY-ECC-004"))
lost("x.total", "GENERATE AC", (cell(Counter.CUMULATIVE_AMOUNT),), ("PAY-GAC-024", "PAY-GA2-019", "PAY-GAC-021"))
lost("x.log", "GENERATE AC", (f"file:{DIRECTORY}/LOG",), ("PAY-LOG-001",))
lost("x.tries", "VERIFY", (f"tries:{DIRECTORY}/DEBITPIN",), ("PAY-PIN-001", "PAY-PIN-002", "PAY-PIN-009"))
higher("x.amount-limit", "9F54", ("PAY-GAC-024", "PAY-GAC-021"))


@FAULTS.command("GENERATE AC", "x.two-steps", "x.two-steps", "x.two-steps", ["PAY-INV-001"], paying)
def two_steps(card: Card, command: Command, good: Handler) -> bytes:
    """The balance is written before the rest, in a transaction of its own."""
    key = f"data:{DIRECTORY}:9F79"
    memory = card.memory
    trial = card.memory.snapshot()
    hook, memory.write_hook = memory.write_hook, None
    answer = good(card, command)
    after = memory.cells[key]
    written = {each: value for each, value in memory.cells.items() if trial[each] != value}
    memory.restore(trial)
    memory.write_hook = hook
    memory.commit({key: after})
    memory.commit(written)
    return answer


@pytest.fixture
def few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer examples than any certification runs: whole certifications of good cards stand elsewhere."""
    monkeypatch.setattr(Level, "examples", 10)


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str) -> None:
    assert run(SUITE, name, seed=3).verdicts == {CASE: Verdict.PASS}


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_card_fails_cleanly(hostile: str) -> None:
    assert_judged(run(SUITE, "debit", HOSTILE[hostile]()))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.faults, ids=lambda fault: fault.name)
def test_broken_card_is_found(fault: Fault) -> None:
    """At the level of the quick run, on three seeds."""
    for seed in (0, 1, 2):
        done = run(SUITE, "debit", card=InProcessTarget(fault.apply(load_card(product("debit")))), seed=seed)
        if done.failed & set(fault.requirements):
            return
    raise AssertionError(f"{fault.name}: {done.described(*Verdict)}")


def test_card_that_is_not_new_is_left_alone() -> None:
    done = run(SUITE, "debit", kept=True)
    assert done.verdicts == {CASE: Verdict.NOT_APPLICABLE}
