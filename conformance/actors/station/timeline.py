"""The timeline of an issuance against the eight minutes that the service promises.

What chip and station take is measured. What people and machines take beside is a declared budget: the figures are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.actors.station.outcome import Outcome, Step, Told
from conformance.events import TimedEntry

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
    before: Step | None
    """The step that it comes before, with its own kind of work; None: at the end."""


BUDGETS = (
    Budget("核验身份证件与人脸", "identity document and face", "human", 60, Step.BLANK_CHECK),
    Budget("持卡人确认制卡数据", "the holder confirms the data", "human", 60, Step.BLANK_CHECK),
    Budget("空白卡进卡定位", "feeding and positioning the blank card", "machine", 15, Step.BLANK_CHECK),
    Budget("打印卡面", "printing the card's face", "machine", 60, Step.PRINT),
    Budget("输入新密码两次", "entering the new PIN twice", "human", 30, Step.CHANGE_PIN),
    Budget("签收领卡", "signature and hand-over", "human", 60, None),
)

OLD_CARD = Budget("插入旧卡并输入密码", "the old card put in, its PIN entered", "human", 20, Step.VERIFY_HOLDER)


def budgets(steps: Iterable[Told]) -> list[Budget]:
    """What people and machines take beside these steps: the old card's holder, where there was one, among them."""
    if all(told.step is not Step.VERIFY_HOLDER for told in steps):
        return list(BUDGETS)
    place = sum(each.before is Step.BLANK_CHECK for each in BUDGETS)
    return [*BUDGETS[:place], OLD_CARD, *BUDGETS[place:]]


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
        return cls(
            chip, sum(step.seconds for step in outcome.steps), sum(each.seconds for each in budgets(outcome.steps))
        )

    @property
    def total(self) -> float:
        """What is to be held against :data:`PROMISED`."""
        return self.station + self.budgets

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.total <= PROMISED


def entries(steps: Iterable[Told]) -> list[TimedEntry]:
    """The steps that one run took, and among them the budgets, each before its step or before the next one that was taken."""
    return list(_entries(list(steps)))


def _entries(steps: list[Told]) -> Iterator[TimedEntry]:
    order = list(Step)
    waiting = budgets(steps)
    for told in steps:
        while waiting and (before := waiting[0].before) is not None and order.index(before) <= order.index(told.step):
            yield _declared(waiting.pop(0))
        yield TimedEntry(
            step=told.step.name,
            zh=told.step.zh,
            en=told.step.en,
            kind="chip" if told.commands else "station",
            seconds=told.seconds,
            chip_seconds=told.chip_seconds,
            commands=told.commands,
            measured=True,
        )
    yield from map(_declared, waiting)


def _declared(budget: Budget) -> TimedEntry:
    return TimedEntry(
        step="",
        zh=budget.zh,
        en=budget.en,
        kind=budget.kind,
        seconds=float(budget.seconds),
        chip_seconds=0.0,
        commands=0,
        measured=False,
    )
