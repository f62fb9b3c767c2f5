"""The terminal's way to the card: commands of the kernel over anything that takes bytes and gives bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import Event, Exchanged, Phase
from conformance.failures import BenchError
from emulator.iso7816 import Command, Response
from emulator.iso7816.status import count_of, describe, is_more_available, is_wrong_le

GET_RESPONSE = 0xC0
LONGEST_CHAIN = 16
LONGEST_ANSWER = 1 << 12
GENERATE_AC, VERIFY, GET_DATA = 0xAE, 0x20, 0xCA


class Link(Protocol):
    """Anything that reaches a card."""

    def transmit(self, command: bytes, /) -> bytes:
        """Exchange a command for the answer; raises :class:`~conformance.failures.BenchError` when the card is gone."""


class Channel:
    """Commands and answers; GET RESPONSE and corrected Le are its own business (ISO/IEC 7816-3 §12.2)."""

    def __init__(self, link: Link, tell: Callable[[Event], None]) -> None:
        self._link = link
        self._tell = tell
        self.phase = Phase.SELECTION

    def send(self, cla: int, ins: int, p1: int, p2: int, data: bytes = b"", ne: int = 256) -> Response:
        """Exchange a command.

        Raises:
            Ended: The card is gone, or answers without a status word or without end.
        """
        return self.send_command(Command(cla, ins, p1, p2, data, ne))

    def send_command(self, command: Command) -> Response:
        """Exchange a command; see :meth:`send`."""
        answer = self._exchange(command.to_bytes())
        if is_wrong_le(answer.sw):
            answer = self._exchange(command._replace(ne=count_of(answer.sw) or 0).to_bytes())
        data = b""
        for _ in range(LONGEST_CHAIN):
            data += answer.data
            if not is_more_available(answer.sw):
                return Response(data, answer.sw)
            answer = self._exchange(Command(0, GET_RESPONSE, 0, 0, b"", count_of(answer.sw) or 0).to_bytes())
        raise Ended(Reason.CARD_ERROR, "the card never ends its answer")

    def send_raw(self, command: bytes) -> int:
        """Exchange a script command as it is, and answer the status word."""
        return self._exchange(command).sw

    def data(self, tag: int) -> bytes | None:
        """The value of a data object by GET DATA, None when the card does not give it."""
        answer = self.send(0x80, GET_DATA, tag >> 8, tag & 0xFF)
        head = tag.to_bytes(2, "big")
        fits = answer.sw == 0x9000 and answer.data[:2] == head and len(answer.data) > 3
        return answer.data[3:] if fits and answer.data[2] == len(answer.data) - 3 else None

    def _exchange(self, command: bytes) -> Response:
        try:
            raw = self._link.transmit(command)
        except BenchError as problem:
            raise Ended(Reason.CARD_LOST, str(problem)) from problem
        if not 2 <= len(raw) <= LONGEST_ANSWER:
            raise Ended(Reason.CARD_ERROR, f"an answer of {len(raw)} bytes")
        answer = Response.parse(raw)
        name = f"INS {command[1]:02X} → {describe(answer.sw)}"
        self._tell(Exchanged(self.phase, name, name, command, raw))
        return answer
