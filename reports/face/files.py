"""A face in files: FILE.svg or FILE.png for the front, FILE-back beside it; its owner alone may read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from profiles.face import Face
from profiles.files import write_whole
from reports.face import fonts, png
from reports.face.render import Side, render

SUFFIXES = (".svg", ".png")
_TAG = re.compile("<[^>]*>")


class FaceError(ValueError):
    """The face cannot be written; the message says why, and what to do."""


def back_of(path: Path) -> Path:
    """Name of the file with the back."""
    return path.with_name(f"{path.stem}-back{path.suffix}")


def check_destination(path: Path) -> None:
    """Raises :class:`FaceError` where no face can be written, before anything else is done."""
    if path.suffix.lower() not in SUFFIXES:
        raise FaceError(f"{path}: the name of a face ends in .svg or .png")
    if not path.parent.is_dir():
        raise FaceError(f"{path}: there is no such folder")
    if path.suffix.lower() == ".png":
        try:
            import resvg_py  # noqa: F401
        except ImportError:
            raise FaceError(f"{path}: PNG needs resvg-py: pip install 'sscard[face]'; .svg needs nothing") from None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: both sides as SVG, also where the files are PNG, and what the fonts lack."""

    front: str = field(repr=False)
    back: str = field(repr=False)
    warning: str | None


def write(face: Face, path: Path) -> Written:
    """Write both sides, each file whole or not at all; raises :class:`FaceError`."""
    check_destination(path)
    front, back = render(face, Side.FRONT), render(face, Side.BACK)
    sides = {path: front, back_of(path): back}
    try:
        for place, svg in sides.items():
            write_whole(place, svg.encode() if place.suffix.lower() == ".svg" else png.rasterise(svg))
    except (OSError, ValueError) as problem:
        raise FaceError(f"{path}: the face cannot be written ({problem})") from None
    warning = fonts.warning(_TAG.sub("", svg) for svg in sides.values())
    return Written(front, back, warning)
