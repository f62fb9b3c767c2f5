"""Generated examples and sequences: Hypothesis at the bench.

The shortest failing example is run once more at the end, so its exchanges are what the report shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, FlakyStrategyDefinition
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from conformance.failures import Inconclusive

if TYPE_CHECKING:
    from conformance.bench import Bench

T = TypeVar("T")
SHRINK_EXAMPLES = 500


def _settings(bench: Bench, share: float) -> settings:
    return settings(
        max_examples=max(5, int(bench.level.examples * share)),
        stateful_step_count=bench.level.steps,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )


def _number(bench: Bench) -> int:
    text = f"{bench.seed}/{bench.recorder.case}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def for_all(bench: Bench, strategy: st.SearchStrategy[T], body: Callable[[T], None], *, share: float = 1.0) -> None:
    """Run ``body`` on generated values, each from a card in its first state.

    ``share`` scales the number of examples of the level. Strategies may use the profile, never the card.
    """

    @seed(_number(bench))
    @_settings(bench, share)
    @given(strategy)
    def run(value: T) -> None:
        bench.examples_run += 1
        bench.begin_example()
        bench.soft_failures.clear()
        body(value)
        bench.finish()

    _quietly(bench, run)


def run_machine(bench: Bench, machine: Callable[[], RuleBasedStateMachine], *, share: float = 1.0) -> None:
    """Run a state machine whose constructor starts from a card in its first state."""

    def fresh() -> RuleBasedStateMachine:
        bench.examples_run += 1
        bench.begin_example()
        return machine()

    _quietly(
        bench,
        lambda: run_state_machine_as_test(seed(_number(bench))(_factory(fresh)), settings=_settings(bench, share)),
    )


def _factory(fresh: Callable[[], RuleBasedStateMachine]) -> Any:
    """A callable that Hypothesis takes for a machine class and can put a seed on."""

    def make() -> RuleBasedStateMachine:
        return fresh()

    return make


def _quietly(bench: Bench, run: Callable[[], None]) -> None:
    """Write down only the exchanges of the example that is left at the end."""
    bench.recorder.quiet = True
    try:
        run()
    except (Flaky, FlakyStrategyDefinition) as problem:
        raise Inconclusive(
            "同一序列重复执行时结果不同", f"the same sequence gave different results when repeated: {problem}"
        ) from problem
    finally:
        bench.recorder.quiet = False
