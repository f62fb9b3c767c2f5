"""Test cases: what a suite declares and the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, TypeAlias

from conformance.targets.base import Interface
from profiles.model import Text

if TYPE_CHECKING:
    from conformance.bench import Bench
    from profiles.model import Profile

PAYMENT = "PAY-"
"""How identifiers of payment cases, and areas of the payment catalogue, begin."""

Body: TypeAlias = Callable[["Bench"], None]


class Kind(Enum):
    """What a case stimulates the card with (ETSI TS 102 750 style)."""

    VALID = "BV"
    INVALID = "BI"
    INOPPORTUNE = "BO"


class Level(Enum):
    """How much is run: each level includes the ones before it."""

    QUICK = "quick"
    STANDARD = "standard"
    OFFICIAL = "official"

    @property
    def rank(self) -> int:
        """0 for the quickest."""
        return _RANK[self]

    @property
    def examples(self) -> int:
        """Generated examples of a property."""
        return (30, 200, 1000)[self.rank]

    @property
    def steps(self) -> int:
        """Steps of a generated sequence."""
        return (20, 40, 60)[self.rank]


_RANK = {level: rank for rank, level in enumerate(Level)}


class Loss(IntEnum):
    """What a case takes from a card for ever. Those that take something run last, in this order: they spoil each other least."""

    NOTHING = 0
    PART = 1
    """Of an application: a PIN or key whose tries nothing gives back, records and their room."""
    APPLICATION = 2
    """An application, while all the others are looked at."""
    APPLICATIONS = 3
    """Applications, one after the other."""
    ENVIRONMENT = 4
    """What is not the bank's: its application goes on."""
    CARD = 5
    """Every application."""
    COUNTER = 6
    """The bank's application, by the end of its counter: behind CARD, which more cases need, and which can't come after it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test case.

    ``identifier`` is stable: area, subject and kind, e.g. ``SEL/unknown-identifier/BI``.
    """

    identifier: str
    title: Text
    requirements: tuple[str, ...]
    kind: Kind
    expected: Text
    body: Body
    level: Level = Level.QUICK
    destructive: bool = False
    """Uses up what the card has, or would on a bad card; needs a card that may be given up."""
    loss: Loss = Loss.NOTHING
    """What it takes from the card for ever; only a destructive one takes anything."""
    restore: Body | None = None
    """Puts a card that stays in the bench back after it, however it ended; for a destructive one that takes nothing for ever."""
    needs_tearing: bool = False
    """Cuts the supply at chosen moments."""
    interface: Interface | None = None
    """The side of the card on which it works; None: see :attr:`side`."""

    @property
    def side(self) -> Interface | None:
        """The side on which it works; None for the one on which the bench begins.

        What a payment application does over the contacts it does not do through the antenna (JR/T 0025.12), so that its
        cases are for the contacts unless they say otherwise.
        """
        return self.interface or (Interface.CONTACT if self.identifier.startswith(PAYMENT) else None)

    @property
    def area(self) -> str:
        """First part of the identifier."""
        return self.identifier.split("/", 1)[0]


Source: TypeAlias = Callable[["Profile"], Iterable[Case]]


class Suite:
    """The cases of one module, written out or made from the profile of the card.

    ``as_issued`` is for suites that judge the contents a card was issued with: they run before any that write.
    ``loss`` is what its written-out cases take from a card for ever, unless they say otherwise.
    ``restore`` puts a card that stays in the bench back after each destructive case that takes nothing for ever.
    ``interface`` is the side of the card on which its written-out cases work.
    """

    def __init__(
        self,
        name: str,
        zh: str,
        en: str,
        *,
        as_issued: bool = False,
        loss: Loss = Loss.NOTHING,
        restore: Body | None = None,
        interface: Interface | None = None,
    ) -> None:
        self.name = name
        self.as_issued = as_issued
        self.loss = loss
        self.restore = restore
        self.interface = interface
        self.module = ""
        """Name of the module it stands in, below the package of the suites, given when the suites are collected."""
        self.title = Text(zh=zh, en=en)
        self._sources: list[Source] = []

    def case(
        self,
        identifier: str,
        zh: str,
        en: str,
        *,
        requirements: Sequence[str],
        kind: Kind,
        expected: tuple[str, str],
        level: Level = Level.QUICK,
        destructive: bool = False,
        loss: Loss | None = None,
        restore: Body | None = None,
        needs_tearing: bool = False,
    ) -> Callable[[Body], Body]:
        """Declare the decorated function as a case; ``expected`` is what a good card does, in Chinese and English."""

        def register(body: Body) -> Body:
            declared = Case(
                identifier=identifier,
                title=Text(zh=zh, en=en),
                requirements=tuple(requirements),
                kind=kind,
                expected=Text(zh=expected[0], en=expected[1]),
                body=body,
                level=level,
                destructive=destructive,
                loss=self.loss if loss is None else loss,
                restore=restore or self.restore,
                needs_tearing=needs_tearing,
                interface=self.interface,
            )
            self._sources.append(lambda _: (declared,))
            return body

        return register

    def cases_from(self, source: Source) -> Source:
        """Declare a function that makes cases from the profile of the card under test."""
        self._sources.append(source)
        return source

    def cases(self, profile: Profile) -> Iterator[Case]:
        """All cases for a card of this profile, in the order of their declaration."""
        for source in self._sources:
            yield from source(profile)
