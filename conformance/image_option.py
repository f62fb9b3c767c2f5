"""``--image``: the file in which a terminal of the command line keeps its virtual card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from conformance.targets.in_process import InProcessTarget
    from profiles.model import Profile


def kept_card(command: str, profile: Profile, image: Path | None, *, contactless: bool = False) -> InProcessTarget:
    """The virtual card in a file; where there is none a new one is made, and said, because the name may be mistyped.

    Raises:
        UnusableCard: See :func:`conformance.targets.in_process.virtual_target`.
    """
    from conformance.targets.in_process import virtual_target

    missing = image is not None and not image.exists()
    target = virtual_target(profile, image, contactless=contactless)
    if missing:
        typer.echo(f"sscard {command}: 新卡 {image} is a new card of {profile.name}: there was no such file", err=True)
    return target
