"""Ctrl-C reaches its goal even where Python loses the exception."""

import gc
import os
import signal
import sys

import pytest

from conformance.bench import NoRedaction
from conformance.engine import Engine, Plan
from conformance.events import RunFinished
from conformance.interruption import Interruption
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load


def press_ctrl_c_in_a_gc_callback():
    """The interpreter prints what such a callback raises, and goes on."""

    def callback(phase, info):
        gc.callbacks.remove(callback)
        os.kill(os.getpid(), signal.SIGINT)

    gc.callbacks.append(callback)
    gc.collect()


def test_an_interrupt_is_raised_at_once():
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        interruption.heed()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_lost_interrupt_prints_nothing_and_other_lost_exceptions_are_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))

    class Broken:
        def __del__(self):
            raise ZeroDivisionError

    with Interruption():
        press_ctrl_c_in_a_gc_callback()
        assert told == []
        Broken()
        assert told == [ZeroDivisionError]


def test_a_lost_interrupt_ends_the_run_at_the_next_exchange():
    log = []
    with Interruption() as interruption:
        target = InProcessTarget(load_card("ssc3-sm4"))
        engine = Engine(
            Plan(profile=load("ssc3-sm4"), only=("REC/",)),
            target,
            all_suites(),
            log.append,
            NoRedaction(),
            interruption.heed,
        )
        run = engine.run()
        next(run)
        press_ctrl_c_in_a_gc_callback()
        with pytest.raises(KeyboardInterrupt):
            list(run)
    assert isinstance(log[-1], RunFinished)
    assert log[-1].interrupted
    assert 1 <= sum(engine.counts.values()) < len(engine.cases)
