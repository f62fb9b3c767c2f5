"""How a cryptogram leaves the card: its input, the issuer application data, and the answer with or without signature."""

from __future__ import annotations

from emulator.apps.payment.application import Application, Counter, Tag, amount, number
from emulator.apps.payment.authentication import FORMAT_1, dynamic_number
from emulator.apps.payment.initiation import e_cash_tag
from emulator.apps.payment.reading import available_amount
from emulator.apps.payment.signatures import sign, transaction_hash
from emulator.apps.payment.transaction import Cvr, Kind, Transaction, dol_fill
from emulator.crypto.payment import application_cryptogram, issuer_data_mac
from emulator.iso7816 import tlv

FORMAT_2 = 0x77
VERSION_01_INPUT = bytes.fromhex("9F02069F03069F1A0295055F2A029A039C019F3704")
"""Terminal values of cryptogram version 01; AIP, ATC and card verification results follow."""
VERSION_17 = 0x17
VERSION_17_INPUT = bytes.fromhex("9F02069F3704")
CVR_LENGTH = 0x03
MAC_DATA = {1: 0x0A, 2: 0x0A, 3: 0x0F, 4: 0x0F, 5: 0x0A}
"""Length byte of issuer discretionary data by its identifier."""


def give(
    application: Application, transaction: Transaction, kind: Kind, information: int, cdol2: bytes = b"", *, cda: bool
) -> bytes:
    """Make the cryptogram, commit everything that the command changed, and answer.

    ``information`` are the advice and reason bits of the CID, ``cdol2`` the values of a second GENERATE AC. With ``cda``
    the answer is signed.
    """
    if cda:
        transaction.cvr |= Cvr.DYNAMIC_PERFORMED
    information |= kind << 6
    discretionary = issuer_data(application, transaction)
    cryptogram = application_cryptogram(
        application.algorithm,
        application.session_key("payment cryptogram"),
        cryptogram_input(application, transaction),
    )
    if not transaction.cryptogram:
        transaction.cryptogram = cryptogram
    counter = application.value(Tag.ATC)
    if not cda:
        application.commit()
        return tlv.build(FORMAT_1, bytes((information,)), counter, cryptogram, discretionary)
    head = tlv.build(Tag.CID, bytes((information,))) + tlv.build(Tag.ATC, counter)
    tail = tlv.build(Tag.ISSUER_DATA, discretionary)
    covered = transaction.pdol_values + transaction.cdol1_values + cdol2 + head + tail
    dynamic = dynamic_number(application) + bytes((information,)) + cryptogram
    dynamic += transaction_hash(application, covered)
    signature = sign(application, dynamic, transaction.terminal.get(Tag.UNPREDICTABLE, b""), combined=True)
    application.commit()
    return tlv.build(FORMAT_2, head, tlv.build(Tag.SIGNATURE, signature), tail)


def _results(transaction: Transaction) -> bytes:
    return transaction.cvr.to_bytes(3, "big")


def cryptogram_input(application: Application, transaction: Transaction) -> bytes:
    """What the application cryptogram covers, by the version that the issuer application data name."""
    counter = application.value(Tag.ATC)
    if application.value(Tag.ISSUER_DATA)[2] == VERSION_17:
        return dol_fill(VERSION_17_INPUT, transaction.terminal) + counter + _results(transaction)[:1]
    values = dol_fill(VERSION_01_INPUT, transaction.terminal)
    return values + transaction.aip + counter + bytes((CVR_LENGTH,)) + _results(transaction)


def issuer_data(application: Application, transaction: Transaction) -> bytes:
    """9F10: ``07`` ‖ derivation index ‖ version ‖ CVR ‖ algorithm ‖ discretionary data, with MAC where it is of that kind."""
    template = application.value(Tag.ISSUER_DATA)
    fixed = template[:3] + bytes((CVR_LENGTH,)) + _results(transaction) + template[7:8]
    if len(template) == 10 and MAC_DATA.get(template[9]) == template[8]:
        identifier = template[9]
        values = b"".join(value[1:] for value in _discretionary_values(application, transaction, identifier))
        key = application.session_key("payment MAC")
        mac = issuer_data_mac(application.algorithm, key, application.value(Tag.ATC), values)
        return fixed + template[8:10] + values + mac
    return fixed + template[8:]


def _discretionary_values(application: Application, transaction: Transaction, identifier: int) -> list[bytes]:
    """The amounts of an identifier, six bytes each, as the command leaves them (JR/T 0025.12 appendix D).

    What pre-authorisations freeze counts as balance here, but not in qPBOC (JR/T 0025.14 §6.2.8).
    """
    balance = application.get(e_cash_tag(transaction, Tag.BALANCE)) or amount(0)
    if not transaction.quick and not transaction.second_currency:
        balance = amount(number(balance) + application.frozen)
    total = amount(application.counter(Counter.CUMULATIVE_AMOUNT))
    limit = application.get(Tag.AMOUNT_LIMIT) or amount(0)
    return {
        1: [balance],
        2: [total],
        3: [balance, total],
        4: [total, limit],
        5: [available_amount(application, transaction)],
    }[identifier]
