"""The steps of an issuance that work at the bank. Each names its request by that of the order, so that it is carried out once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from conformance.actors.bank.change import Answer, ChangeKind, Outcome
from conformance.actors.station.desks import IssuerDesk
from conformance.actors.station.former import NEW_SEQUENCE, OldCard
from conformance.actors.station.order import EXPIRES
from conformance.actors.station.outcome import Kind, Step
from conformance.actors.station.refusals import Refused, Unfinished
from conformance.actors.station.work import Work

KINDS: Mapping[Kind, ChangeKind] = {
    Kind.FIRST: ChangeKind.FIRST,
    Kind.UPGRADE: ChangeKind.UPGRADE,
    Kind.REPLACEMENT: ChangeKind.REPLACEMENT,
    Kind.GENERATION: ChangeKind.REPLACEMENT,
    Kind.DIFFERENT_NUMBER: ChangeKind.DIFFERENT_NUMBER,
}
REASONS: Mapping[Outcome, str] = {
    Outcome.FROZEN: "另一台设备正在办理该卡号",
    Outcome.NO_SUCH_CARD: "银行没有该卡号的在用卡",
    Outcome.BLOCKED: "账户已冻结",
    Outcome.OTHER_HOLDER: "账户不属于该持卡人",
    Outcome.NUMBER_TAKEN: "新卡号已被使用",
    Outcome.UNDONE: "该申请已撤销",
}


def freeze(work: Work) -> None:
    """开始换卡 at the bank, or 开户 for a first card: from here no other station can change a card of the number."""
    bank, order = _bank(work), work.order
    former = order.former
    if order.kind is Kind.FIRST:
        answer = bank.cards.open(
            order.number, former.account, holder=order.name, identity=order.person, pin=work.bank_pin
        )
    else:
        lost = former.old_card is OldCard.LOST
        present = former.old_card is OldCard.PRESENT
        answer = bank.cards.freeze(
            *(order.number, former.account, KINDS[order.kind]),
            lost=lost,
            card_present=present,
            identity=order.person,
        )
    if answer.outcome is Outcome.NOT_VERIFIED:
        work.equipment.journal.note(order.number, Step.VERIFY_HOLDER, "failed")
        raise Unfinished("须重新核验持卡人", f"verify the holder again: {answer.outcome}")
    _accept(answer)


def order_card(work: Work) -> None:
    """The bank orders the new card: the next sequence number of the same account number, or another number."""
    bank, order = _bank(work), work.order
    expiry = order.values[EXPIRES]
    month = date(int(expiry[:4]), int(expiry[4:6]), 1)
    another = order.former.new_account if order.kind is Kind.DIFFERENT_NUMBER else ""
    _accept(
        bank.cards.order(
            *(f"{order.number}/order", order.number, month), pan=another, sequence=NEW_SEQUENCE, pre_made=False
        )
    )


def switch(work: Work) -> None:
    """The one moment: the old card off, the new one on. From here there is no way back."""
    number = work.order.number
    _accept(_bank(work).cards.switch(f"{number}/switch", number))


def return_e_cash(work: Work) -> None:
    """E-cash of the old card back to its account, once; of a chip at large when its end is known."""
    cards, number = _bank(work).cards, work.order.number
    change = cards.change(number)
    if change is None:
        raise Refused("银行无此申请", "the bank does not know the change")
    answer = cards.return_e_cash(f"{number}/e-cash", change.pan, change.old_sequence)
    if answer.outcome is Outcome.CHIP_AT_LARGE:
        work.note("旧芯片未锁定，电子现金余额待退", "the e-cash of the old chip goes back when its end is known")
        return
    _accept(answer)


def take_back(bank: IssuerDesk, number: str) -> bool:
    """Undo a request at the bank, as far as it came; whether its cards were switched already.

    After the switch there is nothing to undo: the new card, which nobody gets, is off as a lost one is.
    """
    answer = bank.cards.undo(f"{number}/undo", number)
    if answer.outcome is not Outcome.SWITCHED:
        return False
    change = bank.cards.change(number)
    card = None if change is None else bank.cards.in_use(change.new_pan)
    if change is not None and card is not None and card.sequence == change.new_sequence:
        bank.cards.report_lost(f"{number}/lost", change.new_pan)
    return True


def _bank(work: Work) -> IssuerDesk:
    if work.bank is None:
        raise Refused("未连接银行", "the station has no bank for this order")
    return work.bank


def _accept(answer: Answer) -> None:
    if answer.outcome not in (Outcome.DONE, Outcome.DONE_BEFORE):
        zh = REASONS.get(answer.outcome, "银行拒绝")
        raise Refused(zh, f"the bank refuses: {answer.outcome}")
