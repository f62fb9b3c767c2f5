"""What a hospital's terminal and the insurance centre 医保中心 tell each other (人社信息函〔2012〕38号).

All amounts are whole fen. Requests carry a number that no other request has; sending one again repeats the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol

from conformance.actors.key_service import AccountLoad, Settlement


class Mode(Enum):
    """How an area settles; it has exactly one of them (38号文 §1)."""

    ONLINE = "联网交易"
    ONLINE_WITH_OFFLINE = "联网交易，允许临时脱网"
    OFFLINE = "脱网交易"


class Category(Enum):
    """What is settled; the value is 结算类别 in DF04/EF15 where it is special."""

    ORDINARY = ""
    WORK_INJURY = "1"
    MATERNITY = "2"
    MEDICAL_ASSISTANCE = "3"
    OTHER = "9"

    @property
    def is_special(self) -> bool:
        """Whether the terminal also writes DF04/EF15."""
        return self is not Category.ORDINARY


class Refusal(Enum):
    """Why the centre does not settle."""

    UNKNOWN_PERSON = ("参保人不存在", "the person is not known")
    NOT_INSURED = ("未参保或已停保", "the person is not insured")
    UNKNOWN_CARD = ("卡片不存在", "the card is not known")
    FOREIGN_CARD = ("卡片不属于该参保人", "the card is another person's")
    CARD_STATE = ("卡片状态不允许交易", "the card's state does not allow it: sealed, lost, locked or cancelled")
    WRONG_AMOUNT = ("金额不正确", "the amounts are not right")
    UNKNOWN_SETTLEMENT = ("结算不存在", "there is no such settlement")
    WRONG_TAC = ("交易认证码错误", "the TAC is wrong")
    REPEATED = ("重复的交易", "the transaction was settled before")
    REVERSED = ("交易已冲正", "the transaction was reversed")
    WRONG_MAC1 = ("MAC1 错误", "MAC1 is wrong: the card is not genuine")
    NOT_ENOUGH = ("个人账户余额不足", "the personal account has not so much")
    NO_OFFLINE = ("不允许脱网交易", "no offline settlement is allowed")


@dataclass(frozen=True, slots=True)
class OfflineState:
    """脱网信息 DF04/EF06: 90 whether it is allowed, 92 sum and 93 number of offline settlements since the last online one."""

    allowed: bool
    amount: int
    count: int


@dataclass(frozen=True, slots=True)
class PreSettlement:
    """预结算: what would be paid by whom.

    Attributes:
        number: Number of the visit's settlement.
        person: 社会保障号码.
        card: 卡的识别码, 32 hexadecimal digits.
        terminal: Terminal number 终端机编号, 12 digits.
        total: The whole bill.
        eligible: What of it lies within the insurance's list 政策范围内.
        category: Ordinary or special.
        use_account: Whether the personal account pays what it can of the rest.
        offline: What DF04/EF06 of the card says, where the area allows temporary offline settlements.
    """

    number: str
    person: str
    card: str
    terminal: str
    total: int
    eligible: int
    category: Category = Category.ORDINARY
    use_account: bool = True
    offline: OfflineState | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The centre's answer: who pays what, or why not."""

    number: str
    refusal: Refusal | None = None
    account: int = 0
    own: int = 0
    """In cash or by the card's financial application."""
    fund: int = 0

    @property
    def total(self) -> int:
        """The whole bill."""
        return self.account + self.own + self.fund

    @property
    def real_amounts(self) -> bytes:
        """The three amounts for the card in offline areas: each what it is (vol. 2 §6.1)."""
        return b"".join(amount.to_bytes(4, "big") for amount in (self.account, self.own, self.fund))

    @property
    def card_amounts(self) -> bytes:
        """The three amounts for the card in the online modes: 0, total, account and fund together (38号文 §2.3)."""
        return b"".join(amount.to_bytes(4, "big") for amount in (0, self.total, self.account + self.fund))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The card settled: TAC and everything that it covers (38号文 §2.8)."""

    number: str
    card: str
    settlement: Settlement
    tac: bytes


@dataclass(frozen=True, slots=True)
class OfflineUpload:
    """An offline settlement, sent when the line is back (38号文 §4.10): a temporary one, or one of an offline area."""

    number: str
    person: str
    card: str
    settlement: Settlement
    tac: bytes


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """账户划入: the card asks, with MAC1, for an amount of the personal account; ``load.time`` is not said yet."""

    number: str
    card: str
    load: AccountLoad
    mac1: bytes


@dataclass(frozen=True, slots=True)
class LoadAnswer:
    """The centre's time, 7 BCD bytes, and MAC2; or why it does not load."""

    number: str
    refusal: Refusal | None = None
    time: bytes = b""
    mac2: bytes = b""


@dataclass(frozen=True, slots=True)
class Clearing:
    """清算: whether the centre settled, and the card's new offline data where the area has them."""

    number: str
    refusal: Refusal | None = None
    offline: OfflineState | None = None


class CardState(Enum):
    """卡应用状态 in the centre's register (reconstructed specification §7.2)."""

    SEALED = 0
    NORMAL = 1
    FORMALLY_LOST = 2
    LOCKED = 3
    TEMPORARILY_LOST = 4
    CANCELLED = 9

    @property
    def en(self) -> str:
        """As a sentence has it: formally lost."""
        return self.name.lower().replace("_", " ")


class Channel(StrEnum):
    """Where somebody asks for another state of a card."""

    PHONE = "phone"
    """电话、APP: the holder is not there."""
    WINDOW = "window"
    """窗口: the holder with the identity document, in writing."""
    STATION = "station"
    """制卡设备: an issuance."""


@dataclass(frozen=True, slots=True)
class PersonAccount:
    """What an inquiry shows of a person."""

    person: str
    name: str
    insured: bool
    balance: int
    year: str
    own_year: int
    """Paid by the person this year."""
    fund_year: int
    """Paid by the pooled fund this year."""
    cards: tuple[tuple[str, CardState], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The answer to an inquiry with a card, or why there is none."""

    refusal: Refusal | None = None
    account: PersonAccount | None = None


class InsuranceHost(Protocol):
    """The centre as a terminal reaches it; every method may raise :class:`~conformance.actors.bank.messages.HostUnreachable`."""

    @property
    def mode(self) -> Mode:
        """How the area settles."""

    def pre_settle(self, request: PreSettlement) -> Quote:
        """Ask who pays what."""

    def settle(self, confirmation: Confirmation) -> Clearing:
        """Tell that the card settled."""

    def upload(self, upload: OfflineUpload) -> Clearing:
        """Tell of an offline settlement."""

    def load(self, request: LoadRequest) -> LoadAnswer:
        """Ask for a load of the card's own account 账户划入."""

    def confirm_load(self, number: str, tac: bytes) -> Clearing:
        """Tell that the card loaded."""

    def reverse(self, number: str) -> Clearing:
        """冲正: take a settlement, or a load that the card did not carry out, back."""
