"""The file that a run writes its events to."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Self

from conformance.events import Event, to_line


class EventLog:
    """One event a line, handed to the operating system as soon as it is written: a killed run keeps what it found."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def open(self, path: Path) -> None:
        """Create the file, and its folder where that is missing; raise :class:`OSError` when that is impossible."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def write(self, event: Event) -> None:
        """Write an event; nothing happens without an open file."""
        if self._file is not None:
            self._file.write(to_line(event) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; raise :class:`OSError` when what was written last finds no room."""
        if self._file is not None:
            self._file.close()
