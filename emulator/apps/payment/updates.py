"""Issuer scripts that change data: PUT DATA and UPDATE RECORD."""

from __future__ import annotations

from functools import cache

from emulator.apps.payment.application import Application, Tag, amount, number
from emulator.apps.payment.logs import record_load
from emulator.apps.payment.scripts import note_failure, run_script
from emulator.apps.payment.transaction import Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import NEVER
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.dictionary import PaymentElement, payment_elements

BY_NUMBER = 4
RECORD_TEMPLATE = 0x70
LAST_TEMPLATE_SFI = 10
LIMIT_OF = {Tag.BALANCE: Tag.BALANCE_LIMIT, 0xDF79: 0xDF77}

COMMANDS = CommandSet()


@cache
def _settable(tag: int) -> PaymentElement | None:
    element = payment_elements().get(f"{tag:X}")
    return element if element and element.put else None


@COMMANDS.command("PUT DATA")
def put_data(card: Card, command: Command) -> bytes:
    """PUT DATA (JR/T 0025.5 B.11, JR/T 0025.13 §10.4): a new balance also goes into the load log."""
    return run_script(card, command, _put)


def _put(application: Application, transaction: Transaction, command: Command, value: bytes) -> None:
    tag = command.p1 << 8 | command.p2
    element, old = _settable(tag), application.get(tag)
    if element is None or old is None:
        raise StatusError(int(application.settings.put_data_unknown_tag_answer, 16))
    if len(value) != element.length:
        raise StatusError(SW.WRONG_LENGTH)
    if element.format == "n" and not value.hex().isdigit():
        raise StatusError(SW.WRONG_DATA)
    if tag in LIMIT_OF:
        limit = application.get(LIMIT_OF[tag])
        frozen = application.frozen if tag == Tag.BALANCE else 0
        if limit is not None and number(value) + frozen > number(limit):
            raise StatusError(int(application.settings.put_data_limit_answer, 16))
        if tag == Tag.BALANCE:
            value = _less_deducted(application, old, value)
        record_load(application, transaction, tag, old, value)
    if tag == Tag.DEDUCTION_LIMIT and value < application.value(Tag.DEDUCTED):
        raise StatusError(SW.WRONG_DATA)
    application.put(tag, value)


def _less_deducted(application: Application, old: bytes, new: bytes) -> bytes:
    """A new balance after it paid what segmented charges deducted; only an empty balance owes (JR/T 0025.14 §5.2.7)."""
    deducted, given = number(application.value(Tag.DEDUCTED)), number(new)
    if number(old) or not deducted:
        return new
    paid = min(deducted, given)
    application.put(Tag.DEDUCTED, amount(deducted - paid))
    return amount(given - paid)


@COMMANDS.command("UPDATE RECORD with MAC")
def update_record(card: Card, command: Command) -> bytes:
    """UPDATE RECORD (JR/T 0025.5 B.14): replaces one record of a file that may change."""
    return run_script(card, command, _update)


def _update(application: Application, transaction: Transaction, command: Command, record: bytes) -> None:
    if command.p2 & 7 != BY_NUMBER:
        raise StatusError(SW.INCORRECT_P1_P2)
    file = application.node.files_by_sfi.get(command.p2 >> 3)
    if file is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    records = application.cell(file.cell)
    if file.update == NEVER or not isinstance(records, tuple):
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    number = command.p1
    if not 1 <= number <= len(records) or not records[number - 1]:
        raise StatusError(SW.RECORD_NOT_FOUND)
    if file.updatable is not None and number not in file.updatable:
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    if file.sfi <= LAST_TEMPLATE_SFI and not _is_template(record):
        raise StatusError(SW.WRONG_DATA)
    if len(record) > len(records[number - 1]):
        raise StatusError(SW.NOT_ENOUGH_MEMORY)
    application.changes[file.cell] = (*records[: number - 1], record, *records[number:])


def _is_template(record: bytes) -> bool:
    """Whether a record is one template 70 of well-formed data objects."""
    try:
        objects = tlv.parse(record)
        return len(objects) == 1 and objects[0].tag == RECORD_TEMPLATE and bool(objects[0].children)
    except tlv.TlvError:
        return False


@COMMANDS.command("UPDATE RECORD")
def update_record_without_mac(card: Card, command: Command) -> bytes:
    """UPDATE RECORD without secure messaging is refused, and counts as a failed script."""
    note_failure(Application(card), transaction_of(card))
    raise StatusError(SW.SECURE_MESSAGING_OBJECTS_MISSING)
