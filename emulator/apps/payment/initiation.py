"""GET PROCESSING OPTIONS: the beginning of a transaction, and whether it is one of e-cash."""

from __future__ import annotations

from emulator.apps.payment.application import (
    ORDINARY,
    SECOND_CURRENCY_OF,
    Application,
    Counter,
    Tag,
    allowed_cell,
    number,
)
from emulator.apps.payment.transaction import Stage, Transaction, dol_length, dol_values
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.structure import CARD_STATE_CELL, CardState, DirectoryState
from emulator.iso7816 import SW, Command, StatusError, tlv

COMMAND_TEMPLATE, FORMAT_1 = 0x83, 0x80
LAST_COUNTER = 0xFFFF
E_CASH = "e-cash"

COMMANDS = CommandSet()


@COMMANDS.command("GET PROCESSING OPTIONS")
def get_processing_options(card: Card, command: Command) -> bytes:
    """GET PROCESSING OPTIONS (JR/T 0025.5 §7, B.8).

    The counter that reaches FFFF blocks the application for good.
    """
    application, transaction = begin(card, command)
    kind = _choose(application, transaction)
    card.session.application = transaction
    return given_path(application, transaction, kind)


def begin(card: Card, command: Command) -> tuple[Application, Transaction]:
    """Judge the command, spend a transaction counter, and answer the transaction that begins."""
    application = Application(card)
    values = _values(application, command)
    if application.undo_open_debit():
        card.session.application = Transaction()
    if application.state == DirectoryState.BLOCKED_FOR_GOOD or _card_is_blocked(card):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    given = dol_values(application.value(Tag.PDOL), values)
    if not _conditions_are_met(application, given):
        if application.settings.refused_start_counts:
            _count(application)
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    _count(application)
    application.choose_algorithms(given.get(Tag.SM_SUPPORT))
    transaction = Transaction(
        stage=Stage.STARTED,
        sm=application.sm,
        blocked=application.state == DirectoryState.BLOCKED,
        pdol_values=values,
        pdol=given,
        terminal=dict(given),
    )
    return application, transaction


def given_path(application: Application, transaction: Transaction, kind: str) -> bytes:
    """The answer with AIP and AFL of a kind of transaction."""
    path = application.path(kind)
    assert path is not None  # noqa: S101 - written when the card was built
    transaction.aip = path[0]
    return tlv.build(FORMAT_1, *path)


def _values(application: Application, command: Command) -> bytes:
    """The values of the PDOL; the order of refusals is P1-P2, tag, lengths."""
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    data = command.data
    if len(data) < 2:
        raise StatusError(SW.WRONG_LENGTH)
    if data[0] != COMMAND_TEMPLATE:
        raise StatusError(SW.WRONG_DATA)
    wanted = dol_length(application.value(Tag.PDOL))
    head = bytes((COMMAND_TEMPLATE,)) + tlv.encode_length(wanted)
    if len(data) != len(head) + wanted or not data.startswith(head):
        raise StatusError(SW.WRONG_LENGTH)
    return data[len(head) :]


def _card_is_blocked(card: Card) -> bool:
    return card.memory.cells[CARD_STATE_CELL] == CardState.TERMINATED


def _conditions_are_met(application: Application, given: dict[int, bytes]) -> bool:
    """The issuer's own conditions of use: every object named has one of its allowed values."""
    entries = application.cell(allowed_cell(application.name))
    allowed: dict[int, set[bytes]] = {}
    for entry in entries if isinstance(entries, tuple) else ():
        allowed.setdefault(int.from_bytes(entry[:2], "big"), set()).add(entry[2:])
    return all(given.get(tag) in values for tag, values in allowed.items())


def _count(application: Application) -> None:
    """Spend one transaction counter for good before anything depends on it."""
    counter = application.atc + 1
    application.put(Tag.ATC, counter.to_bytes(2, "big"))
    if counter == LAST_COUNTER:
        application.state = DirectoryState.BLOCKED_FOR_GOOD
    application.commit()
    if counter == LAST_COUNTER:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)


def _choose(application: Application, transaction: Transaction) -> str:
    """Ordinary or e-cash (JR/T 0025.13 §7.4.2, JR/T 0025.15 §5.2.2); the choice stays for the whole transaction."""
    currency = transaction.given(Tag.TERMINAL_CURRENCY)
    if currency and currency != application.get(Tag.CURRENCY):
        transaction.second_currency = currency == application.get(Tag.E_CASH_SECOND_CURRENCY)
        if not transaction.second_currency:
            return ORDINARY
    transaction.e_cash = bool(currency) and _is_e_cash(application, transaction)
    return E_CASH if transaction.e_cash else ORDINARY


def _is_e_cash(application: Application, transaction: Transaction) -> bool:
    balance = application.get(e_cash_tag(transaction, Tag.BALANCE))
    if balance is None or application.path(E_CASH) is None:
        return False
    if transaction.terminal.get(Tag.E_CASH_TERMINAL) != b"\x01":
        return False
    asked = number(transaction.terminal.get(Tag.AMOUNT, b""))
    single = application.get(e_cash_tag(transaction, Tag.SINGLE_LIMIT))
    return (
        asked <= number(balance)
        and (single is None or asked <= number(single))
        and not application.counter(Counter.AUTHENTICATION_FAILED)
        and not application.counter(Counter.SCRIPT_FAILED)
        and application.pin_tries != 0
    )


def e_cash_tag(transaction: Transaction, tag: int) -> int:
    """The object of the e-cash currency of this transaction, for one of the first currency."""
    return SECOND_CURRENCY_OF.get(tag, tag) if transaction.second_currency else tag
