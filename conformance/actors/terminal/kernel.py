"""A contact terminal of PBOC 3.0: one transaction from selection to the end (JR/T 0025.6, JR/T 0025.13 §7.4).

Whatever a card answers, :meth:`Kernel.run` ends with a result.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.bank.messages import ClearingRecord, Host, HostUnreachable, Reversal, TransactionKind
from conformance.actors.terminal.authentication import authenticate
from conformance.actors.terminal.channel import Link
from conformance.actors.terminal.clearing import clearing_record
from conformance.actors.terminal.configuration import RandomSource, TerminalConfiguration, published_authority_keys
from conformance.actors.terminal.cryptogram import Cryptogram, generate
from conformance.actors.terminal.decision import Kind, decide
from conformance.actors.terminal.ending import Dropped, Ended, Reason
from conformance.actors.terminal.events import Event, Finished, Phase
from conformance.actors.terminal.online import OFFLINE_DECLINED, OnlineDialogue
from conformance.actors.terminal.reading import initiate, read
from conformance.actors.terminal.restrictions import restrict
from conformance.actors.terminal.result import TransactionResult
from conformance.actors.terminal.risk import manage_risk
from conformance.actors.terminal.selection import candidates, select
from conformance.actors.terminal.till_outbox import TillOutbox
from conformance.actors.terminal.transaction import Holder, PreparedHolder, Purchase, Transaction, number_of
from conformance.actors.terminal.verification import verify_holder

RANK = {Kind.AAC: 0, Kind.ARQC: 1, Kind.TC: 2}
"""A card may lower what it is asked for, never raise it."""
BALANCE = 0x9F79
DEFAULT_CONFIGURATION = TerminalConfiguration(authority_keys=published_authority_keys())
"""A terminal that trusts the published test authority, which certifies the cards of the profiles."""
COUNTER_CONFIGURATION = replace(DEFAULT_CONFIGURATION, capabilities=bytes.fromhex("E040C8"), e_cash=False)
"""A counter's terminal: its only way to verify a holder is the PIN on line."""


class Kernel:
    """The kernel of a terminal with a card in it.

    Args:
        link: The card.
        configuration: The terminal.
        host: The bank; None where there is no line.
        holder: Who enters PINs; by default nobody does.
        random: Source of chance.
        listener: Hears every event when it happens.
        expected_account: Digits that the account number must contain, so that no other card is written to.
        outbox: Where what the bank must hear is kept beyond the end of the program; in memory alone unless given.
    """

    def __init__(
        self,
        link: Link,
        configuration: TerminalConfiguration = DEFAULT_CONFIGURATION,
        *,
        host: Host | None = None,
        holder: Holder | None = None,
        random: RandomSource | None = None,
        listener: Callable[[Event], None] | None = None,
        expected_account: str = "",
        outbox: TillOutbox | None = None,
    ) -> None:
        self._link = link
        self._configuration = configuration
        self._host = None if configuration.offline_only else host
        self._holder = holder or PreparedHolder()
        self._random = random or secrets.SystemRandom()
        self._listener = listener
        self._expected_account = expected_account
        self._outbox = outbox or TillOutbox()
        self._undelivered: list[Reversal] = []

    def run(self, purchase: Purchase) -> TransactionResult:
        """One transaction. Never raises, whatever the card answers."""
        self._deliver_reversals()
        transaction, events = Transaction.begin(
            self._link, self._configuration, purchase, self._holder, self._random, self._listener
        )
        number = number_of(self._configuration, purchase)
        dialogue = OnlineDialogue(transaction, self._host, number, self._outbox)
        detail, last, clearing = "", None, None
        try:
            self._up_to_decision(transaction)
            reason, last = self._from_decision(transaction, dialogue)
            clearing = _clearing(transaction, number, reason, last)
            if clearing is not None:
                self._outbox.cleared(clearing)
            self._look_at_balance(transaction, last)
            told = reason.value
        except Ended as end:
            reason, detail, told = end.reason, end.detail, end.finished()
        if dialogue.undelivered is not None:
            self._undelivered.append(dialogue.undelivered)
        elif clearing is None and not dialogue.end_undelivered:
            self._outbox.forget(number)
        transaction.enter(Phase.COMPLETION)
        transaction.listener(Finished(Phase.COMPLETION, *told, reason.approved))
        return TransactionResult.of(
            transaction,
            number,
            reason,
            detail,
            last,
            tuple(events),
            clearing,
            dialogue.undelivered,
        )

    def _deliver_reversals(self) -> None:
        """Reversals that did not reach the bank go before anything else."""
        try:
            while self._host is not None and self._undelivered:
                self._host.reverse(self._undelivered[0])
                self._outbox.forget(self._undelivered[0].number)
                del self._undelivered[0]
        except HostUnreachable:
            return

    def _up_to_decision(self, transaction: Transaction) -> None:
        afl = begin(transaction)
        read(transaction, afl)
        if self._expected_account not in transaction.account_number:
            raise Ended(Reason.OTHER_CARD)
        authenticate(transaction)
        restrict(transaction)
        verify_holder(transaction)
        manage_risk(transaction)

    def _from_decision(self, transaction: Transaction, dialogue: OnlineDialogue) -> tuple[Reason, Cryptogram]:
        asked = decide(transaction)
        first = generate(transaction, asked, 1)
        if RANK[first.kind] > RANK[asked]:
            raise Ended(Reason.CARD_ERROR, f"the card answered {first.kind.name} to a request of {asked.name}")
        if first.kind is Kind.ARQC and first.rightly_signed:
            return dialogue.complete(first)
        if first.kind is Kind.TC and first.rightly_signed:
            return Reason.APPROVED_OFFLINE, first
        transaction.response_code = OFFLINE_DECLINED
        if first.kind is Kind.AAC:
            if self._configuration.special_device:
                dialogue.fetch_scripts(first)
            return (Reason.DECLINED_BY_TERMINAL if asked is Kind.AAC else Reason.DECLINED_BY_CARD), first
        if first.kind is Kind.ARQC:
            return Reason.SIGNATURE_WRONG, generate(transaction, Kind.AAC, 2)
        return Reason.SIGNATURE_WRONG, first

    def _look_at_balance(self, transaction: Transaction, last: Cryptogram) -> None:
        """The e-cash balance for the receipt: out of 9F10, else by GET DATA, which a load asks in any case.

        The transaction stands, even when the card left before it told the balance.
        """
        if transaction.purchase.kind is TransactionKind.LOAD:
            transaction.balance_after = _asked_balance(transaction)
        elif transaction.e_cash:
            try:
                transaction.balance_after = IssuerData.parse(last.issuer_data).balance
            except IssuerDataError:
                transaction.balance_after = None
            if transaction.balance_after is None:
                transaction.balance_after = _asked_balance(transaction)


def _asked_balance(transaction: Transaction) -> int | None:
    """9F79 by GET DATA, None where the card does not tell it."""
    try:
        value = transaction.channel.data(BALANCE)
    except Ended as end:
        transaction.say(f"余额未读取：{end}", f"the balance was not read: {end}")
        return None
    return int(value.hex()) if value and value.hex().isdecimal() else None


def begin(transaction: Transaction) -> bytes:
    """Select applications until one takes the transaction; answers its AFL."""
    for candidate in candidates(transaction):
        transaction.enter(Phase.SELECTION)
        try:
            select(transaction, candidate)
            return initiate(transaction)
        except Dropped:
            transaction.say(f"放弃 {candidate.aid.hex().upper()}", f"{candidate.aid.hex().upper()} does not serve")
    raise Ended(Reason.NO_APPLICATION)


def _clearing(transaction: Transaction, number: str, reason: Reason, last: Cryptogram | None) -> ClearingRecord | None:
    """What goes into the batch: offline approvals (JR/T 0025.6 §7.13); online ones the bank knows."""
    if last is None or reason not in (Reason.APPROVED_OFFLINE, Reason.APPROVED_UNABLE_ONLINE):
        return None
    spent = transaction.e_cash and reason is Reason.APPROVED_OFFLINE
    return clearing_record(transaction, number, last, e_cash=spent)
