"""Faults of dynamic and combined signatures 动态与复合签名: what a card signs, and when."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from emulator.apps.payment.application import Application, Tag
from emulator.apps.payment.authentication import FORMAT_1, dynamic_number
from emulator.apps.payment.cryptograms import FORMAT_2
from emulator.apps.payment.signatures import sign, transaction_hash
from emulator.apps.payment.transaction import Cvr, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command, tlv
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
INTERNAL, GENERATE = "INTERNAL AUTHENTICATE", "GENERATE AC"
SIGNED = 0x10
KIND_BITS = 0xC0


@FAULTS.command(
    INTERNAL,
    "oda.constant-random",
    "动态签名不含终端随机数",
    "The dynamic signature is over zeros instead of the terminal's number",
    ["PAY-ODA-010", "PAY-ODA-013", "PAY-SMA-008"],
    paying,
)
def constant_random(card: Card, command: Command, good: Handler) -> bytes:
    """Whatever comes is taken for zeros."""
    return good(card, command._replace(data=bytes(len(command.data))))


@FAULTS.command(
    INTERNAL,
    "oda.replayed-signature",
    "重复返回上一次动态签名",
    "The signature of the last time comes again",
    ["PAY-ODA-010", "PAY-ODA-013", "PAY-SMA-008"],
    paying,
)
def replayed_signature(card: Card, command: Command, good: Handler) -> bytes:
    """The first signature of a transaction serves for the others, too."""
    transaction = transaction_of(card)
    answer = good(card, command)
    kept = transaction.additions.setdefault((0, 0), answer)
    return kept


@FAULTS.command(
    INTERNAL,
    "oda.constant-number",
    "动态数固定不变",
    "The dynamic number of the card is always the same",
    ["PAY-ODA-011"],
    paying,
)
def constant_number(card: Card, command: Command, good: Handler) -> bytes:
    """0001 instead of the counter, signed as it should be."""
    good(card, command)
    return tlv.build(FORMAT_1, sign(Application(card), b"\x02\x00\x01", command.data))


@FAULTS.command(
    INTERNAL,
    "oda.signature-untold",
    "内部认证未置 CVR",
    "INTERNAL AUTHENTICATE leaves no mark in the card verification results",
    ["PAY-ODA-012"],
    paying,
)
def signature_untold(card: Card, command: Command, good: Handler) -> bytes:
    """Bit 2 of byte 4 stays clear."""
    answer = good(card, command)
    transaction_of(card).cvr &= ~Cvr.DYNAMIC_PERFORMED
    return answer


# CDA


def signed_answer(card: Card, plain: bytes, covered_before: bytes, results: int = 0) -> bytes:
    """A cryptogram of format 1 as a signed one; ``results`` are bits of the CVR that its 9F10 shows besides."""
    application, transaction = Application(card), transaction_of(card)
    value = tlv.parse(plain)[0].value
    cid, counter, cryptogram, issuer_data = value[:1], value[1:3], value[3:11], bytearray(value[11:])
    issuer_data[6] |= results
    head = tlv.build(Tag.CID, cid) + tlv.build(Tag.ATC, counter)
    tail = tlv.build(Tag.ISSUER_DATA, bytes(issuer_data))
    dynamic = dynamic_number(application) + cid + cryptogram
    dynamic += transaction_hash(application, covered_before + head + tail)
    signature = sign(application, dynamic, transaction.terminal.get(Tag.UNPREDICTABLE, b""), combined=True)
    return tlv.build(FORMAT_2, head, tlv.build(Tag.SIGNATURE, signature), tail)


def _told(transaction: Transaction, command: Command) -> bytes:
    """Values of PDOL and of the CDOLs up to this command."""
    earlier = transaction.pdol_values + transaction.cdol1_values
    return earlier if command.data == transaction.cdol1_values else earlier + command.data


@FAULTS.command(GENERATE, "oda.aac-signed", "AAC 带签名", "An AAC is signed", ["PAY-ODA-017"], paying)
def signed_whenever_asked(card: Card, command: Command, good: Handler) -> bytes:
    """Whenever a signature is asked for, there is one: also of an AAC, also where the AIP promises none."""
    answer = good(card, command)
    if not command.p1 & SIGNED or answer[0] != FORMAT_1:
        return answer
    return signed_answer(card, answer, _told(transaction_of(card), command))


@FAULTS.command(
    GENERATE,
    "oda.results-after-cryptogram",
    "计算密文后才置 CVR",
    "The results show the signature only after the cryptogram was computed",
    ["PAY-ODA-016"],
    paying,
)
def results_after_cryptogram(card: Card, command: Command, good: Handler) -> bytes:
    """The cryptogram is made without the bit that 9F10 shows."""
    if not command.p1 & SIGNED:
        return good(card, command)
    answer = good(card, command._replace(p1=command.p1 & ~SIGNED))
    if not answer[2] & KIND_BITS:
        return answer
    return signed_answer(card, answer, _told(transaction_of(card), command), Cvr.DYNAMIC_PERFORMED)


@FAULTS.command(
    GENERATE,
    "oda.hash-without-options",
    "交易哈希不含 PDOL 数据",
    "The hash of a signed cryptogram leaves the PDOL values out",
    ["PAY-ODA-015", "PAY-SMA-009"],
    paying,
)
def hash_without_options(card: Card, command: Command, good: Handler) -> bytes:
    """The values are forgotten before they are hashed."""
    transaction_of(card).pdol_values = b""
    return good(card, command)


@FAULTS.command(
    GENERATE,
    "oda.plain-cryptogram-too",
    "签名应答中另含明文密文",
    "A signed answer holds the cryptogram in plain, too",
    ["PAY-ODA-014"],
    paying,
)
def plain_cryptogram_too(card: Card, command: Command, good: Handler) -> bytes:
    """9F26 behind the signature."""
    answer = good(card, command)
    (whole,) = tlv.parse(answer)
    if whole.tag != FORMAT_2:
        return answer
    return tlv.build(
        FORMAT_2,
        *(each.to_bytes() for each in whole.children),
        tlv.build(Tag.CRYPTOGRAM, transaction_of(card).cryptogram),
    )
