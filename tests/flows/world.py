"""A bank, a centre, a station and chips, for the flows that replace a card; and what must hold of them at every moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from conformance.actors.bank import CardState, HostUnreachable
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.messages import CardState as RegisterState
from conformance.actors.medical.reader import CardReader
from conformance.actors.station import Ending, Equipment, Journal, Kind, OldChip, Order, Outcome, Station, Step, Told
from conformance.actors.station.journal import NO_COST
from conformance.actors.terminal import Kernel, PreparedHolder, Purchase, TransactionResult
from conformance.demo import scene
from conformance.targets.in_process import InProcessTarget, chip_of
from emulator.cos.memory import Snapshot
from profiles import load
from profiles.model import Profile
from tests.station.world import Cutting, Killed, small

PAN, BANK_PIN, NEW_PIN = scene.PAN, scene.BANK_PIN, scene.NEW_PIN
OTHER_PAN = "6214980000000002233"
CODES = {CardState.ACTIVE: "00", CardState.SWITCHED_OFF: "62", CardState.CANCELLED: "14"}


@cache
def debit_snapshot() -> Snapshot:
    return scene.debit_card().snapshot()


@cache
def blank_snapshot(serial: str, product: str) -> Snapshot:
    return scene.blank_chip(serial, product).snapshot()


@cache
def whole(name: str = "ssc3-sm4") -> Profile:
    """The product with fewer files and one version of each social security key, so that a sweep ends."""
    profile, little = load(name), small(name)
    others = {place: found for place, found in profile.directory.items() if found.application != "social security"}
    return profile.model_copy(update={"directory": {**others, **little.directory}})


class World:
    """Everything that survives a station: hosts, journal, chips."""

    def __init__(self, product: Profile | None = None, folder: Path | None = None) -> None:
        self.product = product or whole()
        self.folder = folder
        place = (lambda name: ":memory:") if folder is None else (lambda name: folder / name)
        self.bank = scene.bank(place("bank.db"))
        self.centre = Centre(self.product, place("centre.db"))
        self.journal = Journal(place("journal.db"), cost=NO_COST)
        self.old = chip_of(debit_snapshot())
        self.new = chip_of(blank_snapshot("00000101", scene.BLANK))
        self.old_product: Profile | None = None
        self.order: Order = scene.order("CQ-1", Kind.UPGRADE)
        self.agreements = self.bank.agreements.of_account(scene.ACCOUNT)

    def station(
        self,
        listener: Callable[[Told], None] = lambda told: None,
        *,
        bank: Any = None,
        centre: Any = None,
        journal: Journal | None = None,
    ) -> Station:
        blank = load(scene.BLANK if self.product.algorithm == "SM4" else "ssc2-blank")
        equipment = Equipment(
            self.product,
            blank,
            centre or self.centre,
            journal or self.journal,
            bank=bank or self.bank,
            certificates=CertificationAuthority.published() if "CERT" in self.product.directory else None,
        )
        return Station(equipment, listener)

    @property
    def old_chip(self) -> OldChip:
        return self.held(self.old)

    def held(self, link: Any, pin: str | None = BANK_PIN) -> OldChip:
        return OldChip(link, lambda: pin, self.old_product)

    def issue(self, station: Station | None = None, **changes: Any) -> Outcome:
        return (station or self.station()).issue(**self._given(changes))

    def resume(self, station: Station | None = None, **changes: Any) -> Outcome:
        return (station or self.station()).resume(**self._given(changes))

    def _given(self, changes: dict[str, Any]) -> dict[str, Any]:
        present = self.order.former.old_card == "present" and self.order.kind is not Kind.FIRST
        old = self.old_chip if present else None
        return {"order": self.order, "link": self.new, "new_pin": NEW_PIN, "old": old, "bank_pin": BANK_PIN} | changes

    def next(self, number: str, kind: Kind, serial: str, **fields: object) -> None:
        """The card that was just made is the old one now, and another blank chip is in the reader."""
        self.old, self.new = self.new, chip_of(blank_snapshot(serial, scene.BLANK))
        self.old_product, self.order = self.product, scene.order(number, kind, **fields)

    # What anybody can see from outside

    def pay(self, chip: InProcessTarget, amount: int = 100, pin: str = BANK_PIN) -> TransactionResult:
        """A purchase that the bank decides."""
        chip.reset()
        kernel = Kernel(chip, host=self.bank, holder=PreparedHolder((pin,), online_pin=pin))
        return kernel.run(Purchase(amount, e_cash=False, force_online=True, number=next(NUMBERS)))

    def states(self, pan: str = PAN) -> dict[str, str]:
        return {card.sequence: str(card.state) for card in self.bank.ledger.cards(pan)}

    def register(self) -> list[str]:
        """States of the person's cards in the order in which they came."""
        return [card.state.name for card in self.centre.cards_of(scene.IDENTITY)]

    def reader(self, chip: InProcessTarget | None = None, pin: str = NEW_PIN) -> CardReader:
        reader = CardReader(chip or self.new, self.product, HsmKeys(self.product, bytes(6)), pin=lambda: pin)
        reader.begin()
        return reader

    def reader_of(self, chip: InProcessTarget, product: Profile | None = None) -> CardReader:
        """A reader in which nothing was read yet."""
        product = product or self.product
        return CardReader(chip, product, HsmKeys(product, bytes(6)))

    # What must hold at every moment

    def rules(self) -> None:
        """One card in use for the account, agreements as before, no money lost, one card in the register."""
        numbers = [row["pan"] for row in self.bank.ledger.all("SELECT pan FROM card_number")]
        cards = [card for pan in numbers for card in self.bank.ledger.cards(pan)]
        in_use = [card for card in cards if card.state in (CardState.ACTIVE, CardState.BLOCKED)]
        assert len(in_use) == 1, [(card.sequence, card.state) for card in cards]
        assert self.bank.agreements.of_account(scene.ACCOUNT) == self.agreements
        assert sum(self.bank.ledger.balances().values()) == 0
        assert self.register().count("NORMAL") <= 1

    def as_before(self) -> None:
        """The old card works on, nothing of the new one can be used, and the register knows none or a cancelled one."""
        self.rules()
        assert self.bank.cards.in_use(PAN).sequence == scene.OLD_SEQUENCE
        assert "ordered" not in self.states().values()
        assert set(self.register()) <= {"CANCELLED"}
        assert self.pay(self.old).approved

    def completed(self, outcome: Outcome, sequence: str = "02") -> None:
        """The new card pays and is registered, the old one is refused and ended."""
        assert outcome.ending is Ending.COMPLETED, outcome
        self.rules()
        assert self.bank.cards.in_use(PAN).sequence == sequence
        assert self.pay(self.new).approved
        refused = self.pay(self.old)
        assert not refused.approved
        assert outcome.returned is not None
        found = self.centre.card(outcome.returned.card)
        assert found is not None
        assert (found.person, found.state) == (scene.IDENTITY, RegisterState.NORMAL)
        reader = self.reader()
        assert reader.identification.hex().upper() == outcome.returned.card
        assert reader.text("SSSE/EF06", "08") == scene.IDENTITY
        back = self.bank.cards.chip(PAN, sequence)
        assert back is not None
        assert back.identification == outcome.returned.card


NUMBERS = iter(range(1, 1_000_000))


def kill_at(number: int) -> Callable[[Told], None]:
    """A listener that ends the station when it is told of something for the so-manyth time."""
    left = number

    def kill(told: Told) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    return kill


class Failing:
    """A host over a line that breaks at the so-manyth call, before the host acts or after it; from then on it works."""

    def __init__(self, host: Any, at: int, *, acts: bool, desk: str = "") -> None:
        self._host, self._at, self._acts, self._desk = host, at, acts, desk
        self.calls = 0
        if desk:
            setattr(self, desk, Nested(getattr(host, desk), self))

    def pass_on(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.calls == self._at and not self._acts:
            raise HostUnreachable("the line is down")
        answer = act(*args, **kwargs)
        if self.calls == self._at:
            raise HostUnreachable("time out")
        return answer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._host, name)
        return partial(self.pass_on, found) if callable(found) else found


class Nested:
    """A desk of such a host."""

    def __init__(self, desk: Any, line: Failing) -> None:
        self._desk, self._line = desk, line

    def __getattr__(self, name: str) -> Any:
        return partial(self._line.pass_on, getattr(self._desk, name))


__all__ = ["Cutting", "Ending", "Failing", "Killed", "Kind", "Step", "World", "kill_at"]
