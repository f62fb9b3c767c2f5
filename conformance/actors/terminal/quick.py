"""What a contactless terminal learns from GET PROCESSING OPTIONS of qPBOC, and fDDA 快速脱机数据认证 (JR/T 0025.12 §6, appendix B)."""

from __future__ import annotations

from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.terminal import certificates
from conformance.actors.terminal.authentication import card_key
from conformance.actors.terminal.bits import Tsi, Tvr
from conformance.actors.terminal.certificates import Unsigned
from conformance.actors.terminal.cryptogram import Cryptogram, chip_data
from conformance.actors.terminal.decision import Kind
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import DataAuthenticated, Phase
from conformance.actors.terminal.transaction import Transaction

QUALIFIERS_OF_A_GATE = bytes.fromhex("28000080")
"""TTQ: qPBOC, offline alone, fDDA version 01; nobody is there to sign."""
COUNTER, VALUE, ISSUER_DATA, CID, SIGNATURE, CARD_DATA, TRACK_2 = 0x9F36, 0x9F26, 0x9F10, 0x9F27, 0x9F4B, 0x9F69, 0x57
ACCOUNT, EXTENDED = 0x5A, 0xDF61
SIGNED_01 = (0x9F37, 0x9F02, 0x5F2A)
VERSION_01 = 0x01
CARD_DATA_LENGTH = 8
KINDS = {0x1: Kind.TC, 0x2: Kind.ARQC, 0x0: Kind.AAC}


def account_number(transaction: Transaction) -> str:
    """The account number out of 57, which comes with the answer of GET PROCESSING OPTIONS.

    Raises:
        Ended: The card does not give it.
    """
    digits, separator, _ = transaction.card.get(TRACK_2, b"").hex().upper().partition("D")
    if not separator or not digits.isdecimal():
        raise Ended(Reason.CARD_ERROR, "the card gives no account number with its answer")
    return digits


def result_of(transaction: Transaction) -> Cryptogram:
    """What the card decided, by byte 5 of the issuer application data (§6.5.8).

    Raises:
        Ended: Counter or issuer application data are missing or malformed.
    """
    card = transaction.card
    try:
        kind = KINDS[IssuerData.parse(card.get(ISSUER_DATA, b"")).results[0] >> 4 & 3]
    except (IssuerDataError, KeyError) as error:
        raise Ended(Reason.CARD_ERROR, "the issuer application data are malformed") from error
    if len(card.get(COUNTER, b"")) != 2:
        raise Ended(Reason.CARD_ERROR, "the card gives no transaction counter")
    value = card.get(VALUE, b"")
    known = {**transaction.values(), CID: bytes((kind,)), VALUE: value}
    return Cryptogram(kind, kind, card[COUNTER], value, card[ISSUER_DATA], True, chip_data(known))


def authenticate(transaction: Transaction) -> bool:
    """fDDA with everything that was read; its end stands in TVR and TSI."""
    transaction.enter(Phase.DATA_AUTHENTICATION)
    failure = ""
    transaction.tsi |= Tsi.DATA_AUTHENTICATION
    try:
        _verify(transaction)
    except Unsigned as problem:
        failure = str(problem)
        transaction.tvr |= Tvr.DYNAMIC_FAILED
    zh, en = (f"fDDA 失败：{failure}", f"fDDA failed: {failure}") if failure else ("fDDA 成功", "fDDA succeeded")
    transaction.listener(DataAuthenticated(Phase.DATA_AUTHENTICATION, zh, en, "fDDA", failure))
    return not failure


def _verify(transaction: Transaction) -> None:
    card, own = transaction.card, transaction.values()
    signature, data = card.get(SIGNATURE), card.get(CARD_DATA, b"")
    if signature is None:
        raise Unsigned("the card has not signed")
    if len(data) != CARD_DATA_LENGTH or data[0] != VERSION_01:
        raise Unsigned("9F69 is missing or of another version")
    if transaction.indicator and data[-1:] != card.get(EXTENDED, b"\0"):
        raise Unsigned("9F69 signs another extended application than DF61 says")
    signed = b"".join(own[tag] for tag in SIGNED_01) + data
    transaction.card_key = card_key(transaction).key
    dynamic = certificates.dynamic_data(transaction.card_key, signature, signed)
    if dynamic != bytes((len(card[COUNTER]),)) + card[COUNTER]:
        raise Unsigned("the signature is of another transaction counter")
