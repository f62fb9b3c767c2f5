"""READ RECORD and GET DATA."""

from __future__ import annotations

from functools import cache

from emulator.apps.payment.application import SECOND_CURRENCY_OF, Application, Counter, Tag, amount, number
from emulator.apps.payment.extended_records import refuse_locked
from emulator.apps.payment.initiation import e_cash_tag
from emulator.apps.payment.logs import whole_load_log
from emulator.apps.payment.transaction import Cvr, Stage, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, exact_length
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.dictionary import payment_elements

BY_NUMBER = 4

RECORDS = CommandSet()
COMMANDS = CommandSet()


@RECORDS.command("READ RECORD")
def read_record(card: Card, command: Command) -> bytes:
    """READ RECORD by number with a short identifier (JR/T 0025.5 B.12); P1 00 reads the whole load log."""
    number_asked, sfi = command.p1, command.p2 >> 3
    if command.p2 & 7 != BY_NUMBER:
        raise StatusError(SW.INCORRECT_P1_P2)
    if command.data:
        raise StatusError(SW.WRONG_LENGTH)
    file = card.session.node.files_by_sfi.get(sfi)
    if file is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    card.session.require(file.read)
    transaction_of(card)  # from now on SELECT of the next occurrence finds nothing
    records = card.memory.cells[file.cell]
    if not isinstance(records, tuple):
        raise StatusError(SW.INCOMPATIBLE_WITH_FILE_STRUCTURE)
    if number_asked == 0 and file.log_format == Tag.LOAD_LOG_FORMAT:
        answer = whole_load_log(Application(card), records)
    elif 1 <= number_asked <= len(records) and records[number_asked - 1]:
        answer = records[number_asked - 1]
        if file.opening_key:
            refuse_locked(Application(card), answer)
    else:
        raise StatusError(SW.RECORD_NOT_FOUND)
    exact_length(command, len(answer))
    return answer


@COMMANDS.command("GET DATA")
def get_data(card: Card, command: Command) -> bytes:
    """GET DATA (JR/T 0025.5 B.7): tag, length and value; ``6A88`` for what is not there or may not be read."""
    if command.data:
        raise StatusError(SW.WRONG_LENGTH)
    tag = command.p1 << 8 | command.p2
    application = Application(card)
    transaction = transaction_of(card)
    value = _value(application, transaction, tag)
    if value is None:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    answer = tlv.build(tag, value)
    exact_length(command, len(answer))
    if tag == Tag.PIN_TRIES and value == b"\0" and transaction.stage is not Stage.SELECTED:
        transaction.cvr |= Cvr.PIN_EXCEEDED
    return answer


@cache
def _right(tag: int) -> str | None:
    element = payment_elements().get(f"{tag:X}")
    return element.get if element else None


def _may_read(application: Application, tag: int) -> bool:
    settings = application.settings
    if tag == Tag.LAST_ONLINE_ATC:
        return settings.last_online_atc_readable
    if tag == Tag.PIN_TRIES:
        return settings.pin_tries_readable
    if tag in (Tag.BALANCE_LIMIT, Tag.SINGLE_LIMIT) and settings.e_cash_limits_readable:
        return True
    right = _right(tag)
    return right == "free" or (right == "special" and settings.special_device)


def _value(application: Application, transaction: Transaction, tag: int) -> bytes | None:
    if not _may_read(application, tag):
        return None
    if tag == Tag.PIN_TRIES:
        tries = application.pin_tries
        return None if tries is None else bytes((tries,))
    if tag == Tag.AVAILABLE_AMOUNT:
        if application.get(tag) != b"\x01":
            return None
        return available_amount(application, transaction)
    if tag in SECOND_CURRENCY_OF and application.get(e_cash_tag(transaction, tag)) is not None:
        tag = e_cash_tag(transaction, tag)
    return application.get(tag)


LOW_VALUE, LOW_VALUE_AND_TOTAL, LOW_VALUE_OR_TOTAL = 0x80, 0x40, 0x20
DEFAULT_PROCESSING = bytes((LOW_VALUE, 0, 0, 0))


def available_amount(application: Application, transaction: Transaction) -> bytes:
    """9F5D 可用脱机消费金额, by the offline check that byte 1 of the card additional processing 9F68 chooses."""
    option = (application.get(Tag.CARD_PROCESSING) or DEFAULT_PROCESSING)[0]
    balance = number(application.value(e_cash_tag(transaction, Tag.BALANCE)))
    limit = application.get(Tag.AMOUNT_UPPER_LIMIT) or application.value(Tag.AMOUNT_LIMIT)
    left = max(number(limit) - application.counter(Counter.CUMULATIVE_AMOUNT), 0)
    if option & LOW_VALUE:
        return amount(balance)
    if option & LOW_VALUE_AND_TOTAL:
        return amount(left)
    if option & LOW_VALUE_OR_TOTAL:
        return amount(balance + left)
    return amount(0)
