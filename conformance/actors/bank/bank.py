"""The authorisation side of the bank 发卡行: checks cryptograms, moves money, answers with ARPC and issuer scripts.

Every request has a number; the same request again gets the same answer and moves nothing. What a request changes is one
transaction of the ledger.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import date

from conformance.actors.bank import pin_blocks, scripts
from conformance.actors.bank.agreements import Agreements
from conformance.actors.bank.changes import E_CASH_LIMIT, PIN_TRIES, CardDesk
from conformance.actors.bank.codes import CHIP_TO_BLOCK, REFUSALS, Code, Settlement
from conformance.actors.bank.field_55 import CID, COUNTER, CRYPTOGRAM, has_expired, read_chip_data, tells_the_same
from conformance.actors.bank.issuer_data import ALGORITHMS
from conformance.actors.bank.keys import ChipDataError, IssuerKeys, TransactionKeys, issuer_data
from conformance.actors.bank.ledger import NETWORK, Account, CardState, Ledger, RequestState, ScriptState, StoredRequest
from conformance.actors.bank.messages import (
    AuthorisationRequest,
    AuthorisationResponse,
    ClearingRecord,
    Completion,
    Reversal,
    TransactionKind,
)
from conformance.actors.bank.scripts import Order
from conformance.actors.bank.verification import Verifications
from emulator.crypto import Algorithm, CryptoError

ONLINE_REQUEST, APPROVAL, DECLINE = 0x80, 0x40, 0x00
SCRIPT_FAILED = 0x08
"""Byte 4 of the card verification results: the upper half counts script commands, this bit tells that one failed (JR/T 0025.5 appendix D)."""
ENDED = frozenset({RequestState.COMPLETED, RequestState.REVERSED, RequestState.UNCERTAIN})


class Bank:
    """An issuer with one set of keys for each algorithm.

    ``now`` is its clock, in seconds.

    Attributes:
        cards: Its desk for changes of cards: same-number upgrade, replacement, loss.
        agreements: Standing agreements of the accounts, and what is booked under them.
    """

    def __init__(
        self,
        keys: IssuerKeys,
        *more: IssuerKeys,
        ledger: Ledger | None = None,
        refusals: Mapping[CardState, Code] = REFUSALS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.ledger = ledger or Ledger()
        self._keys = {each.algorithm: each for each in (keys, *more)}
        self._refusals = dict(refusals)
        self._verifications = Verifications(self.ledger, now)
        self.cards = CardDesk(self.ledger, self._keys, self._verifications)
        self.agreements = Agreements(self.ledger)

    # What the bank's own people do

    def open_account(
        self,
        pan: str,
        sequence: str = "00",
        *,
        balance: int,
        e_cash: int = 0,
        e_cash_limit: int = E_CASH_LIMIT,
        currency: str = "0156",
        pin: str = "123456",
        number: str = "",
        holder: str = "",
        identity: str = "",
        expiry: date | None = None,
    ) -> None:
        """Open an account with its first card; amounts in the smallest unit, ``pin`` is the online PIN.

        ``number`` of the account is the card number unless given, ``expiry`` a day of the card's last month.

        Raises sqlite3.IntegrityError when the card has one.
        """
        account = Account(
            *(pan, sequence, currency, balance, e_cash, e_cash_limit, pin, PIN_TRIES, False, 0),
            number=number or pan,
            holder=holder,
            identity=identity,
            expiry=f"{expiry:%Y-%m}" if expiry else "",
        )
        with self.ledger.transaction():
            self.ledger.open(account)

    def order(self, pan: str, sequence: str, *orders: Order) -> None:
        """Let script commands go to a card with its next online transaction."""
        with self.ledger.transaction():
            for order in orders:
                self.ledger.order(pan, sequence, order)

    def account(self, pan: str, sequence: str = "00") -> Account:
        """The account of a card.

        Raises:
            KeyError: It has none.
        """
        found = self.ledger.account(pan, sequence)
        if found is None:
            raise KeyError(f"no account for this card with sequence number {sequence}")
        return found

    # What terminals ask

    def authorise(self, request: AuthorisationRequest) -> AuthorisationResponse:
        """Answer a request, once; the same number with another content is refused with code 94."""
        fingerprint = hashlib.sha256(repr(request).encode()).hexdigest()
        with self.ledger.transaction():
            before = self.ledger.request(request.number)
            if before is not None:
                if before.fingerprint == fingerprint and before.state is not RequestState.REVERSED:
                    return AuthorisationResponse.from_json(before.response)
                return AuthorisationResponse(request.number, Code.DUPLICATE)
            response = self._answer(request)
            self.ledger.store(
                StoredRequest(
                    request.number,
                    fingerprint,
                    request.pan,
                    request.sequence,
                    request.kind.name,
                    request.amount,
                    RequestState.APPROVED if response.code == Code.APPROVED else RequestState.DECLINED,
                    response.to_json(),
                )
            )
            return response

    def _answer(self, request: AuthorisationRequest) -> AuthorisationResponse:
        """Only a genuine cryptogram with a new counter gets an ARPC and scripts."""
        account = self.ledger.account(request.pan, request.sequence)
        try:
            chip_data = read_chip_data(request.chip_data)
            keys = self._keys_for(request.pan, request.sequence, chip_data)
            genuine = keys is not None and keys.is_genuine(chip_data)
        except ChipDataError:
            return AuthorisationResponse(request.number, Code.FORMAT_ERROR)
        if account is None:
            return AuthorisationResponse(request.number, Code.NO_SUCH_CARD)
        counter = int.from_bytes(chip_data[COUNTER], "big")
        if keys is None or not genuine or counter <= account.last_counter:
            return AuthorisationResponse(request.number, Code.DO_NOT_HONOUR)
        self.ledger.note_counter(account, counter)
        reported = keys.balance(issuer_data(chip_data))
        if reported is not None:
            self.ledger.note_reported(account, reported)
        account = self._ask_card(account, issuer_data(chip_data).results)
        wants_approval = chip_data.get(CID, b"\0")[0] & 0xC0 == ONLINE_REQUEST
        code, own = self._decide(request, account, keys, chip_data) if wants_approval else (Code.DO_NOT_HONOUR, [])
        arpc = b""
        if wants_approval:
            arpc = keys.response_cryptogram(chip_data[CRYPTOGRAM], code) + code.encode("ascii")
        approved = code == Code.APPROVED
        return AuthorisationResponse(
            request.number,
            code,
            _authorisation_code(request.number) if approved else "",
            arpc,
            self._scripts(request, own, keys, chip_data),
            account.balance if approved and request.kind is TransactionKind.BALANCE_INQUIRY else None,
        )

    def _keys_for(self, pan: str, sequence: str, chip_data: Mapping[int, bytes]) -> TransactionKeys | None:
        """The keys that the algorithm in 9F10 asks for (JR/T 0025.17 §10); None when the bank has none of that kind."""
        algorithm = ALGORITHMS.get(issuer_data(chip_data).algorithm)
        keys = self._keys.get(algorithm) if isinstance(algorithm, Algorithm) else None
        return keys.transaction(pan, sequence, chip_data) if keys else None

    def _decide(
        self, request: AuthorisationRequest, account: Account, keys: TransactionKeys, chip_data: Mapping[int, bytes]
    ) -> tuple[Code, list[Order]]:
        """The response code, and the orders that the transaction itself needs; moves the money when it approves."""
        if account.state is not CardState.ACTIVE:
            return self._refusals.get(account.state, Code.DO_NOT_HONOUR), self._blocking(account)
        if account.blocked:
            return Code.DO_NOT_HONOUR, []
        if has_expired(account, chip_data):
            return Code.EXPIRED_CARD, []
        if not tells_the_same(request, chip_data) or request.currency != account.currency:
            return Code.INVALID_AMOUNT, []
        if request.pin_block:
            wrong = self._check_pin(account, request.pin_block)
            if wrong is not None:
                return wrong, []
        if request.kind is TransactionKind.BALANCE_INQUIRY:
            return self._inquire(request, account), []
        if request.amount > account.balance:
            return Code.INSUFFICIENT_FUNDS, []
        if request.kind is TransactionKind.LOAD:
            return self._load(request, account, keys, chip_data)
        self.ledger.transfer(account.book, NETWORK, request.amount, request.number, request.kind.name.lower())
        return Code.APPROVED, []

    def _inquire(self, request: AuthorisationRequest, account: Account) -> Code:
        """余额查询, for which the PIN, already judged, must have come; a desk's verifies the holder for its change."""
        if request.amount:
            return Code.INVALID_AMOUNT
        if not request.pin_block:
            return Code.WRONG_PIN
        if request.reference:
            self._verifications.note(request.number, account, request.reference)
        return Code.APPROVED

    def _blocking(self, account: Account) -> list[Order]:
        """The script that ends the chip of a card that was replaced; a chip that asks again was not ended by an earlier one."""
        order = scripts.block_application()
        waiting = {each.name for _, each in self.ledger.waiting(account.pan, account.sequence)}
        return [order] if account.state in CHIP_TO_BLOCK and order.name not in waiting else []

    def _load(
        self, request: AuthorisationRequest, account: Account, keys: TransactionKeys, chip_data: Mapping[int, bytes]
    ) -> tuple[Code, list[Order]]:
        """圈存: money to the e-cash account, and the absolute new balance to the card (JR/T 0025.13 §7.3)."""
        reported = keys.balance(issuer_data(chip_data))
        if reported is None:
            return Code.DO_NOT_HONOUR, []
        if reported + request.amount > account.e_cash_limit:
            return Code.LIMIT_EXCEEDED, []
        self.ledger.transfer(account.book, account.e_cash_book, request.amount, request.number, "load")
        return Code.APPROVED, [scripts.put_balance(reported + request.amount)]

    def _check_pin(self, account: Account, block: bytes) -> Code | None:
        """None when the online PIN is right; a wrong one costs a try."""
        if account.pin_tries == 0:
            return Code.PIN_TRIES_EXCEEDED
        try:
            right = pin_blocks.decipher(block, account.pan) == account.pin
        except CryptoError:
            right = False
        self.ledger.note_pin_tries(account, PIN_TRIES if right else account.pin_tries - 1)
        return None if right else Code.WRONG_PIN

    def _scripts(
        self,
        request: AuthorisationRequest,
        own: list[Order],
        keys: TransactionKeys,
        chip_data: Mapping[int, bytes],
    ) -> bytes:
        """The templates for this transaction: what it needs itself, then what waited for the card."""
        for order in own:
            self.ledger.order(request.pan, request.sequence, order)
        waiting = self.ledger.waiting(request.pan, request.sequence)
        waiting = waiting[len(waiting) - len(own) :] + waiting[: len(waiting) - len(own)]
        positions = {True: 0, False: 0}
        for script, order in waiting:
            positions[order.before_completion] += 1
            self.ledger.send(script, request.number, positions[order.before_completion])
        identifier = hashlib.sha256(request.number.encode()).digest()[:4]
        return scripts.templates([order for _, order in waiting], keys, chip_data[CRYPTOGRAM], identifier)

    def complete(self, completion: Completion) -> None:
        """Hear how a transaction ended: note script results; what the card refused after all is taken back."""
        with self.ledger.transaction():
            request = self.ledger.request(completion.number)
            if request is None or request.state in ENDED:
                return
            loaded = self._note_results(request, completion.script_results)
            if request.state is RequestState.APPROVED:
                self._end(request, completion.approved, loaded, "declined by the card")

    def _end(self, request: StoredRequest, approved: bool, loaded: bool | None, reason: str) -> None:
        """A load ends as the card carried it out, whatever was decided beside; anything else as it was decided.

        Where the card may have a load and may not, its money waits in the e-cash book until the card says so.
        """
        load = request.kind == TransactionKind.LOAD.name
        if load and loaded is None:
            self.ledger.settle(request.number, RequestState.UNCERTAIN)
        elif loaded if load else approved:
            self.ledger.settle(request.number, RequestState.COMPLETED)
        else:
            self._take_back(request, "load script failed" if load and approved else reason)

    def _note_results(self, request: StoredRequest, results: tuple[bytes, ...]) -> bool | None:
        """Note what became of the scripts; answers whether a load, if it was one, reached the card, None where it may have."""
        sent = self.ledger.sent_with(request.number)
        early = any(order.before_completion for _, order, _ in sent)
        result_of = dict(zip([True, False] if early else [False], results, strict=False))
        loaded: bool | None = True
        for script, order, position in sent:
            result = result_of.get(order.before_completion, b"")
            done = scripts.executed(result, position)
            self.ledger.report(script, ScriptState.EXECUTED if done else ScriptState.FAILED)
            if request.kind == TransactionKind.LOAD.name and not order.before_completion and position == 1:
                loaded = None if scripts.may_be_executed(result, position) else done
        return loaded

    def reverse(self, reversal: Reversal) -> None:
        """冲正: take back what was approved; scripts that did not run wait for the next time, a load's own excepted.

        A reversal that comes before its request keeps that from being approved later.
        """
        with self.ledger.transaction():
            request = self.ledger.request(reversal.number)
            if request is None:
                self.ledger.store(
                    StoredRequest(reversal.number, "", "", "", "", 0, RequestState.REVERSED, "{}"),
                )
                return
            loaded = self._note_results(request, reversal.script_results) if reversal.script_results else False
            for script, _, position in self.ledger.sent_with(request.number):
                own = request.kind == TransactionKind.LOAD.name and position == 1
                self.ledger.report(script, ScriptState.FAILED if own else ScriptState.WAITING)
            if request.state is RequestState.APPROVED:
                self._end(request, False, loaded, reversal.reason)

    def _ask_card(self, account: Account, results: bytes) -> Account:
        """Loads of which only the card knew: it counts the script commands of its last time on line, and tells a failure.

        Answers the account with what it has then.
        """
        for request in self.ledger.uncertain(account.pan, account.sequence):
            if results[2] >> 4 and not results[2] & SCRIPT_FAILED:
                self.ledger.settle(request.number, RequestState.COMPLETED)
            else:
                self._take_back(request, "the card did not load")
        return self.account(account.pan, account.sequence)

    def _take_back(self, request: StoredRequest, reason: str) -> None:
        """Give the money back: of a load what its e-cash book still holds, for the rest went back before."""
        account = self.account(request.pan, request.sequence)
        if request.kind == TransactionKind.LOAD.name:
            amount = min(request.amount, account.e_cash)
            self.ledger.transfer(account.e_cash_book, account.book, amount, request.number, reason)
        else:
            self.ledger.transfer(NETWORK, account.book, request.amount, request.number, reason)
        self.ledger.settle(request.number, RequestState.REVERSED)

    def clear(self, record: ClearingRecord) -> Settlement:
        """Settle an offline transaction: its TC is checked, and each transaction counter is paid once."""
        with self.ledger.transaction():
            account = self.ledger.account(record.pan, record.sequence)
            if account is None:
                return Settlement.UNKNOWN_CARD
            if account.state is CardState.ORDERED:
                return Settlement.NOT_IN_USE
            try:
                chip_data = read_chip_data(record.chip_data)
                keys = self._keys_for(record.pan, record.sequence, chip_data)
                genuine = keys is not None and keys.is_genuine(chip_data)
            except ChipDataError:
                return Settlement.BAD_DATA
            if not tells_the_same(record, chip_data):
                return Settlement.BAD_DATA
            if not genuine or chip_data.get(CID, b"\0")[0] & 0xC0 != APPROVAL:
                return Settlement.BAD_CRYPTOGRAM
            if self.ledger.is_cleared(record.pan, record.sequence, chip_data[COUNTER]):
                return Settlement.REPEATED
            book = self._payer(record, account)
            if book is None:
                return Settlement.UNCOVERED
            self.ledger.transfer(book, NETWORK, record.amount, record.number, "offline purchase")
            self.ledger.clear(record.pan, record.sequence, chip_data[COUNTER], record.number)
            return Settlement.SETTLED

    def _payer(self, record: ClearingRecord, account: Account) -> str | None:
        """The book that pays; None where none covers it.

        E-cash that went back to the account before its last payments were presented is taken from there.
        """
        if record.e_cash and record.amount <= account.e_cash:
            return account.e_cash_book
        from_account = not record.e_cash or self.ledger.e_cash_return(account) is not None
        return account.book if from_account and record.amount <= account.balance else None


def _authorisation_code(number: str) -> str:
    """Six characters that follow from the request number."""
    return f"{int.from_bytes(hashlib.sha256(number.encode()).digest()[4:8], 'big') % 1_000_000:06d}"
