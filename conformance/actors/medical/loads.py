"""The centre's side of 账户划入: money of the personal account that goes onto the card of an offline area (vol. 2 §6.6).

What is offered leaves the account at once and stands in the book of the card, so that it cannot be spent twice; a load that
the card did not carry out is reversed.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from conformance.actors.key_service import AccountLoad, KeyService
from conformance.actors.medical.books import Books, LoadState, StoredLoad, account_of, on_card
from conformance.actors.medical.messages import CardState, Clearing, LoadAnswer, LoadRequest, Refusal
from profiles.keys import keys
from profiles.model import Profile


class Loads:
    """Loads of cards of one product, in the books of a centre. Every method is called within a transaction."""

    def __init__(self, books: Books, cards: Profile, now: Callable[[], datetime]) -> None:
        self._books = books
        self._cards = cards
        self._now = now
        self._load_key = next((name for name, key in keys(cards).items() if key.use == "load"), None)
        self._tac_key = next((name for name, key in keys(cards).items() if key.use == "tac"), None)

    def offer(self, request: LoadRequest) -> LoadAnswer:
        """Check MAC1, move the money, answer MAC2. A repeated request gets the same answer."""
        number = request.number
        known = self._books.load(number)
        if known is not None:
            return self._again(known, request)
        card = self._books.card(request.card)
        if card is None:
            return LoadAnswer(number, Refusal.UNKNOWN_CARD)
        if card.state is not CardState.NORMAL:
            return LoadAnswer(number, Refusal.CARD_STATE)
        if request.load.amount <= 0:
            return LoadAnswer(number, Refusal.WRONG_AMOUNT)
        load = replace(request.load, time=bytes.fromhex(f"{self._now():%Y%m%d%H%M%S}"))
        service = KeyService(self._cards, card.historical, card.card[:6])
        if self._load_key is None:
            return LoadAnswer(number, Refusal.NO_OFFLINE)
        codes = service.load(self._load_key, load)
        if not hmac.compare_digest(codes.mac1, request.mac1):
            return LoadAnswer(number, Refusal.WRONG_MAC1)
        promised, _, _ = self._books.quoted(card.person)
        if self._books.balance(account_of(card.person)) - promised < load.amount:
            return LoadAnswer(number, Refusal.NOT_ENOUGH)
        stored = StoredLoad(number, card.person, card.card, load, codes.mac2, LoadState.OFFERED)
        self._books.enter_load(stored)
        self._books.move(account_of(card.person), on_card(card.card), load.amount, number, "load")
        return LoadAnswer(number, None, load.time, codes.mac2)

    @staticmethod
    def _again(known: StoredLoad, request: LoadRequest) -> LoadAnswer:
        if known.state is LoadState.REVERSED:
            return LoadAnswer(known.number, Refusal.REVERSED)
        if known.card != request.card.upper() or replace(known.load, time=b"") != replace(request.load, time=b""):
            return LoadAnswer(known.number, Refusal.REPEATED)
        return LoadAnswer(known.number, None, known.load.time, known.mac2)

    def confirm(self, number: str, tac: bytes) -> Clearing:
        """Check the TAC of a load that the card carried out. Again is no error."""
        stored = self._books.load(number)
        if stored is None:
            return Clearing(number, Refusal.UNKNOWN_SETTLEMENT)
        if stored.state is LoadState.REVERSED:
            return Clearing(number, Refusal.REVERSED)
        if not hmac.compare_digest(self._tac(stored.card, stored.load), tac):
            return Clearing(number, Refusal.WRONG_TAC)
        self._books.set_load_state(number, LoadState.LOADED)
        return Clearing(number)

    def _tac(self, card: str, load: AccountLoad) -> bytes:
        registered = self._books.card(card)
        if registered is None:
            raise sqlite3.IntegrityError(f"a load is of card {card}, which is not in the register")
        service = KeyService(self._cards, registered.historical, card[:6])
        return service.load_transaction_code(self._tac_key or "", load)

    def reverse(self, number: str) -> Clearing:
        """Move the money of a load that the card did not carry out back. What it carried out stays."""
        stored = self._books.load(number)
        if stored is None:
            return Clearing(number, Refusal.UNKNOWN_SETTLEMENT)
        if stored.state is LoadState.LOADED:
            return Clearing(number, Refusal.REPEATED)
        if stored.state is LoadState.OFFERED:
            self._books.set_load_state(number, LoadState.REVERSED)
            self._books.move(on_card(stored.card), account_of(stored.person), stored.load.amount, number, "reversed")
        return Clearing(number)
