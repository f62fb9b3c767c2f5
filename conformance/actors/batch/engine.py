"""One card after the other: open requests first, a request that was carried out never again, no person left out.

Everything that must survive lies in the station's journal, the books of centre and bank, the chips and the PIN letters. The engine
itself keeps nothing: started again it asks the journal what became of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from conformance.actors.batch.letters import PinProblem
from conformance.actors.batch.people import Person, Wrong
from conformance.actors.batch.pins import Pins
from conformance.actors.batch.results import Result, State
from conformance.actors.medical.reader import CardLink
from conformance.actors.station import Ending, Outcome, Station
from conformance.actors.station.journal import PinGiver
from conformance.actors.station.journal import State as Known
from conformance.failures import BenchError

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

    def has(self, number: str) -> bool:
        """Whether the chip of a request is here."""

    def put_back(self, number: str) -> None:
        """The chip of a request that did not begin, or was withdrawn: nothing was done to it, and it is nobody's."""


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
        pins: Where the PINs of its cards come from.
        stop: Whether to stop before the next card.
        tell: Is told of each row when it has ended.
    """

    def __init__(
        self,
        station: Station,
        chips: Chips,
        pins: Pins,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[Result], None] = lambda result: None,
    ) -> None:
        self._station = Station(replace(station.equipment, pins=PinGiver.BATCH), station.listener)
        self._journal = station.journal
        self._chips = chips
        self._pins = pins
        self._stop = stop
        self._tell = tell

    def go(self, people: Iterable[Person], wrong: Iterable[Wrong] = ()) -> list[Result]:
        """What became of every row, in the order of the file, and of requests that lost their row while they are open."""
        good = list(people)
        numbers = {person.order.number for person in good}
        self._pins.settle_others(numbers)
        results = [*self._without_good_row(list(wrong), numbers)]
        for result in results:
            self._tell(result)
        for person in sorted(good, key=lambda each: not self._is_open(each)):
            result = self._waiting(person) if self._stop() else self._one(person)
            self._tell(result)
            results.append(result)
        return sorted(results, key=lambda each: each.line)

    def _without_good_row(self, wrong: list[Wrong], good: set[str]) -> list[Result]:
        """The rows that are wrong, and every request that is open with its chip here and has no good row."""
        left = {
            each.number
            for each in self._journal.open_requests()
            if each.number not in good and self._chips.has(each.number)
        }
        results = [
            Result(each.line, each.number, "", "", "", "", State.WRONG, each.field, each.reason) for each in wrong
        ]
        results = [self._left_open(each) if each.number in left else each for each in results]
        rows = {each.number for each in wrong}
        gone = (Result(0, number, "", "", "", "", State.WRONG) for number in sorted(left - rows))
        return [*results, *(self._left_open(each) for each in gone)]

    def _left_open(self, result: Result) -> Result:
        reason = result.reason or "no row of the table has this number"
        advice = f"its request is open: put the row back as it was, or: sscard station destroy {result.number}"
        image = self._chips.place(result.number)
        return replace(result, image=image, state=State.INTERRUPTED, reason=f"{reason}; {advice}")

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
        if known is not None and (known.state is not Known.OPEN or not self._journal.has_same_contents(order)):
            return self._ended(person, self._station.issue(order, _NoChip(), ""))
        lost = self._pins.lost(person)
        try:
            pin, bank_pin = self._pins.choose(person)
            with self._chips.take(order.number, begun=known is not None) as link:
                if known is None:
                    outcome = self._station.issue(order, link, pin, bank_pin=bank_pin)
                else:
                    outcome = self._station.resume(order, link, pin, bank_pin=bank_pin)
        except (ChipUnusable, PinProblem) as problem:
            return self._result(person, State.INTERRUPTED, str(problem))
        return self._ended(person, outcome, lost)

    def _ended(self, person: Person, outcome: Outcome, lost: str = "") -> Result:
        number = person.order.number
        known = self._journal.request(number)
        said = self._pins.settle(person)
        if known is None or known.state is Known.WITHDRAWN:
            self._chips.put_back(number)
        state = STATES[outcome.ending]
        if state is State.REFUSED and known is not None and known.state is Known.OPEN:
            return self._left_open(self._result(person, state, outcome.en))
        if state is not State.ISSUED:
            return self._result(person, state, outcome.en)
        if self._pins.with_bank and known is not None and known.returned and not known.returned.bank_number:
            lost = "was issued without the bank's application"
        return self._result(person, state, "; ".join(each for each in (lost, said) if each))

    def _result(self, person: Person, state: State, reason: str) -> Result:
        order = person.order
        known = self._journal.request(order.number)
        untouched = known is None or known.state is Known.WITHDRAWN
        card = known.card if known is not None and known.card is not None and not untouched else ""
        account = known.returned.bank_number if state is State.ISSUED and known and known.returned else ""
        place = "" if untouched else self._chips.place(order.number)
        return Result(person.line, order.number, order.masked_person, card, account, place, state, "", reason)
