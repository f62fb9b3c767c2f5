"""Records of the extended application 扩展应用: identifier (2 bytes) ‖ length ‖ valid ‖ type ‖ lock ‖ data of the sector.

JR/T 0025.14 appendix B; the length counts what follows it.
"""

from __future__ import annotations

from emulator.apps.payment.application import Application
from emulator.iso7816 import StatusError

IDENTIFIER, LENGTH, LOCK = slice(0, 2), 2, 5
HEAD, COUNTED = 6, 3
"""Bytes before the data of the sector, and how many of them the length counts."""


def is_whole(record: bytes) -> bool:
    """Whether a record has a head, and the length that it tells."""
    return len(record) >= HEAD and record[LENGTH] == len(record) - HEAD + COUNTED


def refuse_locked(application: Application, record: bytes) -> None:
    """Raise the status word of a record whose lock is set (``9407``)."""
    if len(record) > LOCK and record[LOCK] == 1:
        raise StatusError(int(application.settings.extended_forbidden_answer, 16))
