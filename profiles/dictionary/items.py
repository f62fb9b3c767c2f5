"""What data elements of the card and fields of its cyclic records have in common: format, code list, rule."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from profiles.dictionary import rules, values
from profiles.dictionary.codes import CodeList, code_list
from profiles.model import Text


class Part(BaseModel):
    """Some characters of a composite code, e.g. the first three of 医疗保险险种类型及标识."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    length: int
    list: str

    @property
    def codes(self) -> CodeList:
        """Code list of these characters."""
        return code_list(self.list)


class Content(BaseModel):
    """The name of a value of a fixed length and what it may say.

    ``length`` is in bytes. ``list`` names a code list, ``parts`` cut a composite code, ``rule`` is a rule of its content
    such as ``date``. ``secret`` marks personal data that reports mask.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    length: int
    list: str | None = None
    parts: tuple[Part, ...] = ()
    rule: rules.Rule | None = None
    secret: bool = False

    @property
    def codes(self) -> CodeList:
        """Valid codes with their meanings; empty where any content is valid."""
        return code_list(self.list) if self.list else {}

    def meaning(self, value: str) -> Text | None:
        """What a code means, where the value is one and its meaning is known."""
        if not self.parts:
            return self.codes.get(value)
        found = [part.codes.get(code) for part, code in zip(self.parts, self._cut(value), strict=True)]
        known = [(part, text) for part, text in zip(self.parts, found, strict=True) if text]
        if not known:
            return None
        return Text(
            zh="；".join(f"{part.zh}：{text.zh}" for part, text in known),
            en="; ".join(f"{part.en}: {text.en}" for part, text in known),
        )

    def problem(self, value: str) -> str | None:
        """Why the text of a value breaks its code list or rule, or None."""
        if self.codes and value not in self.codes:
            return f"{value!r} is not in the code list: {_shortened(self.codes)}"
        for part, code in zip(self.parts, self._cut(value), strict=True):
            if code not in part.codes:
                return f"{code!r} ({part.zh} {part.en}) is not in the code list: {_shortened(part.codes)}"
        return rules.problem(self.rule, value) if self.rule else None

    @property
    def wanted(self) -> str:
        """What the code list or the rule asks of a value; empty where any is welcome."""
        if self.codes:
            return f"one of {_shortened(self.codes)}"
        if self.parts:
            return " and ".join(f"{part.en} ({_shortened(part.codes)})" for part in self.parts)
        return rules.wanted(self.rule) if self.rule else ""

    def _cut(self, value: str) -> tuple[str, ...]:
        start = 0
        pieces = []
        for part in self.parts:
            pieces.append(value[start : start + part.length])
            start += part.length
        return tuple(pieces)


class Field(Content):
    """A field of a record without tags."""

    format: values.Format

    def encode(self, value: object) -> bytes:
        """Bytes of a value; raises :class:`~profiles.dictionary.values.ValueFormatError`."""
        return values.encode(self.format, self.length, value)

    def decode(self, raw: bytes) -> str:
        """Text of a value, padding taken off; never fails."""
        return values.decode(self.format, raw)

    @property
    def initial_fill(self) -> bytes:
        """The bytes before anything is written."""
        return values.initial_fill(self.format, self.length)


def _shortened(codes: CodeList) -> str:
    names = list(codes)
    return ", ".join(names if len(names) <= 16 else [*names[:14], "…", names[-1]])
