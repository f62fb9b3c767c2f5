"""Which characters of a face no installed font has: they would be empty boxes in the picture."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable

SECONDS = 20.0
ASCII = 0x80
MISSING = "\ufffd"
"""What stands for a character that cannot be shown at all."""
Covers = Callable[[str], bool]
"""Whether one of the installed fonts has all characters of a text."""


def fontconfig(text: str) -> bool:
    """Ask fontconfig; raises :class:`OSError` where it cannot be asked."""
    program = shutil.which("fc-list")
    if program is None:
        raise OSError("fc-list is not installed")
    pattern = ":charset=" + " ".join(f"{ord(each):x}" for each in text)
    try:
        done = subprocess.run(  # noqa: S603  fixed words, and hexadecimal digits
            [program, pattern, "family"], capture_output=True, check=True, timeout=SECONDS
        )
    except subprocess.SubprocessError as problem:
        raise OSError(f"fc-list failed: {problem}") from None
    return bool(done.stdout.strip())


def lacking(texts: Iterable[str], covers: Covers = fontconfig) -> list[str]:
    """The characters that no font has, in the order of their codes; raises :class:`OSError` like ``covers``."""
    wanted = sorted({each for text in texts for each in text if ord(each) >= ASCII})
    beyond = [each for each in wanted if each == MISSING]
    known = [each for each in wanted if each != MISSING]
    if not known or covers("".join(known)):
        return beyond
    return [each for each in known if not covers(each)] + beyond


def warning(texts: Iterable[str], covers: Covers = fontconfig) -> str | None:
    """One sentence about what the picture lacks, or None. No character is repeated in it: they are of a person's name."""
    try:
        missing = lacking(texts, covers)
    except OSError as problem:
        return (
            f"whether the fonts have all characters is not known ({problem}); apt-get install fontconfig fonts-noto-cjk"
        )
    if not missing:
        return None
    number = "1 character" if len(missing) == 1 else f"{len(missing)} characters"
    return (
        f"no installed font has {number} of the face, which stay empty in the picture; apt-get install fonts-noto-cjk"
    )
