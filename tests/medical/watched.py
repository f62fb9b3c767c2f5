"""A hospital of which is seen what terminal and centre send, to whom, in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.actors.medical.messages import Mode
from conformance.actors.medical.visit import Told
from tests.medical.hospital import Hospital

VERIFY, EXTERNAL, READ, UPDATE = 0x20, 0x82, 0xB2, 0xDC
INITIALIZE, DEBIT, PROOF = 0x28, 0x2C, 0x32
MODE_2 = Mode.ONLINE_WITH_OFFLINE


@dataclass
class Watched(Hospital):
    """Commands, messages and steps in the order in which they went out."""

    went: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        Hospital.__post_init__(self)
        for name in ("pre_settle", "settle", "upload", "reverse"):
            setattr(self.centre, name, self._watched(name, getattr(self.centre, name)))
        transmit = self.slot.target.transmit

        def watching(command: bytes) -> bytes:
            self.went.append(("card", command))
            return transmit(command)

        self.slot.target.transmit = watching  # type: ignore[method-assign]
        self.terminal._tell = lambda told: self.went.append(("step", told))

    def _watched(self, name: str, act: Any) -> Any:
        def watching(message: Any) -> Any:
            self.went.append((name, message))
            return act(message)

        return watching

    def place(self, what: str, ins: int | None = None) -> int:
        """Where something first went out."""
        return next(at for at, (name, sent) in enumerate(self.went) if name == what and (ins is None or sent[1] == ins))

    def messages(self, name: str) -> list[Any]:
        return [message for sent, message in self.went if sent == name]

    def commands(self, ins: int) -> list[bytes]:
        return [command for name, command in self.went if name == "card" and command[1] == ins]

    def steps(self) -> list[Told]:
        return self.messages("step")

    def go_offline(self) -> None:
        self.lost = lambda message: "sent"

    def values(self) -> list[str]:
        return [self.terminal.reader.text("DF04/EF06", tag) for tag in ("90", "92", "93")]


def altered(hospital: Watched, ins: int, answer: bytes) -> None:
    """The card answers this to an instruction."""
    transmit = hospital.slot.target.transmit
    hospital.slot.target.transmit = (  # type: ignore[method-assign]
        lambda command: (transmit(command), answer)[1] if command[1] == ins else transmit(command)
    )
