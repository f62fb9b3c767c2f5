"""The insurance centre 医保中心: eligibility, pre-settlement, TAC checking, clearing, reversal, card register, year change.

人社信息函〔2012〕38号 §2 to §4. What a person pays follows :mod:`conformance.actors.medical.scheme`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from conformance.actors.key_service import KeyService, Settlement
from conformance.actors.medical.books import (
    FUND,
    HOSPITALS,
    INCOME,
    SHORTFALL,
    Books,
    Person,
    RegisteredCard,
    SettlementState,
    StoredSettlement,
    account_of,
    on_card,
)
from conformance.actors.medical.loads import Loads
from conformance.actors.medical.messages import (
    CardState,
    Channel,
    Clearing,
    Confirmation,
    Inquiry,
    LoadAnswer,
    LoadRequest,
    Mode,
    OfflineState,
    OfflineUpload,
    PersonAccount,
    PreSettlement,
    Quote,
    Refusal,
)
from conformance.actors.medical.register import Register
from conformance.actors.medical.scheme import Scheme, shares
from profiles.keys import keys
from profiles.model import Profile


class Centre:
    """An insurance centre for cards of one product.

    Args:
        cards: Card product whose TAC keys the centre holds by reference.
        path: Where the books are kept; in memory unless given.
        mode: How the area settles.
        scheme: What it pays; that of an invented area unless given.
        year: The present medical year, four digits.
        now: The centre's clock, which loads carry.
    """

    def __init__(
        self,
        cards: Profile,
        path: Path | str = ":memory:",
        *,
        mode: Mode = Mode.ONLINE,
        scheme: Scheme | None = None,
        year: str = "2026",
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.mode = mode
        self.scheme = scheme or Scheme()
        self.year = year
        self.books = Books(path)
        self._cards = cards
        self._tac_key = next((name for name, key in keys(cards).items() if key.use == "tac"), None)
        if self._tac_key is None:
            raise ValueError(f"profile {cards.name} has no TAC key; give a card with the medical application")
        self._loads = Loads(self.books, cards, now)
        self._register = Register(self.books)

    # Persons and cards

    def insure(self, person: str, name: str, *, balance: int | None = None, insured: bool = True) -> None:
        """Enter a person, whose account begins with the yearly credit unless told otherwise."""
        scheme = self.scheme
        with self.books.transaction():
            self.books.enter_person(
                Person(person, name, insured, scheme.deductible, scheme.rate, scheme.fund_limit, self.year, 0, 0, 0)
            )
            self.books.move(
                INCOME, account_of(person), scheme.yearly_credit if balance is None else balance, "", "opened"
            )

    def register(self, card: str, person: str, historical: bytes, state: CardState = CardState.SEALED) -> None:
        """Enter a card: 卡的识别码, holder, 13 historical bytes; raises :class:`ValueError` for what the register refuses."""
        self._register.enter(RegisteredCard(card.upper(), person, historical, state))

    def change_card(self, card: str, state: CardState, channel: Channel = Channel.WINDOW) -> None:
        """Activate, report lost, lock or cancel a card; raises :class:`ValueError` for what the register does not allow."""
        self._register.change(card, state, channel)

    def replace_card(self, new: str, old: str, channel: Channel = Channel.STATION) -> None:
        """换卡: the old card cancelled and the new one in use, at once; raises :class:`ValueError` as :meth:`change_card`."""
        self._register.replace(new, old, channel)

    def card(self, card: str) -> RegisteredCard | None:
        """A card of the register by its 卡的识别码."""
        return self.books.card(card)

    def cards_of(self, person: str) -> tuple[RegisteredCard, ...]:
        """Every card that the register has of a person."""
        return tuple(self.books.cards_of(person))

    def inquire_by_card(self, card: str) -> Inquiry:
        """自助查询 with a card: refused unless the card is in use."""
        found = self.books.card(card)
        if found is None:
            return Inquiry(Refusal.UNKNOWN_CARD)
        if found.state is not CardState.NORMAL:
            return Inquiry(Refusal.CARD_STATE)
        return Inquiry(account=self.inquire(found.person))

    def inquire(self, person: str) -> PersonAccount | None:
        """Balance, sums of the year and cards of a person; None for an unknown one."""
        found = self.books.person(person)
        if found is None:
            return None
        cards = tuple((card.card, card.state) for card in self.books.cards_of(person))
        balance = self.books.balance(account_of(person))
        return PersonAccount(
            person, found.name, found.insured, balance, found.year, found.own_year, found.fund_year, cards
        )

    def begin_year(self, year: str) -> None:
        """A new medical year: sums and deductibles begin anew, accounts get their yearly credit, once."""
        with self.books.transaction():
            for row in self.books.all("SELECT person FROM person WHERE year < ?", year):
                person = row["person"]
                self.books.change_person(person, year=year, deductible_used=0, own_year=0, fund_year=0)
                self.books.move(INCOME, account_of(person), self.scheme.yearly_credit, "", f"credit {year}")
            self.year = year

    # Pre-settlement

    def pre_settle(self, request: PreSettlement) -> Quote:
        """Decide eligibility and who pays what; the amounts are kept for the settlement.

        A request that is repeated gets the same quote until it is settled: then it is refused, and nothing is settled twice.
        """
        with self.books.transaction():
            known = self.books.settlement(request.number)
            if known is not None:
                return self._known_quote(known, request)
            if self.books.was_taken_back(request.number):
                return Quote(request.number, Refusal.REVERSED)
            person, refusal = self.books.person(request.person), self._ineligible(request)
            if person is None or refusal is not None:
                return Quote(request.number, refusal or Refusal.UNKNOWN_PERSON)
            stored = shares(self.books, person, request)
            self.books.enter_settlement(stored)
            return stored.quote

    @staticmethod
    def _known_quote(known: StoredSettlement, request: PreSettlement) -> Quote:
        same = known.person == request.person and known.card == request.card.upper() and known.total == request.total
        if known.state is SettlementState.REVERSED:
            return Quote(request.number, Refusal.REVERSED)
        if known.state is SettlementState.CLEARED:
            return Quote(request.number, Refusal.REPEATED)
        return known.quote if same else Quote(request.number, Refusal.REPEATED)

    def _ineligible(self, request: PreSettlement) -> Refusal | None:
        person, card = self.books.person(request.person), self.books.card(request.card)
        if person is None:
            return Refusal.UNKNOWN_PERSON
        if not person.insured:
            return Refusal.NOT_INSURED
        if card is None:
            return Refusal.UNKNOWN_CARD
        if card.person != request.person:
            return Refusal.FOREIGN_CARD
        if card.state is not CardState.NORMAL:
            return Refusal.CARD_STATE
        if not 0 < request.total <= 0xFFFFFFFF or not 0 <= request.eligible <= request.total:
            return Refusal.WRONG_AMOUNT
        return None

    # Settlement

    def settle(self, confirmation: Confirmation) -> Clearing:
        """Check the TAC and book what was quoted, once (38号文 §2.10)."""
        number = confirmation.number
        with self.books.transaction():
            stored, card = self.books.settlement(number), self.books.card(confirmation.card)
            if stored is None:
                return Clearing(number, Refusal.UNKNOWN_SETTLEMENT)
            covered = fingerprint(confirmation.settlement)
            if stored.state is SettlementState.REVERSED:
                return Clearing(number, Refusal.REVERSED)
            if stored.state is SettlementState.CLEARED:
                return self._cleared(stored) if stored.covered == covered else Clearing(number, Refusal.REPEATED)
            if card is None or card.card != stored.card:
                return Clearing(number, Refusal.FOREIGN_CARD if card else Refusal.UNKNOWN_CARD)
            if confirmation.settlement.amounts != stored.quote.card_amounts:
                return Clearing(number, Refusal.WRONG_AMOUNT)
            if not self._tac_is_right(card, confirmation.settlement, confirmation.tac):
                return Clearing(number, Refusal.WRONG_TAC)
            if self._is_settled(stored.card, covered):
                return Clearing(number, Refusal.REPEATED)
            self.books.clear(number, confirmation.settlement.number.hex(), confirmation.tac.hex(), covered)
            self._book(stored)
            return self._cleared(stored)

    def _is_settled(self, card: str, covered: str) -> bool:
        return self.books.one("SELECT 1 FROM settlement WHERE card = ? AND covered = ?", card, covered) is not None

    def _tac_is_right(self, card: RegisteredCard, settlement: Settlement, tac: bytes) -> bool:
        service = KeyService(self._cards, card.historical, card.card[:6])
        expected = service.transaction_code(self._tac_key or "", settlement)
        return hmac.compare_digest(expected, tac)

    def _book(self, stored: StoredSettlement) -> None:
        self.books.move(account_of(stored.person), HOSPITALS, stored.account, stored.number, "account")
        self.books.move(FUND, HOSPITALS, stored.fund, stored.number, "fund")
        self._count(stored, 1)

    def _count(self, stored: StoredSettlement, sign: int) -> None:
        """The sums of the person's year, as long as it is the settlement's."""
        person = self.books.person(stored.person)
        if person is not None and person.year == stored.year:
            self.books.change_person(
                stored.person,
                deductible_used=person.deductible_used + sign * stored.deductible,
                own_year=person.own_year + sign * (stored.account + stored.own),
                fund_year=person.fund_year + sign * stored.fund,
            )

    def _cleared(self, stored: StoredSettlement) -> Clearing:
        if self.mode is not Mode.ONLINE_WITH_OFFLINE:
            return Clearing(stored.number)
        return Clearing(stored.number, offline=OfflineState(self._may_go_offline(stored.person), 0, 0))

    def _may_go_offline(self, person: str) -> bool:
        return self.books.balance(account_of(person)) > 0

    def upload(self, upload: OfflineUpload) -> Clearing:
        """Check the TAC of an offline settlement and book it (38号文 §4.10).

        A temporary one is taken from the personal account; what that lacks is booked as shortfall: the card promised it.
        One of an offline area is taken from the book of the card.
        """
        number, covered = upload.number, fingerprint(upload.settlement)
        with self.books.transaction():
            if self.mode is Mode.ONLINE:
                return Clearing(number, Refusal.NO_OFFLINE)
            known, card = self.books.settlement(number), self.books.card(upload.card)
            if known is not None and known.state is SettlementState.REVERSED:
                return Clearing(number, Refusal.REVERSED)
            if known is not None and not self._is_its_lost_quote(known, upload):
                return Clearing(number, None if known.covered == covered else Refusal.REPEATED)
            person = self.books.person(upload.person)
            if card is None or person is None or card.person != person.person:
                return Clearing(number, Refusal.FOREIGN_CARD if card else Refusal.UNKNOWN_CARD)
            paid = self._uploaded_shares(upload.settlement)
            if paid is None:
                return Clearing(number, Refusal.WRONG_AMOUNT)
            if not self._tac_is_right(card, upload.settlement, upload.tac):
                return Clearing(number, Refusal.WRONG_TAC)
            if self._is_settled(card.card, covered):
                return Clearing(number, Refusal.REPEATED)
            stored = StoredSettlement(
                number,
                person.person,
                card.card,
                "",
                True,
                sum(paid),
                *paid,
                0,
                0,
                SettlementState.QUOTED,
                person.year,
            )
            self.books.forget_quote(number)
            self.books.enter_settlement(stored)
            self.books.clear(number, upload.settlement.number.hex(), upload.tac.hex(), covered)
            self._take_offline(stored)
            return Clearing(number)

    @staticmethod
    def _is_its_lost_quote(known: StoredSettlement, upload: OfflineUpload) -> bool:
        """Whether the terminal went off line because this quote never reached it."""
        same = known.person == upload.person and known.card == upload.card.upper()
        return same and known.state is SettlementState.QUOTED

    def _uploaded_shares(self, settlement: Settlement) -> tuple[int, int] | None:
        """Account and own payment of an offline settlement; None for amounts that the area's mode does not have."""
        first, second, third = (int.from_bytes(settlement.amounts[at : at + 4], "big") for at in (0, 4, 8))
        if self.mode is Mode.OFFLINE:
            return (first, second) if first + second and not third else None
        return (second, 0) if second and not first and third == second else None

    def _take_offline(self, stored: StoredSettlement) -> None:
        if self.mode is Mode.OFFLINE:
            self.books.move(on_card(stored.card), HOSPITALS, stored.account, stored.number, "card, offline")
            self._count(stored, 1)
            return
        account = account_of(stored.person)
        promised, _, _ = self.books.quoted(stored.person)
        paid = min(stored.total, max(self.books.balance(account) - promised, 0))
        self.books.move(account, HOSPITALS, paid, stored.number, "account, offline")
        self.books.move(SHORTFALL, HOSPITALS, stored.total - paid, stored.number, "shortfall, offline")
        self._count(stored, 1)

    # Loads of the card's own account

    def load(self, request: LoadRequest) -> LoadAnswer:
        """账户划入: check MAC1, take the amount from the personal account, answer MAC2."""
        with self.books.transaction():
            if self.mode is not Mode.OFFLINE:
                return LoadAnswer(request.number, Refusal.NO_OFFLINE)
            if self.books.was_taken_back(request.number):
                return LoadAnswer(request.number, Refusal.REVERSED)
            return self._loads.offer(request)

    def confirm_load(self, number: str, tac: bytes) -> Clearing:
        """Check the TAC of a load that the card carried out."""
        with self.books.transaction():
            return self._loads.confirm(number, tac)

    # Reversal

    def reverse(self, number: str) -> Clearing:
        """冲正: drop a quote, or move everything back that a settlement moved; its TAC stays used up. Again is no error.

        A reversal that comes before its pre-settlement keeps that from being quoted later.
        """
        with self.books.transaction():
            stored = self.books.settlement(number)
            if stored is None:
                answer = self._loads.reverse(number)
                if answer.refusal is Refusal.UNKNOWN_SETTLEMENT:
                    self.books.take_back_unknown(number)
                return answer
            if stored.state is SettlementState.QUOTED:
                self.books.mark_reversed(number)
            elif stored.state is SettlementState.CLEARED:
                self.books.mark_reversed(number)
                for book, amount, _ in self.books.movements(number):
                    if amount < 0:
                        self.books.move(HOSPITALS, book, -amount, number, "reversed")
                self._count(stored, -1)
            return Clearing(number)


def fingerprint(settlement: Settlement) -> str:
    """Digest of what a TAC covers: amounts, type, terminal, its transaction number, time."""
    covered = settlement.signed + settlement.terminal_number + settlement.time
    return hashlib.sha256(covered).hexdigest()
