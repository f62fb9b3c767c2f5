"""A change of a card at the bank: why, where it stands, and what a step of it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    """Why a card is made, and whether its number stays."""

    FIRST = "first issuance"
    """首次发卡: the first card of a new number."""
    UPGRADE = "upgrade"
    """同号升级 of a bank card to a social security card."""
    REPLACEMENT = "replacement"
    """同号换卡: damaged, lost, a new generation."""
    DIFFERENT_NUMBER = "different number"
    """异号换卡 by a pre-made card 预制卡, or one that is made on the spot."""


class ChangeState(StrEnum):
    """Where a change stands."""

    FROZEN = "frozen"
    ORDERED = "ordered"
    SWITCHED = "switched"
    UNDONE = "undone"


class HolderCheck(StrEnum):
    """By what the bank knows the holder who asks for a change."""

    CARD = "card and PIN"
    """A balance inquiry of the card itself, on line and with its PIN."""
    IDENTITY = "identity document"
    """Nothing but what the desk declares: the card is lost, its chip is dead, or there was none before."""


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    DONE_BEFORE = "done before under another number"
    DUPLICATE = "another content came under this number"
    NO_SUCH_CARD = "no card of this number is in use"
    NO_SUCH_CHANGE = "no such change"
    FROZEN = "a change of this number is open"
    BLOCKED = "the account is blocked"
    NOT_VERIFIED = "the holder was not verified on line with the card for this change a short while ago"
    OTHER_HOLDER = "the account is another person's"
    NOT_ORDERED = "no new card is ordered"
    SWITCHED = "the cards were switched; nothing is left to undo"
    UNDONE = "the change was undone"
    NUMBER_TAKEN = "the new number has an account"
    NO_SEQUENCE_LEFT = "the number has no sequence number left"
    STILL_IN_USE = "the card has not been replaced"
    CHIP_AT_LARGE = "the chip has not been blocked by script"
    OTHER_CARD = "the chip shows another number than that of the change"
    CHIP_KNOWN = "the identification or the reset answer belongs to another card"


OVER = {ChangeState.SWITCHED: Outcome.SWITCHED, ChangeState.UNDONE: Outcome.UNDONE}
"""What a step hears that comes after the end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a step; ``sequence`` is that of the new card, ``amount`` what e-cash went back, in the smallest unit."""

    outcome: Outcome
    sequence: str = ""
    amount: int = 0

    def to_json(self) -> str:
        """As the books keep it."""
        return json.dumps([self.outcome, self.sequence, self.amount])

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """From the books."""
        outcome, sequence, amount = json.loads(text)
        return cls(Outcome(outcome), sequence, amount)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a number's card. A change that was undone before it came has no card; a first issuance no old one."""

    number: str
    pan: str
    kind: ChangeKind
    old_sequence: str
    new_pan: str
    new_sequence: str
    state: ChangeState
    holder_check: HolderCheck
    pre_made: bool


@dataclass(frozen=True, slots=True)
class ChipReturn:
    """The data return 银行回盘登记 of a card that a station made.

    Attributes:
        identification: 卡的识别码 of its social security application, 32 hexadecimal digits.
        atr: 卡复位信息, hexadecimal digits.
        version: 规范版本.
        pan, sequence: What its financial application shows.
    """

    identification: str
    atr: str
    version: str
    pan: str
    sequence: str
