"""What passed between programs, chips and hosts in a trial, as the checks read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.campaign.seams import Passed

SELECT, READ_RECORD, EXTERNAL_AUTHENTICATE = 0xA4, 0xB2, 0x82
WRITES = frozenset({0xDC, 0xE2})
"""UPDATE RECORD and APPEND RECORD."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a chip answered with 9000 or 61xx, with the application and number of its place in the trace."""

    at: int
    step: str
    application: bytes
    ins: int
    p1: int
    p2: int
    answer: bytes


def done(passed: list[Passed], side: str) -> Iterator[Command]:
    """The commands that a chip carried out, as far as their answers came; the name that was last selected goes with each."""
    application = b""
    for at, each in enumerate(passed):
        sent, answer = each.sent, each.answer
        if each.side != side or not isinstance(sent, bytes) or not isinstance(answer, bytes):
            continue
        if answer[-2:] != b"\x90\x00" and answer[-2:-1] != b"\x61":
            continue
        if sent[1] == SELECT and sent[2] == 0x04:
            application = sent[5 : 5 + sent[4]]
        elif sent[1] == SELECT and sent[2] != 0x02:
            application = b""
        yield Command(at, each.step, application, sent[1], sent[2], sent[3], answer[:-2])


def messages(passed: list[Passed], side: str, *names: str) -> Iterator[tuple[int, Passed]]:
    """The messages of these names to a host, with their places in the trace; an answer of None never came."""
    for at, each in enumerate(passed):
        if each.side == side and each.sent in names:
            yield at, each
