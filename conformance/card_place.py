"""Where a command finds a card: a virtual one in a file, or one in a reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from conformance.targets.base import Target
    from profiles.model import Profile

WRONG_USE, BENCH_FAILED = 2, 3


def open_card(
    product: Profile, image: Path | None, reader: str | None, give_up: Callable[[str, int], NoReturn]
) -> Target:
    """The card in a reader, or else the virtual one in a file; not switched on yet. Ends the command where there is none."""
    from conformance.failures import BenchError
    from conformance.targets.in_process import UnusableCard, virtual_target
    from conformance.targets.slot import open_reader

    try:
        return virtual_target(product, image) if reader is None else open_reader(reader)
    except UnusableCard as problem:
        give_up(str(problem), WRONG_USE)
    except BenchError as problem:
        give_up(str(problem), BENCH_FAILED)
