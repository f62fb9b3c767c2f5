"""The PINs of a batch's cards: in a letter or in the table, and no letter that says another PIN than the card's."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from conformance.actors.batch.letters import Letters
from conformance.actors.batch.people import Person
from conformance.actors.station import Journal, Step
from conformance.actors.station.journal import PinGiver, State

GIVEN_UP = frozenset({State.DESTROYED, State.WITHDRAWN})
PIN, BANK_PIN = "the PIN", "the bank PIN"


class Pins:
    """Letters of social security, and of the bank where the cards get its application.

    Whose PIN a card has, the station's journal knows: that of a batch, or one that the holder chose where somebody went on with
    the card at the station. Social security is given its PIN until the card is finished, the bank until it has begun the card.
    """

    def __init__(self, journal: Journal, letters: Letters, bank: Letters | None = None) -> None:
        self._journal = journal
        self._letters = letters
        self._bank = bank
        self.with_bank = bank is not None

    def _kinds(self) -> Iterator[tuple[str, Letters, Step]]:
        yield PIN, self._letters, Step.CHANGE_PIN
        if self._bank is not None:
            yield BANK_PIN, self._bank, Step.FREEZE

    def choose(self, person: Person) -> tuple[str, str]:
        """PIN and bank PIN for a card that is not finished, from the table or a letter, which is on the disk by now.

        The bank PIN is empty where there is no bank, or where it has one already.

        Raises :class:`PinProblem`.
        """
        pin = _chosen(self._letters, person, person.pin)
        if self._bank is None or self._journal.is_done(person.order.number, Step.FREEZE):
            return pin, ""
        return pin, _chosen(self._bank, person, person.bank_pin)

    def lost(self, person: Person) -> str:
        """What is to be said of a card whose bank PIN is in no letter any more, before it is gone on with."""
        number, bank = person.order.number, self._bank
        if bank is None or person.bank_pin or bank.has(number):
            return ""
        given = self._journal.is_done(number, Step.FREEZE) and self._giver(number, Step.FREEZE) is PinGiver.BATCH
        return f"the letter with {BANK_PIN} is gone; the bank must give another one" if given else ""

    def settle(self, person: Person) -> str:
        """Withdraw the letters that would lie; what is to be said of the PINs of a card that is finished."""
        number = person.order.number
        said = [f"{name} was chosen at the station" for name in self._withdraw(number)]
        known = self._journal.request(number)
        if known is not None and known.state is State.COMPLETED:
            for (name, letters, _), own in zip(self._kinds(), (person.pin, person.bank_pin), strict=False):
                if own and letters.has(number):
                    said.append(f"{name} is that of the letter; that of the table came too late")
        return "; ".join(said)

    def settle_others(self, numbers: Collection[str]) -> None:
        """Withdraw the letters that would lie of requests that are in no row any more."""
        for _, letters, _ in self._kinds():
            for number in letters.numbers():
                if number not in numbers and self._journal.request(number) is not None:
                    self._withdraw(number)

    def _withdraw(self, number: str) -> list[str]:
        """The PINs that were chosen at the station."""
        known, chosen = self._journal.request(number), []
        for name, letters, step in self._kinds():
            if known is None or known.state in GIVEN_UP:
                letters.withdraw(number)
            elif known.state is State.COMPLETED and self._giver(number, step) is PinGiver.HOLDER:
                letters.withdraw(number)
                chosen.append(name)
        return chosen

    def _giver(self, number: str, step: Step) -> PinGiver | None:
        return self._journal.pin_giver(number, step)


def _chosen(letters: Letters, person: Person, own: str | None) -> str:
    """The PIN of the table, with which no letter may lie about, or that of the letter."""
    if own is None:
        return letters.pin(person.order)
    letters.withdraw(person.order.number)
    return own
