"""The bank's desk for cards: first issuance 首次发卡, same-number upgrade 同号升级, replacement 同号换卡、异号换卡, loss 挂失.

A change goes freeze (of a first card: open), order, switch. Until the switch it can be undone, and the old card works; after
it the new one does, and there is nothing to undo. Every step is a request with a number of its own, carried out once; the
change is named by the number of its freeze. The rules are constraints of the tables (:mod:`conformance.actors.bank.schema`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data
from conformance.actors.bank.card_orders import card_order
from conformance.actors.bank.change import (
    OVER,
    Answer,
    Change,
    ChangeKind,
    ChangeState,
    ChipReturn,
    HolderCheck,
    Outcome,
)
from conformance.actors.bank.chips import Chips
from conformance.actors.bank.groupings import DataFile
from conformance.actors.bank.keys import IssuerKeys
from conformance.actors.bank.ledger import Account, CardState, Ledger
from conformance.actors.bank.once import once
from conformance.actors.bank.standing import in_use, stand
from conformance.actors.bank.verification import Verifications
from emulator.crypto import Algorithm
from profiles.model import Profile

FIRST_SEQUENCE, LAST_SEQUENCE = 1, 99
"""Card sequence numbers of a number; with which it begins is the issuer's own choice, an assumption."""
E_CASH_LIMIT, PIN_TRIES = 100_000, 3
BLOCKING, UNBLOCKING = "APPLICATION BLOCK", "APPLICATION UNBLOCK"


class ChangeError(ValueError):
    """A card for which the bank gives no personalisation data; the message says why."""


class _NotKept(Exception):
    """The refusal of a step that may be asked again under the same number, once the reason is gone."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class CardDesk:
    """The desk for changes of cards."""

    def __init__(self, ledger: Ledger, keys: Mapping[Algorithm, IssuerKeys], verifications: Verifications) -> None:
        self._ledger = ledger
        self._keys = keys
        self._verifications = verifications
        self._chips = Chips(ledger)

    # What anyone may ask

    def change(self, number: str) -> Change | None:
        """A change by the number of its freeze: how a station that lost its way finds out where it stands."""
        row = self._ledger.one("SELECT * FROM change WHERE number = ?", number)
        if row is None:
            return None
        return Change(
            row["number"],
            row["pan"] or "",
            ChangeKind(row["kind"]),
            row["old_sequence"],
            row["new_pan"],
            row["new_sequence"],
            ChangeState(row["state"]),
            HolderCheck(row["holder_check"]),
            bool(row["pre_made"]),
        )

    def chip(self, pan: str, sequence: str) -> ChipReturn | None:
        """What came back of the chip that a station made for a card."""
        return self._chips.of_card(pan, sequence)

    def number_of(self, identification: str) -> str | None:
        """Account number of the card whose chip has this 卡的识别码, as its data return said."""
        return self._chips.number_of(identification)

    def in_use(self, pan: str) -> Account | None:
        """The card of a number that is active or blocked; None where the number has none."""
        return in_use(self._ledger, pan)

    # The steps of a change

    def open(self, number: str, pan: str, *, holder: str, identity: str, pin: str, account: str = "") -> Answer:
        """Begin a first issuance: an empty account and its number, which has no card until the switch.

        A number whose first card was never handed out, because its change was undone, serves the same holder again.
        ``account`` is the card number unless given; ``pin`` is the online PIN: of a request that comes again, or of a number
        that serves again, the one that came last, until the card is ordered.

        Raises:
            ValueError: ``pan`` is none.
        """
        CardOrder(pan, f"{FIRST_SEQUENCE:02d}", date.max, holder).check()
        new = Account(
            *(pan, "", "0156", 0, 0, E_CASH_LIMIT, pin, PIN_TRIES, False, 0),
            number=account or pan,
            holder=holder,
            identity=identity,
        )
        with self._ledger.transaction():
            answer = self._once(number, ("open", pan, holder, identity, account), lambda: self._open(number, new))
            answer = self._unless_undone(answer, number)
            change = self.change(number) if answer.outcome is Outcome.DONE else None
            if change is not None and change.state is ChangeState.FROZEN:
                self._ledger.run("UPDATE account SET pin = ? WHERE number = ?", pin, new.number)
        return answer

    def freeze(
        self,
        number: str,
        pan: str,
        kind: ChangeKind,
        *,
        lost: bool = False,
        card_present: bool = True,
        identity: str = "",
    ) -> Answer:
        """Begin a change: until its end no other one touches the cards of the number. The card that is in use works on.

        The holder of a card that is present is verified by a balance inquiry with its PIN whose reference is ``number``, a
        short while before; without it the answer is ``NOT_VERIFIED``, and the freeze may be asked again. Of a card that is
        not present the desk declares the identity check. A ``lost`` card is not present, and off at once. An upgrade needs
        the card. ``identity``, where it is given, must be the identity number of the account's holder.
        """
        check = HolderCheck.CARD if card_present and not lost else HolderCheck.IDENTITY
        answer = self._once(
            number,
            ("freeze", pan, kind, lost, check, identity),
            lambda: self._freeze(number, pan, kind, check, lost=lost, identity=identity),
        )
        return self._unless_undone(answer, number)

    def order(
        self,
        number: str,
        change: str,
        expiry: date,
        *,
        pan: str = "",
        sequence: str = "00",
        pre_made: bool = True,
    ) -> Answer:
        """Order the new card, which expires at the end of the month of ``expiry``: the next sequence number of the same PAN.

        For a different number, ``pan`` and ``sequence`` are those of the new card: a ``pre_made`` one 预制卡, or one that
        the station makes.

        Raises:
            ValueError: The change is one to a different number and ``pan`` is none, or ``sequence`` is not two digits.
        """
        if pan:
            CardOrder(pan, sequence, expiry).check()
        content = ("order", change, f"{expiry:%Y-%m}", pan, sequence if pan else "", pre_made if pan else False)
        answer = self._once(number, content, lambda: self._order(change, expiry, pan, sequence, pre_made=pre_made))
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

    def record(self, number: str, change: str, chip: ChipReturn) -> Answer:
        """银行回盘登记: keep which chip carries the card of a change; an identification never belongs to two cards."""
        named = chip.identification.upper(), chip.atr.upper(), chip.version, chip.pan, chip.sequence
        content = "record", change, *named
        return self._once(number, content, lambda: self._record(change, chip))

    # Loss, cancellation

    def report_lost(self, number: str, pan: str, chip: str = "") -> Answer:
        """挂失: the card is off until it is found or replaced; that of ``chip`` (卡的识别码), of an unknown one that in use."""
        return self._stand(number, "lost", pan, chip, CardState.BLOCKED)

    def found(self, number: str, pan: str, chip: str = "") -> Answer:
        """解挂: the lost card is found and works again; see :meth:`report_lost`."""
        return self._stand(number, "found", pan, chip, CardState.ACTIVE)

    def cancel(self, number: str, pan: str, chip: str = "") -> Answer:
        """注销: the holder gives the card up for good; a number whose card in use it was has none any more; see :meth:`report_lost`."""
        return self._stand(number, "cancel", pan, chip, CardState.CANCELLED)

    def _stand(self, number: str, wish: str, pan: str, chip: str, state: CardState) -> Answer:
        def act() -> Answer:
            return stand(self._ledger, pan, chip, state, frozen=self._is_frozen(pan))

        return self._once(number, (wish, pan, chip), act)

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
        if found.pre_made:
            raise ChangeError(f"change {change} hands out a pre-made card, which has its data")
        card = self._ledger.account(found.new_pan, found.new_sequence)
        wanted = [each.algorithm for each in IssuerKeys.of_profile(product)]
        if card is None or any(algorithm not in self._keys for algorithm in wanted):
            raise ChangeError(f"the bank has not the keys that product {product.name} needs; give it those")
        keys = tuple(self._keys[algorithm] for algorithm in wanted)
        return personalisation_data(product, card_order(card, product), authority, keys)

    # Each step inside its transaction

    def _once(self, number: str, content: tuple[object, ...], act: Callable[[], Answer]) -> Answer:
        try:
            text = once(self._ledger, "cards", number, content, lambda: act().to_json())
        except _NotKept as refusal:
            return Answer(refusal.outcome)
        return Answer(Outcome.DUPLICATE) if text is None else Answer.from_json(text)

    def _unless_undone(self, answer: Answer, change: str) -> Answer:
        """A step that comes again after its change was undone is told so."""
        found = self.change(change)
        undone = found is not None and found.state is ChangeState.UNDONE
        return Answer(Outcome.UNDONE) if undone and answer.outcome is Outcome.DONE else answer

    def _open(self, number: str, new: Account) -> Answer:
        if self.change(number) is not None:
            return Answer(Outcome.UNDONE)
        owner = self._ledger.owner(new.pan)
        if owner is not None:
            if self._is_frozen(new.pan):
                return Answer(Outcome.FROZEN)
            same = (owner.number, owner.holder, owner.identity) == (new.number, new.holder, new.identity)
            if not same or not self._was_never_in_use(new.pan):
                return Answer(Outcome.NUMBER_TAKEN)
        elif self._ledger.one("SELECT 1 FROM account WHERE number = ?", new.number) is not None:
            return Answer(Outcome.NUMBER_TAKEN)
        else:
            self._ledger.open_number(new)
        self._enter(number, new.pan, ChangeKind.FIRST, "", HolderCheck.IDENTITY)
        return Answer(Outcome.DONE)

    def _was_never_in_use(self, pan: str) -> bool:
        """Whether a number was opened by first issuances alone, and each of them was undone."""
        others = "SELECT 1 FROM change WHERE ? IN (pan, new_pan) AND (kind <> ? OR state <> 'undone')"
        begun = "SELECT 1 FROM change WHERE pan = ?"
        return self._ledger.one(others, pan, ChangeKind.FIRST) is None and self._ledger.one(begun, pan) is not None

    def _freeze(
        self, number: str, pan: str, kind: ChangeKind, check: HolderCheck, *, lost: bool, identity: str
    ) -> Answer:
        if self.change(number) is not None:
            return Answer(Outcome.UNDONE)
        card = self.in_use(pan)
        if card is None:
            return Answer(Outcome.NO_SUCH_CARD)
        if self._is_frozen(pan):
            return Answer(Outcome.FROZEN)
        if card.blocked:
            return Answer(Outcome.BLOCKED)
        if identity and identity != card.identity:
            return Answer(Outcome.OTHER_HOLDER)
        by_card = check is HolderCheck.CARD and self._verifications.serves(number, card)
        declared = check is HolderCheck.IDENTITY and kind is not ChangeKind.UPGRADE
        if not by_card and not declared:
            raise _NotKept(Outcome.NOT_VERIFIED)
        if lost and card.state is CardState.ACTIVE:
            self._ledger.set_state(card, CardState.BLOCKED)
        self._enter(number, pan, kind, card.sequence, check)
        return Answer(Outcome.DONE, card.sequence)

    def _enter(
        self,
        number: str,
        pan: str | None,
        kind: ChangeKind,
        sequence: str,
        check: HolderCheck,
        state: ChangeState = ChangeState.FROZEN,
    ) -> None:
        self._ledger.run(
            "INSERT INTO change (number, pan, kind, old_sequence, holder_check, state) VALUES (?, ?, ?, ?, ?, ?)",
            *(number, pan, kind, sequence, check, state),
        )

    def _is_frozen(self, pan: str) -> bool:
        query = "SELECT 1 FROM change WHERE state IN ('frozen', 'ordered') AND ? IN (pan, new_pan)"
        return self._ledger.one(query, pan) is not None

    def _order(self, change: str, expiry: date, pan: str, sequence: str, *, pre_made: bool) -> Answer:
        found = self.change(change)
        if found is None:
            return Answer(Outcome.NO_SUCH_CHANGE)
        if found.state is not ChangeState.FROZEN:
            return Answer(OVER.get(found.state, Outcome.DONE_BEFORE), found.new_sequence)
        first, another = found.kind is ChangeKind.FIRST, found.kind is ChangeKind.DIFFERENT_NUMBER
        old = self._ledger.owner(found.pan) if first else self._ledger.account(found.pan, found.old_sequence)
        if old is None:
            raise sqlite3.IntegrityError(f"change {change} has neither its card nor its account")
        if another:
            if not pan or self._ledger.account_of(pan) is not None:
                return Answer(Outcome.NUMBER_TAKEN)
            self._ledger.run("INSERT INTO card_number VALUES (?, ?)", pan, old.number)
        else:
            pan, sequence = old.pan, f"{self._next_sequence(old.pan):02d}"
            if int(sequence) > LAST_SEQUENCE:
                return Answer(Outcome.NO_SEQUENCE_LEFT)
        self._ledger.run(
            "UPDATE change SET state = 'ordered', new_pan = ?, new_sequence = ?, pre_made = ? WHERE number = ?",
            *(pan, sequence, int(another and pre_made), change),
        )
        new = replace(old, pan=pan, sequence=sequence, expiry=f"{expiry:%Y-%m}", state=CardState.ORDERED)
        self._ledger.enter_card(replace(new, e_cash_limit=E_CASH_LIMIT) if first else new)
        return Answer(Outcome.DONE, sequence)

    def _next_sequence(self, pan: str) -> int:
        cards = self._ledger.cards(pan)
        return int(cards[-1].sequence) + 1 if cards else FIRST_SEQUENCE

    def _record(self, change: str, chip: ChipReturn) -> Answer:
        found = self.change(change)
        if found is None:
            return Answer(Outcome.NO_SUCH_CHANGE)
        if not found.new_sequence:
            return Answer(OVER.get(found.state, Outcome.NOT_ORDERED))
        if (chip.pan, chip.sequence) != (found.new_pan, found.new_sequence):
            return Answer(Outcome.OTHER_CARD)
        return Answer(self._chips.enter(chip), chip.sequence)

    def _end(self, change: str, wanted: ChangeState) -> Answer:
        found = self.change(change)
        if found is None:
            if wanted is ChangeState.SWITCHED:
                return Answer(Outcome.NO_SUCH_CHANGE)
            self._enter(change, None, ChangeKind.UPGRADE, "", HolderCheck.IDENTITY, ChangeState.UNDONE)
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
