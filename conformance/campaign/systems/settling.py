"""Rows TERM and CTR: what the card's log, the messages and the centre's books show of terminal and centre."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.actors.medical.messages import Mode
from conformance.campaign.flows.hospital import HospitalFlow, HospitalWorld
from conformance.campaign.outside.books import NORMAL, CentreBooks, Settled
from conformance.campaign.outside.facts import Probes
from conformance.campaign.outside.social import Booked
from conformance.campaign.rules import CLEARED, SETTLEMENT, Case
from conformance.campaign.seams import Passed
from conformance.campaign.systems.trace import done, messages

Breaches = Iterator[tuple[str, str]]
INITIALIZE, DEBIT, PROOF = 0x28, 0x2C, 0x32
CARD = "card"


def _passed(case: Case) -> list[Passed]:
    return case.world.seams.passed


def _flow(case: Case) -> HospitalFlow | None:
    return case.world.flow if isinstance(case.world, HospitalWorld) else None


def _settled_by_card(case: Case) -> list[tuple[Booked, Settled | None]]:
    """Each settlement that the card logged in the trial, with the one that the centre has of this card and number."""
    found = []
    for name, facts in case.after.chips.items():
        medical, old = facts.medical, case.before.chips[name].medical
        if medical is None or case.after.centre is None:
            continue
        known = {each.number for each in old.log} if old is not None else set()
        here = {each.card_number: each for each in case.after.centre.settlements if each.card == facts.identification}
        new = [each for each in medical.log if each.kind == SETTLEMENT and each.number not in known]
        found += [(each, here.get(each.number)) for each in new]
    return found


def no_purchase_without_quote(case: Case) -> Breaches | None:
    """TERM-002: where the pre-settlement gave no quote, no INITIALIZE FOR PURCHASE follows until one does."""
    flow = _flow(case)
    if flow is None or flow.mode is not Mode.ONLINE:
        return None
    asked = list(messages(_passed(case), "centre", "pre_settle"))
    refused = {at for at, each in asked if each.answer is None or each.answer.refusal is not None}
    return _purchases(case, asked, refused) if refused else None


def _purchases(case: Case, asked: list[tuple[int, Passed]], refused: set[int]) -> Breaches:
    ends = [at for at, _ in asked[1:]] + [len(_passed(case))]
    for (at, _), end in zip(asked, ends, strict=True):
        between = _passed(case)[at + 1 : end]
        if at in refused and any(
            each.side == CARD and isinstance(each.sent, bytes) and each.sent[1] == INITIALIZE for each in between
        ):
            yield "预结算失败后仍向卡发消费命令", "a purchase command went to the card after a failed pre-settlement"


def amounts_on_line(case: Case) -> Breaches | None:
    """TERM-003: the card logs 0, the whole bill, account and fund together."""
    flow = _flow(case)
    settled = _settled_by_card(case)
    if flow is None or flow.mode is not Mode.ONLINE or not any(there for _, there in settled):
        return None
    return _other_amounts(settled)


def _other_amounts(settled: list[tuple[Booked, Settled | None]]) -> Breaches:
    for booked, there in settled:
        if there is not None:
            wanted = (0, there.account + there.own + there.fund, there.account + there.fund)
            if booked.amounts != wanted:
                yield (
                    f"卡上第 {booked.number} 笔金额 {booked.amounts}，应为 {wanted}",
                    f"settlement {booked.number} has the amounts {booked.amounts} on the card, not {wanted}",
                )


def codes_reach_the_centre(case: Case) -> Breaches | None:
    """TERM-006: the TAC of each settlement on the card is at the centre, whatever failed between."""
    settled = _settled_by_card(case)
    return _lost_codes(settled) if settled else None


def _lost_codes(settled: list[tuple[Booked, Settled | None]]) -> Breaches:
    for booked, there in settled:
        if there is None or not there.tac:
            yield f"卡上第 {booked.number} 笔的 TAC 未送达中心", f"the centre has no TAC of settlement {booked.number}"


def offline_uploaded(case: Case) -> Breaches | None:
    """TERM-015: in an area that settles off line, nothing of the card's log is missing at the centre after the uploads."""
    flow = _flow(case)
    if flow is None or flow.mode is Mode.ONLINE or not any(messages(_passed(case), "centre", "upload")):
        return None
    return _lost_codes(_settled_by_card(case))


def only_codes_of_the_card(case: Case) -> Breaches | None:
    """CTR-003: what the centre cleared has a TAC that the card itself gave, by DEBIT or by its proof."""
    centre, before = case.after.centre, case.before.centre
    if _flow(case) is None or centre is None or before is None:
        return None
    old = {each.number for each in before.settlements}
    fresh = [each for each in centre.settlements if each.state == CLEARED and each.tac and each.number not in old]
    return _foreign_codes(case, fresh) if fresh else None


def offline_codes_of_the_card(case: Case) -> Breaches | None:
    """CTR-008: so it is with what was uploaded."""
    flow = _flow(case)
    if flow is None or flow.mode is Mode.ONLINE or not any(messages(_passed(case), "centre", "upload")):
        return None
    return only_codes_of_the_card(case)


def _foreign_codes(case: Case, fresh: list[Settled]) -> Breaches:
    given = [each.answer.hex() for each in done(_passed(case), CARD) if each.ins in (DEBIT, PROOF)]
    for each in fresh:
        if not any(each.tac.lower() in answer for answer in given):
            yield (
                f"结算 {each.number} 的 TAC 不是卡给出的",
                f"the TAC of settlement {each.number} is none that the card gave",
            )


def cleared_once(case: Case) -> Breaches | None:
    """CTR-007: a settlement that came to the centre more than once is booked once."""
    came: Counter[str] = Counter(
        each.detail for _, each in messages(_passed(case), "centre", "settle", "upload") if each.detail
    )
    twice = {place.what for strike, place in case.world.seams.struck if strike.failure.name == "sent-twice"}
    repeated = any(count > 1 for count in came.values()) or bool(twice & {"centre settle", "centre upload"})
    if _flow(case) is None or case.after.centre is None or not repeated:
        return None
    return _cleared_again(case)


def _cleared_again(case: Case) -> Breaches:
    centre = case.after.centre
    covered = Counter((each.card, each.covered) for each in (centre.settlements if centre else ()) if each.covered)
    for count in covered.values():
        if count > 1:
            yield f"同一交易清算 {count} 次", f"one transaction was cleared {count} times"
    for entry in case.after.money["centre"].repeated:
        yield f"中心重复记账：{entry[-1]}", f"the centre booked {entry[-1]} more than once"


def states_refused(case: Case) -> Breaches | None:
    """CTR-012: the centre gives no quote for a card that is sealed, lost, locked or cancelled in its register.

    Right after a failure the chips that can still tell their identification are asked for; in the end every card of the register.
    """
    struck, after = case.struck, case.after.centre
    then = {
        name: facts.settles
        for name, facts in struck.chips.items()
        if struck.centre is not None and _is_off(struck.centre, facts.identification or "")
    }
    off = [card for card in after.cards if _is_off(after, card)] if after is not None else []
    return _quoted(case, then, off) if then or off else None


def _is_off(centre: CentreBooks, card: str) -> bool:
    return card in centre.cards and centre.cards[card][1] != NORMAL


def _quoted(case: Case, then: dict[str, bool], off: list[str]) -> Breaches:
    for name, settles in then.items():
        if settles:
            yield f"状态不正常的 {name} 仍可预结算", f"the centre gives a quote for {name}, which is not in use"
    after, probes = case.after.centre, Probes(case.world)
    try:
        for number, card in enumerate(off):
            if after is not None and probes.settles(f"off {number}", after.cards[card][0], card):
                yield (
                    "状态不正常的卡仍可预结算",
                    "the centre gives a quote for a card that its register has as not in use",
                )
    finally:
        probes.close()


CHECKS = {
    "SSC-TERM-002": no_purchase_without_quote,
    "SSC-TERM-003": amounts_on_line,
    "SSC-TERM-006": codes_reach_the_centre,
    "SSC-TERM-015": offline_uploaded,
    "SSC-CTR-003": only_codes_of_the_card,
    "SSC-CTR-007": cleared_once,
    "SSC-CTR-008": offline_codes_of_the_card,
    "SSC-CTR-012": states_refused,
}


def rows_of_hospital(flow: HospitalFlow) -> tuple[str, ...]:
    """The rows that a flow at a hospital can show; a card there stays in use."""
    online, offline = ("SSC-TERM-002", "SSC-TERM-003"), ("SSC-TERM-015", "SSC-CTR-008")
    left_out = {"SSC-CTR-012", *(offline if flow.mode is Mode.ONLINE else online)}
    return tuple(row for row in CHECKS if row not in left_out)
