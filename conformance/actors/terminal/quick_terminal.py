"""A contactless terminal of qPBOC 快速借记/贷记: one tap, decided by one answer of the card (JR/T 0025.12 §6, §7.6 to §7.8).

Preprocessing → PPSE → select → GET PROCESSING OPTIONS. An ARQC goes to the bank, whose answer alone decides. An AAC declines, and no
other interface is offered. After a TC the records are read; the last one makes the debit final, so everything that speaks
against the card is looked at before. Then fDDA decides. Whatever a card answers, :meth:`QuickTerminal.run` ends with a result.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.bank.messages import Host
from conformance.actors.terminal import dol, quick
from conformance.actors.terminal.bits import Tvr
from conformance.actors.terminal.channel import Link
from conformance.actors.terminal.clearing import E_CASH_CODE
from conformance.actors.terminal.configuration import RandomSource, TerminalConfiguration
from conformance.actors.terminal.cryptogram import Cryptogram
from conformance.actors.terminal.decision import Kind
from conformance.actors.terminal.ending import Dropped, Ended, Reason, Refused
from conformance.actors.terminal.events import Event, Finished, Phase
from conformance.actors.terminal.kernel import DEFAULT_CONFIGURATION
from conformance.actors.terminal.online import OFFLINE_DECLINED, OnlineDialogue
from conformance.actors.terminal.preprocessing import ContactlessSettings, preprocess
from conformance.actors.terminal.reading import PDOL, day_of, initiate, read_records
from conformance.actors.terminal.result import TransactionResult
from conformance.actors.terminal.transaction import Holder, PreparedHolder, Purchase, Transaction, number_of
from conformance.actors.terminal.verification import Outcome, enter_online_pin
from emulator.iso7816 import TlvError

QUALIFIERS, AVAILABLE, ACCOUNT, EXPIRY = 0x9F66, 0x9F5D, 0x5A, 0x5F24
ONLINE_PIN, SIGNATURE, ONLINE_AFTER_FAILURE, CONTACT_AFTER_FAILURE = 0x80, 0x40, 0x20, 0x10
"""Bits of byte 1 of the CTQ 卡片交易属性."""
VALUE_SIZE = 8
DEFAULT_SETTINGS = ContactlessSettings()
APPROVED_OFFLINE_CODE = "Y1"


class QuickTerminal:
    """A contactless terminal with a card in its field.

    Args:
        link: The card's contactless side.
        configuration: The terminal.
        settings: Its limits and abilities without contact.
        host: The bank; None where there is no line.
        holder: Who enters an online PIN; by default nobody does.
        random: Source of chance.
        listener: Hears every event when it happens.
        expected_account: Digits that the account number must contain, so that no other card is written to.
    """

    def __init__(
        self,
        link: Link,
        configuration: TerminalConfiguration = DEFAULT_CONFIGURATION,
        settings: ContactlessSettings = DEFAULT_SETTINGS,
        *,
        host: Host | None = None,
        holder: Holder | None = None,
        random: RandomSource | None = None,
        listener: Callable[[Event], None] | None = None,
        expected_account: str = "",
    ) -> None:
        self._link = link
        self._configuration = configuration
        self._settings = settings
        self._host = None if configuration.offline_only else host
        self._holder = holder or PreparedHolder()
        self._random = random or secrets.SystemRandom()
        self._listener = listener
        self._expected_account = expected_account

    def run(self, purchase: Purchase) -> TransactionResult:
        """One tap. Never raises, whatever the card answers."""
        transaction, events = Transaction.begin(
            self._link, self._configuration, purchase, self._holder, self._random, self._listener
        )
        number = number_of(self._configuration, purchase)
        dialogue = OnlineDialogue(transaction, self._host, number)
        detail, made = "", None
        try:
            reason, made = self._tap(transaction, dialogue)
            _look_at_balance(transaction, made)
            told = reason.value
        except Ended as end:
            reason, detail, told = end.reason, end.detail, end.finished()
        transaction.enter(Phase.COMPLETION)
        transaction.listener(Finished(Phase.COMPLETION, *told, reason.approved))
        offline = made is not None and reason is Reason.APPROVED_OFFLINE
        clearing = quick.clearing_of(transaction, number, made) if offline and made is not None else None
        return TransactionResult.of(
            *(transaction, number, reason, detail, made, tuple(events), clearing, dialogue.undelivered)
        )

    def _tap(self, transaction: Transaction, dialogue: OnlineDialogue) -> tuple[Reason, Cryptogram]:
        transaction.qualifiers = preprocess(self._configuration, self._settings, transaction.purchase)
        afl = self._open(transaction)
        made = quick.result_of(transaction)
        if len(made.value) != VALUE_SIZE:
            raise Ended(Reason.CARD_ERROR, "the card gives no cryptogram with its answer")
        if made.kind is Kind.TC:
            return self._offline(transaction, dialogue, afl, made)
        self._require_account(transaction)
        if made.kind is Kind.AAC:
            transaction.response_code = OFFLINE_DECLINED
            return Reason.DECLINED_BY_CARD, made
        return self._online(transaction, dialogue, made), made

    def _open(self, transaction: Transaction) -> bytes:
        """Select and GET PROCESSING OPTIONS; answers the AFL. A card that has no quick side may have others (§6.4)."""
        try:
            quick.open_application(transaction)
            if QUALIFIERS not in dol.tags_of(transaction.card.get(PDOL, b"")):
                raise Ended(Reason.OTHER_INTERFACE, "the PDOL does not ask for 9F66")
            return initiate(transaction)
        except TlvError as error:
            raise Ended(Reason.OTHER_INTERFACE, f"the PDOL is malformed: {error}") from error
        except Dropped:
            raise Ended(Reason.OTHER_INTERFACE, "GET PROCESSING OPTIONS answered 6985") from None
        except Refused as end:
            raise Ended(Reason.OTHER_INTERFACE, end.detail) from end
        except Ended as end:
            if end.reason is Reason.NO_APPLICATION:
                raise Ended(Reason.OTHER_INTERFACE, "no application without contact in common") from end
            raise

    def _require_account(self, transaction: Transaction) -> None:
        """The account number, out of 57 where no record has told it, and that it is the expected one."""
        if ACCOUNT not in transaction.card:
            digits = quick.account_number(transaction)
            transaction.card[ACCOUNT] = bytes.fromhex(digits + "F" * (len(digits) % 2))
        if self._expected_account not in transaction.account_number:
            raise Ended(Reason.OTHER_CARD)

    def _online(self, transaction: Transaction, dialogue: OnlineDialogue, made: Cryptogram) -> Reason:
        """The card may leave: PIN or signature as its qualifiers say, and the bank decides."""
        qualifiers = transaction.card.get(quick.CARD_QUALIFIERS)
        asked = qualifiers[0] if qualifiers else SIGNATURE
        if asked & ONLINE_PIN and enter_online_pin(transaction) is Outcome.FAILED:
            raise Ended(Reason.CANCELLED, "the card wants an online PIN, and none was entered")
        transaction.signature_wanted = bool(asked & SIGNATURE)
        return dialogue.complete_without_card(made)

    def _offline(
        self, transaction: Transaction, dialogue: OnlineDialogue, afl: bytes, made: Cryptogram
    ) -> tuple[Reason, Cryptogram]:
        """Read, authenticate, approve; what fails fDDA goes where the card's qualifiers send it (§7.8.1)."""
        transaction.response_code = OFFLINE_DECLINED
        read_records(transaction, afl, lambda seen: self._before_last(transaction, seen))
        transaction.e_cash = bool(transaction.card.get(E_CASH_CODE))
        genuine = quick.authenticate(transaction)
        made = quick.result_of(transaction)
        qualifiers = transaction.card.get(quick.CARD_QUALIFIERS, b"\0")[0]
        if genuine:
            transaction.response_code = APPROVED_OFFLINE_CODE
            transaction.signature_wanted = bool(qualifiers & SIGNATURE)
            return Reason.APPROVED_OFFLINE, made
        if qualifiers & ONLINE_AFTER_FAILURE and not self._configuration.offline_only:
            return dialogue.complete_without_card(made), made
        if qualifiers & CONTACT_AFTER_FAILURE and self._settings.contact:
            return Reason.OTHER_INTERFACE, made
        return Reason.SIGNATURE_WRONG, made

    def _before_last(self, transaction: Transaction, seen: Mapping[int, bytes]) -> None:
        """Stop while the card still takes its debit back: another card, one on the exception file, an expired one."""
        if quick.TRACK_2 not in seen and quick.TRACK_2 not in transaction.card:
            raise Ended(Reason.CARD_ERROR, "mandatory data missing: 57")
        transaction.card.update({tag: seen[tag] for tag in (ACCOUNT, quick.TRACK_2) if tag in seen})
        self._require_account(transaction)
        if transaction.account_number in self._configuration.exception_file:
            transaction.tvr |= Tvr.EXCEPTION_FILE
            raise Ended(Reason.DECLINED_BY_TERMINAL, "the account is on the exception file")
        expiry = day_of(seen.get(EXPIRY, b""))
        if expiry is None:
            raise Ended(Reason.CARD_ERROR, "mandatory data missing: 5F24")
        if expiry < transaction.purchase.when.date():
            transaction.tvr |= Tvr.EXPIRED
            raise Ended(Reason.DECLINED_BY_TERMINAL, "the application has expired")


def _look_at_balance(transaction: Transaction, made: Cryptogram) -> None:
    """What remains, out of 9F10 or the amount 9F5D that the card offers."""
    try:
        transaction.balance_after = IssuerData.parse(made.issuer_data).balance
    except IssuerDataError:
        transaction.balance_after = None
    available = transaction.card.get(AVAILABLE, b"").hex()
    if transaction.balance_after is None and available.isdecimal():
        transaction.balance_after = int(available)
