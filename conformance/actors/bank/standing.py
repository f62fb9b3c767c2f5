"""Whether a card of a number works: lost 挂失, found 解挂, given up 注销."""

from __future__ import annotations

from conformance.actors.bank.change import Answer, Outcome
from conformance.actors.bank.chips import Chips
from conformance.actors.bank.ledger import Account, CardState, Ledger

IN_USE = (CardState.ACTIVE, CardState.BLOCKED)
FOR_GOOD = (CardState.SWITCHED_OFF, CardState.CANCELLED)


def in_use(ledger: Ledger, pan: str) -> Account | None:
    """The card of a number that is active or blocked; None where the number has none."""
    return next((card for card in ledger.cards(pan) if card.state in IN_USE), None)


def stand(ledger: Ledger, pan: str, chip: str, state: CardState, *, frozen: bool) -> Answer:
    """Bring a card into a state: that which the chip with this 卡的识别码 carries, otherwise the one in use.

    A replaced card shares its number with the one that took its place: what is said of the old chip must not reach the new card.

    Args:
        chip: Identification as the data return named it; empty, or unknown to the bank: the card in use is meant.
        frozen: Whether a change of the number is open, during which no card of it is touched.
    """
    card = _carried(ledger, pan, chip) or in_use(ledger, pan) or (None if frozen else _given_up(ledger, pan))
    if card is not None and (card.state is state or (state is CardState.CANCELLED and card.state in FOR_GOOD)):
        return Answer(Outcome.FROZEN if frozen and card.state in IN_USE else Outcome.DONE_BEFORE, card.sequence)
    if card is None or card.state not in IN_USE:
        return Answer(Outcome.NO_SUCH_CARD)
    if frozen:
        return Answer(Outcome.FROZEN)
    ledger.set_state(card, state)
    return Answer(Outcome.DONE, card.sequence)


def _carried(ledger: Ledger, pan: str, chip: str) -> Account | None:
    """The card that a chip carries, as its data return said."""
    sequence = Chips(ledger).sequence_of(chip, pan)
    return None if sequence is None else ledger.account(pan, sequence)


def _given_up(ledger: Ledger, pan: str) -> Account | None:
    """The last card of a number, where it was cancelled."""
    last = next(reversed(ledger.cards(pan)), None)
    return last if last is not None and last.state is CardState.CANCELLED else None
