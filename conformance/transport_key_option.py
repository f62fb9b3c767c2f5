"""The key under which card data travel between bank and station 传输密钥, as an option names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

LENGTH = 16


def transport_key_of(reference: str | None, give_up: Callable[[str], NoReturn]) -> bytes | None:
    """The key that ``env:VARIABLE``, ``file:PATH`` or digits lead to, None for no reference; one that leads to none ends the command."""
    from profiles.keys import RootKeyError, referenced_key

    try:
        return None if reference is None else referenced_key("of transport", reference, LENGTH)
    except RootKeyError as error:
        give_up(str(error))
