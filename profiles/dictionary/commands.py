"""Commands by name and by their first bytes: what they are called, how P1 and P2 read, what their data fields hold."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from profiles.model import Text

_COMMAND_FILE = re.compile(r"commands-.*\.toml\Z")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reading(_Entry):
    """What the bits under ``mask`` of a parameter mean; ``value`` None fits any bits."""

    which: Literal["P1", "P2", "P1P2"]
    mask: int
    value: int | None = None
    zh: str
    en: str

    def text(self, p1: int, p2: int) -> Text | None:
        """The meaning for these parameters, or None where the reading does not fit."""
        bits = {"P1": p1, "P2": p2, "P1P2": p1 << 8 | p2}[self.which] & self.mask
        if self.value is not None and bits != self.value:
            return None
        shift = (self.mask & -self.mask).bit_length() - 1
        numbers = {"p1": p1, "p2": p2, "p1p2": p1 << 8 | p2, "p1_sfi": p1 & 0x1F, "bits": bits >> shift}
        return Text(zh=self.zh.format(**numbers), en=self.en.format(**numbers))


class DataField(_Entry):
    """Bytes of a data field; ``length`` 0 means the rest. ``secret`` bytes are never shown."""

    zh: str
    en: str
    length: int
    secret: bool = False


DataForm = tuple[DataField, ...]


class CommandEntry(_Entry):
    """A command of a card or SAM.

    ``p1`` is set where P1 makes another command of the same CLA and INS, ``applications`` where the same bytes mean this
    command in some applications of a profile alone. ``case`` is that of ISO/IEC 7816-3 §12.1.1
    without the form of the lengths. ``data`` and ``answer`` are the known forms of the data fields, none where there is none.
    """

    name: str
    zh: str
    en: str
    cla: int
    ins: int
    p1: int | None = None
    case: Literal["1", "2", "3", "4"]
    applies_to: Literal["card", "card before issue", "payment", "payment before issue", "SAM"] = "card"
    applications: tuple[str, ...] = ()
    clause: str
    confidence: str
    reading: tuple[Reading, ...] = ()
    data: tuple[DataForm, ...] = ()
    answer: tuple[DataForm, ...] = ()

    def parameters(self, p1: int, p2: int) -> tuple[Text, ...]:
        """How P1 and P2 read, e.g. ``record number 2`` and ``SFI 05``; what no reading fits is left out."""
        texts = []
        read = dict.fromkeys(("P1", "P2", "P1P2"), 0)
        for reading in self.reading:
            if not read[reading.which] & reading.mask and (text := reading.text(p1, p2)):
                read[reading.which] |= reading.mask
                texts.append(text)
        return tuple(texts)

    def form(self, length: int) -> DataForm | None:
        """The form of a command data field of so many bytes, or None where no known form has that length."""
        for form in self.data:
            fixed = sum(field.length for field in form)
            if fixed == length or (fixed < length and any(field.length == 0 for field in form)):
                return form
        return None


@cache
def commands() -> Mapping[str, CommandEntry]:
    """Every command by its name."""
    folder = sorted(files("profiles.dictionary").iterdir(), key=lambda file: file.name)
    texts = [file.read_text("utf-8") for file in folder if _COMMAND_FILE.match(file.name)]
    return {entry["name"]: CommandEntry(**entry) for text in texts for entry in tomllib.loads(text)["command"]}


def command(name: str) -> CommandEntry:
    """The command of a name; raises :class:`KeyError` for an unknown one."""
    return commands()[name]


@cache
def find(cla: int, ins: int, p1: int | None = None, application: str | None = None) -> CommandEntry | None:
    """The command of a CLA and INS, or None. P1 chooses where several commands share both; else the first counts.

    ``application`` is that of the current directory; without one, commands of no special application come first.
    """
    found = [entry for entry in commands().values() if (entry.cla, entry.ins) == (cla, ins)]
    special = [entry for entry in found if application in entry.applications]
    found = special or [entry for entry in found if not entry.applications] or found
    return next((entry for entry in found if p1 is not None and entry.p1 == p1), found[0] if found else None)
