"""The eight rules that must hold at every moment, whatever fails; each judges facts that were looked at from the outside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from conformance.campaign.outside.books import CentreBooks, MoneyBooks
from conformance.campaign.outside.facts import ChipFacts, Facts
from conformance.campaign.tables import masked
from conformance.campaign.world import ENDINGS, Person, World

SETTLEMENT = "2"
CLEARED, REVERSED = "cleared", "reversed"


@dataclass(frozen=True, slots=True)
class Case:
    """A trial to be judged: the world, and what it showed before it, right after the failure, and after the recovery."""

    world: World
    before: Facts
    struck: Facts
    after: Facts
    ending: str

    @property
    def moments(self) -> tuple[tuple[str, str, Facts], ...]:
        """The moments at which what must always hold is judged, with their names."""
        return ("故障后", "after the failure", self.struck), ("恢复后", "after the recovery", self.after)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that did not hold, and what was found."""

    rule: int
    zh: str
    en: str


Judge = Callable[[Case], Iterator[tuple[str, str]]]


def one_card_transacts(case: Case) -> Iterator[tuple[str, str]]:
    """At most one card of a PAN can transact on line at any moment; after the recovery exactly as many as the flow leaves: one.

    Of a card without financial application the insurance centre is asked instead, for each person.
    """
    for zh, en, facts in case.moments:
        for number, chips in facts.transacting.items():
            if len(chips) > 1:
                shown = masked(number)
                yield f"{zh}，{shown} 有 {len(chips)} 张卡可以交易", f"{en}, {len(chips)} cards of {shown} can transact"
    for number, count in case.world.expected(case.ending).items():
        found = len(case.after.transacting.get(number, ()))
        if found != count:
            shown = masked(number)
            yield (
                f"{shown} 应有 {count} 张卡可以交易，实有 {found} 张",
                f"{found} cards of {shown} can transact, {count} should",
            )


def agreements_and_sums_stand(case: Case) -> Iterator[tuple[str, str]]:
    """Agreements after = agreements before. Ledger sums are constant but for the declared bookings; nothing twice, nothing lost."""
    for zh, en, facts in case.moments:
        if facts.agreements != case.before.agreements:
            yield f"{zh}，签约关系与之前不同", f"{en}, the agreements are not those of before"
        for host, money in facts.money.items():
            yield from _books_stand(host, zh, en, money)
    declared = case.world.declared(case.ending)
    if declared is None:
        return
    for host, money in case.after.money.items():
        before = case.before.money[host].balances
        for book in sorted(before.keys() | money.balances.keys()):
            moved, wanted = money.balances.get(book, 0) - before.get(book, 0), declared.get(f"{host} {book}", 0)
            if moved != wanted:
                name = masked(book)
                yield (
                    f"账户 {name} 变动 {moved} 分，应为 {wanted} 分",
                    f"book {name} of {host} moved by {moved} fen, not by {wanted}",
                )


def _books_stand(host: str, zh: str, en: str, money: MoneyBooks) -> Iterator[tuple[str, str]]:
    total = sum(money.balances.values())
    if total:
        yield f"{zh}，{host} 各账户合计 {total} 分而非 0", f"{en}, the books of {host} sum to {total} fen, not to 0"
    if money.crooked:
        yield (
            f"{zh}，{host} 账户余额与分录不符",
            f"{en}, {len(money.crooked)} balances of {host} differ from their entries",
        )
    for entry in money.repeated:
        shown = ", ".join(masked(str(part)) for part in entry)
        yield f"{zh}，{host} 重复记账：{shown}", f"{en}, booked more than once at {host}: {shown}"


def holder_has_a_card(case: Case) -> Iterator[tuple[str, str]]:
    """The holder is never without a working card: until the switch the old one works, after it the new one."""
    for number in case.before.transacting.keys() - case.world.on_purpose():
        for zh, en, facts in case.moments:
            if not facts.transacting.get(number):
                shown = masked(number)
                yield f"{zh}，{shown} 没有可用的卡", f"{en}, {shown} has no card that works"


def ends_completed_or_as_before(case: Case) -> Iterator[tuple[str, str]]:
    """Started again, a flow ends completed or as before; a half-made chip is never handed out, but resumed or destroyed and recorded."""
    if case.ending not in ENDINGS:
        yield f"恢复后状态：{case.ending}", f"after the recovery: {case.ending}"
    for name, chip in case.world.chips.items():
        facts = case.after.chips[name]
        whole = facts.replaced or "SSSE" not in chip.product.directory
        if facts.issued and not whole and (facts.identification is None or facts.person is None):
            yield f"芯片 {name} 未完成即已交付", f"chip {name} was handed out half-made"
        if facts.issued and facts.open_transport:
            yield f"芯片 {name} 未关闭即已交付", f"chip {name} was handed out before it was closed"
        if facts.issued and not whole and chip.certified and set(facts.certified) != {facts.person and facts.person[1]}:
            yield f"芯片 {name} 无持卡人证书即已交付", f"chip {name} was handed out without certificates of its holder"


def medical_sides_agree(case: Case) -> Iterator[tuple[str, str]]:
    """Medical account, pooled fund and year totals: card, terminal and centre agree after clearing; a TAC settles once."""
    centre = case.after.centre
    if centre is None:
        return
    if case.world.pending():
        yield "终端仍有未上传的结算", "a terminal still keeps settlements that the centre has not"
    covered = Counter((each.card, each.covered) for each in centre.settlements if each.covered)
    for (_, _digest), count in covered.items():
        if count > 1:
            yield f"同一 TAC 结算 {count} 次", f"one TAC settled {count} times"
    yield from _year_totals(centre)
    yield from _hospital_is_paid(
        case.after.money.get("centre"), case.before.money.get("centre"), case.before.centre, centre
    )
    for name, facts in case.after.chips.items():
        if facts.medical is not None and facts.identification is not None:
            yield from _card_agrees(name, case, facts, centre)


def _year_totals(centre: CentreBooks) -> Iterator[tuple[str, str]]:
    """The sums of a person's year are those of the settlements that count."""
    for person, (_, own_year, fund_year) in centre.persons.items():
        counted = [each for each in centre.settlements if each.person == person and each.state == CLEARED]
        own, fund = sum(each.account + each.own for each in counted), sum(each.fund for each in counted)
        if (own_year, fund_year) != (own, fund):
            yield (
                f"年度累计 {own_year}/{fund_year} 与结算合计 {own}/{fund} 不符",
                f"sums of the year {own_year}/{fund_year} are not those of the settlements {own}/{fund}",
            )


def _hospital_is_paid(
    money: MoneyBooks | None, earlier: MoneyBooks | None, before: CentreBooks | None, centre: CentreBooks
) -> Iterator[tuple[str, str]]:
    """Hospitals get account and fund of each settlement that counts, once; the movements say so."""
    if money is None or earlier is None or before is None:
        return
    counts = {each.number: each.account + each.fund for each in centre.settlements if each.state == CLEARED}
    old = {each.number: each.account + each.fund for each in before.settlements if each.state == CLEARED}
    paid = money.balances.get("hospitals", 0) - earlier.balances.get("hospitals", 0)
    due = sum(counts.values()) - sum(old.values())
    if paid != due:
        yield f"医院应收 {due} 分，实收 {paid} 分", f"hospitals got {paid} fen, {due} were settled"


def _card_agrees(name: str, case: Case, facts: ChipFacts, centre: CentreBooks) -> Iterator[tuple[str, str]]:
    """Each settlement of the card's log is one that the centre has with a TAC, and the other way round; sums rose by them."""
    medical = facts.medical
    if medical is None or facts.identification is None:
        return
    old, earlier = case.before.chips[name].medical, case.before.centre
    earlier_money, later_money = case.before.money["centre"], case.after.money["centre"]
    known = set() if old is None else {each.number for each in old.log}
    new = [each for each in medical.log if each.number not in known and each.kind == SETTLEMENT]
    settled = [each for each in centre.settlements if each.card == facts.identification and each.tac]
    older = {each.number for each in earlier.settlements} if earlier is not None else set()
    fresh = [each for each in settled if each.number not in older]
    if sorted(each.number for each in new) != sorted(each.card_number for each in fresh):
        yield (
            f"卡 {name} 记录 {len(new)} 笔结算，中心有 {len(fresh)} 笔",
            f"card {name} logged {len(new)} settlements, the centre has {len(fresh)}",
        )
    by_number = {each.card_number: each for each in fresh}
    for each in new:
        one = by_number.get(each.number)
        wanted = (0, one.account + one.own + one.fund, one.account + one.fund) if one else each.amounts
        offline = (one.account, one.own, 0) if one else each.amounts
        if each.amounts not in (wanted, offline):
            yield (
                f"卡 {name} 第 {each.number} 笔金额与中心不符",
                f"settlement {each.number} of card {name} has other amounts at the centre",
            )
    at_centre = [money.balances.get(f"card {facts.identification}", 0) for money in (earlier_money, later_money)]
    if old is not None and medical.balance - old.balance != at_centre[1] - at_centre[0]:
        yield f"卡 {name} 账户余额与中心不符", f"the balance on card {name} is not that of its book at the centre"
    if old is not None:
        rose = (medical.own_year - old.own_year, medical.fund_year - old.fund_year)
        logged = (sum(each.amounts[1] for each in new), sum(each.amounts[2] for each in new))
        if rose != logged:
            yield (
                f"卡 {name} 年度累计与记录不符",
                f"sums of the year on card {name} rose by {rose}, its log says {logged}",
            )


def nobody_elses_data(case: Case) -> Iterator[tuple[str, str]]:
    """No data of one person is on another person's card, in the journal of another's flow, or in a log in clear."""
    persons = case.world.persons
    for zh, en, facts in case.moments:
        for name, chip in facts.chips.items():
            holder = case.world.chips[name].holder
            for key, person in persons.items():
                if key != holder and any(form in chip.content for secret in person.secrets for form in _forms(secret)):
                    yield f"{zh}，芯片 {name} 上有他人 {key} 的数据", f"{en}, chip {name} holds data of person {key}"
            if chip.person is not None and (holder not in persons or chip.person[0] != persons[holder].identity):
                yield f"{zh}，芯片 {name} 的持卡人不是申请人", f"{en}, chip {name} shows another holder than its own"
        for place, text in facts.texts.items():
            for key, person in persons.items():
                if _stands_in(text, person):
                    yield (
                        f"{zh}，{place} 中有 {key} 的明文数据",
                        f"{en}, data of person {key} stand in clear in {place}",
                    )


def _forms(secret: str) -> tuple[bytes, ...]:
    """How a text may stand on a chip: as characters, or, of digits, packed."""
    plain = secret.encode("gb18030")
    packed = bytes.fromhex(secret + "F" * (len(secret) % 2)) if secret.isdecimal() else plain
    return plain, secret.encode(), packed


def _stands_in(text: str, person: Person) -> bool:
    hidden = any(secret in text or secret.encode().hex().upper() in text.upper() for secret in person.secrets)
    return hidden or any(re.search(f"(?<![0-9A-Za-z]){pin}(?![0-9A-Za-z])", text) for pin in person.pins)


def issued_cards_are_closed(case: Case) -> Iterator[tuple[str, str]]:
    """A card refuses, after issuing, every pre-issue command; a transport key is gone."""
    for zh, en, facts in case.moments:
        for name, chip in facts.chips.items():
            if not chip.issued:
                continue
            for command in chip.open_commands:
                yield f"{zh}，已发卡 {name} 接受 {command}", f"{en}, issued card {name} accepts {command}"
            if chip.open_transport:
                yield f"{zh}，已发卡 {name} 的传输密钥仍在", f"{en}, issued card {name} still has its transport key"


def replaced_cards_are_refused(case: Case) -> Iterator[tuple[str, str]]:
    """The old card is refused after the switch: on line by its sequence number, at the centre, once that switched too, by its code."""
    for zh, en, facts in case.moments:
        for name, chip in facts.chips.items():
            if chip.replaced and chip.pays == "00":
                yield f"{zh}，已被替换的卡 {name} 联机仍获批准", f"{en}, replaced card {name} is still approved on line"
    for name, chip in case.after.chips.items():
        if chip.replaced and chip.settles:
            yield f"已被替换的卡 {name} 医保仍可结算", f"replaced card {name} may still settle at the centre"


RULES: Mapping[int, Judge] = {
    1: one_card_transacts,
    2: agreements_and_sums_stand,
    3: holder_has_a_card,
    4: ends_completed_or_as_before,
    5: medical_sides_agree,
    6: nobody_elses_data,
    7: issued_cards_are_closed,
    8: replaced_cards_are_refused,
}


def judge(case: Case) -> list[Finding]:
    """Everything that does not hold, each sentence once."""
    found = [Finding(number, zh, en) for number, rule in RULES.items() for zh, en in rule(case)]
    return list(dict.fromkeys(found))
