"""The steps of an issuance that work at the insurance centre and in the station's own books."""

from __future__ import annotations

from conformance.actors.bank.change import ChipReturn, Outcome
from conformance.actors.medical.messages import CardState, Channel
from conformance.actors.medical.reader import ENVIRONMENT, CardGone, CardRefused
from conformance.actors.station.application_steps import note_what_waits
from conformance.actors.station.desks import IssuerDesk
from conformance.actors.station.outcome import Return
from conformance.actors.station.refusals import Destroyed, Refused
from conformance.actors.station.replaced import WITHOUT_FORMER, card_in_use, require_register_fits
from conformance.actors.station.work import Work
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.shown import ShownCard, shown_card


def register(work: Work) -> None:
    """The card enters the register, sealed; a card of this identification that is another one ends the chip."""
    try:
        try:
            _enter(work)
        except ValueError:  # perhaps because the centre was asked twice: what it has is looked at once more
            _enter(work)
    except Destroyed:
        raise
    except (Refused, ValueError) as problem:
        raise Destroyed("中心拒绝登记", str(problem)) from problem


def _enter(work: Work) -> None:
    centre, order, card = work.equipment.centre, work.order, work.data.identification
    found = centre.card(card)
    if found is not None:
        if found.person != order.person or found.state is CardState.CANCELLED:
            raise Destroyed("识别码已登记", "the centre has this identification for another card")
        return
    require_register_fits(centre, order, card)
    if centre.inquire(order.person) is None:
        centre.insure(order.person, order.name)
    centre.register(card, order.person, work.chip.reset(), CardState.SEALED)


def activate(work: Work) -> None:
    """启用 at the centre, once; a card that is replaced is cancelled by the same act."""
    centre, card = work.equipment.centre, work.data.identification
    found = centre.card(card)
    if found is not None and found.state is CardState.NORMAL:
        return
    try:
        first = work.order.kind in WITHOUT_FORMER
        old = None if first else card_in_use(centre, work.order, own=card)
        if old is None:
            centre.change_card(card, CardState.NORMAL, Channel.STATION)
        else:
            centre.replace_card(card, old.card, Channel.STATION)
    except ValueError as problem:
        raise Destroyed("中心拒绝启用", str(problem)) from problem


def return_data(work: Work) -> None:
    """数据回盘: the bank hears which chip carries its card, then the request is completed with what the chip shows."""
    order, reader = work.order, work.reader()
    version = reader.text(f"{ENVIRONMENT}/EF05", "03")
    atr = reader.atr.hex().upper()
    number = _return_to_bank(work, work.bank, atr, version) if work.bank is not None else ""
    returned = Return(order.number, work.data.identification, atr, version, number, order.masked_person)
    work.equipment.journal.complete(order.number, returned)
    note_what_waits(work)


def _return_to_bank(work: Work, bank: IssuerDesk, atr: str, version: str) -> str:
    """The account number, masked, and the card sequence number that the new chip shows."""
    shown = financial(work)
    chip = ChipReturn(work.data.identification, atr, version, shown.account_number, shown.sequence_number)
    number = work.order.number
    answer = bank.cards.record(f"{number}/return", number, chip)
    if answer.outcome not in (Outcome.DONE, Outcome.DONE_BEFORE):
        raise Refused("银行拒绝回盘", f"the bank refuses the data return: {answer.outcome}")
    return shown.masked


def financial(work: Work) -> ShownCard:
    """What the financial application of the new chip shows; raises what a card raises."""
    work.chip.reset()
    try:
        return shown_card(work.link)
    except Ended as ended:
        if ended.reason is Reason.CARD_LOST:
            raise CardGone(ended.detail) from ended
        raise CardRefused("金融应用无法读取", f"the financial application cannot be read: {ended.detail}") from ended
