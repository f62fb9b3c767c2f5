"""Write every form of a report into a directory; each file is whole or not there at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.judge import catalogue_of
from profiles import ProfileError, load, profile_sha256
from profiles.files import public_mode, write_whole
from profiles.model import Profile
from reports import html, json_report, junit, markdown
from reports.log import read_log
from reports.model import Particulars, Report, build

_FORMS: Mapping[str, Callable[[Report], str]] = {
    "report.html": html.render,
    "report.json": json_report.render,
    "junit.xml": junit.render,
    "summary.md": markdown.render,
}


@dataclass(frozen=True, slots=True)
class Written:
    """A report and where its forms are."""

    report: Report
    html: Path
    json: Path
    junit: Path
    markdown: Path


def write_all(
    events: Path,
    directory: Path,
    *,
    profile: Profile | None = None,
    strict: bool | None = None,
    earlier: Path | None = None,
    particulars: Particulars | None = None,
) -> Written:
    """Make the report of an event log and write it as HTML, JSON, JUnit XML and Markdown.

    Without a ``profile`` the one that the log names is loaded when it is still the same. ``earlier`` is an earlier ``report.json``.

    Raises:
        LogError: The log can't be used.
        JsonReportError: The earlier report can't be used.
        ValueError: The log doesn't say what card it was, or the profile is not the one that it was judged by.
        OSError: The directory can't be written.
    """
    log = read_log(events)
    before: Mapping[str, Any] | None = json_report.read(earlier) if earlier else None
    report = build(
        log,
        catalogue_of(log.start),
        _named(log.start.profile) if profile is None else _of_the_run(profile, log.start.profile),
        strict=strict,
        earlier=before,
        particulars=particulars,
    )
    directory.mkdir(parents=True, exist_ok=True)
    paths = [
        write_whole(directory / name, render(report).encode("utf-8", "replace"), public_mode())
        for name, render in _FORMS.items()
    ]
    return Written(report, *paths)


def _of_the_run(profile: Profile, declared: Mapping[str, Any]) -> Profile:
    """The profile; raise :class:`ValueError` where the run was judged by another one."""
    digest = profile_sha256(profile)
    if declared.get("sha256", digest) != digest:
        name = declared.get("name", "?")
        raise ValueError(
            f"profile {profile.name} is not the profile {name} as the run was judged by it; leave --profile away"
        )
    return profile


def _named(declared: Mapping[str, Any]) -> Profile | None:
    """The profile that the log names, if it can be loaded and has the same content."""
    try:
        profile = load(str(declared.get("name", "")))
    except (ProfileError, OSError):
        return None
    return profile if profile_sha256(profile) == declared.get("sha256") else None
