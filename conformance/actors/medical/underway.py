"""A settlement on its way, as the terminal has it in hand and its outbox keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from conformance.actors.key_service import Settlement
from conformance.actors.medical.debit import packed_time
from conformance.actors.medical.messages import (
    Clearing,
    Confirmation,
    OfflineState,
    OfflineUpload,
    Quote,
    Refusal,
)
from conformance.actors.medical.reader import CardRefused
from conformance.actors.medical.visit import Outcome, Result, Stopped, Visit
from conformance.actors.outbox import Codec, Entry
from emulator.iso7816 import SW


class Stage(StrEnum):
    """How far a settlement came; what is done with it when the terminal starts again."""

    QUOTE = "quote"
    """The centre may keep a quote, and no card was asked to settle: it is taken back."""
    REVERSAL = "reversal"
    """It is taken back."""
    DEBIT = "debit"
    """The card may have settled: it is asked when it comes back."""
    SETTLED = "settled"
    """The card settled, and the centre may not know."""
    CLEARED = "cleared"
    """The centre answered, and nobody at the till may have heard."""
    DISPUTED = "disputed"
    """The card settled, but its TAC can't be had any more: people decide."""


@dataclass(slots=True)
class Underway:
    """A settlement on its way."""

    visit: Visit
    card: bytes = b""
    quote: Quote | None = None
    settlement: Settlement | None = None
    tac: bytes = b""
    offline: OfflineState | None = None
    went_offline: bool = False
    asked_for_debit: bool = False
    may_be_quoted: bool = False
    """Whether the centre may keep a quote for it."""
    person: str = ""
    name: str = ""
    card_number: str = ""
    area: str = ""
    written_back: bool = True
    refusal: str = ""
    """Name of the refusal with which the centre answered the settlement."""

    @property
    def debited(self) -> Settlement:
        """What the card was asked to settle; ValueError before it was, which is a mistake of the program."""
        if self.settlement is None:
            raise ValueError(f"settlement {self.visit.number} asked no card yet")
        return self.settlement

    def message(self) -> Confirmation | OfflineUpload:
        """What the centre must hear of a settlement that the card carried out."""
        number, card = self.visit.number, self.card.hex().upper()
        if self.went_offline:
            return OfflineUpload(number, self.person, card, self.debited, self.tac)
        return Confirmation(number, card, self.debited, self.tac)

    def result(self, outcome: Outcome, stop: Stopped | None = None) -> Result:
        """How it ended."""
        return Result(
            visit=self.visit,
            outcome=outcome,
            zh=stop.zh if stop else "",
            en=stop.en if stop else "",
            sw=stop.sw if stop else 0,
            refusal=stop.refusal if stop else None,
            quote=self.quote,
            settlement=self.settlement,
            tac=self.tac,
            person=self.person,
            name=self.name,
            card_number=self.card_number,
            area=self.area,
            written_back=self.written_back,
            card_lost=stop is not None and stop.card_lost,
        )

    def after_restart(self, stage: Stage) -> Result:
        """How a settlement ended that the card carried out before the terminal's program did."""
        if stage is Stage.DISPUTED:
            return self.result(Outcome.UNKNOWN, proof_lost())
        if self.refusal:
            refusal = Refusal[self.refusal]
            return self.result(Outcome.REFUSED, Stopped(*refusal.value, refusal=refusal))
        if self.went_offline:
            return self.result(Outcome.SETTLED_OFFLINE)
        return self.result(Outcome.SETTLED if stage is Stage.CLEARED else Outcome.WAITING)


def no_proof(refused: CardRefused) -> Stopped:
    """A card without GET TRANSACTION PROOF has its log alone to say what it did; any other refusal is raised again."""
    if refused.sw != SW.INSTRUCTION_NOT_SUPPORTED:
        raise refused
    return Stopped(
        "卡片无交易认证，日志中无此交易", "the card gives no proofs, and its log does not show it", refused.sw
    )


def proof_lost() -> Stopped:
    """The card settled, then did something else elsewhere: its proof is of that now."""
    return Stopped("卡片已结算，交易认证码已不可取得", "the card settled, but its TAC can't be had any more")


def free_second(when: datetime, earlier: Iterable[Result]) -> datetime:
    """The next second that no settlement had whose card was asked for its proof.

    A PSAM counts when it has seen MAC2, which such a settlement never showed it: by its time alone a TAC is another one.
    """
    taken = {each.settlement.time for each in earlier if each.settlement is not None}
    while packed_time(when) in taken:
        when += timedelta(seconds=1)
    return when


_CODEC = Codec(Underway)


def written(state: Underway) -> str:
    """As an entry keeps it: with the person's number, which an upload needs, without what only the slip shows."""
    return _CODEC.write(replace(state, name="", card_number="", area=""))


def read(entry: Entry) -> Underway:
    """From an entry."""
    return _CODEC.read(entry.content)


def answered(entry: Entry, clearing: Clearing) -> str:
    """The entry of a settlement, with what the centre answered."""
    state = read(entry)
    return _CODEC.write(replace(state, refusal=clearing.refusal.name if clearing.refusal is not None else ""))
