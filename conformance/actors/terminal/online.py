"""Online processing 联机处理 and completion: the bank asked, its answer given to the card, reversal where that fails."""

from __future__ import annotations

from conformance.actors.bank import pin_blocks
from conformance.actors.bank.messages import (
    AuthorisationRequest,
    AuthorisationResponse,
    Completion,
    Host,
    HostUnreachable,
    Reversal,
    TransactionKind,
)
from conformance.actors.terminal.bits import Aip, Tsi, Tvr
from conformance.actors.terminal.cryptogram import Cryptogram, generate
from conformance.actors.terminal.decision import Kind, needs_bank, prefers_decline
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import HostAnswered, Phase, Reversed
from conformance.actors.terminal.scripts import (
    AFTER_COMPLETION,
    ALL_RUN,
    BEFORE_COMPLETION,
    Script,
    at_work,
    parse_scripts,
    run_scripts,
)
from conformance.actors.terminal.till_outbox import TillOutbox
from conformance.actors.terminal.transaction import Transaction
from emulator.crypto import CryptoError
from emulator.iso7816 import SW

EXTERNAL_AUTHENTICATE = 0x82
APPROVED, REFERRED = frozenset({"00", "10", "11"}), frozenset({"01", "02"})
DECLINED_CODE = "05"
SHORTEST_AUTHENTICATION, LONGEST_AUTHENTICATION = 8, 16
UNABLE_APPROVED, UNABLE_DECLINED, OFFLINE_DECLINED = "Y3", "Z3", "Z1"


class OnlineDialogue:
    """One transaction's talk with the bank; ``host`` None means that there is no line.

    Attributes:
        undelivered: A reversal that the bank did not get; the terminal sends it before its next transaction.
        end_undelivered: Whether the bank did not hear how it ended.
    """

    def __init__(
        self, transaction: Transaction, host: Host | None, number: str, outbox: TillOutbox | None = None
    ) -> None:
        self._transaction = transaction
        self._host = host
        self._number = number
        self._outbox = outbox or TillOutbox()
        self.undelivered: Reversal | None = None
        self.end_undelivered = False

    def complete(self, first: Cryptogram) -> tuple[Reason, Cryptogram]:
        """From the ARQC to the end: the reason, and the last cryptogram.

        Raises:
            Ended: The card was lost or broke its rules; an approval was reversed before.
        """
        response = self._ask(first)
        if response is None:
            return self._unable()
        approved = response.code in APPROVED
        try:
            return self._with_answer(response, approved=approved)
        except Ended as end:
            if approved:
                self._reverse(end.reason.en)
            raise

    def complete_without_card(self, made: Cryptogram) -> Reason:
        """qPBOC: the bank's answer alone decides; the card is gone, without second cryptogram or script (JR/T 0025.12 §7.8)."""
        response = self._ask(made)
        if response is None:
            self._transaction.response_code = UNABLE_DECLINED
            return Reason.DECLINED_UNABLE_ONLINE
        approved = response.code in APPROVED
        self._tell_end(made, approved=approved)
        return Reason.APPROVED_ONLINE if approved else Reason.DECLINED_BY_ISSUER

    def fetch_scripts(self, declined: Cryptogram) -> None:
        """On a special device of the issuer: bring the scripts that wait for a blocked application (JR/T 0025.5 §17)."""
        response = self._ask(declined)
        if response is None:
            return
        scripts = parse_scripts(response.scripts)
        run_scripts(self._transaction, scripts, BEFORE_COMPLETION)
        run_scripts(self._transaction, scripts, AFTER_COMPLETION)
        self._tell_end(declined, approved=False)

    def _ask(self, cryptogram: Cryptogram) -> AuthorisationResponse | None:
        """The bank's answer; None when there is none."""
        transaction = self._transaction
        transaction.enter(Phase.ONLINE)
        purchase = transaction.purchase
        if self._host is None:
            self._hear("", "无联机能力", "no line to a bank")
            return None
        request = AuthorisationRequest(
            self._number,
            purchase.kind,
            transaction.account_number,
            transaction.sequence_number,
            purchase.amount,
            purchase.currency,
            cryptogram.chip_data,
            self._pin_block(),
            purchase.reference,
        )
        self._outbox.asked(self._number)
        try:
            response = self._host.authorise(request)
        except HostUnreachable as problem:
            self._hear("", f"联机失败：{problem}", f"the bank does not answer: {problem}")
            self._reverse("no answer from the bank")
            return None
        code = response.code if len(response.code) == 2 and response.code.isascii() else DECLINED_CODE
        transaction.response_code, transaction.authorisation_code = code, response.authorisation_code
        self._hear(code, f"应答码 {code}", f"response code {code}")
        return response

    def _hear(self, code: str, zh: str, en: str) -> None:
        self._transaction.listener(HostAnswered(Phase.ONLINE, zh, en, code))

    def _pin_block(self) -> bytes:
        transaction = self._transaction
        if not transaction.online_pin:
            return b""
        try:
            return pin_blocks.encipher(transaction.online_pin, transaction.account_number)
        except CryptoError as error:
            raise Ended(Reason.CANCELLED, str(error)) from error

    def _unable(self) -> tuple[Reason, Cryptogram]:
        """Unable to go online: the default action codes decide, unless only the bank can (JR/T 0025.6 §7.11)."""
        transaction = self._transaction
        wanted = Kind.AAC if needs_bank(transaction) or prefers_decline(transaction) else Kind.TC
        transaction.response_code = UNABLE_APPROVED if wanted is Kind.TC else UNABLE_DECLINED
        last = generate(transaction, wanted, 2)
        if wanted is Kind.AAC or last.kind is Kind.AAC:
            transaction.response_code = UNABLE_DECLINED
            return Reason.DECLINED_UNABLE_ONLINE, last
        if last.kind is not Kind.TC:
            raise Ended(Reason.CARD_ERROR, "the second cryptogram is an ARQC")
        return (Reason.APPROVED_UNABLE_ONLINE if last.rightly_signed else Reason.SIGNATURE_WRONG), last

    def _with_answer(self, response: AuthorisationResponse, *, approved: bool) -> tuple[Reason, Cryptogram]:
        transaction = self._transaction
        scripts = parse_scripts(response.scripts)
        self._authenticate_issuer(response.issuer_authentication)
        run_scripts(transaction, scripts, BEFORE_COMPLETION)
        if response.code in REFERRED:
            approved = transaction.holder.refer()
            transaction.say(
                "参考：" + ("通过" if approved else "未通过"), f"referral {'passed' if approved else 'refused'}"
            )
        last = generate(transaction, Kind.TC if approved else Kind.AAC, 2)
        if last.kind is Kind.ARQC:
            raise Ended(Reason.CARD_ERROR, "the second cryptogram is an ARQC")
        reason = _verdict(last, approved=approved)
        self._finish(scripts, last, reason, issuer_approved=response.code in APPROVED)
        if reason.approved and transaction.purchase.kind is TransactionKind.LOAD and not _all_run(transaction):
            return Reason.LOAD_UNCONFIRMED, last
        return reason, last

    def _finish(self, scripts: tuple[Script, ...], last: Cryptogram, reason: Reason, *, issuer_approved: bool) -> None:
        """Scripts whatever card and bank decided, then the bank hears of the end."""
        may_run = (*self._transaction.script_results, *at_work(scripts, AFTER_COMPLETION))
        if issuer_approved and not reason.approved:
            self._outbox.reversed(Reversal(self._number, reason.en, may_run))
        else:
            self._outbox.completed(Completion(self._number, reason.approved, last.chip_data, may_run))
        run_scripts(self._transaction, scripts, AFTER_COMPLETION)
        if issuer_approved and not reason.approved:
            self._reverse(reason.en)
        else:
            self._tell_end(last, approved=reason.approved)

    def _authenticate_issuer(self, value: bytes) -> None:
        """EXTERNAL AUTHENTICATE with 91, where the card supports issuer authentication 发卡行认证."""
        transaction = self._transaction
        fits = SHORTEST_AUTHENTICATION <= len(value) <= LONGEST_AUTHENTICATION
        if not fits or not transaction.supports(Aip.ISSUER_AUTHENTICATION):
            return
        answer = transaction.channel.send(0x00, EXTERNAL_AUTHENTICATE, 0, 0, value, ne=0)
        transaction.tsi |= Tsi.ISSUER_AUTHENTICATION
        good = answer.sw == SW.SUCCESS
        if not good:
            transaction.tvr |= Tvr.ISSUER_AUTHENTICATION_FAILED
        transaction.say(
            f"发卡行认证{'成功' if good else '失败'}", f"issuer authentication {'passed' if good else 'failed'}"
        )

    def _tell_end(self, last: Cryptogram, *, approved: bool) -> None:
        completion = Completion(self._number, approved, last.chip_data, tuple(self._transaction.script_results))
        self._outbox.completed(completion)
        try:
            if self._host is not None:
                self._host.complete(completion)
        except HostUnreachable as problem:
            self.end_undelivered = True
            self._transaction.say(f"结果未送达：{problem}", f"the end was not delivered: {problem}")

    def _reverse(self, reason: str) -> None:
        """冲正: tell the bank now, or keep it for later."""
        reversal = Reversal(self._number, reason, tuple(self._transaction.script_results))
        self._outbox.reversed(reversal)
        try:
            if self._host is not None:
                self._host.reverse(reversal)
        except HostUnreachable:
            self.undelivered = reversal
        delivered = self.undelivered is None
        zh, en = ("冲正成功", "reversed") if delivered else ("冲正待发", "reversal kept for later")
        self._transaction.listener(Reversed(self._transaction.channel.phase, zh, en, delivered))


def _all_run(transaction: Transaction) -> bool:
    """Whether the card executed every script that came."""
    return all(result[0] >> 4 == ALL_RUN >> 4 for result in transaction.script_results)


def _verdict(last: Cryptogram, *, approved: bool) -> Reason:
    if not approved:
        return Reason.DECLINED_BY_ISSUER
    if last.kind is Kind.AAC:
        return Reason.DECLINED_BY_CARD
    return Reason.APPROVED_ONLINE if last.rightly_signed else Reason.SIGNATURE_WRONG
