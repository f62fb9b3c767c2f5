"""Certificates and signed static data of a card, made from the published test keys when the card is built."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from emulator.apps.payment.signatures import key_to_bytes
from emulator.cos.memory import Value
from emulator.crypto import payment_signatures as signatures
from emulator.crypto.payment_signatures import Certificate
from emulator.crypto.rsa import RsaCrtKey, RsaPublicKey
from emulator.crypto.sm2 import public_key_of
from profiles.algorithm_sets import AlgorithmSet
from profiles.dictionary.payment import payment_elements
from profiles.model import Profile, TransactionPath
from profiles.payment_content import encode_records, record_values
from profiles.payment_keys import RsaTestKey, RsaTestKeys, rsa_test_keys, sm2_test_keys

ISSUER_SERIAL, CARD_SERIAL = bytes.fromhex("000001"), bytes.fromhex("000002")
AIP_ONLY = "82"
TEMPLATE_FILES = range(1, 11)
"""Short identifiers of files of which only the content of the template is signed."""


class CertifiedObjects(NamedTuple):
    """8F, 90, 92, 9F32, 93, 9F46, 9F47 and 9F48 by tag, and the card's private key as the memory keeps it."""

    objects: dict[str, bytes]
    private_key: Value


def certified_objects(profile: Profile, directory: str, algorithms: AlgorithmSet) -> CertifiedObjects | None:
    """What certifies an application with one of its algorithm sets; None where the profile asks for nothing."""
    wanted = algorithms.certification
    if wanted is None:
        return None
    values = record_values(profile, directory)
    account = payment_elements()["5A"].decode(values["5A"])
    static = static_data(profile, directory, algorithms.path["ordinary"], values)
    identifier = bytes.fromhex(account[:6] + "FF")
    pan = bytes.fromhex(account.ljust(20, "F"))
    if wanted.scheme == "RSA":
        keys = rsa_test_keys(wanted.authority_bits)
        objects = _by_rsa(keys, identifier, pan, wanted.expiry, wanted.code, static)
        return CertifiedObjects(objects, key_to_bytes(_pair(keys.card)))
    return CertifiedObjects(_by_sm2(identifier, pan, wanted.expiry, wanted.code, static), sm2_test_keys().card)


def static_data(profile: Profile, directory: str, path: TransactionPath, values: dict[str, bytes]) -> bytes:
    """What the static signatures cover: the signed records of the AFL, then the AIP where 9F4A asks for it."""
    files = {file.short_identifier: name for name, file in profile.directory[directory].file.items()}
    signed = b""
    for start in range(0, len(path.afl), 4):
        identifier, first, _, count = path.afl[start : start + 4]
        records = encode_records(profile, directory, files[identifier >> 3])[first - 1 : first - 1 + count]
        for record in records:
            signed += record[2 if record[1] < 0x80 else 3 :] if identifier >> 3 in TEMPLATE_FILES else record
    return signed + (path.aip if values.get("9F4A") == bytes.fromhex(AIP_ONLY) else b"")


def _pair(key: RsaTestKey) -> RsaCrtKey:
    return RsaCrtKey.of(key.p, key.q, key.e)


def _public(key: RsaTestKey) -> RsaPublicKey:
    return RsaPublicKey(key.p * key.q, key.e)


@lru_cache(maxsize=64)
def _by_rsa(
    keys: RsaTestKeys, identifier: bytes, pan: bytes, expiry: bytes, code: bytes, static: bytes
) -> dict[str, bytes]:
    authority, issuer = _pair(keys.authority), _pair(keys.issuer)
    of_issuer = signatures.rsa_issuer_certificate(authority, identifier, expiry, ISSUER_SERIAL, _public(keys.issuer))
    of_card = signatures.rsa_card_certificate(issuer, pan, expiry, CARD_SERIAL, _public(keys.card), static)
    signed = signatures.rsa_signed_static_data(issuer, code, static)
    return _objects(keys.authority_index, of_issuer, of_card, signed)


@lru_cache(maxsize=64)
def _by_sm2(identifier: bytes, pan: bytes, expiry: bytes, code: bytes, static: bytes) -> dict[str, bytes]:
    keys = sm2_test_keys()
    issuer, card = public_key_of(keys.issuer), public_key_of(keys.card)
    of_issuer = signatures.sm2_issuer_certificate(keys.authority, identifier, expiry, ISSUER_SERIAL, issuer)
    of_card = signatures.sm2_card_certificate(keys.issuer, pan, expiry, CARD_SERIAL, card, static)
    signed = signatures.sm2_signed_static_data(keys.issuer, code, static)
    return _objects(keys.authority_index, of_issuer, of_card, signed)


def _objects(index: bytes, issuer: Certificate, card: Certificate, signed_static_data: bytes) -> dict[str, bytes]:
    return {
        "8F": index,
        "90": issuer.value,
        "92": issuer.remainder,
        "9F32": issuer.exponent,
        "93": signed_static_data,
        "9F46": card.value,
        "9F47": card.exponent,
        "9F48": card.remainder,
    }
