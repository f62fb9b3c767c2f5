"""账户划入 at a self-service terminal: money of the personal account goes onto the card of an offline area (vol. 2 §6.6).

A load that was cut off is never guessed at: the card is asked with GET TRANSACTION PROOF, then the centre is told, or takes it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.key_service import AccountLoad
from conformance.actors.medical.debit import APPLICATION, is_logged
from conformance.actors.medical.keys import KeysRefused
from conformance.actors.medical.messages import InsuranceHost, LoadAnswer, LoadRequest, Refusal
from conformance.actors.medical.reader import CardGone, CardReader, CardRefused, CardUnclear, PinNeeded
from conformance.actors.medical.underway import no_proof
from conformance.actors.medical.visit import Stopped
from conformance.actors.outbox import Box, Codec, Forgetful, Keeper
from emulator.iso7816 import SW

INITIALIZED, TAC, PROOF = 16, 4, 8
PROOF_KIND = 0x31
LOAD_INDEX = 1


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of a load.

    Attributes:
        loaded: Whether the card has the money; None where that is not known.
        zh, en: Why not; empty for a good end.
        sw: Status word behind a refusal, 0 without.
        load: What the codes cover, once the card was asked.
        tac: 交易认证码 of the card.
        card_lost: Whether the card left the reader on the way.
    """

    number: str
    amount: int
    loaded: bool | None
    zh: str = ""
    en: str = ""
    sw: int = 0
    refusal: Refusal | None = None
    load: AccountLoad | None = None
    tac: bytes = b""
    card_lost: bool = False

    @property
    def balance(self) -> int:
        """Balance of the card after a load, in fen; 0 where the card was not asked."""
        return 0 if self.load is None else self.load.balance + (self.amount if self.loaded else 0)


@dataclass(slots=True)
class _State:
    """A load on its way."""

    number: str
    amount: int
    card: bytes = b""
    load: AccountLoad | None = None
    offered: bool = False
    sent: bool = False
    mac2: bytes = b""
    tac: bytes = b""

    @property
    def offered_load(self) -> AccountLoad:
        """What the card was to load; ValueError before it was asked, which is a mistake of the program."""
        if self.load is None:
            raise ValueError(f"load {self.number} asked no card yet")
        return self.load


_CODEC = Codec(_State)


class _Stage(StrEnum):
    """How far a load came; what is done with it when the station starts again."""

    OFFER = "offer"
    """The centre may have moved the money, and the card was asked for nothing: it is taken back."""
    CREDIT = "credit"
    """The card may have loaded: it is asked when it comes back."""
    LOADED = "loaded"
    """The card loaded, and the centre may not know."""
    DISPUTED = "disputed"
    """The card loaded, but its TAC can't be had any more: people decide."""


@dataclass(slots=True)
class LoadStation:
    """A terminal that loads; amounts in fen. The reader's keys give its terminal number and nothing more.

    Attributes:
        undelivered: Numbers and TACs that the centre does not know yet, and numbers without TAC that it shall take back.
        unresolved: Loads by card of which nobody knows whether the card carried them out.
        disputed: What the card loaded, but whose TAC can't be had any more: people and the card's log decide.
        ask_first: What else must be asked of a card that came back, before it begins something new.
        outbox: Where all of this is kept beyond the end of the program; what an earlier program left is taken up.
    """

    reader: CardReader
    centre: InsuranceHost
    undelivered: list[tuple[str, bytes]] = field(default_factory=list)
    unresolved: dict[bytes, _State] = field(default_factory=dict)
    disputed: list[LoadResult] = field(default_factory=list)
    ask_first: list[Callable[[], object]] = field(default_factory=list)
    outbox: Keeper = field(default_factory=Forgetful)

    def __post_init__(self) -> None:
        for entry in self.outbox.entries(Box.LOAD):
            if entry.stage == _Stage.OFFER:
                self.undelivered.append((entry.number, b""))
                continue
            state = _CODEC.read(entry.content)
            if entry.stage == _Stage.CREDIT:
                self.unresolved[state.card] = state
            elif entry.stage == _Stage.LOADED:
                self.undelivered.append((entry.number, state.tac))
            else:
                self.disputed.append(self._result(state, None, _proof_lost()))

    def _reach(self, stage: _Stage, state: _State) -> None:
        self.outbox.keep(Box.LOAD, state.number, stage, _CODEC.write(state))

    def load(self, number: str, amount: int) -> LoadResult:
        """Load an amount onto the card in the reader. ``number`` is one that nothing else of the area has."""
        state = _State(number, amount)
        try:
            self.reader.begin()
            self.resolve()
            for ask in self.ask_first:
                ask()
            self._offer(state, *self._initialize(state))
            self._credit(state)
        except Stopped as stop:
            return self._refused(state, stop)
        except CardRefused as refused:
            return self._refused(state, Stopped(refused.zh, refused.en, refused.sw))
        except KeysRefused as refused:
            return self._refused(state, Stopped("PSAM 或加密机拒绝", str(refused), refused.sw))
        except PinNeeded:
            return self._refused(state, Stopped("持卡人未输入密码", "the holder entered no PIN"))
        except CardGone:
            gone = Stopped("卡片已拔出", "the card is gone", card_lost=True)
            if state.sent:
                self.unresolved[self.reader.identification] = state
                return self._result(state, None, gone)
            return self._refused(state, gone)
        except CardUnclear as unclear:
            self.unresolved[self.reader.identification] = state
            sentence = f"the card does not say whether it loaded ({unclear}); it will be asked again"
            return self._result(state, None, Stopped("卡片未说明是否已划入", sentence))
        return self._complete(state)

    def resolve(self) -> LoadResult | None:
        """Ask a card that came back what became of its load; None where nothing is open. Raises what a card raises that is gone again."""
        state = self.unresolved.get(self.reader.identification)
        if state is None:
            return None
        try:
            self._prove(state)
        except (Stopped, CardRefused) as said:
            stop = said if isinstance(said, Stopped) else no_proof(said)
            logged = self._is_logged(state)
            del self.unresolved[self.reader.identification]
            return self._dispute(state) if logged else self._refused(state, stop)
        del self.unresolved[self.reader.identification]
        return self._complete(state)

    def deliver(self) -> None:
        """Tell the centre what it does not know; stops where it cannot be reached."""
        while self.undelivered:
            number, tac = self.undelivered[0]
            try:
                if tac:
                    self.centre.confirm_load(number, tac)
                else:
                    self.centre.reverse(number)
            except HostUnreachable:
                return
            self.outbox.drop(Box.LOAD, number)
            self.undelivered.pop(0)

    def _initialize(self, state: _State) -> tuple[AccountLoad, bytes]:
        """PIN and INITIALIZE FOR LOAD; what the card says, and its MAC1."""
        reader = self.reader
        if reader.keys is None:
            raise KeysRefused("the terminal has neither PSAM nor HSM")
        reader.open(APPLICATION)
        if not reader.holder_verified and (digits := reader.pin()) is not None:
            reader.verify(digits)
        terminal = reader.keys.terminal
        data = bytes((LOAD_INDEX,)) + state.amount.to_bytes(4, "big") + terminal
        answer = reader.send(0xB0, 0x28, 0x00, 0x01, data, ne=INITIALIZED)
        begun = reader.need(answer, "划入初始化", "INITIALIZE FOR LOAD").data
        if len(begun) != INITIALIZED:
            raise CardRefused("划入初始化应答长度不符", f"INITIALIZE FOR LOAD answered {len(begun)} bytes")
        balance = int.from_bytes(begun[:4], "big")
        return AccountLoad(begun[8:12], begun[4:6], balance, state.amount, terminal, b""), begun[12:]

    def _offer(self, state: _State, load: AccountLoad, mac1: bytes) -> None:
        request = LoadRequest(state.number, self.reader.identification.hex().upper(), load, mac1)
        state.load = load
        self._reach(_Stage.OFFER, state)
        try:
            answer: LoadAnswer = self.centre.load(request)
        except HostUnreachable:
            state.offered = True
            raise Stopped("医保中心不可达", "the centre cannot be reached") from None
        if answer.refusal is not None:
            raise Stopped(*answer.refusal.value, refusal=answer.refusal)
        state.offered = True
        state.load = AccountLoad(load.random, load.number, load.balance, load.amount, load.terminal, answer.time)
        state.mac2 = answer.mac2

    def _credit(self, state: _State) -> None:
        """CREDIT FOR LOAD; a lost answer is asked for again before anything is repeated."""
        reader, load = self.reader, state.offered_load
        state.sent, state.card = True, reader.identification
        self._reach(_Stage.CREDIT, state)
        try:
            answer = reader.send(0xB0, 0x2A, 0x00, 0x00, load.time + state.mac2, ne=TAC)
        except (CardGone, CardRefused):  # no answer, or none that is one: the card may have loaded
            self._prove_at_once(state)
            return
        if answer.sw == SW.SUCCESS and len(answer.data) != TAC:
            self._prove_at_once(state)
            return
        state.tac = reader.need(answer, "划入", "CREDIT FOR LOAD").data

    def _prove_at_once(self, state: _State) -> None:
        """Ask a card whose answer is lost what it did; what it refuses now it may say later, and nothing is guessed."""
        try:
            self.reader.come_back()
            self._prove(state)
        except CardRefused as refused:
            raise CardUnclear(str(refused)) from refused

    def _prove(self, state: _State) -> None:
        """GET TRANSACTION PROOF of the load that was cut off: MAC2 ‖ TAC where the card loaded (vol. 2 §6.4)."""
        self.reader.open(APPLICATION)
        answer = self.reader.send(0xB0, 0x32, 0x00, PROOF_KIND, state.offered_load.number, ne=PROOF)
        if answer.sw == SW.MAC_UNAVAILABLE:
            raise Stopped("卡片未划入", "the card did not load: the answer was lost before it did", answer.sw)
        proof = self.reader.need(answer, "取交易认证", "GET TRANSACTION PROOF").data
        if len(proof) != PROOF or proof[:4] != state.mac2:
            raise CardRefused("交易认证不符", "GET TRANSACTION PROOF answered for another load")
        state.tac = proof[4:]

    def _is_logged(self, state: _State) -> bool:
        load = state.offered_load
        return is_logged(self.reader, load.kind, load.terminal, load.time)

    def _dispute(self, state: _State) -> LoadResult:
        """The card loaded, then did something else elsewhere: its proof is of that now. Nothing is taken back."""
        self._reach(_Stage.DISPUTED, state)
        result = self._result(state, None, _proof_lost())
        self.disputed.append(result)
        return result

    def _complete(self, state: _State) -> LoadResult:
        self._reach(_Stage.LOADED, state)
        self.undelivered.append((state.number, state.tac))
        self.deliver()
        return self._result(state, True)

    def _refused(self, state: _State, stop: Stopped) -> LoadResult:
        if not state.offered:
            self.outbox.drop(Box.LOAD, state.number)
        else:
            self._reach(_Stage.OFFER, state)
            self.undelivered.append((state.number, b""))
            self.deliver()
        return self._result(state, False, stop)

    @staticmethod
    def _result(state: _State, loaded: bool | None, stop: Stopped | None = None) -> LoadResult:
        return LoadResult(
            state.number,
            state.amount,
            loaded,
            zh=stop.zh if stop else "",
            en=stop.en if stop else "",
            sw=stop.sw if stop else 0,
            refusal=stop.refusal if stop else None,
            load=state.load,
            tac=state.tac,
            card_lost=stop is not None and stop.card_lost,
        )


def _proof_lost() -> Stopped:
    """The card loaded, then did something else elsewhere: its proof is of that now."""
    return Stopped("卡片已划入，交易认证码已不可取得", "the card loaded, but its TAC can't be had any more")
