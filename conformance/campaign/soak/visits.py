"""Terminals: a citizen's card, a process of its own, pays on line and by e-cash and settles medical bills, while hosts and card die."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timedelta

from conformance.actors.bank import Settlement
from conformance.actors.medical.keys import HsmKeys, KeysRefused
from conformance.actors.medical.reader import CardGone, CardReader, CardRefused
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Outcome, Result, Visit
from conformance.actors.terminal import Kernel, PreparedHolder, Purchase, Reason, TransactionResult
from conformance.campaign.soak.city import AGAIN, City
from conformance.campaign.soak.people import Citizen, Made
from conformance.campaign.soak.processes import CardInSlot
from conformance.failures import BenchError
from conformance.targets.slot import SlotTarget

HOSPITAL = bytes.fromhex("500000000009")
MOST_BILLS = 4
"""Medical settlements of a card between two looks: its log has room for ten."""
LEAST_E_CASH = 5_000
"""Fen that a card needs to pay by e-cash up to three times in a visit."""
BACK_WITHIN = 30.0
MOST_ASKED = 40


class Terminals:
    """The terminals of the city; a card is in one of them at a time."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.disputed = 0
        self.bills: dict[str, int] = {}
        """Medical settlements of each chip since the last look."""
        self.done: dict[str, int] = {"purchases": 0, "e-cash": 0, "medical": 0, "in vain": 0}
        self.findings: list[tuple[int, str, str]] = []
        self._numbers, self._serials = itertools.count(1), itertools.count(1)
        self._clock = datetime.now().astimezone().replace(microsecond=0)
        self._card: CardInSlot | None = None
        self._lock = threading.Lock()

    def kill_card(self) -> bool:
        """Kill the process of the card that is in a terminal."""
        with self._lock:
            return self._card is not None and self._card.kill()

    def next(self) -> tuple[Citizen, Made] | None:
        """Somebody with a card in hand."""
        with self.city.lock:
            free = [
                (each, each.chip)
                for each in self.city.citizens
                if not each.busy and not each.off and each.chip is not None
            ]
            if not free:
                return None
            citizen, made = self.city.chance.choice(free)
            citizen.busy += 1
            return citizen, made

    def visit(self, citizen: Citizen, made: Made) -> None:
        """A card is put in, used a few times, and taken out."""
        before, spent, torn = made.e_cash, 0, False
        try:
            target = SlotTarget(0, coming=BACK_WITHIN)
            try:
                with CardInSlot(made.image, target.port, self.city.say) as card:
                    with self._lock:
                        self._card = card
                    target.connect()
                    for act in self._acts(citizen, made):
                        self.city.rest()
                        if act == "medical":
                            self._bill(citizen, made, target)
                            continue
                        result = self._pay(citizen, target, e_cash=act == "e-cash")
                        spent += result.amount if result.reason is Reason.APPROVED_OFFLINE and result.e_cash else 0
                        torn = torn or (act == "e-cash" and not result.approved)
            finally:
                with self._lock:
                    self._card = None
                target.close()
            made.e_cash = self.city.balance_of(made)
            if made.e_cash != before - spent and not (torn and made.e_cash < before - spent):
                self.findings.append(
                    (
                        2,
                        f"芯片 {made.name} 电子现金由 {before} 变为 {made.e_cash}，消费 {spent}",
                        f"e-cash of chip {made.name} went from {before} to {made.e_cash}, {spent} were spent",
                    )
                )
        finally:
            with self.city.lock:
                citizen.busy -= 1

    def _acts(self, citizen: Citizen, made: Made) -> list[str]:
        kinds = ["purchase", "purchase"] + (["e-cash"] * 2 if made.e_cash >= LEAST_E_CASH else [])
        if citizen.is_whole:
            kinds += ["medical", "medical"]
        with self.city.lock:
            acts = [self.city.chance.choice(kinds) for _ in range(3)]
        left = MOST_BILLS - self.bills.get(made.name, 0)
        kept = []
        for act in acts:
            left -= act == "medical"
            kept.append("purchase" if act == "medical" and left < 0 else act)
        return kept

    def _now(self) -> datetime:
        """Another second for each transaction, so that no two of a terminal have the same time."""
        self._clock = max(self._clock + timedelta(seconds=1), datetime.now().astimezone().replace(microsecond=0))
        return self._clock

    # Money

    def _pay(self, citizen: Citizen, target: SlotTarget, *, e_cash: bool) -> TransactionResult:
        """A purchase; what is owed to the bank afterwards is delivered, whatever has died meanwhile."""
        city, bank = self.city, self.city.bank()
        with city.lock:
            amount = city.chance.randrange(100, 1_500)
        purchase = Purchase(
            amount, number=next(self._numbers), when=self._now(), e_cash=e_cash, force_online=not e_cash
        )
        holder = PreparedHolder((citizen.bank_pin,), online_pin=citizen.bank_pin)
        try:
            target.reset()
        except BenchError as problem:
            city.say(str(problem))
        result = Kernel(target, host=bank, holder=holder).run(purchase)
        city.say(f"{result.reason.zh} {result.reason.en} {result.detail}")
        if (reversal := result.undelivered) is not None:
            city.asked(lambda: bank.reverse(reversal))
        settled = None
        if (record := result.clearing) is not None:
            settled = city.asked(lambda: bank.clear(record))
        self._declare(citizen, result, settled)
        return result

    def _declare(self, citizen: Citizen, result: TransactionResult, settled: Settlement | None) -> None:
        if not result.approved:
            self.done["in vain"] += 1
            return
        if settled is not None and settled is not Settlement.SETTLED:
            self.findings.append((2, f"脱机消费清算未成：{settled}", f"an offline payment was not cleared: {settled}"))
            return
        source = f"account {citizen.account}"
        if result.e_cash and result.reason is Reason.APPROVED_OFFLINE:
            source = f"e-cash {result.account_number} {result.sequence_number}"
        self.done["e-cash" if result.e_cash else "purchases"] += 1
        with self.city.lock:
            self.city.moves[f"bank {source}"] -= result.amount
            self.city.moves["bank network"] += result.amount

    # Medical bills

    def _bill(self, citizen: Citizen, made: Made, target: SlotTarget) -> None:
        """A bill; a card that died is asked when it is back, and what the centre did not hear is delivered."""
        city = self.city
        keys = HsmKeys(city.product, HOSPITAL, terminal_number=next(self._serials), service=city.keys())
        terminal = HospitalTerminal(CardReader(target, city.product, keys, pin=lambda: citizen.pin), city.centre())
        with city.lock:
            visit = Visit(f"M-{next(city.numbers):05d}", city.chance.randrange(500, 8_000), when=self._now())
        result = terminal.settle(visit)
        city.say(f"{result.zh} {result.en}")
        result = self._resolved(terminal, result)
        while terminal.undelivered or terminal.outbox.reversals:
            terminal.deliver()
            city.rest(AGAIN if terminal.undelivered or terminal.outbox.reversals else 0)
        if not result.outcome.good or result.quote is None:
            self.done["in vain"] += 1
            return
        quote = result.quote
        self.done["medical"] += 1
        self.bills[made.name] = self.bills.get(made.name, 0) + 1
        with city.lock:
            city.moves[f"centre account {citizen.person.identity}"] -= quote.account
            city.moves["centre fund"] -= quote.fund
            city.moves["centre hospitals"] += quote.account + quote.fund

    def _resolved(self, terminal: HospitalTerminal, result: Result) -> Result:
        """What became of a settlement of which nobody knew."""
        for _ in range(MOST_ASKED):
            if result.outcome is not Outcome.UNKNOWN or not terminal.unresolved:
                break
            try:
                terminal.reader.begin()
                result = terminal.resolve() or result
            except (CardGone, CardRefused, KeysRefused, BenchError) as problem:
                self.city.say(str(problem))
                self.city.rest(AGAIN)
        if result.outcome is Outcome.UNKNOWN:
            self.disputed += 1
        return result
