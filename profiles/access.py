"""Access conditions as the standard's tables write them: ``free``, ``never``, ``PIN or RK1DF01``, ``PIN and RK1DF04``.

``and`` binds more tightly than ``or``; names are those of PINs and keys of the profile (人社信息函〔2012〕37号 tables 3 to 8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._]*\Z")


@dataclass(frozen=True, slots=True)
class AccessCondition:
    """Alternatives, each a set of PIN and key names that must all be satisfied.

    No alternative at all means *never*; an empty alternative means *free*.
    """

    alternatives: tuple[frozenset[str], ...]

    @classmethod
    def parse(cls, text: str) -> AccessCondition:
        """Read a condition; raise :class:`ValueError` that names the word which is out of place."""
        words = text.split()
        if words == ["free"]:
            return cls((frozenset(),))
        if words == ["never"]:
            return cls(())
        alternatives: list[frozenset[str]] = []
        together: list[str] = []
        for position, word in enumerate(words):
            if position % 2 == 0:
                if not _NAME.match(word) or word in {"and", "or", "free", "never"}:
                    raise ValueError(f"access condition {text!r}: a PIN or key name was expected where {word!r} stands")
                together.append(word)
            elif word == "or":
                alternatives.append(frozenset(together))
                together = []
            elif word != "and":
                raise ValueError(f"access condition {text!r}: 'and' or 'or' was expected where {word!r} stands")
        if not together or len(words) % 2 == 0:
            raise ValueError(f"access condition {text!r} is incomplete; write free, never, or names joined by and/or")
        alternatives.append(frozenset(together))
        return cls(tuple(alternatives))

    @property
    def is_free(self) -> bool:
        """Whether nothing at all is needed."""
        return any(not alternative for alternative in self.alternatives)

    @property
    def is_never(self) -> bool:
        """Whether nothing opens it."""
        return not self.alternatives

    @property
    def names(self) -> frozenset[str]:
        """All PIN and key names that occur."""
        return frozenset().union(*self.alternatives)

    def satisfied_by(self, held: frozenset[str]) -> bool:
        """Whether the PINs and keys in ``held`` open it."""
        return any(alternative <= held for alternative in self.alternatives)

    def __str__(self) -> str:
        if self.is_never:
            return "never"
        if self.is_free:
            return "free"
        return " or ".join(" and ".join(sorted(alternative)) for alternative in self.alternatives)
