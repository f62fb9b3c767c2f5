"""The published test keys with which payment applications are certified."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

AuthorityBits = Literal[1408, 1984]
ROLES = ("authority", "issuer", "card")
RSA_TABLES: dict[AuthorityBits, str] = {1408: "RSA", 1984: "RSA1984"}


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
def rsa_test_keys(authority_bits: AuthorityBits = 1408) -> RsaTestKeys:
    """The RSA keys of the authority with keys of that length: 1408, 1152 and 1024 bits, or 1984, 1984 and 1152."""
    table = _tables()[RSA_TABLES[authority_bits]]
    keys = [RsaTestKey(int(key["p"], 16), int(key["q"], 16), key["e"]) for key in (table[role] for role in ROLES)]
    return RsaTestKeys(bytes.fromhex(table["index"]), *keys)


@cache
def sm2_test_keys() -> Sm2TestKeys:
    """The SM2 keys."""
    table = _tables()["SM2"]
    return Sm2TestKeys(bytes.fromhex(table["index"]), *(bytes.fromhex(table[role]) for role in ROLES))


def _tables() -> dict[str, Any]:
    return tomllib.loads(files("profiles").joinpath("payment-test-keys.toml").read_text("utf-8"))
