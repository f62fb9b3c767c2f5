"""Read the event log of a run, with its digest; a log whose writer died in the middle of a line is still a log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from conformance.events import Event, EventError, RunStarted, from_line


class LogError(ValueError):
    """The file is no event log; the message says in one sentence what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Log:
    """The events of a run as they were written."""

    events: tuple[Event, ...]
    sha256: str
    """Digest of the file."""
    size: int
    """Bytes of the file."""
    name: str
    """Name of the file without its directory."""
    cut_off: bool
    """Whether the last line was not written to its end."""

    @property
    def start(self) -> RunStarted:
        """The first event."""
        start = self.events[0]
        assert isinstance(start, RunStarted)  # noqa: S101 - read_log has seen to it
        return start


def read_log(path: Path) -> Log:
    """Read a log.

    Raises:
        LogError: The file can't be read, or isn't the log of a run.
    """
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise LogError(f"{path}: cannot be read: {problem.strerror}; give the NDJSON event log of a run") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise LogError(f"{path}: is not UTF-8 text; give the NDJSON event log of a run") from None
    lines = text.split("\n")
    unfinished = bool(lines.pop().strip()) if lines else False
    events: list[Event] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                events.append(from_line(line, number))
            except EventError as problem:
                raise LogError(f"{path}: {problem}; give the NDJSON event log of a run") from None
    if unfinished:
        unfinished = not _append_last(text, len(lines) + 1, events)
    if not events or not isinstance(events[0], RunStarted):
        raise LogError(f"{path}: does not begin with the event RunStarted; give the NDJSON event log of a run")
    return Log(tuple(events), hashlib.sha256(raw).hexdigest(), len(raw), path.name, unfinished)


def _append_last(text: str, number: int, events: list[Event]) -> bool:
    """Take the last line too when it is whole but for its line end."""
    try:
        events.append(from_line(text[text.rfind("\n") + 1 :], number))
    except EventError:
        return False
    return True
