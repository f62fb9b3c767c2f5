"""The timeline of an issuance against the eight minutes that the service promises.

What chip and station take is measured. What people and machines take beside is a declared budget: the figures are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.station.outcome import Outcome

PROMISED = 480
"""Eight minutes, in seconds."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a step of people or machines may take, in seconds; an assumption."""

    zh: str
    en: str
    kind: str
    """``human`` or ``machine``."""
    seconds: int


BUDGETS = (
    Budget("核验身份证件与人脸", "identity document and face", "human", 60),
    Budget("持卡人确认制卡数据", "the holder confirms the data", "human", 60),
    Budget("空白卡进卡定位", "feeding and positioning the blank card", "machine", 15),
    Budget("打印卡面", "printing the card's face", "machine", 60),
    Budget("输入新密码两次", "entering the new PIN twice", "human", 30),
    Budget("签收领卡", "signature and hand-over", "human", 60),
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Seconds: of the chip, of the station with its chip, of the budgets, and of all."""

    chip: float
    station: float
    budgets: int

    @classmethod
    def of(cls, outcome: Outcome) -> Timeline:
        """The timeline of the steps that one run took."""
        chip = sum(step.chip_seconds for step in outcome.steps)
        return cls(chip, sum(step.seconds for step in outcome.steps), sum(each.seconds for each in BUDGETS))

    @property
    def total(self) -> float:
        """What is to be held against :data:`PROMISED`."""
        return self.station + self.budgets

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.total <= PROMISED
