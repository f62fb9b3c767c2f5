"""The contactless interface: GET PROCESSING OPTIONS with a cryptogram, fDDA, and the record that makes the debit final."""

from __future__ import annotations

import os

from emulator.apps.payment import extended
from emulator.apps.payment.application import SM_ASKED, Application, Counter, Tag
from emulator.apps.payment.authentication import dynamic_number
from emulator.apps.payment.cryptograms import FORMAT_2, cryptogram_input, issuer_data
from emulator.apps.payment.extended_decision import ORDINARY, PRE_AUTHORISATION, decision_of, indicator_of
from emulator.apps.payment.initiation import begin, given_path
from emulator.apps.payment.logs import record_transaction
from emulator.apps.payment.quick import Processing, Terminal, card_processing, terminal_qualifiers
from emulator.apps.payment.reading import available_amount
from emulator.apps.payment.reading import read_record as read_plain_record
from emulator.apps.payment.signatures import private_key, sign
from emulator.apps.payment.transaction import Cvr, Kind, Stage, Transaction, dol_fill, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.crypto import Algorithm
from emulator.crypto.payment import application_cryptogram
from emulator.crypto.rsa import RsaCrtKey
from emulator.iso7816 import SW, Command, StatusError, TlvError, tlv

QPBOC, DEBIT_CREDIT = "qPBOC", "contactless"
TEMPLATE = 0x70
TEMPLATE_FILES = range(1, 11)
LONGEST_KEY_IN_ANSWER = 1024
"""Bits of the RSA key up to which the signature fits into the answer of GET PROCESSING OPTIONS."""
SIGNED_00 = bytes.fromhex("9F3704")
SIGNED_01 = bytes.fromhex("9F37049F02065F2A02")
RESULT = {Kind.AAC: Cvr.FIRST_AAC, Kind.TC: Cvr.FIRST_TC, Kind.ARQC: Cvr.FIRST_ARQC}

COMMANDS = CommandSet()


@COMMANDS.command("GET PROCESSING OPTIONS")
def get_processing_options(card: Card, command: Command) -> bytes:
    """GET PROCESSING OPTIONS of the contactless interface (JR/T 0025.12 §7.4): 9F66 of the terminal chooses the path.

    ``6985`` where card and terminal have no path, no algorithm or no cardholder verification in common.
    """
    record_read = transaction_of(card).record_read
    application, transaction = begin(card, command)
    transaction.record_read = record_read
    card.session.application = Transaction(record_read=record_read)
    path = _path(application, terminal_qualifiers(transaction))
    quick = path == QPBOC
    answer = _quick(application, transaction) if quick else given_path(application, transaction, path)
    card.session.application = transaction
    extended.begin_updates(card, transaction)
    return answer


def _path(application: Application, offered: int) -> str:
    """The path of card and terminal (§6.5.6)."""
    order = [(QPBOC, Terminal.QPBOC), (DEBIT_CREDIT, Terminal.DEBIT_CREDIT)]
    if application.settings.contactless_preference == "debit and credit":
        order.reverse()
    for path, bit in order:
        if offered & bit and application.path(path) is not None:
            return path
    raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)


def _quick(application: Application, transaction: Transaction) -> bytes:
    """Decide, and answer; balance, counters, their old values and the flag become durable together."""
    asked = transaction.terminal.get(Tag.SM_SUPPORT)
    if application.algorithm is Algorithm.SM4 and asked is not None and asked != SM_ASKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    path = application.path(QPBOC)
    assert path is not None  # noqa: S101 - a card without it takes another path
    transaction.aip, locator = path
    transaction.quick, transaction.stage = True, Stage.FINISHED
    indicator = indicator_of(application, transaction)
    decision = decision_of(application, transaction, indicator)
    kind = decision.kind()
    transaction.cvr |= Cvr.SECOND_NOT_REQUESTED | RESULT[kind]
    cryptogram = _cryptogram(application, transaction)
    hidden = kind is Kind.TC and indicator == PRE_AUTHORISATION
    objects = _common(application, transaction, b"" if hidden else tlv.build(Tag.CRYPTOGRAM, cryptogram))
    if kind is Kind.TC:
        objects += _approved(application, transaction, locator, indicator, matched=decision.matched)
        if indicator == ORDINARY:
            application.open_debit()
            transaction.debit_open = True
        else:
            extended.hold(application, transaction, indicator, cryptogram)
    else:
        shown = decision.matched or (kind is Kind.AAC and application.settings.declined_foreign_amount_shown)
        objects += _not_approved(application, transaction, shown=shown)
    application.commit()
    return tlv.build(FORMAT_2, *objects)


def _cryptogram(application: Application, transaction: Transaction) -> bytes:
    key = application.session_key("payment cryptogram")
    return application_cryptogram(application.algorithm, key, cryptogram_input(application, transaction))


def _common(application: Application, transaction: Transaction, cryptogram: bytes) -> list[bytes]:
    """82, 9F36, 9F26 and 9F10, which every answer has; only an approved pre-authorisation keeps its cryptogram back."""
    return [
        tlv.build(Tag.AIP, transaction.aip),
        tlv.build(Tag.ATC, application.value(Tag.ATC)),
        cryptogram,
        tlv.build(Tag.ISSUER_DATA, issuer_data(application, transaction)),
    ]


def _not_approved(application: Application, transaction: Transaction, *, shown: bool) -> list[bytes]:
    """The further objects of ARQC and AAC (table 11); no list of files, because no record is to be read."""
    objects = _from_records(application, (Tag.TRACK_2, Tag.SEQUENCE_NUMBER), frozenset())
    objects += _personalised(application, Tag.PRODUCT) + _personalised(application, Tag.HOLDER)
    objects += _qualifiers(application, transaction)
    return objects + (_amount(application, transaction) if shown else [])


def _approved(
    application: Application, transaction: Transaction, locator: bytes, indicator: int, *, matched: bool
) -> list[bytes]:
    """The further objects of TC (table 12), and what its records will show."""
    places = tuple(_places(locator))
    transaction.last_record = places[-1]
    objects = [tlv.build(Tag.AFL, locator)]
    objects += _from_records(application, (Tag.TRACK_2, Tag.SEQUENCE_NUMBER), _tags(application, places))
    objects += _qualifiers(application, transaction)
    moving = [tlv.build(Tag.SIGNATURE, _signature(application, transaction, indicator))]
    moving += _amount(application, transaction) if matched else []
    place = _place_of_signature(application, locator)
    if place is None:
        return objects + moving
    transaction.additions[place] = b"".join(moving)
    return objects


def _signature(application: Application, transaction: Transaction, indicator: int) -> bytes:
    """fDDA: over 9F37 alone (version 00), or with amount, currency and 9F69 too (version 01) (appendix B).

    9F69 ends with DF61 in a transaction of the extended application (JR/T 0025.14 §5.2.6), otherwise with zero.
    """
    signed = dol_fill(SIGNED_00, transaction.terminal)
    if terminal_qualifiers(transaction) & Terminal.FDDA_01:
        always = application.settings.extended_indicator_signed == "always"
        last = application.get(Tag.EXTENDED) if always or indicator != ORDINARY else None
        data = b"\x01" + os.urandom(4) + transaction.card_qualifiers.to_bytes(2, "big") + (last or b"\0")
        signed = dol_fill(SIGNED_01, transaction.terminal) + data
        transaction.additions[transaction.last_record] = tlv.build(Tag.CARD_AUTHENTICATION, data)
    return sign(application, dynamic_number(application), signed)


def _place_of_signature(application: Application, locator: bytes) -> tuple[int, int] | None:
    """None for the answer itself; for a long RSA key the last record before the final one that is not authenticated."""
    key = private_key(application)
    if not isinstance(key, RsaCrtKey) or (key.p * key.q).bit_length() <= LONGEST_KEY_IN_ANSWER:
        return None
    free = [place for place in list(_places(locator))[:-1] if place not in set(_places(locator, signed=True))]
    return free[-1] if free else None


def _places(locator: bytes, *, signed: bool = False) -> list[tuple[int, int]]:
    """Short identifier and number of every record of a list of files, or of the authenticated ones alone."""
    found = []
    for start in range(0, len(locator), 4):
        identifier, first, last, count = locator[start : start + 4]
        end = first + count - 1 if signed else last
        found += [(identifier >> 3, number) for number in range(first, end + 1)]
    return found


def _amount(application: Application, transaction: Transaction) -> list[bytes]:
    if not card_processing(application) & Processing.SHOWS_AMOUNT or application.get(Tag.AVAILABLE_AMOUNT) != b"\x01":
        return []
    return [tlv.build(Tag.AVAILABLE_AMOUNT, available_amount(application, transaction))]


def _qualifiers(application: Application, transaction: Transaction) -> list[bytes]:
    if application.get(Tag.CARD_QUALIFIERS) is None:
        return []
    return [tlv.build(Tag.CARD_QUALIFIERS, transaction.card_qualifiers.to_bytes(2, "big"))]


def _personalised(application: Application, tag: int) -> list[bytes]:
    value = application.get(tag)
    return [] if value is None else [tlv.build(tag, value)]


# Records


def _children(record: bytes) -> tuple[tlv.Tlv, ...]:
    """The objects of a template, none of anything else: an issuer may have written what he liked."""
    try:
        return tlv.Tlv.parse(record)[0].children
    except (TlvError, IndexError):
        return ()


def _records(application: Application, identifier: int) -> tuple[bytes, ...]:
    file = application.node.files_by_sfi.get(identifier)
    records = application.cell(file.cell) if file else None
    return records if isinstance(records, tuple) else ()


def _tags(application: Application, places: tuple[tuple[int, int], ...]) -> frozenset[int]:
    """Tags that the terminal will read in records: a second one in the answer would end the transaction."""
    read = (_records(application, identifier)[number - 1 : number] for identifier, number in places)
    return frozenset(item.tag for records in read for record in records for item in _children(record))


def _from_records(application: Application, tags: tuple[int, ...], without: frozenset[int]) -> list[bytes]:
    """Objects of any record of the application, in the order of the tags."""
    every = [record for identifier in TEMPLATE_FILES for record in _records(application, identifier)]
    found = {item.tag: item.value for record in every for item in _children(record)}
    return [tlv.build(tag, found[tag]) for tag in tags if tag in found and tag not in without]


@COMMANDS.command("READ RECORD")
def read_record(card: Card, command: Command) -> bytes:
    """READ RECORD with what belongs to the transaction; the last record of the list makes the debit final (§7.7.19)."""
    record = read_plain_record(card, command)
    transaction = transaction_of(card)
    place = (command.p2 >> 3, command.p1)
    addition = transaction.additions.get(place)
    objects = _children(record)
    if addition and objects:
        record = tlv.build(TEMPLATE, *(item.to_bytes() for item in objects), addition)
    if place != transaction.last_record:
        return record
    if transaction.extended is not None:
        extended.finish(Application(card), transaction)
    elif transaction.debit_open:
        _finish(Application(card), transaction)
    return record


def _finish(application: Application, transaction: Transaction) -> None:
    """Clear the flag, and write the log where 9F68 asks for it, together; nothing where the debit was undone meanwhile."""
    transaction.debit_open = False
    if not application.counter(Counter.DEBIT_OPEN):
        return
    if card_processing(application) & Processing.LOG:
        record_transaction(application, transaction)
    application.close_debit()
    application.commit()
