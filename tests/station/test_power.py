"""The machine of a virtual chip loses its power: what the chip's file had not written is gone, and the card is finished all the same."""

from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.actors.station import Ending, Step
from conformance.targets.in_process import virtual_target
from emulator.cos.image import open_image
from profiles import load
from tests.station.whole import BANK_PIN, WholeWorld, whole
from tests.station.world import NEW, Killed


class Behind:
    """A chip whose file lags behind: it holds what it held at the last flush, or at some command since."""

    def __init__(self, target, at):
        self._target = target
        self._left = at
        self.held = [target.card.snapshot()]

    def reset(self, cold=True):
        return self._target.reset(cold)

    def transmit(self, command, /):
        self._left -= 1
        if self._left == 0:
            raise Killed
        answer = self._target.transmit(command)
        self.held.append(self._target.card.snapshot())
        return answer

    def flush(self):
        self.held = [self._target.card.snapshot()]


def issued(world, link, listener=lambda told: None):
    return world.station(listener).issue(world.order, link, NEW, bank_pin=BANK_PIN)


@cache
def commands():
    world = WholeWorld(whole("ssc3-sm4"), prepared=True)
    link = Behind(world.target, 0)
    assert issued(world, link).ending is Ending.COMPLETED
    return -link._left


def lose_power(held, start):
    """At a command or, where ``start`` breaks off, at a step; ``held`` says how much since the last flush is there."""
    world = WholeWorld(whole("ssc3-sm4"), prepared=True)
    link = start(world)
    world.card.restore(link.held[round(held * (len(link.held) - 1))])
    known = world.journal.request(world.order.number)
    outcome = issued(world, world.target) if known is None else world.resume()
    assert outcome.ending is Ending.COMPLETED, outcome
    world.settled(outcome)


@settings(max_examples=12, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
@example(0.97, 0.0)
@example(0.5, 0.0)
def test_the_power_fails_at_any_command(at, held):
    def start(world):
        link = Behind(world.target, 1 + round(at * (commands() - 1)))
        with pytest.raises(Killed):
            issued(world, link)
        return link

    lose_power(held, start)


@pytest.mark.parametrize("step", [step for step in Step if step not in (
    Step.VERIFY_HOLDER, Step.BLOCK_OLD, Step.RETURN_E_CASH, Step.RETURN)])  # fmt: skip
def test_the_power_fails_when_the_journal_has_the_end_of_a_step(step):
    """With all that was not asked for lost: the chip holds what the journal says, or the next step would fail."""

    def kill(told):
        if told.step is step and told.done:
            raise Killed

    def start(world):
        link = Behind(world.target, 0)
        with pytest.raises(Killed):
            issued(world, link, kill)
        return link

    lose_power(0.0, start)


def test_an_image_that_is_written_behind_holds_what_it_was_asked_for(tmp_path):
    image = tmp_path / "card.sscard"
    target = virtual_target(load("ssc3-blank"), image)
    target.write_behind()
    target.card.memory.commit({"note": b"kept"})
    target.flush()
    copy = tmp_path / "copy.sscard"
    copy.write_bytes(image.read_bytes())  # the file alone, without its log
    kept = open_image(copy)
    assert kept.cells["note"] == b"kept"
    kept.close()
    target.card.memory.commit({"note": b"behind"})
    target.close()
    closed = open_image(image)
    assert closed.cells["note"] == b"behind"
    closed.close()
