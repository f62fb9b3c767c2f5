"""The card register 卡登记 of the insurance centre: states of cards, who may change them, and replacement as one act."""

from __future__ import annotations

import sqlite3

from conformance.actors.medical.books import Books, RegisteredCard
from conformance.actors.medical.messages import CardState, Channel

TRANSITIONS: dict[CardState, frozenset[CardState]] = {
    CardState.SEALED: frozenset({CardState.NORMAL, CardState.CANCELLED}),
    CardState.NORMAL: frozenset(
        {CardState.TEMPORARILY_LOST, CardState.FORMALLY_LOST, CardState.LOCKED, CardState.CANCELLED}
    ),
    CardState.TEMPORARILY_LOST: frozenset({CardState.NORMAL, CardState.FORMALLY_LOST, CardState.CANCELLED}),
    CardState.FORMALLY_LOST: frozenset({CardState.NORMAL, CardState.CANCELLED}),
    CardState.LOCKED: frozenset({CardState.NORMAL, CardState.CANCELLED}),
    CardState.CANCELLED: frozenset(),
}
BY_PHONE = frozenset({(CardState.NORMAL, CardState.TEMPORARILY_LOST), (CardState.TEMPORARILY_LOST, CardState.NORMAL)})
"""What a holder may do who is not there: 口头挂失 and its 解挂."""


def _at_window_alone(source: CardState, target: CardState) -> bool:
    """书面挂失, and its 解挂: in writing, with the identity document."""
    return target is CardState.FORMALLY_LOST or (source, target) == (CardState.FORMALLY_LOST, CardState.NORMAL)


class Register:
    """The register over the centre's books; every change is one transaction, and raises ValueError where no rule allows it."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def enter(self, card: RegisteredCard) -> None:
        """A new card, sealed or in use."""
        with self._books.transaction():
            try:
                self._books.enter_card(card)
            except sqlite3.IntegrityError as error:
                raise ValueError(f"card {card.card} cannot be registered: {_reason(error)}") from error

    def change(self, card: str, state: CardState, channel: Channel) -> None:
        """Another state of a card."""
        with self._books.transaction():
            self._act(self._found(card), state, channel)

    def replace(self, new: str, old: str, channel: Channel) -> None:
        """The old card cancelled and the new one, which is sealed, in use: both or neither. Once more is no error."""
        with self._books.transaction():
            successor, predecessor = self._found(new), self._found(old)
            if successor.person != predecessor.person:
                raise ValueError(f"cards {new} and {old} are of two persons")
            if (successor.state, predecessor.state) == (CardState.NORMAL, CardState.CANCELLED):
                return
            if successor.state is not CardState.SEALED:
                raise ValueError(f"card {new} is {successor.state.name} and cannot take the place of another one")
            if predecessor.state is CardState.CANCELLED:
                raise ValueError(f"card {old} is cancelled already; nothing is left to replace")
            self._act(predecessor, CardState.CANCELLED, channel)
            self._act(successor, CardState.NORMAL, channel)

    def _found(self, card: str) -> RegisteredCard:
        found = self._books.card(card)
        if found is None:
            raise ValueError(f"card {card} is not registered")
        return found

    def _act(self, card: RegisteredCard, state: CardState, channel: Channel) -> None:
        step = card.state, state
        if state not in TRANSITIONS[card.state]:
            raise ValueError(f"card {card.card} is {card.state.en} and cannot become {state.en}")
        if channel is Channel.PHONE and step not in BY_PHONE:
            raise ValueError(f"card {card.card} is {card.state.en} and becomes {state.en} at a window, not by phone")
        if channel is not Channel.WINDOW and _at_window_alone(*step):
            raise ValueError(f"card {card.card} is {card.state.en} and becomes {state.en} at a window alone")
        try:
            self._books.enter_act(card, state, channel)
        except sqlite3.IntegrityError as error:
            raise ValueError(f"card {card.card} cannot become {state.en}: {_reason(error)}") from error


def _reason(error: sqlite3.IntegrityError) -> str:
    """The rule that was broken; nothing of a person."""
    text = str(error)
    if "card.person" in text:
        return "the person has another one in use, or being issued"
    if "card.card" in text:
        return "the identification is registered already"
    if "FOREIGN KEY" in text:
        return "the person is not known"
    return text
