"""GENERATE AC: the request judged, the first cryptogram decided."""

from __future__ import annotations

from emulator.apps.payment import risk
from emulator.apps.payment.application import Application, Counter, Tag, amount, number
from emulator.apps.payment.completion import complete
from emulator.apps.payment.cryptograms import give
from emulator.apps.payment.initiation import e_cash_tag
from emulator.apps.payment.logs import record_transaction
from emulator.apps.payment.signatures import private_key
from emulator.apps.payment.transaction import (
    Aip,
    Cvr,
    Kind,
    Stage,
    Transaction,
    dol_length,
    dol_values,
    require_started,
    transaction_of,
)
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.iso7816 import SW, Command, StatusError

CDA_REQUESTED = 0x10
KNOWN_BITS = 0xC0 | CDA_REQUESTED
MAY_DIFFER = frozenset({Tag.TVR, Tag.TSI, Tag.UNPREDICTABLE})
"""Objects of both PDOL and CDOL1 that need not be equal in an e-cash transaction."""
FIRST_RESULT = {Kind.AAC: Cvr.FIRST_AAC, Kind.TC: Cvr.FIRST_TC, Kind.ARQC: Cvr.FIRST_ARQC}

COMMANDS = CommandSet()


@COMMANDS.command("GENERATE AC")
def generate_ac(card: Card, command: Command) -> bytes:
    """GENERATE AC (JR/T 0025.5 §14 to §16, B.6): at most two in a transaction, the second only after an ARQC."""
    if command.p2 or command.p1 & ~KNOWN_BITS or command.p1 >> 6 == 3:
        raise StatusError(SW.INCORRECT_P1_P2)
    application = Application(card)
    transaction = transaction_of(card)
    second = transaction.stage is Stage.ONLINE
    cdol = application.value(Tag.CDOL2 if second else Tag.CDOL1)
    if len(command.data) != dol_length(cdol) and not _fits_a_finished_one(application, transaction, command):
        raise StatusError(SW.WRONG_LENGTH)
    require_started(card)
    if transaction.stage is Stage.FINISHED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    transaction.terminal.update(dol_values(cdol, command.data))
    requested = Kind(command.p1 >> 6)
    cda = bool(command.p1 & CDA_REQUESTED) and transaction.supports(Aip.COMBINED)
    cda = cda and private_key(application) is not None
    if second:
        return complete(application, transaction, requested, command.data, cda=cda)
    transaction.cdol1_values = command.data
    return _first(application, transaction, requested, cda=cda)


def _fits_a_finished_one(application: Application, transaction: Transaction, command: Command) -> bool:
    """Whether a third command has at least the length of a second."""
    return transaction.stage is Stage.FINISHED and len(command.data) == dol_length(application.value(Tag.CDOL2))


def _first(application: Application, transaction: Transaction, requested: Kind, *, cda: bool) -> bytes:
    kind = _decide(application, transaction, requested)
    transaction.cvr |= Cvr.SECOND_NOT_REQUESTED | FIRST_RESULT[kind]
    information = 0
    if kind is Kind.ARQC:
        application.count(Counter.ONLINE_REQUESTED, 1)
    elif kind is Kind.TC:
        if transaction.e_cash:
            _debit(application, transaction)
        else:
            risk.count_approval(application, transaction)
        record_transaction(application, transaction)
    elif not transaction.e_cash:
        information = risk.decline_offline(application, transaction)
    transaction.stage = Stage.ONLINE if kind is Kind.ARQC else Stage.FINISHED
    return give(application, transaction, kind, information, cda=cda and kind is not Kind.AAC)


def _decide(application: Application, transaction: Transaction, requested: Kind) -> Kind:
    """The kind of the first cryptogram: never higher than requested, AAC always in a blocked application."""
    if not transaction.e_cash:
        transaction.cvr |= application.counter(Counter.SCRIPTS) << Cvr.SCRIPTS_SHIFT
    verdict = risk.assess(application, transaction, risk.FIRST)
    if transaction.blocked or requested is Kind.AAC or verdict.decline:
        return Kind.AAC
    if requested is Kind.ARQC or verdict.online:
        return Kind.ARQC
    if transaction.e_cash and not _e_cash_values_hold(application, transaction):
        return Kind.AAC
    return Kind.TC


def _e_cash_values_hold(application: Application, transaction: Transaction) -> bool:
    """Whether the values given twice are equal, and the balance is still enough (JR/T 0025.13 §7.4.5)."""
    cdol1 = dol_values(application.value(Tag.CDOL1), transaction.cdol1_values)
    same = all(cdol1[tag] == value for tag, value in transaction.pdol.items() if tag in cdol1 and tag not in MAY_DIFFER)
    balance = number(application.value(e_cash_tag(transaction, Tag.BALANCE)))
    return same and number(transaction.terminal.get(Tag.AMOUNT, b"")) <= balance


def _debit(application: Application, transaction: Transaction) -> None:
    tag = e_cash_tag(transaction, Tag.BALANCE)
    left = number(application.value(tag)) - number(transaction.terminal.get(Tag.AMOUNT, b""))
    application.put(tag, amount(left))
