"""The key under which card data travel between bank and station 传输密钥, as an option names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

LENGTH = 16


def transport_key_of(
    reference: str | None, give_up: Callable[[str], NoReturn], *, digits: bool = False
) -> bytes | None:
    """The key that ``env:VARIABLE`` or ``file:PATH`` leads to, None for no reference; one that leads to none ends the command.

    With ``digits`` the option may hold the key's hexadecimal digits, too.
    """
    from profiles.keys import REFERENCES, RootKeyError, key_at

    if reference is None:
        return None
    if not digits and not reference.startswith(REFERENCES):
        give_up("--transport-key takes env:VARIABLE or file:PATH; a key itself is never written on this command line")
    try:
        return key_at(reference, LENGTH, "the option")
    except RootKeyError as error:
        give_up(f"--transport-key: {error}")
