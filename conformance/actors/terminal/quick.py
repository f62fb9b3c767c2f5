"""What a contactless terminal learns from GET PROCESSING OPTIONS of qPBOC, and fDDA 快速脱机数据认证 (JR/T 0025.12 §6, appendix B)."""

from __future__ import annotations

from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.bank.messages import ClearingRecord
from conformance.actors.terminal import certificates
from conformance.actors.terminal.authentication import card_key
from conformance.actors.terminal.bits import Aip, Tsi, Tvr
from conformance.actors.terminal.certificates import Unsigned
from conformance.actors.terminal.clearing import clearing_record
from conformance.actors.terminal.cryptogram import Cryptogram, chip_data
from conformance.actors.terminal.decision import Kind
from conformance.actors.terminal.ending import Dropped, Ended, Reason
from conformance.actors.terminal.events import DataAuthenticated, Phase
from conformance.actors.terminal.selection import contactless_candidates, select
from conformance.actors.terminal.transaction import Transaction

QUALIFIERS_OF_A_GATE = bytes.fromhex("28000080")
"""TTQ: qPBOC, offline alone, fDDA version 01; nobody is there to sign."""
COUNTER, VALUE, ISSUER_DATA, CID, SIGNATURE, CARD_DATA, TRACK_2 = 0x9F36, 0x9F26, 0x9F10, 0x9F27, 0x9F4B, 0x9F69, 0x57
EXTENDED, CARD_VERSION = 0xDF61, 0x9F08
SIGNED_01 = (0x9F37, 0x9F02, 0x5F2A)
SIGNED_00 = (0x9F37,)
VERSION_01 = 0x01
TERMINAL_HAS_VERSION_01 = 0x80
"""Bit of byte 4 of the TTQ."""
CARD_DATA_LENGTH = 8
CARD_QUALIFIERS, QUALIFIERS_SIGNED = 0x9F6C, slice(5, 7)
"""CTQ 卡片交易属性, and where 9F69 repeats them."""
KINDS = {0x1: Kind.TC, 0x2: Kind.ARQC, 0x0: Kind.AAC}


def open_application(transaction: Transaction) -> None:
    """Select applications of the proximity environment until one is there.

    Raises:
        Ended: There is none.
    """
    transaction.enter(Phase.SELECTION)
    for candidate in contactless_candidates(transaction):
        try:
            select(transaction, candidate)
            return
        except Dropped:
            transaction.say(f"放弃 {candidate.aid.hex().upper()}", f"{candidate.aid.hex().upper()} does not serve")
    raise Ended(Reason.NO_APPLICATION)


def clearing_of(transaction: Transaction, number: str, made: Cryptogram) -> ClearingRecord | None:
    """The record for the batch; a pre-authorisation and a free passage have none."""
    purchase = transaction.purchase
    if not made.value or not purchase.amount:
        return None
    return clearing_record(transaction, number, made, e_cash=True)


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
    """Version 01 signs 9F69 and the amount with the unpredictable number, version 00 that number alone (appendix B)."""
    card, own = transaction.card, transaction.values()
    signature, data = card.get(SIGNATURE), card.get(CARD_DATA)
    if not transaction.supports(Aip.DYNAMIC):
        raise Unsigned("the AIP does not tell of dynamic data authentication")
    if signature is None:
        raise Unsigned("the card has not signed")
    if data is None:
        _require_version_00(transaction)
        signed = b"".join(own[tag] for tag in SIGNED_00)
    else:
        _require_version_01(transaction, data)
        signed = b"".join(own[tag] for tag in SIGNED_01) + data
    transaction.card_key = card_key(transaction).key
    dynamic = certificates.dynamic_data(transaction.card_key, signature, signed)
    if dynamic != bytes((len(card[COUNTER]),)) + card[COUNTER]:
        raise Unsigned("the signature is of another transaction counter")


def _takes_version_01(transaction: Transaction) -> bool:
    return bool(transaction.qualifiers[3] & TERMINAL_HAS_VERSION_01)


def _require_version_01(transaction: Transaction, data: bytes) -> None:
    if len(data) != CARD_DATA_LENGTH or data[0] != VERSION_01 or not _takes_version_01(transaction):
        raise Unsigned("9F69 is of a version that the terminal did not ask for")
    if transaction.indicator and data[-1:] != transaction.card.get(EXTENDED, b"\0"):
        raise Unsigned("9F69 signs another extended application than DF61 says")
    if data[QUALIFIERS_SIGNED] != transaction.card.get(CARD_QUALIFIERS, bytes(2)):
        raise Unsigned("9F69 signs other card transaction qualifiers than 9F6C says")


def _require_version_00(transaction: Transaction) -> None:
    """A terminal of version 01 takes version 00 from a card of an earlier edition alone: others were downgraded."""
    if transaction.indicator:
        raise Unsigned("9F69 is missing")
    if not _takes_version_01(transaction):
        return
    edition = transaction.card.get(CARD_VERSION)
    if edition is None or edition >= transaction.application.version:
        raise Unsigned("9F69 is missing: the card was downgraded to version 00")
