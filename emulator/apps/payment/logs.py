"""Transaction log 交易日志 and load log 圈存日志: made together with what they record, read with a MAC."""

from __future__ import annotations

from emulator.apps.payment.application import Application, Tag
from emulator.apps.payment.transaction import Transaction, dol_fill, dol_values
from emulator.cos.memory import records_in
from emulator.cos.structure import File
from emulator.crypto.payment import payment_mac

LARGEST_READ = 10
_HEAD = 14
"""Bytes of tag, old and new balance."""


def record_transaction(application: Application, transaction: Transaction) -> None:
    """Add the transaction to the log, with the change that grants it (JR/T 0025.5 §18)."""
    known = {**_values_of_card(application), **transaction.terminal}
    _add(application, Tag.LOG_FORMAT, dol_fill(application.value(Tag.LOG_FORMAT), known))


def record_load(application: Application, transaction: Transaction, tag: int, old: bytes, new: bytes) -> None:
    """Add a new balance to the load log: tag, old and new balance, then what DF4F lists (JR/T 0025.13 §5.8)."""
    known = {**_values_of_card(application), **transaction.terminal}
    details = dol_fill(application.value(Tag.LOAD_LOG_FORMAT), known)
    _add(application, Tag.LOAD_LOG_FORMAT, tag.to_bytes(2, "big") + old + new + details)


def whole_load_log(application: Application, records: tuple[bytes, ...]) -> bytes:
    """ATC ‖ count ‖ the newest records, short ‖ MAC (JR/T 0025.13 §10.2).

    A short record has tag, old and new balance, date, time, and the transaction counter.
    """
    shown = records[:LARGEST_READ]
    if application.settings.full_load_log_order == "oldest first":
        shown = shown[::-1]
    counter = application.value(Tag.ATC)
    data = counter + bytes((len(shown),)) + b"".join(_short(application, record) for record in shown)
    return data + payment_mac(application.algorithm, application.session_key("payment MAC"), data)


def _short(application: Application, record: bytes) -> bytes:
    details = dol_values(application.value(Tag.LOAD_LOG_FORMAT), record[_HEAD:])
    parts = ((Tag.DATE, 3), (Tag.TIME, 3), (Tag.ATC, 2))
    return record[:_HEAD] + b"".join(details.get(tag, b"").rjust(size, b"\0") for tag, size in parts)


def _values_of_card(application: Application) -> dict[int, bytes]:
    return {Tag.ATC: application.value(Tag.ATC)}


def _add(application: Application, log_format: int, record: bytes) -> None:
    log = _log(application, log_format)
    if log is None:
        return
    records = records_in(application.cell(log.cell))
    application.changes[log.cell] = (record, *records)[: log.capacity]


def _log(application: Application, log_format: int) -> File | None:
    return next((file for file in application.directory.files if file.log_format == log_format), None)
