"""GENERATE AC at the terminal: the request, the answer in both formats, the signature of CDA (JR/T 0025.6 §7.9, JR/T 0025.7 §5)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.actors.terminal import certificates
from conformance.actors.terminal.authentication import fail, succeed_combined
from conformance.actors.terminal.bits import Tsi
from conformance.actors.terminal.certificates import Unsigned
from conformance.actors.terminal.decision import Kind
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import CryptogramGiven, Phase
from conformance.actors.terminal.transaction import Transaction
from emulator.iso7816 import SW, TlvError, tlv

GENERATE_AC, SIGNED = 0xAE, 0x10
CDOL1, CDOL2 = 0x8C, 0x8D
FORMAT_1, FORMAT_2 = 0x80, 0x77
CID, COUNTER, VALUE, ISSUER_DATA, SIGNATURE, UNPREDICTABLE = 0x9F27, 0x9F36, 0x9F26, 0x9F10, 0x9F4B, 0x9F37
COUNTER_SIZE, VALUE_SIZE, LONGEST_ISSUER_DATA = 2, 8, 32
KIND_BITS = 0xC0
CHIP_DATA = (
    *(VALUE, CID, ISSUER_DATA, UNPREDICTABLE, COUNTER, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F03, 0x9F33),
    *(0x9F34, 0x9F35, 0x9F1E, 0x84, 0x9F09, 0x9F41, 0x9F74),
)
"""Objects of field 55, in order."""


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """An answer to GENERATE AC.

    Attributes:
        kind: AAC, TC or ARQC.
        cid: 9F27.
        counter: 9F36.
        value: The cryptogram, eight bytes; empty where it stands in a signature that is wrong.
        issuer_data: 9F10, possibly empty.
        rightly_signed: False where a signature was asked for and is missing or wrong.
        chip_data: Field 55 as it was when the card computed.
    """

    kind: Kind
    cid: int
    counter: bytes
    value: bytes
    issuer_data: bytes
    rightly_signed: bool
    chip_data: bytes


def generate(transaction: Transaction, kind: Kind, number: int) -> Cryptogram:
    """The first or second GENERATE AC.

    Raises:
        Ended: A refusal, or an answer that no card may give.
    """
    transaction.enter(Phase.CRYPTOGRAM if number == 1 else Phase.COMPLETION)
    values = transaction.filled(CDOL1 if number == 1 else CDOL2)
    if number == 1:
        transaction.cdol1_values = values
    else:
        transaction.cdol2_values = values
    if len(values) > 255:
        raise Ended(Reason.CARD_ERROR, "the CDOL asks for more than a command can carry")
    signed = transaction.combined and kind is not Kind.AAC
    known = transaction.values()
    answer = transaction.channel.send(0x80, GENERATE_AC, kind | (SIGNED if signed else 0), 0, values)
    if answer.sw != SW.SUCCESS:
        raise Ended(Reason.CARD_ERROR, f"GENERATE AC answered {answer.sw:04X}")
    transaction.tsi |= Tsi.CARD_RISK_MANAGEMENT
    template, objects = _answer(answer.data)
    kind_given = _kind(objects[CID])
    value, right = objects.get(VALUE, b""), True
    if signed and kind_given is not Kind.AAC:
        value, right = _verify(transaction, template, objects)
    _require_value(value, right)
    known.update({CID: objects[CID], COUNTER: objects[COUNTER], VALUE: value, ISSUER_DATA: objects[ISSUER_DATA]})
    given = Cryptogram(
        kind_given, objects[CID][0], objects[COUNTER], value, objects[ISSUER_DATA], right, chip_data(known)
    )
    transaction.card[COUNTER] = given.counter
    text = f"{kind_given.name} {value.hex().upper()} ATC {given.counter.hex().upper()}"
    transaction.listener(
        CryptogramGiven(
            transaction.channel.phase,
            f"卡片返回 {text}",
            f"the card gives {text}",
            number,
            kind_given.name,
            given.cid,
            given.counter,
            value,
            given.issuer_data,
        )
    )
    return given


def chip_data(known: Mapping[int, bytes]) -> bytes:
    """Field 55 out of everything that is known."""
    return b"".join(tlv.build(tag, known[tag]) for tag in CHIP_DATA if known.get(tag))


def _answer(data: bytes) -> tuple[tuple[tlv.Tlv, ...], dict[int, bytes]]:
    """The objects of format 77 in order, none of format 80, and the values of either by tag."""
    try:
        outer = tlv.parse(data)
        if len(outer) != 1 or outer[0].tag not in (FORMAT_1, FORMAT_2):
            raise Ended(Reason.CARD_ERROR, "GENERATE AC answered neither format 80 nor 77")
        template = outer[0].children if outer[0].tag == FORMAT_2 else ()
    except TlvError as error:
        raise Ended(Reason.CARD_ERROR, f"GENERATE AC: {error}") from error
    if outer[0].tag == FORMAT_1:
        value = outer[0].value
        objects = {CID: value[:1], COUNTER: value[1:3], VALUE: value[3:11], ISSUER_DATA: value[11:]}
    else:
        objects = {ISSUER_DATA: b"", **{each.tag: each.value for each in template}}
        if len(template) != len({each.tag for each in template}):
            raise Ended(Reason.CARD_ERROR, "GENERATE AC answered an object twice")
    if len(objects.get(CID, b"")) != 1 or len(objects.get(COUNTER, b"")) != COUNTER_SIZE:
        raise Ended(Reason.CARD_ERROR, "GENERATE AC answered no cryptogram information or counter")
    if len(objects[ISSUER_DATA]) > LONGEST_ISSUER_DATA:
        raise Ended(Reason.CARD_ERROR, "the issuer application data are longer than 32 bytes")
    return template, objects


def _kind(cid: bytes) -> Kind:
    try:
        return Kind(cid[0] & KIND_BITS)
    except ValueError:
        raise Ended(Reason.CARD_ERROR, f"cryptogram information {cid.hex().upper()} is reserved") from None


def _require_value(value: bytes, right: bool) -> None:
    if len(value) != VALUE_SIZE and right:
        raise Ended(Reason.CARD_ERROR, f"a cryptogram of {len(value)} bytes")


def _verify(transaction: Transaction, template: tuple[tlv.Tlv, ...], objects: dict[int, bytes]) -> tuple[bytes, bool]:
    """The cryptogram in the signature, and whether the signature is right; the end stands in TVR and TSI."""
    try:
        value = _combined(transaction, template, objects)
    except Unsigned as problem:
        fail(transaction, "CDA", problem)
        return objects.get(VALUE, b""), False
    succeed_combined(transaction)
    return value, True


def _combined(transaction: Transaction, template: tuple[tlv.Tlv, ...], objects: dict[int, bytes]) -> bytes:
    signature, key = objects.get(SIGNATURE), transaction.card_key
    if signature is None or key is None:
        raise Unsigned("the cryptogram is not signed")
    signed = certificates.signed_cryptogram(key, signature, transaction.unpredictable)
    if signed.cid != objects[CID]:
        raise Unsigned("the signed cryptogram information is another one")
    answered = b"".join(each.to_bytes() for each in template if each.tag != SIGNATURE)
    covered = transaction.pdol_values + transaction.cdol1_values + transaction.cdol2_values + answered
    if not hmac.compare_digest(certificates.transaction_hash(key, covered), signed.digest):
        raise Unsigned("the signed hash of the transaction data does not fit")
    return signed.value
