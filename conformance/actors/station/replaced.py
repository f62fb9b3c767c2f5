"""The card of the register that an order replaces, and what an order must find there before it begins."""

from __future__ import annotations

from conformance.actors.medical.books import RegisteredCard
from conformance.actors.medical.messages import CardState, Channel
from conformance.actors.station.desks import CentreDesk
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Kind
from conformance.actors.station.refusals import Refused

WITHOUT_FORMER = frozenset({Kind.FIRST, Kind.UPGRADE})
"""Kinds whose holder has no social security card yet."""
OVER = frozenset({CardState.CANCELLED, CardState.SEALED})


def card_in_use(centre: CentreDesk, order: Order, own: str | None) -> RegisteredCard | None:
    """The card of the order's person, lost or not, that is neither cancelled nor still being issued nor the order's own."""
    found = [card for card in centre.cards_of(order.person) if card.state not in OVER and card.card != own]
    return found[0] if found else None


def give_up(centre: CentreDesk, card: str, *, switched: bool) -> None:
    """The register's part of a chip that nobody gets.

    Until the bank's switch its card is cancelled, and the old one stays. After it the card takes the old one's place and is
    lost at once, as it is at the bank: a request for a lost card then replaces it.
    """
    found = centre.card(card)
    if found is None or found.state is CardState.CANCELLED:
        return
    if not switched:
        centre.change_card(card, CardState.CANCELLED, Channel.STATION)
        return
    if found.state is CardState.SEALED:
        others = [each for each in centre.cards_of(found.person) if each.state not in OVER and each.card != found.card]
        if others:
            centre.replace_card(card, others[0].card, Channel.STATION)
        else:
            centre.change_card(card, CardState.NORMAL, Channel.STATION)
    if found.state in (CardState.SEALED, CardState.NORMAL):
        centre.change_card(card, CardState.TEMPORARILY_LOST, Channel.STATION)


def require_register_fits(centre: CentreDesk, order: Order, own: str | None) -> None:
    """A first card and an upgrade find no card of the person but cancelled ones; all others find one to replace."""
    others = [card for card in centre.cards_of(order.person) if card.card != own]
    if order.kind in WITHOUT_FORMER:
        if any(card.state is not CardState.CANCELLED for card in others):
            raise Refused("持卡人已有社会保障卡", "the person has a card already; a first issuance is not possible")
    elif card_in_use(centre, order, own) is None:
        raise Refused(
            "持卡人没有可更换的社会保障卡", "the person has no card that could be replaced; issue a first one"
        )
