"""The bank's desk for cards: same-number upgrade 同号升级, replacement of the same or another number 同号换卡、异号换卡, loss 挂失.

A change goes freeze, order, switch. Until the switch it can be undone, and the old card works; after it the new one does, and
there is nothing to undo. Every step is a request with a number of its own, carried out once; the change is named by the number
of its freeze. The rules are constraints of the tables (:mod:`conformance.actors.bank.schema`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data
from conformance.actors.bank.groupings import DataFile
from conformance.actors.bank.keys import IssuerKeys
from conformance.actors.bank.ledger import Account, CardState, Ledger
from conformance.actors.bank.once import once
from emulator.crypto import Algorithm
from profiles.applications import payment_directory
from profiles.model import Profile

LAST_SEQUENCE = 99
BLOCKING, UNBLOCKING = "APPLICATION BLOCK", "APPLICATION UNBLOCK"


class ChangeError(ValueError):
    """A card for which the bank gives no personalisation data; the message says why."""


class ChangeKind(StrEnum):
    """Why a card is changed, and whether its number stays."""

    UPGRADE = "upgrade"
    """同号升级 of a bank card to a social security card."""
    REPLACEMENT = "replacement"
    """同号换卡: damaged, lost, a new generation."""
    DIFFERENT_NUMBER = "different number"
    """异号换卡 by a pre-made card 预制卡."""


class ChangeState(StrEnum):
    """Where a change stands."""

    FROZEN = "frozen"
    ORDERED = "ordered"
    SWITCHED = "switched"
    UNDONE = "undone"


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    DONE_BEFORE = "done before under another number"
    DUPLICATE = "another content came under this number"
    NO_SUCH_CARD = "no card of this number is in use"
    NO_SUCH_CHANGE = "no such change"
    FROZEN = "a change of this number is open"
    BLOCKED = "the account is blocked"
    NOT_ORDERED = "no new card is ordered"
    SWITCHED = "the cards were switched; nothing is left to undo"
    UNDONE = "the change was undone"
    NUMBER_TAKEN = "the new number has an account"
    NO_SEQUENCE_LEFT = "the number has no sequence number left"
    STILL_IN_USE = "the card has not been replaced"
    CHIP_AT_LARGE = "the chip has not been blocked by script"


OVER = {ChangeState.SWITCHED: Outcome.SWITCHED, ChangeState.UNDONE: Outcome.UNDONE}
"""What a step hears that comes after the end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a step; ``sequence`` is that of the new card, ``amount`` what e-cash went back, in the smallest unit."""

    outcome: Outcome
    sequence: str = ""
    amount: int = 0

    def to_json(self) -> str:
        """As the books keep it."""
        return json.dumps([self.outcome, self.sequence, self.amount])

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """From the books."""
        outcome, sequence, amount = json.loads(text)
        return cls(Outcome(outcome), sequence, amount)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a number's card. A change that was undone before it came has no card."""

    number: str
    pan: str
    kind: ChangeKind
    old_sequence: str
    new_pan: str
    new_sequence: str
    state: ChangeState


class CardDesk:
    """The desk for changes of cards."""

    def __init__(self, ledger: Ledger, keys: Mapping[Algorithm, IssuerKeys]) -> None:
        self._ledger = ledger
        self._keys = keys

    # What anyone may ask

    def change(self, number: str) -> Change | None:
        """A change by the number of its freeze: how a station that lost its way finds out where it stands."""
        row = self._ledger.one("SELECT * FROM change WHERE number = ?", number)
        if row is None:
            return None
        known = {**dict(row), "kind": ChangeKind(row["kind"]), "state": ChangeState(row["state"])}
        return Change(**{**known, "pan": row["pan"] or ""})

    def in_use(self, pan: str) -> Account | None:
        """The card of a number that is active or blocked; None where the number has none."""
        cards = self._ledger.cards(pan)
        return next((card for card in cards if card.state in (CardState.ACTIVE, CardState.BLOCKED)), None)

    # The steps of a change

    def freeze(self, number: str, pan: str, kind: ChangeKind, *, lost: bool = False) -> Answer:
        """Begin a change: until its end no other one touches the cards of the number. The card that is in use works on.

        A ``lost`` card is off at once.
        """
        answer = self._once(number, ("freeze", pan, kind, lost), lambda: self._freeze(number, pan, kind, lost=lost))
        return self._unless_undone(answer, number)

    def order(self, number: str, change: str, expiry: date, *, pan: str = "", sequence: str = "00") -> Answer:
        """Order the new card, which expires at the end of the month of ``expiry``: the next sequence number of the same PAN.

        For a different number, ``pan`` and ``sequence`` are those of the pre-made card.

        Raises:
            ValueError: The change is one to a different number and ``pan`` is none, or ``sequence`` is not two digits.
        """
        if pan:
            CardOrder(pan, sequence, expiry).check()
        content = ("order", change, f"{expiry:%Y-%m}", pan, sequence if pan else "")
        answer = self._once(number, content, lambda: self._order(change, expiry, pan, sequence))
        return self._unless_undone(answer, change)

    def switch(self, number: str, change: str) -> Answer:
        """The one moment of the change: the old sequence number off and the new one on."""
        return self._once(number, ("switch", change), lambda: self._end(change, ChangeState.SWITCHED))

    def undo(self, number: str, change: str) -> Answer:
        """Before the switch: all as it was before the freeze; the ordered card is cancelled, its sequence number spent.

        An undo that comes before its freeze keeps that from beginning. A lost card stays off.
        """
        return self._once(number, ("undo", change), lambda: self._end(change, ChangeState.UNDONE))

    def return_e_cash(self, number: str, pan: str, sequence: str, *, without_chip: bool = False) -> Answer:
        """Give the e-cash of a replaced card back to its account, once.

        A chip that a script has blocked has reported its balance under its MAC: that goes back, and what the card's e-cash
        book holds beyond it waits for payments that were not presented yet. ``without_chip`` gives back all that the book
        holds; the bank says so when the chip is gone and the time for presenting its payments is over.
        """
        content = ("return e-cash", pan, sequence, without_chip)
        return self._once(number, content, lambda: self._return(number, pan, sequence, without_chip=without_chip))

    # Loss

    def report_lost(self, number: str, pan: str) -> Answer:
        """挂失: the card in use is off until it is found or replaced."""
        return self._once(number, ("lost", pan), lambda: self._set_state(pan, CardState.BLOCKED))

    def found(self, number: str, pan: str) -> Answer:
        """解挂: the lost card is found and works again."""
        return self._once(number, ("found", pan), lambda: self._set_state(pan, CardState.ACTIVE))

    # What the new card is made of

    def personalisation(self, change: str, product: Profile, authority: Authority) -> DataFile:
        """The data groupings of the card that a change ordered: the holder's own name, number and PIN, the bank's keys.

        Raises:
            ChangeError: No card is to be made, or the bank lacks keys of the product.
            CardDataError: No card of the product can be made of it.
        """
        found = self.change(change)
        if found is None or found.state is not ChangeState.ORDERED:
            raise ChangeError(f"change {change} has no card to be made; order one first")
        if found.kind is ChangeKind.DIFFERENT_NUMBER:
            raise ChangeError(f"change {change} hands out a pre-made card, which has its data")
        card = self._ledger.account(found.new_pan, found.new_sequence)
        wanted = [each.algorithm for each in IssuerKeys.of_profile(product)]
        if card is None or any(algorithm not in self._keys for algorithm in wanted):
            raise ChangeError(f"the bank has not the keys that product {product.name} needs; give it those")
        keys = tuple(self._keys[algorithm] for algorithm in wanted)
        return personalisation_data(product, _card_order(card, product), authority, keys)

    # Each step inside its transaction

    def _once(self, number: str, content: tuple[object, ...], act: Callable[[], Answer]) -> Answer:
        text = once(self._ledger, "cards", number, content, lambda: act().to_json())
        return Answer(Outcome.DUPLICATE) if text is None else Answer.from_json(text)

    def _unless_undone(self, answer: Answer, change: str) -> Answer:
        """A step that comes again after its change was undone is told so."""
        found = self.change(change)
        undone = found is not None and found.state is ChangeState.UNDONE
        return Answer(Outcome.UNDONE) if undone and answer.outcome is Outcome.DONE else answer

    def _freeze(self, number: str, pan: str, kind: ChangeKind, *, lost: bool) -> Answer:
        if self.change(number) is not None:
            return Answer(Outcome.UNDONE)
        card = self.in_use(pan)
        if card is None:
            return Answer(Outcome.NO_SUCH_CARD)
        if self._is_frozen(pan):
            return Answer(Outcome.FROZEN)
        if card.blocked:
            return Answer(Outcome.BLOCKED)
        if lost and card.state is CardState.ACTIVE:
            self._ledger.set_state(card, CardState.BLOCKED)
        self._enter(number, pan, kind, card.sequence, ChangeState.FROZEN)
        return Answer(Outcome.DONE, card.sequence)

    def _enter(self, number: str, pan: str | None, kind: ChangeKind, sequence: str, state: ChangeState) -> None:
        self._ledger.run(
            "INSERT INTO change (number, pan, kind, old_sequence, state) VALUES (?, ?, ?, ?, ?)",
            *(number, pan, kind, sequence, state),
        )

    def _is_frozen(self, pan: str) -> bool:
        query = "SELECT 1 FROM change WHERE state IN ('frozen', 'ordered') AND ? IN (pan, new_pan)"
        return self._ledger.one(query, pan) is not None

    def _order(self, change: str, expiry: date, pan: str, sequence: str) -> Answer:
        found = self.change(change)
        if found is None:
            return Answer(Outcome.NO_SUCH_CHANGE)
        if found.state is not ChangeState.FROZEN:
            return Answer(OVER.get(found.state, Outcome.DONE_BEFORE), found.new_sequence)
        old = self._ledger.account(found.pan, found.old_sequence)
        assert old is not None  # noqa: S101 - a change is frozen with its card
        if found.kind is ChangeKind.DIFFERENT_NUMBER:
            if not pan or self._ledger.account_of(pan) is not None:
                return Answer(Outcome.NUMBER_TAKEN)
            self._ledger.run("INSERT INTO card_number VALUES (?, ?)", pan, old.number)
        else:
            pan, sequence = old.pan, f"{int(self._ledger.cards(old.pan)[-1].sequence) + 1:02d}"
            if int(sequence) > LAST_SEQUENCE:
                return Answer(Outcome.NO_SEQUENCE_LEFT)
        self._ledger.run(
            "UPDATE change SET state = 'ordered', new_pan = ?, new_sequence = ? WHERE number = ?", pan, sequence, change
        )
        new = replace(old, pan=pan, sequence=sequence, expiry=f"{expiry:%Y-%m}", state=CardState.ORDERED)
        self._ledger.enter_card(new)
        return Answer(Outcome.DONE, sequence)

    def _end(self, change: str, wanted: ChangeState) -> Answer:
        found = self.change(change)
        if found is None:
            if wanted is ChangeState.SWITCHED:
                return Answer(Outcome.NO_SUCH_CHANGE)
            self._enter(change, None, ChangeKind.UPGRADE, "", ChangeState.UNDONE)
            return Answer(Outcome.DONE)
        if found.state is wanted:
            return Answer(Outcome.DONE_BEFORE, found.new_sequence)
        if found.state in OVER:
            return Answer(OVER[found.state], found.new_sequence)
        if wanted is ChangeState.SWITCHED and found.state is ChangeState.FROZEN:
            return Answer(Outcome.NOT_ORDERED)
        self._ledger.run("UPDATE change SET state = ? WHERE number = ?", wanted, change)
        return Answer(Outcome.DONE, found.new_sequence)

    def _return(self, number: str, pan: str, sequence: str, *, without_chip: bool) -> Answer:
        card = self._ledger.account(pan, sequence)
        if card is None:
            return Answer(Outcome.NO_SUCH_CARD)
        if card.state not in (CardState.SWITCHED_OFF, CardState.CANCELLED):
            return Answer(Outcome.STILL_IN_USE)
        before = self._ledger.e_cash_return(card)
        if before is not None:
            return Answer(Outcome.DONE_BEFORE, sequence, before)
        amount = card.e_cash
        if not without_chip:
            if card.reported is None or not self._ledger.was_run_last(pan, sequence, BLOCKING, UNBLOCKING):
                return Answer(Outcome.CHIP_AT_LARGE)
            amount = min(card.e_cash, card.reported)
        self._ledger.return_e_cash(card, amount, number)
        return Answer(Outcome.DONE, sequence, amount)

    def _set_state(self, pan: str, state: CardState) -> Answer:
        card = self.in_use(pan)
        if card is None:
            return Answer(Outcome.NO_SUCH_CARD)
        if self._is_frozen(pan):
            return Answer(Outcome.FROZEN)
        if card.state is state:
            return Answer(Outcome.DONE_BEFORE, card.sequence)
        self._ledger.set_state(card, state)
        return Answer(Outcome.DONE, card.sequence)


def _card_order(card: Account, product: Profile) -> CardOrder:
    """What the card has of its own; nothing of the product's holder stays."""
    directory = product.directory[payment_directory(product) or ""]
    return CardOrder(
        card.pan,
        card.sequence,
        date.fromisoformat(f"{card.expiry}-01"),
        holder=card.holder,
        identity_number=card.identity,
        pin=card.pin if directory.pin else None,
        balance=0 if "9F79" in directory.data else None,
    )
