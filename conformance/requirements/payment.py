"""What of a payment application, as its profile describes it, decides which requirements apply to it.

The words are those of ``part`` in the features of the payment catalogue; :meth:`Catalogue.features_of` turns them into
features. What a profile does not show (partial selection, a card under personalisation, a terminal) must be declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_

from profiles import payment_content
from profiles.algorithm_sets import algorithm_sets
from profiles.model import Profile
from profiles.payment_keys import rsa_test_keys
from profiles.payment_model import Payment, TestCertification

DEFAULTS = {"9F52": bytes(2), "9F56": bytes(1), "9F68": b"\x80\x00\x00\x00", "DF61": bytes(1)}
"""Bit fields, and what a card without them does (JR/T 0025.5 §14.4.2, JR/T 0025.12 §7.9.2)."""
OPTIONAL = ("9F38", "9F52", "9F68")
"""Data objects whose absence is a part."""
SHORT_KEY = 1024
"""Bits of an RSA key up to which the signature stands in the answer of GET PROCESSING OPTIONS (JR/T 0025.12 §7.7)."""
CVN, IDD = 2, 8
"""Where the cryptogram version and the length of the discretionary data stand in 9F10."""
DOMESTIC_CHECKS, FOREIGN_CHECK = 0xE0, 0x04
"""Bits of 9F68 byte 1 by which a card may approve offline (JR/T 0025.12 §7.7.9)."""
VERSION_3 = bytes.fromhex("0030")
"""9F08 of cards that know fDDA version 01 (JR/T 0025.12 appendix B)."""
ENVIRONMENT = b"1PAY.SYS.DDF01"


def payment_parts(profile: Profile, name: str) -> frozenset[str]:
    """The parts of the payment application in the directory ``name`` of a profile that passed its checks.

    Raises :class:`ValueError` when the directory is no payment application.
    """
    directory = profile.directory.get(name)
    if directory is None or directory.payment is None:
        raise ValueError(f"directory {name} of profile {profile.name} is no payment application")
    objects = payment_content.data_objects(directory)
    records = payment_content.record_values(profile, name)
    application = _application(profile, name, directory.payment)
    quick = _quick(profile, name, {**objects, **payment_content.contactless_objects(directory)}, records)
    return frozenset((*_card(profile), *application, *_objects(objects), *_records(records), *quick))


def _card(profile: Profile) -> Iterator[str]:
    environment = any(directory.aid == ENVIRONMENT for directory in profile.directory.values())
    yield "PSE" if environment else "no PSE"
    if sum(directory.payment is not None for directory in profile.directory.values()) > 1:
        yield "several applications"


def _application(profile: Profile, name: str, payment: Payment) -> Iterator[str]:
    directory = profile.directory[name]
    sets = algorithm_sets(profile, name)
    yield from (f"algorithm {each.algorithm}" for each in sets)
    yield "two algorithm sets" if len(sets) > 1 else f"algorithm {sets[0].algorithm} alone"
    yield from (f"path {kind}" for kind in payment.path)
    yield from (f"key {key.use}" for key in directory.key.values())
    paths = [path for each in sets for path in each.path.values()]
    joined = reduce(or_, (int.from_bytes(path.aip) for path in paths), 0)
    yield from _bits("AIP", joined.to_bytes(2))
    for each in sets:
        if each.certification:
            yield f"certificates {each.certification.scheme}"
            yield from _card_key(each.certification)
    if payment.allowed:
        yield "conditions of use"
    if payment.settings.last_online_atc_readable:
        yield "last online ATC"
    if payment.settings.special_device:
        yield "special device"
    if directory.pin:
        yield "PIN"
    if any(file.templates and file.protected for file in directory.file.values()):
        yield "updatable records"


def _card_key(certification: TestCertification) -> Iterator[str]:
    if certification.scheme == "RSA":
        key = rsa_test_keys(certification.authority_bits).card
        size = f"of {SHORT_KEY}" if (key.p * key.q).bit_length() <= SHORT_KEY else f"above {SHORT_KEY}"
        yield f"RSA card key {size} bits"


def _quick(profile: Profile, name: str, objects: Mapping[str, bytes], records: Mapping[str, bytes]) -> Iterator[str]:
    """What the application does in qPBOC: nothing where it has no such path."""
    sets = [each for each in algorithm_sets(profile, name) if "qPBOC" in each.path]
    if not sets:
        return
    issuer_data = objects.get("9F10", b"")
    if len(issuer_data) > CVN:
        yield f"contactless CVN {issuer_data[CVN]:02X}"
    if len(issuer_data) > IDD:
        yield "contactless IDD"
    checks = objects.get("9F68", DEFAULTS["9F68"])[0]
    if not checks & DOMESTIC_CHECKS:
        yield "no offline check"
    if any(each.certification for each in sets) and checks & (DOMESTIC_CHECKS | FOREIGN_CHECK):
        yield "offline approval"
        yield "fDDA"
        if records.get("9F08") == VERSION_3:
            yield "fDDA 01"


def _objects(objects: Mapping[str, bytes]) -> Iterator[str]:
    yield from (f"data {tag}" for tag in objects)
    yield from (f"no data {tag}" for tag in OPTIONAL if tag not in objects)
    for tag, default in DEFAULTS.items():
        yield from _bits(tag, objects.get(tag, default))
    issuer_data = objects.get("9F10", b"")
    if len(issuer_data) > 2:
        yield f"CVN {issuer_data[2]:02X}"
    if len(issuer_data) > 8:
        yield "IDD"
    if len(issuer_data) == 10:
        yield f"IDD {issuer_data[9]:02X}"


def _bits(name: str, value: bytes) -> Iterator[str]:
    for number, byte in enumerate(value, 1):
        for bit in range(1, 9):
            yield f"{name} {number}.b{bit}" + ("" if byte & 1 << bit - 1 else "=0")


def _records(records: Mapping[str, bytes]) -> Iterator[str]:
    yield from (f"record {tag}" for tag in records)
    methods = {method & 0x3F for method in records.get("8E", b"")[8::2]}
    yield from (f"CVM {method:02X}" for method in sorted(methods))
    if methods & {0x01, 0x03}:
        yield "CVM 01 or 03"
    account = records.get("5A", b"").hex().upper().rstrip("F")
    if len(account) + 2 < 16:
        yield "short PAN"
