"""One run over a chip: the steps that the journal has not as done, each with an entry before and one after it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.keys import KeysRefused, KeysUnreachable
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.station.outcome import Ending, Outcome, Step, Told
from conformance.actors.station.printer import PrinterFailed
from conformance.actors.station.refusals import Destroyed, Refused, Unfinished
from conformance.actors.station.steps import ACTIONS, plan
from conformance.actors.station.tree import TreeError
from conformance.actors.station.work import Work

AGAIN = frozenset({Step.PERSONALISE, Step.CERTIFICATES})
"""What is written again when it reads back otherwise; the bank's application takes nothing more once it is issued."""
SETS_PIN = frozenset({Step.FREEZE, Step.CHANGE_PIN})
"""The bank learns the holder's PIN when a first card's account is opened, social security when the first PIN is changed."""
MOST_RUNS = 4
"""Runs over a chip, three of them repetitions, before it is retained (SSC-ISS-010)."""


class Run:
    """The steps of an order's kind over one chip.

    Args:
        work: The order and its chip.
        destroy: Gives the chip of a request up, for a reason.
        withdraw: Gives a request up whose chip was not touched.
        listener: Is told of each step before and after it, when the journal has it.
    """

    def __init__(
        self,
        work: Work,
        destroy: Callable[[str, str], Outcome],
        withdraw: Callable[[str, str], Outcome],
        listener: Callable[[Told], None],
    ) -> None:
        self._work = work
        self._number = work.order.number
        self._journal = work.equipment.journal
        self._destroy = destroy
        self._withdraw = withdraw
        self._listener = listener
        self._told: list[Told] = []

    def go(self) -> Outcome:
        """The steps in their order."""
        work, number = self._work, self._number
        steps = plan(work.order, work.equipment)
        self._journal.attempt(number)
        step = next(each for each in steps if not self._journal.is_done(number, each))  # what is done stays done
        try:
            work.begin()
            self._journal.name_card(number, work.data.identification)
            for step in steps:
                if not self._journal.is_done(number, step):
                    self._take(step)
        except CardGone as problem:
            return self._interrupted(step, "卡片脱离", str(problem))
        except (HostUnreachable, KeysUnreachable, OSError) as problem:
            self._journal.forgive(number)
            return self._interrupted(step, "主机不可达", str(problem) or "no answer")
        except PrinterFailed as problem:
            return self._interrupted(step, "打印机故障", str(problem))
        except (CardRefused, KeysRefused, TreeError) as problem:
            return self._failed(step, str(problem))
        except sqlite3.Error as problem:
            self._journal.forgive(number)
            return self._interrupted(step, "账册不可用", f"the books of centre or bank cannot be used: {problem}")
        except Unfinished as problem:
            self._journal.forgive(number)
            return self._interrupted(step, problem.zh, problem.en)
        except Refused as problem:
            return self._refused(step, problem)
        known = self._journal.request(number)
        returned = known.returned if known is not None else None
        return Outcome(Ending.COMPLETED, "可交付", "may be handed over", tuple(self._told), returned, tuple(work.notes))

    def _take(self, step: Step) -> None:
        self._journal.note(self._number, step, "before")
        if step in SETS_PIN:
            self._journal.note_pin_giver(self._number, step, self._work.equipment.pins)
        self._listener(Told(step, False))
        begin, (seconds, commands) = time.perf_counter(), self._work.spent
        ACTIONS[step](self._work)
        self._work.link.flush()
        self._journal.note(self._number, step, "after")
        taken, (after, sent) = time.perf_counter() - begin, self._work.spent
        told = Told(step, True, taken, after - seconds, sent - commands)
        self._told.append(told)
        self._listener(told)

    def _interrupted(self, step: Step, zh: str, en: str) -> Outcome:
        self._journal.note(self._number, step, "failed")
        return Outcome(Ending.INTERRUPTED, zh, f"{step.en}: {en}", tuple(self._told), notes=tuple(self._work.notes))

    def _refused(self, step: Step, problem: Refused) -> Outcome:
        """Somebody says no: a request that has not touched its chip is withdrawn, one that did gives the chip up.

        After the switch there is only forward.
        """
        if self._journal.is_done(self._number, Step.SWITCH):
            self._journal.forgive(self._number)
            return self._interrupted(step, problem.zh, problem.en)
        self._journal.note(self._number, step, "failed")
        untouched = not isinstance(problem, Destroyed) and not self._journal.was_begun(self._number, Step.INITIALISE)
        outcome = (self._withdraw if untouched else self._destroy)(self._number, problem.en)
        return Outcome(outcome.ending, problem.zh, outcome.en, tuple(self._told))

    def _failed(self, step: Step, en: str) -> Outcome:
        """The chip refused: it may be tried again, but not for ever; what reads back wrong is written again."""
        known = self._journal.request(self._number)
        switched = self._journal.was_begun(self._number, Step.SWITCH)
        if known is not None and known.attempts >= MOST_RUNS and not switched:
            self._journal.note(self._number, step, "failed")
            outcome = self._destroy(self._number, f"{step.en}: {en}")
            return Outcome(outcome.ending, outcome.zh, outcome.en, tuple(self._told))
        if step is Step.READ_BACK:
            for written in AGAIN.intersection(plan(self._work.order, self._work.equipment)):
                self._journal.note(self._number, written, "failed")
        return self._interrupted(step, "芯片拒绝", en)
