"""Test cases: what a suite declares and the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
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
    """Leaves the card in a state that no command of the suite brings back; needs a card that may be given up."""
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
    ``ends_card`` is for suites after which a card does nothing more: they run after all others.
    ``interface`` is the side of the card on which its written-out cases work.
    """

    def __init__(
        self,
        name: str,
        zh: str,
        en: str,
        *,
        as_issued: bool = False,
        ends_card: bool = False,
        interface: Interface | None = None,
    ) -> None:
        self.name = name
        self.as_issued = as_issued
        self.ends_card = ends_card
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
