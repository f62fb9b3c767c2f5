"""Names of commands, parameters and status words as the dictionary gives them, for any bytes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from profiles import dictionary
from profiles.dictionary import CommandEntry
from reports.trace.parts import NOTHING, Name, StatusKind, printable


class Wording(NamedTuple):
    """A command's name in the standard's spelling and in words."""

    label: str
    name: Name
    entry: CommandEntry | None


class Meaning(NamedTuple):
    """What a status word means."""

    text: Name
    kind: StatusKind


_HEADER = re.compile(r"[0-9A-Fa-f]{8}")


def is_hexadecimal(text: str) -> bool:
    """Whether a command of the event log is made of bytes and its header is known; otherwise it is a word as ``RESET``."""
    return _HEADER.match(text) is not None


def label(text: str) -> str:
    """The name of a command of the event log as the standard writes it, or the word that it is."""
    return _label(text[:6]) if is_hexadecimal(text) else printable(text[:16])


@lru_cache(maxsize=4096)
def _label(header: str) -> str:
    cla, ins, p1 = bytes.fromhex(header)
    return command(cla, ins, p1).label


@lru_cache(maxsize=4096)
def command(cla: int, ins: int, p1: int, application: str | None = None) -> Wording:
    """The command of these bytes; an unknown one is told by its bytes and by the instruction it resembles.

    ``application`` is that of the current directory, where it is known: some bytes mean different commands in different ones.
    """
    entry = dictionary.find(cla, ins, p1, application)
    if entry:
        return Wording(entry.name, Name(entry.zh, entry.en), entry)
    return Wording(f"CLA {cla:02X} INS {ins:02X}", _undefined(ins), None)


def _undefined(ins: int) -> Name:
    """A name for a command that the dictionary doesn't know, telling what it resembles."""
    for entry in dictionary.commands().values():
        if entry.ins == ins:
            return Name(f"未定义的命令（指令同{entry.zh}）", f"undefined command (instruction of {entry.name})")
    return Name("未定义的命令", "undefined command")


def parameters(wording: Wording, p1: int, p2: int) -> tuple[Name, ...]:
    """How P1 and P2 read; the two bytes where the dictionary doesn't know them."""
    known = wording.entry.parameters(p1, p2) if wording.entry else ()
    if known:
        return tuple(Name(text.zh, text.en) for text in known)
    return (Name("", f"P1 {p1:02X} P2 {p2:02X}"),)


def status(sw: int | None) -> Meaning:
    """The meaning of a status word; nothing where none was received."""
    if sw is None:
        return Meaning(NOTHING, "none")
    known = dictionary.describe(sw)
    return Meaning(Name(known.zh, known.en), known.kind)
