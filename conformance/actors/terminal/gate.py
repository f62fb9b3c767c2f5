"""A gate 闸机 of a metro or a car park: a quick transaction that writes the sector's record with it (JR/T 0025.14 §5, §6, annex E).

Select → READ CAPP DATA → GET PROCESSING OPTIONS with DF60 → UPDATE CAPP DATA CACHE → the records; the last one makes debit and
record final together, and only after fDDA the gate opens. A gate that misses the answer to the last record asks the card for
the proof of that transaction when it comes back. Whatever a card answers, :meth:`Gate.run` ends with a result.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime

from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.sector import messages
from conformance.actors.sector.keys import SectorKeys
from conformance.actors.sector.messages import SectorRecord, SectorRecordError
from conformance.actors.sector.trips import LENGTH, Passage, SectorOutcome, Stop, Trip, TripError
from conformance.actors.terminal import quick
from conformance.actors.terminal.channel import Link
from conformance.actors.terminal.clearing import E_CASH_CODE
from conformance.actors.terminal.configuration import RandomSource, TerminalConfiguration
from conformance.actors.terminal.cryptogram import Cryptogram
from conformance.actors.terminal.decision import Kind
from conformance.actors.terminal.ending import Dropped, Ended, Reason
from conformance.actors.terminal.events import Event, Finished, Phase
from conformance.actors.terminal.kernel import DEFAULT_CONFIGURATION
from conformance.actors.terminal.reading import initiate, read_records
from conformance.actors.terminal.result import TransactionResult
from conformance.actors.terminal.selection import READ_RECORD
from conformance.actors.terminal.transaction import PreparedHolder, Purchase, Transaction, number_of
from emulator.crypto import CryptoError
from emulator.iso7816 import SW, Command, Response
from emulator.iso7816.status import describe

METRO, PARKING, TRIPS = 0x15, 0x18, 0x1E
BY_NUMBER = 4
EXTENDED, DEDUCTED = 0xDF61, 0xDF63
RESPONSE_MAC = 0x80
INDICATORS = {
    Passage.ENTRY: messages.SEGMENTED,
    Passage.EXIT: messages.SEGMENTED,
    Passage.PARK: messages.PRE_AUTHORISATION,
    Passage.LEAVE: messages.COMPLETION,
}
FILES = {Passage.ENTRY: METRO, Passage.EXIT: METRO, Passage.PARK: PARKING, Passage.LEAVE: PARKING}
CODE_VECTOR = bytes(8)


@dataclass(frozen=True, slots=True)
class GateSite:
    """Where the gate stands, and the record that it uses in the sector's file."""

    line: int = 1
    station: int = 1
    number: int = 1
    identifier: bytes = bytes.fromhex("0101")


@dataclass(slots=True)
class _Visit:
    """A passage under way."""

    transaction: Transaction
    passage: Passage
    sfi: int
    keys: SectorKeys
    record: SectorRecord
    trip: Trip
    random: bytes
    response_mac: bytes
    newest: SectorRecord | None = None
    """The newest record of the list of trips, where an exit shall add one."""


@dataclass(slots=True)
class _Unfinished:
    """A passage whose last record was asked for and not answered."""

    account: str
    passage: Passage
    made: Cryptogram
    outcome: SectorOutcome
    afl: bytes
    card: dict[int, bytes] = attribute(repr=False)


class Gate:
    """A gate with a card in its field.

    Args:
        link: The card's contactless side.
        keys: Keys of the sectors by short identifier of their file.
        site: The gate.
        configuration: The terminal, with the CA keys that it trusts.
        random: Source of chance.
        listener: Hears every event when it happens.
        expected_account: Digits that the account number must contain, so that no other card is written to.
    """

    def __init__(
        self,
        link: Link,
        keys: dict[int, SectorKeys],
        site: GateSite | None = None,
        configuration: TerminalConfiguration = DEFAULT_CONFIGURATION,
        *,
        random: RandomSource | None = None,
        listener: Callable[[Event], None] | None = None,
        expected_account: str = "",
    ) -> None:
        self._link = link
        self._keys = keys
        self._site = site or GateSite()
        self._configuration = configuration
        self._random = random or secrets.SystemRandom()
        self._listener = listener
        self._expected_account = expected_account
        self._unfinished: _Unfinished | None = None

    def run(self, passage: Passage, purchase: Purchase) -> TransactionResult:
        """Let a card pass: the amount is the fare, or what a pre-authorisation holds back; 0 at an entry. Never raises."""
        transaction, events = Transaction.begin(
            self._link, self._configuration, purchase, PreparedHolder(), self._random, self._listener
        )
        transaction.qualifiers, transaction.indicator = quick.QUALIFIERS_OF_A_GATE, INDICATORS[passage]
        transaction.passage = passage
        number = number_of(self._configuration, purchase)
        detail, made = "", None
        try:
            reason, made = self._pass(transaction, passage)
            told = reason.value
        except Dropped:
            reason = Reason.DECLINED_BY_CARD
            told = reason.value
        except Ended as end:
            reason, detail, told = end.reason, end.detail, end.finished()
        transaction.enter(Phase.COMPLETION)
        transaction.listener(Finished(Phase.COMPLETION, *told, reason.approved))
        clearing = quick.clearing_of(transaction, number, made) if made is not None and reason.approved else None
        return TransactionResult.of(transaction, number, reason, detail, made, tuple(events), clearing, None)

    def _pass(self, transaction: Transaction, passage: Passage) -> tuple[Reason, Cryptogram]:
        quick.open_application(transaction)
        visit = self._look(transaction, passage)
        proven = self._recover(visit)
        if proven is not None:
            return Reason.APPROVED_OFFLINE, proven
        _require_order(visit)
        afl = initiate(transaction)
        made = quick.result_of(transaction)
        account = quick.account_number(transaction)
        if self._expected_account not in account:
            raise Ended(Reason.OTHER_CARD)
        if made.kind is not Kind.TC:
            raise Ended(Reason.DECLINED_BY_CARD)
        _check_response_mac(visit, account)
        trip = self._trip(visit, account)
        self._update(visit, account, trip)
        outcome = SectorOutcome(passage, trip, None)
        self._unfinished = _Unfinished(account, passage, made, outcome, afl, transaction.card)
        read_records(transaction, afl)
        self._unfinished = None
        transaction.e_cash = bool(transaction.card.get(E_CASH_CODE))
        genuine = quick.authenticate(transaction)
        _note(transaction, outcome, made)
        return (Reason.APPROVED_OFFLINE if genuine else Reason.SIGNATURE_WRONG), quick.result_of(transaction)

    def _look(self, transaction: Transaction, passage: Passage) -> _Visit:
        """READ CAPP DATA of the sector's record, with eight random bytes where the card answers with an R-MAC."""
        transaction.enter(Phase.SECTOR)
        sfi = FILES[passage]
        keys = self._keys.get(sfi)
        offered = transaction.card.get(EXTENDED, b"\0")
        if keys is None or offered == b"\0":
            raise Ended(
                Reason.NOT_ADMITTED, "card or gate has no such application of the sector", "卡片或闸机没有该行业应用"
            )
        guarded = bool(offered[0] & RESPONSE_MAC)
        random = self._random.getrandbits(64).to_bytes(8, "big") if guarded else b""
        answer = _send(transaction, messages.read_command(sfi, self._site.identifier, random))
        if answer.sw != SW.SUCCESS:
            raise Ended(Reason.NOT_ADMITTED, f"READ CAPP DATA: {describe(answer.sw)}")
        size = len(answer.data) - (messages.MAC_SIZE if guarded else 0)
        try:
            record = SectorRecord.parse(answer.data[: max(size, 0)])
            trip = Trip.parse(record.data)
        except (SectorRecordError, TripError) as error:
            raise Ended(Reason.CARD_ERROR, str(error)) from error
        if record.valid != 1 or record.lock == 1:
            raise Ended(Reason.NOT_ADMITTED, "the record of the sector is not valid or locked", "行业记录无效或已锁定")
        transaction.say(
            f"行程 {trip.number}，{'在内' if trip.inside else '在外'}",
            f"trip {trip.number}, {'inside' if trip.inside else 'outside'}",
        )
        newest = None if passage.begins or TRIPS not in self._keys else _newest_trip(transaction)
        return _Visit(transaction, passage, sfi, keys, record, trip, random, answer.data[max(size, 0) :], newest)

    def _recover(self, visit: _Visit) -> Cryptogram | None:
        """The cryptogram of a passage that this gate did not see to its end, where the card proves that it was final.

        The proof stands for fDDA, whose 9F69 was lost with the last record. That record is read again for 9F74.
        """
        lost, self._unfinished = self._unfinished, None
        if lost is None or lost.passage is not visit.passage:
            return None
        answer = _send(visit.transaction, messages.proof_command(lost.made.counter))
        held = lost.passage is Passage.PARK
        expected = bytes(8) if held else lost.made.value
        if answer.sw != SW.SUCCESS or not hmac.compare_digest(answer.data, expected):
            return None
        if visit.trip.number != lost.outcome.trip.number or visit.trip.inside != lost.outcome.trip.inside:
            return None
        visit.transaction.say("上次通行已由卡片证明完成", "the card proves that the passage before was final")
        read_records(visit.transaction, lost.afl)
        visit.transaction.card.update(lost.card)
        _note(visit.transaction, lost.outcome, lost.made)
        return lost.made

    def _trip(self, visit: _Visit, account: str) -> Trip:
        """The trip as this passage leaves it, with the operator's code."""
        purchase, before, site = visit.transaction.purchase, visit.trip, self._site
        here = Stop(_local(purchase.when), site.line, site.station, site.number)
        amount = purchase.amount
        if visit.passage.begins:
            held = amount if visit.passage is Passage.PARK else 0
            trip = Trip(True, before.city, before.operator, here, None, 0, held, before.number + 1)
        else:
            trip = Trip(False, before.city, before.operator, before.entry, here, amount, 0, before.number)
        try:
            return trip.with_code(visit.keys.mac(_key(visit.keys, account), CODE_VECTOR, trip.signed_bytes()))
        except TripError as error:
            raise Ended(Reason.NOT_ADMITTED, str(error), "行程记录容纳不下该金额或行程号") from error

    def _update(self, visit: _Visit, account: str, trip: Trip) -> None:
        """Write the trip into the sector's record and, at an exit, into the list of the last trips."""
        visit.transaction.enter(Phase.SECTOR)
        _write(visit, visit.keys, visit.sfi, account, visit.record.with_data(trip.to_bytes()))
        if visit.newest is not None:
            _write(visit, self._keys[TRIPS], TRIPS, account, visit.newest.with_data(trip.to_bytes()))
        visit.transaction.say(f"写入行程 {trip.number}", f"trip {trip.number} written")


def _newest_trip(transaction: Transaction) -> SectorRecord | None:
    """The newest record of the cyclic file; None on a card without one, or whose records have no room for a trip."""
    answer = transaction.channel.send(0x00, READ_RECORD, 1, TRIPS << 3 | BY_NUMBER)
    try:
        record = SectorRecord.parse(answer.data)
    except SectorRecordError:
        return None
    return record if answer.sw == SW.SUCCESS and len(record.data) == LENGTH else None


def _write(visit: _Visit, keys: SectorKeys, sfi: int, account: str, record: SectorRecord) -> None:
    """UPDATE CAPP DATA CACHE; a gate that is refused, or gets a wrong R-MAC, never reads the last record."""
    key, counter = _key(keys, account), visit.transaction.card[quick.COUNTER]
    command = messages.update_command(keys, key, sfi, counter, record.to_bytes())
    answer = _send(visit.transaction, command)
    if answer.sw != SW.SUCCESS:
        raise Ended(Reason.CARD_ERROR, f"UPDATE CAPP DATA CACHE: {describe(answer.sw)}")
    expected = messages.update_response_mac(keys, key, command) if visit.random else b""
    if not hmac.compare_digest(answer.data, expected):
        raise Ended(Reason.CARD_ERROR, "the R-MAC of UPDATE CAPP DATA CACHE is wrong")


def _send(transaction: Transaction, command: bytes) -> Response:
    return transaction.channel.send_command(Command.parse(command))


def _require_order(visit: _Visit) -> None:
    """An entry needs a trip that is complete, an exit one that is not (annex E)."""
    if visit.passage.begins and visit.trip.inside:
        raise Ended(Reason.NOT_ADMITTED, "the trip before was not completed", "上次行程未完成")
    if not visit.passage.begins and not visit.trip.inside:
        raise Ended(Reason.NOT_ADMITTED, "there was no entry", "没有进入记录")


def _key(keys: SectorKeys, account: str) -> bytes:
    try:
        return keys.management_key(account)
    except CryptoError as error:
        raise Ended(Reason.CARD_ERROR, str(error)) from error


def _check_response_mac(visit: _Visit, account: str) -> None:
    """The R-MAC of READ CAPP DATA: its key needs the account number, which the card told later."""
    if not visit.random:
        return
    record = visit.record.to_bytes()
    expected = messages.response_mac(visit.keys, _key(visit.keys, account), visit.random, record)
    if not hmac.compare_digest(expected, visit.response_mac):
        raise Ended(Reason.CARD_ERROR, "the R-MAC of READ CAPP DATA is wrong")


def _note(transaction: Transaction, outcome: SectorOutcome, made: Cryptogram) -> None:
    """What the receipt tells: the trip, the balance out of 9F10, and what was lent."""
    lent = transaction.channel.data(DEDUCTED)
    known = lent is not None and lent.hex().isdecimal()
    deducted = int(lent.hex()) if known and lent is not None else None
    transaction.sector = SectorOutcome(outcome.passage, outcome.trip, deducted)
    try:
        transaction.balance_after = IssuerData.parse(made.issuer_data).balance
    except IssuerDataError:
        transaction.balance_after = None


def _local(when: datetime) -> datetime:
    """Whole seconds at the gate, as a record keeps them."""
    return when.replace(microsecond=0, tzinfo=None)
