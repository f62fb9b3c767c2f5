"""Chips and hosts as an actor reaches them, through the seams of a campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.actors.bank.messages import HostUnreachable
from conformance.campaign.seams import Call, Kind, Seams
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget, count_writes


class Slot:
    """A reader's slot with a virtual chip in it; ``before`` hears the place's name and the command."""

    def __init__(
        self,
        seams: Seams,
        target: InProcessTarget,
        name: str = "card",
        before: Callable[[str, bytes], None] = lambda what, command: None,
    ) -> None:
        self._before = before
        self._seams = seams
        self.target = target
        self.name = name
        self._powered = True

    def reset(self, cold: bool = True) -> bytes:
        """Reset the chip; a reader that is gone has none."""
        if self.name in self._seams.gone:
            raise BenchError("the reader is gone")
        self._powered = True
        return self.target.reset(cold)

    def _power_off(self) -> None:
        self._powered = False
        self.target.power_off()

    def _cut(self, command: bytes, write: int) -> bytes | None:
        answer = self.target.tear(command, write)
        if answer is None:
            self._power_off()
        return answer

    def transmit(self, command: bytes, /) -> bytes:
        """Exchange a command, at a place where something can fail; a chip whose supply was cut is mute until its reset."""
        if not self._powered:
            raise BenchError("the chip has no power")
        target = self.target
        what = f"{self.name} {command[1:2].hex().upper()}"
        self._before(what, command)
        passing = self._seams.passing(self.name, command)
        with count_writes(target.card) as counted:
            answer: bytes = self._seams.pass_by(
                Kind.COMMAND,
                what,
                Call(
                    lambda: target.transmit(command),
                    lambda: BenchError("the chip is gone"),
                    self.name,
                    lambda write: self._cut(command, write),
                    self._power_off,
                ),
                lambda: counted.writes,
            )
        passing.answer = answer
        return answer


class Guarded:
    """An object whose methods are places: a host behind a line, or a program's journal.

    Args:
        seams: Where they are counted.
        inner: The object.
        name: Name of the host.
        kind: Whether its calls are messages or moments.
        parts: Attributes that are reached the same way.
        only: Methods that are places; all where none is named.
        before: Hears the name and arguments of every call before it.
    """

    def __init__(
        self,
        seams: Seams,
        inner: Any,
        name: str,
        kind: Kind = Kind.MESSAGE,
        *,
        parts: frozenset[str] = frozenset(),
        only: frozenset[str] = frozenset(),
        before: Callable[[str, tuple[Any, ...]], None] = lambda name, arguments: None,
    ) -> None:
        self._seams = seams
        self._inner = inner
        self._name = name
        self._kind = kind
        self._parts = parts
        self._only = only
        self._before = before

    def __getattr__(self, name: str) -> Any:
        """A part that is guarded, a method that is a place, or a value."""
        found = getattr(self._inner, name)
        if name in self._parts:
            return Guarded(
                *(self._seams, found, self._name, self._kind),
                parts=self._parts,
                only=self._only,
                before=self._before,
            )
        if not callable(found) or (self._only and name not in self._only):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._before(name, arguments)
            act = Call(lambda: found(*arguments, **named), lambda: HostUnreachable("no answer"), self._name)
            passing = self._seams.passing(
                self._name, name, str(getattr(arguments[0], "number", "")) if arguments else ""
            )
            passing.answer = self._seams.pass_by(self._kind, f"{self._name} {name}", act)
            return passing.answer

        return call
