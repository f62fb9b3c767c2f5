"""The same-number upgrade as a demonstration: every promise of the service, shown with chips and hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.actors.bank import Bank, CardState, HolderCheck
from conformance.actors.medical.blocking import is_blocked
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.line import Line
from conformance.actors.medical.messages import CardState as RegisterState
from conformance.actors.medical.reader import CardReader
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Visit
from conformance.actors.station import Ending, Journal, Kind, OldChip, Outcome, Station, Step, Told
from conformance.actors.station.chip import Chip
from conformance.actors.station.link import ChipLink
from conformance.actors.station.steps import plan
from conformance.actors.station.timeline import PROMISED, Timeline
from conformance.actors.terminal import TransactionResult
from conformance.actors.terminal.shown import ShownCard, shown_card
from conformance.demo import scene
from conformance.demo.promises import Promises
from conformance.demo.uses import HOSPITAL, pay, reader_of, show_uses
from conformance.failures import BenchError
from conformance.targets.base import Target
from conformance.targets.slots import Slots
from profiles import load

SLOTS = 4
"""Those of the chips that are in readers at the same time: the new card with its antenna, the old one, the replacement's."""
UPGRADE, REPLACEMENT = "CQ-2025-000424", "CQ-2025-000425"
WAGES, BILL = 800_000, 12_345
USES_OF_COPY = 10
LOST_AT = 5
"""Command of the bank's personalisation at which the chip loses its contact once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration showed; ``link`` says how the chips were reached."""

    promises: Promises
    outcome: Outcome
    link: str
    old_code: str
    """What the bank answered a copy of the old chip after the switch."""

    def table(self) -> dict[str, Any]:
        """For JSON."""
        line = Timeline.of(self.outcome)
        return {
            "link": self.link,
            "kept": self.promises.kept,
            "ending": self.outcome.ending.name.lower(),
            "promises": [promise.table() for promise in self.promises.all()],
            "steps": [
                {"step": told.step.en, "zh": told.step.zh, "seconds": round(told.seconds, 4), "commands": told.commands}
                for told in self.outcome.steps
            ],
            "total": round(line.total, 2),
            "promised": PROMISED,
        }


class Loose:
    """A link to the new chip, which is pulled out of its reader once, in the middle of a step, and put back."""

    def __init__(self, target: Target, slots: Slots) -> None:
        self._target = target
        self._slots = slots
        self._out = False
        self.left = 0

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card, which somebody has put back."""
        if self._out:
            self._slots.push(self._target)
            self._out = False
        return self._target.reset(cold)

    def transmit(self, command: bytes, /) -> bytes:
        """Exchange a command, or lose the contact."""
        if self.left:
            self.left -= 1
            if not self.left:
                self._slots.pull(self._target)
                self._out = True
        if self._out:
            raise BenchError("the chip lost its contact")
        return self._target.transmit(command)


class Demonstration:
    """A bank with a customer, a centre, and a station that upgrades the customer's card.

    Args:
        slots: Where the chips are put.
        tell: Hears of every step.
        folder: Where the books are kept; in memory unless given.
    """

    def __init__(self, slots: Slots, tell: Callable[[Told], None], folder: Path | None = None) -> None:
        place = (lambda name: ":memory:") if folder is None else (lambda name: folder / name)
        self.bank: Bank = scene.bank(place("bank.db"))
        self.product = load(scene.PRODUCT)
        self.centre = Centre(self.product, place("centre.db"))
        self.journal = Journal(place("station.db"))
        self.promises = Promises()
        self._slots = slots
        self._tell = tell
        self._booked: list[str] = []

    def close(self) -> None:
        """Close the books."""
        self.bank.ledger.close()
        self.centre.books.close()
        self.journal.close()

    def run(self) -> Shown:
        """Everything, in the order in which a citizen would see it."""
        old_chip = scene.debit_card()
        before = self._before(old_chip)
        copy = old_chip.twin()
        new, old = self._slots.put(scene.blank_chip(), antenna=True), self._slots.put(old_chip)
        outcome = self._upgrade(old, new)
        if outcome.ending is not Ending.COMPLETED or outcome.returned is None:
            self.promises.number.show(False, outcome.zh, outcome.en)
            return Shown(self.promises, outcome, self._slots.kind, "")
        self._number(before, new)
        refused = self._copy_refused(copy)
        self._benefits(old, refused.response_code)
        self._features(new, outcome.returned.card)
        show_uses(self.promises.scenarios, new, self.bank, self.centre, self.product)
        self._replace(new, outcome.returned.card)
        self._time(outcome)
        return Shown(self.promises, outcome, self._slots.kind, refused.response_code)

    def _copy_refused(self, copy: Target) -> TransactionResult:
        """A copy of the old chip that no script has ended; its transaction counter has gone on, as if it had been used."""
        for _ in range(USES_OF_COPY):
            copy.reset()
            shown_card(copy)
        return pay(copy, self.bank, 100)

    def _before(self, old: Target) -> ShownCard:
        """What the old card is, and what it cannot do."""
        paid = pay(old, self.bank, 1_000)
        self.promises.benefits.show(paid.approved, "旧卡升级前可用", "the old card works before")
        chip = Chip(ChipLink(old))
        chip.reset()
        environment = self.product.directory["SSSE"].aid or b""
        alone = not chip.knows(environment) and self.centre.inquire(scene.IDENTITY) is None
        self.promises.features.show(
            alone, "升级前：无社保应用，中心无此人", "before: no social security on the card or at the centre"
        )
        old.reset()
        return shown_card(old)

    def _upgrade(self, old: Target, new: Target) -> Outcome:
        """The flow, interrupted once in its middle and gone on with; wages and a bill come meanwhile."""
        link = Loose(new, self._slots)

        def listen(told: Told) -> None:
            self._tell(told)
            if told.step is Step.FINANCIAL and not told.done and not self._booked:
                link.left = LOST_AT
                self._wages()
            if told.step is Step.READ_BACK and told.done:
                self._wages()
            if told.step is Step.SWITCH and told.done:
                self._booked.append(str(self.bank.agreements.debit("GAS-11", "GAS-1", scene.PAN, BILL)))

        station = self._station(listen)
        order = scene.order(UPGRADE, Kind.UPGRADE)
        chip = OldChip(old, lambda: scene.BANK_PIN)
        first = station.issue(order, link, scene.NEW_PIN, chip)
        row = self.promises.on_the_spot
        state = self.bank.account(scene.PAN, scene.OLD_SEQUENCE).state
        row.show(
            first.ending is Ending.INTERRUPTED, "制卡中芯片脱离，旧卡照常", f"the chip lost its contact: {first.en}"
        )
        row.show(state is CardState.ACTIVE, "中断时旧卡仍可用", "the old card worked on meanwhile")
        outcome = station.resume(order, link, scene.NEW_PIN, chip)
        row.show(outcome.ending is Ending.COMPLETED, "恢复后完成", f"gone on with: {outcome.en}")
        entries = self.journal.entries(UPGRADE)
        steps = plan(order, station.equipment)
        whole = all(entries.count((step.name, "after")) == 1 for step in steps)
        row.show(
            whole,
            f"流水：{len(steps)} 步均有前后记录",
            f"the journal has an entry before and after each of {len(steps)} steps",
        )
        change = self.bank.cards.change(UPGRADE)
        checked = change is not None and change.holder_check is HolderCheck.CARD
        row.show(checked, "持卡人经旧卡联机密码核验", "the holder was verified on line by the old card and its PIN")
        return replace(outcome, steps=first.steps + outcome.steps)

    def _station(self, listen: Callable[[Told], None]) -> Station:
        return scene.station(self.bank, self.centre, self.journal, listen, self.product)

    def _wages(self) -> None:
        self._booked.append(str(self.bank.agreements.credit("WAGES-11", "PAY-1", scene.PAN, WAGES)))

    def _number(self, before: ShownCard, new: Target) -> None:
        row = self.promises.number
        new.reset()
        after = shown_card(new)
        row.show(
            after.account_number == before.account_number,
            f"主账号不变：{after.masked}",
            f"the same account number: {before.masked} became {after.masked}",
        )
        following = f"{int(before.sequence_number) + 1:02d}"
        row.show(after.sequence_number == following, "卡序列号加一", "the next card sequence number")
        row.show(
            after.expiry > before.expiry,
            f"新有效期 {after.expiry}",
            f"a new expiry date: {before.expiry} became {after.expiry}",
        )
        another = bool(after.certificate) and after.certificate != before.certificate
        row.show(another, "新密钥与新证书", "a new key with its certificate")

    def _benefits(self, old: Target, code: str) -> None:
        row = self.promises.benefits
        kept = [(each.number, each.kind, each.party) for each in self.bank.agreements.of_account(scene.ACCOUNT)]
        row.show(
            sorted(kept) == sorted(scene.AGREEMENTS),
            f"{len(kept)} 项协议不变",
            f"{len(kept)} agreements stand as before",
        )
        for request, reason_zh, reason in (("WAGES-11", "代发工资", "wages"), ("GAS-11", "代扣燃气费", "a gas bill")):
            found = self.bank.ledger.all("SELECT amount FROM entry WHERE request = ?", request)
            row.show(
                len(found) == 1, f"升级途中的{reason_zh}入账一次", f"{reason} in the middle of the upgrade booked once"
            )
        back = self.bank.ledger.all("SELECT amount FROM entry WHERE reason = 'e-cash returned'")
        once = [each["amount"] for each in back] == [scene.E_CASH]
        row.show(once, "旧卡电子现金退回一次", "e-cash of the old card came back once")
        row.show(sum(self.bank.ledger.balances().values()) == 0, "账平", "the ledger's sum is zero")
        row.show(
            code == "62",
            f"旧卡副本联机被拒，应答码 {code}",
            f"a copy of the old chip is refused on line with code {code}",
        )
        refused = pay(old, self.bank, 100)
        row.show(not refused.approved, f"旧芯片：{refused.reason.zh}", f"the old chip: {refused.reason.en}")

    def _features(self, new: Target, card: str) -> None:
        row = self.promises.features
        inquiry = self.centre.inquire_by_card(card)
        row.show(inquiry.refusal is None, "社保查询", "social security inquiry with the new card")
        found = self.centre.card(card)
        row.show(
            found is not None and found.state is RegisterState.NORMAL,
            "卡状态正常",
            "the card is in use in the register",
        )
        reader = reader_of(new, self.product)
        settled = HospitalTerminal(reader, Line(self.centre)).settle(Visit("VISIT-1", 20_000))
        row.show(
            settled.outcome.good,
            f"医保结算：{settled.outcome.value[0]}",
            f"medical settlement: {settled.outcome.value[1]}",
        )
        own = reader.text("SSSE/EF06", "08") == scene.IDENTITY
        row.show(own, "卡内为持卡人信息", "the card holds its holder's data")

    def _replace(self, old: Target, identification: str) -> None:
        """The new card is damaged and replaced: the same number once more."""
        row = self.promises.replacement
        blank = self._slots.put(scene.blank_chip("00000102"))
        order = scene.order(REPLACEMENT, Kind.REPLACEMENT)
        chip = OldChip(old, lambda: scene.BANK_PIN, self.product)
        outcome = self._station(self._tell).issue(order, blank, scene.NEW_PIN, chip)
        row.show(outcome.ending is Ending.COMPLETED, outcome.zh, f"replaced: {outcome.en}")
        if outcome.returned is None:
            return
        blank.reset()
        shown = shown_card(blank)
        row.show(
            shown.account_number == scene.PAN, f"卡号不变：{shown.masked}", f"the same account number: {shown.masked}"
        )
        row.show(outcome.returned.card != identification, "新识别码", "a new identification")
        before = self.centre.card(identification)
        cancelled = before is not None and before.state is RegisterState.CANCELLED
        row.show(cancelled, "旧识别码已注销", "the old identification is cancelled")
        reader = CardReader(old, self.product, HsmKeys(self.product, HOSPITAL))
        row.show(is_blocked(reader), "旧卡社保应用已锁定", "social security on the old chip is blocked for good")

    def _time(self, outcome: Outcome) -> None:
        line = Timeline.of(outcome)
        self.promises.eight_minutes.show(
            line.kept,
            f"实测 {line.station:.1f} 秒，预算 {line.budgets} 秒，合计 {line.total:.1f} 秒",
            f"measured {line.station:.1f} s, budgets {line.budgets} s: {line.total:.1f} s of {PROMISED} s",
        )
