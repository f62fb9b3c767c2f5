"""Faults of certificates and signed static data 证书与静态签名: what a careless issuing centre puts on a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conformance.faults.catalogue import Change, FaultSet, paying
from conformance.faults.payment.initiation import COMMAND, altered
from conformance.payment_chain import (
    CARD_CERTIFICATE,
    CARD_EXPONENT,
    CARD_REMAINDER,
    ISSUER_CERTIFICATE,
    ISSUER_REMAINDER,
    TAG_LIST,
)
from conformance.payment_dialogue import DDOL
from emulator.apps.payment.application import path_cell
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in, records_in
from emulator.cos.structure import STRUCTURE_CELL, Directory, Structure
from emulator.crypto import payment_signatures as signatures
from emulator.crypto.rsa import RsaCrtKey, RsaPublicKey
from emulator.crypto.sm2 import public_key_of, sign
from emulator.iso7816 import Command, TlvError, tlv
from profiles.algorithm_sets import algorithm_sets
from profiles.applications import PAYMENT_APPLICATIONS, payment_directory
from profiles.model import Profile
from profiles.payment_keys import AuthorityBits, RsaTestKey, RsaTestKeys, rsa_test_keys, sm2_test_keys

FAULTS = FaultSet(PAYMENT_APPLICATIONS)

GOOD_EXPIRY, SHORT_EXPIRY = bytes.fromhex("1236"), bytes.fromhex("1230")
"""MMYY: that of the products; after the transaction date of the terminal, but before the application ends."""
OTHER_ISSUER, OTHER_ACCOUNT = bytes.fromhex("622999FF"), bytes.fromhex("6229998660100000304F")
ISSUER_SERIAL, CARD_SERIAL = bytes.fromhex("000001"), bytes.fromhex("000002")
TEMPLATE, EFFECTIVE_DATE, ACCOUNT = 0x70, 0x5F25, 0x5A
SM2_OBJECTS = {ISSUER_CERTIFICATE: 142, CARD_CERTIFICATE: 148}
SM2_IDENTIFIERS_AT = 10
AUTHORITY_BITS: Mapping[int, AuthorityBits] = {176: 1408, 248: 1984}
"""Which test keys made an RSA certificate 90 of so many bytes."""
OTHER_IDENTITY = b"sscard"
SIGNATURE_SIZE, LONGEST_RSA = 64, 248


def _schemes(profile: Profile) -> frozenset[str]:
    name = payment_directory(profile)
    sets = algorithm_sets(profile, name) if name else ()
    return frozenset(each.certification.scheme for each in sets if each.certification)


def by_rsa(profile: Profile) -> bool:
    """A card with RSA certificates."""
    return "RSA" in _schemes(profile)


def by_sm2(profile: Profile) -> bool:
    """A card with SM2 certificates."""
    return "SM2" in _schemes(profile)


def long_rsa(profile: Profile) -> bool:
    """A card with RSA certificates of the longest keys, into which its own key fits without remainder."""
    name = payment_directory(profile)
    sets = algorithm_sets(profile, name) if name else ()
    return any(each.certification and each.certification.authority_bits == 1984 for each in sets)


# Records


def payment_application(cells: Mapping[str, Value]) -> Directory:
    """The directory of the payment application in a memory."""
    structure = octets_in(cells[STRUCTURE_CELL])
    return next(d for d in Structure.from_json(structure).directories if d.payment is not None)


def _templates(cells: Mapping[str, Value]) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Cells and records of the files of the payment application."""
    for file in payment_application(cells).files:
        records = cells[file.cell]
        if isinstance(records, tuple) and not file.log_format:
            yield file.cell, records


def objects(change: Callable[[Mapping[str, Value], dict[int, bytes]], None]) -> Change:
    """Other data objects in the records: ``change`` alters the objects of each record, by tag and in order."""

    def changed(cells: Mapping[str, Value]) -> dict[str, Value]:
        return {
            cell: tuple(_changed(cells, record, change) for record in records) for cell, records in _templates(cells)
        }

    return changed


def _changed(
    cells: Mapping[str, Value], record: bytes, change: Callable[[Mapping[str, Value], dict[int, bytes]], None]
) -> bytes:
    try:
        (whole,) = tlv.parse(record)
        held = {each.tag: each.value for each in whole.children}
    except (TlvError, ValueError):
        return record
    if whole.tag != TEMPLATE:
        return record
    change(cells, held)
    return tlv.build(TEMPLATE, *(tlv.build(tag, value) for tag, value in held.items()))


def _static_data(cells: Mapping[str, Value], *, sm: bool) -> bytes:
    """The signed records of the ordinary list of files, and the AIP."""
    directory = payment_application(cells)
    second = path_cell(directory.name, "ordinary", sm=True)
    aip, afl = records_in(cells[second if sm and second in cells else path_cell(directory.name, "ordinary")])
    files = {file.sfi: file.cell for file in directory.files}
    signed = b""
    for start in range(0, len(afl), 4):
        identifier, first, _, count = afl[start : start + 4]
        records = records_in(cells[files[identifier >> 3]])
        signed += b"".join(tlv.parse(record)[0].value for record in records[first - 1 : first - 1 + count])
    return signed + aip


# Certificates


def _pair(key: RsaTestKey) -> RsaCrtKey:
    return RsaCrtKey.of(key.p, key.q, key.e)


def _public(key: RsaTestKey) -> RsaPublicKey:
    return RsaPublicKey(key.p * key.q, key.e)


def _keys_of(certificate: bytes) -> RsaTestKeys:
    return rsa_test_keys(AUTHORITY_BITS[len(certificate)])


def _is_sm2(held: dict[int, bytes], tag: int) -> bool:
    return len(held[tag]) == SM2_OBJECTS[tag]


def _issued(cells: Mapping[str, Value], held: dict[int, bytes], identifier: bytes, expiry: bytes) -> None:
    """Another issuer certificate 90 in a record that has one."""
    if ISSUER_CERTIFICATE not in held:
        return
    if _is_sm2(held, ISSUER_CERTIFICATE):
        keys = sm2_test_keys()
        issuer = public_key_of(keys.issuer)
        made = signatures.sm2_issuer_certificate(keys.authority, identifier, expiry, ISSUER_SERIAL, issuer)
    else:
        rsa = _keys_of(held[ISSUER_CERTIFICATE])
        made = signatures.rsa_issuer_certificate(
            _pair(rsa.authority), identifier, expiry, ISSUER_SERIAL, _public(rsa.issuer)
        )
    held[ISSUER_CERTIFICATE] = made.value


def _identifier(cells: Mapping[str, Value]) -> bytes:
    """The issuer number that the account number of the card begins with."""
    for _, records in _templates(cells):
        for record in records:
            found = tlv.find(tlv.parse(record), TEMPLATE, ACCOUNT)
            if found is not None:
                return found.value[:3] + b"\xff"
    return OTHER_ISSUER


FAULTS.contents(
    "oda.other-issuer",
    "证书的发卡行标识与主账号不符",
    "The issuer certificate is that of another issuer",
    ["PAY-ODA-002"],
    objects(lambda cells, held: _issued(cells, held, OTHER_ISSUER, GOOD_EXPIRY)),
    paying,
)
FAULTS.contents(
    "oda.certificate-ends-early",
    "发卡行证书早于应用失效",
    "The issuer certificate ends before the application",
    ["PAY-ODA-003"],
    objects(lambda cells, held: _issued(cells, held, _identifier(cells), SHORT_EXPIRY)),
    paying,
)


def _wrong_hash(cells: Mapping[str, Value], held: dict[int, bytes]) -> None:
    """An RSA certificate 90 whose hash has a wrong last byte."""
    if ISSUER_CERTIFICATE in held and not _is_sm2(held, ISSUER_CERTIFICATE):
        keys = _keys_of(held[ISSUER_CERTIFICATE])
        block = _public(keys.authority).recover(held[ISSUER_CERTIFICATE])
        held[ISSUER_CERTIFICATE] = _pair(keys.authority).sign(block[:-2] + bytes((block[-2] ^ 1,)) + block[-1:])


FAULTS.contents(
    "oda.wrong-hash",
    "发卡行证书哈希错误",
    "The hash in the issuer certificate is wrong",
    ["PAY-ODA-001"],
    objects(_wrong_hash),
    by_rsa,
)


def _without(tag: int) -> Change:
    return objects(lambda _, held: _dropped(held, tag))


def _dropped(held: dict[int, bytes], tag: int) -> None:
    held.pop(tag, None)


def _replaced(tag: int, make: Callable[[bytes], bytes]) -> Change:
    """Another value of an object wherever it stands; nothing of the signatures is made anew."""

    def change(_: Mapping[str, Value], held: dict[int, bytes]) -> None:
        if tag in held:
            held[tag] = make(held[tag])

    return objects(change)


FAULTS.contents(
    "oda.remainder-lost",
    "缺少发卡行公钥余项",
    "The remainder of the issuer key is missing",
    ["PAY-ODA-001", "PAY-ODA-008"],
    _without(ISSUER_REMAINDER),
    by_rsa,
)
FAULTS.contents(
    "oda.remainder-superfluous",
    "不需要的 IC 卡公钥余项",
    "A remainder of the card key although it fits",
    ["PAY-ODA-008"],
    objects(lambda _, held: held.update({CARD_REMAINDER: b"\x00"}) if CARD_CERTIFICATE in held else None),
    long_rsa,
)
FAULTS.contents(
    "oda.exponent",
    "公钥指数为 17",
    "A public exponent of 17",
    ["PAY-ODA-007"],
    _replaced(CARD_EXPONENT, lambda _: b"\x11"),
    by_rsa,
)
FAULTS.contents(
    "oda.signed-data-changed",
    "签名后修改静态数据",
    "Signed data are changed after the signature",
    ["PAY-ODA-004", "PAY-ODA-006", "PAY-SMA-006", "PAY-SMA-007"],
    _replaced(EFFECTIVE_DATE, lambda value: value[:-1] + bytes((value[-1] ^ 1,))),
    paying,
)
FAULTS.contents(
    "oda.tag-list",
    "静态数据认证标签列表含其他标签",
    "The tag list names another object than the AIP",
    ["PAY-ODA-005"],
    _replaced(TAG_LIST, lambda _: b"\x84"),
    paying,
)
FAULTS.contents(
    "oda.ddol-without-number",
    "DDOL 不含随机数",
    "The DDOL does not ask for the unpredictable number",
    ["PAY-ODA-009"],
    _replaced(DDOL, lambda _: bytes.fromhex("9F0206")),
    paying,
)


def _certified(cells: Mapping[str, Value], held: dict[int, bytes]) -> None:
    """A card certificate 9F46 for another account number, otherwise right."""
    if CARD_CERTIFICATE not in held:
        return
    sm = _is_sm2(held, CARD_CERTIFICATE)
    static = _static_data(cells, sm=sm)
    if sm:
        keys, card = sm2_test_keys(), public_key_of(sm2_test_keys().card)
        made = signatures.sm2_card_certificate(keys.issuer, OTHER_ACCOUNT, GOOD_EXPIRY, CARD_SERIAL, card, static)
    else:
        rsa = rsa_test_keys(1984 if len(held[CARD_CERTIFICATE]) == LONGEST_RSA else 1408)
        made = signatures.rsa_card_certificate(
            _pair(rsa.issuer), OTHER_ACCOUNT, GOOD_EXPIRY, CARD_SERIAL, _public(rsa.card), static
        )
    held[CARD_CERTIFICATE] = made.value


FAULTS.contents(
    "oda.certificate-of-another-card",
    "IC 卡证书属于另一张卡",
    "The card certificate is that of another card",
    ["PAY-ODA-006", "PAY-SMA-007"],
    objects(_certified),
    paying,
)


def _unwrapped(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The signed record begins with 77 instead of 70."""
    return {
        cell: tuple(b"\x77" + record[1:] if _has_account(record) else record for record in records)
        for cell, records in _templates(cells)
    }


def _has_account(record: bytes) -> bool:
    try:
        return tlv.find(tlv.parse(record), TEMPLATE, ACCOUNT) is not None
    except TlvError:
        return False


FAULTS.contents(
    "oda.record-without-template",
    "认证记录不是模板 70",
    "A record to be authenticated is no template 70",
    ["PAY-ODA-019"],
    _unwrapped,
    paying,
)


@FAULTS.command(
    COMMAND,
    "oda.static-alone",
    "仅支持静态数据认证",
    "Static authentication is the only method",
    ["PAY-ODA-020"],
    paying,
)
def static_alone(card: Card, command: Command, good: Handler) -> bytes:
    """Bits 6 and 1 of the AIP are clear."""
    return altered(good(card, command), lambda aip, afl: (bytes((aip[0] & ~0x21,)) + aip[1:], afl))


# SM2


def _other_curve(_: Mapping[str, Value], held: dict[int, bytes]) -> None:
    """Curve 01 in the issuer certificate, with a signature that is right."""
    if ISSUER_CERTIFICATE in held and _is_sm2(held, ISSUER_CERTIFICATE):
        signed = held[ISSUER_CERTIFICATE][:-SIGNATURE_SIZE]
        content = signed[: SM2_IDENTIFIERS_AT + 2] + b"\x01" + signed[SM2_IDENTIFIERS_AT + 3 :]
        held[ISSUER_CERTIFICATE] = content + signatures.repeatable_signature(sm2_test_keys().authority, content)


FAULTS.contents(
    "sma.other-curve",
    "证书的曲线标识错误",
    "The certificate names another curve",
    ["PAY-SMA-017"],
    objects(_other_curve),
    by_sm2,
)


def _other_identity(_: Mapping[str, Value], held: dict[int, bytes]) -> None:
    """The issuer certificate is signed with another identity in Z."""
    if ISSUER_CERTIFICATE in held and _is_sm2(held, ISSUER_CERTIFICATE):
        content, key = held[ISSUER_CERTIFICATE][:-SIGNATURE_SIZE], sm2_test_keys().authority
        held[ISSUER_CERTIFICATE] = content + sign(key, content, OTHER_IDENTITY)


FAULTS.contents(
    "sma.other-identity",
    "SM2 签名使用其他标识",
    "An SM2 signature uses another identity",
    ["PAY-SMA-005", "PAY-SMA-010"],
    objects(_other_identity),
    by_sm2,
)
