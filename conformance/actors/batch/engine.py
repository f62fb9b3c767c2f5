"""One card after the other: open requests first, a request that was carried out never again, no person left out.

Everything that must survive lies in the station's journal, the centre's books, the chips and the PIN letters. The engine
itself keeps nothing: started again it asks the journal what became of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from conformance.actors.batch.letters import Letters, PinProblem
from conformance.actors.batch.people import Person, Wrong
from conformance.actors.batch.results import Result, State
from conformance.actors.medical.reader import CardLink
from conformance.actors.station import Ending, Outcome, Station, Step
from conformance.actors.station.journal import State as Known
from conformance.failures import BenchError

GIVEN_UP = frozenset({Known.DESTROYED, Known.WITHDRAWN})
STATES = {
    Ending.COMPLETED: State.ISSUED,
    Ending.REFUSED: State.REFUSED,
    Ending.DESTROYED: State.DESTROYED,
    Ending.INTERRUPTED: State.INTERRUPTED,
}


class ChipUnusable(Exception):
    """The chip of a request cannot be had; the message says why."""


class Chips(Protocol):
    """Where the chips come from."""

    def place(self, number: str) -> str:
        """Where the chip of a request is, for the results."""

    def take(self, number: str, *, begun: bool) -> AbstractContextManager[CardLink]:
        """The chip of a request: its own when the request has ``begun``, a blank one otherwise.

        Raises :class:`ChipUnusable`.
        """


class _NoChip:
    """For a request that was carried out: the station answers without a chip."""

    def reset(self, cold: bool = True) -> bytes:
        raise BenchError("no chip is wanted here")

    def transmit(self, command: bytes, /) -> bytes:
        raise BenchError("no chip is wanted here")


class Batch:
    """Cards for people.

    Args:
        station: The station.
        chips: Where its chips come from.
        letters: The PIN letters.
        stop: Whether to stop before the next card.
        tell: Is told of each row when it has ended.
    """

    def __init__(
        self,
        station: Station,
        chips: Chips,
        letters: Letters,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[Result], None] = lambda result: None,
    ) -> None:
        self._station = station
        self._journal = station.journal
        self._chips = chips
        self._letters = letters
        self._stop = stop
        self._tell = tell

    def go(self, people: Iterable[Person], wrong: Iterable[Wrong] = ()) -> list[Result]:
        """What became of every row, in the order of the file."""
        results = [Result(each.line, each.number, "", "", "", State.WRONG, each.field, each.reason) for each in wrong]
        for result in results:
            self._tell(result)
        for person in sorted(people, key=lambda each: not self._is_open(each)):
            result = self._waiting(person) if self._stop() else self._one(person)
            self._tell(result)
            results.append(result)
        return sorted(results, key=lambda each: each.line)

    def _is_open(self, person: Person) -> bool:
        known = self._journal.request(person.order.number)
        return known is not None and known.state is Known.OPEN

    def _waiting(self, person: Person) -> Result:
        """Not taken up in this run; it may have been issued in an earlier one."""
        known = self._journal.request(person.order.number)
        if known is None:
            return self._result(person, State.WAITING, "stopped before this card")
        if known.state is Known.OPEN:
            return self._result(person, State.INTERRUPTED, "stopped before this card was gone on with")
        return self._one(person)

    def _one(self, person: Person) -> Result:
        order = person.order
        known = self._journal.request(order.number)
        if known is not None and known.state is not Known.OPEN:
            return self._ended(person, self._station.issue(order, _NoChip(), ""))
        try:
            pin = person.pin or self._letters.pin(order)
            with self._chips.take(order.number, begun=known is not None) as link:
                if known is None:
                    return self._ended(person, self._station.issue(order, link, pin))
                self._set_pin_again(order.number)
                return self._ended(person, self._station.resume(order, link, pin))
        except (ChipUnusable, PinProblem) as problem:
            return self._result(person, State.INTERRUPTED, str(problem))

    def _set_pin_again(self, number: str) -> None:
        """The chip may have another PIN than the one that its holder will know: letter or column may be new."""
        if self._journal.is_done(number, Step.CHANGE_PIN):
            self._journal.note(number, Step.CHANGE_PIN, "failed")

    def _ended(self, person: Person, outcome: Outcome) -> Result:
        state = STATES[outcome.ending]
        known = self._journal.request(person.order.number)
        if known is None or known.state in GIVEN_UP:
            self._letters.withdraw(person.order.number)
        return self._result(person, state, "" if state is State.ISSUED else outcome.en)

    def _result(self, person: Person, state: State, reason: str) -> Result:
        order = person.order
        known = self._journal.request(order.number)
        card = known.card if known is not None and known.card is not None else ""
        place = self._chips.place(order.number) if known is not None else ""
        return Result(person.line, order.number, order.masked_person, card, place, state, "", reason)
