"""The steps of an issuance, what is told of them, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.actors.named import Named


class Kind(StrEnum):
    """Why a card is made."""

    FIRST = "first issuance"
    """首次发卡."""
    UPGRADE = "upgrade"
    """同号升级 of a bank card."""
    REPLACEMENT = "replacement"
    """同号换卡、同号补卡 of a damaged or lost card."""
    DIFFERENT_NUMBER = "different number"
    """异号换卡."""
    GENERATION = "generation change"
    """换代换卡 of a card of the second generation, with the same number."""


class Step(Named):
    """A step of an issuance: names in Chinese and English."""

    BLANK_CHECK = ("空白卡检查", "blank-chip check")
    VERIFY_HOLDER = ("核验持卡人与旧卡", "holder and old card verified on line")
    FREEZE = ("银行受理（冻结变更）", "the bank begins the change")
    ORDER = ("银行制卡登记", "the bank orders the new card")
    INITIALISE = ("初始化", "initialisation")
    CLOSE = ("密钥替换与关闭", "key replacement and closing")
    PERSONALISE = ("个人化", "personalisation")
    CERTIFICATES = ("写入证书", "certificates")
    FINANCIAL = ("金融个人化", "personalisation of the bank's application")
    READ_BACK = ("回读校验", "reading back")
    PRINT = ("打印卡面", "printing the face")
    REGISTER = ("卡登记（封存）", "registration, sealed")
    SWITCH = ("银行切换新旧卡", "the bank switches the cards")
    ACTIVATE = ("启用", "activation")
    BLOCK_OLD = ("旧芯片锁定", "the old chip is blocked")
    RETURN_E_CASH = ("旧卡电子现金退回", "e-cash of the old card returned")
    CHANGE_PIN = ("首次修改密码", "first PIN change")
    RETURN = ("数据回盘", "data return")


class Ending(Named):
    """How it ended: names in Chinese and English."""

    COMPLETED = ("制卡完成", "the card is issued")
    REFUSED = ("未开始", "refused before the chip was changed")
    INTERRUPTED = ("中断，待恢复", "interrupted; go on with the same chip")
    DESTROYED = ("芯片作废", "the chip is destroyed")


@dataclass(frozen=True, slots=True)
class Told:
    """What a listener is told of a step; the journal has it already."""

    step: Step
    done: bool
    seconds: float = 0.0
    """How long the step took, in seconds."""
    chip_seconds: float = 0.0
    """How long the chip took of it."""
    commands: int = 0
    """How many command APDUs it took."""


@dataclass(frozen=True, slots=True)
class Return:
    """The data return 回盘 of a card; nothing in it tells of the person but a masked number."""

    request: str
    card: str
    """卡的识别码, 32 hexadecimal digits."""
    atr: str
    """卡复位信息, hexadecimal digits."""
    version: str
    """规范版本."""
    bank_number: str
    """Account number, masked, and card sequence number; empty on a card without financial application."""
    person: str
    """Masked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an issuance ended, and why."""

    ending: Ending
    zh: str
    en: str
    steps: tuple[Told, ...] = ()
    returned: Return | None = None
    notes: tuple[tuple[str, str], ...] = ()
    """What is left to be done or known besides, in Chinese and English."""
    unreachable: bool = False
    """Refused for want of a host alone: the same request may be begun again."""
