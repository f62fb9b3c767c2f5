"""Broken cards for the tests of the suites: a good virtual card behind an alteration of what goes in and comes out.

A suite is worth something only if a broken card makes it fail, and fail with the right requirement::

    def test_wrong_identifier_is_found() -> None:
        fault = answers(lambda command, answer: OK if is_command(command, ins=0xA4) else answer)
        assert failed(selection.SUITE, "ssc3-sm4", fault, only="SEL/unknown") == {"SSC-SEL-015"}
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from conformance import events
from conformance.bench import NoRedaction
from conformance.cases import Level, Suite
from conformance.engine import Engine, Outcome, Plan
from conformance.failures import BenchError
from conformance.targets.base import Interface, Target, TargetDescription
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles import load
from profiles.model import Profile

Transmit: TypeAlias = Callable[[bytes], bytes]
"""The good card behind an alteration: command in, answer out."""

Tear: TypeAlias = Callable[[bytes, int], bytes | None]
"""The good card behind an alteration, cut at a write: command and number of the write in, answer or None out."""

OK = b"\x90\x00"
PRODUCTS = ("ssc3-sm4", "ssc2-3des")


class Alteration:
    """What is wrong with a card; this one has nothing wrong. A fault with a memory is a subclass with attributes."""

    def reset(self, atr: bytes) -> bytes:
        """The ATR that the card shows instead of its own; also the place to forget what a session knew."""
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        """Answer a command; ``card`` may be asked once, several times or not at all."""
        return card(command)

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        """Lose the supply at a write; ``card`` is the good card, torn at the write that it is given."""
        return card(command, write)


@dataclass
class _Functions(Alteration):
    on_command: Callable[[bytes], bytes] | None = None
    on_answer: Callable[[bytes, bytes], bytes] | None = None
    on_reset: Callable[[bytes], bytes] | None = None

    def reset(self, atr: bytes) -> bytes:
        return self.on_reset(atr) if self.on_reset else atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(self.on_command(command) if self.on_command else command)
        return self.on_answer(command, answer) if self.on_answer else answer


def commands(alter: Callable[[bytes], bytes]) -> Alteration:
    """A card that takes each command for another one."""
    return _Functions(on_command=alter)


def answers(alter: Callable[[bytes, bytes], bytes]) -> Alteration:
    """A card that gives another answer: a function of the command and of the good card's answer."""
    return _Functions(on_answer=alter)


def resets(alter: Callable[[bytes], bytes]) -> Alteration:
    """A card with another ATR."""
    return _Functions(on_reset=alter)


class BrokenTarget:
    """A target with an alteration between it and the bench."""

    def __init__(self, target: Target, alteration: Alteration) -> None:
        self._target = target
        self._alteration = alteration

    @property
    def description(self) -> TargetDescription:
        return self._target.description

    @property
    def renewable(self) -> bool:
        return self._target.renewable

    @property
    def tearable(self) -> bool:
        return self._target.tearable

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return self._target.interfaces

    @property
    def interface(self) -> Interface:
        return self._target.interface

    def connect(self) -> bytes:
        return self._alteration.reset(self._target.connect())

    def switch(self, interface: Interface) -> bytes:
        return self._alteration.reset(self._target.switch(interface))

    def answers_beside(self) -> bool | None:
        return self._target.answers_beside()

    def transmit(self, command: bytes) -> bytes:
        return self._alteration.transmit(command, self._target.transmit)

    def reset(self, cold: bool = True) -> bytes:
        return self._alteration.reset(self._target.reset(cold))

    def renew(self) -> bytes:
        return self._alteration.reset(self._target.renew())

    def keep(self) -> Callable[[], bytes]:
        put_in = self._target.keep()
        return lambda: self._alteration.reset(put_in())

    def tear(self, command: bytes, write: int) -> bytes | None:
        return self._alteration.tear(command, write, self._target.tear)

    def close(self) -> None:
        """The card behind is shared by all tests and stays."""


class Kept:
    """A target that cannot give a fresh card, as a real card in a reader; ``tear`` is refused, too."""

    renewable = False
    tearable = False

    def __init__(self, target: Target) -> None:
        self._target = target

    @property
    def description(self) -> TargetDescription:
        return self._target.description

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return self._target.interfaces

    @property
    def interface(self) -> Interface:
        return self._target.interface

    def connect(self) -> bytes:
        return self._target.connect()

    def switch(self, interface: Interface) -> bytes:
        return self._target.switch(interface)

    def answers_beside(self) -> bool | None:
        return self._target.answers_beside()

    def transmit(self, command: bytes) -> bytes:
        return self._target.transmit(command)

    def reset(self, cold: bool = True) -> bytes:
        return self._target.reset(cold)

    def renew(self) -> bytes:
        raise BenchError("this bench cannot put a fresh card in")

    def keep(self) -> Callable[[], bytes]:
        raise BenchError("this bench cannot copy the card")

    def tear(self, command: bytes, write: int) -> bytes | None:
        raise BenchError("this bench cannot cut the supply at a chosen moment")

    def close(self) -> None:
        """The card behind is shared by all tests and stays."""


@lru_cache
def product(name: str) -> Profile:
    """The profile of a product."""
    return load(name)


@lru_cache
def _card(name: str) -> InProcessTarget:
    return InProcessTarget(load_card(product(name)))


def good_card(name: str) -> InProcessTarget:
    """A good card of a product as it comes from the factory; all tests share it, one after the other."""
    target = _card(name)
    if target.interface is not Interface.CONTACT:
        target.switch(Interface.CONTACT)
    target.renew()
    return target


@dataclass(frozen=True)
class Run:
    """What a run of a suite gave."""

    outcomes: list[Outcome]
    log: list[events.Event]

    @property
    def failed(self) -> set[str | None]:
        """Requirements that a failure or a bad check names; None for a failure that names none."""
        found: set[str | None] = {outcome.failure.requirement for outcome in self.outcomes if outcome.failure}
        return found | {check.requirement for check in self.log if isinstance(check, events.Check) and not check.good}

    @property
    def judged(self) -> set[str | None]:
        """Requirements that a check outside generated properties names, whether good or bad."""
        return {check.requirement for check in self.log if isinstance(check, events.Check)}

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Verdict of every case by its identifier."""
        return {outcome.case.identifier: outcome.verdict for outcome in self.outcomes}

    def described(self, *wanted: Verdict) -> list[str]:
        """Cases with one of these verdicts, each with its reason, for the message of an assertion."""
        verdicts = {verdict.value for verdict in wanted}
        finished = (event for event in self.log if isinstance(event, events.CaseFinished))
        return [f"{event.case}: {event.verdict}: {event.reason}" for event in finished if event.verdict in verdicts]


def run(
    suite: Suite,
    name: str,
    alteration: Alteration | None = None,
    *,
    only: str | tuple[str, ...] = (),
    seed: int = 0,
    level: Level = Level.QUICK,
    destructive: bool = True,
    kept: bool = False,
    profile: Profile | None = None,
    card: InProcessTarget | None = None,
) -> Run:
    """Run a suite, or its cases whose identifiers begin with ``only``, on a card of a product.

    ``kept``: the card cannot be renewed between cases. ``profile``: what the card is declared to be, if not the product.
    ``card``: another card than the good one of the product.
    """
    target: Target = BrokenTarget(card or good_card(name), alteration or Alteration())
    if kept:
        target = Kept(target)
    log: list[events.Event] = []
    plan = Plan(
        profile=profile or product(name),
        seed=seed,
        level=level,
        destructive=destructive,
        only=(only,) if isinstance(only, str) else only,
    )
    engine = Engine(plan, target, [suite], log.append, NoRedaction())
    outcomes = list(engine.run())
    return Run(outcomes, log)


def failed(
    suite: Suite, name: str, alteration: Alteration, *, only: str | tuple[str, ...] = (), seed: int = 0
) -> set[str | None]:
    """The requirements that a suite finds violated by a broken card."""
    return run(suite, name, alteration, only=only, seed=seed).failed


def assert_good(result: Run) -> None:
    """No case of a run failed, broke off or stayed undecided, and there was at least one that passed."""
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN) == []
    assert Verdict.PASS in result.verdicts.values()
    assert not [event for event in result.log if isinstance(event, events.RunFinished) and event.interrupted]


def assert_judged(result: Run) -> None:
    """Every case of a run ended with a verdict on the card, none with trouble at the bench."""
    assert result.outcomes
    assert result.described(Verdict.ERROR) == []
    assert not [event for event in result.log if isinstance(event, events.RunFinished) and event.interrupted]


def assert_left_as_it_was(suite: Suite, name: str) -> None:
    """On a card that cannot be exchanged and may not be given up a suite passes and changes no byte."""
    before = dict(good_card(name).card.memory.cells)
    result = run(suite, name, kept=True, destructive=False)
    after = dict(_card(name).card.memory.cells)
    assert {cell for cell in before | after if before.get(cell) != after.get(cell)} == set()
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []


class _Noise(Alteration):
    """Answers that have nothing to do with the commands: random bytes, the same in every run."""

    def __init__(self, longest: int, ending: bytes = b"", share: float = 1.0) -> None:
        self._random = random.Random(longest)  # noqa: S311 - the tests must repeat
        self._longest = longest
        self._ending = ending
        self._share = share

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if self._random.random() >= self._share:
            return answer
        return self._random.randbytes(self._random.randint(0, self._longest)) + self._ending


HOSTILE: dict[str, Callable[[], Alteration]] = {
    "mute": lambda: answers(lambda command, answer: b""),
    "one byte": lambda: answers(lambda command, answer: b"\x90"),
    "always 9000": lambda: answers(lambda command, answer: OK),
    "always 6100": lambda: answers(lambda command, answer: b"\x61\x00"),
    "always 6C00": lambda: answers(lambda command, answer: b"\x6c\x00"),
    "always 6F00": lambda: answers(lambda command, answer: b"\x6f\x00"),
    "no data": lambda: answers(lambda command, answer: answer[-2:]),
    "one byte of data": lambda: answers(lambda command, answer: b"\xff" + answer[-2:]),
    "data cut": lambda: answers(lambda command, answer: answer[1:-3] + answer[-2:]),
    "too much data": lambda: answers(lambda command, answer: answer[:-2] + bytes(600) + answer[-2:]),
    "noise": lambda: _Noise(40),
    "noise with 9000": lambda: _Noise(300, OK),
    "some noise": lambda: _Noise(20, OK, 0.1),
    "no reset answer": lambda: resets(lambda atr: b""),
    "another reset answer": lambda: resets(lambda atr: bytes(len(atr))),
}
"""Cards that make no sense, each made anew: a suite must fail on them cleanly."""


# Reading commands and writing answers


def is_command(
    command: bytes,
    *,
    cla: int | None = None,
    ins: int | None = None,
    p1: int | None = None,
    p2: int | None = None,
    data: bytes | None = None,
) -> bool:
    """Whether a command has the bytes that are given; ``data`` are the first bytes of the data field."""
    if len(command) < 4:
        return False
    wanted = zip((cla, ins, p1, p2), command[:4], strict=True)
    fits = all(byte is None or byte == found for byte, found in wanted)
    return fits and (data is None or (len(command) > 5 and command[5:].startswith(data)))


def is_good(answer: bytes) -> bool:
    """Whether an answer ends with 9000 or promises more with 61xx."""
    return answer[-2:] == OK or answer[-2:-1] == b"\x61"


def word(sw: int) -> bytes:
    """A status word as an answer."""
    return sw.to_bytes(2)


def changed(old: int, new: int, ins: int | None = None) -> Alteration:
    """A card with another status word, perhaps only for an instruction."""
    return answers(lambda c, a: a[:-2] + word(new) if a[-2:] == word(old) and is_command(c, ins=ins) else a)
