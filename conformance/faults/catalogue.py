"""What a fault is, and the ways of building one into a card.

A fault belongs to one card object: handlers are exchanged in the card's own command tables, sessions and structure are
those of a card class of its own. A reset, a restored snapshot or a new structure leave it in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from emulator.cos.card import Card
from emulator.cos.dispatch import CommandTable, Handler
from emulator.cos.memory import Memory, Snapshot, Value
from emulator.cos.session import Session
from emulator.cos.structure import CONTACT, CONTACTLESS, Structure
from emulator.iso7816 import Command
from profiles import dictionary
from profiles.applications import OWN_APPLICATIONS, payment_directory
from profiles.model import Profile

Condition: TypeAlias = Callable[[Profile], bool]
Deviation: TypeAlias = Callable[[Card, Command, Handler], bytes]
"""A handler that may call the good one, its third argument."""
Change: TypeAlias = Callable[[Mapping[str, Value]], dict[str, Value]]
"""From the cells of a memory to those that the fault writes differently."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which a chip goes wrong."""

    name: str
    """Area and what is wrong, e.g. ``pin.no-decrement``."""
    zh: str
    en: str
    requirements: tuple[str, ...]
    """A good suite reports at least one of these as failed."""
    apply: Callable[[Card], Card]
    """From a card to the broken one on the same memory."""
    applies_to: Condition
    """Whether a card of a profile can have the fault."""


class UnknownFault(ValueError):
    """No fault has this name."""


def issued(profile: Profile) -> bool:
    """A card with a social security environment."""
    return "SSSE" in profile.directory


def blank(profile: Profile) -> bool:
    """A card as it leaves the chip maker."""
    return profile.life_cycle == "blank"


def sm4(profile: Profile) -> bool:
    """An issued card with SM4 keys."""
    return issued(profile) and profile.algorithm == "SM4"


def triple_des(profile: Profile) -> bool:
    """An issued card with 3DES keys."""
    return issued(profile) and profile.algorithm == "3DES"


def version_3(profile: Profile) -> bool:
    """An issued card of specification 3.00."""
    return issued(profile) and profile.specification == "3.00"


def paying(profile: Profile) -> bool:
    """A card with a payment application."""
    return payment_directory(profile) is not None


def having(*parts: str) -> Condition:
    """An issued card that has all these directories and files, e.g. ``DF04/EF06``."""

    def condition(profile: Profile) -> bool:
        if not issued(profile):
            return False
        present = {f"{name}/{file}" for name, d in profile.directory.items() for file in d.file} | {*profile.directory}
        return present.issuperset(parts)

    return condition


BOTH = frozenset({CONTACT, CONTACTLESS})
"""The interfaces of a chip, both of which a fault concerns unless it says otherwise."""


class FaultSet:
    """The faults of one area, each declared by what it changes in the card.

    Their commands are those of social security, of other ``applications``, or with None of all: the bank application
    has a VERIFY of its own, which a fault of the other PIN must leave alone. ``interfaces`` are those through which the chip
    goes wrong.
    """

    def __init__(
        self, applications: frozenset[str] | None = OWN_APPLICATIONS, *, interfaces: frozenset[str] = BOTH
    ) -> None:
        self.faults: list[Fault] = []
        self._applications = applications
        self._interfaces = interfaces

    def add(
        self,
        name: str,
        zh: str,
        en: str,
        requirements: Sequence[str],
        apply: Callable[[Card], Card],
        applies_to: Condition = issued,
    ) -> None:
        """Declare a fault by the function that builds it in."""
        self.faults.append(Fault(name, zh, en, tuple(requirements), apply, applies_to))

    def card(
        self, name: str, zh: str, en: str, requirements: Sequence[str], applies_to: Condition = issued
    ) -> Callable[[type[Card]], type[Card]]:
        """Declare the decorated class as the broken card."""

        def register(kind: type[Card]) -> type[Card]:
            self.add(name, zh, en, requirements, lambda card: rebuilt(card, kind, self._interfaces), applies_to)
            return kind

        return register

    def command(
        self,
        commands: str | Sequence[str],
        name: str,
        zh: str,
        en: str,
        requirements: Sequence[str],
        applies_to: Condition = issued,
    ) -> Callable[[Deviation], Deviation]:
        """Declare the decorated function as what the card does on one or several commands of the dictionary."""
        names = (commands,) if isinstance(commands, str) else tuple(commands)

        def register(deviation: Deviation) -> Deviation:
            self.add(
                name,
                zh,
                en,
                requirements,
                lambda card: with_deviation(card, names, deviation, self._applications, self._interfaces),
                applies_to,
            )
            return deviation

        return register

    def session(
        self, name: str, zh: str, en: str, requirements: Sequence[str], applies_to: Condition = issued
    ) -> Callable[[type[Session]], type[Session]]:
        """Declare the decorated class as the card's sessions."""

        def register(kind: type[Session]) -> type[Session]:
            class Deviating(Card):
                def new_session(self) -> Session:
                    return kind(self.master_file)

            self.add(name, zh, en, requirements, lambda card: rebuilt(card, Deviating, self._interfaces), applies_to)
            return kind

        return register

    def structure(
        self, name: str, zh: str, en: str, requirements: Sequence[str], applies_to: Condition = issued
    ) -> Callable[[Callable[[Structure], Structure]], Callable[[Structure], Structure]]:
        """Declare what the decorated function makes of the structure: other access rules, FCI or settings."""

        def register(change: Callable[[Structure], Structure]) -> Callable[[Structure], Structure]:
            class Restructured(Card):
                def read_structure(self, source: bytes) -> Structure:
                    return change(super().read_structure(source))

            self.add(name, zh, en, requirements, lambda card: rebuilt(card, Restructured, self._interfaces), applies_to)
            return change

        return register

    def contents(
        self, name: str, zh: str, en: str, requirements: Sequence[str], change: Change, applies_to: Condition = issued
    ) -> None:
        """Declare other contents of the memory, as a faulty personalisation leaves them.

        They are written once; a cell of its own marks a memory that has them. In an image file they stay.
        """
        mark = "fault:" + name

        class Rewritten(Card):
            def __init__(
                self,
                memory: Memory,
                tables: dict[str, CommandTable],
                served_when_blocked: frozenset[int],
                contactless_tables: dict[str, CommandTable] | None = None,
            ) -> None:
                super().__init__(memory, tables, served_when_blocked, contactless_tables)
                self._write()

            def restore(self, snapshot: Snapshot) -> None:
                super().restore(snapshot)
                self._write()

            def _write(self) -> None:
                if mark not in self.memory.cells:
                    self.memory.commit({**change(self.memory.cells), mark: 1})

        self.add(name, zh, en, requirements, lambda card: rebuilt(card, Rewritten, frozenset({CONTACT})), applies_to)


def rebuilt(card: Card, kind: type[Card] | None = None, interfaces: frozenset[str] = BOTH) -> Card:
    """A card of another class on the same memory, with tables of its own; faults that it has already stay.

    The class is that of the interfaces that are named, the other one is as before.
    """
    whole: type[Card] = type(card)
    antenna = card.antenna
    if kind is not None and CONTACT in interfaces:
        whole = type(kind.__name__, (kind, whole), {})
    if kind is not None and CONTACTLESS in interfaces:
        antenna = type(kind.__name__, (kind, antenna), {})
    whole = type(whole.__name__, (whole,), {"antenna": antenna})
    return whole(card.memory, _own(card.tables), card.served_when_blocked, _own(card.contactless_tables))


def _own(tables: Mapping[str, CommandTable]) -> dict[str, CommandTable]:
    return {application: dict(table) for application, table in tables.items()}


def with_deviation(
    card: Card,
    names: Sequence[str],
    deviation: Deviation,
    applications: frozenset[str] | None = None,
    interfaces: frozenset[str] = BOTH,
) -> Card:
    """A card on which the deviation stands before the handlers of these commands, in these applications or in all."""
    broken = rebuilt(card)
    sides = {CONTACT: broken.tables, CONTACTLESS: broken.contactless_tables}
    for name in names:
        entry = dictionary.command(name)
        code = entry.cla << 8 | entry.ins
        for application, table in (held for side in interfaces for held in sides[side].items()):
            if code in table and (applications is None or application in applications):
                table[code] = _bound(deviation, table[code])
    return broken


def _bound(deviation: Deviation, good: Handler) -> Handler:
    return lambda card, command: deviation(card, command, good)
