"""Trials by tasks: each in a folder of its own, and what breaks the bench is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign import workers
from conformance.campaign.campaign import spec_of
from conformance.campaign.plan import PairTask
from conformance.campaign.trial import Spec, Tried
from conformance.campaign.workers import Task, carry_out
from conformance.campaign.world import Flow
from conformance.failures import BenchError

FIRST = Spec("visit", (("killed-after-host", 43, 0),))


def test_no_trial_begins_with_what_another_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of one task once shared a folder: a till began with the outbox of the trial before."""
    found: list[list[Path]] = []
    original = workers.run_trial

    def watched(flow: Flow, spec: Spec, folder: Path, *more: object) -> Tried:
        found.append(list(folder.iterdir()))
        return original(flow, spec, folder)

    monkeypatch.setattr(workers, "run_trial", watched)
    pairs = carry_out(Task(PairTask(FIRST, 2), chosen=("answer-lost", "unreachable")))
    assert len(pairs) > 1
    assert found == [[]] * (1 + len(pairs))


def test_what_breaks_the_bench_is_told_with_the_trial_that_shows_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Tried:
        raise KeyError("M1")

    monkeypatch.setattr(workers, "run_trial", broken)
    with pytest.raises(BenchError, match="KeyError: 'M1'") as told:
        carry_out(Task(FIRST))
    name = str(told.value).split()[1].rstrip(":")
    assert spec_of(name) == FIRST
