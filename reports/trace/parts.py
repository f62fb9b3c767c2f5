"""What the decoder hands out: fields of a data field, and a whole exchange in a person's words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from reports.trace.octets import Octets

HIDDEN = "〔已隐藏 hidden〕"

Span = tuple[int, int]
"""First offset and the offset after the last one."""


class Name(NamedTuple):
    """A name in Chinese and in English; either may be empty."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} {self.en}".strip()

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


NOTHING = Name("", "")


def printable(text: str) -> str:
    """The text with every character that could move a terminal's cursor or hide text shown as U+FFFD.

    Control, format, surrogate, private-use and unassigned characters and line or paragraph separators are replaced.
    """
    if text.isprintable():
        return text
    return "".join(c if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" else "\ufffd" for c in text)


def readable(value: bytes) -> str:
    """The value as GBK text where every character of it can be printed, otherwise an empty text."""
    try:
        text = value.rstrip(b"\x00\xff").decode("gbk")
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


@dataclass(frozen=True, slots=True)
class Field:
    """A named piece of a command's or an answer's data field.

    ``start`` and ``stop`` bound the value (not its tag and length) in the whole command or in the joined answer.
    """

    name: Name
    start: int
    stop: int
    raw: str
    """The value in hexadecimal, ``XX`` where the trace was redacted."""
    text: str = ""
    """The value in words; empty where the hexadecimal digits say enough."""
    tag: str = ""
    meaning: Name = NOTHING
    """What a code means."""
    secret: bool = False
    problem: str = ""
    children: tuple[Field, ...] = ()

    @property
    def hidden(self) -> bool:
        """Whether its value was masked."""
        return self.text == HIDDEN

    def secrets(self) -> Iterator[Span]:
        """Where bytes lie that must not be shown."""
        if self.secret and self.stop > self.start:
            yield self.start, self.stop
        for child in self.children:
            yield from child.secrets()

    def masked(self) -> Field:
        """The field as it may be shown to anybody."""
        if self.secret:
            size = self.stop - self.start
            return replace(self, raw="XX" * size, text=HIDDEN if size else "", meaning=NOTHING, problem="", children=())
        if not self.children:
            return self
        return replace(
            self,
            raw=Octets.of(self.raw).hex((a - self.start, b - self.start) for a, b in self.secrets()),
            children=tuple(child.masked() for child in self.children),
        )


Kind = Literal["exchange", "reset", "power off", "unreadable"]
StatusKind = Literal["success", "warning", "error", "none"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One exchange, decoded. ``command`` and ``response`` are the raw bytes as they went over the line."""

    kind: Kind
    command: Octets
    response: Octets
    name: Name
    """Command name, e.g. ``READ RECORD``; for GET RESPONSE the command whose answer it fetches is ``completes``."""
    label: str = ""
    """The command's name as the standard writes it, the same in both languages."""
    parameters: tuple[Name, ...] = ()
    """How P1 and P2 read."""
    directory: str = ""
    file: str = ""
    """Current directory and file after the command; ``?`` where the trace does not tell."""
    subject: str = ""
    """The file, PIN or key that the command speaks of, e.g. ``SSSE/EF05``; otherwise what is current after it."""
    title: Name = NOTHING
    """Name of the subject."""
    held: tuple[str, ...] = ()
    """PINs and keys whose verification the card has confirmed since its reset, as far as an observer can tell."""
    fields: tuple[Field, ...] = ()
    """The command's data field."""
    answer: tuple[Field, ...] = ()
    """The answer's data field; of the joined answer when it came in pieces."""
    sw: int | None = None
    status: Name = NOTHING
    status_kind: StatusKind = "none"
    completes: str = ""
    """The earlier command that this exchange belongs to (GET RESPONSE after 61xx, another Le after 6Cxx)."""
    answer_offset: int = 0
    """Where this response begins in the joined answer."""
    problems: tuple[str, ...] = ()

    @property
    def state(self) -> tuple[str, str, tuple[str, ...]]:
        """Current directory and file and what is satisfied, after the exchange."""
        return self.directory, self.file, self.held

    @property
    def command_secrets(self) -> tuple[Span, ...]:
        """Where secret bytes lie in the command."""
        return tuple(span for field in self.fields for span in field.secrets())

    @property
    def response_secrets(self) -> tuple[Span, ...]:
        """Where secret bytes lie in this response."""
        spans = (span for field in self.answer for span in field.secrets())
        moved = ((start - self.answer_offset, stop - self.answer_offset) for start, stop in spans)
        end = len(self.response)
        return tuple((max(start, 0), min(stop, end)) for start, stop in moved if stop > 0 and start < end)

    def masked(self) -> Decoded:
        """The exchange as it may be shown to anybody."""
        return replace(
            self,
            command=Octets.of(self.command.hex(self.command_secrets)),
            response=Octets.of(self.response.hex(self.response_secrets)),
            fields=tuple(field.masked() for field in self.fields),
            answer=tuple(field.masked() for field in self.answer),
        )
