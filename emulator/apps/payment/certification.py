"""Certificates and signed static data of a card, made from the published test keys when the card is built."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from emulator.apps.payment.signatures import key_to_bytes
from emulator.cos.memory import Value
from emulator.crypto.payment_certification import Subject, rsa_objects, sm2_objects
from emulator.crypto.rsa import RsaCrtKey, RsaPublicKey
from emulator.crypto.sm2 import public_key_of
from profiles.algorithm_sets import AlgorithmSet
from profiles.dictionary.payment import payment_elements
from profiles.model import Profile
from profiles.payment_content import record_values, static_data
from profiles.payment_keys import RsaTestKey, RsaTestKeys, rsa_test_keys, sm2_test_keys


class CertifiedObjects(NamedTuple):
    """8F, 90, 92, 9F32, 93, 9F46, 9F47 and 9F48 by tag, and the card's private key as the memory keeps it."""

    objects: dict[str, bytes]
    private_key: Value


def certified_objects(profile: Profile, directory: str, algorithms: AlgorithmSet) -> CertifiedObjects | None:
    """What certifies an application with one of its algorithm sets; None where the profile asks for nothing."""
    wanted = algorithms.certification
    if wanted is None:
        return None
    account = payment_elements()["5A"].decode(record_values(profile, directory)["5A"])
    static = static_data(profile, directory, algorithms.path["ordinary"])
    subject = Subject(account, wanted.expiry, wanted.code, static)
    if wanted.scheme == "RSA":
        keys = rsa_test_keys(wanted.authority_bits)
        return CertifiedObjects(_by_rsa(keys, subject), key_to_bytes(_pair(keys.card)))
    return CertifiedObjects(_by_sm2(subject), sm2_test_keys().card)


def _pair(key: RsaTestKey) -> RsaCrtKey:
    return RsaCrtKey.of(key.p, key.q, key.e)


@lru_cache(maxsize=64)
def _by_rsa(keys: RsaTestKeys, subject: Subject) -> dict[str, bytes]:
    card = RsaPublicKey(keys.card.p * keys.card.q, keys.card.e)
    return rsa_objects(keys.authority_index, _pair(keys.authority), _pair(keys.issuer), card, subject)


@lru_cache(maxsize=64)
def _by_sm2(subject: Subject) -> dict[str, bytes]:
    keys = sm2_test_keys()
    return sm2_objects(keys.authority_index, keys.authority, keys.issuer, public_key_of(keys.card), subject)
