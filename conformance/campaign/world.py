"""A world: the chips, hosts, programs and persons of one trial; and the flow that makes such worlds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from conformance.campaign.seams import Seams
from conformance.events import TimedEntry
from conformance.targets.in_process import InProcessTarget
from profiles.model import Profile

if TYPE_CHECKING:
    from conformance.campaign.outside.facts import Facts, Seen

COMPLETED, AS_BEFORE, DESTROYED = "completed", "as before", "destroyed"
ENDINGS = (COMPLETED, AS_BEFORE, DESTROYED)
"""How a flow may end after its recovery."""


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A step of a flow."""

    name: str
    zh: str
    en: str
    irreversible: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a world; everything of theirs that stands nowhere in clear but where it belongs."""

    key: str
    """How findings call them: a letter."""
    identity: str = field(repr=False)
    name: str = field(repr=False)
    pins: tuple[str, ...] = field(default=(), repr=False)
    numbers: tuple[str, ...] = field(default=(), repr=False)
    """Account numbers of their cards."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no journal and no log may show. PINs are too short to be told from other digits by themselves."""
        return (self.identity, self.name, *self.numbers)


@dataclass(slots=True)
class Chip:
    """A chip of a world.

    Attributes:
        target: The chip itself.
        product: The card product that it is, or is to become.
        holder: Key of the person whose data may be on it.
        issued: Whether somebody may have it in hands: then it must be whole, and closed to pre-issue commands.
        pin: PIN of its social security application, where the world knows it.
        replaced: Whether another card has taken its place.
        transport_code: What its maker's transport code is, where it came from a maker.
        certified: Whether its card must have certificates of its holder.
    """

    target: InProcessTarget
    product: Profile
    holder: str
    issued: bool = False
    pin: str = ""
    replaced: bool = False
    transport_code: bytes = b""
    certified: bool = False


@dataclass(frozen=True, slots=True)
class HostBooks:
    """The books of a host: a SQLite file, and how a host is opened over such a file."""

    path: Path
    open: Callable[[Path], Any]


def hurry(store: Any) -> None:
    """Let a host's books or a journal not wait for the disk: a power cut of this machine is not among the failures."""
    store.run("PRAGMA synchronous = OFF")
    store.run("PRAGMA journal_mode = MEMORY")


class World(ABC):
    """One trial's chips, hosts, programs and persons.

    Attributes:
        seams: Where things fail.
        folder: Where the books are.
        chips, persons, hosts: By name; hosts are ``bank`` and ``centre``.
        journals: Files in which nothing of a person may stand in clear.
        said: Everything that a program showed.
        before: What the outside saw at the beginning.
        seen: What chips showed to whoever looked first, by name and whether they were issued; shared by the worlds of a flow.
    """

    before: Facts

    def __init__(self, seams: Seams, folder: Path) -> None:
        self.seams = seams
        self.folder = folder
        self.chips: dict[str, Chip] = {}
        self.persons: dict[str, Person] = {}
        self.hosts: dict[str, HostBooks] = {}
        self.journals: list[Path] = []
        self.said: list[str] = []
        self.seen: dict[tuple[str, bool], Seen] = {}

    @abstractmethod
    def run(self) -> None:
        """The flow from its beginning; a failure may end it anywhere."""

    @abstractmethod
    def recover(self) -> bool:
        """What people do when everything works again: start the program anew and go on; whether nothing is left to do."""

    @abstractmethod
    def ending(self, facts: Facts) -> str:
        """One of :data:`ENDINGS`, or what it is instead, told from chips and books alone."""

    def update(self) -> None:  # noqa: B027 - most worlds have nothing to note
        """Note which chips are issued and which are replaced, before somebody looks."""

    def meanwhile(self, failure: str) -> None:  # noqa: B027 - a flow that stages nothing has none
        """What others do in the middle, for the failures that a flow stages itself."""

    def expected(self, ending: str) -> Mapping[str, int]:
        """How many chips must be able to transact after an ending, by number or person."""
        return {}

    def declared(self, ending: str) -> Mapping[str, int] | None:
        """By how much each book of each host must have changed after an ending; None where the flow declares nothing."""
        return None

    def pending(self) -> int:
        """Settlements that terminals still keep and the centre has not."""
        return 0

    def on_purpose(self) -> frozenset[str]:
        """Numbers whose cards are off because somebody wants it: reported lost."""
        return frozenset()

    def close(self) -> None:  # noqa: B027 - a world may have nothing open
        """Close what is open."""


class Flow(ABC):
    """A flow of the campaign."""

    name: str
    number: int
    zh: str
    en: str
    steps: Sequence[FlowStep]
    staged: frozenset[str] = frozenset()
    """Failures of :data:`~conformance.campaign.failures.OTHERS` that the flow stages."""
    without: frozenset[str] = frozenset()
    """Failures that the flow's programs are not built for; the flow's documentation says why."""
    promised: float | None = None
    before: Facts | None = None
    """What every world shows at its beginning, once somebody looked: they are all the same."""
    seen: dict[tuple[str, bool], Seen]
    """What chips showed to whoever looked first, see :class:`World`."""

    def __new__(cls, *arguments: object, **more: object) -> Self:
        """A flow of which nobody has seen anything."""
        made = super().__new__(cls)
        made.seen = {}
        return made

    @abstractmethod
    def build(self, seams: Seams, folder: Path) -> World:
        """A fresh world in a folder; always the same one."""

    def timing(self, world: World) -> list[TimedEntry]:
        """What the steps of an undisturbed run cost; empty where nothing was measured."""
        return []
