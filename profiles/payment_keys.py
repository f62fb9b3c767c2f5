"""The published test keys with which payment applications are certified."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

ROLES = ("authority", "issuer", "card")


class RsaTestKey(NamedTuple):
    """An RSA key pair: two primes and the public exponent."""

    p: int
    q: int
    e: int


class RsaTestKeys(NamedTuple):
    """Certification authority, issuer and card; ``authority_index`` is the CA public key index 8F."""

    authority_index: bytes
    authority: RsaTestKey
    issuer: RsaTestKey
    card: RsaTestKey


class Sm2TestKeys(NamedTuple):
    """Private keys of 32 bytes; ``authority_index`` is the CA public key index 8F."""

    authority_index: bytes
    authority: bytes
    issuer: bytes
    card: bytes


@cache
def rsa_test_keys() -> RsaTestKeys:
    """The RSA keys: 1408, 1152 and 1024 bits."""
    table = _tables()["RSA"]
    keys = [RsaTestKey(int(key["p"], 16), int(key["q"], 16), key["e"]) for key in (table[role] for role in ROLES)]
    return RsaTestKeys(bytes.fromhex(table["index"]), *keys)


@cache
def sm2_test_keys() -> Sm2TestKeys:
    """The SM2 keys."""
    table = _tables()["SM2"]
    return Sm2TestKeys(bytes.fromhex(table["index"]), *(bytes.fromhex(table[role]) for role in ROLES))


def _tables() -> dict[str, Any]:
    return tomllib.loads(files("profiles").joinpath("payment-test-keys.toml").read_text("utf-8"))
