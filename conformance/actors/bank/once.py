"""Requests that are carried out once, however often and late they come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from conformance.actors.bank.ledger import Ledger


def once(ledger: Ledger, desk: str, number: str, content: tuple[object, ...], act: Callable[[], str]) -> str | None:
    """The answer of a desk to a request: what ``act`` gives the first time, in one transaction, and the same ever after.

    Returns:
        None where the number came before with another content.

    Raises:
        ValueError: The number is empty.
    """
    if not number:
        raise ValueError("a request needs a number that no other request has")
    fingerprint = hashlib.sha256(repr(content).encode()).hexdigest()
    with ledger.transaction():
        before = ledger.answered(desk, number)
        if before is not None:
            return before[1] if before[0] == fingerprint else None
        answer = act()
        ledger.keep_answer(desk, number, fingerprint, answer)
        return answer
