"""A hospital's or pharmacy's terminal: medical settlement on line, and temporarily off line (人社信息函〔2012〕38号 §2 to §4).

Whatever card, PSAM and centre answer, :meth:`HospitalTerminal.settle` ends with a result. What the card settled is never
lost: until the centre has it, it waits in :attr:`HospitalTerminal.undelivered`.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.bill import amount_text
from conformance.actors.medical.debit import (
    APPLICATION,
    CODES,
    Prepared,
    balance,
    codes,
    is_logged,
    prepare,
    send,
)
from conformance.actors.medical.keys import KeysRefused, TerminalKeys
from conformance.actors.medical.messages import (
    Clearing,
    Confirmation,
    InsuranceHost,
    Mode,
    OfflineState,
    OfflineUpload,
    PreSettlement,
    Quote,
    Refusal,
)
from conformance.actors.medical.offline import may_settle_offline, require_amount
from conformance.actors.medical.outbox import Outbox
from conformance.actors.medical.reader import CardGone, CardReader, CardRefused, CardUnclear, PinNeeded
from conformance.actors.medical.underway import Stage, Underway, free_second, no_proof, proof_lost
from conformance.actors.medical.visit import OfflineLimits, Outcome, Result, Step, Stopped, Told, Visit
from conformance.actors.outbox import Forgetful, Keeper
from emulator.iso7816 import SW

OFFLINE_FILE, SPECIAL_FILE, INSURANCE_FILE = "DF04/EF06", "DF04/EF15", "DF04/EF05"
BASIC_FILE, PERSON_FILE = "SSSE/EF05", "SSSE/EF06"
PERSON, NAME, CARD_NUMBER, AREA = "08", "09", "07", "84"
ALLOWED, OFFLINE_AMOUNT, OFFLINE_COUNT = "90", "92", "93"
PROOF_KIND = 0x32


class HospitalTerminal:
    """A terminal with a reader; amounts in fen.

    Args:
        reader: The card's reader, with PSAM or HSM and the holder's PIN.
        centre: The insurance centre; every call may find it unreachable.
        area: 6-digit code of the own area: temporary offline settlements are for its cards alone.
        limits: Limits of temporary offline settlements; None for a terminal that is not licensed.
        listener: Hears of every step.
        outbox: Where what is open is kept beyond the end of the program; in memory alone unless given. What an earlier
            program left is taken up: settlements whose card is needed are :attr:`unresolved`, the ends of others are in
            :attr:`resolved` until the next settlement or delivery.
    """

    def __init__(
        self,
        reader: CardReader,
        centre: InsuranceHost,
        *,
        area: str = "500000",
        limits: OfflineLimits | None = None,
        listener: Callable[[Told], None] = lambda told: None,
        outbox: Keeper | None = None,
    ) -> None:
        self.reader = reader
        self.centre = centre
        self.area = area
        self.limits = limits
        self.outbox = Outbox(file=outbox or Forgetful())
        self.unresolved: dict[bytes, Underway] = {}
        """Settlements by card of which nobody knows whether the card carried them out."""
        self.resolved: dict[str, Result] = {}
        """What became of settlements, by their number, whose card came back."""
        self.disputed: list[Result] = []
        """What the card settled, but whose TAC can't be had any more: people and the card's log decide."""
        self.ask_first: list[Callable[[], object]] = []
        """What else must be asked of a card that came back, before it begins something new."""
        self._tell = listener
        self._take_up()

    def _take_up(self) -> None:
        for stage, state in self.outbox.take_up():
            if stage is Stage.DEBIT:
                self.unresolved[state.card] = state
            elif stage is Stage.DISPUTED:
                self.disputed.append(state.after_restart(stage))
            else:
                self.resolved[state.visit.number] = state.after_restart(stage)

    def deliver(self) -> list[Clearing]:
        """Send the centre what waits; answers what it said to settlements."""
        answers = self.outbox.deliver(self.centre)
        self.outbox.forget_cleared()
        return answers

    # Settlement

    def settle(self, visit: Visit) -> Result:
        """Settle a bill with the card in the reader."""
        result = self._settle(visit)
        self.outbox.forget_cleared()
        return result

    def _settle(self, visit: Visit) -> Result:
        state = Underway(visit)
        try:
            self._read(state)
            if visit.number in self.outbox.debited:  # perhaps off line, where no centre would say so
                raise Stopped(*Refusal.REPEATED.value, refusal=Refusal.REPEATED)
            self._quote(state)
            self._purchase(state)
        except Stopped as stop:
            return self._refused(state, stop)
        except CardRefused as refused:
            return self._refused(state, Stopped(refused.zh, refused.en, refused.sw))
        except KeysRefused as refused:
            return self._refused(state, Stopped("PSAM 或加密机拒绝", str(refused), refused.sw))
        except PinNeeded:
            return self._refused(state, Stopped("持卡人未输入密码", "the holder entered no PIN"))
        except CardGone:
            if state.asked_for_debit and not state.tac:
                sentence = "the card is gone; it will be asked when it comes back"
                return self._unknown(state, Stopped("卡片已拔出，结算结果待查", sentence, card_lost=True))
            return self._refused(state, Stopped("卡片已拔出", "the card is gone", card_lost=True))
        except CardUnclear as unclear:
            sentence = f"the card does not say whether it settled ({unclear}); it will be asked again"
            return self._unknown(state, Stopped("卡片未说明是否已结算，结算结果待查", sentence))
        return self._complete(state)

    def _unknown(self, state: Underway, stop: Stopped) -> Result:
        """The card may have settled or not; it is asked when it comes back."""
        self.unresolved[self.reader.identification] = state
        self._say(Step.DEBIT, "卡片是否结算未知，请重新插卡", "whether the card settled is not known: insert it again")
        return state.result(Outcome.UNKNOWN, stop)

    def resolve(self) -> Result | None:
        """Ask a card that came back what became of its settlement, before anything else; None where nothing is open.

        Raises what a card that is gone again, or refuses, raises.
        """
        state = self.unresolved.get(self.reader.identification)
        if state is None:
            return None
        self.resolved[state.visit.number] = result = self._asked(state)
        return result

    def _asked(self, state: Underway) -> Result:
        try:
            self._proof(state)
        except (Stopped, CardRefused) as said:
            stop = said if isinstance(said, Stopped) else no_proof(said)
            logged = self._is_logged(state)
            del self.unresolved[self.reader.identification]
            return self._dispute(state) if logged else self._refused(state, stop)
        del self.unresolved[self.reader.identification]
        return self._complete(state)

    def _is_logged(self, state: Underway) -> bool:
        settlement = state.debited
        return is_logged(self.reader, settlement.kind, settlement.terminal, settlement.time)

    def _dispute(self, state: Underway) -> Result:
        """The card settled, then did something else elsewhere: its proof is of that now. Nothing is taken back."""
        stop = proof_lost()
        self.outbox.reach(Stage.DISPUTED, state)
        self._say(Step.DEBIT, stop.zh, stop.en)
        result = state.result(Outcome.UNKNOWN, stop)
        self.disputed.append(result)
        return result

    @property
    def undelivered(self) -> list[Confirmation | OfflineUpload]:
        """What the card settled and the centre does not know yet, oldest first."""
        return self.outbox.settlements

    def _say(self, step: Step, zh: str, en: str) -> None:
        self._tell(Told(step, zh, en))

    def _read(self, state: Underway) -> None:
        """社会保障号码, 姓名, 卡号, 参保地, and in mode 2 DF04/EF06 (38号文 §2.1, §3.1)."""
        reader = self.reader
        reader.begin()
        self.resolve()
        for ask in self.ask_first:
            ask()
        state.card_number = reader.text(BASIC_FILE, CARD_NUMBER)
        state.person, state.name = reader.text(PERSON_FILE, PERSON), reader.text(PERSON_FILE, NAME)
        state.area = reader.text(INSURANCE_FILE, AREA)
        self._say(Step.READING, f"参保地 {state.area}", f"insured in {state.area}")
        if self.centre.mode is Mode.ONLINE_WITH_OFFLINE:
            state.offline = self._offline_state()

    def _offline_state(self) -> OfflineState:
        allowed = self.reader.text(OFFLINE_FILE, ALLOWED)
        amount, count = self.reader.text(OFFLINE_FILE, OFFLINE_AMOUNT), self.reader.text(OFFLINE_FILE, OFFLINE_COUNT)
        if not (amount.isdecimal() and count.isdecimal()):
            raise CardRefused("脱网信息格式错误", "the card's offline data are no numbers")
        return OfflineState(allowed == "1", int(amount), int(count))

    def _quote(self, state: Underway) -> None:
        """Ask the centre; off line decide alone where that is allowed. In an offline area the card decides later."""
        if self.centre.mode is Mode.OFFLINE:
            require_amount(state.visit)
            state.went_offline = True
            return
        visit = state.visit
        eligible = visit.total if visit.eligible is None else visit.eligible
        request = PreSettlement(
            visit.number,
            state.person,
            self.reader.identification.hex().upper(),
            self._keys().terminal.hex(),
            visit.total,
            eligible,
            visit.category,
            visit.use_account,
            state.offline,
        )
        self.outbox.wanted_again(visit.number)
        state.may_be_quoted = True
        try:
            quote = self.centre.pre_settle(request)
        except HostUnreachable:
            self._say(Step.PRE_SETTLEMENT, "医保中心不可达", "the centre cannot be reached")
            state.quote, state.went_offline = self._decide_offline(state), True
            return
        if quote.refusal is not None:
            state.may_be_quoted = False
            raise Stopped(*quote.refusal.value, refusal=quote.refusal)
        state.quote = quote
        self._say(
            Step.PRE_SETTLEMENT,
            f"账户 {amount_text(quote.account)} 自付 {amount_text(quote.own)} 统筹 {amount_text(quote.fund)}",
            f"account {amount_text(quote.account)}, own {amount_text(quote.own)}, fund {amount_text(quote.fund)}",
        )

    def _decide_offline(self, state: Underway) -> Quote:
        """Off line the terminal decides alone; it pays from the personal account."""
        if state.offline is None or self.limits is None:
            raise Stopped("医保中心不可达，不能结算", "the centre cannot be reached, and nothing is settled without it")
        keys, visit = self.reader.keys, state.visit
        area = self.reader.identification[:3].hex()
        may_settle_offline(visit, state.offline, self.limits, own_area=area == self.area, keys=keys)
        return Quote(visit.number, account=visit.total)

    def _keys(self) -> TerminalKeys:
        if self.reader.keys is None:
            raise KeysRefused("the terminal has neither PSAM nor HSM")
        return self.reader.keys

    def _purchase(self, state: Underway) -> None:
        """PIN, INITIALIZE, MAC1, DEBIT, MAC2 (38号文 §2.4 to §2.9)."""
        reader, keys = self.reader, self._keys()
        reader.open(APPLICATION)
        if not reader.holder_verified and (digits := reader.pin()) is not None:
            reader.verify(digits)
            self._say(Step.PIN, "密码正确", "the PIN is right")
        prepared = prepare(reader, self._amounts(state), free_second(state.visit.when, self.resolved.values()))
        state.settlement = prepared.settlement
        number = prepared.settlement.number.hex()
        self._say(Step.INITIALIZE, f"交易序号 {number}", f"transaction number {number}")
        mac2 = self._debit(state, prepared)
        try:
            right = keys.confirm(mac2)
        except KeysRefused as refused:
            # The card settled, and its TAC, which the centre checks, proves more than MAC2 would.
            self._say(
                Step.MAC2, "MAC2 未能校验，以 TAC 为准", f"MAC2 could not be verified ({refused}): the TAC will tell"
            )
            return
        if not right:
            self._say(Step.MAC2, "MAC2 错误", "MAC2 is wrong")
            raise Stopped("MAC2 校验失败", "MAC2 is wrong: the card is not genuine, or its answer was changed")
        self._say(Step.MAC2, "MAC2 正确", "MAC2 is right")

    def _amounts(self, state: Underway) -> bytes:
        """What the card is told; in an offline area its own balance pays what it can, the holder the rest (vol. 2 §6.1)."""
        if state.quote is not None:
            return state.quote.card_amounts
        visit = state.visit
        if visit.category.is_special:
            raise Stopped("脱网交易仅限普通结算", "off line only ordinary bills are settled")
        account = min(balance(self.reader), visit.total) if visit.use_account else 0
        state.quote = Quote(visit.number, account=account, own=visit.total - account)
        self._say(
            Step.PRE_SETTLEMENT,
            f"卡内账户 {amount_text(account)} 自付 {amount_text(visit.total - account)}",
            f"account on the card {amount_text(account)}, own {amount_text(visit.total - account)}",
        )
        return state.quote.real_amounts

    def _debit(self, state: Underway, prepared: Prepared) -> bytes:
        """DEBIT FOR PURCHASE; a lost answer is asked for again with GET TRANSACTION PROOF before anything is repeated."""
        state.asked_for_debit, state.card = True, self.reader.identification
        self.outbox.reach(Stage.DEBIT, state)
        try:
            answer = send(self.reader, prepared)
        except (CardGone, CardRefused):  # no answer, or none that is one: the card may have settled
            return self._proof_at_once(state)
        if answer.sw == SW.SUCCESS and len(answer.data) != CODES:
            return self._proof_at_once(state)
        state.tac, mac2 = codes(self.reader, answer)
        self._say(Step.DEBIT, f"TAC {state.tac.hex().upper()}", f"TAC {state.tac.hex().upper()}")
        return mac2

    def _proof_at_once(self, state: Underway) -> bytes:
        """Ask a card whose answer is lost what it did; what it refuses now it may say later, and nothing is guessed."""
        self._say(Step.DEBIT, "应答丢失，查询交易认证", "the answer is lost; the card is asked what it did")
        try:
            self.reader.come_back()
            return self._proof(state)
        except CardRefused as refused:
            raise CardUnclear(str(refused)) from refused

    def _proof(self, state: Underway) -> bytes:
        """GET TRANSACTION PROOF of the transaction that was cut off: MAC2 ‖ TAC where the card settled (vol. 2 §6.4)."""
        reader = self.reader
        reader.open(APPLICATION)
        answer = reader.send(0xB0, 0x32, 0x00, PROOF_KIND, state.debited.number, ne=CODES)
        if answer.sw == SW.MAC_UNAVAILABLE:
            raise Stopped("卡片未结算", "the card did not settle: the answer was lost before it did", answer.sw)
        proof = reader.need(answer, "取交易认证", "GET TRANSACTION PROOF").data
        if len(proof) != CODES:
            raise CardRefused("交易认证长度不符", f"GET TRANSACTION PROOF answered {len(proof)} bytes")
        state.tac = proof[4:]
        self._say(
            Step.DEBIT, f"TAC {state.tac.hex().upper()}（重新取得）", f"TAC {state.tac.hex().upper()}, asked for again"
        )
        return proof[:4]

    # After the card settled

    def _complete(self, state: Underway) -> Result:
        """Note the TAC, write EF15 where the settlement is special, deliver it, write EF06 where the area has it."""
        visit = state.visit
        self.outbox.settled(state)
        if state.went_offline:
            if self.centre.mode is Mode.OFFLINE:
                return state.result(Outcome.SETTLED_OFFLINE)
            before = state.offline or OfflineState(False, 0, 0)
            after = OfflineState(before.allowed, before.amount + visit.total, before.count + 1)
            self._write(state, lambda: self._write_offline(after, counters_only=True))
            return state.result(Outcome.SETTLED_OFFLINE)
        if visit.category.is_special:
            self._write(state, lambda: self._write_special(state))
        clearing = next((answer for answer in self.outbox.deliver(self.centre) if answer.number == visit.number), None)
        if clearing is None:
            self._say(Step.CLEARING, "医保中心不可达，稍后上传", "the centre cannot be reached; to be delivered later")
            return state.result(Outcome.WAITING)
        if clearing.refusal is not None:
            return state.result(Outcome.REFUSED, Stopped(*clearing.refusal.value, refusal=clearing.refusal))
        self._say(Step.CLEARING, "中心已清算", "the centre has cleared it")
        offline = clearing.offline
        if offline is not None:
            self._write(state, lambda: self._write_offline(offline))
        return state.result(Outcome.SETTLED)

    def _write(self, state: Underway, write: Callable[[], None]) -> None:
        """A write after the settlement, which stands whatever becomes of it (vol. 2 §6.7)."""
        try:
            write()
        except (CardGone, CardRefused, KeysRefused, PinNeeded) as problem:
            state.written_back = False
            self._say(Step.WRITING, "写回失败", f"not written: {problem}")

    def _write_special(self, state: Underway) -> None:
        number = int.from_bytes(state.debited.number, "big")
        self.reader.append(SPECIAL_FILE, (number, state.visit.category.value))
        self._say(Step.WRITING, "特殊医疗结算记录已写入", "the special settlement is noted on the card")

    def _write_offline(self, state: OfflineState, *, counters_only: bool = False) -> None:
        if not counters_only:
            self.reader.write(OFFLINE_FILE, ALLOWED, "1" if state.allowed else "0")
        self.reader.write(OFFLINE_FILE, OFFLINE_AMOUNT, f"{state.amount:08d}")
        self.reader.write(OFFLINE_FILE, OFFLINE_COUNT, f"{state.count:02d}")
        amount = amount_text(state.amount)
        self._say(Step.WRITING, f"脱网累计 {amount}，{state.count} 次", f"offline {amount} in {state.count}")

    def _refused(self, state: Underway, stop: Stopped) -> Result:
        """Take a quote back that no card settled; where the card may have settled, the centre learns of it later."""
        number = state.visit.number
        if number in self.outbox.debited and not state.asked_for_debit:
            return state.result(Outcome.REFUSED, stop)  # what the earlier settlement of this number left stays
        if not state.may_be_quoted or state.tac:
            self.outbox.forget(number)
        elif not self.outbox.reverse(number, self.centre):
            self._say(
                Step.CLEARING, "冲正未送达，稍后再发", "the reversal could not be delivered; it is kept for later"
            )
        return state.result(Outcome.REFUSED, stop)
