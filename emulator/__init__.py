"""The card on the table: vocabulary, cryptography, operating system, applications, links."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.apps.load import load_card

__all__ = ["load_card"]


def __getattr__(name: str) -> object:
    """Fetch :func:`load_card` when it is first wanted: the ground floor stays quick to import."""
    if name == "load_card":
        from emulator.apps.load import load_card

        return load_card
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
