"""The steps of an issuance that work at the insurance centre and in the station's own books."""

from __future__ import annotations

from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.reader import ENVIRONMENT
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Return
from conformance.actors.station.refusals import Destroyed, Refused
from conformance.actors.station.work import Work


def require_no_card(centre: Centre, order: Order, own: str | None) -> None:
    """First issuance: the register has no card of the person but cancelled ones and its ``own``."""
    others = [card for card in centre.books.cards_of(order.person) if card.card != own]
    if any(card.state is not CardState.CANCELLED for card in others):
        raise Refused("持卡人已有社会保障卡", "the person has a card already; a first issuance is not possible")


def register(work: Work) -> None:
    """The card enters the register, sealed; a card of this identification that is another one ends the chip."""
    centre, order, card = work.equipment.centre, work.order, work.data.identification
    found = centre.books.card(card)
    if found is not None:
        if found.person != order.person or found.state is CardState.CANCELLED:
            raise Destroyed("识别码已登记", "the centre has this identification for another card")
        return
    try:
        require_no_card(centre, order, card)
        if centre.inquire(order.person) is None:
            centre.insure(order.person, order.name)
        centre.register(card, order.person, work.chip.reset(), CardState.SEALED)
    except (Refused, ValueError) as problem:
        raise Destroyed("中心拒绝登记", str(problem)) from problem


def activate(work: Work) -> None:
    """启用 at the centre, once."""
    centre, card = work.equipment.centre, work.data.identification
    found = centre.books.card(card)
    if found is not None and found.state is CardState.NORMAL:
        return
    try:
        centre.change_card(card, CardState.NORMAL)
    except ValueError as problem:
        raise Destroyed("中心拒绝启用", str(problem)) from problem


def return_data(work: Work) -> None:
    """数据回盘; the request is completed with it."""
    order, reader = work.order, work.reader()
    version = reader.text(f"{ENVIRONMENT}/EF05", "03")
    returned = Return(
        order.number, work.data.identification, reader.atr.hex().upper(), version, "", order.masked_person
    )
    work.equipment.journal.complete(order.number, returned)
