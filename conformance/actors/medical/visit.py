"""A visit at a hospital: its bill, the steps of its settlement, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from conformance.actors.key_service import Settlement
from conformance.actors.medical.messages import Category, Quote, Refusal


class Step(Enum):
    """The steps of a settlement, with their names."""

    READING = ("读取卡片", "reading the card")
    PRE_SETTLEMENT = ("预结算", "pre-settlement")
    PIN = ("验证密码", "PIN")
    INITIALIZE = ("结算初始化", "INITIALIZE FOR PURCHASE")
    DEBIT = ("结算", "DEBIT FOR PURCHASE")
    MAC2 = ("校验 MAC2", "verification of MAC2")
    WRITING = ("写回卡片", "writing to the card")
    CLEARING = ("清算", "clearing")
    OWN_PART = ("个人自付", "own payment")
    REVERSAL = ("冲正", "reversal")

    @property
    def zh(self) -> str:
        """Chinese name."""
        return self.value[0]

    @property
    def en(self) -> str:
        """English name."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened on the way, for whoever looks on."""

    step: Step
    zh: str
    en: str


class Outcome(Enum):
    """How a settlement ended."""

    SETTLED = ("已结算", "settled")
    SETTLED_OFFLINE = ("已脱网结算", "settled off line")
    WAITING = ("卡片已结算，待上传", "settled by the card, to be delivered to the centre")
    UNKNOWN = ("结果待查", "not known whether the card settled")
    REFUSED = ("未结算", "not settled")

    @property
    def good(self) -> bool:
        """Whether the holder need not pay the insurance's part in cash."""
        return self not in (Outcome.REFUSED, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Visit:
    """A bill; amounts in fen. ``number`` is one that no other settlement of the area has."""

    number: str
    total: int
    eligible: int | None = None
    category: Category = Category.ORDINARY
    use_account: bool = True
    when: datetime = field(default_factory=lambda: datetime.now().astimezone())


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a settlement.

    Attributes:
        outcome: How it ended.
        zh, en: Why it ended so; empty for a good end.
        sw: Status word of card or PSAM behind a refusal, 0 without.
        quote: Who pays what; None where the centre did not say.
        settlement: What the card's codes cover, once the card was asked.
        tac: 交易认证码; empty where the card gave none.
        person, name, card_number, area: What was read.
        written_back: Whether everything that belongs onto the card after a settlement was written.
        card_lost: Whether the card left the reader on the way.
    """

    visit: Visit
    outcome: Outcome
    zh: str = ""
    en: str = ""
    sw: int = 0
    refusal: Refusal | None = None
    quote: Quote | None = None
    settlement: Settlement | None = None
    tac: bytes = b""
    person: str = ""
    name: str = ""
    card_number: str = ""
    area: str = ""
    written_back: bool = True
    card_lost: bool = False


@dataclass(frozen=True, slots=True)
class OfflineLimits:
    """What a licensed terminal may settle without line 临时脱网 (38号文 §4.2): sums and numbers must stay below, strictly."""

    amount: int = 100_000
    count: int = 5


class Stopped(Exception):
    """A settlement or load ends here, before the card carried it out."""

    def __init__(
        self, zh: str, en: str, sw: int = 0, refusal: Refusal | None = None, *, card_lost: bool = False
    ) -> None:
        super().__init__(en)
        self.zh, self.en, self.sw, self.refusal, self.card_lost = zh, en, sw, refusal, card_lost
