"""What a status word means on a social security card, in Chinese and English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["success", "warning", "error"]


class StatusMeaning(BaseModel):
    """Meaning of a status word; ``pattern`` is the word with x where it carries a number, e.g. ``63Cx``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str
    kind: Kind
    zh: str
    en: str
    clause: str


@cache
def status_words() -> Mapping[str, StatusMeaning]:
    """Every known status word by its pattern."""
    document = tomllib.loads(files("profiles.dictionary").joinpath("status.toml").read_text("utf-8"))
    return {pattern: StatusMeaning(pattern=pattern, **entry) for pattern, entry in document.items()}


@cache
def describe(sw: int) -> StatusMeaning:
    """The meaning of any status word; an unknown one is told by its class (ISO/IEC 7816-4 §5.6)."""
    digits = f"{sw:04X}"
    for pattern in (digits, f"{digits[:3]}x", f"{digits[:2]}xx"):
        if known := status_words().get(pattern):
            numbers = {"count": (sw & 0xFF) or 256, "tries": sw & 0x0F}
            return known.model_copy(update={"zh": known.zh.format(**numbers), "en": known.en.format(**numbers)})
    kind: Kind = "warning" if digits[:2] in ("62", "63") else "error"
    return StatusMeaning(
        pattern=digits,
        kind=kind,
        zh="未定义的警告" if kind == "warning" else "未定义的状态字",
        en="unknown warning" if kind == "warning" else "unknown status word",
        clause="ISO/IEC 7816-4 §5.6",
    )
