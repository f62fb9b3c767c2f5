"""Reading TOML tables into types while collecting every complaint instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from conformance.requirements.terms import Text

Choice = TypeVar("Choice", bound=Enum)
Entry = TypeVar("Entry")


class Table:
    """One TOML table, and the list to which its complaints go.

    Each reading method takes a key out of the table and returns its value, or complains and returns a stand-in of the
    right type; the caller throws the whole result away when there was any complaint. Call :meth:`finish` last: it
    complains about keys that nobody asked for.
    """

    def __init__(self, content: Mapping[str, object], where: str, problems: list[str]) -> None:
        self._content = dict(content)
        self._problems = problems
        self.where = where
        """File, and entry inside it, as it stands in complaints."""

    def complain(self, what: str) -> None:
        """Add a complaint about this table."""
        self._problems.append(f"{self.where}: {what}")

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def text(self, key: str) -> str:
        """A string that is not empty."""
        value = self._content.pop(key, None)
        if isinstance(value, str) and value.strip():
            return value
        self.complain(f"{key} must be a text that is not empty")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of such strings, maybe empty."""
        value = self._content.pop(key, None)
        if isinstance(value, list) and all(isinstance(entry, str) and entry.strip() for entry in value):
            return tuple(value)
        self.complain(f"{key} must be a list of texts that are not empty")
        return ()

    def number(self, key: str) -> int:
        """An integer."""
        value = self._content.pop(key, None)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.complain(f"{key} must be an integer")
        return 0

    def bilingual(self, key: str) -> Text:
        """A table of ``zh`` and ``en``."""
        table = self.table(key)
        value = Text(table.text("zh"), table.text("en"))
        table.finish()
        return value

    def table(self, key: str) -> Table:
        """A table inside this one; an empty one, with a complaint, when it is missing."""
        value = self._content.pop(key, None)
        if not isinstance(value, dict):
            self.complain(f"{key} must be a table")
            value = {}
        return Table(value, f"{self.where}: {key}", self._problems)

    def tables(self, key: str) -> list[Table]:
        """An array of tables, empty when absent; each is named by its ``id``, ``name`` or position."""
        value = self._content.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.complain(f"{key} must be an array of tables")
            return []
        return [
            Table(entry, f"{self.where}: {entry.get('id') or entry.get('name') or f'{key} {position}'}", self._problems)
            for position, entry in enumerate(value, 1)
        ]

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        """One of the values of an enumeration."""
        return self.member(key, self._content.pop(key, None), {member.value: member for member in kind}) or next(
            iter(kind)
        )

    def member(self, key: str, value: object, known: Mapping[str, Entry]) -> Entry | None:
        """What ``value`` names among ``known``; None, with a complaint, when it names nothing."""
        if isinstance(value, str) and value in known:
            return known[value]
        self.complain(f"{key} {value!r} is not one of {', '.join(known)}")
        return None

    def members(self, key: str, known: Mapping[str, Entry]) -> tuple[Entry, ...]:
        """A list of names among ``known``."""
        found = (self.member(key, name, known) for name in self.texts(key))
        return tuple(entry for entry in found if entry is not None)

    def finish(self) -> None:
        """Complain about keys that were not read."""
        for key in self._content:
            self.complain(f"{key} is not known here")
